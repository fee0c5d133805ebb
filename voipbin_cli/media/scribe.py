"""The threads that write: one for each file system, and one for each pipe."""

from __future__ import annotations

import os
import threading
import time
from typing import Protocol


class Job(Protocol):
    """What a scribe does for one file. Its thread alone calls these, and none of them raises."""

    @property
    def interval_s(self) -> float:
        """How long the job can wait for its next turn."""

    @property
    def overdue_s(self) -> float:
        """For how long it has been time to sync; negative while it is not."""

    def serve(self) -> bool:
        """Write what is there; False when that was the last of it."""

    def sync(self) -> None:
        """Bring what was written to the disk itself."""


class Scribe:
    """One thread that serves jobs in turn, until it has none; `engage` finds or makes it.

    All that is to be written is written before anything is synced, and syncing, the longest
    overdue first, ends when there is something to write again: a disk that is slow to sync makes
    a power cut cost more, but a killed process no more than ever.
    """

    def __init__(self, filesystem: int | None) -> None:
        self._filesystem = filesystem
        self._jobs: list[Job] = []
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="voipbin-writer", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether anybody writes: not in a process that was forked from the scribe's own."""
        return self._thread.is_alive()

    def hurry(self) -> None:
        """Serve now: somebody waits."""
        self._wake.set()

    def take(self, job: Job) -> None:
        """Serve one more, with the register locked."""
        self._jobs.append(job)
        self._wake.set()

    def _run(self) -> None:
        jobs = self._without([])
        while jobs:
            self._wake.clear()
            next_s = time.monotonic() + min(job.interval_s for job in jobs)
            done = [job for job in jobs if not job.serve()]
            if done:
                jobs = self._without(done)
                continue
            self._sync(jobs, next_s)
            self._wake.wait(max(0.0, next_s - time.monotonic()))
            jobs = self._without([])

    def _without(self, done: list[Job]) -> list[Job]:
        """Return the jobs that are left; when there are none, the scribe is out of the register."""
        with _register.lock:
            self._jobs = [job for job in self._jobs if job not in done]
            if not self._jobs and self._filesystem is not None:
                del _register.scribes[self._filesystem]
            return self._jobs.copy()

    def _sync(self, jobs: list[Job], until_s: float) -> None:
        due = [(overdue_s, n) for n, job in enumerate(jobs) if (overdue_s := job.overdue_s) >= 0]
        for _, n in sorted(due, reverse=True):
            jobs[n].sync()
            if self._wake.is_set() or time.monotonic() >= until_s:
                return


class _Register:
    """Who writes where. A forked process begins anew: threads and held locks stay behind."""

    lock: threading.Lock
    scribes: dict[int, Scribe]

    def begin(self) -> None:
        self.lock = threading.Lock()
        self.scribes = {}


_register = _Register()
_register.begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_register.begin)


def engage(job: Job, filesystem: int | None) -> Scribe:
    """Return the scribe that serves `job` from now on.

    All files of one file system share a thread: hundreds of them would spend more on handing the
    interpreter lock around than on writing, and a file system that hangs holds up its own files
    only. What is on none (None: a pipe, a terminal, a device) may block for as long as its reader
    likes, so it gets a thread that nobody else waits for.
    """
    with _register.lock:
        scribe = None if filesystem is None else _register.scribes.get(filesystem)
        if scribe is None:
            scribe = Scribe(filesystem)
            if filesystem is not None:
                _register.scribes[filesystem] = scribe
        scribe.take(job)
        return scribe
