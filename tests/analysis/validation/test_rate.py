"""Samples a second by their arrivals, payload types that tell of them, who sends nothing."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import numpy as np
import pytest

from tests.corpus.runs import MS, sound_of
from tests.corpus.wires import alaw, mulaw
from tests.support.hextext import vector
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

IN, OUT = Direction.IN, Direction.OUT
RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
SOUND = b"".join(sound_of("speech", 5).frame(n) for n in range(400))
RULE = "audio-sample-rate"


def rows(
    size: int, each_ms: float, jitter_ms: float = 0.5, seconds: float = 4
) -> list[TimedMessage]:
    """Linear sound in messages of `size` bytes, one each so many ms, again from its start."""
    rng = random.Random(size)
    count = round(1000 * seconds / each_ms)
    return [
        TimedMessage(
            (SOUND * 8)[n * size : (n + 1) * size],
            round((n * each_ms + rng.uniform(0, jitter_ms)) * MS),
        )
        for n in range(count)
    ]


def broken(
    messages: Iterable[TimedMessage],
    direction: Direction = OUT,
    encapsulation: Encapsulation = SLN,
    **manner: bool,
) -> dict[str, tuple[str, int]]:
    validator = Validator(encapsulation, **manner)
    list(validator.add(direction, from_messages(messages)))
    list(validator.finish())
    return {g.rule.id.value: (g.first.message, g.count) for g in validator.tally.groups}


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(
    ("size", "each_ms", "hz"),
    [
        (640, 20, 16_000),
        (320, 10, 16_000),
        (9600, 200, 24_000),
        (3528, 40, 44_100),
    ],
)
def test_sound_of_another_rate_is_told_with_it(
    direction: Direction, size: int, each_ms: float, hz: int
) -> None:
    message, count = broken(rows(size, each_ms), direction)[RULE]
    assert message.startswith(f"{hz} samples a second")
    assert count >= 900 / each_ms  # two seconds tell it


@pytest.mark.parametrize("cut", [1, 37, 130])
def test_it_is_told_alike_however_the_stream_is_cut(cut: int) -> None:
    messages = rows(640, 20, jitter_ms=18)
    validator, found = Validator(SLN), set[int]()
    for start in range(0, len(messages), cut):
        for part in validator.add(OUT, from_messages(messages[start : start + cut])):
            found |= {one.frame for one in part.violations() if one.rule.id == RULE}
    for part in validator.finish():
        found |= {one.frame for one in part.violations() if one.rule.id == RULE}
    assert len(found) == broken(messages)[RULE][1]


@pytest.mark.parametrize(
    ("size", "each_ms", "jitter_ms"),
    [
        (320, 20, 0.5),
        (320, 20, 15),  # jitter
        (640, 40, 0.5),
        (320, 19.7, 0.5),  # a clock that is off by 1.5 %: no rate that exists
        (320, 21, 0.5),  # too slow
        (320, 40, 0.5),  # half of it: 4000 Hz is no rate
        (320, 15.5, 0.5),  # a timer that is wrong: 10,323 a second
    ],
)
def test_what_comes_at_no_other_rate_is_not_said_to(
    size: int, each_ms: float, jitter_ms: float
) -> None:
    assert RULE not in broken(rows(size, each_ms, jitter_ms))


def test_a_file_that_is_sent_at_once_and_speech_with_pauses_have_no_rate() -> None:
    at_once = rows(320, 0.3, 0.01, seconds=0.4)
    turns = [
        row._replace(time_ns=row.time_ns + n // 40 * 700 * MS)
        for n, row in enumerate(rows(320, 10))
    ]
    assert RULE not in broken(at_once)
    assert RULE not in broken(turns)


def test_frames_that_are_sent_twice_are_of_their_rate() -> None:
    twice = [row for row in rows(320, 20) for _ in range(2)]
    assert RULE not in broken(twice)


def test_mulaw_where_linear_is_due_is_no_rate_but_a_codec() -> None:
    samples = np.frombuffer(SOUND, "<i2")
    halves = [
        TimedMessage(mulaw(samples[n * 160 : n * 160 + 160]), n * 20 * MS) for n in range(200)
    ]
    assert broken(halves).keys() & {RULE, "audio-mulaw"} == {"audio-mulaw"}


def test_the_rate_that_is_due_is_that_of_the_kind() -> None:
    """Kind 12 is 16 kHz: 640 bytes are 20 ms of it."""
    for each_ms, is_broken in ((20, False), (40, True)):
        framed = [
            row._replace(data=struct.pack("!BH", 0x12, 640) + bytes(row.data))  # type: ignore[arg-type]
            for row in rows(640, each_ms, seconds=4)
        ]
        assert (RULE in broken(framed, IN, AUDIOSOCKET)) is is_broken


def packets(payloads: list[bytes], types: list[int], step: int) -> list[TimedMessage]:
    heads = (struct.pack("!BBHII", 0x80, kind, n, n * step, 0x1234) for n, kind in enumerate(types))
    return [
        TimedMessage(head + payload, n * 20 * MS)
        for n, (head, payload) in enumerate(zip(heads, payloads, strict=True))
    ]


def swapped(frame: bytes) -> bytes:
    return np.frombuffer(frame, "<i2").astype(">i2").tobytes()


def test_a_phone_s_l16_is_held_to_its_label() -> None:
    """Payload type 11 is L16 at 44,100 Hz, big-endian (RFC 3551 table 4, 4.5.11)."""
    frames = [SOUND[n * 320 : n * 320 + 320] for n in range(150)]
    right = [swapped((SOUND * 6)[n * 1764 : n * 1764 + 1764]) for n in range(150)]
    found = broken(packets(right, [11] * 150, 882), IN, RTP, is_datagrams=True)
    assert found.keys() == {"rtp-payload-type"}
    found = broken(packets([*map(swapped, frames)], [11] * 150, 160), IN, RTP, is_datagrams=True)
    assert found[RULE][0].startswith("8000 samples a second came")
    assert found["rtp-payload-type"][0].startswith("payload type 11 (L16 at 44100 Hz)")
    found = broken(packets(frames, [11] * 150, 160), IN, RTP, is_datagrams=True)
    assert found["audio-linear"] == (
        "this sounds like 16-bit linear audio, linear (s16be) is due",
        150,
    )


@pytest.mark.parametrize("is_datagrams", [False, True])
def test_a_codec_that_changes_as_its_label_says_is_an_info(is_datagrams: bool) -> None:
    samples = np.frombuffer(SOUND, "<i2")
    frames = [samples[n * 160 : n * 160 + 160] for n in range(200)]
    payloads = [*map(mulaw, frames[:100]), *map(alaw, frames[100:])]
    rows_ = packets(payloads, [0] * 100 + [8] * 100, 160)
    validator = Validator(RTP, is_datagrams=is_datagrams)
    list(validator.add(IN, from_messages(rows_)))
    list(validator.finish())
    groups = {group.rule.id.value: group.first for group in validator.tally.groups}
    assert {violation.severity.value for violation in groups.values()} == {"info"}
    assert groups["rtp-payload-type-changed"].message == "payload type 8 (PCMA) after another one"
    assert groups["rtp-payload-type-changed"].frame == 100


def test_each_connection_that_sends_nothing_is_told_once() -> None:
    received = from_messages([TimedMessage(data, n) for n, data in enumerate(vector("sln-linear"))])
    speech = from_messages(rows(320, 20, seconds=1))
    validator = Validator(SLN, is_two_way=True)
    for sent in (None, speech, None):
        list(validator.add(IN, received))
        if sent is not None:
            list(validator.add(OUT, sent))
        list(validator.finish())
    (group,) = [group for group in validator.tally.groups if group.rule.id == "message-none"]
    assert (group.count, group.first.severity.value) == (2, "info")
    assert validator.summary()["frames_sent"] == 50
    assert validator.summary()["result"] == "pass"


def test_of_a_connection_that_was_hardly_one_and_of_a_dump_nothing_is_said() -> None:
    few = [TimedMessage(data, n) for n, data in enumerate(vector("sln-linear")[:49])]
    assert broken(few, IN, is_two_way=True).keys() == broken(few, IN).keys()
    assert "message-none" not in broken(rows(320, 20), IN)


def test_a_clock_that_is_set_back_tells_of_no_rate() -> None:
    """A capture's clock, by an hour in its midst: at 8 kHz before it and after it."""
    hour_ns = 3_600_000 * MS
    first, second = (
        [m._replace(time_ns=m.time_ns + at_ns) for m in rows(320, 20)] for at_ns in (hour_ns, 0)
    )
    assert RULE not in broken([*first, *second])
