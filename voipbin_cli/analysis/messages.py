"""The messages that are judged, as columns: the same for one message as for a million."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, Mask, equal

NO_TIME = -1


class TimedMessage(NamedTuple):
    """One message; `time_ns` is NO_TIME where the source has no times.

    `wire_bytes` is its length on the wire where a capture cut it, None where it is all there.
    """

    data: bytes | str
    time_ns: int = NO_TIME
    wire_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages of one direction, one element of each column a message.

    A message is `data[offset : offset + length]`; `size` is what it was on the wire, more than
    `length` where a capture cut it. Times are nanoseconds, NO_TIME where there are none. Text is
    in UTF-8.
    """

    data: bytes
    offset: Ints
    length: Ints
    size: Ints
    time_ns: Ints
    is_text: Mask

    def __len__(self) -> int:
        return len(self.offset)

    def message(self, n: int) -> bytes:
        """The bytes of one message."""
        start = int(self.offset[n])
        return self.data[start : start + int(self.length[n])]

    def heads(self, size: int) -> NDArray[np.uint8]:
        """The first bytes of each message, shape (messages, size); 0 where one is shorter."""
        if len(self) and self.length.min() >= size:
            # Gathered as plain bytes, ten times as fast as by an index of every byte.
            every: NDArray[np.void] = np.ndarray(
                (len(self.data) - size + 1,), f"V{size}", self.data, 0, (1,)
            )
            return every[self.offset].view(np.uint8).reshape(-1, size)
        octets = np.frombuffer(self.data + bytes(size), np.uint8)
        at = np.arange(size)
        there = octets[self.offset[:, None] + at]
        return np.where(at < self.length[:, None], there, 0).astype(np.uint8)

    @property
    def is_empty(self) -> Mask:
        """A binary message without a byte."""
        return equal(self.size, 0) & ~self.is_text

    @property
    def is_whole(self) -> Mask:
        """All its bytes are here, none was cut off by the capture."""
        return equal(self.length, self.size)

    @property
    def kept_bytes(self) -> int | None:
        """The most that a capture holds of a message that it has cut; None where all are whole."""
        cut = ~self.is_whole
        return int(self.length[cut].max()) if cut.any() else None

    def octet(self, at: int | Ints) -> Ints:
        """The byte at an index of each message, 0 where it is not there."""
        inside: Mask = (self.length > at) & (np.asarray(at) >= 0)
        place: Ints = np.where(inside, self.offset + at, 0)
        octets = np.frombuffer(self.data or b"\0", np.uint8)[place].astype(np.int64)
        octets[~inside] = 0
        return octets

    def word(self, at: int | Ints) -> Ints:
        """The big-endian 16-bit number at an index of each message."""
        return self.octet(at) << 8 | self.octet(at + 1)

    def part(self, start: int, stop: int) -> Messages:
        """Some messages in a row, sharing the bytes."""
        return self.chosen(slice(start, stop))

    def chosen(self, which: slice | Ints | Mask) -> Messages:
        """The messages that an index chooses, sharing the bytes."""
        return Messages(
            self.data,
            self.offset[which],
            self.length[which],
            self.size[which],
            self.time_ns[which],
            self.is_text[which],
        )

    def compact(self) -> Messages:
        """The same messages with no byte beside their own."""
        data = b"".join(self.message(n) for n in range(len(self)))
        ends = np.cumsum(self.length)
        return Messages(
            data, ends - self.length, self.length, self.size, self.time_ns, self.is_text
        )


class Gathering:
    """Messages that come one by one, on their way to columns.

    Nothing is made of them that Python's garbage collector would have to walk through: it stops
    everything for 20 ms where a hundred streams wait in objects.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._data: list[bytes] = []
        self._times_ns = array("q")
        self._texts: list[int] = []

    def __len__(self) -> int:
        return len(self._data)

    def add(self, data: bytes | str, time_ns: int) -> None:
        """Take one message."""
        if isinstance(data, str):
            self._texts.append(len(self._data))
            data = data.encode("utf-8", "surrogatepass")
        self._data.append(data)
        self._times_ns.append(time_ns)

    def frames(self) -> Messages:
        """Hand out all that was taken, and begin anew."""
        length = np.array([len(data) for data in self._data], np.int64)
        is_text = np.zeros(len(length), bool)
        is_text[self._texts] = True
        frames = Messages(
            data=b"".join(self._data),
            offset=np.cumsum(length) - length,
            length=length,
            size=length,
            time_ns=np.array(self._times_ns, np.int64),
            is_text=is_text,
        )
        self._begin()
        return frames


def from_messages(messages: Iterable[TimedMessage]) -> Messages:
    """Return columns of single messages."""
    gathering, wire_bytes = Gathering(), []
    for message in messages:
        gathering.add(message.data, message.time_ns)
        wire_bytes.append(message.wire_bytes or 0)
    frames = gathering.frames()
    return replace(frames, size=np.maximum(np.array(wire_bytes, np.int64), frames.length))


def from_columns(
    data: bytes,
    offset: Ints,
    length: Ints,
    *,
    time_ns: Ints | None = None,
    size: Ints | None = None,
) -> Messages:
    """Return columns that are there already, all of binary messages."""
    times = np.full(len(offset), NO_TIME, np.int64) if time_ns is None else time_ns
    wire = length if size is None else np.maximum(size, length)
    return Messages(data, offset, length, wire, times, np.zeros(len(offset), bool))


def joined(first: Messages, second: Messages) -> Messages:
    """Return the messages of both, in that order."""
    if not len(first):
        return second
    columns: list[Any] = [
        np.concatenate((getattr(first, name), getattr(second, name)))
        for name in ("length", "size", "time_ns", "is_text")
    ]
    offset = np.concatenate((first.offset, second.offset + len(first.data)))
    return Messages(first.data + second.data, offset, *columns)


EMPTY = from_messages(())
