"""Read pcapng (draft-ietf-opsawg-pcapng): any byte order, many sections and interfaces."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from voipbin_cli.capture.columns import Codes, Integers, chosen
from voipbin_cli.capture.pcapng_format import (
    BYTE_ORDER_MAGIC,
    ENHANCED_PACKET,
    EPB_FLAGS,
    IF_TSOFFSET,
    IF_TSRESOL,
    INTERFACE,
    MAGIC,
    OPT_COMMENT,
    OPT_END,
    SECTION_HEADER,
)
from voipbin_cli.capture.records import MAX_RECORD_BYTES, RecordChunk
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError

MAX_INTERFACES = 4096
_EPB_WORDS = 7
_MIN_BLOCK_WORDS = 3
_MAX_BLOCK_WORDS = MAX_RECORD_BYTES // 4


class _Interfaces:
    """Those of one section: link types, and how their time stamps become nanoseconds."""

    def __init__(self) -> None:
        self.link_types: list[int] = []
        self._multiply: list[int] = []
        self._divide: list[int] = []
        self._shift: list[int] = []
        self._offset_ns: list[int] = []
        self._all_in_nanoseconds = True

    def add(self, link_type: int, resolution: int, offset_s: int) -> None:
        """`resolution` is if_tsresol, `offset_s` is if_tsoffset (Interface Description Block)."""
        if len(self.link_types) >= MAX_INTERFACES:
            return
        # A negative power of 10, or of 2 where the most significant bit is set.
        exponent = resolution & 0x7F
        binary = bool(resolution & 0x80)
        self._all_in_nanoseconds &= resolution == 9 and offset_s == 0
        # Beyond 10^-27 s and 2^-63 s nothing is left of 64 bits.
        finer = 0 if binary else min(18, max(0, exponent - 9))
        self.link_types.append(link_type)
        self._multiply.append(1 if binary else 10 ** max(0, 9 - exponent))
        self._divide.append(10**finer)
        self._shift.append(min(63, exponent) if binary else -1)
        self._offset_ns.append(offset_s % (1 << 33) * 1_000_000_000)

    def to_ns(self, stamps: npt.NDArray[np.uint64], interface: Integers) -> Integers:
        """Unix nanoseconds; absurd stamps wrap around."""
        if self._all_in_nanoseconds:
            return stamps.view(np.int64)
        multiply = np.array(self._multiply, np.uint64)[interface]
        divide = np.array(self._divide, np.uint64)[interface]
        offset = np.array(self._offset_ns, np.uint64)[interface]
        shift = np.array(self._shift, np.int64)[interface]
        time_ns: npt.NDArray[np.uint64] = stamps * multiply // divide
        binary = np.flatnonzero(shift >= 0)
        time_ns[binary] = _binary_ns(stamps[binary], shift[binary].astype(np.uint64))
        return (time_ns + offset).view(np.int64)


def _binary_ns(
    stamps: npt.NDArray[np.uint64], shift: npt.NDArray[np.uint64]
) -> npt.NDArray[np.uint64]:
    billion, one = np.uint64(1_000_000_000), np.uint64(1)
    seconds = stamps >> shift
    fraction: npt.NDArray[np.uint64] = stamps & ((one << shift) - one)
    # 2^-30 s is finer than a nanosecond; more bits would not fit.
    drop = np.maximum(shift, np.uint64(30)) - np.uint64(30)
    nanoseconds = (fraction >> drop) * billion >> (shift - drop)
    return seconds * billion + nanoseconds


class PcapngReader:
    """Packets of a pcapng file. Raises DecodeError `not-a-capture` or `truncated` at once.

    `comment` is that of the first section. Blocks of other kinds are passed over; so are
    packets without a time (Simple Packet Blocks).
    """

    def __init__(self, window: Window) -> None:
        if window.data[:4] != MAGIC:
            raise DecodeError("not-a-capture", "this does not begin as a pcapng file does")
        self._window = window
        self._views: dict[str, _Blocks] = {}
        self._order = "<"
        self._interfaces = _Interfaces()
        self.truncated = False
        self.comment = self._first_comment()

    def chunks(self) -> Iterator[RecordChunk]:
        """The packets, in file order; to be asked once."""
        at = 0
        while not self.truncated:
            blocks, reached = self._walk(at)
            if len(blocks):
                chunk = self._packets(blocks)
                if chunk is not None and len(chunk.start):
                    yield chunk
            if reached > at:
                at = reached
                continue
            self._advance(4 * at)
            at = 0
            if self._window.at_end:
                self.truncated = self.truncated or bool(self._window.data)
                return

    def _first_comment(self) -> str | None:
        # Section Header Block: type, length, byte-order magic, version, section length (24 bytes),
        # then options, then the length once more.
        while len(self._window.data) < 12 and not self._window.at_end:
            self._advance(0)
        if not self._begin_section(0):
            raise DecodeError("truncated", "the pcapng section header is cut off or damaged")
        length = int(self._words()[1])
        while len(self._window.data) < length <= MAX_RECORD_BYTES and not self._window.at_end:
            self._advance(0)
        if not 28 <= length <= len(self._window.data):
            raise DecodeError("truncated", "the pcapng section header is cut off or damaged")
        for code, value in self._options(24, length - 4):
            if code == OPT_COMMENT:
                return value.decode("utf-8", "replace")
        return None

    def _advance(self, consumed_bytes: int) -> None:
        self._views.clear()
        self._window.advance(consumed_bytes)

    def _words(self) -> npt.NDArray[np.uint32]:
        """The window as native 32-bit words; all blocks start at one."""
        return self._blocks().words

    def _blocks(self) -> _Blocks:
        """The same, and what looks like a packet in it: once a window, however many sections."""
        if self._order not in self._views:
            data = self._window.data
            words = np.frombuffer(data, self._order + "u4", len(data) // 4)
            self._views[self._order] = _Blocks(words.astype(np.uint32, copy=False))
        return self._views[self._order]

    def _begin_section(self, at_bytes: int) -> bool:
        magic = self._window.data[at_bytes + 8 : at_bytes + 12]
        orders = {BYTE_ORDER_MAGIC.to_bytes(4, "little"): "<", BYTE_ORDER_MAGIC.to_bytes(4): ">"}
        if magic not in orders:
            return False
        self._order = orders[magic]
        self._interfaces = _Interfaces()
        return True

    def _walk(self, at: int) -> tuple[Integers, int]:
        """Whole blocks from word `at` to the next section, and the word where they end."""
        data = self._window.data
        if data[4 * at : 4 * at + 4] == MAGIC:
            if len(data) < 4 * at + 12:
                return np.empty(0, np.int64), at
            if not self._begin_section(4 * at):
                self.truncated = True
                return np.empty(0, np.int64), at
        blocks, reached, self.truncated = self._blocks().chase(at)
        return blocks, reached

    def _packets(self, blocks: Integers) -> RecordChunk | None:
        """The packets among some blocks, None without any; interfaces are noted."""
        words = self._words()
        kinds = words[blocks]
        for block in blocks[kinds == INTERFACE].tolist():
            self._add_interface(4 * block, 4 * block + int(words[block + 1]))
        if not (kinds == ENHANCED_PACKET).any():
            return None
        # Enhanced Packet Block: type, length, interface, time in two words, captured and original
        # length, then the packet, filled up to 32 bits, options, and the length once more.
        at = blocks[chosen(kinds == ENHANCED_PACKET)]
        at = at[chosen(words[at + 1] >= 4 * (_EPB_WORDS + 1))]
        captured, total = words[at + 5].astype(np.int64), words[at + 1].astype(np.int64)
        interface = words[at + 2].astype(np.int64)
        known = interface < len(self._interfaces.link_types)
        sound = chosen(known & (captured <= total - 4 * (_EPB_WORDS + 1)))
        at, captured, interface = at[sound], captured[sound], interface[sound]
        stamps = words[at + 3].astype(np.uint64) << np.uint64(32) | words[at + 4]
        direction, comments = self._packet_options(at, captured)
        return RecordChunk(
            data=self._window.data,
            time_ns=self._interfaces.to_ns(stamps, interface),
            start=4 * (at + _EPB_WORDS),
            captured_bytes=captured,
            link_type=np.array(self._interfaces.link_types, np.int64)[interface],
            direction=direction,
            comments=comments,
        )

    def _packet_options(self, at: Integers, captured: Integers) -> tuple[Codes, dict[int, str]]:
        """Codes of directions, and comments of the packets at these words."""
        words = self._words()
        options = at + _EPB_WORDS + (captured + 3) // 4
        ends = at + words[at + 1] // 4 - 1
        there = options + 1 < ends
        flags_come_first = 4 << 16 | EPB_FLAGS if self._order == "<" else EPB_FLAGS << 16 | 4
        plain = there & (words[np.minimum(options, ends)] == flags_come_first)
        value = words[np.minimum(options + 1, ends)] & 3
        direction = np.where(plain, value, 0).astype(np.int8)
        # Only where something else comes before the flags each option is looked at.
        comments: dict[int, str] = {}
        following = np.minimum(options + 2, ends)
        more = there & ~(plain & ((following == ends) | (words[following] == OPT_END)))
        for n in np.flatnonzero(more).tolist():
            for code, value in self._options(4 * int(options[n]), 4 * int(ends[n])):
                if code == EPB_FLAGS and len(value) == 4:
                    direction[n] = struct.unpack(self._order + "I", value)[0] & 3
                elif code == OPT_COMMENT:
                    comments[n] = value.decode("utf-8", "replace")
        return direction, comments

    def _add_interface(self, at: int, end: int) -> None:
        if end - at < 20:
            return
        # Interface Description Block: type, length, link type, reserved, snapshot length, then
        # options. Without if_tsresol time counts microseconds.
        link_type = struct.unpack_from(self._order + "H", self._window.data, at + 8)[0]
        resolution, offset_s = 6, 0
        for code, value in self._options(at + 16, end - 4):
            if code == IF_TSRESOL and value:
                resolution = value[0]
            elif code == IF_TSOFFSET and len(value) == 8:
                offset_s = struct.unpack(self._order + "q", value)[0]
        self._interfaces.add(link_type, resolution, offset_s)

    def _options(self, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Codes and values between two byte offsets; stops where one does not fit."""
        # Options: code and length, then the value, filled up to 32 bits.
        data = self._window.data
        while at + 4 <= end:
            code, length = struct.unpack_from(self._order + "HH", data, at)
            if code == OPT_END or at + 4 + length > end:
                return
            yield code, data[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4


class _Blocks:
    """The words of a window, and the chain of blocks in them.

    General Block Structure: each block has its length at both ends. Packet blocks are looked for
    by their type and both lengths, all at once; each link of the chain is then checked, so what
    only looks like a block inside of a packet is never taken.
    """

    def __init__(self, words: npt.NDArray[np.uint32]) -> None:
        self.words = words
        self._packets, self._following = _look_like_packets(words)
        self._breaks = np.flatnonzero(self._following[:-1] != self._packets[1:])

    def chase(self, at: int) -> tuple[Integers, int, bool]:
        """First words of a section's whole blocks from `at` on, their end, whether one lies."""
        words, packets, breaks = self.words, self._packets, self._breaks
        start, end = at, len(words)
        pieces: list[Integers] = []
        while at + 1 < end:
            n = int(np.searchsorted(packets, at))
            if n < len(packets) and packets[n] == at:
                next_break = int(np.searchsorted(breaks, n))
                last = int(breaks[next_break]) if next_break < len(breaks) else len(packets) - 1
                pieces.append(packets[n : last + 1])
                at = int(self._following[last])
                continue
            if words[at] == SECTION_HEADER and at > start:
                break
            length = int(words[at + 1]) >> 2
            if at + length > end:
                return _joined(pieces), at, length > _MAX_BLOCK_WORDS
            if length < _MIN_BLOCK_WORDS or words[at + length - 1] != words[at + 1]:
                return _joined(pieces), at, True
            pieces.append(np.array([at], np.int64))
            at += length
        return _joined(pieces), at, False


def _look_like_packets(words: npt.NDArray[np.uint32]) -> tuple[Integers, Integers]:
    """Where Enhanced Packet Blocks seem to start, and the word behind each."""
    end = len(words)
    found = np.flatnonzero(words[: end - 1] == ENHANCED_PACKET)
    lengths = words[found + 1]
    following = found + (lengths >> 2)
    whole = (following <= end) & (lengths >= 4 * _MIN_BLOCK_WORDS) & (lengths & 3 == 0)
    found, following = found[whole], following[whole]
    sound = words[following - 1] == words[found + 1]
    return found[sound], following[sound]


def _joined(pieces: list[Integers]) -> Integers:
    return np.concatenate(pieces) if pieces else np.empty(0, np.int64)
