"""A stream's rules in both directions: what waits for what, what is held to nothing, the tally."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import numpy as np
import pytest

from tests.support.hextext import vector
from voipbin_cli.analysis.farend.far_queue import CALL, CONFERENCE, QueueRule
from voipbin_cli.analysis.messages import EMPTY, TimedMessage, from_messages
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.tally import Tally
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec import g711
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.simulator.talker import speech

RTP, SLN, AUDIOSOCKET = Encapsulation
IN, OUT = Direction
SPEECH = [data[12:] for data in vector("rtp-deployed")]  # mu-law
LINEAR = [g711.mulaw_to_s16le(data) for data in SPEECH]


def rtp(number: int, payload: bytes, payload_type: int = 96) -> bytes:
    header = (0x80, payload_type, number & 0xFFFF, number * 160 & 0xFFFFFFFF, 7)
    return struct.pack("!BBHII", *header) + payload


def judge(validator: Validator, direction: Direction, messages: Iterable[bytes | str]) -> None:
    rows = [TimedMessage(data, n * 20_000_000) for n, data in enumerate(messages)]
    list(validator.add(direction, from_messages(rows)))
    list(validator.finish())


def broken(validator: Validator) -> dict[str, int]:
    return {group.rule.id: group.count for group in validator.tally.groups}


def test_before_anything_came_nothing_is_known() -> None:
    summary = Validator(RTP).summary()
    assert summary["dialect"] is None
    assert (summary["frames"], summary["result"]) == (0, "pass")


def test_a_minute_of_sent_frames_is_judged_by_what_servers_were_seen_to_take() -> None:
    """3000 frames wait for the first one received, and no longer."""
    validator = Validator(RTP)
    frames = [
        TimedMessage(rtp(n, SPEECH[n % 50], payload_type=0), n * 20_000_000) for n in range(3001)
    ]
    assert list(validator.add(OUT, from_messages(frames[:3000]))) == []
    assert list(validator.add(OUT, from_messages(frames[3000:])))
    assert broken(validator)["rtp-payload-type-refused"] == 3000  # the last second is held back


def test_where_messages_were_cut_here_their_size_is_no_fault() -> None:
    odd = [b"".join(LINEAR[n : n + 3])[:500] for n in range(10, 40)]
    for has_boundaries, rules in ((True, {"sln-frame-size"}), (False, set())):
        validator = Validator(SLN, has_boundaries=has_boundaries)
        judge(validator, IN, odd)
        assert broken(validator).keys() & {"sln-frame-size"} == rules


def test_a_direction_that_is_not_asked_for_is_not_judged() -> None:
    validator = Validator(SLN, directions=[IN])
    judge(validator, OUT, [b"", "text"])
    judge(validator, IN, [bytes(300)] * 3)
    assert broken(validator)["sln-frame-size"] == 3
    assert {group.first.direction for group in validator.tally.groups} == {IN}
    assert (validator.summary()["frames_sent"], validator.summary()["frames"]) == (0, 3)


def severities(validator: Validator) -> dict[str, str]:
    return {group.rule.id: group.first.severity.value for group in validator.tally.groups}


def test_what_does_no_harm_is_an_info_and_the_gravest_of_a_rule_is_told() -> None:
    """40 ms a frame is taken and heard; a frame of 70 ms is no size that each buffer takes up."""
    long = [b"".join(LINEAR[n : n + 2]) for n in range(0, 40, 2)]
    for direction, odd, severity in (
        (IN, [], "info"),
        (IN, [bytes(1120)], "warning"),
        (OUT, [bytes(1120)], "info"),
    ):
        validator = Validator(SLN)
        judge(validator, direction, [*long, *odd])
        assert severities(validator)["sln-frame-size"] == severity
        assert broken(validator)["sln-frame-size"] == len(long) + len(odd)
    strict = Validator(SLN, Spec.DOCUMENTED)
    judge(strict, IN, long)
    assert severities(strict)["sln-frame-size"] == "warning"


@pytest.mark.parametrize(
    ("queue", "rules"),
    [(CALL, {"pacing-lead": "info"}), (CONFERENCE, {"pacing-overflow": "error"})],
)
def test_how_far_ahead_is_too_far_the_far_queue_says(
    queue: QueueRule, rules: dict[str, str]
) -> None:
    """250 ms of speech each 250 ms."""
    validator = Validator(SLN, queue=queue)
    data = b"".join(LINEAR * 2)
    rows = [
        TimedMessage(data[n * 4000 :][:4000], n * 250_000_000) for n in range(len(data) // 4000)
    ]
    list(validator.add(OUT, from_messages(rows)))
    list(validator.finish())
    assert severities(validator) == {"sln-frame-size": "info"} | rules


def test_a_client_that_sends_only_while_it_speaks_does_no_harm() -> None:
    rows = [
        TimedMessage(data, (n * 20 + 2000 * (n >= 25)) * 1_000_000) for n, data in enumerate(LINEAR)
    ]
    validator = Validator(SLN)
    list(validator.add(OUT, from_messages(rows)))
    list(validator.finish())
    assert severities(validator) == {"pacing-gap": "info"}


A_LAW = [g711.s16le_to_alaw(samples) for samples in LINEAR]


@pytest.mark.parametrize("direction", Direction)
def test_a_phone_may_send_any_codec_of_rfc_3551(direction: Direction) -> None:
    """Payload type 8 is A-law (RFC 3551 section 6): no fault of a phone's."""
    packets = [rtp(n, A_LAW[10 + n % 30], payload_type=8) for n in range(100)]
    phone = Validator(RTP, is_datagrams=True)
    judge(phone, direction, packets)
    assert not [name for name in broken(phone) if name.startswith("audio-")]
    assert "rtp-payload-type-unknown" not in broken(phone)
    platform = Validator(RTP)
    judge(platform, direction, packets)
    assert broken(platform)["audio-alaw"] == 100


def test_only_where_a_phone_s_payload_type_tells_of_g711_is_a_size_due() -> None:
    """Whole ms of G.711 are a multiple of 8 bytes; of G.729, type 18 (RFC 3551), nothing is due."""
    for payload_type, size, count in ((8, 160, 0), (8, 200, 0), (8, 165, 50), (18, 20, 0)):
        body = (A_LAW[20] * 2)[:size]
        validator = Validator(RTP, is_datagrams=True)
        judge(validator, IN, [rtp(n, body, payload_type) for n in range(50)])
        assert broken(validator).get("rtp-frame-size", 0) == count


def test_tallies_add_up_and_leave_each_other_alone() -> None:
    first, second = Validator(SLN), Validator(SLN)
    judge(first, IN, [bytes(300)] * 3)
    judge(second, IN, [bytes(300)] * 4 + ["text"])
    total = Tally()
    total.include(first.tally)
    total.include(second.tally)
    counts = {group.rule.id: group.count for group in total.groups}
    assert counts["sln-frame-size"] == 7
    assert counts["message-text-received"] == 1
    assert (broken(first)["sln-frame-size"], broken(second)["sln-frame-size"]) == (3, 4)
    # The first message stays the first one's; what only the second had is its own.
    assert [g.first.frame for g in total.groups if g.rule.id == "message-text-received"] == [4]


def test_no_messages_between_two_change_nothing() -> None:
    for encapsulation in Encapsulation:
        whole, cut = Validator(encapsulation), Validator(encapsulation)
        frames = [TimedMessage(data) for data in vector(f"{encapsulation}-linear")]
        list(whole.add(IN, from_messages(frames)))
        for chunk in (EMPTY, from_messages(frames[:7]), EMPTY, from_messages(frames[7:]), EMPTY):
            list(cut.add(IN, chunk))
        for validator in (whole, cut):
            list(validator.finish())
        assert cut.summary() == whole.summary()


# What a long stream sounds like: each second of its first minute is listened to, then each tenth.


def heard(payloads: Iterable[bytes]) -> Validator:
    validator = Validator(RTP)
    judge(validator, IN, (rtp(n, payload) for n, payload in enumerate(payloads)))
    return validator


def test_another_codec_of_the_same_size_is_heard_within_ten_seconds() -> None:
    payloads = [SPEECH[10 + n % 30] for n in range(65 * 50)]
    payloads += [A_LAW[10 + n % 30] for n in range(15 * 50)]
    # From second 70 on, where it listens again: ten seconds of A-law.
    assert broken(heard(payloads))["audio-alaw"] == 10 * 50


def test_a_second_that_sounds_like_nothing_changes_no_reading() -> None:
    rng = random.Random(3)
    noise = [rng.randbytes(160) for _ in range(50)]
    payloads = [SPEECH[10 + n % 30] for n in range(20 * 50)]
    payloads[10 * 50 : 11 * 50] = noise
    assert not [name for name in broken(heard(payloads)) if name.startswith("audio-")]


def shifted(level_dbfs: float, seconds: int) -> list[bytes]:
    """Linear audio a byte late, under white noise."""
    rng = np.random.default_rng(9)
    noise = rng.normal(size=8000 * seconds) * 32768 * 10 ** (level_dbfs / 20)
    data = np.clip(speech(2, seconds) + noise, -32768, 32767).astype("<i2").tobytes()[1:] + b"\0"
    return [data[at : at + 320] for at in range(0, len(data), 320)]


def test_samples_are_told_to_be_shifted_from_the_first_frame_on_however_late_it_comes_out() -> None:
    """In noise of -18 dBFS that takes some seconds, in which nothing is judged."""
    messages = shifted(-18, seconds=8)
    at_once, one_by_one = Validator(SLN), Validator(SLN)
    judge(at_once, IN, messages)
    parts = [
        part
        for n, data in enumerate(messages)
        for part in one_by_one.add(IN, from_messages([TimedMessage(data, n * 20_000_000)]))
    ]
    assert len(parts[0].facts.messages) > 50
    list(one_by_one.finish())
    assert broken(at_once) == broken(one_by_one) == {"audio-misaligned": 400}


def test_samples_that_may_be_shifted_are_swapped_where_it_does_not_come_out() -> None:
    validator = Validator(SLN)
    messages = shifted(-12, seconds=2)
    rows = [TimedMessage(data, n * 20_000_000) for n, data in enumerate(messages)]
    assert list(validator.add(IN, from_messages(rows))) == []
    list(validator.finish())
    assert broken(validator) == {"audio-byte-order": 100}


def test_half_a_frame_of_sound_is_held_against_no_codec() -> None:
    """10 ms of A-law settle nothing; 20 do."""
    speech_alaw = g711.s16le_to_alaw(LINEAR[20] + LINEAR[21])
    for size, rules in ((80, set()), (160, {"audio-alaw"})):
        validator = Validator(SLN)
        judge(validator, IN, [speech_alaw[:size]])
        assert set(broken(validator)) & {"audio-alaw"} == rules


def test_what_is_in_no_codec_is_told_and_held_against_none() -> None:
    rng = np.random.default_rng(2)
    for direction in Direction:
        validator = Validator(SLN)
        judge(validator, direction, [rng.bytes(320) for _ in range(200)])
        assert broken(validator) == {"audio-foreign": 200}
