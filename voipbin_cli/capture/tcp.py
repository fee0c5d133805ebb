"""TCP put together again: the bytes of each connection, in order, with the times they were whole.

RFC 9293. A byte counts as arrived when all before it have: that is when the program was given it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from voipbin_cli.capture.columns import Integers, rows
from voipbin_cli.capture.layers import Spans, Words, long_addresses
from voipbin_cli.codec.serial import difference

# RFC 9293 3.1
_HEADER = np.dtype(
    [
        ("ports", ">u4"),
        ("sequence", ">u4"),
        ("acknowledgment", ">u4"),
        ("offset_flags", ">u2"),
        ("window", ">u2"),
        ("checksum", ">u2"),
        ("urgent", ">u2"),
    ]
)
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
# What waits behind a hole: more than any window that a media stream fills; the hole is the
# capture's then, as the receiver has it.
_MAX_WAITING_BYTES = 1 << 20
_MAX_WAITING = 512
_MAX_CONNECTIONS = 4096
_MAX_TIMED = 64


class Segments(NamedTuple):
    """TCP segments as columns: which record, both ends (five words), and what the header says."""

    record: Integers
    time_ns: Integers
    offset: Integers
    length_bytes: Integers
    sequence: Integers
    acknowledgment: Integers
    flags: Integers
    window: Integers
    ends: tuple[Words, ...]


def segments(data: bytes, time_ns: Integers, parts: list[Spans]) -> Segments | None:
    """The segments where IP ends, in their records' order; None where there are none.

    Those with a damaged header are left out.
    """
    read = [_read(data, time_ns, part) for part in parts]
    if not read:
        return None
    if len(read) == 1:
        return read[0]
    order = np.argsort(np.concatenate([one.record for one in read]), kind="stable")
    ends = zip(*(one.ends for one in read), strict=True)
    columns = zip(*(one[:-1] for one in read), strict=True)
    record, time_ns, offset, length_bytes, sequence, acknowledgment, flags, window = (
        np.concatenate(column)[order] for column in columns
    )
    words = tuple(np.concatenate(word)[order] for word in ends)
    return Segments(
        record, time_ns, offset, length_bytes, sequence, acknowledgment, flags, window, words
    )


def _read(data: bytes, time_ns: Integers, spans: Spans) -> Segments:
    spans = spans.holding(_HEADER.itemsize)
    header = rows(data, spans.at, _HEADER)
    # RFC 9293 3.1: the data offset counts words of 32 bits, at least five.
    header_bytes = (header["offset_flags"] >> 12).astype(np.int64) * 4
    offset = spans.at + header_bytes
    sound = np.flatnonzero((header_bytes >= _HEADER.itemsize) & (offset <= spans.end))
    header, spans, offset = header[sound], spans.only(sound), offset[sound]
    return Segments(
        record=spans.record,
        time_ns=time_ns[spans.record],
        offset=offset,
        length_bytes=spans.end - offset,
        sequence=header["sequence"].astype(np.int64),
        acknowledgment=header["acknowledgment"].astype(np.int64),
        flags=(header["offset_flags"] & 0x3F).astype(np.int64),
        window=header["window"].astype(np.int64),
        ends=(*long_addresses(spans.addresses), header["ports"].astype(np.uint64)),
    )


@dataclass(slots=True)
class TcpTruth:
    """What TCP itself tells of one direction: why its bytes were late, and what is not here.

    `retransmissions` are segments whose bytes had been here; `reordered` came before what was due;
    `zero_windows` counts how often its receiver said that it takes nothing more; `missing_bytes`
    are in no segment of the capture. `round_trips_ms` go from a segment to its acknowledgment, as
    seen where the capture was made.
    """

    retransmissions: int = 0
    reordered: int = 0
    zero_windows: int = 0
    missing_bytes: int = 0
    round_trips_ms: list[float] = field(default_factory=list)


class Run(NamedTuple):
    """Bytes of one direction that became whole at one time; `is_after_gap`: others are missing."""

    time_ns: int
    data: bytes
    is_after_gap: bool


@dataclass(slots=True)
class _Half:
    """One direction: which number is due, what came too early, what waits for an acknowledgment."""

    due: int | None = None
    early: dict[int, bytes] = field(default_factory=dict)
    early_bytes: int = 0
    truth: TcpTruth = field(default_factory=TcpTruth)
    timed: list[tuple[int, int]] = field(default_factory=list)
    window_was_zero: bool = False

    def take(self, time_ns: int, sequence: int, payload: bytes) -> Iterator[Run]:
        """Add a segment's bytes; yield what is whole now."""
        if self.due is None:
            self.due = sequence
        ahead = difference(sequence, self.due, 32)
        if ahead > 0:
            self.truth.reordered += 1
            self._keep(sequence, payload)
            if self.early_bytes > _MAX_WAITING_BYTES or len(self.early) > _MAX_WAITING:
                yield from self._skip(time_ns)
            return
        if len(payload) <= -ahead:
            # RFC 9293 3.8.5: a keepalive repeats a byte, or none at all.
            self.truth.retransmissions += len(payload) > 1
            return
        self._time(time_ns, sequence, payload)
        yield from self._deliver(time_ns, payload[-ahead:], is_after_gap=False)

    def acknowledged(self, time_ns: int, number: int) -> Iterator[Run]:
        """Its receiver has everything before `number`, whether it is in the capture or not."""
        while self.timed and difference(number, self.timed[0][0], 32) >= 0:
            _, sent_ns = self.timed.pop(0)
            self.truth.round_trips_ms.append((time_ns - sent_ns) / 1e6)
        while self.early and difference(number, self._first_early(), 32) > 0:
            yield from self._skip(time_ns)

    def _time(self, time_ns: int, sequence: int, payload: bytes) -> None:
        if len(self.timed) < _MAX_TIMED:
            self.timed.append(((sequence + len(payload)) & 0xFFFFFFFF, time_ns))

    def _keep(self, sequence: int, payload: bytes) -> None:
        if payload and sequence not in self.early:
            self.early[sequence] = payload
            self.early_bytes += len(payload)

    def _first_early(self) -> int:
        due = self.due or 0
        return min(self.early, key=lambda start: difference(start, due, 32))

    def _skip(self, time_ns: int) -> Iterator[Run]:
        """Give up what is missing before the first that came early."""
        first = self._first_early()
        self.truth.missing_bytes += max(0, difference(first, self.due or 0, 32))
        self.due = first
        payload = self.early.pop(first)
        self.early_bytes -= len(payload)
        yield from self._deliver(time_ns, payload, is_after_gap=True)

    def _deliver(self, time_ns: int, payload: bytes, *, is_after_gap: bool) -> Iterator[Run]:
        self.due = ((self.due or 0) + len(payload)) & 0xFFFFFFFF
        whole = [payload]
        while self.early:
            start = next((s for s in self.early if difference(s, self.due, 32) <= 0), None)
            if start is None:
                break
            piece = self.early.pop(start)
            self.early_bytes -= len(piece)
            rest = piece[difference(self.due, start, 32) :]
            self.due = (self.due + len(rest)) & 0xFFFFFFFF
            whole.append(rest)
        yield Run(time_ns, b"".join(whole), is_after_gap)


@dataclass(slots=True)
class TcpConnection:
    """Both directions of a connection: `client` opened it, as far as that can be told.

    `number` counts connections from 0.
    """

    number: int
    client: tuple[int, ...]
    from_client: _Half = field(default_factory=_Half)
    from_server: _Half = field(default_factory=_Half)
    began_in_capture: bool = False
    """Its SYN is here, so that its first bytes are."""
    segments: int = 0
    """Of both directions, with or without payload."""

    def half(self, *, is_from_client: bool) -> _Half:
        """One of its directions."""
        return self.from_client if is_from_client else self.from_server


class ConnectionRun(NamedTuple):
    """Bytes of one direction of a connection."""

    connection: TcpConnection
    is_from_client: bool
    run: Run


class TcpReassembly:
    """Puts connections together, segment by segment.

    A connection in which `drop` was called costs nothing more. So many are kept at once; beyond
    that the segments of further ones are left out.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], TcpConnection | None] = {}
        self.connections: list[TcpConnection] = []

    def drop(self, connection: TcpConnection) -> None:
        """It is of no interest."""
        for key in (connection.client, _turned(connection.client)):
            if self._known.get(key) is connection:
                self._known[key] = None

    def add(self, data: bytes, found: Segments) -> Iterator[ConnectionRun]:
        """Add segments in their order; yield what became whole."""
        columns = (
            *(words.tolist() for words in found.ends),
            found.time_ns.tolist(),
            found.offset.tolist(),
            found.length_bytes.tolist(),
            found.sequence.tolist(),
            found.acknowledgment.tolist(),
            found.flags.tolist(),
            found.window.tolist(),
        )
        for *ends, time_ns, offset, length, sequence, ack, flags, window in zip(
            *columns, strict=True
        ):
            key = tuple(ends)
            connection = self._connection(key, flags)
            if connection is None:
                continue
            connection.segments += 1
            is_from_client = key == connection.client
            half = connection.half(is_from_client=is_from_client)
            other = connection.half(is_from_client=not is_from_client)
            runs: list[tuple[bool, Iterable[Run]]] = []
            if flags & SYN:
                half.due = (sequence + 1) & 0xFFFFFFFF
                connection.began_in_capture = True
            if flags & ACK:
                runs.append((not is_from_client, other.acknowledged(time_ns, ack)))
                _note_window(other, window, flags)
            if length and not flags & SYN:
                runs.append(
                    (is_from_client, half.take(time_ns, sequence, data[offset : offset + length]))
                )
            for from_client, several in runs:
                for run in several:
                    yield ConnectionRun(connection, from_client, run)

    def _connection(self, key: tuple[int, ...], flags: int) -> TcpConnection | None:
        if key in self._known and not (flags & SYN and not flags & ACK):
            return self._known[key]
        if flags & RST or len(self.connections) >= _MAX_CONNECTIONS:
            return None
        # Whoever sends a SYN without an ACK opens it; in its midst, whoever has the higher port.
        is_client = bool(flags & SYN and not flags & ACK) or (
            not flags & SYN and key[-1] >> 16 > key[-1] & 0xFFFF
        )
        connection = TcpConnection(len(self.connections), key if is_client else _turned(key))
        self.connections.append(connection)
        self._known[key] = self._known[_turned(key)] = connection
        return connection


def _note_window(half: _Half, window: int, flags: int) -> None:
    """RFC 9293 3.8.6: a receiver that takes nothing more says so once, however often it repeats."""
    is_zero = window == 0 and not flags & (RST | SYN | FIN)
    half.truth.zero_windows += is_zero and not half.window_was_zero
    half.window_was_zero = is_zero


def _turned(ends: tuple[int, ...]) -> tuple[int, ...]:
    """The ends as the other side writes them (see `Datagrams.ends_of`: five words)."""
    source_high, source_low, to_high, to_low, ports = ends
    return to_high, to_low, source_high, source_low, (ports & 0xFFFF) << 16 | ports >> 16
