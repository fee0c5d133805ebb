"""The threads that write: one for each file system, and one for each pipe."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from typing import Protocol

# Jobs due within an eighth of their interval are served in one turn. So the thread wakes up at most
# eight times in an interval, not once for each of hundreds of files; nor does it serve all of them
# at once, while the streams wait for the interpreter.
_NEAR = 1 / 8


class WriteJob(Protocol):
    """What a writer thread does for one file. It alone calls these, and none of them raises."""

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


class Turn:
    """A job's place with its thread; `due_s` (monotonic clock) is when it is served next."""

    def __init__(self, job: WriteJob, writer: WriterThread) -> None:
        self.job = job
        self.due_s = time.monotonic() + job.interval_s
        self._writer = writer

    @property
    def is_served(self) -> bool:
        """Whether the thread runs; it does not in a process forked from its own."""
        return self._writer.thread.is_alive()

    def hurry(self) -> None:
        """Serve the job now: somebody waits for it."""
        self.due_s = 0.0
        self._writer.wake.set()


class WriterThread:
    """One thread that serves jobs in turn, until it has none; `schedule` finds or makes it.

    What is to be written is written before anything is synced, and syncing, the longest overdue
    first, ends when it is time to write again: a disk that is slow to sync makes a power cut
    cost more, but a killed process no more than ever.
    """

    def __init__(self, filesystem: int | None) -> None:
        self.turns: tuple[Turn, ...] = ()  # replaced as a whole, with the register locked
        self.wake = threading.Event()
        self.thread = threading.Thread(target=self._run, name="voipbin-writer", daemon=True)
        self._filesystem = filesystem
        self.thread.start()

    def _run(self) -> None:
        self.wake.wait()
        while self.turns:
            self.wake.clear()
            served = self._serve(time.monotonic())
            next_s = min((turn.due_s for turn in self.turns), default=0.0)
            self._sync(served, next_s)
            self.wake.wait(max(0.0, next_s - time.monotonic()))

    def _serve(self, now_s: float) -> list[WriteJob]:
        """Write for those whose turn it is; return those that go on."""
        served: list[WriteJob] = []
        for turn in self.turns:
            interval_s = turn.job.interval_s
            if turn.due_s > now_s + interval_s * _NEAR:
                continue
            turn.due_s = now_s + interval_s  # before `serve`: a `hurry` meanwhile is not lost
            if turn.job.serve():
                served.append(turn.job)
            else:
                self._dismiss(turn)
        return served

    def _dismiss(self, done: Turn) -> None:
        """Take the job off the list; without any, the thread off the register, and it ends."""
        with _register.lock:
            self.turns = tuple(turn for turn in self.turns if turn is not done)
            if not self.turns and self._filesystem is not None:
                del _register.threads[self._filesystem]

    def _sync(self, jobs: Sequence[WriteJob], until_s: float) -> None:
        due = [(overdue_s, n) for n, job in enumerate(jobs) if (overdue_s := job.overdue_s) >= 0]
        for _, n in sorted(due, reverse=True):
            jobs[n].sync()
            if self.wake.is_set() or time.monotonic() >= until_s:
                return


class _Register:
    """The thread of each file system. A forked process has no threads, and gets a new register."""

    lock: threading.Lock
    threads: dict[int, WriterThread]

    def begin(self) -> None:
        self.lock = threading.Lock()
        self.threads = {}


_register = _Register()
_register.begin()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_register.begin)


def schedule(job: WriteJob, filesystem: int | None) -> Turn:
    """Have `job` served from now on; return its turn.

    All files of one file system share a thread: hundreds of them would spend more on handing the
    interpreter lock around than on writing, and a file system that hangs holds up its own files
    only. What is on none (None: a pipe, a terminal, a device) may block for as long as its reader
    likes, so it gets a thread that nobody else waits for.
    """
    with _register.lock:
        writer = None if filesystem is None else _register.threads.get(filesystem)
        if writer is None:
            writer = WriterThread(filesystem)
            if filesystem is not None:
                _register.threads[filesystem] = writer
        turn = Turn(job, writer)
        writer.turns += (turn,)
        writer.wake.set()
        return turn
