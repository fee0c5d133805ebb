"""The dialect's name, and what to send: the table of the four dialects, row by row."""

from __future__ import annotations

import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import Dialect, Fingerprint, name_dialect, send_form

RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
RANDOM_SSRC = 0x5BD1E995


@pytest.mark.parametrize(
    ("fingerprint", "received", "dialect", "sent", "payload_type", "frame_bytes"),
    [
        (Fingerprint(0, RANDOM_SSRC, 4711), Codec.MULAW, "documented", Codec.MULAW, 0, 160),
        (Fingerprint(96, 0, 1), Codec.MULAW, "deployed", Codec.S16LE, 96, 320),
        (Fingerprint(96, 0, 1), Codec.S16LE, "linear", Codec.S16LE, 96, 320),
        (Fingerprint(0, 0, 1), Codec.MULAW, "legacy", Codec.S16LE, 0, 320),
        # joined in the middle: SSRC 0 is the bridge's all the same
        (Fingerprint(0, 0, 900), Codec.MULAW, "legacy", Codec.S16LE, 0, 320),
        (Fingerprint(8, RANDOM_SSRC, 5), Codec.ALAW, "unknown", Codec.ALAW, 8, 160),
        (Fingerprint(97, RANDOM_SSRC, 5), Codec.S16BE, "unknown", Codec.S16BE, 97, 320),
        (Fingerprint(0, RANDOM_SSRC, 5), Codec.S16LE, "unknown", Codec.MULAW, 0, 160),
    ],
)
def test_rtp_by_its_fingerprint(fingerprint, received, dialect, sent, payload_type, frame_bytes):
    assert name_dialect(RTP, received, fingerprint) == dialect
    form = send_form(RTP, fingerprint, received)
    assert (form.codec, form.payload_type, form.frame_bytes) == (sent, payload_type, frame_bytes)
    assert 0 < form.confidence < 1
    assert form.reason


@pytest.mark.parametrize("encapsulation", [e for e in Encapsulation if e is not RTP])
def test_linear_is_due_where_no_payload_type_tells(encapsulation):
    form = send_form(encapsulation)
    assert (form.codec, form.payload_type, form.frame_bytes) == (Codec.S16LE, None, 320)
    assert 0.9 < form.confidence < 1


@pytest.mark.parametrize("encapsulation", [SLN, AUDIOSOCKET])
@pytest.mark.parametrize("received", Codec)
def test_sln_and_audiosocket_always_take_linear(encapsulation, received) -> None:
    form = send_form(encapsulation, None, received)
    assert (form.codec, form.payload_type, form.frame_bytes) == (Codec.S16LE, None, 320)


@pytest.mark.parametrize(
    ("received", "dialect"),
    [
        (Codec.MULAW, Dialect.DEPLOYED),
        (Codec.S16LE, Dialect.LINEAR),
        (Codec.ALAW, Dialect.UNKNOWN),
        (Codec.S16BE, Dialect.UNKNOWN),
    ],
)
def test_without_rtp_the_observed_dialect_is_named(received: Codec, dialect: Dialect) -> None:
    assert name_dialect(SLN, received, None) is dialect
    assert name_dialect(RTP, received, None) is dialect


def test_before_anything_arrived_the_deployed_form_is_a_guess() -> None:
    form = send_form(RTP)
    assert (form.codec, form.payload_type) == (Codec.S16LE, 96)
    assert form.confidence <= 0.5


def test_sending_is_surer_when_the_sequence_was_seen_from_its_start() -> None:
    start, middle = send_form(RTP, Fingerprint(0, 0, 1)), send_form(RTP, Fingerprint(0, 0, 2))
    assert start.confidence > middle.confidence
