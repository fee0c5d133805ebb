"""Where the frames of a WebSocket begin and end (RFC 6455 section 5.2), and what plain ones hold.

The library's parsing is a tenth of what a recorded frame costs. A stream is thousands of frames
that differ in their payload only, so those are read here; the library gets all others, byte for
byte as they came, and judges them.
"""

from __future__ import annotations

_HEAD_END = b"\r\n\r\n"
# 5.2, the first byte: FIN "indicates that this is the final fragment in a message", then three
# reserved bits, then the opcode, of which "%x2 denotes a binary frame".
_FIN = 0x80
_BINARY = 0x02
_PLAIN = _FIN | _BINARY
# 5.5: "Control frames are identified by opcodes where the most significant bit of the opcode is 1."
_CONTROL = 0x08
# 5.2, payload length: up to 125 it is the length; 126 says that the length follows in 2 bytes, 127
# that it follows in 8, big-endian. The bit above it is MASK, which a server never sets (5.1).
_SIZE_IN_2 = 126
_SIZE_IN_8 = 127


class Framing:
    """The bytes of one server, from the answer to the upgrade on.

    A plain frame is a binary message in one piece, not masked, of 65,535 bytes or `max_size` at
    most. Where one is cut it waits here for its rest; all else the library has at once.
    """

    def __init__(self, max_size: int) -> None:
        self._max_size = max_size
        # The last bytes of the HTTP answer, where its end may have begun.
        self._tail = b""
        self._is_upgraded = False
        # Between the first and the last frame of a fragmented message.
        self._is_fragmented = False
        # Bytes still to come of a frame that the library reads; the start of such a frame's head.
        self._owed = 0
        self._head = b""
        # The start of a plain frame.
        self._held = b""

    def answer(self, data: bytes) -> tuple[bytes, bytes]:
        """Split what comes until the upgrade into the HTTP head and the frames behind it."""
        if self._is_upgraded:
            return b"", data
        # RFC 9112 2.1: the head ends with an empty line. The read that holds the end of the
        # answer to the upgrade may hold frames already.
        known = len(self._tail)
        seen = self._tail + data
        end = seen.find(_HEAD_END)
        if end < 0:
            self._tail = seen[1 - len(_HEAD_END) :]
            return data, b""
        self._is_upgraded = True
        end += len(_HEAD_END) - known
        return data[:end], data[end:]

    def split(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The payloads of the plain frames in front, and what the library has to judge.

        Behind a frame that is not plain the rest of `data` is left to it as well.
        """
        if self._owed or self._head or self._is_fragmented:
            return [], self._passed(data)
        if self._held:
            data = self.release() + data
        payloads: list[bytes] = []
        at, end = 0, len(data)
        # Four bytes: the longest head that a plain frame has.
        while end - at >= 4 and data[at] == _PLAIN:
            size = data[at + 1]
            start = at + 2
            if size == _SIZE_IN_2:
                size = data[start] << 8 | data[start + 1]
                start += 2
            elif size > _SIZE_IN_2:
                break  # a length of 8 bytes, or masked
            # 10.4: limits of size are to be kept; the library answers such a frame with 1009.
            if size > self._max_size:
                break
            if start + size > end:
                self._held = data[at:]
                return payloads, b""
            at = start + size
            payloads.append(data[start:at])
        return payloads, self._passed(data[at:]) if at < end else b""

    def release(self) -> bytes:
        """What waits for its rest."""
        held, self._held = self._held, b""
        return held

    def _passed(self, data: bytes) -> bytes:
        """Follow frames that are not taken out, to know where the next one begins."""
        seen, self._head = self._head + data, b""
        at = self._owed
        while at < len(seen):
            size = _frame_size(seen, at)
            if size is None:
                self._head = seen[at:]
                break
            self._note(seen[at])
            at += size
        self._owed = max(0, at - len(seen))
        return data

    def _note(self, first: int) -> None:
        """Learn from a frame's first byte whether a fragmented message goes on behind it."""
        # 5.4: a fragmented message is "terminated by a single frame with the FIN bit set", and
        # "control frames MAY be injected in the middle of a fragmented message".
        if not first & _CONTROL:
            self._is_fragmented = not first & _FIN


def _frame_size(data: bytes, at: int) -> int | None:
    """Head and payload of the frame at `at`; None where its head is cut.

    Of a masked frame the size is wrong, which does no harm: 5.1 says "A client MUST close a
    connection if it detects a masked frame", and the library does.
    """
    if len(data) < at + 2:
        return None
    size, start = data[at + 1], at + 2
    wide = {_SIZE_IN_2: 2, _SIZE_IN_8: 8}.get(size, 0)
    if len(data) < start + wide:
        return None
    if wide:
        size = int.from_bytes(data[start : start + wide], "big")
    return start - at + wide + size
