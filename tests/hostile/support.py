"""How large a process gets, and raw bytes for servers."""

from __future__ import annotations

import base64
import os
import re
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.cli import Result, finish

MB = 2**20
# Escapes, a bell, a carriage return, C1 controls, and characters that turn a line around.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\x00\x08\u202e\u2066\u200b"
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


def upgrade(path: str) -> bytes:
    """A handshake (RFC 6455 section 4.1)."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: x",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
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
