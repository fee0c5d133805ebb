"""The thread beside the reading: in order, bounded, and no error of it is lost."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from voipbin_cli.offline.worker import Worker


def test_all_of_it_is_done_in_order_by_one_other_thread() -> None:
    done: list[int] = []
    threads: list[threading.Thread] = []

    def work(n: int) -> None:
        done.append(n)
        threads.append(threading.current_thread())

    with Worker() as worker:
        for n in range(50):
            worker(partial(work, n))
    assert done == list(range(50))
    assert len(set(threads)) == 1
    assert threads[0] is not threading.current_thread()


def test_no_more_than_three_pieces_wait() -> None:
    go = threading.Event()
    handed = 0

    def wait() -> None:
        go.wait()

    def hand() -> None:
        nonlocal handed
        with Worker() as worker:
            for _ in range(10):
                worker(wait)
                handed += 1

    caller = threading.Thread(target=hand)
    caller.start()
    caller.join(0.2)
    # The fourth call waits until the first piece is done.
    assert handed == 3
    go.set()
    caller.join(5)
    assert handed == 10


def fail() -> None:
    raise ZeroDivisionError


def test_an_error_is_raised_at_the_end() -> None:
    with pytest.raises(ZeroDivisionError), Worker() as worker:
        worker(fail)


def read_damage() -> None:
    with Worker() as worker:
        worker(fail)
        raise KeyError


def test_an_error_of_the_reader_is_the_one_that_is_raised() -> None:
    with pytest.raises(KeyError):
        read_damage()
