"""How well each codec explains some payload bytes, by description length.

A payload read in the right codec is sound: a few linear-prediction coefficients and a small
residual describe it. Read in a wrong one it is noise, and costs as many bits as it has. So for
every codec the payload's cost is estimated as an ideal coder would have it that knows the codec:
per sample `log2(sigma * sqrt(2 pi e) / step)`, sigma being the residual of a linear predictor
fitted to the decoded samples (Burg's method) and step the codec's own quantization step there.
Dividing by the step makes linear audio and G.711, loud and quiet, comparable; taking sigma over
2 ms at a time is what tells mu-law from A-law, whose misreading scrambles sound the more, the
louder it is.

The cost is the mean over the predictor orders 0, 1, 2 and 4. Order 0 knows that silence is more
likely than a large constant; order 2 is enough for a tone; any order of 8 or more would forgive
a wrong reading of a tone whose period is a few samples. A loud 3 kHz tone has little lag-1
correlation and is told right all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.codecs import Codec, samples

Floats = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

# No reading can be worse than to send the bytes as they are.
MAX_BITS_PER_BYTE = 8.0
MIN_BYTES = 40

ORDERS = (0, 1, 2, 4)
_BLOCK = 16  # samples over which the residual is taken to be stationary: 2 ms
_HALF_LOG2_2PIE = 0.5 * np.log2(2 * np.pi * np.e)
# A fit cannot be better than rounding: a residual of step/sqrt(12), in squared steps.
_ROUNDING = 1 / 12
# What it costs to say that the low bits of linear audio are all zero, in bits a payload.
_GRID_BITS = 8.0
# From this share of flat tops on they are left out.
_FLAT_SHARE = 0.1
# A square wave is one in mu-law and in A-law, each with codes of a level that is as likely as the
# other's: it does not tell them apart. It keeps nine values of ten for two samples at least, and is
# no noise of a quiet line, which is loud in the wrong one alone.
_SQUARE_SHARE, _LOUD = 0.9, 500.0
# Silence: linear 0 and -1, mu-law -0 and +0 (ff), A-law +0 and -0.
_IS_SILENT = np.zeros(1 << 16, bool)
_IS_SILENT[[0x0000, 0xFFFF, 0x7F7F, 0xD5D5, 0x5555]] = True
# Sound driven hard into the rails says less by its shape than by where they are: the ends of the
# scale are what it is likely to hold, and no other reading has them there.
_RAIL = 32000
_RAILED = 0.4
_RAILED_LEAST = 0.1
_RAIL_BITS = 4.0  # that a byte at the rails costs less
_ROWS = 4096  # payloads scored at a time, which bounds the memory it takes


def _log2_steps(codec: Codec) -> Floats:
    """Return log2 of the 16-bit quantization step at each of the 256 codes of a G.711 codec."""
    codes = np.arange(256)
    if codec is Codec.MULAW:  # G.711 table 2: every segment doubles the step, codes inverted
        return np.asarray(3.0 + (~codes >> 4 & 7), np.float64)
    segment = (codes ^ 0x55) >> 4 & 7  # G.711 table 1: the first two segments share one step
    return np.asarray(3.0 + np.maximum(segment, 1), np.float64)


_G711 = (Codec.MULAW, Codec.ALAW)  # with tables of values and steps; _LINEAR by numpy's types
_LINEAR = {Codec.S16LE: "<i2", Codec.S16BE: ">i2"}
LOG2_STEPS = {codec: _log2_steps(codec) for codec in _G711}
VALUES = {codec: samples(codec, bytes(range(256))).astype(np.float64) for codec in _G711}


def residuals(signals: Floats) -> Iterator[Floats]:
    """Yield each row's forward residual for each of the orders, by Burg's method."""
    forward = backward = signals
    for order in range(ORDERS[-1] + 1):
        if order:
            ahead, behind = forward[:, 1:], backward[:, :-1]
            cross = np.einsum("ij,ij->i", ahead, behind)
            power = np.einsum("ij,ij->i", ahead, ahead) + np.einsum("ij,ij->i", behind, behind)
            reflection = (-2 * cross / np.maximum(power, 1e-9))[:, None]
            forward, backward = ahead + reflection * behind, behind + reflection * ahead
        if order in ORDERS:
            yield forward


def _blocks(rows: Floats, count: int) -> Floats:
    """Return the last `count` blocks of each row, one more axis."""
    return rows[:, -count * _BLOCK :].reshape(len(rows), count, _BLOCK)


def bits_per_sample(signals: Floats, log2_steps: Floats, weights: Floats | None) -> Floats:
    """Return the cost of a sample of each row.

    `log2_steps` is of the same shape as `signals`; `weights` too, 0 for samples that cost nothing.
    """
    count = (signals.shape[1] - ORDERS[-1]) // _BLOCK
    steps = _blocks(log2_steps, count).sum(axis=2) / _BLOCK
    used = np.full(steps.shape, float(_BLOCK))
    if weights is not None:
        used = _blocks(weights, count).sum(axis=2)
    share = used / (count * _BLOCK)
    floor = _ROUNDING * np.exp2(2 * steps)
    total = np.zeros(steps.shape)
    for residual in residuals(signals):
        energy = _blocks(residual * residual, count)
        if weights is not None:
            energy = energy * _blocks(weights, count)
        total += np.log2(np.maximum(energy.sum(axis=2) / np.maximum(used, 1), floor))
    bits = 0.5 / len(ORDERS) * total + _HALF_LOG2_2PIE - steps
    return np.asarray((bits * share).sum(axis=1))


def _words(payloads: Bytes) -> npt.NDArray[np.uint16]:
    return np.ascontiguousarray(payloads[:, : payloads.shape[1] & ~1]).view("<u2")


def _flat_tops(payloads: Bytes) -> npt.NDArray[np.bool_]:
    """Where a third word in a row is the same; the words that are silence in some codec apart.

    Sound clipped to full scale looks quiet in the wrong byte order (+-129), and its positive
    half reads as silent mu-law (7f, ff). A flat top is as flat in every reading, so leaving it
    out favours none.
    """
    words = _words(payloads)
    flat = (words[:, 2:] == words[:, 1:-1]) & (words[:, 1:-1] == words[:, :-2])
    if flat.any():
        flat &= ~_IS_SILENT[words[:, 2:]]
    return np.asarray(flat)


def _weights(flat: npt.NDArray[np.bool_], payloads: Bytes) -> Floats | None:
    """Return a weight for every byte that leaves flat tops out, None when there are few."""
    if flat.mean() < _FLAT_SHARE:
        return None
    weights = np.ones(payloads.shape)
    for start in range(3):
        first = 2 * start
        spread = np.repeat(flat, 2, axis=1)
        weights[:, first : first + spread.shape[1]][spread] = 0
    return weights


def _bits_g711(codecs: Sequence[Codec], payloads: Bytes, weights: Floats | None) -> Floats:
    """Return bits a byte, a row of results for every codec."""
    signals = np.concatenate([VALUES[codec][payloads] for codec in codecs])
    steps = np.concatenate([LOG2_STEPS[codec][payloads] for codec in codecs])
    if weights is not None:
        weights = np.concatenate([weights] * len(codecs))
    bits = bits_per_sample(signals, steps, weights) - _RAIL_BITS * _railed_share(signals)
    by_codec = bits.reshape(len(codecs), -1)
    is_loud = (np.mean(signals**2, axis=1) > _LOUD**2).reshape(by_codec.shape).all(axis=0)
    return np.where(is_loud & _is_square(payloads), by_codec.min(axis=0), by_codec)


def _is_square(payloads: Bytes) -> npt.NDArray[np.bool_]:
    """Whether nearly each byte of a row is the same as one next to it."""
    is_same = payloads[:, 1:] == payloads[:, :-1]
    beside = np.pad(is_same, ((0, 0), (1, 0))) | np.pad(is_same, ((0, 0), (0, 1)))
    return np.asarray(beside.mean(axis=1) > _SQUARE_SHARE)


def _bits_linear(codecs: Sequence[Codec], payloads: Bytes, weights: Floats | None) -> Floats:
    """Return bits a byte, a row of results for every codec.

    Low bits that are zero throughout make the step larger: 8-bit audio widened to 16 bits looks
    quieter than it is in the wrong byte order, and its grid gives it away.
    """
    even = payloads.shape[1] & ~1
    pairs = np.ascontiguousarray(payloads[:, :even])
    values = np.concatenate([pairs.view(_LINEAR[codec]).astype(np.int32) for codec in codecs])
    used = np.bitwise_or.reduce(values, axis=1)
    grid = np.where(used == 0, 1, used & -used)
    steps = np.broadcast_to(np.log2(grid)[:, None], values.shape)
    if weights is not None:
        weights = np.concatenate([weights[:, 0:even:2]] * len(codecs))
    signals = values.astype(np.float64)
    bits = bits_per_sample(signals, steps, weights) - 2 * _RAIL_BITS * _railed_share(signals)
    bits += np.where(grid > 1, _GRID_BITS / values.shape[1], 0.0)
    return bits.reshape(len(codecs), -1) / 2


def _railed_share(signals: Floats) -> Floats:
    """Return what share of each row is at the ends of the scale, 0 unless it is most of it."""
    high = (signals >= _RAIL).mean(axis=1)
    low = (signals <= -_RAIL).mean(axis=1)
    railed = (high + low >= _RAILED) & (np.minimum(high, low) >= _RAILED_LEAST)
    return np.asarray(np.where(railed, high + low, 0.0))


_Scorer = Callable[[Sequence[Codec], Bytes, Floats | None], Floats]


class Hypothesis(NamedTuple):
    """A codec that payloads may be in: a row here is all that another one needs.

    Codecs of one `scorer` are as wide as each other and are scored at one go. `rarity_bits` are
    held against a codec before anything was heard.
    """

    codec: Codec
    scorer: _Scorer
    rarity_bits: float


# 6 bits, odds of 1 in 64: the rarer of a pair, which the platform has never been seen to send.
HYPOTHESES = (
    Hypothesis(Codec.MULAW, _bits_g711, 0.0),
    Hypothesis(Codec.ALAW, _bits_g711, 6.0),
    Hypothesis(Codec.S16LE, _bits_linear, 0.0),
    Hypothesis(Codec.S16BE, _bits_linear, 6.0),
)
_SCORERS = {row.codec: row.scorer for row in HYPOTHESES}
_FAMILIES = tuple(
    tuple(codec for codec, scorer in _SCORERS.items() if scorer is shared)
    for shared in dict.fromkeys(_SCORERS.values())
)


def _bits_per_byte(codecs: Sequence[Codec], payloads: Bytes, weights: Floats | None) -> Floats:
    bits = _SCORERS[codecs[0]](codecs, payloads, weights)
    return np.clip(bits, 0.0, MAX_BITS_PER_BYTE)


def _families(like: Codec | None) -> list[tuple[Codec, ...]]:
    """The codecs that are scored at one go, or only those that are scored with `like`."""
    return [codecs for codecs in _FAMILIES if like is None or like in codecs]


def score_payload(payload: bytes, like: Codec | None = None) -> dict[Codec, float]:
    """Return bits per byte of one payload for every codec, or for those as wide as `like`.

    Empty for a payload under 40 bytes, which is too short to tell.
    """
    return score_each([payload], like)[0]


def score_each(payloads: Sequence[bytes], like: Codec | None = None) -> list[dict[Codec, float]]:
    """Return what `score_payload` does of each payload, for a fraction of the price of one."""
    scores: list[dict[Codec, float]] = [{} for _ in payloads]
    sizes: dict[int, list[int]] = {}
    for n, payload in enumerate(payloads):
        if len(payload) >= MIN_BYTES:
            sizes.setdefault(len(payload), []).append(n)
    for size, numbers in sizes.items():
        rows = np.frombuffer(b"".join(payloads[n] for n in numbers), np.uint8).reshape(-1, size)
        flat = _flat_tops(rows)
        is_flat = flat.mean(axis=1) >= _FLAT_SHARE
        # Each is weighed as it would be alone.
        for alike in (np.flatnonzero(is_flat), np.flatnonzero(~is_flat)):
            if len(alike):
                weights = _weights(flat[alike], rows[alike])
                of_these = [scores[numbers[n]] for n in alike.tolist()]
                _score(rows[alike], weights, like, of_these)
    return scores


def _score(
    rows: Bytes, weights: Floats | None, like: Codec | None, scores: list[dict[Codec, float]]
) -> None:
    """Put the bits per byte of each row into its scores."""
    for codecs in _families(like):
        bits = _bits_per_byte(codecs, rows, weights)
        for told, row in zip(scores, bits.T.tolist(), strict=True):
            told.update(zip(codecs, row, strict=True))


def _by_size(payloads: Iterable[bytes]) -> list[Bytes]:
    """Return the payloads that are long enough as matrices, one for each size."""
    groups: dict[int, list[bytes]] = {}
    for payload in payloads:
        if len(payload) >= MIN_BYTES:
            groups.setdefault(len(payload), []).append(payload)
    return [
        np.frombuffer(b"".join(group), np.uint8).reshape(-1, size) for size, group in groups.items()
    ]


def _mean_bits(codec: Codec, groups: list[Bytes]) -> float:
    size = sum(group.size for group in groups)
    if not size:
        return MAX_BITS_PER_BYTE
    rows = [group[at : at + _ROWS] for group in groups for at in range(0, len(group), _ROWS)]
    bits: float = sum(
        float(_bits_per_byte((codec,), some, _weights(_flat_tops(some), some)).sum())
        * some.shape[1]
        for some in rows
    )
    return bits / size


def score_codecs(payloads: Iterable[bytes]) -> Mapping[Codec, float]:
    """Return for every codec what it costs to describe the payloads, in bits per byte.

    Lower is better; 8 means no better than to send the bytes as they are, so where all four
    cost about 8 the payloads are no audio at all. Payloads of silence say little: pass those
    that hold sound. Payloads under 40 bytes are left out; with none left every cost is 8.
    """
    groups = _by_size(payloads)
    return {row.codec: _mean_bits(row.codec, groups) for row in HYPOTHESES}


def score_misaligned(payloads: Iterable[bytes]) -> float:
    """Return the bits per byte of little-endian audio whose samples begin one byte late.

    Compare with `score_codecs`: audio that has slipped by a byte costs a little less here than
    as S16BE, whose high bytes are right and whose low bytes are the next sample's.
    """
    return _mean_bits(Codec.S16LE, _by_size(payload[1:] for payload in payloads))
