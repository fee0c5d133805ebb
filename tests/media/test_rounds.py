"""Who is served when: columns of calls, with real threads and intervals that never end."""

from __future__ import annotations

import threading

from tests.support.cli import wait_until
from voipbin_cli.media.rounds import Rounds


class Writer:
    def __init__(self, log, name, interval_s=1000.0):
        self.interval_s = interval_s
        self.is_dirty = self.is_last = False
        self.slow = threading.Event()
        self.slow.set()
        self._log, self._name = log, name

    def serve(self):
        self._log.append(("serve", self._name))
        return not self.is_last

    def sync_is_due(self):
        return self.is_dirty

    def sync(self):
        self.slow.wait()
        self.is_dirty = False
        self._log.append(("sync", self._name))


def leave(rounds, *writers):
    for writer in writers:
        writer.is_last = True
        rounds.hurry(writer)
    wait_until(lambda: not rounds._running)


def test_who_is_in_a_hurry_is_served_alone():
    log, rounds = [], Rounds()
    a, b = Writer(log, "a"), Writer(log, "b")
    rounds.join(a)
    rounds.join(b)
    rounds.hurry(b)
    wait_until(lambda: log)
    assert log == [("serve", "b")]
    leave(rounds, a, b)


def test_those_who_are_due_soon_are_served_in_one_round():
    log, rounds = [], Rounds()
    # b is due after a, by less than half of its interval.
    a, b, late = Writer(log, "a", 0.05), Writer(log, "b", 0.09), Writer(log, "c", 1000.0)
    for writer in (a, b, late):
        rounds.join(writer)
    wait_until(lambda: len(log) >= 2)
    assert log[:2] == [("serve", "a"), ("serve", "b")]
    leave(rounds, a, b, late)


def test_writing_comes_before_syncing_and_a_slow_sync_lets_the_next_write_go_first():
    log, rounds = [], Rounds()
    a, b = Writer(log, "a"), Writer(log, "b")
    a.is_dirty = b.is_dirty = True
    a.slow.clear()
    rounds.join(a)
    rounds.join(b)
    rounds.hurry(a)
    wait_until(lambda: log == [("serve", "a")])
    rounds.hurry(b)  # while a is being synced
    a.slow.set()
    wait_until(lambda: ("sync", "b") in log)
    assert log == [("serve", "a"), ("sync", "a"), ("serve", "b"), ("sync", "b")]
    leave(rounds, a, b)


def test_the_thread_begins_anew_after_it_has_ended():
    log, rounds = [], Rounds()
    for name in "ab":
        writer = Writer(log, name)
        rounds.join(writer)
        leave(rounds, writer)
    assert log == [("serve", "a"), ("serve", "b")]
