"""The thread that serves writers in turn: one for all files of a process."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Served(Protocol):
    """Who is served. All three are called by the thread alone, and raise nothing."""

    interval_s: float

    def serve(self) -> bool:
        """Write what has come; False when there will be no more."""

    def sync_is_due(self) -> bool:
        """Whether what was written should be brought to the disk by now."""

    def sync(self) -> None:
        """Bring it there."""


class Rounds:
    """Serves each of its writers every `interval_s`, and at once where one is in a hurry.

    A round serves all that are due by half of their interval from now, so that writers who began
    at different times fall into step: a thousand files cost four wake-ups a second, as one does.
    Writing comes first. Then files are synced, one at the least, as long as nobody is due.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due_s: dict[Served, float] = {}
        self._running = False

    def join(self, writer: Served) -> None:
        """Serve `writer` from now on; the thread lives as long as there is one."""
        with self._changed:
            self._due_s[writer] = time.monotonic() + writer.interval_s
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="voipbin-writer", daemon=True).start()
            self._changed.notify()

    def hurry(self, writer: Served) -> None:
        """Serve `writer` now."""
        with self._changed:
            if writer in self._due_s:
                self._due_s[writer] = 0.0
                self._changed.notify()

    def _run(self) -> None:
        while due := self._wait():
            for writer in due:
                if not writer.serve():
                    with self._changed:
                        del self._due_s[writer]
            self._sync()

    def _wait(self) -> list[Served]:
        """The writers that are due, once one is; none when nobody is left."""
        with self._changed:
            while self._due_s:
                left_s = min(self._due_s.values()) - time.monotonic()
                if left_s <= 0:
                    return self._take(time.monotonic())
                self._changed.wait(left_s)
            self._running = False
            return []

    def _take(self, now_s: float) -> list[Served]:
        due_s = self._due_s
        due = [writer for writer in due_s if due_s[writer] <= now_s + writer.interval_s / 2]
        due_s.update((writer, now_s + writer.interval_s) for writer in due)
        return due

    def _sync(self) -> None:
        with self._changed:
            writers = list(self._due_s)
        for writer in writers:
            if writer.sync_is_due():
                writer.sync()
                if self._is_anyone_due():
                    return

    def _is_anyone_due(self) -> bool:
        with self._changed:
            return min(self._due_s.values()) <= time.monotonic()
