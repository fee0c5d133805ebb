"""The media connection against a hand-written peer on real sockets."""

from __future__ import annotations

import asyncio
import gc
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.support.aio import run
from tests.support.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Close,
    Fin,
    Peer,
    Raw,
    Received,
    Reset,
    Send,
    StopReading,
    Until,
    frame_bytes,
    vector_messages,
    vector_steps,
)
from voipbin_cli.transport import channel as channel_module
from voipbin_cli.transport.connection import (
    ConnectionEnded,
    MediaConnection,
    Message,
    open_connection,
)


async def everything(connection: MediaConnection) -> tuple[list[Message], ConnectionEnded]:
    """All messages to the end, and how it ended."""
    messages: list[Message] = []
    try:
        while True:
            messages += await connection.receive()
    except ConnectionEnded as ended:
        return messages, ended


def talk(peer: Peer, main: Callable[[MediaConnection], Awaitable[None]], **options: object) -> None:
    async def whole() -> None:
        async with await open_connection(peer.url(), **options) as connection:  # type: ignore[arg-type]
            await main(connection)

    with peer:
        run(whole())


def data_of(messages: list[Message]) -> list[bytes | str]:
    return [message.data for message in messages]


# What comes in


@pytest.mark.parametrize("name", ["rtp-deployed", "sln-linear", "audiosocket-deployed"])
def test_every_message_of_a_real_stream_comes_whole_and_in_order(name: str) -> None:
    async def main(connection: MediaConnection) -> None:
        messages, _ = await everything(connection)
        assert data_of(messages) == [message for _, message in vector_messages(name)]
        assert connection.bytes_received == sum(len(m.data) for m in messages)

    talk(Peer([*vector_steps(name), Fin()]), main)


def test_messages_that_came_before_the_end_are_handed_out_before_it_is_told() -> None:
    async def main(connection: MediaConnection) -> None:
        await asyncio.sleep(0)
        messages, ended = await everything(connection)
        assert data_of(messages) == [b"one", b"two"]
        assert (ended.code, ended.reason, ended.abrupt, ended.local) == (
            4001,
            "enough",
            False,
            False,
        )
        with pytest.raises(ConnectionEnded):
            await connection.receive()

    talk(Peer([Send(b"one"), Send(b"two"), Close(4001, "enough")]), main)


def test_text_and_empty_messages_are_messages_too() -> None:
    async def main(connection: MediaConnection) -> None:
        messages, _ = await everything(connection)
        assert data_of(messages) == ["MEDIA_START é", b"", "", b"x"]

    talk(Peer([Send("MEDIA_START é"), Send(b""), Send(""), Send(b"x"), Fin()]), main)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 256 * 1024])
def test_all_three_length_forms_are_read(size: int) -> None:
    async def main(connection: MediaConnection) -> None:
        messages, _ = await everything(connection)
        assert data_of(messages) == [bytes(size), b"next"]

    talk(Peer([Send(bytes(size)), Send(b"next"), Fin()]), main)


def test_fragments_are_joined_around_a_ping_in_their_midst() -> None:
    pieces = (
        frame_bytes(BINARY, b"ab", final=False)
        + frame_bytes(PING, b"now")
        + frame_bytes(CONTINUATION, b"", final=False)
        + frame_bytes(CONTINUATION, b"cd")
        + frame_bytes(TEXT, "é".encode()[:1], final=False)
        + frame_bytes(CONTINUATION, "é".encode()[1:])
        + frame_bytes(BINARY, b"whole")
    )

    async def main(connection: MediaConnection) -> None:
        messages, _ = await everything(connection)
        assert data_of(messages) == [b"abcd", "é", b"whole"]

    talk(Peer([Raw(pieces), Fin()]), main)


def test_where_the_bytes_are_cut_does_not_matter() -> None:
    stream = b"".join(
        [
            frame_bytes(BINARY, b"a" * 172),
            frame_bytes(PING, b"p"),
            frame_bytes(BINARY, b"b" * 200),
            frame_bytes(TEXT, b"text"),
            frame_bytes(BINARY, b""),
            frame_bytes(BINARY, b"c", final=False),
            frame_bytes(CONTINUATION, b"d"),
            frame_bytes(BINARY, b"e" * 3),
        ]
    )
    expected = [b"a" * 172, b"b" * 200, "text", b"", b"cd", b"e" * 3]

    async def main(connection: MediaConnection) -> None:
        # The socket decides where it cuts, so cut behind it.
        channel = connection._channel
        for cut in range(len(stream)):
            channel.data_received(stream[:cut])
            channel.data_received(stream[cut:])
            assert data_of(channel.take_messages()) == expected, cut
        for byte in stream:
            channel.data_received(bytes([byte]))
        assert data_of(channel.take_messages()) == expected

    talk(Peer(), main)


def test_arrival_is_stamped_by_the_given_clock_before_anything_is_parsed() -> None:
    ticks = itertools.count(1000)

    async def main(connection: MediaConnection) -> None:
        channel = connection._channel
        before = next(ticks)
        channel.data_received(frame_bytes(BINARY, b"a") + frame_bytes(BINARY, b"b"))
        channel.data_received(frame_bytes(BINARY, b"c", final=False))
        channel.data_received(frame_bytes(CONTINUATION, b"d"))
        # One read, one stamp; a message in pieces has come when its last piece has.
        assert await connection.receive() == [
            (before + 1, b"a"),
            (before + 1, b"b"),
            (before + 3, b"cd"),
        ]

    talk(Peer(), main, clock=lambda: next(ticks), ping_interval=None)


def test_messages_read_late_keep_the_time_at_which_they_came() -> None:
    late = threading.Event()

    async def main(connection: MediaConnection) -> None:
        first = await connection.receive()
        late.set()
        while not connection._channel.inbox:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        read_at = time.monotonic_ns()
        [message] = await connection.receive()
        assert data_of([*first, message]) == [b"one", b"two"]
        assert read_at - message.arrival_ns >= 45_000_000

    talk(Peer([Send(b"one"), Until(late), Send(b"two")]), main)


def test_lingering_gathers_what_comes_meanwhile() -> None:
    async def main(connection: MediaConnection) -> None:
        batches = []
        try:
            while True:
                batches.append(await connection.receive(linger=3600))
        except ConnectionEnded:
            pass
        # The end cuts the lingering short: an hour would be noticed.
        assert [data_of(batch) for batch in batches] == [[b"1", b"2", b"3"]]

    steps = [Send(b"1"), Send(b"2", after=0.02), Send(b"3", after=0.02), Fin()]
    talk(Peer(steps), main)


def test_lingering_ends_when_the_inbox_is_full() -> None:
    chunk = frame_bytes(BINARY, b"") * (channel_module.INBOX_MESSAGES + 1)

    async def main(connection: MediaConnection) -> None:
        assert len(await connection.receive(linger=3600)) >= channel_module.INBOX_MESSAGES

    talk(Peer([Raw(chunk)]), main)


def test_two_tasks_may_not_receive_at_once() -> None:
    async def main(connection: MediaConnection) -> None:
        first = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await connection.receive()
        first.cancel()

    talk(Peer(), main)


def test_a_cancelled_receive_loses_nothing() -> None:
    go = threading.Event()

    async def main(connection: MediaConnection) -> None:
        waiting = asyncio.ensure_future(connection.receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        go.set()
        assert data_of(await connection.receive()) == [b"kept"]

    talk(Peer([Until(go), Send(b"kept")]), main)


# Bounds


def test_a_full_inbox_stops_the_reading_and_taking_it_goes_on() -> None:
    count = 3 * channel_module.INBOX_MESSAGES
    flood = frame_bytes(BINARY, bytes(1000)) * 64
    peer = Peer([*[Raw(flood)] * (count // 64), Fin()])

    async def main(connection: MediaConnection) -> None:
        channel = connection._channel
        while not channel.is_paused:
            await asyncio.sleep(0.001)
        held = len(channel.inbox)
        # One read of asyncio's is 256 KiB at most.
        assert held <= channel_module.INBOX_MESSAGES + 256 * 1024 // 1000
        await asyncio.sleep(0.05)
        assert len(channel.inbox) == held
        messages, _ = await everything(connection)
        assert len(messages) == count

    talk(peer, main)


def test_the_inbox_is_bounded_in_bytes_too() -> None:
    peer = Peer([*[Send(bytes(200_000))] * 200, Fin()])

    async def main(connection: MediaConnection) -> None:
        channel = connection._channel
        while not channel.is_paused:
            await asyncio.sleep(0.001)
        assert channel.inbox_bytes <= channel_module.INBOX_BYTES + 2 * 256 * 1024
        messages, _ = await everything(connection)
        assert len(messages) == 200

    talk(peer, main)


@pytest.mark.slow
def test_a_million_tiny_messages_do_not_grow_memory() -> None:
    chunk = frame_bytes(BINARY, b"") * 50_000
    peer = Peer([*[Raw(chunk)] * 20, Fin()])

    async def main(connection: MediaConnection) -> None:
        largest = count = 0
        try:
            while True:
                batch = await connection.receive()
                largest, count = max(largest, len(batch)), count + len(batch)
        except ConnectionEnded:
            pass
        assert count == 1_000_000
        # The bound, and what one read of 256 KiB brought on top of it.
        assert largest <= channel_module.INBOX_MESSAGES + 128 * 1024

    talk(peer, main)


@pytest.mark.parametrize(
    "head",
    [
        b"\x82\x7f" + (100 * 1024 * 1024).to_bytes(8, "big"),
        b"\x82\x7f" + (2**63 - 1).to_bytes(8, "big"),
        frame_bytes(BINARY, bytes(200_000), final=False) + b"\x80\x7e\xff\xff",
    ],
    ids=["100 MB", "8 EB", "in fragments"],
)
def test_a_message_over_the_limit_ends_the_connection_with_1009(head: bytes) -> None:
    peer = Peer([Send(b"before"), Raw(head), Raw(bytes(1_000_000))])

    async def main(connection: MediaConnection) -> None:
        messages, ended = await everything(connection)
        assert data_of(messages) == [b"before"]
        assert (ended.code, ended.abrupt, ended.local) == (1009, False, True)

    talk(peer, main)


@pytest.mark.parametrize("size", [1001, 70_000])
def test_the_limit_is_the_one_asked_for(size: int) -> None:
    async def main(connection: MediaConnection) -> None:
        messages, ended = await everything(connection)
        assert (data_of(messages), ended.code) == ([bytes(1000)], 1009)

    talk(Peer([Send(bytes(1000)), Send(bytes(size))]), main, max_size=1000)


def test_a_broken_connection_is_not_kept_though_nobody_closes_it() -> None:
    # Our close frame is not answered, and the peer's TCP stays open.
    peer = Peer([Raw(b"\x83\x00"), StopReading()], answer_close=False)

    async def whole() -> None:
        connection = await open_connection(peer.url())
        await everything(connection)
        await connection._channel.wait_closed()

    with peer:
        run(whole())


@pytest.mark.slow
def test_endless_empty_fragments_hold_no_memory() -> None:
    chunk = frame_bytes(CONTINUATION, b"", final=False) * 50_000

    async def main(connection: MediaConnection) -> None:
        channel = connection._channel
        channel.data_received(frame_bytes(BINARY, b"a", final=False))
        for _ in range(4):
            channel.data_received(chunk)
        gc.collect()
        assert len(channel._fragments) == 1
        assert sum(type(o).__name__ == "Frame" for o in gc.get_objects()) < 100

    talk(Peer(), main)


def test_a_whole_message_in_the_midst_of_fragments_is_a_breach() -> None:
    async def main(connection: MediaConnection) -> None:
        connection._channel.data_received(frame_bytes(BINARY, b"a", final=False))
        connection._channel.data_received(frame_bytes(BINARY, b"whole"))
        messages, ended = await everything(connection)
        assert (messages, ended.code) == ([], 1002)

    talk(Peer(), main)


SLOW_READER = """
import asyncio, resource, sys
from voipbin_cli.transport.connection import ConnectionEnded, open_connection

def peak_kib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

async def main():
    async with await open_connection(sys.argv[1]) as connection:
        before, count = peak_kib(), 0
        while not connection._channel.is_paused:
            await asyncio.sleep(0.001)
        try:
            while True:
                count += len(await connection.receive())
        except ConnectionEnded as ended:
            print(count, ended.code, (peak_kib() - before) // 1024)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
@pytest.mark.parametrize("size", [0, 172, 200_000])
def test_a_process_that_is_flooded_stays_small(size: int) -> None:
    one = frame_bytes(BINARY, bytes(size))
    chunk = one * max(1, 1_000_000 // len(one))
    chunks = 100 if size else 2  # a million empty ones
    with Peer([*[Raw(chunk)] * chunks, Fin()]) as peer:
        done = subprocess.run(
            [sys.executable, "-c", SLOW_READER, peer.url()],
            capture_output=True,
            text=True,
            timeout=100,
            check=True,
        )
    count, code, grown_mib = map(int, done.stdout.split())
    assert (count, code) == (chunks * (len(chunk) // len(one)), 1006)
    # 8 MiB of inbox, one read of 256 KiB (128 thousand empty messages), a batch being handed out.
    assert grown_mib < 64


def test_a_peer_that_pings_and_never_reads_is_given_up() -> None:
    flood = frame_bytes(PING, bytes(125)) * 1000

    async def main(connection: MediaConnection) -> None:
        _, ended = await everything(connection)
        assert ended.local
        assert "reads nothing" in ended.reason

    talk(Peer([StopReading(), *[Raw(flood)] * 400]), main)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b"\x83\x00", 1002),  # opcode 3 is reserved
        (b"\xc2\x00", 1002),  # RSV1 without an extension
        (b"\x82\x80\x00\x00\x00\x00", 1002),  # a server's frame must not be masked
        (frame_bytes(CONTINUATION, b"x"), 1002),
        (frame_bytes(TEXT, b"\xff"), 1007),
        # What comes after it, in the same read or not, counts no more (RFC 6455 section 7.1.7).
        (frame_bytes(TEXT, b"\xff") + frame_bytes(CLOSE, b"\x03\xe8"), 1007),
        (frame_bytes(TEXT, b"\xc3", final=False) + frame_bytes(CONTINUATION, b"x"), 1007),
    ],
)
def test_a_breach_of_the_protocol_ends_the_connection(broken: bytes, code: int) -> None:
    async def main(connection: MediaConnection) -> None:
        messages, ended = await everything(connection)
        assert data_of(messages) == [b"before"]
        assert (ended.code, ended.local) == (code, True)

    talk(Peer([Send(b"before"), Raw(broken), Send(b"after")]), main)


# What goes out


def test_what_is_sent_arrives_masked_binary_and_whole() -> None:
    payloads = [b"", b"a" * 172, bytes(range(256)) * 2]
    peer = Peer()

    async def main(connection: MediaConnection) -> None:
        for payload in payloads:
            await connection.send(payload)
        assert connection.send_nowait(b"last")

    async def whole() -> None:
        async with await open_connection(peer.url()) as connection:
            await main(connection)

    with peer:
        run(whole())
        frames = peer.received(4)
    assert [frame.data for frame in frames] == [*payloads, b"last"]
    assert all(f.opcode == BINARY and f.was_masked and f.is_final for f in frames)


def test_sending_without_waiting_stops_at_a_bound_when_the_peer_does_not_read() -> None:
    async def main(connection: MediaConnection) -> None:
        sent = 0
        while connection.send_nowait(bytes(60_000)):
            sent += 1
            assert sent < 10_000
        assert connection.unsent_bytes < 128 * 1024 + 2 * 60_100
        waiting = asyncio.ensure_future(connection.send(b"later"))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
        waiting.cancel()

    talk(Peer([StopReading()]), main)


def test_a_waiting_send_goes_on_when_the_peer_reads_again() -> None:
    peer = Peer([Received(1)])

    async def main(connection: MediaConnection) -> None:
        for _ in range(100):
            await connection.send(bytes(60_000))

    async def whole() -> None:
        async with await open_connection(peer.url()) as connection:
            await main(connection)
            await asyncio.to_thread(peer.received, 100)

    with peer:
        run(whole())


def test_sending_after_the_end_says_how_it_ended() -> None:
    async def main(connection: MediaConnection) -> None:
        await everything(connection)
        with pytest.raises(ConnectionEnded) as caught:
            connection.send_nowait(b"x")
        assert (caught.value.code, caught.value.abrupt) == (1006, True)
        with pytest.raises(ConnectionEnded):
            await connection.send(b"x")

    talk(Peer([Fin()]), main)


# How it ends


@pytest.mark.parametrize("step", [Fin(), Reset()], ids=["fin", "reset"])
def test_tcp_closed_without_a_close_frame_is_abrupt(step: Fin | Reset) -> None:
    async def main(connection: MediaConnection) -> None:
        _, ended = await everything(connection)
        assert (ended.code, ended.abrupt, ended.local) == (1006, True, False)
        assert ended.status == 3
        await asyncio.sleep(0)
        assert connection._watch is not None
        assert connection._watch.done()
        await connection.close()
        assert connection._channel.connection_lost_waiter.done()

    talk(Peer([Send(b"one"), Received(1), step]), _after_a_word(main))


def _after_a_word(
    main: Callable[[MediaConnection], Awaitable[None]],
) -> Callable[[MediaConnection], Awaitable[None]]:
    """Let the peer go on only once its message was read: RST throws away what was not."""

    async def wrapped(connection: MediaConnection) -> None:
        assert data_of(await connection.receive()) == [b"one"]
        await connection.send(b"go")
        await main(connection)

    return wrapped


def test_a_close_frame_from_the_peer_is_answered_with_its_code() -> None:
    peer = Peer([Close(1001, "going away\x1b[31m")])

    async def whole() -> None:
        async with await open_connection(peer.url()) as connection:
            _, ended = await everything(connection)
            assert (ended.code, ended.abrupt, ended.local) == (1001, False, False)
            assert ended.reason == "going away\\x1b[31m"

    with peer:
        run(whole())
        peer.wait_for(lambda p: [f.data[:2] for f in p.frames if f.opcode == CLOSE])
        assert [f.data[:2] for f in peer.frames if f.opcode == CLOSE] == [b"\x03\xe9"]


def test_close_reads_on_until_the_peer_has_answered() -> None:
    # The peer writes more than the sockets' buffers hold before it looks at our close frame.
    stream = frame_bytes(BINARY, bytes(1000)) * 20_000
    peer = Peer([Raw(stream)])

    async def whole() -> None:
        connection = await open_connection(peer.url())
        await connection.receive()
        await connection.close(1000)
        assert connection._channel.connection_lost_waiter.done()
        _, ended = await everything(connection)
        assert (ended.code, ended.abrupt, ended.local) == (1000, False, True)

    with peer:
        run(whole())
        assert [f.data for f in peer.frames if f.opcode == CLOSE] == [b"\x03\xe8"]


def test_close_reads_on_though_the_inbox_is_full() -> None:
    stream = frame_bytes(BINARY, bytes(1000)) * 20_000

    async def main(connection: MediaConnection) -> None:
        while not connection._channel.is_paused:
            await asyncio.sleep(0.001)
        await connection.close()
        messages, ended = await everything(connection)
        assert (ended.code, ended.abrupt, ended.local) == (1000, False, True)
        # What was there is still handed out, and what found no room is not kept.
        bound = channel_module.INBOX_MESSAGES
        assert bound <= len(messages) <= bound + 256 * 1024 // 1000

    talk(Peer([Raw(stream)]), main)


def test_closing_does_not_wait_for_a_peer_that_never_answers() -> None:
    peer = Peer(answer_close=False)

    async def whole() -> None:
        connection = await open_connection(peer.url())
        before = time.monotonic()
        await connection.close()
        # Bounded below: the second was given; the bound above is the runner's own.
        assert time.monotonic() - before >= 0.9
        _, ended = await everything(connection)
        assert (ended.code, ended.abrupt, ended.local) == (1006, True, True)

    with peer:
        run(whole())


def test_closing_twice_and_after_the_end_does_nothing() -> None:
    async def main(connection: MediaConnection) -> None:
        await everything(connection)
        await connection.close()
        await connection.close()

    talk(Peer([Close()]), main)


def test_a_cancelled_close_leaves_no_socket_open() -> None:
    peer = Peer(answer_close=False)

    async def whole() -> None:
        connection = await open_connection(peer.url())
        closing = asyncio.ensure_future(connection.close())
        await asyncio.sleep(0.01)
        closing.cancel()
        await asyncio.wait([closing])

    with peer:
        run(whole())
        peer.wait_for(lambda p: p.gone == 1)


# Pings


def test_a_ping_measures_the_round_trip_with_the_given_clock() -> None:
    async def main(connection: MediaConnection) -> None:
        while len(connection.rtts_ms) < 3:
            await asyncio.sleep(0.005)
        assert all(rtt > 0 for rtt in connection.rtts_ms)
        trip = connection.round_trips[0]
        assert trip.arrival_ns <= time.monotonic_ns()

    talk(Peer(), main, ping_interval=0.01)


def test_the_round_trip_is_the_difference_of_two_looks_at_the_clock() -> None:
    now_ns = 0

    async def main(connection: MediaConnection) -> None:
        nonlocal now_ns
        connection._channel.probe()
        now_ns = 7_500_000
        while not connection.rtts_ms:
            await asyncio.sleep(0.001)
        assert connection.rtts_ms == [7.5]

    talk(Peer(), main, ping_interval=None, clock=lambda: now_ns)


def test_what_the_link_holds_back_is_how_much_longer_a_ping_takes() -> None:
    now_ns = 0

    async def answered(connection: MediaConnection, after_ms: float) -> None:
        nonlocal now_ns
        known = len(connection.rtts_ms)
        connection.probe()
        now_ns += int(after_ms * 1e6)
        while len(connection.rtts_ms) == known:
            await asyncio.sleep(0.001)

    async def main(connection: MediaConnection) -> None:
        nonlocal now_ns
        assert connection.queued_ms == 0.0
        for after_ms, queued_ms in ((8.0, 0.0), (5.0, 0.0), (45.0, 40.0), (7.0, 2.0)):
            await answered(connection, after_ms)
            assert connection.queued_ms == pytest.approx(queued_ms)
        connection.probe()  # and is not answered while nothing is awaited
        now_ns += 95_000_000
        assert connection.queued_ms == pytest.approx(90.0)

    talk(Peer(), main, ping_interval=None, clock=lambda: now_ns)


def test_what_the_peer_had_sent_has_come_once_it_is_caught_up_with() -> None:
    async def main(connection: MediaConnection) -> None:
        await connection.catch_up(10.0)
        assert len(connection.rtts_ms) == 1
        peer.answer_pings = False
        begun_s = time.monotonic()
        await connection.catch_up(0.05)
        assert 0.05 <= time.monotonic() - begun_s < 5.0
        go.set()
        await everything(connection)
        await connection.catch_up(10.0)  # there is nothing to wait for any more

    go = threading.Event()
    peer = Peer([Until(go), Fin()])
    talk(peer, main, ping_interval=None)


def test_after_the_end_no_ping_waits_any_longer() -> None:
    now_ns = 0

    async def main(connection: MediaConnection) -> None:
        nonlocal now_ns
        connection.probe()
        now_ns = 5_000_000
        while not connection.rtts_ms:
            await asyncio.sleep(0.001)
        peer.answer_pings = False
        connection.probe()
        now_ns = 45_000_000
        assert connection.queued_ms == pytest.approx(35.0)
        go.set()
        await everything(connection)
        assert connection.queued_ms == 0.0

    go = threading.Event()
    peer = Peer([Until(go), Fin()])
    talk(peer, main, ping_interval=None, clock=lambda: now_ns)


def test_one_probe_is_on_its_way_at_a_time() -> None:
    go = threading.Event()
    peer = Peer([Until(go), Fin()], answer_pings=False)

    async def main(connection: MediaConnection) -> None:
        for _ in range(5):
            connection.probe()
        connection.send_nowait(b"behind them")
        await asyncio.to_thread(
            peer.wait_for, lambda p: BINARY in [frame.opcode for frame in p.frames]
        )
        assert [frame.opcode for frame in peer.frames].count(PING) == 1
        assert connection.queued_ms == 0.0  # nothing was ever answered
        go.set()
        await everything(connection)

    talk(peer, main, ping_interval=None)


def test_an_unasked_pong_is_no_round_trip() -> None:
    async def main(connection: MediaConnection) -> None:
        messages, _ = await everything(connection)
        assert data_of(messages) == [b"x"]
        assert connection.rtts_ms == []

    talk(Peer([Raw(frame_bytes(10, b"12345678")), Send(b"x"), Fin()]), main)


def test_a_peer_of_whom_nothing_comes_any_more_is_given_up() -> None:
    async def main(connection: MediaConnection) -> None:
        _, ended = await everything(connection)
        assert (ended.code, ended.abrupt, ended.local) == (1006, True, True)
        assert "nothing came for 0.1 s" in ended.reason

    talk(Peer(answer_pings=False), main, ping_interval=0.02, pong_timeout=0.1)


def test_a_peer_that_streams_but_answers_no_ping_is_alive() -> None:
    steps = [Send(b"x", after=0.02)] * 30

    async def main(connection: MediaConnection) -> None:
        messages, ended = await everything(connection)
        assert len(messages) == 30
        assert not ended.local

    talk(Peer([*steps, Fin()], answer_pings=False), main, ping_interval=0.02, pong_timeout=0.2)


def test_a_reader_that_is_slow_itself_does_not_take_the_peer_for_dead() -> None:
    flood = frame_bytes(BINARY, bytes(1000)) * 64

    async def main(connection: MediaConnection) -> None:
        while not connection._channel.is_paused:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.3)
        messages, ended = await everything(connection)
        assert len(messages) == 64 * 200
        assert not ended.local

    peer = Peer([*[Raw(flood)] * 200, Fin()])
    talk(peer, main, ping_interval=0.02, pong_timeout=0.1)
