"""Ctrl-C and its like, which end what runs in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

SERVER_SIGNALS = ("SIGINT", "SIGTERM")
# A closed terminal ends a stream, too.
STREAM_SIGNALS = (*SERVER_SIGNALS, "SIGHUP")


@contextmanager
def stopping_on(names: Sequence[str], stop: Callable[[], object]) -> Iterator[None]:
    """Let the first of these signals call `stop` in the running event loop; the second kills."""
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def stopping(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop)

    for name in names:
        # Windows has no SIGHUP.
        if number := getattr(signal, name, None):
            before[number] = signal.signal(number, stopping)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
