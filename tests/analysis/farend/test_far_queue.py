"""The far queue against the table of observed shares (lead by which audio was sent early)."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.farend.far_queue import (
    CALL,
    CALL_WITHOUT_RTP,
    CONFERENCE,
    CONFERENCE_OF_ONE,
    FarLevel,
    FarQueue,
    QueueRule,
)

SECONDS = 10
FRAMES = SECONDS * 50


def _frame(number: int) -> bytes:
    return (number + 1).to_bytes(4, "little") * 80


def _heard(rule: QueueRule, lead_ms: int, frames: int = FRAMES) -> list[int]:
    """Numbers of the frames that are heard of `frames`.

    By each moment as much audio has been sent as time has passed, and `lead_ms` more.
    """
    queue = FarQueue(rule)
    heard = []
    sent = 0
    for tick in range(frames + 600):
        while sent < frames and (sent + 1) * 20 <= tick * 20 + lead_ms:
            queue.feed(_frame(sent))
            sent += 1
        pcm = queue.play()
        if pcm is not None:
            assert pcm == _frame(int.from_bytes(pcm[:4], "little") - 1), "whole frames only"
            heard.append(int.from_bytes(pcm[:4], "little") - 1)
    return heard


def _lost_ms(rule: QueueRule, lead_ms: int) -> int:
    heard = _heard(rule, lead_ms)
    assert heard == sorted(heard)
    if heard:  # what is lost is lost from the start on
        assert heard == list(range(heard[0], FRAMES))
    return 20 * (FRAMES - len(heard))


@pytest.mark.parametrize(
    ("lead_ms", "call", "conference"),
    [
        (0, 0, 0),
        (40, 0, 0),
        (80, 0, 0),
        (100, 0, 100),
        (120, 0, 100),
        (400, 0, 400),
        (500, 0, 500),
        (520, 520, 500),  # a conference loses "as much as the lead", in pieces of 100 ms
        (600, 520, 600),
        (1000, 520, 1000),
    ],
)
def test_what_a_lead_costs_from_the_start_on(lead_ms: int, call: int, conference: int) -> None:
    assert _lost_ms(CALL, lead_ms) == call
    assert _lost_ms(CONFERENCE, lead_ms) == conference
    assert _lost_ms(CONFERENCE_OF_ONE, lead_ms) == 0


@pytest.mark.parametrize(
    ("rule", "most_percent"), [(CALL, 3), (CONFERENCE, 1), (CONFERENCE_OF_ONE, 50)]
)
def test_of_a_file_sent_at_once_hardly_anything_is_heard(
    rule: QueueRule, most_percent: int
) -> None:
    share = 100 * len(_heard(rule, SECONDS * 1000)) / FRAMES
    assert share <= most_percent
    assert share == 50 or rule.flushes


def test_an_overflow_takes_everything_that_waits_and_the_newest_too() -> None:
    queue = FarQueue(CONFERENCE)
    for number in range(4):
        queue.feed(_frame(number))
    assert (queue.level.flushes, queue.level.lost) == (0, 0)
    queue.feed(_frame(4))
    assert (queue.level.flushes, queue.level.lost) == (1, 5 * 160)
    assert queue.play() is None


@pytest.mark.parametrize(("lead_ms", "lost_ms"), [(0, 0), (20, 0), (60, 40), (400, 380)])
def test_where_the_phone_sends_nothing_a_lead_is_lost_once_half_a_second_in(
    lead_ms: int, lost_ms: int
) -> None:
    heard = _heard(CALL_WITHOUT_RTP, lead_ms)
    missing = sorted(set(range(FRAMES)) - set(heard))
    assert 20 * len(missing) == lost_ms
    if missing:
        assert missing == list(range(missing[0], missing[0] + len(missing))), "all in one place"
        assert 20 <= missing[0] <= 26


def test_an_empty_queue_is_a_gap_at_once_and_half_a_frame_waits_for_its_other_half() -> None:
    queue = FarQueue(CALL)
    assert queue.play() is None
    queue.feed(b"\1" * 160)
    assert queue.play() is None
    queue.feed(b"\2" * 160)
    assert queue.play() == b"\1" * 160 + b"\2" * 160


def test_counts_add_up() -> None:
    queue = FarQueue(CONFERENCE)
    for number in range(7):
        queue.feed(_frame(number))
    played = [queue.play() for _ in range(4)]
    assert [pcm is None for pcm in played] == [False, False, True, True]
    level = queue.level
    assert level.fed == 7 * 160 == level.heard + level.lost


@pytest.mark.parametrize("rule", [CALL, CALL_WITHOUT_RTP, CONFERENCE, CONFERENCE_OF_ONE])
@pytest.mark.parametrize("at_once", [1, 3, 30])
def test_many_ticks_at_once_are_as_many_one_by_one(rule: QueueRule, at_once: int) -> None:
    one, other = FarLevel(rule), FarLevel(rule)
    for number in range(60):
        for level in (one, other):
            level.feed(160 * (number % 4))
        ticks = at_once if number % 2 else 1
        assert one.play(ticks) == sum(other.play() for _ in range(ticks))
        assert (one.waiting, one.lost, one.flushes) == (other.waiting, other.lost, other.flushes)
