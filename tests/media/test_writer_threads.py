from __future__ import annotations

import threading
import time

from voipbin_cli.media.writer_threads import schedule


class Job:
    """Notes its turns in `log`; overdue for as long as `overdue_s` says; ends after `turns`."""

    interval_s = 0.005

    def __init__(self, name, log, *, turns=20, overdue_s=-1.0, sync_takes_s=0.0):
        self.name = name
        self.log = log
        self.overdue_s = overdue_s
        self.ended = threading.Event()
        self._turns = turns
        self._sync_takes_s = sync_takes_s

    def serve(self):
        self.log.append(("serve", self.name))
        self._turns -= 1
        if not self._turns:
            self.ended.set()
        return self._turns > 0

    def sync(self):
        self.log.append(("sync", self.name))
        time.sleep(self._sync_takes_s)


def served(filesystem, *jobs):
    writers = {id(schedule(job, filesystem)._writer) for job in jobs}
    for job in jobs:
        assert job.ended.wait(10.0)
    return len(writers)


def test_jobs_on_one_file_system_share_a_thread_and_pipes_do_not():
    assert served(-1, Job("a", []), Job("b", [])) == 1
    assert served(None, Job("a", []), Job("b", [])) == 2


def test_a_slow_sync_never_delays_a_write_by_more_than_itself():
    log = []
    slow = [Job(name, log, overdue_s=1.0, sync_takes_s=0.01) for name in "abc"]
    served(-1, *slow)
    syncs = [n for n, (what, _) in enumerate(log) if what == "sync"]
    assert len(syncs) >= 10
    # Each takes two intervals, so it is the only one of its round.
    assert all(log[n + 1][0] == "serve" for n in syncs)


def test_the_longest_overdue_is_synced_first():
    log = []
    jobs = [Job(name, log, overdue_s=late) for name, late in (("a", 0.0), ("b", 2.0), ("c", 1.0))]
    jobs.append(Job("never", log))
    served(-1, *jobs)
    names = "".join(name for what, name in log if what == "sync")
    assert "bca" in names
    assert "never" not in names


def test_somebody_who_waits_is_served_before_the_interval_is_over():
    log = []
    job = Job("a", log, turns=3)
    job.interval_s = 1000.0
    turn = schedule(job, -1)
    while len(log) < 3:
        turn.hurry()
        time.sleep(0.001)
    assert job.ended.is_set()
