"""The static RTP payload types of RFC 3551 section 6 (tables 4 and 5), as registered."""

from __future__ import annotations

from typing import NamedTuple

# Section 6: the static types lie between 0 and 34; what 96 to 127 are, each session says (SDP).
PCMU = 0
PCMA = 8
L16_STEREO, L16_MONO = L16 = (10, 11)
COMFORT_NOISE = 13  # RFC 3389
DYNAMIC = range(96, 128)
# Reserved: with the marker bit set, the octet of such a type reads as an RTCP packet type, 200 to
# 204, and neither protocol could be told from the other.
RESERVED = range(72, 77)

# RFC 3711 5.2: the tag behind each packet has 80 bits; RFC 4568 6.2: or 32.
SRTP_TAG_BYTES = (4, 10)
# RFC 3551 4.2: frames of G.711 are of any length; of whole 5 ms they are in practice.
FIVE_MS_BYTES = 40

_RATE_HZ = 8000
VIDEO_CLOCK_HZ = 90_000
# X-S16LE is what the platform's linear audio is called in captures of this tool.
_DECODED = frozenset(("PCMU", "PCMA", "L16", "X-S16LE"))


class PayloadType(NamedTuple):
    """A row of the table; `channels` is None for video and where the payload itself says."""

    number: int
    name: str
    clock_hz: int
    channels: int | None

    @property
    def is_decoded(self) -> bool:
        """Whether this tool decodes it: G.711, and linear samples as a call has them."""
        if self.clock_hz != _RATE_HZ or self.channels != 1:
            return False
        return self.name.upper() in _DECODED

    @property
    def words(self) -> str:
        """The name, and the rate and channels where they are not those of a call."""
        rate = f" at {self.clock_hz} Hz" if self.clock_hz != _RATE_HZ else ""
        channels = ", 2 channels" if self.channels == 2 else ""
        return f"{self.name}{rate}{channels}"

    @property
    def is_sound(self) -> bool:
        """No comfort noise (RFC 3389) and no digits (RFC 4733)."""
        return self.name.upper() not in ("CN", "TELEPHONE-EVENT")

    @property
    def is_video(self) -> bool:
        """Several packets make a picture, and come together (section 5: the clock is 90 kHz)."""
        return self.clock_hz == VIDEO_CLOCK_HZ and self.name != "MPA"


_ROWS = (
    PayloadType(0, "PCMU", 8000, 1),
    PayloadType(3, "GSM", 8000, 1),
    PayloadType(4, "G723", 8000, 1),
    PayloadType(5, "DVI4", 8000, 1),
    PayloadType(6, "DVI4", 16000, 1),
    PayloadType(7, "LPC", 8000, 1),
    PayloadType(8, "PCMA", 8000, 1),
    PayloadType(9, "G722", 8000, 1),  # samples at 16 kHz; the clock is a historical error (4.5.2)
    # L16 is signed and in network byte order (4.5.11): big-endian, unlike the platform's samples.
    PayloadType(10, "L16", 44100, 2),
    PayloadType(11, "L16", 44100, 1),
    PayloadType(12, "QCELP", 8000, 1),
    PayloadType(13, "CN", 8000, 1),
    # MPEG and all video count time at 90 kHz, whatever they hold.
    PayloadType(14, "MPA", 90000, None),
    PayloadType(15, "G728", 8000, 1),
    PayloadType(16, "DVI4", 11025, 1),
    PayloadType(17, "DVI4", 22050, 1),
    PayloadType(18, "G729", 8000, 1),
    PayloadType(25, "CelB", 90000, None),
    PayloadType(26, "JPEG", 90000, None),
    PayloadType(28, "nv", 90000, None),
    PayloadType(31, "H261", 90000, None),
    PayloadType(32, "MPV", 90000, None),
    PayloadType(33, "MP2T", 90000, None),
    PayloadType(34, "H263", 90000, None),
)
STATIC = {row.number: row for row in _ROWS}


def lookup(number: int) -> PayloadType | None:
    """Return the static assignment of `number`, or None (dynamic, reserved, unassigned)."""
    return STATIC.get(number)
