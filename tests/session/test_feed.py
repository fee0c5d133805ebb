"""Reading ahead in a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.support.cli import wait_until
from voipbin_cli.errors import UsageError
from voipbin_cli.session.feed import Feed

BLOCKS = [bytes([n]) * 320 for n in range(100)]


def drained(feed: Feed) -> list[bytes]:
    taken = []

    def is_over() -> bool:
        if (block := feed.next_frame()) is not None:
            taken.append(block)
        return feed.is_over

    wait_until(is_over)
    return taken


@pytest.mark.parametrize("ahead", [1, 2, 7, 500])
def test_every_block_comes_once_and_in_order(ahead: int) -> None:
    assert drained(Feed(iter(BLOCKS), ahead=ahead)) == BLOCKS


def test_nothing_is_waited_for() -> None:
    gate = threading.Event()

    def blocks() -> Iterator[bytes]:
        yield BLOCKS[0]
        gate.wait(20)
        yield BLOCKS[1]

    feed = Feed(blocks())
    wait_until(lambda: feed.next_frame() == BLOCKS[0])
    assert feed.next_frame() is None
    assert not feed.is_over
    gate.set()
    assert drained(feed) == BLOCKS[1:2]
    assert feed.next_frame() is None


def test_no_more_is_read_than_is_wanted() -> None:
    read = []

    def blocks() -> Iterator[bytes]:
        for block in BLOCKS:
            read.append(block)
            yield block

    feed = Feed(blocks(), ahead=10)
    wait_until(lambda: len(read) == 10)
    for _ in range(4):
        feed.next_frame()
    assert len(read) == 10
    feed.next_frame()
    wait_until(lambda: len(read) == 15)
    feed.finish()
    feed._thread.join(20)
    assert not feed._thread.is_alive()
    assert len(read) <= 16


def test_an_error_comes_after_what_was_read_before_it() -> None:
    def blocks() -> Iterator[bytes]:
        yield from BLOCKS[:3]
        raise UsageError("damaged")

    feed = Feed(blocks())
    wait_until(lambda: len(feed._ready) == 4)
    assert [feed.next_frame() for _ in range(3)] == BLOCKS[:3]
    with pytest.raises(UsageError):
        feed.next_frame()
    assert feed.is_over
    assert feed.next_frame() is None


def test_an_empty_source_is_over_at_once() -> None:
    assert drained(Feed(iter([]))) == []
