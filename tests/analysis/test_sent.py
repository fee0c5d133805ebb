"""Bots of every dialect, right ones and wrong ones: what is told of what they send."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import count

import numpy as np
import pytest

from tests.analysis.farend.pacings import PACINGS
from tests.corpus.runs import START_NS, Run, arrivals, sound_of
from voipbin_cli.analysis.diagnosis import DiagnosisFold, StreamDiagnosis
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.simulator.forms import ACCEPTED

MS = 1_000_000
SECONDS = 10
DIALECTS = [Dialect.DOCUMENTED, Dialect.DEPLOYED, Dialect.LINEAR, Dialect.LEGACY]
STEADY = [n * 20 * MS for n in range(SECONDS * 50)]


@lru_cache
def received(dialect: Dialect, encapsulation: Encapsulation) -> list[TimedMessage]:
    options = {"dialect": str(dialect)}
    return arrivals(Run("", "clean", frozenset(), encapsulation, options, SECONDS))


def speech(number: int) -> bytes:
    """20 ms of another speaker than the one that is heard."""
    return sound_of("speech", 5).frame(number)


def packed(
    encapsulation: Encapsulation, payloads: Iterator[bytes], number: int, samples: int = 160
) -> Iterator[bytes]:
    packer = Packer(encapsulation, payload_type=number, sequence_number=7, timestamp=9, ssrc=77)
    for payload in payloads:
        yield packer.pack(payload, samples)


def right(dialect: Dialect, encapsulation: Encapsulation) -> Iterator[bytes]:
    """What the far end takes, frame after frame."""
    takes = ACCEPTED[dialect]
    codec = takes.codec if encapsulation is Encapsulation.RTP else Codec.S16LE
    frames = (encode(codec, speech(n)) for n in count())
    return packed(encapsulation, frames, takes.payload_type)


def diagnosed(
    sent: Iterator[bytes],
    times_ns: list[int] = STEADY,
    *,
    dialect: Dialect = Dialect.DEPLOYED,
    encapsulation: Encapsulation = Encapsulation.SLN,
    target: str = "call/1",
) -> StreamDiagnosis:
    run = DiagnosisFold(StreamFold(encapsulation), target, StreamFold(encapsulation))
    assert run.sent is not None
    run.opened()
    run.stream.add(from_messages(received(dialect, encapsulation)))
    rng = random.Random(1)
    uneven = (at + int(rng.expovariate(1 / 0.3) * MS) for at in times_ns)
    run.sent.add(
        from_messages(
            TimedMessage(message, START_NS + at)
            for at, message in zip(sorted(uneven), sent, strict=False)
        )
    )
    run.flush()
    return run.diagnosis()


def told(diagnosis: StreamDiagnosis) -> list[tuple[str, str, str]]:
    """Id, severity and direction of each finding, but that both speak all the time, as they do."""
    rows = [(f.id.value, f.severity.value, str(f.direction)) for f in diagnosis.findings]
    return [row for row in rows if row[:2] != ("talk-over", "info")]


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_of_a_right_bot_nothing_is_told(dialect: Dialect, encapsulation: Encapsulation) -> None:
    diagnosis = diagnosed(
        right(dialect, encapsulation), dialect=dialect, encapsulation=encapsulation
    )
    assert [row for row in told(diagnosis) if row[2] == "out"] == []
    fields = diagnosis.as_fields()
    assert fields["far_end"]["heard_share"] == 1.0
    assert set(fields["metrics_sent"]) == set(fields["metrics"])
    assert fields["metrics_sent"]["mos"]["value"] > 4.3


@pytest.mark.parametrize("lead_ms", [20, 60])
def test_a_bot_that_pauses_between_sentences_is_right(lead_ms: int) -> None:
    times = [max(0, at - lead_ms * MS) for at in STEADY[:150]]
    times += [5 * 1000 * MS + at for at in times]
    frames = packed(Encapsulation.SLN, (speech(n) for n in count()), 0)
    assert told(diagnosed(frames, times)) == []


def test_of_a_bot_that_is_too_fast_it_is_told_what_becomes_of_its_sound() -> None:
    """19 ms a frame are 53 ms too many a second: 500 ms wait after 9.5 s."""
    frames = packed(Encapsulation.SLN, (speech(n) for n in count()), 0)
    diagnosis = diagnosed(frames, [n * 19 * MS for n in range(450)])
    told_first = diagnosis.findings[0]
    assert (told_first.id, told_first.direction) == ("sender-pace", "out")
    assert "queue grows by 53 ms a second" in told_first.title
    assert "about every 10 s" in told_first.title
    assert "holes" not in told_first.title


def test_silence_now_and_then_keeps_a_far_end_awake_and_is_not_judged() -> None:
    diagnosis = diagnosed(iter([bytes(320)] * SECONDS), [n * 1000 * MS for n in range(SECONDS)])
    assert told(diagnosis) == []
    assert diagnosis.as_fields()["metrics_sent"] is None


def _mulaw(pcm: bytes) -> bytes:
    return encode(Codec.MULAW, pcm)


def _louder(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, "<i2").astype(int) * 40
    return samples.clip(-32768, 32767).astype("<i2").tobytes()


def _swapped(pcm: bytes) -> bytes:
    return np.frombuffer(pcm, "<i2").byteswap().tobytes()


def _stereo(pcm: bytes) -> bytes:
    return np.repeat(np.frombuffer(pcm, "<i2"), 2).tobytes()


def _at_24k(pcm: bytes) -> bytes:
    samples = np.frombuffer(pcm, "<i2")
    return np.interp(np.arange(480) / 3, np.arange(160), samples).astype("<i2").tobytes()


WRONG: dict[str, tuple[Callable[[bytes], bytes], str, str]] = {
    "mu-law where linear is due": (_mulaw, "codec-mismatch", "error"),
    "forty times too loud": (_louder, "clipping", "warning"),
    "nothing but zeros": (lambda pcm: bytes(len(pcm)), "silence", "warning"),
    "the bytes swapped": (_swapped, "byte-order", "error"),
    "two channels": (_stereo, "codec-mismatch", "error"),
    "samples of 24 kHz": (_at_24k, "wrong-rate", "error"),
    "a file's header on each": (lambda pcm: _WAV + pcm, "not-audio", "error"),
    "words": (lambda pcm: b'{"event":"media","payload":"%s"}' % pcm.hex()[:80].encode(),
              "not-audio", "error"),
}  # fmt: skip
_WAV = b"RIFF\x64\x01\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x40\1\0\0"


@pytest.mark.parametrize("fault", WRONG)
def test_what_a_bot_sends_wrong_is_the_first_thing_told(fault: str) -> None:
    spoil, finding, severity = WRONG[fault]
    diagnosis = diagnosed(spoil(speech(n)) for n in count())
    assert told(diagnosis)[0] == (finding, severity, "out")
    assert not [row for row in told(diagnosis) if row[2] == "in"]
    assert diagnosis.findings[0].remedy


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("a frame each 21 ms", "sender-pace"),
        ("a frame each 25 ms", "sender-pace"),
        ("a frame each 35 ms", "sender-pace"),
        ("a frame each 40 ms", "sender-pace"),
        ("sleeps 20 ms after 1.3 ms of work", "sender-pace"),
        ("sleeps 20 ms after 4 ms of work", "sender-pace"),
        ("stalls of 150 ms", "underrun"),
        ("stalls of 450 ms", "underrun"),
        ("12000 ms ahead", "sender-pace"),
        ("1000 ms ahead", "sender-pace"),
    ],
)
def test_a_wrong_pace_is_told_by_what_the_phone_hears(name: str, finding: str) -> None:
    times = [at for at, _ in PACINGS[name]]
    diagnosis = diagnosed(right(Dialect.DEPLOYED, Encapsulation.SLN), times)
    assert [(row[0], row[2]) for row in told(diagnosis)] == [(finding, "out")]
    assert diagnosis.findings[0].evidence["heard_share"] < 0.99


@pytest.mark.parametrize("apart_ms", [0, 10])
@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_of_frames_sent_twice_that_is_told_and_not_the_pace_it_makes(
    encapsulation: Encapsulation, apart_ms: int
) -> None:
    frames = (frame for frame in right(Dialect.DEPLOYED, encapsulation) for _ in range(2))
    times = [at + again * apart_ms * MS for at in STEADY for again in range(2)]
    diagnosis = diagnosed(frames, times, encapsulation=encapsulation)
    out = [row for row in told(diagnosis) if row[2] == "out"]
    cause = "sequence" if encapsulation is Encapsulation.RTP else "repeated-audio"
    assert out == [(cause, "error", "out")]
    assert "twice" in diagnosis.findings[0].title
    assert "out of the queue as you send it" in diagnosis.findings[0].remedy


@pytest.mark.parametrize("name", ["60 ms ahead", "80 ms ahead", "late by up to 8 ms"])
def test_a_right_pace_is_not(name: str) -> None:
    times = [at for at, _ in PACINGS[name]]
    assert told(diagnosed(right(Dialect.DEPLOYED, Encapsulation.SLN), times)) == []


def test_a_conference_takes_less_of_a_lead_than_a_call() -> None:
    times = [at for at, _ in PACINGS["400 ms ahead"]]
    sent = [right(Dialect.DEPLOYED, Encapsulation.SLN) for _ in range(2)]
    assert told(diagnosed(sent[0], times)) == []
    (found,) = diagnosed(sent[1], times, target="conference/1").findings
    assert found.evidence["thrown_away_ms"] == 400


def test_the_wrong_payload_type_is_dropped_and_told_as_that() -> None:
    mulaw = (_mulaw(speech(n)) for n in count())
    sent = packed(Encapsulation.RTP, mulaw, 0)
    diagnosis = diagnosed(sent, encapsulation=Encapsulation.RTP)
    out = [row for row in told(diagnosis) if row[2] == "out"]
    assert [row[0] for row in out] == ["payload-label", "codec-mismatch"]
    assert diagnosis.findings[0].evidence["due"] == 96
    assert diagnosis.as_fields()["far_end"] is None  # nothing of it came to be heard


def test_odd_bytes_are_carried_over() -> None:
    whole = b"".join(speech(n) for n in range(SECONDS * 50))
    cuts = [*range(0, len(whole), 641)]
    pieces = (whole[start : start + 641][: 640 + n % 2] for n, start in enumerate(cuts))
    diagnosis = diagnosed(pieces, STEADY[::2])
    assert told(diagnosis)[0][0] == "misaligned"
    assert "carry the odd byte" in diagnosis.findings[0].remedy
