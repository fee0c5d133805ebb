from __future__ import annotations

import asyncio
import time

from tests.support.aio import run
from voipbin_cli.simulator.ticker import Ticker

MS = 1_000_000


class FakeLoop:
    """Keeps the one timer that is set."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.timers: list[tuple[float, object]] = []

    def call_at(self, when, callback):  # type: ignore[no-untyped-def]
        entry = (when, callback)
        self.timers.append(entry)
        loop = self

        class Handle:
            def cancel(self) -> None:
                loop.timers.remove(entry)

        return Handle()

    def wake(self, at_ns: int) -> None:
        """Let it be `at_ns`, and run the one timer."""
        self.now_ns = at_ns
        ((_, callback),) = self.timers
        self.timers.clear()
        callback()  # type: ignore[operator]


def _ticker() -> tuple[Ticker, FakeLoop]:
    loop = FakeLoop()
    return Ticker(loop, lambda: loop.now_ns), loop  # type: ignore[arg-type]


def test_one_wake_up_serves_all_that_is_due() -> None:
    ticker, loop = _ticker()
    ran: list[int] = []
    for number in range(300):
        ticker.add_job(20 * MS, lambda now, number=number: ran.append(number))
    ticker.add_job(30 * MS, lambda now: ran.append(-1))
    assert len(loop.timers) == 1
    loop.wake(20 * MS + 1)
    assert ran == list(range(300))
    assert ticker.wakeups == 1
    assert [when for when, _ in loop.timers] == [0.03]


def test_deadlines_do_not_move_when_a_wake_up_is_late() -> None:
    ticker, loop = _ticker()
    dues: list[int] = []

    def job(now_ns: int) -> int:
        dues.append((len(dues) + 1) * 20 * MS)
        return dues[-1] + 20 * MS

    ticker.add_job(20 * MS, job)
    loop.wake(27 * MS)
    assert [when for when, _ in loop.timers] == [0.04]
    loop.wake(101 * MS)  # three late at once
    assert len(dues) == 5
    assert [when for when, _ in loop.timers] == [0.12]


def test_an_earlier_job_takes_over_the_timer() -> None:
    ticker, loop = _ticker()
    ticker.add_job(50 * MS, lambda now: None)
    ticker.add_job(10 * MS, lambda now: None)
    ticker.add_job(30 * MS, lambda now: None)
    assert [when for when, _ in loop.timers] == [0.01]


def test_a_job_may_add_jobs_and_closing_stops_them_all() -> None:
    ticker, loop = _ticker()
    ran = []
    ticker.add_job(10 * MS, lambda now: ticker.add_job(5 * MS, lambda now: ran.append(now)))
    loop.wake(10 * MS)
    assert ran == [10 * MS]
    ticker.add_job(40 * MS, lambda now: ran.append(now))
    ticker.close()
    assert loop.timers == []


def test_on_a_real_loop_no_job_runs_early() -> None:
    async def main() -> list[int]:
        ticker = Ticker(asyncio.get_running_loop())
        start, early = time.monotonic_ns(), []
        done = asyncio.Event()

        def job(now_ns: int) -> int | None:
            due_ns = start + (len(early) + 1) * 2 * MS
            early.append(due_ns - now_ns)
            if len(early) == 20:
                done.set()
                return None
            return due_ns + 2 * MS

        ticker.add_job(start + 2 * MS, job)
        await done.wait()
        return early

    assert max(run(main())) <= 0
