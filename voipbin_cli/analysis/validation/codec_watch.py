"""Listens to a stream's payloads now and then: which codec do they sound like?"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask, odd_before
from voipbin_cli.analysis.validation.facts.audio import MISALIGNED, code_of, code_of_foreign
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.facts.payload import BLOCK_FRAMES
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.decider import CodecDecider
from voipbin_cli.codec.encapsulation import Unit, unpack
from voipbin_cli.codec.examination import TELLING_BYTES, is_due
from voipbin_cli.codec.hypotheses import MIN_BYTES
from voipbin_cli.codec.reading import Reading
from voipbin_cli.errors import DecodeError

UNDECIDED = -1
"""The code of frames that sound byte-swapped, and may be shifted by a byte instead."""
_UNDECIDED_BEHIND_ODD = -2

_EARLY_BLOCKS = 60
_LOOK_EACH_BLOCKS = 10
# So many payloads of a block are weighed where to weigh them all no longer helps.
_ROWS = 8


class CodecWatch:
    """Says what the payloads of block after block are read as.

    It looks at one that sounds each second of the first minute of sound, then each 10 s, and when
    a payload is of another size. Silence tells nothing; before any sound the size has to do.
    """

    def __init__(self) -> None:
        self._decider = CodecDecider()
        self._guess: Reading | None = None
        self._size = 0
        self._blocks = self._heard = 0
        self._is_odd = False  # the number of bytes so far
        self._short: list[bytes] = []
        self._short_heard = 0

    def codes(self, facts: BlockFacts) -> Ints:
        """Return the codec of every message (a number of CODECS, or UNDECIDED).

        Blocks begin with the column.
        """
        payload = facts.payload
        sizes = payload.audio_bytes
        is_odd = odd_before(sizes, self._is_odd)
        self._is_odd = bool((int(sizes.sum()) + self._is_odd) % 2)
        is_long = payload.size >= MIN_BYTES + is_odd
        whole = payload.is_audio & facts.messages.is_whole & ~payload.is_words
        audible = whole & is_long
        heard = np.flatnonzero(audible)
        sound = np.flatnonzero(audible & ~payload.is_still)
        short = np.flatnonzero(whole & ~audible & ~payload.is_still)
        codes = np.zeros(len(facts.messages), np.int64)
        starts = range(0, len(codes), BLOCK_FRAMES)
        sound_at = np.searchsorted(sound, [*starts, len(codes)]).tolist()
        heard_at = np.searchsorted(heard, [*starts, len(codes)]).tolist()
        short_at = np.searchsorted(short, [*starts, len(codes)]).tolist()
        for n, start in enumerate(starts):
            all_rows = heard[heard_at[n] : heard_at[n + 1]]
            rows = sound[sound_at[n] : sound_at[n + 1]]
            if len(rows):
                self._listen(facts, rows, all_rows, is_odd)
            elif not len(all_rows):
                self._listen_to_short(facts, short[short_at[n] : short_at[n + 1]])
            elif self._guess is None:
                self._weigh(facts, all_rows[:1], is_odd)
            block = slice(start, start + BLOCK_FRAMES)
            codes[block] = self._codes(is_odd[block])
            self._blocks += 1
        return codes

    def _codes(self, is_odd: Mask) -> Ints:
        if self.is_undecided:
            return np.where(is_odd, _UNDECIDED_BEHIND_ODD, UNDECIDED)
        return np.where(is_odd, self._code(is_odd=True), self._code(is_odd=False))

    def decided(self, codes: Ints) -> Ints:
        """Return the column with what UNDECIDED frames are by now."""
        codes = np.where(codes == UNDECIDED, self._code(is_odd=False), codes)
        return np.where(codes == _UNDECIDED_BEHIND_ODD, self._code(is_odd=True), codes)

    @property
    def codec(self) -> Codec | None:
        """The codec of the last block, None before any payload."""
        reading = self._decider.reading or self._guess
        return reading.codec if reading and not self._decider.foreign else None

    @property
    def is_undecided(self) -> bool:
        """Whether what UNDECIDED blocks are is still to come out, for 30 s of sound at most."""
        return self._decider.is_shift_open and not self._decider.foreign

    def _code(self, *, is_odd: bool) -> int:
        """What payloads are by now that have an odd number of bytes before them, or an even one.

        0 before any payload.
        """
        if self._decider.foreign:
            return code_of_foreign(self._decider.foreign.format)
        reading = self._decider.reading or self._guess
        if reading is None:
            return 0
        is_misaligned = reading.codec is Codec.S16LE and reading.begins_inside(is_odd)
        return MISALIGNED if is_misaligned else code_of(reading.codec)

    def _listen(self, facts: BlockFacts, rows: Ints, all_rows: Ints, is_odd: Mask) -> None:
        middle = int(rows[len(rows) // 2])
        size = int(facts.payload.size[middle])
        is_looked_at = self._is_due(size)
        self._size = size
        if is_due(self._heard - 1):
            self._examine(facts, all_rows)
        if not self._decider.is_open and is_looked_at:
            payload = self._decider.whole(facts.payload.of(middle), is_odd=bool(is_odd[middle]))
            (look,) = self._decider.look((payload,))
            if look.is_doubtful:
                self._decider.reopen()
            if look.is_unexplained:
                self._examine(facts, all_rows)
        if self._decider.is_news(bool(is_odd[rows].any())):
            self._decider.reopen()
        if self._decider.wants_all:
            self._weigh(facts, all_rows, is_odd)
        elif is_looked_at:
            self._weigh(facts, _spread(rows), is_odd)

    def _listen_to_short(self, facts: BlockFacts, rows: Ints) -> None:
        """Payloads that are too short to be weighed tell something together."""
        self._short += map(facts.payload.of, rows.tolist())
        if sum(map(len, self._short)) < TELLING_BYTES:
            return
        if is_due(self._short_heard):
            self._decider.examine(self._short)
        self._short = []
        self._short_heard += 1

    def _examine(self, facts: BlockFacts, rows: Ints) -> None:
        if len(rows):
            self._decider.examine([facts.payload.of(row) for row in rows.tolist()])

    def _is_due(self, size: int) -> bool:
        self._heard += 1
        is_early = self._heard <= _EARLY_BLOCKS
        return is_early or self._blocks % _LOOK_EACH_BLOCKS == 0 or size != self._size

    def _weigh(self, facts: BlockFacts, rows: Ints, is_odd: Mask) -> None:
        """Show payloads to the decider, until it knows."""
        for row, odd in zip(rows.tolist(), is_odd[rows].tolist(), strict=True):
            if self._decider.is_open or self._decider.is_news(odd):
                self._decider.weigh(_unit(facts, row), is_odd=odd)
        if self._decider.reading is None and not facts.due.is_datagrams:
            self._guess = _plain(self._decider.best)


def _plain(reading: Reading) -> Reading:
    """What the platform sends that is as wide: nothing is held against what is not settled."""
    return Reading(Codec.MULAW if reading.codec.sample_bytes == 1 else Codec.S16LE)


def _spread(rows: Ints) -> Ints:
    """Up to eight of the rows, evenly spread."""
    count = min(len(rows), _ROWS)
    return np.asarray(rows[np.arange(count) * len(rows) // count])


def _unit(facts: BlockFacts, row: int) -> Unit:
    try:
        return unpack(facts.due.encapsulation, facts.messages.message(row))[0]
    except DecodeError:
        return Unit(facts.payload.of(row), None, None)
