"""Frames of other lengths than 20 ms: `diagnose` and `validate` say the same of them."""

from __future__ import annotations

from itertools import cycle

import pytest

from tests.corpus.runs import MS, sound_of
from voipbin_cli.analysis.diagnosis import DiagnosisFold
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.validation.rules import RuleId
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.finding_ids import FindingId


def frames_of(sizes_ms: tuple[float, ...]) -> Messages:
    """Linear frames of these lengths by turns, each when its last sample is there."""
    data = b"".join(map(sound_of("speech", 5).frame, range(400)))
    rows, at = [], 0
    for size in cycle(round(16 * size_ms) for size_ms in sizes_ms):
        if at + size > len(data):
            return from_messages(rows)
        at += size
        rows.append(TimedMessage(data[at - size : at], at * MS // 16))
    raise AssertionError


def told_by_both(messages: Messages, way: Direction) -> tuple[str | None, str | None]:
    """How grave `diagnose` and `validate` find the sizes; None where they say nothing of them."""
    fold = DiagnosisFold(StreamFold(Encapsulation.SLN), "call/1", StreamFold(Encapsulation.SLN))
    validator = Validator(Encapsulation.SLN)
    assert fold.sent is not None
    (fold.stream if way is Direction.IN else fold.sent).add(messages)
    fold.flush()
    list(validator.add(way, messages))
    list(validator.finish())
    found = {one.id: one.severity.value for one in fold.diagnosis().findings}
    broken = {group.rule.id: group.first.severity.value for group in validator.tally.groups}
    return found.get(FindingId.FRAME_SIZE), broken.get(RuleId.SLN_FRAME_SIZE)


@pytest.mark.parametrize(
    ("sizes_ms", "severity"),
    [
        ((40,), "info"),
        ((30,), "info"),
        ((20, 40), "warning"),
        ((10, 30, 60), "warning"),
        ((21.5,), "warning"),
        ((70,), "warning"),
        ((5,), "warning"),
    ],
)
def test_what_a_reader_of_one_length_takes_up_is_an_info_for_both(
    sizes_ms: tuple[float, ...], severity: str
) -> None:
    told = told_by_both(frames_of(sizes_ms), Direction.IN)
    assert told == (severity, severity)


def test_a_short_frame_now_and_then_is_told_frame_by_frame_alone() -> None:
    assert told_by_both(frames_of((*[20] * 49, 10)), Direction.IN) == (None, "info")


@pytest.mark.parametrize("sizes_ms", [(40,), (20, 40), (5, 70)])
def test_the_far_end_takes_any_size(sizes_ms: tuple[float, ...]) -> None:
    """Whatever its queue holds is played whole (wire facts 2)."""
    assert told_by_both(frames_of(sizes_ms), Direction.OUT) == ("info", "info")
