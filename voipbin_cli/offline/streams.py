"""RTP streams in a capture of UDP, found by themselves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise, starmap
from typing import Generic, TypeVar

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.messages import EMPTY, Messages, from_columns, joined
from voipbin_cli.capture.packets import Flow, PacketChunk
from voipbin_cli.codec.serial import difference
from voipbin_cli.offline.copies import Copies, has_copies
from voipbin_cli.offline.neighbours import PacketKind, are_keying, kinds
from voipbin_cli.offline.turn import without_turn

# Packets that may turn out to be a stream are kept until two of them follow each other.
_MAX_CANDIDATES = 4096
_MAX_KEPT = 16
_MAX_STEP = 100
# A minute of the fastest clock, from one packet to the next.
_MAX_TICKS = 60 * 96_000
MAX_STREAMS = 4096
# A stream is begun when a second of it is there: what is said of it, and beside it, is known then.
_FIRST_PACKETS = 50
# Of a key exchange a flow has some ten packets.
_MAX_KEYING = 100

T = TypeVar("T")
_Key = tuple[int, int]


@dataclass(slots=True)
class CapturedStream(Generic[T]):
    """One stream: who sends to whom, from which source; `fold` is what takes its messages.

    `twice` counts packets that the capture holds a second time; they are not among the messages.
    `beside` are the packets of its flow that are no RTP, of both directions, by what they are;
    `keyed_ns` is when those came that agree on keys, the first hundred. `carrier` is what carries
    its packets, where that is not UDP.
    """

    flow: Flow
    ssrc: int
    fold: T
    twice: int = 0
    beside: dict[PacketKind, int] = field(default_factory=dict)
    keyed_ns: tuple[int, ...] = ()
    carrier: str = ""

    @property
    def name(self) -> str:
        """Both ends and the source."""
        flow = self.flow
        return (
            f"{flow.source}:{flow.source_port} > {flow.destination}:{flow.destination_port}"
            f" ssrc {self.ssrc:#010x}{f' ({self.carrier})' if self.carrier else ''}"
        )

    @property
    def neighbours(self) -> dict[str, int]:
        """`beside` in words."""
        return {kind.words: count for kind, count in self.beside.items()}


@dataclass(slots=True)
class _Candidate:
    """The first packets of what may be a stream; `is_stream` when two of them follow each other."""

    kept: Messages = field(default_factory=lambda: EMPTY)
    is_stream: bool = False

    def look(self, packets: Messages) -> None:
        """See whether these make it a stream; keep the latest where not."""
        some = joined(self.kept, packets.part(0, _MAX_KEPT))
        self.is_stream = any(starmap(follows, pairwise(map(some.message, range(len(some))))))
        if not self.is_stream:
            self.keep(packets.part(max(0, len(packets) - _MAX_KEPT), len(packets)))
            self.kept = self.kept.part(max(0, len(self.kept) - _MAX_KEPT), len(self.kept))

    def keep(self, packets: Messages) -> None:
        """Add packets to those that wait; where they are enough, their bytes are shared."""
        few = packets.compact() if len(packets) < _FIRST_PACKETS else packets
        self.kept = joined(self.kept, few)

    @property
    def is_due(self) -> bool:
        """Enough of it is there."""
        return len(self.kept) >= _FIRST_PACKETS


def follows(packet: bytes, following: bytes) -> bool:
    """Whether one packet of RTP comes next after another, or soon after it.

    RFC 3550 A.1 believes in a source whose numbers are consecutive. Where some are missing, the
    timestamp has gone on, too: what only looks like a number of 16 bits has none beside it. Nor is
    it a number where it says in both how long they are, as BACnet/IP's does (ASHRAE 135 annex J).
    """
    if all(_number(each, 2, 2) == len(each) for each in (packet, following)):
        return False
    step = difference(_number(following, 2, 2), _number(packet, 2, 2), 16)
    went = difference(_number(following, 4, 4), _number(packet, 4, 4), 32)
    return step == 1 or (1 < step <= _MAX_STEP and 0 < went <= step * _MAX_TICKS)


def _number(packet: bytes, at: int, size: int) -> int:
    return int.from_bytes(packet[at : at + size], "big")


class StreamFinder(Generic[T]):
    """Sorts packets into streams by flow and SSRC.

    A stream is two packets of RTP version 2 of which one follows the other. What comes in the
    flow of a stream and is nothing that is known belongs to it; its neighbours are counted (RFC
    7983), and packets that a mirror let the capture see twice. `make` returns what takes the
    messages of a stream, given its flow, the first of them, and what came beside it so far.
    `left_out` counts the packets of sources that came when there were 4096 streams.
    """

    def __init__(
        self, make: Callable[[Flow, Messages, dict[PacketKind, int]], T], carrier: str = ""
    ) -> None:
        self._carrier = carrier
        self.streams: list[CapturedStream[T]] = []
        self.left_out = 0
        self._make = make
        self._flows: list[Flow] = []
        self._known: dict[_Key, CapturedStream[T]] = {}
        self._copies: dict[_Key, Copies] = {}
        self._first_of_flow: dict[int, _Key] = {}
        self._candidates: dict[_Key, _Candidate] = {}
        self._waiting: dict[_Key, _Candidate] = {}
        self._beside: Counter[tuple[Flow, PacketKind]] = Counter()
        self._keyed_ns: defaultdict[Flow, list[int]] = defaultdict(list)

    def add(
        self, chunk: PacketChunk, flows: list[Flow]
    ) -> Iterator[tuple[CapturedStream[T], Messages]]:
        """Yield each stream that has packets in this piece, with those packets in order."""
        messages = without_turn(
            from_columns(
                chunk.data,
                chunk.offset,
                chunk.length_bytes,
                time_ns=chunk.time_ns,
                size=chunk.wire_bytes,
            )
        )
        self._flows = flows
        kind, ssrc = kinds(messages)
        flow = chunk.flow.astype(np.int64)
        self._note_neighbours(messages, flow, kind)
        odd = np.flatnonzero(kind == PacketKind.ELSE)
        odd_flows = set(flow[odd].tolist())
        for number, mine in _each(flow << 32 | ssrc, np.flatnonzero(kind == PacketKind.RTP)):
            key = number >> 32, number & 0xFFFFFFFF
            yield from self._of_source(key, messages, mine, odd[flow[odd] == key[0]])
            if self._first_of_flow.get(key[0]) == key:
                odd_flows.discard(key[0])
        for number in sorted(odd_flows & self._first_of_flow.keys()):
            key = self._first_of_flow[number]
            yield from self._of_source(key, messages, odd[:0], odd[flow[odd] == number])

    def finish(self) -> Iterator[tuple[CapturedStream[T], Messages]]:
        """Yield the streams of less than a second: the capture is over."""
        for key in list(self._waiting):
            yield self._begin(key)
        for stream in self.streams:
            stream.beside = self._beside_flow(stream.flow)
            ways = _both_ways(stream.flow)
            stream.keyed_ns = tuple(at for way in ways for at in self._keyed_ns.get(way, ()))

    def _note_neighbours(self, messages: Messages, flow: Ints, kind: Ints) -> None:
        beside = np.flatnonzero(kind > PacketKind.RTP)
        if not len(beside):
            return
        keying = beside[are_keying(messages.chosen(beside), kind[beside])]
        for row in keying.tolist():
            times = self._keyed_ns[self._flows[int(flow[row])]]
            if len(times) < _MAX_KEYING:
                times.append(int(messages.time_ns[row]))
        pairs, counts = np.unique(flow[beside] << 8 | kind[beside], return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self._beside[self._flows[pair >> 8], PacketKind(pair & 0xFF)] += count

    def _beside_flow(self, flow: Flow) -> dict[PacketKind, int]:
        """What came beside a stream, in both directions between its ends."""
        ways = _both_ways(flow)
        counts = {kind: sum(self._beside[way, kind] for way in ways) for kind in PacketKind}
        return {kind: count for kind, count in counts.items() if count}

    def _of_source(
        self, key: _Key, messages: Messages, mine: Ints, odd: Ints
    ) -> Iterator[tuple[CapturedStream[T], Messages]]:
        """`mine` are the rows of one source, `odd` what else came in its flow."""
        stream = self._known.get(key)
        if stream is not None:
            chosen = messages.chosen(self._with_odd(key, mine, odd))
            yield stream, self._without_copies(stream, key, chosen)
            return
        if key not in self._waiting:
            if not self._becomes_stream(key, messages.chosen(mine)):
                return
            odd = odd[odd > mine[0]]
        waiting = self._waiting[key]
        waiting.keep(messages.chosen(self._with_odd(key, mine, odd)))
        if waiting.is_due:
            yield self._begin(key)

    def _with_odd(self, key: _Key, mine: Ints, odd: Ints) -> Ints:
        """What is no RTP belongs to the first stream of its flow."""
        if self._first_of_flow.setdefault(key[0], key) != key or not len(odd):
            return mine
        return np.union1d(mine, odd)

    def _becomes_stream(self, key: _Key, packets: Messages) -> bool:
        if len(self.streams) + len(self._waiting) >= MAX_STREAMS:
            self.left_out += len(packets)
            return False
        if key not in self._candidates and len(self._candidates) >= _MAX_CANDIDATES:
            self._candidates.pop(next(iter(self._candidates)))
        candidate = self._candidates.setdefault(key, _Candidate())
        candidate.look(packets)
        if candidate.is_stream:
            self._waiting[key] = self._candidates.pop(key)
        return candidate.is_stream

    def _begin(self, key: _Key) -> tuple[CapturedStream[T], Messages]:
        flow, first = self._flows[key[0]], self._waiting.pop(key).kept
        if has_copies(first.part(0, _FIRST_PACKETS)):
            self._copies[key] = Copies()
        made = self._make(flow, first.part(0, _FIRST_PACKETS), self._beside_flow(flow))
        stream = self._known[key] = CapturedStream(flow, key[1], made, carrier=self._carrier)
        self.streams.append(stream)
        return stream, self._without_copies(stream, key, first)

    def _without_copies(self, stream: CapturedStream[T], key: _Key, packets: Messages) -> Messages:
        copies = self._copies.get(key)
        if copies is None:
            return packets
        single = copies.left_out(packets)
        stream.twice += len(packets) - len(single)
        return single


def _both_ways(flow: Flow) -> set[Flow]:
    return {flow, flow.turned}


def _each(keys: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Each key among some rows, and the rows that have it."""
    mine = keys[rows]
    if len(rows) and (mine == mine[0]).all():
        yield int(mine[0]), rows
        return
    different, which = np.unique(mine, return_inverse=True)
    for n, key in enumerate(different.tolist()):
        yield key, rows[which == n]
