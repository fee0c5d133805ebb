"""Looks at a stretch of a stream for what is none of the four codecs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from voipbin_cli.codec import codecs, lookalikes
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.foreign_samples import decoded_wrong, find_stereo, weigh_foreign
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.hypotheses import MAX_BITS_PER_BYTE, score_each, score_misaligned
from voipbin_cli.codec.wide_samples import find_float

# Bits a byte, in the best of the four codecs, above which it is worth to look for something else:
# of sound in its own codec few payloads cost so much, and no text and no float less.
_DOUBT_BITS = 6.0
# And from which on none of the four explains it: loud white noise does, too.
_UNEXPLAINED_BITS = 7.7
# What jumps by more than a tenth of full scale from three samples in ten to the next is rough. A
# fifth of any sound may be, and costs up to 7.4 there, clipped speech and shots included; noise
# that costs more is told by its bytes. Compressed audio between padding costs 7.5 and more.
_JUMP = 3276
_ROUGH = 0.3
_ROUGH_SHARE = 0.2
_ROUGH_BITS = 7.45
# Frames with marks of their own cost 7.9 and more.
_FRAMED_BITS = 7.0
_PIECE = 320
TELLING_BYTES = 480
"""A stretch of fewer bytes tells nothing."""
_LEAST_OCTETS = 12
# A quarter of a second of G.711, an eighth linear: four rows of each channel of stereo.
_SAMPLES_BYTES = 2000
# Half a second of linear audio.
_MOST_BYTES = 8000
# A stream is what two of its stretches and a fifth of them were found to be: what begins late is
# told, and what one odd sound is taken for is not.
_LEAST_FOUND = 2
_LEAST_SHARE = 0.2
_NAME_COUNTS = 4


class Found(NamedTuple):
    """What a stretch was found to be, and which of its kinds where there are several."""

    format: Format
    which: str | None = None


def examine(payloads: Sequence[bytes]) -> Found | None:
    """Say what payloads, in a row, are that is none of the four codecs; None where they may be."""
    stream = b"".join(payloads)
    if not _is_telling(stream):
        return None
    most = min(len(stream), _MOST_BYTES)
    pieces = stream[: most // _PIECE * _PIECE]  # so all readings are of the same bytes
    costs = _costs(pieces)
    bits = min(*costs.values(), _afresh_bits(payloads), MAX_BITS_PER_BYTE)
    samples = None
    if len(pieces) >= _SAMPLES_BYTES:
        samples = _other_samples(pieces, bits) or _linear(stream, costs, bits)
    return samples or (_coded(payloads, stream, bits) if bits > _DOUBT_BITS else None)


def _afresh_bits(payloads: Sequence[bytes]) -> float:
    """What they cost where payloads of an odd size have a byte beside their samples."""
    if not any(len(payload) % 2 for payload in payloads):
        return MAX_BITS_PER_BYTE
    behind = b"".join(payload[: len(payload) & ~1] for payload in payloads)
    before = b"".join(payload[len(payload) & 1 :] for payload in payloads)
    both = (*_costs(behind).values(), *_costs(before).values())
    return min(both, default=MAX_BITS_PER_BYTE)


def _is_telling(stream: bytes) -> bool:
    """Whether there is enough of it, and it is no silence and no square wave."""
    return len(stream) >= TELLING_BYTES and len(set(stream)) >= _LEAST_OCTETS


def is_audio(payloads: Sequence[bytes]) -> bool:
    """Whether payloads, in a row, are sound in one of the four codecs, silence included."""
    stream = b"".join(payloads)
    bits = min(_costs(stream).values(), default=MAX_BITS_PER_BYTE)
    return bits < _UNEXPLAINED_BITS and examine(payloads) is None


def _costs(stream: bytes) -> dict[Codec, float]:
    """What it costs in each of the four, in bits a byte, whatever size the payloads have."""
    pieces = [stream[at : at + _PIECE] for at in range(0, len(stream) - _PIECE + 1, _PIECE)]
    scores = score_each(pieces)
    costs = {codec: sum(row[codec] for row in scores) / len(scores) for codec in Codec if scores}
    if costs and min(costs, key=costs.__getitem__) is Codec.S16BE:
        # Little-endian samples that begin a byte late look like big-endian ones.
        costs[Codec.S16BE] = min(costs[Codec.S16BE], score_misaligned(pieces))
    return costs


def _other_samples(stream: bytes, bits: float) -> Found | None:
    floats = find_float(stream) if bits > _DOUBT_BITS else None
    if floats is not None:
        return Found(floats)
    better = [row for row in weigh_foreign(stream) if row.bits < bits - row.margin]
    if not better:
        return None
    best = min(better, key=lambda row: row.bits)
    return Found(best.format, best.which)


def _linear(stream: bytes, costs: dict[Codec, float], bits: float) -> Found | None:
    """What linear samples hold that were made or put together wrong."""
    if not costs or costs[Codec.S16LE] > bits:
        return None
    wrong = decoded_wrong(stream)
    if wrong is not None:
        return Found(wrong)
    which = find_stereo(stream)
    return Found(Format.STEREO, which) if which else None


def _coded(payloads: Sequence[bytes], stream: bytes, bits: float) -> Found | None:
    if lookalikes.is_adpcm(stream):
        return Found(Format.ADPCM)
    framed = lookalikes.find_framed(stream) if bits > _FRAMED_BITS else None
    if framed is not None:
        return Found(framed)
    if bits <= _UNEXPLAINED_BITS and not _is_rough(stream[:_MOST_BYTES]):
        return None
    unmarked = lookalikes.find_unmarked(payloads, stream)
    if unmarked is None and lookalikes.is_loud_hiss(stream):
        return None
    return Found(unmarked or Format.UNKNOWN)


def _is_rough(stream: bytes) -> bool:
    """Whether much of it is as rough as no sound is in the codec that explains it best."""
    pieces = [stream[at : at + _PIECE] for at in range(0, len(stream) - _PIECE + 1, _PIECE)]
    scores = score_each(pieces)
    best = min(Codec, key=lambda codec: sum(row[codec] for row in scores))
    sounds = np.stack([codecs.samples(best, piece) for piece in pieces]).astype(np.int32)
    jumps = np.mean(np.abs(np.diff(sounds)) > _JUMP, axis=1)
    bits = np.array([min(row.values()) for row in scores])[jumps > _ROUGH]
    return len(bits) >= _ROUGH_SHARE * len(pieces) and bool(bits.mean() > _ROUGH_BITS)


class Examinations:
    """Counts what stretches of one stream were found to be."""

    def __init__(self) -> None:
        self.count = 0
        self._found: Counter[Format] = Counter()
        self._which: dict[Format, Counter[str | None]] = defaultdict(Counter)

    def add(self, payloads: Sequence[bytes]) -> None:
        """Look at payloads in a row; those that tell nothing do not count."""
        self.count += _is_telling(b"".join(payloads))
        found = examine(payloads)
        if found is not None:
            self._found[found.format] += 1
            self._which[found.format][found.which] += 1

    @property
    def found(self) -> Found | None:
        """What the stream is, once it was found often enough; None where a codec explains it.

        What has a name goes before what has none: a stretch of it may be too short to tell.
        """
        often = self._found.total()
        if often < min(_LEAST_FOUND, self.count) or often < _LEAST_SHARE * self.count or not often:
            return None
        named = self._found.copy()
        named[Format.UNKNOWN] //= _NAME_COUNTS
        format_ = named.most_common(1)[0][0]
        return Found(format_, self._which[format_].most_common(1)[0][0])


def is_due(heard: int) -> bool:
    """Whether to examine the stretch that sounds after so many: the first four, 4, 16, 64 ...

    It takes 2 ms, as much as to measure 400 frames; what begins later is odd when it is looked at.
    """
    return heard < 4 or (heard & (heard - 1) == 0 and heard.bit_length() % 2 == 1)
