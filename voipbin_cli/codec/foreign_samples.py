"""How well samples written in a way that is due nowhere here explain some bytes.

By description length, as `hypotheses` has it of the four codecs that may be due: a reading is
right where a few prediction coefficients and a small residual describe what it makes of the bytes.
What is weighed here is a stretch of a stream, its payloads joined: samples of three bytes do not
end where payloads do.

Each of these readings includes sounds that it would be a mistake to accuse, so each has to be
better than the best of the four by a margin, and those that a sound of the four could imitate have
a mark of their own: codes that never occur, pairs of samples that are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec import codecs, g711
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.hypotheses import (
    LOG2_STEPS,
    MAX_BITS_PER_BYTE,
    ORDERS,
    VALUES,
    Bytes,
    Floats,
    residuals,
)
from voipbin_cli.codec.weighing import ROW, Weighed, rows_of, weigh
from voipbin_cli.codec.wide_samples import weigh_wide

Samples = npt.NDArray[np.int16]

_OCTETS = bytes(range(256))
# Codes that do not exist in a reading: noise from before the fault began may hold a few.
_STRAYS = 0.002
# Linear samples that all lie on the 256 values of a G.711 table were decoded with that table.
_ON_TABLE = 0.99


class _Table(NamedTuple):
    """What each of 256 codes stands for, and log2 of the step there; `is_code`: it does occur."""

    values: Floats
    log2_steps: Floats
    is_code: Bytes

    def bits(self, codes: Bytes) -> float:
        """Return bits a code; 8 where codes occur that do not exist."""
        if np.mean(self.is_code[codes] == 0) > _STRAYS:
            return MAX_BITS_PER_BYTE
        return weigh(self.values[codes], self.log2_steps[codes])


def _plain(codec: Codec) -> _Table:
    return _Table(VALUES[codec], LOG2_STEPS[codec], np.ones(256, np.uint8))


def _after(codec: Codec, again: Callable[[bytes], bytes]) -> _Table:
    """The table of a codec whose codes something that made other codes of them went over.

    Where it made one code of several, that one is as wide as all of them.
    """
    made = np.frombuffer(again(_OCTETS), np.uint8)
    count = np.bincount(made, minlength=256)
    often = np.maximum(count, 1)
    values = np.bincount(made, VALUES[codec], 256) / often
    steps = np.bincount(made, LOG2_STEPS[codec], 256) / often + np.log2(often)
    return _Table(values, steps, (count > 0).astype(np.uint8))


def _as_s8(codes: bytes) -> bytes:
    """Take codes for signed samples of 8 bits, and encode those."""
    return g711.s16le_to_mulaw((np.frombuffer(codes, np.int8).astype("<i2") << 8).tobytes())


def _as_u8(codes: bytes) -> bytes:
    """Take codes for unsigned samples of 8 bits, and encode those."""
    return _as_s8((np.frombuffer(codes, np.uint8) ^ 0x80).tobytes())


_MULAW, _ALAW = _plain(Codec.MULAW), _plain(Codec.ALAW)
_TWICE = (_after(Codec.MULAW, _as_s8), _after(Codec.MULAW, _as_u8))
# Decoded with the wrong table, and encoded with it as well: other codes than before.
_READ_AS_ALAW = _after(Codec.MULAW, lambda codes: g711.s16le_to_mulaw(g711.alaw_to_s16le(codes)))
_READ_AS_MULAW = _after(Codec.ALAW, lambda codes: g711.s16le_to_alaw(g711.mulaw_to_s16le(codes)))
# On the line all bits of mu-law are inverted, of A-law each second one (G.711 tables 1 and 2). Once
# too often, or not at all, they are other codes; the sign's bit makes no difference. A-law not
# inverted at all has nearly the codes of mu-law not inverted, and is found as that; A-law of which
# the other bits are inverted, too, is nearly mu-law, and sounds like it.
_ALSO_ALAW = "or A-law whose bits are not inverted: nearly the same codes"


def _inverted(codec: Codec, mask: int) -> _Table:
    codes = np.arange(256) ^ mask
    return _plain(codec)._replace(values=VALUES[codec][codes], log2_steps=LOG2_STEPS[codec][codes])


_MULAW_INVERTED = _inverted(Codec.MULAW, 0xFF)
_ALAW_INVERTED = _inverted(Codec.ALAW, 0xFF)


def weigh_foreign(stream: bytes) -> Iterator[Weighed]:
    """Yield what a stretch of a stream costs in every reading here, in bits a byte."""
    octets = np.frombuffer(stream, np.uint8)
    yield Weighed(Format.U8, weigh(octets.astype(np.float64) - 128), 0.7)
    yield Weighed(Format.S8, weigh(octets.view(np.int8).astype(np.float64)), 0.7)
    yield from weigh_wide(octets)
    yield Weighed(Format.MULAW_TWICE, min(table.bits(octets) for table in _TWICE), 0.6)
    yield Weighed(Format.MULAW_AS_ALAW, _READ_AS_ALAW.bits(octets), 0.4)
    yield Weighed(Format.ALAW_AS_MULAW, _READ_AS_MULAW.bits(octets), 0.4)
    yield Weighed(Format.MULAW_INVERTED, _MULAW_INVERTED.bits(octets), 0.8, _ALSO_ALAW)
    yield Weighed(Format.ALAW_INVERTED, _ALAW_INVERTED.bits(octets), 0.8)


def decoded_wrong(stream: bytes) -> Format | None:
    """Name what linear samples were before somebody decoded them with a table, if a wrong one.

    They lie on the 256 values of a table; so their codes can be had back, and another table be
    tried on those.
    """
    samples = codecs.samples(Codec.S16LE, stream)
    for law, others in _DECODED:
        on_table = np.isin(samples, VALUES[law].astype(np.int16))
        if on_table.mean() < _ON_TABLE:
            continue
        codes = np.frombuffer(codecs.encode(law, samples.tobytes()), np.uint8)
        own = _plain(law).bits(codes)
        bits, name = min((table.bits(codes), format_) for format_, table in others)
        return name if bits < own - _WRONG_TABLE_BITS else None
    return None


# Of speech decoded with the right table the wrong one costs 1 to 5 bits more, and never less.
_WRONG_TABLE_BITS = 0.5
_DECODED = (
    (Codec.ALAW, ((Format.MULAW_AS_ALAW, _MULAW),)),
    (
        Codec.MULAW,
        ((Format.ALAW_AS_MULAW, _ALAW), *((Format.MULAW_TWICE, table) for table in _TWICE)),
    ),
)


# Two channels, sample by sample in turn.

# Bits a sample by which two predictors of order 1, and two of order 2, have to be better than one
# of order 2, and one of order 4, over both channels. That one includes the two, so one channel
# loses nothing by it (0.00 bits in each of 1,300 half seconds of speech, music and tones), two
# talkers lose 0.6 and more in three of four.
_STEREO_BITS = 0.6
_PAIRED = 0.95
_ALIKE = 0.01
# From one pair to the next half of the loud ones move by so much of the level: square waves do not
# move but at their edges, which may all be between pairs.
_MOVES = 0.01
_SMOOTH = 0.3


def find_stereo(stream: bytes) -> str | None:
    """Say which two channels a stretch of linear audio holds in turn, None where it is one."""
    samples = codecs.samples(Codec.S16LE, stream[: len(stream) // 4 * 4])
    pairs = samples.reshape(-1, 2)
    left, right = pairs[:, 0], pairs[:, 1]
    if len(pairs) < ROW or not (_is_smooth(left) or _is_smooth(right)):
        return None
    if _are_paired(left, right):
        return "both channels the same"
    if _are_alike(left, right):
        return "both channels alike, one of them louder"
    one = [_order_bits(samples, order) for order in (2, 4)]
    two = [(_order_bits(left, order) + _order_bits(right, order)) / 2 for order in (1, 2)]
    if min(lone - pair for lone, pair in zip(one, two, strict=True)) < _STEREO_BITS:
        return None
    loud = np.abs(pairs.astype(np.int32)).mean(axis=0)
    return "one channel silent" if loud.min() < loud.max() / 100 else "two channels"


def _is_smooth(channel: Samples) -> bool:
    """Whether neighbours are alike, as every second sample of a tone of 2 kHz is not."""
    values = channel.astype(np.float64)
    power = np.dot(values, values)
    return bool(power and np.dot(values[1:], values[:-1]) > _SMOOTH * power)


def _are_paired(left: Samples, right: Samples) -> bool:
    """Each left sample is its right one, and not the next left one too."""
    changes = left[1:] != right[:-1]
    same = np.mean(left == right) > _PAIRED
    return bool(same and changes.mean() > 0.5)


def _are_alike(left: Samples, right: Samples) -> bool:
    """Each right sample is a share of its left one, and the next left one is none of it."""
    one, other = left.astype(np.float64), right.astype(np.float64)
    within, across = _apart(one, other), _apart(other[:-1], one[1:])
    return within < _ALIKE and within * 10 < across and _moves(one)


def _moves(channel: Floats) -> bool:
    """Whether most of what is loud in a channel is not the same as what comes next."""
    size = np.abs(channel)
    is_loud = size[1:] >= np.median(size)
    return bool(np.median(np.abs(np.diff(channel))[is_loud]) > _MOVES * size.mean())


def _apart(one: Floats, other: Floats) -> float:
    """What share of the power of `other` no multiple of `one` explains."""
    power = np.dot(one, one) * np.dot(other, other)
    return float(1 - np.dot(one, other) ** 2 / power) if power else 1.0


def _order_bits(samples: Samples, order: int) -> float:
    """Return bits a sample with a predictor of just this order."""
    rows = rows_of(samples.astype(np.float64))
    residual = dict(zip(ORDERS, residuals(rows), strict=True))[order]
    blocks = residual[:, -160:].reshape(len(rows), 10, 16)
    energy = np.einsum("ijk,ijk->ij", blocks, blocks) / 16
    return float(0.5 * np.log2(np.maximum(energy, 1 / 12)).mean())
