"""WebSocket messages out of the bytes of a connection (RFC 6455)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_HEAD_END = b"\r\n\r\n"
_MAX_HEAD_BYTES = 64 << 10
_MAX_MESSAGE_BYTES = 16 << 20
# 5.2: FIN, the reserved bits, the opcodes; 5.5: of control frames the highest bit is set.
_FIN, _RESERVED, _OPCODE, _CONTROL = 0x80, 0x70, 0x0F, 0x08
_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0, 1, 2, 8, 9, 10
_KNOWN = frozenset((_CONTINUATION, _TEXT, _BINARY, _CLOSE, _PING, _PONG))
_MASK, _SIZE_IN_2, _SIZE_IN_8 = 0x80, 126, 127


def looks_like_a_frame(data: bytes, *, is_masked: bool) -> bool:
    """Whether bytes begin with a whole binary frame as media is sent, of 20 to 16,000 bytes.

    5.1: a client masks its frames, a server does not.
    """
    if len(data) < 4 or data[0] != _FIN | _BINARY or bool(data[1] & _MASK) is not is_masked:
        return False
    size, head = data[1] & ~_MASK, 2 + 4 * is_masked
    if size == _SIZE_IN_2:
        size, head = int.from_bytes(data[2:4], "big"), head + 2
    return 20 <= size <= 16_000 and len(data) >= head + size


class WebSocketMessage(NamedTuple):
    """A message, or the payload of a close frame; `time_ns` is that of its last byte."""

    time_ns: int
    data: bytes | str
    is_close: bool = False


class WebSocketBytes:
    """One direction of a connection: first an HTTP head, then frames.

    `is_damaged` where bytes are no frames: what follows cannot be told any more.
    """

    def __init__(self) -> None:
        self.head: bytes | None = None
        self.is_damaged = False
        self._held = bytearray()
        self._parts = bytearray()
        self._opcode = 0

    def add(self, time_ns: int, data: bytes, *, is_after_gap: bool) -> Iterator[WebSocketMessage]:
        """Add bytes that came at one time; yield the messages that they complete."""
        if self.is_damaged:
            return
        if is_after_gap:
            # Most senders write a frame a segment: the next one begins with this segment, or the
            # first bytes show that it does not.
            self._held.clear()
            self._parts.clear()
        self._held += data
        if self.head is None:
            self._read_head()
        while self.head is not None and not self.is_damaged:
            frame = self._frame()
            if frame is None:
                return
            message = self._message(time_ns, *frame)
            if message is not None:
                yield message

    def _read_head(self) -> None:
        end = self._held.find(_HEAD_END)
        if end >= 0:
            self.head = bytes(self._held[:end])
            del self._held[: end + len(_HEAD_END)]
        elif len(self._held) > _MAX_HEAD_BYTES:
            self.is_damaged = True

    def _frame(self) -> tuple[int, bytes] | None:
        """The first byte and the payload of the next frame; None where it is not whole."""
        held = self._held
        if len(held) < 2:
            return None
        first, second = held[0], held[1]
        at, size = 2, second & ~_MASK
        if size in (_SIZE_IN_2, _SIZE_IN_8):
            width = 2 if size == _SIZE_IN_2 else 8
            if len(held) < at + width:
                return None
            size = int.from_bytes(held[at : at + width], "big")
            at += width
        if first & _RESERVED or first & _OPCODE not in _KNOWN or size > _MAX_MESSAGE_BYTES:
            self.is_damaged = True
            return None
        mask = bytes(held[at : at + 4]) if second & _MASK else b""
        at += len(mask) if not second & _MASK else 4
        if len(held) < at + size:
            return None
        payload = bytes(held[at : at + size])
        del held[: at + size]
        return first, unmasked(payload, mask) if mask else payload

    def _message(self, time_ns: int, first: int, payload: bytes) -> WebSocketMessage | None:
        opcode = first & _OPCODE
        if opcode & _CONTROL:
            is_close = opcode == _CLOSE
            return WebSocketMessage(time_ns, payload, is_close=True) if is_close else None
        if opcode != _CONTINUATION:
            self._opcode = opcode
            self._parts.clear()
        self._parts += payload
        if len(self._parts) > _MAX_MESSAGE_BYTES:
            self.is_damaged = True
        if not first & _FIN or self.is_damaged:
            return None
        data = bytes(self._parts)
        self._parts.clear()
        text = self._opcode == _TEXT
        return WebSocketMessage(time_ns, data.decode("utf-8", "replace") if text else data)


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 5.3: octet n of the data is octet n of the payload, XORed with n mod 4 of the key.

    >>> unmasked(unmasked(b"payload", b"mask"), b"mask")
    b'payload'
    """
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(size, "big")
