"""How large a process gets, and raw bytes for servers."""

from __future__ import annotations

import base64
import functools
import os
import re
import select
import socket
import struct
import subprocess
import threading
import time
import zlib
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.cli import Result, finish

MB = 2**20
# Escapes, a bell, a carriage return, C1 controls, characters that turn a line around, and what
# HTML and rich take for markup; and how all of it is to be shown.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\x00\x08\u202e\u2066\u200b<u>&lt;[/]"
SHOWN = r"\x1b[2J\x1b]0;owned\x07\r\x9b31m\x00\x08\u202e\u2066\u200b<u>&lt;[/]"
# What no line that holds a server's words may hold: controls but the end of the line, and these.
NOT_PRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066]")
OWNED = ("\x1b[2J", "\x1b]0;", "\x9b", "\x07", "\u202e", "\u2066", "\u200b")


def is_harmless(text: str) -> bool:
    """Whether nothing in it could do more than stand there."""
    return NOT_PRINTABLE.search(text) is None


class Watched:
    """A process whose largest size so far is looked at until it ends (VmHWM of proc(5))."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.peak_bytes = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        status = Path(f"/proc/{self.process.pid}/status")
        while True:
            try:
                found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
            except OSError:
                return
            if found is None:
                return
            self.peak_bytes = int(found[1]) * 1024
            time.sleep(0.02)

    def finish(self, timeout: float = 60.0) -> Result:
        """Wait for its end."""
        result = finish(self.process, timeout)
        self._thread.join()
        return result


def masked(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> bytes:
    """A client's frame (RFC 6455 section 5.2); the mask of zeros leaves the payload as it is."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if len(payload) < 126:
        head = bytes([first, 0x80 | len(payload)])
    elif len(payload) < 65536:
        head = bytes([first, 0xFE]) + struct.pack("!H", len(payload))
    else:
        head = bytes([first, 0xFF]) + struct.pack("!Q", len(payload))
    return head + bytes(4) + payload


@functools.cache
def deflated_bomb() -> bytes:
    """100 MB as permessage-deflate has them (RFC 7692 section 7.2.1): 100 kB of payload."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflate.compress(bytes(100 * MB)) + deflate.flush(zlib.Z_SYNC_FLUSH)


def close_code(frames: bytes) -> int | None:
    """The code in a server's close frame (RFC 6455 section 5.5.1); None where it sent none."""
    while frames:
        first, size, frames = frames[0], frames[1], frames[2:]
        if size == 126:
            size, frames = int.from_bytes(frames[:2], "big"), frames[2:]
        if first == 0x88:
            return int.from_bytes(frames[:2], "big")
        frames = frames[size:]
    return None


def upgrade(path: str, *headers: str) -> bytes:
    """A handshake (RFC 6455 section 4.1)."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Client:
    """A socket to a server, blocking, with patience."""

    def __init__(self, port: int, data: bytes = b"") -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        if data:
            self.socket.sendall(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """False once the server has had enough."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def read(self, at_least: int = 1) -> bytes:
        """What comes, to the end where there is less."""
        data = b""
        try:
            while len(data) < at_least and (more := self.socket.recv(65536)):
                data += more
        except OSError:
            pass
        return data

    def to_the_end(self) -> bytes:
        """All that comes until the server closes; OSError when it resets or goes on."""
        data, deadline = b"", time.monotonic() + 5
        while more := self.socket.recv(65536):
            data += more
            if time.monotonic() > deadline:
                raise TimeoutError
        return data

    def drip(self, data: bytes, seconds: float) -> float | None:
        """Send it byte by byte, in that time; after how long the server closed, None if it did not.

        What the server says before it has heard all of it can only be that.
        """
        start = time.monotonic()
        for number, byte in enumerate(data):
            due = start + seconds * (number + 1) / len(data)
            if select.select([self.socket], [], [], max(0.0, due - time.monotonic()))[0]:
                return time.monotonic() - start
            self.send(bytes([byte]))
        return None

    def is_closed_soon(self) -> bool:
        """Read until the server closes; False when it does not."""
        try:
            while self.socket.recv(1 << 20):
                pass
        except TimeoutError:
            return False
        except OSError:
            return True
        return True
