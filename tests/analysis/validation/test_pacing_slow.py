"""Which ways to send are told as too slow, and that no right one is."""

from __future__ import annotations

import pytest

from tests.analysis.farend.pacings import PACINGS
from tests.support.hextext import vector
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

SLOW = {
    *(f"a frame each {ms} ms" for ms in (20.1, 20.5, 21, 21.3, 22, 25, 28, 30, 35, 40, 60)),
    *("100 ms each 130 ms", "250 ms each 300 ms", "480 ms each 500 ms"),
    *(f"sleeps 20 ms after {work} ms of work" for work in (0.3, 1.3, 4)),
}
SOUND = b"".join(vector("sln-linear")[2:20]) * 2000


@pytest.mark.parametrize("name", PACINGS)
def test_a_sender_is_slow_where_short_waits_add_up(name: str) -> None:
    validator = Validator(Encapsulation.SLN)
    sent, place, found = [], 0, 0
    for at_ns, samples in PACINGS[name]:
        sent.append(TimedMessage(SOUND[place : place + 2 * samples], at_ns))
        place += 2 * samples
    parts = [*validator.add(Direction.OUT, from_messages(sent)), *validator.finish()]
    for part in parts:
        found += sum(len(hit.rows) for hit in part.hits if hit.rule.id == "pacing-slow")
    assert bool(found) == (name in SLOW)


def test_silence_that_comes_slowly_is_no_fault() -> None:
    validator = Validator(Encapsulation.SLN)
    sent = [TimedMessage(bytes(320), n * 35_000_000) for n in range(400)]
    parts = [*validator.add(Direction.OUT, from_messages(sent)), *validator.finish()]
    assert [hit.rule.id for part in parts for hit in part.hits] == []
    assert validator.summary()["far_end"]["holes"] == 0
