"""The columns say what parsing one message at a time says, however the stream was cut."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hextext import vector
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.judge import Violation
from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec import audiosocket, rtp
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.payload_types import RESERVED
from voipbin_cli.codec.rtp import MAX_DROPOUT, MAX_MISORDER
from voipbin_cli.errors import DecodeError

pytestmark = pytest.mark.slow

Found = list[tuple[int, str, str]]


def judged(
    encapsulation: Encapsulation,
    direction: Direction,
    messages: list[TimedMessage],
    cuts: list[int],
    spec: Spec = Spec.AUTO,
) -> Found:
    validator = Validator(encapsulation, spec)
    found: list[Violation] = []
    for start, stop in zip([0, *cuts], [*cuts, len(messages)], strict=True):
        for part in validator.add(direction, from_messages(messages[start:stop])):
            found += part.violations()
    for part in validator.finish():
        found += part.violations()
    return sorted((v.frame, v.rule.id, v.message) for v in found)


def broken_by(found: Found, rule: str) -> list[int]:
    return [frame for frame, name, _ in found if name == rule]


# Streams that hold every kind of damage, but are mostly whole: packets by the clauses, not by us.

HEADERS = st.builds(
    lambda flags, second, seq, stamp, ssrc: struct.pack("!BBHII", flags, second, seq, stamp, ssrc),
    st.sampled_from([0x80, 0x80, 0x80, 0xA0, 0x90, 0x82, 0xBF, 0x40, 0x00]),
    st.sampled_from([0, 96, 96, 8, 224, 200]),
    st.one_of(st.integers(0, 12), st.sampled_from([65535, 65534, 3000, 40000])),
    st.one_of(st.integers(0, 12).map(lambda n: n * 160), st.just(0xFFFFFF60)),
    st.sampled_from([0, 0, 0xDEADBEEF]),
)
PAYLOADS = st.one_of(
    st.sampled_from([b"\xff" * 160, bytes(320), *vector("sln-deployed")[1:6]]),
    st.sampled_from(vector("sln-linear")[1:6]),
    st.binary(max_size=24),
)
FRAMES = st.builds(
    lambda kind, length, payload: struct.pack("!BH", kind, length or len(payload)) + payload,
    st.sampled_from([0x10, 0x10, 0x10, 0x12, 0x00, 0x03, 0xFF]),
    st.sampled_from([0, 0, 0, 16385, 320, 321]),
    PAYLOADS,
)
TEXT = st.sampled_from(["", "MEDIA_START"])
STREAMS = {
    Encapsulation.RTP: st.one_of(st.builds(bytes.__add__, HEADERS, PAYLOADS), PAYLOADS, TEXT),
    Encapsulation.SLN: st.one_of(PAYLOADS, TEXT),
    Encapsulation.AUDIOSOCKET: st.one_of(
        FRAMES, st.builds(bytes.__add__, FRAMES, FRAMES), PAYLOADS, TEXT
    ),
}


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_a_stream_cut_anywhere_is_judged_alike(
    encapsulation: Encapsulation, data: st.DataObject
) -> None:
    bodies = data.draw(st.lists(STREAMS[encapsulation], max_size=40)) * 3
    gaps = data.draw(st.lists(st.integers(0, 700), min_size=len(bodies), max_size=len(bodies)))
    messages, time_ns = [], 0
    for body, gap_ms in zip(bodies, gaps, strict=True):
        time_ns += gap_ms * 1_000_000
        messages.append(TimedMessage(body, time_ns))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(messages)), max_size=6)))
    direction = data.draw(st.sampled_from(Direction))
    spec = data.draw(st.sampled_from(Spec))
    at_once = judged(encapsulation, direction, messages, [], spec)
    assert judged(encapsulation, direction, messages, cuts, spec) == at_once
    one_by_one = judged(encapsulation, direction, messages, list(range(len(messages))), spec)
    assert one_by_one == at_once


RTP_RULES = {
    "truncated": {"rtp-truncated", "message-empty"},
    "version": {"rtp-version", "rtp-bare-audio"},
    "csrc-truncated": {"rtp-csrc-truncated"},
    "extension-truncated": {"rtp-extension-truncated"},
    "padding-invalid": {"rtp-padding-invalid"},
}


def parsed(message: bytes) -> rtp.RtpPacket | DecodeError:
    try:
        return rtp.parse(message)
    except DecodeError as error:
        return error


def is_rtcp(message: bytes) -> bool:
    return len(message) >= 12 and message[1] & 0x7F in RESERVED and message[1] > 0x7F


@given(st.lists(st.one_of(STREAMS[Encapsulation.RTP], st.binary(max_size=40)), max_size=30))
@settings(deadline=None, max_examples=150)
def test_rtp_is_read_as_the_parser_of_single_packets_reads_it(bodies: list[bytes | str]) -> None:
    found = judged(Encapsulation.RTP, Direction.IN, [TimedMessage(body) for body in bodies], [])
    structural = set().union(*RTP_RULES.values())
    for number, body in enumerate(bodies):
        rules = {name for frame, name, _ in found if frame == number}
        if isinstance(body, str):
            assert "message-text-received" in rules
            continue
        packet = parsed(body)
        if isinstance(packet, DecodeError):
            assert rules & structural <= RTP_RULES[packet.slug], packet.slug
            assert rules & structural
            continue
        assert not rules & structural
        if is_rtcp(body):
            assert rules == {"rtp-rtcp"}
            continue
        assert ("rtp-empty" in rules) == (not packet.payload)
        assert ("rtp-marker" in rules) == packet.marker
        assert ("rtp-padding" in rules) == bool(packet.padding_bytes)
        assert ("rtp-extension" in rules) == (packet.extension is not None)
        assert ("rtp-csrc" in rules) == bool(packet.csrc)
        assert ("rtp-payload-type" in rules) == (packet.payload_type != 0)


@given(st.lists(st.one_of(STREAMS[Encapsulation.AUDIOSOCKET], st.binary(max_size=8)), max_size=30))
@settings(deadline=None, max_examples=150)
def test_audiosocket_is_read_as_the_parser_of_single_messages_reads_it(
    bodies: list[bytes | str],
) -> None:
    found = judged(Encapsulation.AUDIOSOCKET, Direction.OUT, [TimedMessage(b) for b in bodies], [])
    for number, body in enumerate(bodies):
        rules = {name for frame, name, _ in found if frame == number}
        if isinstance(body, str):
            assert "message-text" in rules
            continue
        try:
            frames = audiosocket.parse_message(body)
        except DecodeError:
            assert {RULES[rule].severity.value for rule in rules} & {"error", "warning"}
            continue
        if rules & {"audiosocket-bare-audio", "audiosocket-split"}:
            assert frames[0].kind not in audiosocket.RATE_HZ or not frames[0].payload
            continue
        assert ("audiosocket-joined" in rules) == (len(frames) > 1)
        is_last = number == len(bodies) - 1
        assert ("audiosocket-hangup" in rules) == (frames[0].kind == 0 and not is_last)
        no_audio = frames[0].kind not in (0, *audiosocket.RATE_HZ)
        assert bool({"audiosocket-kind", "audiosocket-unknown-kind"} & rules) == no_audio
        is_empty = frames[0].kind in audiosocket.RATE_HZ and not frames[0].payload
        assert ("audiosocket-empty" in rules) == is_empty


JUMPS = st.sampled_from([2999, 3000, -99, -100, 30000, -30000])
WILD_STEPS = st.lists(
    st.one_of(st.just(1), st.integers(-120, 120), JUMPS), min_size=1, max_size=150
)
# Packets out of order where blocks meet.
SHUFFLED_STEPS = st.lists(st.sampled_from([1, 2, 3, -1, -2, 0]), min_size=70, max_size=150)


@given(
    st.integers(0, 65535),
    st.one_of(WILD_STEPS, SHUFFLED_STEPS),
    st.lists(st.integers(0, 150), max_size=4),
)
@settings(deadline=None, max_examples=150)
def test_sequence_numbers_are_placed_as_one_at_a_time(
    start: int, steps: list[int], cuts: list[int]
) -> None:
    places = [start]
    for step in steps:
        places.append(places[-1] + step)
    numbers = [place % 65536 for place in places]
    messages = [
        TimedMessage(struct.pack("!BBHII", 0x80, 0, n, 0, 7) + b"\xff" * 160) for n in numbers
    ]
    inside = sorted(cut for cut in cuts if cut <= len(messages))
    found = judged(Encapsulation.RTP, Direction.IN, messages, inside)
    expected = _placed(places)
    for name, frames in expected.items():
        assert broken_by(found, f"rtp-sequence-{name}") == frames, name


def _placed(places: list[int]) -> dict[str, list[int]]:
    """RFC 3550 A.1's cases, one packet at a time, by numbers without a bound."""
    found: dict[str, list[int]] = {"missing": [], "duplicate": [], "reordered": [], "jump": []}
    highest = places[0]
    for n, (before, place) in enumerate(pairwise(places), 1):
        if not -MAX_MISORDER < place - before < MAX_DROPOUT:
            found["jump"].append(n)
            highest = place
        elif place > highest + 1:
            found["missing"].append(n)
        elif place == highest:
            found["duplicate"].append(n)
        elif place < highest:
            found["reordered"].append(n)
        highest = max(highest, place)
    return found


def queue_oracle(times_ms: list[int]) -> tuple[list[int], list[int]]:
    """Frames of 20 ms into a queue that plays at once: whose end is far ahead, who comes too late.

    80 ms is what a conference's queue takes, 500 ms a call's, and 10 ms is no frame more. Who makes
    up for half of a wait of more than 100 ms by what comes within 5 ms was late, too.
    """
    ahead, dry = [], []
    played_until = latest = times_ms[0]
    came = waited = 0
    for n, now in enumerate(times_ms):
        wait = now - played_until
        if now - latest > 5:
            came, waited = 0, wait if wait > 100 else 0
        latest, came = now, came + 20
        is_half = waited and 2 * came >= waited > 2 * (came - 20)
        if wait > 20 or is_half:
            dry.append(n)
        played_until = max(played_until, now) + 20
        if 90 < played_until - now <= 510:
            ahead.append(n)
    return ahead, dry


@given(
    st.lists(st.sampled_from([0, 0, 0, 5, 20, 20, 25, 41, 90, 300]), min_size=1, max_size=150),
    st.lists(st.integers(0, 150), max_size=4),
)
@settings(deadline=None, max_examples=80)
def test_the_far_queue_is_that_of_one_frame_at_a_time(gaps: list[int], cuts: list[int]) -> None:
    times, now = [], 1000
    for gap in gaps:
        now += gap
        times.append(now)
    sound = vector("sln-linear")[5]
    messages = [TimedMessage(sound, at * 1_000_000) for at in times]
    inside = sorted(cut for cut in cuts if cut <= len(messages))
    found = judged(Encapsulation.SLN, Direction.OUT, messages, inside)
    ahead, dry = queue_oracle(times)
    assert broken_by(found, "pacing-lead") == ahead
    assert broken_by(found, "pacing-gap") == dry


# Whole streams, as they come.


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("dialect", ["deployed", "linear"])
def test_what_the_platform_sends_breaks_nothing(encapsulation: Encapsulation, dialect: str) -> None:
    messages = [TimedMessage(data) for data in vector(f"{encapsulation}-{dialect}")]
    found = judged(encapsulation, Direction.IN, messages, [])
    assert {RULES[rule].severities.under(Spec.AUTO) for _, rule, _ in found} <= {"info"}


def test_the_bridge_is_known_by_what_it_sends_before_what_was_sent_is_judged() -> None:
    """What is sent first waits for the first packet received; that one is documented here."""
    documented = struct.pack("!BBHII", 0x80, 0, 4711, 99, 0x1234ABCD) + b"\xff" * 160
    sent = [struct.pack("!BBHII", 0x80, 0, n, n * 160, 5) + b"\xff" * 160 for n in range(5)]
    validator = Validator(Encapsulation.RTP)
    parts = [
        *validator.add(Direction.OUT, from_messages(map(TimedMessage, sent))),
        *validator.add(Direction.IN, from_messages([TimedMessage(documented)])),
        *validator.finish(),
    ]
    assert [v.rule.id for part in parts for v in part.violations()] == []
    assert validator.summary()["frames_sent"] == 5

    alone = judged(Encapsulation.RTP, Direction.OUT, [TimedMessage(data) for data in sent], [])
    assert broken_by(alone, "rtp-payload-type-refused") == [0, 1, 2, 3, 4]


def test_only_so_many_frames_are_judged_as_were_asked_for() -> None:
    validator = Validator(Encapsulation.SLN, directions=[Direction.IN], max_frames=7)
    frames = from_messages(TimedMessage(bytes(320)) for _ in range(20))
    list(validator.add(Direction.IN, frames))
    assert validator.is_full
    list(validator.finish())
    assert validator.summary()["frames"] == 7


def test_noise_in_any_amount_is_judged() -> None:
    rng = random.Random(6)
    messages = [TimedMessage(rng.randbytes(rng.randrange(400))) for _ in range(500)]
    for encapsulation in Encapsulation:
        for direction in Direction:
            judged(encapsulation, direction, messages, [100, 101])
