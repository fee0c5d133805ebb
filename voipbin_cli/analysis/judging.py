"""Which codec is it really? Half second by half second, from a few payloads that hold sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals import Arrivals
from voipbin_cli.analysis.rules.frames import Ints
from voipbin_cli.codec.encapsulation import Encapsulation, Unit
from voipbin_cli.codec.evidence import Evidence, is_still
from voipbin_cli.codec.hypotheses import (
    MIN_BYTES,
    score_codecs,
    score_misaligned,
    score_payload,
)
from voipbin_cli.codec.pcm import Codec
from voipbin_cli.codec.rtp import RtpPacket

BLOCK_FRAMES = 25
# Every block of the first minute, then one each 10 s, of which one sound is looked at: a day costs
# no more than it must.
_ALWAYS_BLOCKS = 120
_THEN_EACH_BLOCKS = 20
# Four seconds of silence, and what it looks like has to do.
_FORCED_BLOCKS = 8
_LOOKS = 12
_SOUNDS = 4
# In bits: odds of 1 in 512 against all other readings; about one frame of G.711.
_CLEAR_BITS = 9.0
_SETTLING_WEIGHT = 12.0
# Bits a byte by which another reading has to be better, in so many blocks one after the other.
_DOUBT_BITS = 0.25
_DOUBTFUL_BLOCKS = 2
# Bits a byte from which on a reading is no better than noise.
_NOISE_BITS = 7.6
_FIRST_PAYLOADS = 10
_MAGICS = {
    b"RIFF": "a WAV (RIFF) header",
    b"RF64": "a WAV (RF64) header",
    b"OggS": "an Ogg page",
    b"fLaC": "a FLAC header",
    b"ID3\x03": "an MP3 (ID3) header",
    b"ID3\x04": "an MP3 (ID3) header",
    b".snd": "an AU header",
    b"FORM": "an AIFF header",
    b"\x1aE\xdf\xa3": "a WebM header",
    b"caff": "a CAF header",
}


class Reading(NamedTuple):
    """How payloads are read: a codec, `shifted` by a byte or not."""

    codec: Codec
    shifted: bool = False


class Change(NamedTuple):
    """From audio row `frame` on the payload reads otherwise than before."""

    frame: int
    before: Reading
    after: Reading


class CodecJudge:
    """Hears block after block of audio rows and says how to read them.

    `reading` is None until there was sound, or four seconds of something; `is_settled` once
    sound has decided. `changes` are those of a settled reading. `heard` blocks held sound, of
    which `texts` were printable text and `misfits` fit no codec; `magic` names a file header.
    """

    def __init__(self, encapsulation: Encapsulation) -> None:
        self._is_rtp = encapsulation is Encapsulation.RTP
        self.reading: Reading | None = None
        self.is_settled = False
        self.changes: list[Change] = []
        self.heard = self.texts = self.misfits = 0
        self.magic: str | None = None
        self.magic_frame: int | None = None
        self._evidence = Evidence()
        self._blocks = self._frames = 0
        self._doubts = 0
        self._doubted_at = 0
        self._doubt: Reading | None = None

    def read(self, rows: Arrivals) -> Iterator[tuple[Arrivals, Reading | None]]:
        """Yield runs of audio rows that are read alike; whole blocks, but for the very last."""
        start, reading = 0, self.reading
        at = 0
        while at < len(rows):
            block = at
            at = self._pass(rows, at)
            if self.reading != reading:
                # What was undecided before is read as this block is.
                if reading is not None and block > start:
                    yield rows.chosen(slice(start, block)), reading
                    start = block
                reading = self.reading
        yield rows.chosen(slice(start, None)) if start else rows, reading

    def _pass(self, rows: Arrivals, at: int) -> int:
        """Listen to the block at row `at`, or pass over those that are not due; where they end."""
        blocks = self._blocks_until_due()
        end = min(at + max(blocks, 1) * BLOCK_FRAMES, len(rows))
        if blocks:
            self._blocks += -(-(end - at) // BLOCK_FRAMES)
            self._frames += end - at
        else:
            self.hear(rows.chosen(slice(at, end)))
        return end

    def _blocks_until_due(self) -> int:
        if self._doubts or self._blocks < _ALWAYS_BLOCKS:
            return 0
        return -self._blocks % _THEN_EACH_BLOCKS

    def hear(self, rows: Arrivals) -> None:
        """Take one block of audio rows."""
        if self._frames < _FIRST_PAYLOADS:
            self._look_for_headers(rows)
        self._listen(rows)
        self._blocks += 1
        self._frames += len(rows)
        if self.reading is None and self._blocks >= _FORCED_BLOCKS:
            self.force()

    def force(self) -> None:
        """Decide by what there is."""
        if self.reading is None and self._frames:
            self.reading = Reading(_best(self._evidence))

    def _look_for_headers(self, rows: Arrivals) -> None:
        for n in range(min(len(rows), _FIRST_PAYLOADS - self._frames)):
            payload = rows.payload(n)
            if self.magic is None and payload[:4] in _MAGICS:
                self.magic, self.magic_frame = _MAGICS[payload[:4]], self._frames + n

    def _listen(self, rows: Arrivals) -> None:
        looked = [(n, rows.payload(n)) for n in _spread(len(rows), _LOOKS)]
        usable = [(n, payload) for n, payload in looked if len(payload) >= MIN_BYTES]
        sounding = [(n, payload) for n, payload in usable if not is_still(payload)]
        chosen = [sounding[n] for n in _spread(len(sounding), _SOUNDS)]
        if not chosen:
            if not self.is_settled:
                self._learn(rows, usable[:1])
            return
        self.heard += 1
        payloads = [payload for _, payload in chosen]
        if sum(map(_is_text, payloads)) * 2 > len(payloads):
            self.texts += 1
            return
        if self.is_settled:
            if self._blocks < _ALWAYS_BLOCKS or self._doubts or self._is_odd(payloads[0]):
                self._check(payloads)
        else:
            self._learn(rows, chosen)

    def _learn(self, rows: Arrivals, chosen: list[tuple[int, bytes]]) -> None:
        for n, payload in chosen:
            self._evidence.add(self._unit(rows, n, payload))
        odds = sorted(self._evidence.odds().values())
        if self._evidence.weight >= _SETTLING_WEIGHT and -odds[-2] >= _CLEAR_BITS:
            self.is_settled = True
            self.reading = _placed(_best(self._evidence), [payload for _, payload in chosen])

    def _unit(self, rows: Arrivals, n: int, payload: bytes) -> Unit:
        label = int(rows.label[n])
        if not self._is_rtp:
            return Unit(payload, None if label < 0 else label, None)
        packet = RtpPacket(
            payload_type=label,
            sequence_number=int(rows.sequence_number[n]),
            timestamp=int(rows.timestamp[n]),
            ssrc=int(rows.ssrc[n]),
            payload=payload,
        )
        return Unit(payload, label, packet)

    def _is_odd(self, payload: bytes) -> bool:
        """Would one sound alone be better off in another reading of the same width?"""
        assert self.reading is not None
        codec = self.reading.codec
        scores = score_payload(payload, like=codec)
        own = scores.pop(codec)
        return self.reading.shifted or own > _NOISE_BITS or min(scores.values()) < own

    def _check(self, payloads: list[bytes]) -> None:
        """Does the reading still hold? Doubt has to last to count."""
        assert self.reading is not None
        scores = score_codecs(payloads)
        best = min(scores, key=scores.__getitem__)
        if scores[best] > _NOISE_BITS:
            self.misfits += 1
        own = score_misaligned(payloads) if self.reading.shifted else scores[self.reading.codec]
        if scores[best] >= own - _DOUBT_BITS:
            self._doubts = 0
            return
        other = _placed(best, payloads)
        self._doubts = self._doubts + 1 if other == self._doubt else 1
        if self._doubts == 1:
            self._doubt, self._doubted_at = other, self._frames
        if self._doubts >= _DOUBTFUL_BLOCKS:
            self.changes.append(Change(self._doubted_at, self.reading, other))
            self.reading, self._doubts = other, 0


def _placed(codec: Codec, payloads: list[bytes]) -> Reading:
    """Slipped by a byte, little-endian audio reads best with its bytes swapped, or slipped."""
    if codec is not Codec.S16BE:
        return Reading(codec)
    swapped = score_codecs(payloads)[Codec.S16BE]
    return (
        Reading(Codec.S16LE, shifted=True)
        if score_misaligned(payloads) < swapped
        else Reading(codec)
    )


def _best(evidence: Evidence) -> Codec:
    odds = evidence.odds()
    return max(odds, key=odds.__getitem__)


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` numbers, evenly spread."""
    taken = min(count, most)
    places: Ints = np.arange(taken) * count // max(taken, 1)
    chosen: list[int] = places.tolist()
    return chosen


def _is_text(payload: bytes) -> bool:
    """Printable ASCII all over."""
    return all(32 <= octet < 127 or 9 <= octet <= 13 for octet in payload[:64])
