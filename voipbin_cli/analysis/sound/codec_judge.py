"""Which codec is it really? Half second by half second, from a few payloads that hold sound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.codec.decider import CodecDecider, Look, mean_look
from voipbin_cli.codec.encapsulation import Encapsulation, Unit
from voipbin_cli.codec.evidence import is_still
from voipbin_cli.codec.examination import TELLING_BYTES, Found, is_due
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.hypotheses import MIN_BYTES
from voipbin_cli.codec.lookalikes import TEXT_SHARE, is_text
from voipbin_cli.codec.reading import Reading
from voipbin_cli.codec.rtp import RtpPacket
from voipbin_cli.codec.text_look import text_look

BLOCK_FRAMES = 25
"""Half a second: a change of codec is told by the first frame of a block."""
# Every block of the first minute, then one each 10 s: a day costs no more than it must. Of a stream
# that is settled one sound a block is looked at, unless that one is odd.
_ALWAYS_BLOCKS = 120
_THEN_EACH_BLOCKS = 20
# After 4 s without a sound that settles it, how silence looks has to do.
_FORCED_BLOCKS = 8
# So many payloads of a block are looked for sound, so many that sound are looked at.
_LOOKED_FOR = 12
_LOOKED_AT = 4
# So many blocks are scored at once; where one is odd, what was scored behind it was for nothing.
_TOGETHER = 16


class Change(NamedTuple):
    """From audio row `frame` on the payload reads otherwise than before."""

    frame: int
    before: Reading
    after: Reading


class Read(NamedTuple):
    """How rows are read, None as long as that is open; `foreign`: what they are in truth."""

    reading: Reading | None
    foreign: Format | None


class _Payload(NamedTuple):
    """A payload and its row in the block; `is_odd` as in `Arrivals`."""

    row: int
    data: bytes
    is_odd: bool


class CodecJudge:
    """Hears block after block of audio rows and says how to read them.

    `heard` blocks held sound, of which `texts` were text, which `text` names; the last of them
    began with frame `heard_at`.
    """

    def __init__(self, encapsulation: Encapsulation) -> None:
        self._is_rtp = encapsulation is Encapsulation.RTP
        self.heard = self.texts = self.heard_at = 0
        self.text: str | None = None
        self._decider = CodecDecider()
        self._guess: Reading | None = None
        self._changes: list[Change] = []
        # The settled reading that was last in doubt, and from which frame on.
        self._doubted: Reading | None = None
        self._doubted_at = 0
        self._blocks = self._frames = 0
        self._short: list[bytes] = []

    @property
    def reading(self) -> Reading | None:
        """How to read; None until there was sound, or four seconds of something."""
        return self._decider.reading or self._guess

    @property
    def how(self) -> Read:
        """How to read, and what it is where that is wrong."""
        if self.texts > TEXT_SHARE * self.heard:
            return Read(self.reading, Format.TEXT)
        is_told = self._decider.is_examined or self._blocks >= _FORCED_BLOCKS
        reading = self.reading if is_told else None
        return Read(reading, self.foreign.format if self.foreign else None)

    @property
    def changes(self) -> list[Change]:
        """Where a settled reading gave way to another one."""
        now = self._decider.reading
        if self._doubted is None or now is None or now.carried == self._doubted.carried:
            return self._changes
        return [*self._changes, Change(self._doubted_at, self._doubted, now)]

    @property
    def foreign(self) -> Found | None:
        """What it is that is none of the codecs."""
        return self._decider.foreign

    @property
    def has_heard(self) -> bool:
        """Whether anything came but silence, enough to look at or not."""
        return bool(self.heard or self._short)

    @property
    def is_settled(self) -> bool:
        """Whether sound has decided, rather than sizes and silence."""
        return self._decider.reading is not None

    def read(self, rows: Arrivals) -> Iterator[tuple[Arrivals, Read]]:
        """Yield runs of audio rows that are read alike; whole blocks, but for the very last."""
        start, read = 0, self.how
        at = 0
        while at < len(rows):
            block = at
            at = self._pass(rows, at)
            if self.how != read:
                # What was undecided before is read as this block is.
                if read.reading is not None and block > start:
                    yield rows.chosen(slice(start, block)), read
                    start = block
                read = self.how
        yield rows.chosen(slice(start, None)) if start else rows, read

    def _pass(self, rows: Arrivals, at: int) -> int:
        """Listen to the block at row `at`, or pass over those that are not due; where they end."""
        blocks = self._blocks_until_due()
        if blocks:
            end = min(at + blocks * BLOCK_FRAMES, len(rows))
            self._passed(end - at)
            return end
        end = at if self._decider.is_open else self._hear_calm(rows, at)
        if end == at:
            end = min(at + BLOCK_FRAMES, len(rows))
            self.hear(rows.chosen(slice(at, end)))
        return end

    @property
    def _is_young(self) -> bool:
        return self._blocks < _ALWAYS_BLOCKS

    def _blocks_until_due(self) -> int:
        is_weighing = self._decider.wants_all and self._decider.weight > 0
        return 0 if is_weighing or self._is_young else -self._blocks % _THEN_EACH_BLOCKS

    def _hear_calm(self, rows: Arrivals, at: int) -> int:
        """Listen to a sound of each block that will be due; return where the first odd one begins.

        To score the payloads of many blocks costs little more than to score one.
        """
        step, together = _THEN_EACH_BLOCKS * BLOCK_FRAMES, _TOGETHER
        if self._is_young:
            step, together = BLOCK_FRAMES, min(together, _ALWAYS_BLOCKS - self._blocks)
        end = min(len(rows), at + together * step)
        starts = range(at, end, step)
        sounds = [_first_sound(rows, start) for start in starts]
        odd = [
            is_odd or self._has_news(rows, start)
            for start, is_odd in zip(starts, self._are_odd(sounds), strict=True)
        ]
        for start, sound, is_odd in zip(starts, sounds, odd, strict=True):
            if is_odd or (sound and is_due(self.heard)):
                return start
            if sound:
                self._note_heard()
            self._note_text(sound)
            self._passed(min(step, end - start))
        return end

    def _are_odd(self, blocks: list[list[_Payload]]) -> list[bool]:
        """Would the sound of a block be better off in another reading, or is it noise?"""
        told = [[] if _texts(block) else block for block in blocks]
        looks = iter(self._look([payload for block in told for payload in block]))
        return [bool(block) and _is_odd(next(looks)) for block in told]

    def _look(self, payloads: list[_Payload]) -> list[Look]:
        whole = self._decider.whole
        return self._decider.look([whole(p.data, is_odd=p.is_odd) for p in payloads])

    def _has_news(self, rows: Arrivals, start: int) -> bool:
        """Whether the block at row `start` has the first sound behind an odd seam."""
        if not self._decider.is_news(bool(rows.is_odd[start : start + BLOCK_FRAMES].any())):
            return False
        sounds = _sounding(_spread_over(rows, start, BLOCK_FRAMES), BLOCK_FRAMES)
        return any(payload.is_odd for payload in sounds)

    def _passed(self, frames: int) -> None:
        self._blocks += -(-frames // BLOCK_FRAMES)
        self._frames += frames

    def hear(self, rows: Arrivals) -> None:
        """Take one block of audio rows."""
        self._listen(rows)
        self._passed(len(rows))
        if self.reading is None and (self._blocks >= _FORCED_BLOCKS or self.how.foreign):
            self.force()

    def force(self) -> None:
        """Decide by what there is."""
        if self.reading is None and self._frames:
            self._guess = self._decider.best

    def _listen(self, rows: Arrivals) -> None:
        some = list(_spread_over(rows, 0, _LOOKED_FOR))
        sounds = _sounding(some, _LOOKED_AT)
        if not some:
            self._hear_short(rows)
            return
        if not sounds:
            if not self.is_settled:
                self._weigh(rows, some[:1])
            return
        is_examined = is_due(self.heard)
        self._note_heard()
        if self._note_text(sounds):
            return
        if is_examined:
            self._examine(rows)
        if self._decider.is_open:
            self._weigh_block(rows, sounds)
        elif self._check(rows, sounds).is_unexplained and not is_examined:
            self._examine(rows)

    def _hear_short(self, rows: Arrivals) -> None:
        """Take a block of payloads none of which is long enough to be weighed alone.

        Of a codec of 7 bytes a frame it takes some blocks until there is enough to look at.
        """
        self._short += [rows.payload(n) for n in range(len(rows))]
        if sum(map(len, self._short)) < TELLING_BYTES:
            return
        if is_due(self.heard):
            self._decider.examine(self._short)
        self._short = []
        self._note_heard()

    def _examine(self, rows: Arrivals) -> None:
        self._decider.examine([rows.payload(n) for n in range(len(rows))])

    def _note_heard(self) -> None:
        self.heard += 1
        self.heard_at = self._frames

    def _note_text(self, sounds: list[_Payload]) -> bool:
        """Whether what sounds is text."""
        texts = _texts(sounds)
        are_text = len(texts) > TEXT_SHARE * len(sounds)
        self.texts += are_text
        if are_text and self.text is None:
            self.text = text_look(texts[0].decode("utf-8", "replace"))
        return are_text

    def _check(self, rows: Arrivals, sounds: list[_Payload]) -> Look:
        """Does the reading still hold?"""
        look = mean_look(self._look(sounds))
        if look.is_doubtful or self._has_news(rows, 0):
            self._changes = self.changes
            self._doubted, self._doubted_at = self.reading, self._frames
            self._decider.reopen()
            self._weigh_block(rows, sounds)
        return look

    def _weigh_block(self, rows: Arrivals, sounds: list[_Payload]) -> None:
        """Weigh all of the block where that still helps, and a few that sound where not."""
        is_all = self._decider.wants_all
        self._weigh(rows, _spread_over(rows, 0, BLOCK_FRAMES) if is_all else sounds)

    def _weigh(self, rows: Arrivals, payloads: Iterable[_Payload]) -> None:
        for payload in payloads:
            if self._decider.is_open or self._decider.is_news(payload.is_odd):
                self._decider.weigh(self._unit(rows, payload), is_odd=payload.is_odd)

    def _unit(self, rows: Arrivals, payload: _Payload) -> Unit:
        row, data, _ = payload
        label = int(rows.label[row])
        if not self._is_rtp:
            return Unit(data, None if label < 0 else label, None)
        packet = RtpPacket(
            payload_type=label,
            sequence_number=int(rows.sequence_number[row]),
            timestamp=int(rows.timestamp[row]),
            ssrc=int(rows.ssrc[row]),
            payload=data,
        )
        return Unit(data, label, packet)


def _is_odd(look: Look) -> bool:
    return look.is_doubtful or look.is_unexplained


def _spread_over(rows: Arrivals, start: int, most: int) -> Iterator[_Payload]:
    """Up to `most` payloads, evenly spread, of the block at `start`; the short ones left out."""
    for n in _spread(min(BLOCK_FRAMES, len(rows) - start), most):
        payload = _Payload(n, rows.payload(start + n), bool(rows.is_odd[start + n]))
        if len(payload.data) >= MIN_BYTES + payload.is_odd:
            yield payload


def _first_sound(rows: Arrivals, start: int) -> list[_Payload]:
    """The first of some payloads of the block at `start` that is no silence."""
    sounds = (some for some in _spread_over(rows, start, _LOOKED_FOR) if not is_still(some.data))
    return list(islice(sounds, 1))


def _sounding(payloads: Iterable[_Payload], most: int) -> list[_Payload]:
    """A few of those that are no silence."""
    sounds = [payload for payload in payloads if not is_still(payload.data)]
    return [sounds[n] for n in _spread(len(sounds), most)]


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` numbers, evenly spread."""
    taken = min(count, most)
    return [n * count // taken for n in range(taken)]


def _texts(payloads: list[_Payload]) -> list[bytes]:
    """Those that are text."""
    return [payload.data for payload in payloads if is_text(payload.data)]
