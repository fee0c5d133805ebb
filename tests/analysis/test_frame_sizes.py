"""Frames of other lengths than 20 ms: `diagnose` and `validate` say the same of them."""

from __future__ import annotations

from itertools import cycle

import pytest

from tests.corpus.runs import MS, sound_of
from voipbin_cli.analysis.diagnosis import diagnose
from voipbin_cli.analysis.findings import Circumstances
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation


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


@pytest.mark.parametrize(
    ("sizes_ms", "severity"),
    [
        ((40,), "info"),
        ((20, 40), "info"),
        ((10, 30, 60), "info"),
        ((20, 21.5), "warning"),
        ((20, 70), "warning"),
        ((20, 5), "warning"),
    ],
)
def test_what_re_framing_plays_whole_is_an_info_for_both(
    sizes_ms: tuple[float, ...], severity: str
) -> None:
    messages = frames_of(sizes_ms)
    stream, validator = StreamFold(Encapsulation.SLN), Validator(Encapsulation.SLN)
    stream.add(messages)
    stream.flush()
    (told,) = [one for one in diagnose(stream, Circumstances()).findings if one.id == "frame-size"]
    list(validator.add(Direction.IN, messages))
    list(validator.finish())
    (judged,) = [group for group in validator.tally.groups if group.rule.id == "sln-frame-size"]
    assert (told.severity.value, judged.first.severity.value) == (severity, severity)
    assert ("harmless" in told.remedy) is (severity == "info")
