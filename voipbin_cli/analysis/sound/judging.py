"""Which codec is it really? Half second by half second, from a few payloads that hold sound."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from voipbin_cli.analysis.arrivals.log import Arrivals
from voipbin_cli.codec.encapsulation import Encapsulation, Unit
from voipbin_cli.codec.evidence import Evidence, is_still
from voipbin_cli.codec.hypotheses import (
    MIN_BYTES,
    score_codecs,
    score_each,
    score_misaligned,
)
from voipbin_cli.codec.pcm import Codec
from voipbin_cli.codec.rtp import RtpPacket

BLOCK_FRAMES = 25
# Every block of the first minute, then one each 10 s: a day costs no more than it must. Of a stream
# that is settled one sound a block is looked at, unless that one is odd.
_ALWAYS_BLOCKS = 120
_THEN_EACH_BLOCKS = 20
# Four seconds of silence, and what it looks like has to do.
_FORCED_BLOCKS = 8
_LOOKS = 12
_SOUNDS = 4
# So many blocks are scored at once; where one is odd, what was scored behind it was for nothing.
_TOGETHER = 16
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


class _Look(NamedTuple):
    """A payload that was looked at, and its row in the block."""

    row: int
    payload: bytes


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
        if blocks:
            end = min(at + blocks * BLOCK_FRAMES, len(rows))
            self._passed(end - at)
            return end
        end = self._hear_calm(rows, at) if self._is_calm else at
        if end == at:
            end = min(at + BLOCK_FRAMES, len(rows))
            self.hear(rows.chosen(slice(at, end)))
        return end

    @property
    def _is_calm(self) -> bool:
        return self.is_settled and not self._doubts and not (self.reading and self.reading.shifted)

    @property
    def _is_young(self) -> bool:
        return self._blocks < _ALWAYS_BLOCKS

    def _blocks_until_due(self) -> int:
        return 0 if self._doubts or self._is_young else -self._blocks % _THEN_EACH_BLOCKS

    def _hear_calm(self, rows: Arrivals, at: int) -> int:
        """Listen to a sound of each block that will be due; return where the first odd one begins.

        To score the payloads of many blocks costs little more than to score one.
        """
        step, together = _THEN_EACH_BLOCKS * BLOCK_FRAMES, _TOGETHER
        if self._is_young:
            step, together = BLOCK_FRAMES, min(together, _ALWAYS_BLOCKS - self._blocks)
        end = min(len(rows), at + together * step)
        starts = range(at, end, step)
        sounds = [_sounding(_looked(rows, start), 1) for start in starts]
        odd = self._are_odd(sounds)
        for start, sound, is_odd in zip(starts, sounds, odd, strict=True):
            if is_odd:
                return start
            self.heard += bool(sound)
            self.texts += bool(sound) and _are_text(sound)
            self._passed(min(step, end - start))
        return end

    def _are_odd(self, blocks: list[list[_Look]]) -> list[bool]:
        """Would the sound of a block be better off in another reading, or is it noise?

        After the first minute it is compared with the readings that are as wide only.
        """
        assert self.reading is not None
        like = None if self._is_young else self.reading.codec
        told = [[] if block and _are_text(block) else block for block in blocks]
        scores = iter(score_each([look.payload for block in told for look in block], like))
        return [bool(block) and self._is_odd(next(scores)) for block in told]

    def _is_odd(self, scores: dict[Codec, float]) -> bool:
        assert self.reading is not None
        own = scores.pop(self.reading.codec)
        best = min(scores.values()) + (_DOUBT_BITS if self._is_young else 0)
        return own > _NOISE_BITS or best < own

    def _passed(self, frames: int) -> None:
        self._blocks += -(-frames // BLOCK_FRAMES)
        self._frames += frames

    def hear(self, rows: Arrivals) -> None:
        """Take one block of audio rows."""
        if self._frames < _FIRST_PAYLOADS:
            self._look_for_headers(rows)
        self._listen(rows)
        self._passed(len(rows))
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
        looked = _looked(rows)
        sounds = _sounding(looked)
        if not sounds:
            if not self.is_settled:
                self._learn(rows, looked[:1])
            return
        self.heard += 1
        if _are_text(sounds):
            self.texts += 1
        elif self.is_settled:
            self._check([sound.payload for sound in sounds])
        else:
            self._learn(rows, sounds)

    def _learn(self, rows: Arrivals, looks: list[_Look]) -> None:
        for look in looks:
            self._evidence.add(self._unit(rows, look.row, look.payload))
        odds = sorted(self._evidence.odds().values())
        if self._evidence.weight >= _SETTLING_WEIGHT and -odds[-2] >= _CLEAR_BITS:
            self.is_settled = True
            self.reading = _placed(_best(self._evidence), [look.payload for look in looks])

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


def _looked(rows: Arrivals, start: int = 0) -> list[_Look]:
    """Some payloads of a block, spread evenly, that are long enough to tell."""
    count = min(BLOCK_FRAMES, len(rows) - start)
    looks = [_Look(n, rows.payload(start + n)) for n in _spread(count, _LOOKS)]
    return [look for look in looks if len(look.payload) >= MIN_BYTES]


def _sounding(looks: list[_Look], most: int = _SOUNDS) -> list[_Look]:
    """A few of those that are no silence."""
    sounds = [look for look in looks if not is_still(look.payload)]
    return [sounds[n] for n in _spread(len(sounds), most)]


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` numbers, evenly spread."""
    taken = min(count, most)
    return [n * count // taken for n in range(taken)]


def _are_text(looks: list[_Look]) -> bool:
    """More than half are printable ASCII all over."""
    return 2 * sum(_is_text(look.payload) for look in looks) > len(looks)


def _is_text(payload: bytes) -> bool:
    return all(32 <= octet < 127 or 9 <= octet <= 13 for octet in payload[:64])
