"""Frames out of bytes that were written one after the other: bare dumps, rtpdump, hex text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from voipbin_cli.analysis.messages import (
    Ints,
    Messages,
    TimedMessage,
    from_columns,
    from_messages,
)
from voipbin_cli.capture.rtpdump import RtpDumpReader
from voipbin_cli.codec.audiosocket import HEADER_BYTES, RATE_HZ, Kind
from voipbin_cli.codec.evidence import is_still
from voipbin_cli.codec.hypotheses import score_codecs
from voipbin_cli.codec.pcm import FRAME_SAMPLES, Codec
from voipbin_cli.errors import UsageError

READ_BYTES = 1 << 20
# What the kind of a stream of bare bytes is judged by.
PEEK_BYTES = 1 << 16
_LOOKS = 40
_PACKETS = 1000
# Where a frame's end makes no sense, the next one is looked for so far on.
_SEARCH_BYTES = 1 << 17
_FIXED_LENGTHS = {Kind.UUID: 16, Kind.DTMF: 1}
_AUDIO_KINDS = re.compile(b"[\x10-\x18]")
_HEX_LINE = re.compile(r"(?:0x)?[0-9a-f]{2}(?:[\s:,;.-]*(?:0x|\\x)?[0-9a-f]{2})*", re.IGNORECASE)
_OFFSET_LINE = re.compile(r"\s*([0-9a-f]{4,16})(?::|\s{2,})\s*(.*)", re.IGNORECASE)
_PAIRS = re.compile(r"(?:0x|\\x)?([0-9a-f]{2})", re.IGNORECASE)
_MAX_LINE = 1 << 20


def sln_frames(file: BinaryIO, first: bytes) -> Iterator[Messages]:
    """Bare samples in pieces of 20 ms, by what they sound like; `first` was read already."""
    size = sln_frame_bytes(first)
    data = first
    while data:
        more = file.read(READ_BYTES - READ_BYTES % size)
        whole = len(data) - len(data) % size if more else len(data)
        offset: Ints = np.arange(0, whole, size, dtype=np.int64)
        yield from_columns(data[:whole], offset, np.minimum(size, whole - offset))
        data = data[whole:] + more


def sln_frame_bytes(sample: bytes) -> int:
    """160 where a stretch of samples is G.711, 320 where it is linear."""
    linear = 2 * FRAME_SAMPLES
    pieces = [sample[at : at + linear] for at in range(0, len(sample) - linear + 1, linear)]
    sound = [piece for piece in pieces if not is_still(piece)][:_LOOKS]
    if not sound:
        return FRAME_SAMPLES if sample[:1] in (b"\xff", b"\x7f", b"\xd5", b"\x55") else linear
    bits = score_codecs(sound)
    best: Codec = min(bits, key=bits.__getitem__)
    return FRAME_SAMPLES * best.sample_bytes


def looks_like_audiosocket(data: bytes) -> bool:
    """Whether bytes begin with AudioSocket frames: three, or fewer and nothing else."""
    return bool(data) and data[0] != Kind.HANGUP and _is_chain_at(data, 0)


def holds_audiosocket(data: bytes) -> bool:
    """Whether there are AudioSocket frames anywhere, three in a row."""
    return _next_frame(data, 0) < len(data)


def audiosocket_frames(file: BinaryIO, first: bytes) -> Iterator[Messages]:
    """The frames of a byte stream, one a message; where they are out of step, up to the next."""
    data = first
    while data:
        more = file.read(READ_BYTES)
        starts, rest = _cut(data, is_last=not more)
        if starts:
            offset = np.array(starts, np.int64)
            length = np.diff(np.append(offset, rest))
            yield from_columns(data[:rest], offset, length)
        data = data[rest:] + more


def _cut(data: bytes, *, is_last: bool) -> tuple[list[int], int]:
    """Starts of the frames in `data` that are whole, and where the rest begins."""
    starts: list[int] = []
    at, end = 0, len(data)
    while at < end:
        following = _following(data, at, is_last=is_last)
        if following is None:
            break
        starts.append(at)
        at = following
    return starts, at


def _following(data: bytes, at: int, *, is_last: bool) -> int | None:
    """Where the frame at `at` ends; None when it takes more bytes to tell."""
    end = len(data)
    if end - at < HEADER_BYTES:
        return end if is_last else None
    big = _end_at(data, at)
    if big + HEADER_BYTES <= end and _is_frame_at(data, big):
        return big
    if not is_last and end - at < _SEARCH_BYTES:
        return None
    if big == end:
        return big
    little = at + HEADER_BYTES + (data[at + 1] | data[at + 2] << 8)
    if little == end or (little + HEADER_BYTES <= end and _is_frame_at(data, little)):
        return little
    return _next_frame(data, at + 1)


def _next_frame(data: bytes, at: int) -> int:
    """Where frames begin again, at most _SEARCH_BYTES on."""
    limit = min(len(data), at + _SEARCH_BYTES)
    for found in _AUDIO_KINDS.finditer(data, at, limit):
        if _is_chain_at(data, found.start()):
            return found.start()
    return limit


def _is_chain_at(data: bytes, at: int) -> bool:
    """Whether three frames in a row begin there, or fewer that end with the data."""
    for _ in range(3):
        if not _is_frame_at(data, at):
            return False
        at = _end_at(data, at)
        if at == len(data):
            return True
    return True


def _end_at(data: bytes, at: int) -> int:
    return at + HEADER_BYTES + (data[at + 1] << 8 | data[at + 2])


def _is_frame_at(data: bytes, at: int) -> bool:
    """Whether a header that makes sense stands there; zeros are silence rather than hangups."""
    if at + HEADER_BYTES > len(data):
        return False
    kind, length = data[at], data[at + 1] << 8 | data[at + 2]
    if kind == Kind.HANGUP:
        end = at + HEADER_BYTES
        return length == 0 and (end == len(data) or (end < len(data) and data[end] in RATE_HZ))
    if kind in _FIXED_LENGTHS:
        return length == _FIXED_LENGTHS[Kind(kind)]
    return kind in RATE_HZ or (kind == Kind.ERROR and length <= 1)


def rtpdump_frames(file: BinaryIO) -> Iterator[Messages]:
    """The packets of an rtpdump file, RTCP left out."""
    held: list[TimedMessage] = []
    for packet in RtpDumpReader(file).packets():
        if packet.is_rtcp:
            continue
        held.append(TimedMessage(packet.data, packet.time_ns, packet.wire_bytes))
        if len(held) == _PACKETS:
            yield from_messages(held)
            held = []
    yield from_messages(held)


def single_frame(file: BinaryIO, first: bytes, limit: int) -> Iterator[Messages]:
    """All bytes as one message. Raises UsageError beyond `limit`."""
    data = first + file.read(max(0, limit + 1 - len(first)))
    if len(data) > limit:
        raise UsageError(
            "RTP packets one after the other have no boundaries",
            hint="give an rtpdump (#!rtpplay1.0), pcap or pcapng file; -e says what else it is",
        )
    yield from_messages([TimedMessage(data)])


def hex_messages(file: BinaryIO) -> Iterator[bytes]:
    """The messages of hex text: one a line, or dumps with offsets, which begin at 0.

    Raises UsageError for a line that is neither.
    """
    dump = bytearray()
    for number, text in enumerate(_lines(file), 1):
        offset = _OFFSET_LINE.fullmatch(text)
        place = int(offset[1], 16) if offset else 0
        if offset and (dump or place == 0):
            if place == 0 and dump:
                yield bytes(dump)
                dump.clear()
            dump += _dump_bytes(offset[2], number)
            if len(dump) > _MAX_LINE:
                raise UsageError(f"line {number}: a message of more than {_MAX_LINE} bytes")
        elif text:
            yield _line_bytes(text, number)
    if dump:
        yield bytes(dump)


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines without what is around their bytes; remarks are empty."""
    while line := file.readline(_MAX_LINE):
        text = line.decode("ascii", "replace").strip().removeprefix("b'").rstrip("'")
        yield "" if text.startswith("#") else text


def _line_bytes(text: str, number: int) -> bytes:
    if not _HEX_LINE.fullmatch(text.removeprefix("\\x")):
        raise _no_hex(number)
    return bytes.fromhex("".join(_PAIRS.findall(text)))


def _dump_bytes(text: str, number: int) -> bytes:
    """The bytes of a line of xxd, hexdump -C or tshark -x, without the text beside them."""
    # hexdump has a gap in the middle of its bytes, and bars around the text.
    octets = text.split("|")[0] if "|" in text else re.split(r"\s{2,}", text)[0]
    words = octets.split()
    if not all(re.fullmatch(r"(?:[0-9a-fA-F]{2})+", word) for word in words):
        raise _no_hex(number)
    return bytes.fromhex("".join(words))


def _no_hex(number: int) -> UsageError:
    return UsageError(
        f"line {number} is no hex text",
        hint="one message a line, such as 8060 0001 000000a0 …, or a hex dump",
    )
