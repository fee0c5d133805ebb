"""How well samples of other widths than 8 and 16 signed bits explain some bytes.

Where the first of them begins in a stretch is not known, so each place is tried. Either order of
the bytes is: the wrong one costs more, because the bytes that move the least are the highest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.hypotheses import MAX_BITS_PER_BYTE, Bytes, Floats
from voipbin_cli.codec.weighing import Weighed, weigh

_Integers = npt.NDArray[np.int64]

_MARGIN = 1.0
_MORE = 1.25
_LEAST_CROSSINGS = 0.005
_JUMP_BITS = 1.5
_FLAT_SHARE = 0.05
_FULL_SCALE = 32768.0


def weigh_wide(octets: Bytes) -> Iterator[Weighed]:
    """Yield what a stretch of a stream costs in the readings here, in bits a byte.

    What cannot be is not weighed. Samples of 12 bits packed into 24 win under no name.
    """
    yield from _weigh_unsigned(octets[: len(octets) & ~1])
    if _has_period(octets, 3, 1):
        yield from _weigh_24_bits(octets)
    if _has_period(octets, 4, 2):
        yield from _weigh_32_bits(octets)


def _weigh_unsigned(octets: Bytes) -> Iterator[Weighed]:
    """16 bits whose middle is 32768: read as signed ones they jump wherever sound crosses zero.

    Sound cut off at both ends of the scale is small when it is read so, and lies on few values.
    """
    for unsigned, type_ in ((Format.U16LE, "<i2"), (Format.U16BE, ">i2")):
        signed = octets.view(type_).astype(np.int64)
        if np.mean(np.abs(np.diff(signed)) > _FULL_SCALE) < _LEAST_CROSSINGS:
            continue
        values = (signed & 0xFFFF) - 0x8000
        bits = weigh(values.astype(np.float64)) / 2
        jumps = weigh(signed.astype(np.float64)) / 2 - bits
        if jumps > _JUMP_BITS and _commonest_share(values) < _FLAT_SHARE:
            # The four are no measure: what is near the ends of their scale costs them little.
            yield Weighed(unsigned, bits, bits - MAX_BITS_PER_BYTE)


def _has_period(octets: Bytes, width: int, lag: int) -> bool:
    """Whether a byte of samples so wide moves more than the one `lag` bytes on does."""
    moves = [np.diff(octets[n::width]).view(np.int8) for n in range(width)]
    steps = [np.abs(some.astype(np.int16)).mean() for some in moves]
    pairs = ((steps[n], steps[(n + lag) % width]) for n in range(width))
    return any(one > _MORE * other for one, other in pairs)


def _weigh_24_bits(octets: Bytes) -> Iterator[Weighed]:
    for three, is_big in ((Format.S24LE, False), (Format.S24BE, True)):
        each = [_integers(octets[first:], 3, is_big=is_big) for first in range(3)]
        yield Weighed(three, min(map(_weigh_on_grid, each)) / 3, _MARGIN)
        packed = [_halves(values, is_big=is_big) for values in each]
        yield Weighed(Format.UNKNOWN, min(map(weigh, packed)) * 2 / 3, _MARGIN)


def _weigh_32_bits(octets: Bytes) -> Iterator[Weighed]:
    for four, is_big in ((Format.S32LE, False), (Format.S32BE, True)):
        values = _integers(octets, 4, is_big=is_big)
        if _is_32_bits(values):
            yield Weighed(four, _weigh_on_grid(values) / 4, _MARGIN, _also(four, values))


def _commonest_share(values: _Integers) -> float:
    """What share of the samples has the commonest value that is not silence."""
    counts = np.bincount(values[values != 0] + 0x8000, minlength=1)
    return float(counts.max() / max(len(values), 1))


def _integers(octets: Bytes, width: int, *, is_big: bool) -> _Integers:
    """Signed integers of so many bytes."""
    parts = octets[: len(octets) // width * width].reshape(-1, width).astype(np.int64)
    if is_big:
        parts = parts[:, ::-1]
    values = (parts << 8 * np.arange(width)).sum(axis=1)
    half = 1 << 8 * width - 1
    return np.asarray((values ^ half) - half)


def _halves(values: _Integers, *, is_big: bool) -> Floats:
    """The two samples of 12 bits in each 24, in their order."""
    pair = [(values << 52) >> 52, values >> 12]
    both = np.stack(pair[::-1] if is_big else pair, axis=1)
    return np.asarray(both.reshape(-1), np.float64)


def _weigh_on_grid(values: _Integers) -> float:
    """Bits a sample: low bits that are never set, as where 16 bits were widened, cost nothing."""
    used = int(np.bitwise_or.reduce(values)) if len(values) else 0
    grid = np.log2(used & -used) if used else 0.0
    return weigh(values.astype(np.float64), np.full(len(values), grid))


def _is_32_bits(values: _Integers) -> bool:
    """Whether the lower half is nothing, as likely one number as another, or all there is.

    Two channels of 16 bits have sound in the lower half, too.
    """
    low, most = values & 0xFFFF, np.abs(values).max(initial=0)
    if most < _FULL_SCALE:
        return bool(most > 0xFF)  # else it may be the other order of bytes
    if _is_widened(values):
        half = (values >> 16).astype(np.int16)
        return weigh(half.astype(np.float64)) < weigh(half.byteswap().astype(np.float64))
    quarters = np.bincount(low >> 14, minlength=4) / len(low)
    return bool(np.abs(quarters - 0.25).max() < 0.05)


def _is_widened(values: _Integers) -> bool:
    return bool(np.mean(values & 0xFFFF == 0) > 0.99)


def _also(four: Format, values: _Integers) -> str | None:
    """What else the same bytes may be."""
    if four is Format.S32LE and _is_widened(values):
        return "or 16-bit stereo whose left channel is silent: the same bytes"
    return None


# Floats

# Sound is within +-4, or +-32768 where nobody scaled it, and above 2**-40, or exactly zero; so are
# a quarter of all bit patterns.
_LEAST, _MOST = 2.0**-40, 2.0**16
_LEAST_FLOATS = 100
_LEAST_MANTISSAS = 16
_FLOATS = (
    (Format.F32LE, "<f4"),
    (Format.F32BE, ">f4"),
    (Format.F64LE, "<f8"),
    (Format.F64BE, ">f8"),
)


def find_float(stream: bytes) -> Format | None:
    """Name the floats that a stretch holds, from one of its first bytes on, if sound may be such.

    Of those that may the smoothest are it: read the other way round only the exponents are right,
    and halves of 8 bytes are floats of 4 as well.
    """
    likely = [
        (weigh(values / np.std(values) * _FULL_SCALE), format_)
        for format_, type_ in _FLOATS
        for first in range(np.dtype(type_).itemsize)
        if (values := _sound(stream[first:], type_)) is not None
    ]
    return min(likely, key=lambda one: one[0])[1] if likely else None


def _sound(stream: bytes, type_: str) -> Floats | None:
    """The floats, None where sound has none such."""
    width = np.dtype(type_).itemsize
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.frombuffer(stream[: len(stream) // width * width], type_).astype(np.float64)
    size = np.abs(values)
    is_zero = size == 0
    fits = is_zero | ((size > _LEAST) & (size < _MOST))
    is_sound = len(size) >= _LEAST_FLOATS and fits.mean() > 0.99 and is_zero.mean() < 0.9
    return np.where(fits, values, 0.0) if is_sound and _has_mantissa(values, type_) else None


def _has_mantissa(values: Floats, type_: str) -> bool:
    """Whether the byte behind the sign and the exponent differs: read backwards it is the lowest.

    That one is zero where floats were made of 16 bits.
    """
    octets = values.astype(f">{type_[1:]}").view(np.uint8)
    return len(np.unique(octets[1 :: int(type_[2:])])) > _LEAST_MANTISSAS
