"""How payloads are read: in which codec, and from which byte on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import Codec

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]


class Seam(NamedTuple):
    """Where a payload begins in the bytes of its stream.

    `last` is the byte before it, zero at the start; `is_odd`: an odd number of bytes came before.
    """

    last: bytes = b"\0"
    is_odd: bool = False

    def after(self, payload: bytes) -> Seam:
        """Where the payload after this one begins."""
        return Seam(payload[-1:] or self.last, self.is_odd != bool(len(payload) & 1))


START = Seam()


class Reading(NamedTuple):
    """How payloads are read: as samples of a codec, which begin one byte late if `shifted`.

    A linear sample that is cut in two by the end of an odd payload goes on in the next one, as
    in a stream of bytes; where each payload is `afresh`, its odd last byte is left over instead.
    """

    codec: Codec
    shifted: bool = False
    afresh: bool = False

    @property
    def looks_like(self) -> Codec:
        """The codec that explains such payloads best, of those that are weighed.

        Little-endian samples that begin a byte late have their high bytes where big-endian ones
        have them, and the low bytes of their neighbours beside them.
        """
        return Codec.S16BE if self.shifted else self.codec

    @property
    def carried(self) -> Reading:
        """The same, were it not `afresh`."""
        return self._replace(afresh=False)

    def begins_inside(self, is_odd: bool) -> bool:
        """Whether the first byte of a payload is the second half of a sample."""
        if self.codec.sample_bytes == 1:
            return False
        return self.shifted != (is_odd and not self.afresh)

    def are_inside(self, are_odd: Mask) -> Mask:
        """What `begins_inside` says of each of many payloads."""
        after_even, after_odd = self.begins_inside(False), self.begins_inside(True)
        return (are_odd & (after_even != after_odd)) ^ after_even

    def samples_in(self, sizes: Ints, are_odd: Mask) -> Ints:
        """How many samples end in each of the payloads of so many bytes."""
        half = self.are_inside(are_odd)
        whole = sizes - half if self.afresh else sizes + half
        return whole // self.codec.sample_bytes

    def aligned(self, payload: bytes, seam: Seam = START) -> bytes:
        """Return the payload from the first byte of a sample on, one of the last payload's too."""
        if not self.begins_inside(seam.is_odd):
            return payload
        return payload[1:] if self.afresh else seam.last + payload

    def decode(self, payload: bytes, seam: Seam = START) -> bytes:
        """Return s16le of the samples that end in this payload."""
        return codecs.decode(self.codec, self.aligned(payload, seam))

    def __str__(self) -> str:
        return f"{self.codec} shifted by a byte" if self.shifted else str(self.codec)


SHIFTED = Reading(Codec.S16LE, shifted=True)
READINGS = (*(Reading(codec) for codec in Codec), SHIFTED)
"""Those that differ in payloads of an even size."""
ALL_READINGS = READINGS + tuple(
    reading._replace(afresh=True) for reading in READINGS if reading.codec.sample_bytes == 2
)


def twin(reading: Reading) -> Reading:
    """Return the shifted samples for which byte-swapped ones may be taken, or the reverse."""
    other = Reading(Codec.S16BE) if reading.shifted else SHIFTED
    return other._replace(afresh=reading.afresh)
