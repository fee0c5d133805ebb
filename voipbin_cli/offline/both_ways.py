"""RTP streams of a call that go both ways, matched: who answers whom, and which side is ours.

Two streams are the two ways of one where their ends are each other's, or where a session
description names both ends of a call (RFC 3264; ports need not be symmetric, RFC 4961).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.analysis.conversation.conversation import Conversation
from voipbin_cli.analysis.farend.far_queue import QueueRule
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.capture.packets import Address, Flow, PacketChunk
from voipbin_cli.capture.records import DIRECTION_CODES
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.encapsulation import Direction

# So many streams are listened to for their other way, and each waits for it for ten minutes.
_MOST_STREAMS = 64
_MOST_WAITING = 600 * SAMPLE_RATE_HZ
# A phone's buffer throws nothing away that a conversation would miss.
_PHONE = QueueRule(5000, flushes=False)


class End(NamedTuple):
    """An address, and a port where one of several is meant."""

    address: Address
    port: int | None = None

    def is_of(self, address: Address, port: int) -> bool:
        """It is this one."""
        return self.address == address and self.port in (port, None)


@dataclass(eq=False, slots=True)
class Half:
    """One way of a call's two: its stream, and the conversation in which it is what is heard.

    `calls` are those whose descriptions name the end that it goes to; `other` is the other way.
    """

    flow: Flow
    fold: StreamFold
    calls: frozenset[bytes]
    talk: Conversation = field(default_factory=lambda: Conversation(_PHONE))
    other: Half | None = None
    _waiting: deque[tuple[Ints, Samples]] = field(default_factory=deque)
    _samples: int = 0

    def hear(self, time_ns: Ints, samples: Samples) -> None:
        """Take what its stream sounds like."""
        self.talk.receive(time_ns, samples)
        if self.other is not None:
            self.other.talk.send(time_ns, samples)
            return
        self._waiting.append((time_ns, samples))
        self._samples += len(samples)
        while self._samples > _MOST_WAITING:
            self._samples -= len(self._waiting.popleft()[1])

    def join(self, other: Half) -> None:
        """The other way is found: it is told what was said so far."""
        self.other = other
        while self._waiting:
            other.talk.send(*self._waiting.popleft())

    def is_other_of(self, way: Half) -> bool:
        """Both are of one call, one there and one back."""
        if self.flow.turned == way.flow:
            return True
        is_between = (self.flow.source, way.flow.source) == (
            way.flow.destination,
            self.flow.destination,
        )
        return is_between and bool(self.calls & way.calls)


class BothWays:
    """Matches the streams of a capture. `ours` is the end that is ours, where somebody says so."""

    def __init__(self, ours: End | None = None) -> None:
        self._ours = ours
        self._ways: dict[Flow, Half] = {}
        self._marks: Counter[tuple[Flow, int]] = Counter()
        self._seen: set[Flow] = set()
        self._looked = 0

    def note(self, chunk: PacketChunk, flows: list[Flow]) -> None:
        """Take what a capture says of which way its packets went: in, or out of this machine."""
        marked = chunk.direction > 0
        if not marked.any():
            return
        pairs, counts = np.unique(
            np.stack([chunk.flow[marked], chunk.direction[marked]]), axis=1, return_counts=True
        )
        for (flow, code), count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
            self._marks[flows[flow], code] += count

    def add(self, flow: Flow, fold: StreamFold, calls: Iterable[bytes], seen: list[Flow]) -> None:
        """Take a stream of sound that begins, the first of its flow; `seen` are all flows so far.

        It is listened to where its other way is there, or is to be expected. `seen` is the same
        list each time, and grows.
        """
        if flow in self._ways or len(self._ways) >= _MOST_STREAMS or not fold.told.is_heard:
            return
        way = Half(flow, fold, frozenset(calls) - {b""})
        found = (each for each in self._ways.values() if each.other is None)
        other = next((each for each in found if each.is_other_of(way)), None)
        if other is None and not way.calls and not self._has_seen(flow.turned, seen):
            return
        self._ways[flow] = way
        fold.sound.listener = way.hear
        if other is not None:
            # Behind all that was heard so far, before what comes.
            fold.when_heard(lambda: _join(way, other))

    def expect(self, flow: Flow) -> None:
        """There will be packets of this flow: it is a direction of a connection."""
        self._seen.add(flow)

    def _has_seen(self, flow: Flow, seen: list[Flow]) -> bool:
        """Each flow is looked at once, however many streams there are."""
        self._seen.update(seen[self._looked :])
        self._looked = len(seen)
        return flow in self._seen

    def finish(self) -> None:
        """All streams are flushed."""
        for way in self._ways.values():
            way.fold.when_heard(way.talk.finish)

    def of(self, fold: StreamFold, flow: Flow) -> Half | None:
        """The way that a stream is, where the other one is there, too."""
        way = self._ways.get(flow)
        return way if way is not None and way.fold is fold and way.other is not None else None

    def direction(self, flow: Flow) -> Direction | None:
        """Which way packets of this flow went, as seen from our side; None where nothing tells."""
        if self._ours is not None:
            is_from = self._ours.is_of(flow.source, flow.source_port)
            is_to = self._ours.is_of(flow.destination, flow.destination_port)
            if is_from == is_to:
                return None
            return Direction.OUT if is_from else Direction.IN
        told = [way for way, code in DIRECTION_CODES.items() if self._marks[flow, code]]
        # Of a bridge the same packets go in and out.
        return told[0] if len(told) == 1 else None


def source_end(flow: Flow) -> str:
    """Who sends."""
    return f"{flow.source}:{flow.source_port}"


def between(flow: Flow) -> str:
    """Who sends to whom."""
    return f"{source_end(flow)} > {flow.destination}:{flow.destination_port}"


def parse_end(text: str) -> End:
    """An address, or an address and a port: `192.0.2.1`, `192.0.2.1:4000`, `[2001:db8::1]:4000`.

    Raises ValueError for what is neither.
    """
    if text.count(":") == 1 or text.startswith("["):
        address, _, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        return End(ip_address(address.strip("[]")), int(port) if port else None)
    return End(ip_address(text))


def _join(one: Half, other: Half) -> None:
    one.join(other)
    other.join(one)
