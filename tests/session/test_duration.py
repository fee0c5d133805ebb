"""When a duration is over: by the audio that is there, or by the clock."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.session.duration import Duration
from voipbin_cli.transport.connection import Message


class Wanted:
    """A duration of audio that the test counts itself, on virtual time."""

    def __init__(self, wanted_s: float | None) -> None:
        self.audio_s = 0.0
        self.stops_s: list[float] = []
        self.duration = Duration(wanted_s, lambda: self.audio_s, self._stop)

    def _stop(self) -> None:
        self.stops_s.append(asyncio.get_running_loop().time())


def messages(count: int, size: int = 172) -> list[Message]:
    return [Message(0, bytes(size))] * count


def test_it_is_over_with_so_much_audio() -> None:
    wanted = Wanted(2.0)
    assert not wanted.duration.is_over
    wanted.audio_s = 1.99
    assert not wanted.duration.is_over
    wanted.audio_s = 2.0
    assert wanted.duration.is_over


def test_none_is_never_over() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        wanted = Wanted(None)
        wanted.duration.begin()
        wanted.audio_s = 1e9
        await asyncio.sleep(1e6)
        assert not wanted.duration.is_over
        assert wanted.duration.includes(messages(1000))
        assert wanted.stops_s == []

    run_virtually(main)


def test_the_clock_stops_it_a_tenth_of_a_second_late_counted_anew_with_each_beginning() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        wanted = Wanted(2.0)
        wanted.duration.begin()
        await asyncio.sleep(1.5)
        wanted.duration.begin()
        began_s = loop.time()
        await asyncio.sleep(5.0)
        assert wanted.stops_s == [pytest.approx(began_s + 2.1)]
        assert wanted.duration.ran_out

    run_virtually(main)


def test_what_was_cancelled_stops_nothing() -> None:
    async def main(loop: VirtualTimeLoop) -> None:
        wanted = Wanted(2.0)
        wanted.duration.begin()
        wanted.duration.cancel()
        await asyncio.sleep(5.0)
        assert wanted.stops_s == []
        assert not wanted.duration.ran_out

    run_virtually(main)


def test_messages_are_included_as_a_whole_while_none_of_them_can_be_the_last() -> None:
    """Ten of 172 bytes are 0.215 s of audio at most, and a second may have been held back."""

    async def main(loop: VirtualTimeLoop) -> None:
        wanted = Wanted(10.0)
        assert not wanted.duration.includes(messages(10))  # nothing is counted yet
        wanted.duration.begin()
        wanted.audio_s = 8.78
        assert wanted.duration.includes(messages(10))
        wanted.audio_s = 8.79
        assert not wanted.duration.includes(messages(10))
        assert wanted.duration.includes(messages(1))
        # Audio that was lost may be filled in: the time that is left counts as well.
        wanted.audio_s = 0.0
        await asyncio.sleep(8.88)
        assert wanted.duration.includes(messages(10))
        await asyncio.sleep(0.01)
        assert not wanted.duration.includes(messages(10))

    run_virtually(main)
