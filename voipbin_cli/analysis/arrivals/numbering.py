"""What the packets of one RTP source say beside their audio: numbers, talkspurts, labels.

A sender may begin to count anew. Comfort noise (RFC 3389) and telephone events (RFC 4733) take
numbers, too: the audio is numbered without them here, so that none of it seems to be missing. After
them, and with the marker (RFC 3551 4.1), the sender says that it had been silent.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals, Begins, joined
from voipbin_cli.analysis.arrivals.reception import Reception, SequenceFold
from voipbin_cli.analysis.columns import Ints, Mask, before, equal, wrapped_steps
from voipbin_cli.codec.payload_types import COMFORT_NOISE, DYNAMIC
from voipbin_cli.codec.rtp import MAX_DROPOUT, MAX_MISORDER

_NOTED = 1000


class Restart(NamedTuple):
    """With frame `frame` something began anew; of a label, what it was and what it is."""

    frame: int
    what: Begins
    before: int = 0
    after: int = 0


class _Past(NamedTuple):
    """What the next row is compared with: the latest row."""

    sequence_number: int
    timestamp: int
    stamp_step: int
    marker: bool


class NumberFold:
    """Numbers the audio among the rows of one source.

    `restarts` are where something began anew, `noises` counts packets of comfort noise, `keyed`
    are frames right after a telephone event.
    """

    def __init__(self) -> None:
        self.noises = 0
        self.keyed: set[int] = set()
        self._sequence = SequenceFold()
        self._restarts: list[Restart] = []
        self._past: _Past | None = None
        self._tail: Arrivals | None = None  # a row whose number is far from the one before
        self._taken = 0  # numbers that were no audio's
        self._since_audio = 0  # rows since the latest audio, none of them audio
        self._keys_since = 0  # those of telephone events
        self._begun = Begins.NOTHING  # with one of those
        self._label: int | None = None
        self._frames = 0

    def add(self, rows: Arrivals, *, is_last: bool = False) -> Arrivals:
        """Take rows of one source, in order; return the rows of audio among them, numbered.

        A row whose number is far off is held back until the one after it is there.
        """
        if self._tail is not None:
            rows, self._tail = joined(self._tail, rows), None
        if not len(rows):
            return rows
        numbers, stamps = self._steps(rows)
        is_jump = self._jumps(rows, numbers, stamps)
        if is_jump[-1] and not is_last:
            self._tail = rows.chosen(slice(len(rows) - 1, None)).compact()
            rows, is_jump = rows.chosen(slice(0, -1)), is_jump[:-1]
        if is_jump.any():
            # A number far from both its neighbours, which follow each other: it is refused.
            back = numbers + np.append(numbers[1:], 0)
            is_wild = is_jump & (back[: len(rows)] > 0) & (back[: len(rows)] < MAX_MISORDER)
            rows = rows.chosen(~is_wild)
        if not len(rows):
            return rows
        numbers, stamps = self._steps(rows)
        # A.1: two packets in sequence after a jump, and the sender has begun anew.
        follows = np.append(numbers[1:], 0)
        begun = self._jumps(rows, numbers, stamps) & (follows > 0) & (follows < MAX_MISORDER)
        if begun.any():
            rows = replace(rows, begins=rows.begins | begun * int(Begins.SEQUENCE))
        self._receive(rows, numbers)
        audio = self._audio(rows, numbers)
        self._past = _Past(
            int(rows.sequence_number[-1]),
            int(rows.timestamp[-1]),
            int(stamps[-1]),
            bool(rows.marker[-1]),
        )
        return audio

    def finish(self, rows: Arrivals | None) -> Arrivals | None:
        """Take the last rows of a connection, and return what is held back."""
        rest = rows if rows is not None else self._tail
        if rows is None:
            self._tail = None
        audio = None if rest is None else self.add(rest, is_last=True)
        self._past, self._begun = None, Begins.NOTHING
        self._since_audio = self._keys_since = 0
        return audio

    @property
    def reception(self) -> Reception:
        """What the sequence numbers say (RFC 3550 A.1, A.3), this connection's."""
        return self._sequence.result()

    @property
    def restarts(self) -> list[Restart]:
        """Where something began anew; what went back with the very next frame did not."""
        told: list[Restart] = []
        for one in sorted(self._restarts, key=lambda one: (one.what, one.frame)):
            if told and one.what == told[-1].what and one.frame == told[-1].frame + 1:
                told.pop()
            else:
                told.append(one)
        told.sort(key=lambda one: one.frame)
        return told

    def restart(self) -> None:
        """The next row is the first of another connection."""
        self._sequence = SequenceFold()
        self._label = None

    def note(self, restart: Restart) -> None:
        """Take note that something began anew."""
        if len(self._restarts) < _NOTED:
            self._restarts.append(restart)

    @property
    def _stamp_step(self) -> int:
        return self._past.stamp_step if self._past else 0

    def _steps(self, rows: Arrivals) -> tuple[Ints, Ints]:
        past = self._past
        number = past.sequence_number if past else int(rows.sequence_number[0]) - 1
        stamp = past.timestamp if past else int(rows.timestamp[0])
        numbers = wrapped_steps(np.concatenate([[number], rows.sequence_number]), 16)
        return numbers, wrapped_steps(np.concatenate([[stamp], rows.timestamp]), 32)

    def _jumps(self, rows: Arrivals, numbers: Ints, stamps: Ints) -> Mask:
        is_jump = _are_jumps(numbers, stamps, before(stamps, self._stamp_step))
        is_jump &= equal(rows.begins & Begins.SOURCE, 0)
        is_jump[0] &= self._past is not None
        return is_jump

    def _receive(self, rows: Arrivals, numbers: Ints) -> None:
        """An event's last packet is repeated (RFC 4733 2.5.1.4), by some with the same number."""
        again = ~rows.is_audio & equal(numbers, 0)
        begun = np.flatnonzero(rows.begins & (Begins.SOURCE | Begins.SEQUENCE)).tolist()
        for start, stop in pairwise(sorted({0, *begun, len(rows)})):
            if start in begun:
                self._sequence.restart()
            self._sequence.add(rows.sequence_number[start:stop][~again[start:stop]])

    def _audio(self, rows: Arrivals, numbers: Ints) -> Arrivals:
        heard = np.flatnonzero(rows.is_audio)
        is_plain = heard.size == len(rows) and not (self._taken or self._since_audio)
        if is_plain and not rows.marker.any():
            audio = rows
        else:
            self.noises += int(np.count_nonzero(equal(rows.label, COMFORT_NOISE)))
            audio = self._numbered(rows, numbers, heard)
        self._note_all(audio)
        self._frames += len(audio)
        return audio

    def _numbered(self, rows: Arrivals, numbers: Ints, heard: Ints) -> Arrivals:
        """The rows of audio: numbered without the others, and marked where those came before."""
        other = ~rows.is_audio
        taken = self._taken + np.cumsum(other & (numbers > 0))
        others = np.cumsum(other)
        since = np.diff(others[heard], prepend=-self._since_audio)
        was_marked = before(rows.marker, self._past.marker if self._past else False)
        spurt = (rows.marker & ~was_marked)[heard]
        self._note_keyed(rows, heard)
        begins = self._carried(rows, heard)
        self._taken = int(taken[-1])
        self._since_audio += int(others[-1]) - int(since.sum())
        numbered = (rows.sequence_number - taken) & 0xFFFF
        rows = replace(rows, sequence_number=numbered, begins=begins)
        return replace(rows.chosen(heard), resumes=(since > 0) | spurt)

    def _note_keyed(self, rows: Arrivals, heard: Ints) -> None:
        """What follows an event may come after a pause that is the event's."""
        is_event = ~rows.is_audio & (rows.label >= DYNAMIC.start)
        keys = np.cumsum(is_event)
        since = np.diff(keys[heard], prepend=-self._keys_since)
        self._keys_since += int(keys[-1]) - int(since.sum())
        if len(self.keyed) < _NOTED:
            self.keyed.update((self._frames + np.flatnonzero(since > 0)).tolist())

    def _carried(self, rows: Arrivals, heard: Ints) -> Ints:
        """What begins with a row that is no audio begins with the audio after it."""
        begins = rows.begins.copy()
        if self._begun and heard.size:
            begins[heard[0]] |= self._begun
            self._begun = Begins.NOTHING
        for row in np.flatnonzero((begins > 0) & ~rows.is_audio).tolist():
            place = int(np.searchsorted(heard, row))
            if place < heard.size:
                begins[heard[place]] |= begins[row]
            else:
                self._begun |= Begins(int(begins[row]))
        return begins

    def _note_all(self, audio: Arrivals) -> None:
        """Take note of restarts, and of labels that change with them or without."""
        if not len(audio):
            return
        for row in np.flatnonzero(audio.begins).tolist():
            self.note(Restart(self._frames + row, Begins(int(audio.begins[row]))))
        labels = audio.label
        earlier = before(labels, int(labels[0]) if self._label is None else self._label)
        for row in np.flatnonzero(labels != earlier).tolist():
            frame, was, now = self._frames + row, int(earlier[row]), int(labels[row])
            self.note(Restart(frame, Begins.LABEL, was, now))
        self._label = int(labels[-1])


def _are_jumps(numbers: Ints, stamps: Ints, stamps_before: Ints) -> Mask:
    """Whether a number is far from the one before, so that the sender may have begun anew.

    A.1 takes steps of -99 to 2999 for reordering and loss. A hundred packets that are missing have
    taken their time, too: where the timestamp says that they did not, none is.
    """
    far = (numbers <= -MAX_MISORDER) | (numbers >= MAX_DROPOUT)
    due = numbers * stamps_before
    is_other: Mask = (stamps < due // 2) | (stamps > 10 * due)
    return far | ((numbers >= MAX_MISORDER) & (due > 0) & is_other)
