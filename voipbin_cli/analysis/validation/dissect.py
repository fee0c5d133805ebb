"""What each byte of one message means, field by field, however damaged it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from voipbin_cli.codec import audiosocket
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import DYNAMIC, RESERVED, lookup
from voipbin_cli.codec.rtp import HEADER_BYTES, VERSION

_MAX_FRAMES = 16
_KIND_NAMES: dict[int, str] = {
    audiosocket.Kind.HANGUP: "hangup",
    audiosocket.Kind.UUID: "UUID",
    audiosocket.Kind.SILENCE: "silence (of an old library)",
    audiosocket.Kind.DTMF: "DTMF",
    audiosocket.Kind.ERROR: "error",
}


class Field(NamedTuple):
    """A field of a message: its bytes are `start` to `end`; several share a byte where bits do.

    `name` is one of those that rules name, `value` the number or text in it, `meaning` in words.
    """

    name: str
    start: int
    end: int
    value: str
    meaning: str


def dissect(encapsulation: Encapsulation, message: bytes) -> list[Field]:
    """Return the fields of one message, in order; every byte is in one of them."""
    if encapsulation is Encapsulation.RTP:
        return list(_rtp(message))
    if encapsulation is Encapsulation.AUDIOSOCKET:
        return list(_audiosocket(message))
    return list(_payload(message, 0, len(message)))


def _rtp(message: bytes) -> Iterator[Field]:
    if len(message) < HEADER_BYTES:
        if message:
            missing = HEADER_BYTES - len(message)
            yield Field("header", 0, len(message), message.hex(), f"{missing} bytes short")
        return
    first = message[0]
    yield Field("version", 0, 1, str(first >> 6), "RTP" if first >> 6 == VERSION else "not RTP")
    if first >> 6 != VERSION:
        yield from _payload(message, 1, len(message))
        return
    yield Field("padding", 0, 1, str(first >> 5 & 1), _set(first & 0x20, "padding at the end"))
    yield Field("extension", 0, 1, str(first >> 4 & 1), _set(first & 0x10, "a header extension"))
    yield Field("csrc_count", 0, 1, str(first & 15), "contributing sources")
    yield Field("marker", 1, 2, str(message[1] >> 7), _set(message[1] & 0x80, "a talkspurt begins"))
    number = message[1] & 0x7F
    yield Field("payload_type", 1, 2, str(number), payload_type_name(number))
    yield _number("sequence_number", message, 2, 4)
    yield _number("timestamp", message, 4, 8)
    ssrc = int.from_bytes(message[8:12], "big")
    yield Field("ssrc", 8, 12, f"{ssrc:#010x}", "as the platform's bridge" if not ssrc else "")
    yield from _rtp_rest(message)


def _rtp_rest(message: bytes) -> Iterator[Field]:
    """Contributing sources, extension, payload and padding."""
    at, size = HEADER_BYTES, len(message)
    for _ in range(message[0] & 15):
        if at + 4 <= size:
            yield Field("csrc", at, at + 4, f"0x{message[at : at + 4].hex()}", "")
            at += 4
    if message[0] & 0x10 and at + 4 <= size:
        words = int.from_bytes(message[at + 2 : at + 4], "big")
        end = min(at + 4 + 4 * words, size)
        profile = message[at : at + 2].hex()
        yield Field("extension", at, end, f"0x{profile}", f"{words} words of 4 bytes")
        at = end
    padding = message[-1] if message[0] & 0x20 and size > at else 0
    if not 0 < padding <= size - at:
        padding = 0
    yield from _payload(message, at, size - padding)
    if padding:
        yield Field("padding", size - padding, size, str(padding), "bytes, the last one counts")


def _audiosocket(message: bytes) -> Iterator[Field]:
    at, frames = 0, 0
    while at < len(message) and frames < _MAX_FRAMES:
        if len(message) - at < audiosocket.HEADER_BYTES:
            yield Field("rest", at, len(message), message[at:].hex(), "less than a header")
            return
        kind, length = message[at], int.from_bytes(message[at + 1 : at + 3], "big")
        follow = len(message) - at - audiosocket.HEADER_BYTES
        yield Field("kind", at, at + 1, f"{kind:02x}", kind_name(kind))
        yield Field("length", at + 1, at + 3, str(length), _length_meaning(length, follow))
        end = min(at + audiosocket.HEADER_BYTES + length, len(message))
        yield from _payload(message, at + audiosocket.HEADER_BYTES, end)
        at, frames = end, frames + 1
    if at < len(message):
        rest = len(message) - at
        yield Field("rest", at, len(message), f"{rest} bytes", "more frames")


def _payload(message: bytes, start: int, end: int) -> Iterator[Field]:
    if end > start:
        yield Field("payload", start, end, f"{end - start} bytes", _size_meaning(end - start))


def _size_meaning(size: int) -> str:
    readings = {
        160: "20 ms of G.711, 10 ms linear",
        320: "20 ms linear, 40 ms of G.711",
        640: "40 ms linear, 80 ms of G.711",
    }
    return readings.get(size, f"{size / 8:g} ms of G.711, {size / 16:g} ms linear")


def payload_type_name(number: int) -> str:
    """What an RTP payload type stands for (RFC 3551 section 6)."""
    known = lookup(number)
    if known is not None:
        return f"{known.name} at {known.clock_hz} Hz"
    if number in DYNAMIC:
        return "dynamic; the platform's bridge" if number == DYNAMIC[0] else "dynamic"
    return "reserved: RTCP reads like this" if number in RESERVED else "unassigned"


def kind_name(kind: int) -> str:
    """What an AudioSocket kind stands for."""
    rate_hz = audiosocket.RATE_HZ.get(kind)
    if rate_hz is not None:
        return f"16-bit linear audio at {rate_hz} Hz, by its name"
    return _KIND_NAMES.get(kind, "unknown")


def _length_meaning(length: int, follow: int) -> str:
    if length <= follow:
        return "bytes of payload"
    little = int.from_bytes(length.to_bytes(2, "big"), "little")
    swapped = f"; little-endian it reads {little}" if little == follow else ""
    return f"bytes of payload, {follow} follow{swapped}"


def _set(bit: int, meaning: str) -> str:
    return meaning if bit else "not set"


def _number(name: str, message: bytes, start: int, end: int) -> Field:
    return Field(name, start, end, str(int.from_bytes(message[start:end], "big")), "")
