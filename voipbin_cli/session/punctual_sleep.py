"""Waking up when it is time, to a fraction of a millisecond."""

from __future__ import annotations

import asyncio
import time

from voipbin_cli.clock import now_ns

# The event loop's timers count in whole milliseconds and wake up to one too late (epoll_wait(2)).
_COARSE_NS = 1_000_000


async def sleep_until(due_ns: int) -> None:
    """Return at `due_ns` of `clock.now_ns`, or at once when that is past.

    The loop wakes up to a millisecond early; what is left of it is slept through, in which the
    loop does nothing else. Gives way to others at least once.
    """
    await asyncio.sleep(max(0, due_ns - now_ns() - _COARSE_NS) / 1e9)
    left_ns = due_ns - now_ns()
    if left_ns > 0:
        time.sleep(left_ns / 1e9)
