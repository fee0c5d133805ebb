"""Protocols that hold each other: what they are called, and how they are opened.

A layer is opened for many frames at once: its opener is given where it begins and ends in each of
them and says what lies inside, and where. What no opener is there for is where the search ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Integers, chosen

Words = npt.NDArray[np.uint64]

# RFC 4291 2.5.5.2: ::ffff:a.b.c.d
MAPPED = 0xFFFF << 32
# A frame of a call has three layers, one in a mirror's tunnel in a mobile network's tunnel eleven.
_MAX_DEPTH = 24


class Layer(StrEnum):
    """What may begin somewhere in a frame; the words are those that a person is told."""

    ETHERNET = "Ethernet"
    PPP = "PPP"
    PPPOE = "PPPoE"
    MPLS = "MPLS"
    NFLOG = "NFLOG"
    IP = "IP"
    FRAGMENT = "fragments of IP"
    UDP = "UDP"
    TCP = "TCP"
    ICMP = "ICMP"
    SCTP = "SCTP"
    ARP = "ARP"
    WIFI = "802.11"
    GRE = "GRE"
    ERSPAN_2 = "ERSPAN II"
    ERSPAN_3 = "ERSPAN III"
    VXLAN = "VXLAN"
    GENEVE = "Geneve"
    GTP_U = "GTP-U"
    TZSP = "TZSP"
    HEP = "HEP"
    DATAGRAM = "UDP datagrams"
    """A datagram that holds no tunnel."""
    OTHER = "of other protocols"
    CUT = "cut or damaged"


@dataclass(frozen=True, slots=True)
class Spans:
    """One layer of many frames: of which records, and from where to where in the data.

    `addresses` are of the IP packet around it: of IPv4 one column (source << 32 | destination), of
    IPv6 four (high and low half of the source, then of the destination).
    """

    record: Integers
    at: Integers
    end: Integers
    addresses: tuple[Words, ...] = ()

    def __len__(self) -> int:
        return len(self.record)

    def only(self, kept: slice | Integers) -> Spans:
        """The frames with these numbers."""
        return Spans(
            self.record[kept],
            self.at[kept],
            self.end[kept],
            tuple(words[kept] for words in self.addresses),
        )

    def behind(self, header_bytes: int | Integers) -> Spans:
        """The same without its first bytes."""
        return Spans(self.record, self.at + header_bytes, self.end, self.addresses)

    def until(self, end: Integers) -> Spans:
        """The same without what stands from there on."""
        return Spans(self.record, self.at, np.minimum(self.end, end), self.addresses)

    def holding(self, size: int) -> Spans:
        """Those that have at least so many bytes."""
        return self.only(chosen(self.at + size <= self.end))


def long_addresses(addresses: tuple[Words, ...]) -> tuple[Words, ...]:
    """Two words for each address; those of IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2)."""
    if len(addresses) != 1:
        return addresses
    mapped, low = np.uint64(MAPPED), np.uint64(0xFFFFFFFF)
    nothing = np.zeros(len(addresses[0]), np.uint64)
    return (nothing, addresses[0] >> np.uint64(32) | mapped, nothing, addresses[0] & low | mapped)


Opened = Iterator[tuple[Layer, Spans]]
Opener = Callable[[bytes, Spans], Opened]


def sorted_out(part: Spans, values: npt.NDArray[Any], layers: Mapping[int, Layer]) -> Opened:
    """The frames by the layer that a number in them stands for, the others as OTHER."""
    if len(part) and (values == values[0]).all():
        yield layers.get(int(values[0]), Layer.OTHER), part
        return
    left = np.ones(len(part), bool)
    for value, layer in layers.items():
        mine = values == value
        if mine.any():
            yield layer, part.only(np.flatnonzero(mine))
            left &= ~mine
    if left.any():
        yield Layer.OTHER, part.only(np.flatnonzero(left))


def opened(
    data: bytes, begun: Iterable[tuple[Layer, Spans]], openers: Mapping[Layer, Opener]
) -> dict[Layer, list[Spans]]:
    """Open layer by layer until none of them has an opener.

    Each frame ends in one layer at the most; those that end in none are cut, or nested too deeply.
    """
    ended: dict[Layer, list[Spans]] = defaultdict(list)
    waiting = list(begun)
    for _ in range(_MAX_DEPTH):
        following: list[tuple[Layer, Spans]] = []
        for layer, part in waiting:
            opener = openers.get(layer)
            if opener is None:
                ended[layer].append(part)
            elif len(some := part.holding(1)):
                following += opener(data, some)
        waiting = [(layer, part) for layer, part in following if len(part)]
        if not waiting:
            break
    return ended
