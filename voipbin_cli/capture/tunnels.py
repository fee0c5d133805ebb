"""Tunnels and mirrors, whole columns at once: what they carry, and where."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import chosen, column
from voipbin_cli.capture.layers import Layer, Opened, Spans
from voipbin_cli.capture.links import by_ethertype

Octets = npt.NDArray[np.uint8]

# RFC 2784 and RFC 2890: a checksum, a key, a sequence number; each adds 4 bytes.
_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE, _GRE_VERSION = 0x8000, 0x2000, 0x1000, 0x0007
_ERSPAN = 0x88BE
# TS 29.281 5.1: a user's packet; the flags E, S and PN, any of which adds 4 bytes.
_GTP_USER_DATA, _GTP_OPTIONAL, _GTP_EXTENSION = 255, 0x07, 0x04
_TZSP_PADDING, _TZSP_END, _TZSP_ETHERNET = 0, 1, 1
# Extension headers of GTP-U, tags of TZSP: more of them than any equipment writes.
_MAX_OPTIONS = 32


def gre(data: bytes, part: Spans) -> Opened:
    """Generic routing encapsulation; in it the mirrors that switches send (ERSPAN).

    ERSPAN of type I is Ethernet behind a header with no flag; type II has a sequence number and a
    header of its own.
    """
    short = column(data, ">u2")
    part = part.holding(5)
    flags, ethertype = short[part.at], short[part.at + 2]
    sizes = sum(((flags & bit) != 0).astype(np.int64) * 4 for bit in
                (_GRE_CHECKSUM, _GRE_KEY, _GRE_SEQUENCE))  # fmt: skip
    inner = part.behind(4 + sizes)
    is_plain = (flags & _GRE_VERSION) == 0
    is_first_type = is_plain & (ethertype == _ERSPAN) & ((flags & _GRE_SEQUENCE) == 0)
    yield Layer.ETHERNET, inner.only(np.flatnonzero(is_first_type))
    rest = chosen(is_plain & ~is_first_type)
    yield from by_ethertype(data, inner.only(rest), ethertype[rest])
    yield Layer.OTHER, inner.only(np.flatnonzero(~is_plain))


def erspan_2(_data: bytes, part: Spans) -> Opened:
    """draft-foschiano-erspan 4.2: eight bytes."""
    yield Layer.ETHERNET, part.behind(8)


def erspan_3(data: bytes, part: Spans) -> Opened:
    """draft-foschiano-erspan 4.3: twelve bytes, eight more where the last bit of them says so."""
    part = part.holding(13)
    has_more = (np.frombuffer(data, np.uint8)[part.at + 11] & 1).astype(np.int64)
    yield Layer.ETHERNET, part.behind(12 + 8 * has_more)


def vxlan(_data: bytes, part: Spans) -> Opened:
    """RFC 7348 5: eight bytes, then Ethernet."""
    yield Layer.ETHERNET, part.behind(8)


def geneve(data: bytes, part: Spans) -> Opened:
    """RFC 8926 3.4: the low six bits of the first byte count words of options."""
    part = part.holding(9)
    words = (np.frombuffer(data, np.uint8)[part.at] & 0x3F).astype(np.int64)
    ethertype = column(data, ">u2")[part.at + 2]
    return by_ethertype(data, part.behind(8 + 4 * words), ethertype)


def gtp_u(data: bytes, part: Spans) -> Opened:
    """TS 29.281 5: the user's IP packet in the tunnel of a mobile network."""
    octets = np.frombuffer(data, np.uint8)
    part = part.holding(13)
    flags = octets[part.at]
    is_user = octets[part.at + 1] == _GTP_USER_DATA
    yield Layer.OTHER, part.only(np.flatnonzero(~is_user))
    user = chosen(is_user)
    part, flags = part.only(user), flags[user]
    has_options = (flags & _GTP_OPTIONAL) != 0
    inner = part.behind(np.where(has_options, 12, 8))
    extended = (flags & _GTP_EXTENSION) != 0
    yield Layer.IP, inner.only(np.flatnonzero(~extended))
    yield Layer.IP, _behind_gtp_extensions(octets, inner.only(np.flatnonzero(extended)))


def tzsp(data: bytes, part: Spans) -> Opened:
    """What wireless access points and routers mirror: four bytes, tags, then Ethernet."""
    octets = np.frombuffer(data, np.uint8)
    part = part.holding(6)
    is_ethernet = column(data, ">u2")[part.at + 2] == _TZSP_ETHERNET
    yield Layer.OTHER, part.only(np.flatnonzero(~is_ethernet))
    part = part.only(chosen(is_ethernet)).behind(4)
    for _ in range(_MAX_OPTIONS):
        part = part.holding(2)
        tag = octets[part.at]
        yield Layer.ETHERNET, part.only(np.flatnonzero(tag == _TZSP_END)).behind(1)
        going_on = np.flatnonzero(tag != _TZSP_END)
        part, tag = part.only(going_on), tag[going_on]
        if not len(part):
            return
        length = octets[part.at + 1].astype(np.int64)
        part = part.behind(np.where(tag == _TZSP_PADDING, 1, 2 + length))


def _behind_gtp_extensions(octets: Octets, part: Spans) -> Spans:
    """TS 29.281 5.2: each is so many words long as its first byte says; its last names the next."""
    at = part.at
    following = octets[np.minimum(at - 1, len(octets) - 1)] if len(part) else octets[:0]
    for _ in range(_MAX_OPTIONS):
        more = (following != 0) & (at < part.end)
        if not more.any():
            break
        size = np.where(more, octets[np.where(more, at, 0)].astype(np.int64) * 4, 0)
        at = np.where(more, at + np.maximum(size, 4), at)
        last = np.where(more, np.minimum(at - 1, len(octets) - 1), 0)
        following = np.where(more, octets[last], 0)
    return part.behind(at - part.at)
