from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

import pytest

from tests.support.peer import vector_messages
from voipbin_cli.analysis.messages import Gathering, TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.diagnose import LiveDiagnosis
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.measuring import Measuring
from voipbin_cli.transport.connection import Message
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target

T = TypeVar("T")
SECOND = [Message(at_ns, data) for at_ns, data in vector_messages("rtp-deployed")]


def in_a_loop(what: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Measuring takes its turns in an event loop."""

    @functools.wraps(what)
    def run(*args: Any, **named: Any) -> T:
        return asyncio.run(what(*args, **named))

    return run


@in_a_loop
async def test_the_figures_are_those_of_messages_fed_one_by_one():
    plain = StreamFold(Encapsulation.RTP)
    measuring = Measuring(Encapsulation.RTP)
    fold = measuring.fold
    broke_at_ns = SECOND[36].arrival_ns + 1
    for start, end in ((0, 1), (1, 31), (31, 33), (33, 37)):
        measuring.add_messages(SECOND[start:end])
    measuring.broke(broke_at_ns)
    measuring.add_messages(SECOND[40:])
    measuring.flush()
    for n, message in enumerate(SECOND):
        if n == 37:
            plain.broke(broke_at_ns)
        if not 37 <= n < 40:
            plain.add(from_messages([TimedMessage(message.data, message.arrival_ns)]))
    plain.flush()
    assert fold.measured() == plain.measured()
    assert fold.measured().frames == len(SECOND) - 3


@pytest.mark.parametrize("count", [24, 25, 26])
@in_a_loop
async def test_the_fold_has_a_block_as_soon_as_it_is_whole_where_somebody_looks(count):
    measuring = Measuring(Encapsulation.RTP)
    fold = measuring.fold
    for message in SECOND[:count]:
        measuring.add_messages([message])
        measuring.look()
    assert fold.measured().messages == (25 if count >= 25 else 0)
    # The sound, too, though no turn of the loop has passed.
    assert fold.sound.samples == fold.measured().messages * 160
    measuring.catch_up()
    assert fold.measured().messages == count


@in_a_loop
async def measured_at(messages: int, rng: Random) -> list[int]:
    """After which messages the fold had been given more, where nobody looked."""
    measuring = Measuring(Encapsulation.RTP, rng)
    fold = measuring.fold
    given = [0]
    for n in range(messages):
        measuring.add_messages([SECOND[n % len(SECOND)]])
        given.append(fold.measured().messages)
    return [n for n in range(1, len(given)) if given[n] > given[n - 1]]


def test_where_nobody_looks_ten_seconds_are_measured_at_once():
    first, *later = measured_at(1550, Random(1))
    assert 25 <= first <= 500
    assert later == [first + 500, first + 1000]


def test_streams_that_began_together_are_not_measured_together():
    assert len({measured_at(500, Random(n))[0] for n in range(8)}) > 4


def test_gathered_messages_are_columns():
    gathering = Gathering()
    for data, at_ns in ((b"", 7), (b"\x01\x02", 8), ("é\ud800", 9), (b"\x03", -5)):
        gathering.add(data, at_ns)
    assert len(gathering) == 4
    frames = gathering.frames()
    assert frames.data == b"\x01\x02\xc3\xa9\xed\xa0\x80\x03"
    assert frames.offset.tolist() == [0, 0, 2, 7]
    assert frames.length.tolist() == frames.size.tolist() == [0, 2, 5, 1]
    assert frames.time_ns.tolist() == [7, 8, 9, -5]
    assert frames.is_text.tolist() == [False, False, True, False]
    assert (len(gathering), len(gathering.frames())) == (0, 0)


def test_what_a_capture_cut_keeps_its_size_on_the_wire():
    cut = (b"ab", 1, 9), (b"abc", 2), (b"abcd", 3, 1)
    frames = from_messages(TimedMessage(*message) for message in cut)
    assert frames.size.tolist() == [9, 3, 4]
    assert frames.length.tolist() == [2, 3, 4]


@in_a_loop
async def test_a_view_of_a_diagnosis_sees_each_block():
    target = parse_target("ws://127.0.0.1:1/")
    live = LiveRequest(target, "a test", Endpoint(), Encapsulation.RTP)
    diagnosis = LiveDiagnosis(live, lambda *_: None, rng=Random(1))
    for start, end, measured in ((0, 20, 0), (20, 30, 30)):
        diagnosis.hear_messages(SECOND[start:end])
        assert diagnosis.measuring.look().measured().messages == measured
