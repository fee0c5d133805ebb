"""Listens to a stream's payloads now and then: which codec do they sound like?"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.validation.facts.pacing import MISALIGNED, BlockFacts, code_of
from voipbin_cli.codec.encapsulation import Unit, unpack
from voipbin_cli.codec.evidence import Evidence
from voipbin_cli.codec.hypotheses import (
    MIN_BYTES,
    score_codecs,
    score_misaligned,
    score_payload,
)
from voipbin_cli.codec.pcm import Codec
from voipbin_cli.errors import DecodeError

BLOCK_FRAMES = 50
"""One second: what a block is found to be holds for all of its frames."""

_EARLY_BLOCKS = 60
_LOOK_EACH_BLOCKS = 10
_ROWS = 8
# In bits, as `codec.evidence` counts them: odds of 1 in 512 against all other readings.
_CLEAR = 9.0
_SETTLING_WEIGHT = 12.0
# Bits a byte by which another reading has to be better to raise doubt.
_DOUBT = 0.25
# From here on a reading is little better than noise.
_NOISE_BITS = 7.0


class CodecWatch:
    """Finds the codec of block after block, from a few payloads of each that hold sound.

    It looks each second of the first minute of sound, then each 10 s, and when a payload is of
    another size; once it is sure at one payload, and at more when that one is strange. Silence
    tells nothing; before any sound the size has to do.
    """

    def __init__(self) -> None:
        self._evidence = Evidence()
        self._codec: Codec | None = None
        self._is_settled = False
        self._is_misaligned = False
        self._size = 0
        self._blocks = self._heard = 0

    def codes(self, facts: BlockFacts) -> Ints:
        """Return the codec of every message (`facts.CODECS`); blocks begin with the column."""
        audible = facts.is_audio & facts.is_whole & (facts.payload_bytes >= MIN_BYTES)
        heard = np.flatnonzero(audible)
        sound = np.flatnonzero(audible & ~facts.is_still)
        codes = np.zeros(len(facts.frames), np.int64)
        starts = range(0, len(codes), BLOCK_FRAMES)
        sound_at = np.searchsorted(sound, [*starts, len(codes)]).tolist()
        heard_at = np.searchsorted(heard, [*starts, len(codes)]).tolist()
        for n, start in enumerate(starts):
            rows = sound[sound_at[n] : sound_at[n + 1]]
            if len(rows):
                self._listen(facts, rows)
            elif self._codec is None and heard_at[n] < heard_at[n + 1]:
                self._guess(facts, int(heard[heard_at[n]]))
            codes[start : start + BLOCK_FRAMES] = self._code
            self._blocks += 1
        return codes

    @property
    def codec(self) -> Codec | None:
        """The codec of the last block, None before any payload."""
        return self._codec

    @property
    def _code(self) -> int:
        if self._codec is None:
            return 0
        return MISALIGNED if self._is_misaligned else code_of(self._codec)

    def _guess(self, facts: BlockFacts, row: int) -> None:
        evidence = Evidence()
        evidence.add(_unit(facts, row))
        self._codec = _best(evidence)

    def _listen(self, facts: BlockFacts, rows: Ints) -> None:
        middle = int(rows[len(rows) // 2])
        size = int(facts.payload_bytes[middle])
        if self._is_due(size):
            if not self._is_settled:
                self._learn(facts, rows)
            elif self._is_doubtful(facts.payload(middle)):
                self._reconsider(facts, rows)
        self._size = size

    def _is_due(self, size: int) -> bool:
        self._heard += 1
        is_early = self._heard <= _EARLY_BLOCKS
        return is_early or self._blocks % _LOOK_EACH_BLOCKS == 0 or size != self._size

    def _learn(self, facts: BlockFacts, rows: Ints) -> None:
        for row in _spread(rows):
            self._evidence.add(_unit(facts, row))
        self._codec = _best(self._evidence)
        if self._evidence.weight >= _SETTLING_WEIGHT and _lead(self._evidence) >= _CLEAR:
            self._is_settled = True
            self._decide(facts, rows, self._codec)

    def _is_doubtful(self, payload: bytes) -> bool:
        assert self._codec is not None
        scores = score_payload(payload, like=self._codec)
        if scores[self._codec] > _NOISE_BITS:  # is it even as wide?
            scores = score_payload(payload)
        own = scores.pop(self._codec)
        return min(scores.values()) < own - _DOUBT

    def _reconsider(self, facts: BlockFacts, rows: Ints) -> None:
        evidence = Evidence()
        for row in _spread(rows):
            evidence.add(_unit(facts, row))
        best = _best(evidence)
        if evidence.weight >= _SETTLING_WEIGHT and _lead(evidence) >= _CLEAR:
            self._decide(facts, rows, best)

    def _decide(self, facts: BlockFacts, rows: Ints, codec: Codec) -> None:
        """Slipped by a byte, linear audio reads best with its bytes swapped, and better slipped."""
        self._codec = codec
        self._is_misaligned = False
        if codec is Codec.S16BE:
            payloads = [facts.payload(row) for row in _spread(rows)]
            swapped = score_codecs(payloads)[Codec.S16BE]
            self._is_misaligned = score_misaligned(payloads) < swapped


def _spread(rows: Ints) -> list[int]:
    """Up to eight of the rows, evenly spread."""
    count = min(len(rows), _ROWS)
    places = np.arange(count) * len(rows) // count
    chosen: list[int] = rows[places].tolist()
    return chosen


def _unit(facts: BlockFacts, row: int) -> Unit:
    try:
        unit = unpack(facts.due.encapsulation, facts.frames.message(row))[0]
    except DecodeError:
        return Unit(facts.payload(row), None, None)
    return unit


def _best(evidence: Evidence) -> Codec:
    odds = evidence.odds()
    return max(odds, key=odds.__getitem__)


def _lead(evidence: Evidence) -> float:
    """How far the best reading is ahead of the second, in bits."""
    return -sorted(evidence.odds().values())[-2]
