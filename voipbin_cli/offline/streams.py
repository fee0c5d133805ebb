"""RTP streams in a capture of UDP, found by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, TypeVar

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.messages import EMPTY, Messages, from_columns, joined
from voipbin_cli.capture.packets import Flow, PacketChunk
from voipbin_cli.codec.serial import difference

# Packets that may turn out to be a stream are kept until two of them follow each other.
_MAX_CANDIDATES = 4096
_MAX_KEPT = 16
_MAX_STEP = 100
_MAX_STREAMS = 4096

_ELSE, _NEIGHBOUR, _RTP = 0, 1, 2
# RFC 3550 5.1: the version, in the two highest bits of the first octet.
_VERSION = 2
_RTP_HEADER_BYTES = 12
# RFC 5761 4: payload types 64 to 95 are not used, so that a second octet of 192 to 223 is an RTCP
# packet type.
_RTCP_TYPES = (192, 223)
# RFC 8489 5: the two highest bits of a STUN message are zero, its second word is this. RFC 7983 7:
# its first octet is 0 to 3.
_STUN_COOKIE = 0x2112A442
_STUN_FIRST_OCTETS = 4

T = TypeVar("T")


@dataclass(slots=True)
class CapturedStream(Generic[T]):
    """One stream: who sends to whom, from which source; `fold` is what takes its messages."""

    flow: Flow
    ssrc: int
    fold: T

    @property
    def name(self) -> str:
        """Both ends and the source."""
        flow = self.flow
        return (
            f"{flow.source}:{flow.source_port} > {flow.destination}:{flow.destination_port}"
            f" ssrc {self.ssrc:#010x}"
        )


@dataclass(slots=True)
class _Candidate:
    kept: Messages = field(default_factory=lambda: EMPTY)

    def add(self, frames: Messages) -> bool:
        """Keep some packets; return whether they are a stream's."""
        self.kept = joined(self.kept, frames.part(0, _MAX_KEPT)).compact()
        numbers = [int.from_bytes(self.kept.message(n)[2:4], "big") for n in range(len(self.kept))]
        steps = (difference(b, a, 16) for a, b in pairwise(numbers))
        if any(0 < step <= _MAX_STEP for step in steps):
            return True
        self.kept = self.kept.part(max(0, len(self.kept) - _MAX_KEPT), len(self.kept))
        return False


class StreamFinder(Generic[T]):
    """Sorts packets into streams by flow and SSRC.

    A stream is two packets of RTP version 2 whose numbers follow each other. What comes in the
    flow of a stream and is no RTP belongs to it; RTCP and STUN are left out. `make` returns what
    takes the messages of a stream, given the first of them.
    """

    def __init__(self, make: Callable[[Messages], T]) -> None:
        self.streams: list[CapturedStream[T]] = []
        self._make = make
        self._known: dict[tuple[int, int], CapturedStream[T]] = {}
        self._first_of_flow: dict[int, tuple[int, int]] = {}
        self._candidates: dict[tuple[int, int], _Candidate] = {}

    def add(
        self, chunk: PacketChunk, flows: list[Flow]
    ) -> Iterator[tuple[CapturedStream[T], Messages]]:
        """Yield each stream that has packets in this piece, with those packets in order."""
        messages = from_columns(
            chunk.data,
            chunk.offset,
            chunk.length_bytes,
            time_ns=chunk.time_ns,
            size=chunk.wire_bytes,
        )
        kind, ssrc = _kinds(messages)
        flow = chunk.flow.astype(np.int64)
        odd = np.flatnonzero(kind == _ELSE)
        for number, mine in _each(flow << 32 | ssrc, np.flatnonzero(kind == _RTP)):
            key = number >> 32, number & 0xFFFFFFFF
            found = self._of_source(key, messages, mine, odd[flow[odd] == key[0]], flows)
            if found is not None:
                yield found

    def _of_source(
        self, key: tuple[int, int], messages: Messages, mine: Ints, odd: Ints, flows: list[Flow]
    ) -> tuple[CapturedStream[T], Messages] | None:
        """`mine` are the rows of one source, `odd` what else came in its flow."""
        stream = self._known.get(key)
        kept = EMPTY
        if stream is None:
            candidate = self._candidate(key)
            kept = candidate.kept
            if not candidate.add(messages.chosen(mine)) or len(self.streams) >= _MAX_STREAMS:
                return None
            del self._candidates[key]
            odd = odd[odd > mine[0]]
        # What is no RTP belongs to the first stream of its flow.
        if self._first_of_flow.setdefault(key[0], key) == key and len(odd):
            mine = np.union1d(mine, odd)
        chosen = messages if len(mine) == len(messages) else messages.chosen(mine)
        chosen = joined(kept, chosen)
        return stream or self._begin(key, flows, chosen), chosen

    def _candidate(self, key: tuple[int, int]) -> _Candidate:
        if key not in self._candidates and len(self._candidates) >= _MAX_CANDIDATES:
            self._candidates.pop(next(iter(self._candidates)))
        return self._candidates.setdefault(key, _Candidate())

    def _begin(self, key: tuple[int, int], flows: list[Flow], first: Messages) -> CapturedStream[T]:
        stream = CapturedStream(flows[key[0]], key[1], self._make(first))
        self.streams.append(stream)
        self._known[key] = stream
        return stream


def _each(keys: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Each key among some rows, and the rows that have it."""
    mine = keys[rows]
    if len(rows) and (mine == mine[0]).all():
        yield int(mine[0]), rows
        return
    different, which = np.unique(mine, return_inverse=True)
    for n, key in enumerate(different.tolist()):
        yield key, rows[which == n]


def _kinds(messages: Messages) -> tuple[Ints, Ints]:
    """Which of _RTP, _NEIGHBOUR (RTCP, STUN) and _ELSE each message is; and its SSRC."""
    heads = messages.heads(_RTP_HEADER_BYTES)
    words = heads.view(">u4")
    first, second = heads[:, 0], heads[:, 1]
    whole = messages.length >= _RTP_HEADER_BYTES
    has_version = first >> 6 == _VERSION
    is_rtcp = has_version & (second >= _RTCP_TYPES[0]) & (second <= _RTCP_TYPES[1])
    is_stun = whole & (first < _STUN_FIRST_OCTETS) & (words[:, 1] == _STUN_COOKIE)
    kind = np.where(whole & has_version, _RTP, _ELSE)
    return np.where(is_rtcp | is_stun, _NEIGHBOUR, kind), words[:, 2].astype(np.int64)
