"""A hand-written WebSocket and HTTP server on raw sockets, to test clients against.

It shares no code with the package under test nor with the websockets library: RFC 6455 and
RFC 9112 by hand, in threads. What a connection does is a script of steps:

    with Peer([Send(b"one", after=0.02), Fin()]) as peer:
        ...connect to peer.url("/v1.0/calls/…/media_stream")...
        assert peer.received(count=1)[0].data == b"…"

Every request, and every frame that a client sends, is recorded; `peer.wait_for(condition)` blocks
until the record satisfies it, so that no test has to sleep.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

VECTORS = Path(__file__).parents[1] / "vectors"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 section 1.3
_PATIENCE_S = 20.0


# What a connection does after the upgrade, step by step.


@dataclass(frozen=True)
class Send:
    """One message, `after` seconds after the step before it."""

    data: bytes | str
    after: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Bytes as they are: broken frames, several at once, half of one.

    With `drip` (seconds) they go a byte at a time, with that pause before each.
    """

    data: bytes
    after: float = 0.0
    drip: float = 0.0


@dataclass(frozen=True)
class Close:
    """A close frame; the peer then waits for the answer and closes TCP."""

    code: int = 1000
    reason: str = ""


@dataclass(frozen=True)
class Fin:
    """TCP closed without a close frame: the platform's normal end of a call.

    The other direction is read on until the client closes, too: closing both at once would make
    the kernel answer a late ping with RST and throw away what it has not delivered yet.
    """


@dataclass(frozen=True)
class Reset:
    """TCP reset (RST)."""


@dataclass(frozen=True)
class StopReading:
    """From here on nothing is read from the socket; it stays open."""


@dataclass(frozen=True)
class Until:
    """Go on once the event is set, or once the client is gone."""

    event: threading.Event


@dataclass(frozen=True)
class Received:
    """Go on once this many data messages have come from the client."""

    count: int


Step = Send | Raw | Close | Fin | Reset | StopReading | Until | Received


@dataclass(frozen=True)
class Frame:
    """What a client sent, unmasked; `time_ns` is of time.monotonic_ns."""

    opcode: int
    data: bytes
    is_final: bool
    was_masked: bool
    time_ns: int


@dataclass(frozen=True)
class Request:
    """An HTTP request; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    `raw` replaces everything; `hold` keeps the connection open after it; `drip` (seconds) sends it
    a byte at a time with that pause between them.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    hold: bool = False
    drip: float = 0.0

    def to_bytes(self) -> bytes:
        if self.raw is not None:
            return self.raw
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Because", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


def envelope(status: int, reason: str, message: str, request_id: str, **headers: str) -> Answer:
    """A refusal as the platform sends it; `Retry_After="3"` becomes a header."""
    body = {
        "error": {
            "status": str(status),
            "reason": reason,
            "message": message,
            "request_id": request_id,
        }
    }
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"Content-Type": "application/json", **names}, json.dumps(body).encode())


def document(value: object, status: int = 200) -> Answer:
    """A JSON answer."""
    return Answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())


NEVER_ANSWER = Answer(raw=b"", hold=True)
Route = Answer | Callable[[Request], Answer]


def upgrade_answer(key: str, extra_headers: Mapping[str, str] | None = None) -> bytes:
    """The head that accepts an upgrade asked for with `key` (RFC 6455 section 4.2.2)."""
    accept = base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Accept": accept}
    lines = [f"{k}: {v}" for k, v in {**headers, **(extra_headers or {})}.items()]
    return ("\r\n".join(["HTTP/1.1 101 Switching Protocols", *lines]) + "\r\n\r\n").encode()


def frame_bytes(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    """A server's frame (RFC 6455 section 5.2): never masked."""
    head = bytes([(0x80 if final else 0) | opcode])
    if len(payload) < 126:
        return head + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return head + b"\x7e" + struct.pack("!H", len(payload)) + payload
    return head + b"\x7f" + struct.pack("!Q", len(payload)) + payload


def vector_messages(name: str) -> list[tuple[int, bytes]]:
    """(nanoseconds since the first, message) of tests/vectors/`name`.jsonl."""
    lines = (VECTORS / f"{name}.jsonl").read_text().splitlines()
    return [(at_ns, bytes.fromhex(text)) for at_ns, text in map(json.loads, lines)]


def vector_steps(name: str, *, paced: bool = False) -> list[Step]:
    """The messages of a vector file as steps, at once or with the pauses they had."""
    steps: list[Step] = []
    before_ns = 0
    for at_ns, message in vector_messages(name):
        steps.append(Send(message, after=(at_ns - before_ns) / 1e9 if paced else 0.0))
        before_ns = at_ns
    return steps


class Peer:
    """The server; a context manager. One accept thread, two threads a connection.

    `script` is what every WebSocket connection does; a list of scripts in `scripts` gives the
    first connection the first one, and so on (the last one repeats). After its script a
    connection stays open until the client closes it. `upgrade` replaces the answer to the
    WebSocket handshake; `routes` answer everything else, by (method, path without query).
    `answer_pings` and `answer_close` say whether control frames are answered. `greeting` is sent
    before anything was read, by a server that speaks first or something else altogether.
    """

    def __init__(
        self,
        script: Iterable[Step] = (),
        *,
        scripts: Sequence[Iterable[Step]] | None = None,
        upgrade: Answer | None = None,
        routes: Mapping[tuple[str, str], Route] | None = None,
        tls: ssl.SSLContext | None = None,
        answer_pings: bool = True,
        answer_close: bool = True,
        close_tcp: bool = True,
        extra_headers: Mapping[str, str] | None = None,
        close_on_accept: bool = False,
        greeting: bytes = b"",
    ) -> None:
        self.scripts = [list(s) for s in scripts] if scripts is not None else [list(script)]
        self.upgrade = upgrade
        self.routes = dict(routes or {})
        self.tls = tls
        self.answer_pings = answer_pings
        self.answer_close = answer_close
        self.close_tcp = close_tcp
        self.extra_headers = dict(extra_headers or {})
        self.close_on_accept = close_on_accept
        self.greeting = greeting
        self.requests: list[Request] = []
        self.frames: list[Frame] = []
        self.connections = 0
        self.upgrades = 0
        self.gone = 0
        self.stopping = False
        self.changed = threading.Condition()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Peer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        # close() alone does not wake a thread that is blocked in accept().
        for sock in [self._listener, *self._sockets]:
            _shut(sock)
            sock.close()

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"{'wss' if self.tls else 'ws'}://{host}:{self.port}{path}"

    def http_url(self, path: str = "", *, host: str = "127.0.0.1") -> str:
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def wait_for(self, condition: Callable[[Peer], object], timeout: float = _PATIENCE_S) -> None:
        """Block until `condition(peer)` holds; AssertionError when it does not come true."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), timeout), "it never happened"

    def messages(self) -> list[Frame]:
        """The data frames that came so far."""
        with self.changed:
            return [frame for frame in self.frames if frame.opcode in (CONTINUATION, TEXT, BINARY)]

    def received(self, count: int) -> list[Frame]:
        """Wait for `count` data frames and return all that came."""
        self.wait_for(lambda _: len(self.messages()) >= count)
        return self.messages()

    def _accept(self) -> None:
        while not self.stopping:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                self.connections += 1
                self._sockets.append(sock)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self.close_on_accept:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._sockets.append(sock)
            reader = _Reader(sock)
            if self.greeting:
                sock.sendall(self.greeting)
                reader.to_the_end()
            while (request := reader.request()) is not None:
                with self.changed:
                    self.requests.append(request)
                    self.changed.notify_all()
                if request.headers.get("upgrade", "").lower() == "websocket":
                    self._websocket(sock, reader, request)
                    return
                answer = self._route(request)
                _send(sock, answer.to_bytes(), answer.drip)
                if answer.raw is not None:
                    if answer.hold:
                        reader.to_the_end()
                    return
        except (OSError, EOFError, ValueError, AssertionError):
            pass
        finally:
            _shut(sock)
            sock.close()
            with self.changed:
                self.gone += 1
                self.changed.notify_all()

    def _route(self, request: Request) -> Answer:
        path = request.target.partition("?")[0]
        route = self.routes.get((request.method, path))
        if route is None:
            return envelope(404, "ROUTE_NOT_FOUND", f"no {path}", "req-none")
        return route(request) if callable(route) else route

    def _websocket(self, sock: socket.socket, reader: _Reader, request: Request) -> None:
        if self.upgrade is not None:
            _send(sock, self.upgrade.to_bytes(), self.upgrade.drip)
            if self.upgrade.hold:
                reader.to_the_end()
            return
        sock.sendall(upgrade_answer(request.headers["sec-websocket-key"], self.extra_headers))
        with self.changed:
            script = self.scripts[min(self.upgrades, len(self.scripts) - 1)]
            self.upgrades += 1
            self.changed.notify_all()
        _WebSocket(self, sock, reader, script).run()


class _WebSocket:
    """One upgraded connection: this thread plays the script, another one reads."""

    def __init__(
        self, peer: Peer, sock: socket.socket, reader: _Reader, script: Sequence[Step]
    ) -> None:
        self.peer, self.sock, self.reader, self.script = peer, sock, reader, script
        self.is_reading = True
        self.is_over = False
        self.sent_close = False
        self.sent_fin = False
        self.messages = 0
        self.writing = threading.Lock()

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        try:
            for step in self.script:
                if self.is_over:
                    break
                self._play(step)
        except OSError:
            return
        self._wait(lambda: self.is_over)

    def _wait(self, condition: Callable[[], object]) -> None:
        with self.peer.changed:
            self.peer.changed.wait_for(lambda: condition() or self.peer.stopping)

    def _play(self, step: Step) -> None:
        match step:
            case Send(data, after):
                self._pause(after)
                opcode = TEXT if isinstance(data, str) else BINARY
                self._write(frame_bytes(opcode, data.encode() if isinstance(data, str) else data))
            case Raw(data, after, drip):
                self._pause(after)
                self._write(data, drip)
            case Close(code, reason):
                self.sent_close = True
                self._write(frame_bytes(CLOSE, struct.pack("!H", code) + reason.encode()))
            case Fin():
                # On a TLS socket shutdown() ends both directions, without TLS's own farewell.
                with self.writing:
                    self.sent_fin = True
                    self.sock.shutdown(socket.SHUT_WR)
            case Reset():
                # SO_LINGER of zero: close() sends RST (tcp(7)).
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.sock.close()
                self._over()
            case StopReading():
                self.is_reading = False
            case Until(event):
                while not (event.wait(0.02) or self.is_over or self.peer.stopping):
                    pass
            case Received(count):
                self._wait(lambda: self.messages >= count or self.is_over)

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)

    def _write(self, data: bytes, drip: float = 0.0) -> None:
        # Nothing comes between the bytes of one write, not even a pong.
        with self.writing:
            if not self.sent_fin:
                _send(self.sock, data, drip)

    def _over(self) -> None:
        with self.peer.changed:
            self.is_over = True
            self.peer.changed.notify_all()

    def _read(self) -> None:
        try:
            while self.is_reading:
                frame = self.reader.frame()
                with self.peer.changed:
                    self.peer.frames.append(frame)
                    self.messages += frame.opcode < CLOSE and frame.is_final
                    self.peer.changed.notify_all()
                if frame.opcode == PING and self.peer.answer_pings:
                    self._write(frame_bytes(PONG, frame.data))
                elif frame.opcode == CLOSE and self._closed(frame):
                    return
        except (OSError, EOFError, ValueError):
            self._over()

    def _closed(self, frame: Frame) -> bool:
        if not self.sent_close:
            if not self.peer.answer_close:
                return False
            self._write(frame_bytes(CLOSE, frame.data))
        if self.peer.close_tcp:
            self._over()
        return True


class _Reader:
    """Blocking reads with a buffer of their own."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            self._more()
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError
        self.buffer += data

    def to_the_end(self) -> None:
        """Read until the client is gone."""
        with contextlib.suppress(EOFError):
            while True:
                self._more()

    def request(self) -> Request | None:
        """The next request on this connection, None at its end."""
        try:
            while b"\r\n\r\n" not in self.buffer:
                self._more()
        except EOFError:
            return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        return Request(method, target, headers, self.exactly(int(headers.get("content-length", 0))))

    def frame(self) -> Frame:
        """A client's frame (RFC 6455 section 5.2), unmasked."""
        first, second = self.exactly(2)
        size = second & 0x7F
        if size == 126:
            size = int.from_bytes(self.exactly(2), "big")
        elif size == 127:
            size = int.from_bytes(self.exactly(8), "big")
        was_masked = bool(second & 0x80)
        key = self.exactly(4) if was_masked else bytes(4)
        data = bytes(byte ^ key[i % 4] for i, byte in enumerate(self.exactly(size)))
        return Frame(first & 0x0F, data, bool(first & 0x80), was_masked, time.monotonic_ns())


def _send(sock: socket.socket, data: bytes, drip: float) -> None:
    if not drip:
        sock.sendall(data)
        return
    for byte in data:
        time.sleep(drip)
        sock.sendall(bytes([byte]))


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
