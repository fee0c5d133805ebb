"""How many live streams one process records, beside a bare websockets loop and a raw epoll loop.

    python tests/benchmarks/many.py [--seconds 10] [--streams 50,100,150,…] [--kinds record,…]

A server process on a raw epoll loop of its own sends 172 bytes of RTP every 20 ms to each
connection, the connections spread evenly over those 20 ms, each on an absolute grid that it tells
in the SSRC field. So a reader knows of each frame how late it came: that is the arrival error,
the server's own lateness included. A reader has kept up when no frame is missing and the arrival
error's p99 is under 5 ms. The server writes what it may be late itself: where that is near 5 ms
the machine is the limit and not the reader, and the row is tried again. What a frame costs is
compared afterwards, the median of three turns. Who measures does so every ten seconds, so ten
seconds pass before the first frame counts, and ten count: each stream is measured once in them.

There are two bare loops. `websockets` is the one of the documentation: asyncio offers each read
256 KiB, and in a process that has never given back so much at once, malloc maps and unmaps them
each time. `lean` is the same with reads of 64 KiB, which cost no system call. A larger program
is lean by chance, as the package is: what it imports gives back as much.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from tests.benchmarks.harness import headline

FRAME_US = 20_000
PHASES = 20
STREAMS = (50, 100, 150, 200, 250, 300, 350, 400, 500, 600, 800, 1000)
LIMIT_MS = 5.0
SETTLE_S = 10.5
ATTEMPTS = 3
COMPARED = (50, 100, 200)
ROUNDS = 3
BARE = ("websockets", "lean")
_HEADER = struct.Struct("!BBHII")
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VECTOR = Path(__file__).parents[1] / "vectors" / "rtp-deployed.jsonl"


def now_us() -> int:
    """The monotonic clock, which all processes of a machine share."""
    return time.monotonic_ns() // 1000


# The server


def payloads() -> list[bytes]:
    """A second of mu-law speech."""
    lines = _VECTOR.read_text().splitlines()
    return [bytes.fromhex(json.loads(line)[1])[12:] for line in lines]


class Sender:
    """Sends to everyone on the grid; counts the frames that a socket did not take."""

    def __init__(self) -> None:
        self._phases: list[list[Any]] = [[] for _ in range(PHASES)]
        self._speech = payloads()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        # A thousand ticks a second: of the last four, when all are connected.
        self._late_us: deque[int] = deque(maxlen=4000)
        self.port = self._listener.getsockname()[1]

    def run(self) -> None:
        """Until the process is ended; a line on stdin asks how late it was lately."""
        self._poll.register(0, select.EPOLLIN)
        start_us, tick = now_us(), 0
        step_us = FRAME_US // PHASES
        while True:
            due_us = start_us + tick * step_us
            while (left_us := due_us - now_us()) > 0:
                for descriptor, _ in self._poll.poll(left_us / 1e6):
                    self._take(descriptor)
            self._send(tick % PHASES, due_us)
            tick += 1

    def _take(self, descriptor: int) -> None:
        if descriptor == 0:
            if not os.read(0, 100):
                sys.exit()
            print(float(np.percentile(self._late_us, 99)) / 1000, flush=True)
            return
        connection, _ = self._listener.accept()
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65536)
        key = request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest())
        connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        min(self._phases, key=len).append([connection, 0, 0])

    def _send(self, phase: int, due_us: int) -> None:
        gone = []
        for row in self._phases[phase]:
            connection, number, base_us = row
            base_us = row[2] = base_us or due_us
            at, ssrc = number * 160 & 0xFFFFFFFF, base_us & 0xFFFFFFFF
            packet = _HEADER.pack(0x80, 96, number + 1 & 0xFFFF, at, ssrc)
            row[1] = number + 1
            try:
                connection.send(b"\x82\x7e\x00\xac" + packet + self._speech[number % 50])
            except BlockingIOError:
                pass  # as the platform: what does not fit is gone
            except OSError:
                gone.append(row)
        self._late_us.append(now_us() - due_us)
        for row in gone:
            self._phases[phase].remove(row)


# The readers


class Tally:
    """Arrival errors and gaps of all streams, from a moment on."""

    def __init__(self, streams: int, seconds: float) -> None:
        # Never longer nor shorter: memory given back would make any reader a lean one.
        self.errors_us = array("q", [0]) * int(streams * 50 * (seconds + 5))
        self.frames = 0
        self.lost = 0
        self.is_open = False
        self._next: dict[int, int] = {}

    def take(self, arrival_us: int, stream: int, sequence_number: int, ssrc: int) -> None:
        """Note one frame."""
        expected = self._next.get(stream, sequence_number)
        self.lost += sequence_number - expected & 0xFFFF
        self._next[stream] = sequence_number + 1
        if self.is_open:
            due_us = ssrc + (sequence_number - 1) * FRAME_US
            self.errors_us[self.frames] = arrival_us - due_us & 0xFFFFFFFF
            self.frames += 1

    def result(self, cpu_s: float) -> dict[str, float]:
        errors = np.array(self.errors_us[: self.frames], np.int64)
        errors[errors > 1 << 31] -= 1 << 32
        p50_us, p99_us = np.percentile(errors, [50, 99])
        return {
            "frames": len(errors),
            "lost": self.lost,
            "p50_ms": p50_us / 1000,
            "p99_ms": p99_us / 1000,
            "cpu_us": cpu_s * 1e6 / len(errors),
        }


def measured(tally: Tally, seconds: float, wait: Callable[[float], Any]) -> dict[str, float]:
    """What comes in `seconds`; `wait` reads meanwhile."""
    wait(SETTLE_S)
    tally.is_open, before_s = True, time.process_time()
    wait(seconds)
    tally.is_open = False
    return tally.result(time.process_time() - before_s)


def read_by_epoll(port: int, streams: int, seconds: float) -> dict[str, float]:
    """No library at all: frames are known to be 176 bytes long."""
    tally, poll = Tally(streams, seconds), select.epoll()
    sockets, rests = {}, {}
    for number in range(streams):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(b"GET / HTTP/1.1\r\nSec-WebSocket-Key: eA==\r\n\r\n")
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(4096)
        connection.setblocking(False)
        sockets[connection.fileno()] = (number, connection)
        rests[number] = answer.partition(b"\r\n\r\n")[2]
        poll.register(connection, select.EPOLLIN)

    def wait(for_s: float) -> None:
        end_s = time.monotonic() + for_s
        while (left_s := end_s - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left_s):
                number, connection = sockets[descriptor]
                data = rests[number] + connection.recv(65536)
                arrival_us = now_us()
                while len(data) >= 176:
                    _, _, sequence_number, _, ssrc = _HEADER.unpack_from(data, 4)
                    tally.take(arrival_us, number, sequence_number, ssrc)
                    data = data[176:]
                rests[number] = data

    return measured(tally, seconds, wait)


async def _in_a_loop(
    tasks: list[asyncio.Task[Any]], tally: Tally, seconds: float
) -> dict[str, float]:
    """Measure while the tasks run; they count as connected once each had its time."""
    await asyncio.sleep(SETTLE_S)
    tally.is_open, before_s = True, time.process_time()
    await asyncio.sleep(seconds)
    tally.is_open = False
    cpu_s = time.process_time() - before_s
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tally.result(cpu_s)


def read_by_websockets(port: int, streams: int, seconds: float) -> dict[str, float]:
    """The library as its documentation shows it, and the frames thrown away."""
    from websockets.asyncio.client import connect

    tally = Tally(streams, seconds)

    async def read(number: int) -> None:
        url = f"ws://127.0.0.1:{port}/"
        async with connect(url, compression=None, ping_interval=None) as connection:
            async for message in connection:
                _, _, sequence_number, _, ssrc = _HEADER.unpack_from(message)
                tally.take(now_us(), number, sequence_number, ssrc)

    async def main() -> dict[str, float]:
        tasks = []
        for number in range(streams):
            tasks.append(asyncio.ensure_future(read(number)))
            await asyncio.sleep(0.004)
        return await _in_a_loop(tasks, tally, seconds)

    return asyncio.run(main())


def read_by_lean_websockets(port: int, streams: int, seconds: float) -> dict[str, float]:
    """The same, and no read maps memory."""
    from asyncio import selector_events

    selector_events._SelectorSocketTransport.max_size = 64 * 1024  # type: ignore[attr-defined]
    return read_by_websockets(port, streams, seconds)


def _read_by_sessions(port: int, streams: int, seconds: float, make: Callable[..., Any]) -> Any:
    """Sessions of the package, each told by number, all in one event loop."""
    from voipbin_cli.codec.encapsulation import Encapsulation
    from voipbin_cli.session.live import LiveRequest
    from voipbin_cli.session.session import SessionRequest
    from voipbin_cli.transport.endpoint import Endpoint
    from voipbin_cli.transport.targets import parse_target

    tally = Tally(streams, seconds)
    target = parse_target(f"ws://127.0.0.1:{port}/")
    live = LiveRequest(target, "a benchmark", Endpoint(), Encapsulation.RTP, reconnect=False)

    async def main() -> dict[str, float]:
        tasks = []
        for number in range(streams):
            session = make(SessionRequest(live), number, _counter(tally, number))
            tasks.append(asyncio.ensure_future(session.run()))
            await asyncio.sleep(0.004)
        return await _in_a_loop(tasks, tally, seconds)

    return asyncio.run(main())


def _counter(tally: Tally, number: int) -> Any:
    """A hearer that notes the frames of a stream."""
    from voipbin_cli.session.hearer import Hearer

    class Counter(Hearer):
        def hear_frames(self, frames: list[Any]) -> None:
            for frame in frames:
                packet = frame.unit.packet
                tally.take(frame.tag // 1000, number, packet.sequence_number, packet.ssrc)

    return Counter()


def _measurer(number: int) -> Any:
    """A hearer that measures all that a diagnosis wants to know."""
    from voipbin_cli.codec.encapsulation import Encapsulation
    from voipbin_cli.session.hearer import Hearer
    from voipbin_cli.session.measuring import Measuring

    measuring = Measuring(Encapsulation.RTP, Random(number))

    class Measurer(Hearer):
        def hear_messages(self, messages: Sequence[Any]) -> None:
            measuring.add_messages(messages)

    return Measurer()


def read_by_record(
    port: int, streams: int, seconds: float, *, measures: bool = False
) -> dict[str, float]:
    """The sessions of `voipbin stream record`, each with its file."""
    from voipbin_cli.session.record import record_session
    from voipbin_cli.session.recording_file import AudioFile

    with tempfile.TemporaryDirectory() as directory:

        def make(request: Any, number: int, counter: Any) -> Any:
            hearers = [counter, _measurer(number)] if measures else [counter]
            file = AudioFile(f"{directory}/{number}.wav")
            return record_session(request, lambda *_: None, file, hearers, rng=Random(number))

        return _read_by_sessions(port, streams, seconds, make)


def read_by_measure(port: int, streams: int, seconds: float) -> dict[str, float]:
    """The same, each of which also measures all that a diagnosis wants to know."""
    return read_by_record(port, streams, seconds, measures=True)


def read_by_diagnose(port: int, streams: int, seconds: float) -> dict[str, float]:
    """The sessions of `voipbin stream diagnose`, every figure of each stream, no preflight."""
    from voipbin_cli.session.diagnose import LiveDiagnosis, diagnose_session
    from voipbin_cli.session.hearer import Hearer

    class AtOnce(LiveDiagnosis):
        beside = Hearer.beside

    def make(request: Any, number: int, counter: Any) -> Any:
        hearer = AtOnce(request.live, lambda *_: None, rng=Random(number))
        session = diagnose_session(request, lambda *_: None, hearer)
        session.hearers.append(counter)
        return session

    return _read_by_sessions(port, streams, seconds, make)


READERS = {
    "record": read_by_record,
    "measure": read_by_measure,
    "diagnose": read_by_diagnose,
    "websockets": read_by_websockets,
    "lean": read_by_lean_websockets,
    "epoll": read_by_epoll,
}


# The comparison


class Row(NamedTuple):
    """One reader with so many streams."""

    kind: str
    streams: int
    told: dict[str, float]
    server_p99_ms: float

    @property
    def has_kept_up(self) -> bool:
        """Whether all came, and in time."""
        return not self.told["lost"] and self.told["p99_ms"] < LIMIT_MS

    def __str__(self) -> str:
        told = self.told
        return (
            f"{self.kind:<11}{self.streams:>8}{told['lost']:>7.0f}{told['p50_ms']:>9.2f}"
            f"{told['p99_ms']:>9.2f}{told['cpu_us']:>12.1f}{self.server_p99_ms:>14.2f}"
            f"  {'kept up' if self.has_kept_up else 'not'}"
        )


def measure(kind: str, streams: int, seconds: float) -> Row:
    """A server and a reader, each a process."""
    me = [sys.executable, __file__]
    with subprocess.Popen(
        [*me, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            port = server.stdout.readline().strip()
            command = [*me, "--read", kind, "--port", port, "--streams", str(streams)]
            done = subprocess.run(
                [*command, "--seconds", str(seconds)], capture_output=True, text=True, check=True
            )
            server.stdin.write("?\n")
            server.stdin.flush()
            late_ms = float(server.stdout.readline())
        finally:
            server.kill()
    return Row(kind, streams, json.loads(done.stdout), late_ms)


def compare(kinds: list[str], counts: list[int], seconds: float) -> None:
    """Each reader with more and more streams, until it fails twice in a row."""
    print(f"{os.cpu_count()} cores; 50 frames of 172 bytes a second and stream, {seconds:g} s each")
    head = f"{'reader':<11}{'streams':>8}{'lost':>7}{'p50 ms':>9}{'p99 ms':>9}{'µs CPU/frame':>14}"
    print(f"{head}{'server p99':>12}")
    limits = dict.fromkeys(kinds, 0)
    for kind in kinds:
        failures = 0
        for streams in counts:
            for _ in range(ATTEMPTS):
                row = measure(kind, streams, seconds)
                print(row, flush=True)
                if row.has_kept_up or row.server_p99_ms < LIMIT_MS:
                    break  # else the machine was busy with something else
            if row.has_kept_up:
                limits[kind] = streams
            failures = 0 if row.has_kept_up else failures + 1
            if failures == 2:
                break
    print(", ".join(f"{kind}: {limit} streams" for kind, limit in limits.items()))
    if "websockets" in kinds:
        for streams in COMPARED:
            weigh([kind for kind in kinds if kind not in (*BARE, "epoll")], streams, seconds)


def weigh(kinds: list[str], streams: int, seconds: float) -> None:
    """The CPU of each beside the bare loops', turn by turn: a machine's pace varies."""
    turns = [
        {kind: measure(kind, streams, seconds).told["cpu_us"] for kind in (*BARE, *kinds)}
        for _ in range(ROUNDS)
    ]
    for kind in (*BARE, *kinds):
        costs = ", ".join(f"{turn[kind]:.1f}" for turn in turns)
        print(f"{streams} streams, {kind:<10} {costs} µs CPU/frame", flush=True)
    for kind in kinds:
        plain, lean = (median(turn[kind] / turn[bare] for turn in turns) for bare in BARE)
        headline(f"{streams} streams, {kind}", plain, "a bare loop's CPU", "<= 1.25")
        headline(f"{streams} streams, {kind}", lean, "a lean bare loop's CPU")


def main() -> None:
    """Compare, or be one of the processes that are compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--streams", default=",".join(map(str, STREAMS)))
    parser.add_argument("--kinds", default=",".join(READERS))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    counts = [int(count) for count in options.streams.split(",")]
    if options.serve:
        sender = Sender()
        print(sender.port, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            sender.run()
    elif options.read:
        print(json.dumps(READERS[options.read](options.port, counts[0], options.seconds)))
    else:
        compare(options.kinds.split(","), counts, options.seconds)


if __name__ == "__main__":
    main()
