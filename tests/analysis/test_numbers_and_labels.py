"""A phone's packets over UDP: numbers that a buffer puts right, or that stand still, and labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from tests.corpus.runs import sound_of
from tests.corpus.wires import RTP, START_NS, Packet, alaw, mulaw, packed
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.findings import Circumstances, Finding
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import NOTHING, Told
from voipbin_cli.codec.payload_types import STATIC, PayloadType
from voipbin_cli.offline.transcoding import transcoder

SOUND = np.frombuffer(b"".join(sound_of("speech", 5).frame(n) for n in range(400)), "<i2")
FRAMES = [SOUND[at : at + 160] for at in range(0, len(SOUND), 160)]


def told_of(
    sent: list[Packet], told: Told = NOTHING, *, is_datagrams: bool = True
) -> StreamDiagnosis:
    transcode = transcoder(told.codec) if told.is_transcoded else None
    stream = StreamFold(RTP, is_datagrams=is_datagrams, told=told, transcode=transcode)
    rows = sorted(sent, key=lambda packet: packet.time_s)
    stream.add(
        from_messages(
            TimedMessage(packed(RTP, packet), START_NS + round(packet.time_s * 1e9))
            for packet in rows
        )
    )
    stream.flush()
    return diagnose(stream, Circumstances())


def phone(payloads: list[bytes], label: int = 0, step: int = 160) -> list[Packet]:
    return [
        Packet(n * 0.02, payload, 1000 + n, 5000 + n * step, 0xABCDEF, label)
        for n, payload in enumerate(payloads)
    ]


SPOKEN = phone([*map(mulaw, FRAMES)])


def found(told: StreamDiagnosis, name: str) -> Finding | None:
    return next((one for one in told.findings if one.id == name), None)


def overtaken(rng: Random, n: int, packet: Packet) -> list[Packet]:
    return [replace(packet, time_s=packet.time_s + 0.021 * (n % 7 == 3))]


def twice(rng: Random, n: int, packet: Packet) -> list[Packet]:
    again = replace(packet, time_s=packet.time_s + 0.001)
    return [packet, again] if n % 50 == 3 else [packet]


@pytest.mark.parametrize("fault", [overtaken, twice])
def test_what_a_buffer_puts_right_is_an_info_over_udp_and_none_over_tcp(
    fault: Callable[[Random, int, Packet], list[Packet]],
) -> None:
    sent = [one for n, packet in enumerate(SPOKEN) for one in fault(Random(1), n, packet)]
    for is_datagrams, severity in ((True, "info"), (False, "warning")):
        told = told_of(sent, is_datagrams=is_datagrams)
        sequence = found(told, "sequence")
        assert sequence is not None
        assert sequence.severity == severity
        assert ("buffer puts that right" in sequence.title) is is_datagrams
        # Played as it comes it has seams, which are no fault of their own.
        assert found(told, "clicks") is None
    assert told.measured.quality.value is not None


def test_packets_that_jitter_shuffles_are_told_as_jitter() -> None:
    rng = Random(2)
    sent = [replace(one, time_s=one.time_s + abs(rng.gauss(0, 0.05))) for one in SPOKEN]
    told = told_of(sent)
    assert [one.id for one in told.findings if one.severity != "info"] == ["jitter"]
    sequence = found(told, "sequence")
    assert sequence is not None
    assert sequence.severity == "info"


def test_one_that_is_lost_among_those_out_of_order_is_no_mere_info() -> None:
    sent = [one for n, packet in enumerate(SPOKEN) for one in overtaken(Random(1), n, packet)]
    told = told_of([one for one in sent if one.sequence != 1101])
    sequence = found(told, "sequence")
    assert sequence is not None
    assert sequence.severity == "warning"


@pytest.mark.parametrize("by", [0, -1])
def test_numbers_that_do_not_count_are_told_and_not_scored(by: int) -> None:
    sent = [replace(one, sequence=5000 + by * n) for n, one in enumerate(SPOKEN)]
    told = told_of(sent, is_datagrams=False)
    sequence = found(told, "sequence")
    assert sequence is not None
    assert sequence.confidence == 1.0
    assert "stands still or goes backwards" in sequence.title
    assert told.measured.quality.value is None
    assert told.measured.quality.reason == "sequence numbers do not count the packets"


def test_of_a_few_packets_no_number_is_said_to_stand_still() -> None:
    sent = [replace(one, sequence=5000) for one in SPOKEN[:20]]
    assert found(told_of(sent, is_datagrams=False), "sequence") is None


def test_a_label_that_changes_alone_is_told_from_there_on() -> None:
    """A re-INVITE to A-law (8), after which mu-law goes on: who goes by the label hears noise."""
    sent = [replace(one, payload_type=8 * (n >= 200)) for n, one in enumerate(SPOKEN)]
    told = told_of(sent)
    mismatch, restart = found(told, "codec-mismatch"), found(told, "stream-restart")
    assert mismatch is not None
    assert restart is not None
    assert dict(mismatch.evidence) == {
        "found": "mulaw",
        "due": "alaw",
        "payload_type": 8,
        "from_frame": 200,
    }
    assert "as its label says" not in restart.title


def test_a_label_that_changes_with_its_codec_or_before_silence_is_right() -> None:
    halves = [*map(mulaw, FRAMES[:200]), *map(alaw, FRAMES[200:])]
    silence = [*map(mulaw, FRAMES[:200]), *[b"\xd5" * 160] * 200]
    for payloads in (halves, silence):
        sent = phone(payloads)
        told = told_of([replace(one, payload_type=8 * (n >= 200)) for n, one in enumerate(sent)])
        assert found(told, "codec-mismatch") is None
        restart = found(told, "stream-restart")
        assert restart is not None
        assert "as its label says" in restart.title


L16 = Told(codec=STATIC[11], by="payload type 11 (RFC 3551)", is_transcoded=True)


def test_l16_by_a_static_type_that_comes_at_8000_hz_is_of_another_rate() -> None:
    """Type 11 is 44,100 Hz (RFC 3551 table 4): played so, it is five times too fast."""
    sent = phone([frame.astype(">i2").tobytes() for frame in FRAMES], 11)
    told = told_of(sent, L16)
    first = told.findings[0]
    assert (first.id, first.severity) == ("wrong-rate", "error")
    assert first.title == (
        "samples come at 8000 Hz, and payload type 11 (RFC 3551) says L16 at 44100 Hz"
    )
    assert first.evidence["due"] == 44_100
    assert [one.id for one in told.findings if one.severity != "info"] == ["wrong-rate"]


def test_what_is_noise_as_l16_is_said_to_be_that_by_its_label() -> None:
    told = told_of(phone([*map(mulaw, FRAMES)], 11), L16)
    first = told.findings[0]
    assert first.id == "codec-mismatch"
    assert first.title == (
        "payload type 11 (RFC 3551) says L16 at 44100 Hz, and read as that the payload is noise"
    )


@pytest.mark.parametrize(("order", "is_swapped"), [("<i2", True), (">i2", False)])
def test_l16_of_a_phone_is_big_endian(order: str, is_swapped: bool) -> None:
    """RFC 3551 4.5.11; SDP says here that a dynamic type is L16 at 8000 Hz."""
    sdp = Told(codec=PayloadType(97, "L16", 8000, 1), by="SDP")
    told = told_of(phone([frame.astype(order).tobytes() for frame in FRAMES], 97), sdp)
    swapped = found(told, "byte-order")
    assert (swapped is not None) is is_swapped
    if swapped is not None:
        assert swapped.title == "samples are byte-swapped: little-endian, and SDP says L16"
        assert dict(swapped.evidence) == {"found": "s16le", "due": "s16be"}
