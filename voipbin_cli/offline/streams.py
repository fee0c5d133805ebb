"""RTP streams in a capture of UDP, found by themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from voipbin_cli.analysis.messages import EMPTY, Ints, Messages, from_columns, joined
from voipbin_cli.analysis.validation.validator import Part, Validator
from voipbin_cli.capture.packets import Flow, PacketChunk
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.codec.serial import difference

# Packets that may turn out to be a stream are kept until two of them follow each other.
_MAX_CANDIDATES = 4096
_MAX_KEPT = 16
_MAX_STEP = 100
_MAX_STREAMS = 4096
_RTP = 2
_RTCP_TYPES = (192, 223)
_STUN_COOKIE = 0x2112A442


@dataclass(slots=True)
class CapturedStream:
    """One stream: who sends to whom, from which source, and what its rules came to."""

    flow: Flow
    ssrc: int
    validator: Validator
    direction: Direction

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


class StreamFinder:
    """Sorts packets into streams by flow and SSRC, and has each judged.

    A stream is two packets of RTP version 2 whose numbers follow each other. What comes in the
    flow of a stream and is no RTP is judged with it; RTCP and STUN are left out.
    """

    def __init__(self, make: Callable[[], Validator], direction: Direction) -> None:
        self.streams: list[CapturedStream] = []
        self._make = make
        self._direction = direction
        self._known: dict[tuple[int, int], int] = {}
        self._of_flow: dict[int, int] = {}
        self._candidates: dict[tuple[int, int], _Candidate] = {}

    def add(self, chunk: PacketChunk, flows: list[Flow]) -> Iterator[tuple[int, Part]]:
        """Yield the number of the stream with each part that is judged by now."""
        frames = from_columns(
            chunk.data,
            chunk.offset,
            chunk.length_bytes,
            time_ns=chunk.time_ns,
            size=chunk.wire_bytes,
        )
        kind, ssrc = _kinds(frames)
        flow = chunk.flow.astype(np.int64)
        is_rtp = kind == _RTP
        odd = np.flatnonzero(kind == 0)
        for number, mine in _each(flow << 32 | ssrc, np.flatnonzero(is_rtp)):
            key = number >> 32, number & 0xFFFFFFFF
            yield from self._add(key, frames, mine, odd[flow[odd] == key[0]], flows)

    def finish(self) -> Iterator[tuple[int, Part]]:
        """Yield the rest of each stream."""
        for number, stream in enumerate(self.streams):
            yield from ((number, part) for part in stream.validator.finish())

    def _add(
        self, key: tuple[int, int], frames: Messages, mine: Ints, odd: Ints, flows: list[Flow]
    ) -> Iterator[tuple[int, Part]]:
        """`mine` are the rows of one source, `odd` what else came in its flow."""
        number = self._known.get(key)
        kept = EMPTY
        if number is None:
            candidate = self._candidate(key)
            kept = candidate.kept
            if not candidate.add(frames.chosen(mine)) or len(self.streams) >= _MAX_STREAMS:
                return
            del self._candidates[key]
            number = self._begin(key, flows)
            odd = odd[odd > mine[0]]
        if len(odd) and self._of_flow[key[0]] == number:
            mine = np.union1d(mine, odd)
        stream = self.streams[number]
        chosen = frames if len(mine) == len(frames) else frames.chosen(mine)
        for part in stream.validator.add(stream.direction, joined(kept, chosen)):
            yield number, part

    def _candidate(self, key: tuple[int, int]) -> _Candidate:
        if key not in self._candidates and len(self._candidates) >= _MAX_CANDIDATES:
            self._candidates.pop(next(iter(self._candidates)))
        return self._candidates.setdefault(key, _Candidate())

    def _begin(self, key: tuple[int, int], flows: list[Flow]) -> int:
        number = len(self.streams)
        self.streams.append(CapturedStream(flows[key[0]], key[1], self._make(), self._direction))
        self._known[key] = number
        self._of_flow.setdefault(key[0], number)
        return number


def _each(keys: Ints, rows: Ints) -> Iterator[tuple[int, Ints]]:
    """Each key among some rows, and the rows that have it."""
    mine = keys[rows]
    if len(rows) and (mine == mine[0]).all():
        yield int(mine[0]), rows
        return
    different, which = np.unique(mine, return_inverse=True)
    for n, key in enumerate(different.tolist()):
        yield key, rows[which == n]


def _kinds(frames: Messages) -> tuple[Ints, Ints]:
    """2 for RTP, 1 for what shares its ports (RTCP, STUN), 0 for anything else; and the SSRC."""
    heads = frames.heads(12)
    words = heads.view(">u4")
    first, second = heads[:, 0], heads[:, 1]
    whole = frames.length >= 12
    is_rtp = first >> 6 == _RTP
    # RFC 5761 4: RTCP packet types 192 to 223 are no payload types.
    rtcp = is_rtp & (second >= _RTCP_TYPES[0]) & (second <= _RTCP_TYPES[1])
    stun = (first < 4) & (words[:, 1] == _STUN_COOKIE)
    kind = np.where(whole & is_rtp, _RTP, 0)
    return np.where(rtcp | (whole & stun), 1, kind), words[:, 2].astype(np.int64)
