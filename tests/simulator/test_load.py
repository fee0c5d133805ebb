"""Many calls at once, in virtual time: a bot that is slower the more of them there are."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.conversation.turns import tell_turns
from voipbin_cli.analysis.farend.far_end import Heard
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import ConnectionFailed, UsageError
from voipbin_cli.render.load_report import load_sentences, to_load_html
from voipbin_cli.simulator.caller.outcome import CallOutcome, Lateness, RowOutcome
from voipbin_cli.simulator.caller.script import CallerScript, Say
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.load import Begun, Limit, LoadOutcome, LoadRun, PlacedCall
from voipbin_cli.simulator.own_limit import own_limit

CALL_S = 5.0


class SlowBot:
    """Answers once a call, 100 ms later for each call that goes on; `own_ms` late are we."""

    def __init__(self, loop: VirtualTimeLoop, own_ms: Callable[[int], float]) -> None:
        self._loop = loop
        self._own_ms = own_ms
        self.now = self.most = 0
        self._hung_up = asyncio.Event()

    async def place(self, begun: Begun) -> PlacedCall:
        over = asyncio.Event()
        begun(over.set)
        began_ns = self._loop.time_ns()
        self.now += 1
        self.most = max(self.most, self.now)
        late = array("f")
        answers = 0
        for _ in range(int(CALL_S * 50)):
            if self._hung_up.is_set() or over.is_set():
                break
            late.append(self._own_ms(self.now))
            answers = self.now
            await asyncio.sleep(0.02)
        self.now -= 1
        length_ms = len(late) * 20.0
        row = RowOutcome(1, "say", 0.0, length_ms - 20, response_ms=100.0 * answers)
        talk = Talk(tell_turns([], []), None)
        heard = Heard(fed_ms=900, heard_ms=900, holes=1, holes_ms=100)
        outcome = CallOutcome(
            "one", length_ms, "caller", (row,), (), talk, heard, Lateness.of(late)
        )
        return PlacedCall(began_ns, outcome, late)

    def hang_up_all(self) -> None:
        self._hung_up.set()


def placed(lines: int, ramp: float, **options: object) -> tuple[LoadOutcome, int]:
    own_ms = options.pop("own_ms", lambda _: 1.0)

    async def main(loop: VirtualTimeLoop) -> tuple[LoadOutcome, int]:
        bot = SlowBot(loop, own_ms)  # type: ignore[arg-type]
        run = LoadRun(bot, lines, ramp, clock=loop.time_ns, **options)  # type: ignore[arg-type]
        return await run.run(), bot.most

    return run_virtually(main)


def test_answers_count_where_so_many_called_at_once() -> None:
    outcome, most = placed(20, 1.02)
    assert most == outcome.most_at_once == 20
    assert [(row.calls_from, row.calls_to) for row in outcome.rows[:2]] == [(1, 2), (3, 4)]
    for row in outcome.rows:
        if row.response_ms is not None:
            assert 100 * row.calls_from <= row.response_ms.min
            assert row.response_ms.max <= 100 * row.calls_to
    assert outcome.is_reliable
    # One hole a call.
    (last,) = (row for row in outcome.rows if row.calls_to == 20)
    assert last.holes_per_minute is not None
    assert 12 <= last.holes_per_minute <= 30
    assert outcome.rows[-1].heard_share == pytest.approx(0.9)


def test_all_are_there_for_one_call_and_who_calls_again_is_hung_up_then() -> None:
    outcome, _ = placed(4, 1.02)
    # The last line calls at 2.94 s, for 5 s; the others have called again, and not a third time.
    lengths = sorted(one.duration_ms / 1000 for one in outcome.outcomes)
    assert lengths == pytest.approx([0.98, 1.96, 2.94, 5.0, 5.0, 5.0, 5.0], abs=0.05)


def test_a_run_ends_where_the_limit_breaks() -> None:
    outcome, most = placed(40, 1.0, limit=Limit.parse("response_ms.p95=1200"))
    assert outcome.broke_at is not None
    assert outcome.broke_at.calls_from == 13
    assert most < 40
    assert outcome.as_fields()["broke_at_calls"] == 13
    assert "broken at 13 to 16 calls" in " ".join(load_sentences(outcome))


def test_a_machine_that_is_late_itself_breaks_no_limit_and_says_so() -> None:
    limit = Limit.parse("response_ms.p50=10")
    outcome, _ = placed(8, 1.02, limit=limit, own_ms=lambda now: 50.0 if now > 4 else 1.0)
    assert not outcome.is_reliable
    assert outcome.slow_from == 5
    assert all(row.calls_from <= 4 for row in outcome.rows if row.is_reliable)
    assert "late" in " ".join(load_sentences(outcome))
    fields = outcome.as_fields()
    assert fields["slow_from_calls"] == 5
    assert not fields["is_reliable"]


def test_the_report_shows_each_row_and_the_limit() -> None:
    outcome, _ = placed(4, 1.0, limit=Limit.parse("response_ms.p95=5000"))
    text = to_load_html(outcome, "ws://bot/<b>")
    assert "&lt;b&gt;" in text
    assert text.count("<svg") == 2
    assert text.count("<tr>") == 1 + len(outcome.rows)
    assert "stroke-dasharray" in text
    assert "p95 of 5000 ms: kept" in text


def test_nobody_at_all_is_an_error_and_a_few_are_counted() -> None:
    class Gone:
        async def place(self, begun: Begun) -> PlacedCall:
            raise ConnectionFailed("no connection")

        def hang_up_all(self) -> None: ...

    async def main(loop: VirtualTimeLoop) -> LoadOutcome:
        return await LoadRun(Gone(), 3, 1.0, clock=loop.time_ns).run()

    with pytest.raises(ConnectionFailed):
        run_virtually(main)


@pytest.mark.parametrize(("frame_ms", "carried"), [(1.0, 8), (0.1, 80), (100.0, 1)])
def test_what_this_machine_carries_follows_from_what_a_frame_takes(
    frame_ms: float, carried: int
) -> None:
    # Of 20 ms a core is busy for 12 at most, and what is measured is two thirds of a frame's cost.
    times = iter([0, round(400 * frame_ms * 1e6)])
    scenario = replace(find_scenario("clean"), caller=CallerScript((Say(seconds=0.1),)))
    assert own_limit(scenario, Encapsulation.RTP, clock=lambda: next(times)) == carried


NO_LIMITS = ["p95=3", "response_ms=3", "response_ms.p95=x", "mos.p95=1", "response_ms.times=3", ""]


@pytest.mark.parametrize("text", NO_LIMITS)
def test_what_is_no_limit_is_said(text: str) -> None:
    with pytest.raises(UsageError):
        Limit.parse(text)
