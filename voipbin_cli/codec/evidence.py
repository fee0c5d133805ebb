"""What speaks for each codec: sizes and labels a little, silence a little, sound the most.

Everything is in bits: odds of 2**n. A label says what it should be (and on the platform's bridge
lies), a size what is usual, so sound overrules both within a frame or two.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.codec.hypotheses import HYPOTHESES, MIN_BYTES, score_misaligned, score_payload
from voipbin_cli.codec.payload_types import L16, PCMA, PCMU

# Costs, or log2 odds.
BitsByCodec = dict[Codec, float]

_RARITY = {row.codec: row.rarity_bits for row in HYPOTHESES}

# A frame time that is not 20 ms, when the other reading's is.
_SIZE_COST = 10.0
# Half a sample in a linear payload: that happens where messages are cut anywhere. A line that stays
# at full scale, as linear silence would be in G.711, does not.
_HALF_SAMPLE_COST = 6.0
# An RTP timestamp that counts half of the bytes counts samples of two.
_STEP_COST = 12.0
_LOUD_SILENCE_COST = 16.0
# mu-law silence read as linear is -1 throughout, which real linear silence hardly ever is.
_MINUS_ONE_COST = 12.0
_MULAW_SILENCE = b"\xff\xff"
# Trust in the sound: the model is a rough one, and frames of one sound are no new evidence.
_WEIGHT_PER_BYTE = 0.1
_MAX_WEIGHT = 64.0
_FADE = 0.9
_MAX_KEYS = 8
_QUIET = 64  # of 32768: nobody calls less than this a sound


class SizeAndLabel(NamedTuple):
    """What may change when a stream changes its codec, audio aside."""

    size_bytes: int
    label: int | None


def _label_costs(unit: Unit) -> BitsByCodec:
    if unit.packet is None:
        return _RARITY
    if unit.label == PCMU:
        return {Codec.ALAW: 14.0, Codec.S16LE: 8.0, Codec.S16BE: 14.0}
    if unit.label == PCMA:
        return {Codec.MULAW: 14.0, Codec.S16LE: 8.0, Codec.S16BE: 14.0}
    if unit.label in L16:  # L16 is big-endian by RFC 3551 4.5.11
        return {Codec.S16LE: 2.0, Codec.MULAW: 4.0, Codec.ALAW: 10.0}
    return _RARITY


def _g711_cost(size_bytes: int, rate_hz: int) -> float:
    """Return what G.711 costs more than linear for a payload of that size, or less."""
    if size_bytes % 2:
        return -_HALF_SAMPLE_COST
    frame_samples = rate_hz // 50
    if size_bytes == 2 * frame_samples or size_bytes == 4 * frame_samples:
        return _SIZE_COST
    if size_bytes == frame_samples or size_bytes == frame_samples // 2:
        return -_SIZE_COST
    return 0.0


def prior_costs(unit: Unit) -> BitsByCodec:
    """Return what label and size hold against each codec."""
    labelled = _label_costs(unit)
    costs = {codec: labelled.get(codec, 0.0) for codec in _RARITY}
    g711 = _g711_cost(len(unit.payload), unit.rate_hz)
    for codec in costs:
        if codec.sample_bytes == 1:
            costs[codec] += max(g711, 0.0)
        else:
            costs[codec] += max(-g711, 0.0)
    return costs


def is_still(payload: bytes) -> bool:
    """Whether the payload is one 16-bit word over and over: silence, whatever the codec."""
    return payload[2:] == payload[:-2]


@lru_cache(maxsize=64)
def quiet_codecs(word: bytes) -> frozenset[Codec]:
    """Return the codecs in which a still payload of that word (2 bytes) is silence."""
    return frozenset(
        codec for codec in Codec if max(abs(codecs.samples(codec, word).astype(int))) <= _QUIET
    )


def _with_shifted(scores: dict[Codec, float], sound: bytes) -> dict[Codec, float]:
    """The scores, S16BE's being that of shifted samples where those explain the sound better."""
    if min(scores, key=scores.__getitem__) is not Codec.S16BE:
        return scores
    whole = sound[: len(sound) & ~1]
    return scores | {Codec.S16BE: min(scores[Codec.S16BE], score_misaligned((whole,)))}


class Evidence:
    """Adds up what is known of one stretch of a stream; later sound outweighs earlier."""

    __slots__ = (
        "_bits",
        "_costs",
        "_loud_silence",
        "_minus_one",
        "_two_bytes",
        "weight",
    )

    def __init__(self) -> None:
        self.weight = 0.0  # 16 for each 20 ms of G.711 that held sound, fading
        self._bits = dict.fromkeys(Codec, 0.0)
        self._costs: dict[SizeAndLabel, BitsByCodec] = {}
        self._loud_silence: set[Codec] = set()
        self._minus_one = False
        self._two_bytes = False

    def add(
        self, unit: Unit, timestamp_step: int | None = None, *, skip: int = 0
    ) -> dict[Codec, float]:
        """Take one unit in; `timestamp_step` is what RTP counts for one like it, if known.

        Returns what its sound costs in each codec, in bits a byte; empty where it has none. The
        first `skip` bytes are left out of that: they are the end of a sample.
        """
        payload = unit.payload
        if timestamp_step and len(payload) == 2 * timestamp_step:
            self._two_bytes = True
        key = SizeAndLabel(len(payload), unit.label)
        if len(payload) < MIN_BYTES + skip:
            return {}  # the rest of a recording has any size
        if key not in self._costs and len(self._costs) < _MAX_KEYS:
            self._costs[key] = prior_costs(unit)
        if is_still(payload):
            self._add_silence(payload[skip : skip + 2])
            return {}
        sound = payload[skip:]
        scores = score_payload(sound)
        self._add_sound(_with_shifted(scores, sound), len(payload))
        return scores

    def _add_silence(self, word: bytes) -> None:
        quiet = quiet_codecs(word)
        if quiet:
            self._loud_silence |= set(Codec) - quiet
        if word == _MULAW_SILENCE:
            self._minus_one = True

    def _add_sound(self, scores: dict[Codec, float], size_bytes: int) -> None:
        weight = _WEIGHT_PER_BYTE * size_bytes
        self.weight = self.weight * _FADE + weight
        for codec, bits in scores.items():
            self._bits[codec] = self._bits[codec] * _FADE + weight * bits

    def bits_per_byte(self, codec: Codec) -> float | None:
        """Return what the sound costs in `codec`, 8 being noise, None before any was heard."""
        return self._bits[codec] / self.weight if self.weight else None

    def odds(self, *, known: Codec | None = None, bonus: float = 0.0) -> BitsByCodec:
        """Return log2 odds, the best codec's being 0; `known` has `bonus` in its favour."""
        raw = self.bits(known=known, bonus=bonus)
        best = max(raw.values())
        return {codec: value - best for codec, value in raw.items()}

    def bits(self, *, known: Codec | None = None, bonus: float = 0.0) -> BitsByCodec:
        """Return what speaks for each codec, as log2 odds against what costs nothing."""
        trust = min(self.weight, _MAX_WEIGHT) / self.weight if self.weight else 0.0
        raw = {}
        for codec in Codec:
            costs = sum(row[codec] for row in self._costs.values()) / max(len(self._costs), 1)
            costs += trust * self._bits[codec]
            costs += _LOUD_SILENCE_COST if codec in self._loud_silence else 0.0
            if codec.sample_bytes == 2:
                costs += _MINUS_ONE_COST if self._minus_one else 0.0
            else:
                costs += _STEP_COST if self._two_bytes else 0.0
            raw[codec] = (bonus if codec is known else 0.0) - costs
        return raw
