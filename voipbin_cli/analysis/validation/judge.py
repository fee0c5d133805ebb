"""Judges one direction of one stream, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.farend.far_end import FarEnd
from voipbin_cli.analysis.messages import EMPTY, Messages, TimedMessage, from_messages, joined
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.codec_watch import CodecWatch
from voipbin_cli.analysis.validation.due import Due
from voipbin_cli.analysis.validation.facts.block import BlockFacts, MessageFacts, Past
from voipbin_cli.analysis.validation.facts.payload import BLOCK_FRAMES
from voipbin_cli.analysis.validation.rules import RULES, Rule, RuleId
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Direction

# In place of messages where there are none.
_NONE = from_messages([TimedMessage(b"")])
# A block of columns: enough for numpy, little memory.
_PART_FRAMES = 400 * BLOCK_FRAMES


class Violation(NamedTuple):
    """One broken rule in one frame. Frames count from 0 in each direction."""

    frame: int
    direction: Direction
    rule: Rule
    severity: Severity
    message: str

    def as_fields(self) -> dict[str, Any]:
        """Return the fields of the event that the command line promises."""
        return {
            "frame": self.frame,
            "direction": self.direction.value,
            "rule": self.rule.id.value,
            "severity": self.severity.value,
            "message": self.message,
        }


class Hit(NamedTuple):
    """The messages of a part that break a rule."""

    rule: Rule
    severity: Severity
    rows: Ints


@dataclass(frozen=True, slots=True)
class Part:
    """Some judged messages in a row; `first` is the number of the first of them."""

    first: int
    facts: BlockFacts
    hits: tuple[Hit, ...]

    @property
    def direction(self) -> Direction:
        """Of all of them."""
        return self.facts.due.direction

    def violation(self, hit: Hit, row: int) -> Violation:
        """One broken rule, put into words."""
        words = hit.rule.message.format_map(MessageFacts(self.facts, row))
        return Violation(self.first + row, self.direction, hit.rule, hit.severity, words)

    def violations(self) -> Iterator[Violation]:
        """Every single one, by frame, then in the order of the rules."""
        places = [(row, n) for n, hit in enumerate(self.hits) for row in hit.rows.tolist()]
        for row, n in sorted(places):
            yield self.violation(self.hits[n], row)


class Judge:
    """Judges one direction of one stream; its frames are numbered from `first` on.

    `far_end` is what plays them, where somebody wants to know what is heard of them.
    """

    def __init__(self, due: Due, first: int = 0, far_end: FarEnd | None = None) -> None:
        self.due = due
        self._far_end = far_end
        self.frames = first
        self._rules = tuple(_rules_for(due))
        self._held = self._undecided = EMPTY
        self._undecided_codes = np.zeros(0, np.int64)
        self._codec: Codec | None = None
        self._begin()

    def _begin(self) -> None:
        self._past = Past()
        self._watch = CodecWatch()

    @property
    def codec(self) -> Codec | None:
        """What the payloads sound like, of the last connection that had any."""
        return self._watch.codec or self._codec

    def add(self, frames: Messages) -> Iterator[Part]:
        """Take messages in order; yield what is judged by now, all but the last second."""
        frames = joined(self._held, frames)
        # One at the least waits: only behind it is it known that it was not the last.
        whole = max(0, len(frames) - 1) // BLOCK_FRAMES * BLOCK_FRAMES
        self._held = frames.part(whole, len(frames)).compact()
        for start in range(0, whole, _PART_FRAMES):
            yield from self._judge(frames.part(start, min(start + _PART_FRAMES, whole)))

    def finish(self) -> Iterator[Part]:
        """Yield the rest: the stream is over, or another connection begins."""
        yield from self._judge(self._held, is_last=True)
        self._held = EMPTY
        self._codec = self.codec
        self._begin()

    def nothing(self) -> Part:
        """What is to be said where not one message came."""
        facts = BlockFacts(_NONE, self.due, Past(), is_none=True)
        none = [
            (rule, severity) for rule, severity in self._rules if rule.id is RuleId.MESSAGE_NONE
        ]
        return Part(self.frames, facts, tuple(hit for row in none for hit in _hits(*row, facts)))

    def _judge(self, frames: Messages, *, is_last: bool = False) -> Iterator[Part]:
        """Judge messages, with those before that waited for their codec to be decided."""
        facts = BlockFacts(frames, self.due, self._past, is_end=is_last)
        codes = np.concatenate([self._undecided_codes, self._watch.codes(facts)])
        if len(self._undecided):
            frames = joined(self._undecided, frames)
            facts = BlockFacts(frames, self.due, self._past, is_end=is_last)
        if self._watch.is_undecided and not is_last:
            self._undecided, self._undecided_codes = frames.compact(), codes
        elif len(frames):
            self._undecided, self._undecided_codes = EMPTY, codes[:0]
            facts.codec = self._watch.decided(codes)
            yield self._part(facts)

    def _part(self, facts: BlockFacts) -> Part:
        hits: list[Hit] = []
        for rule, severity in self._rules:
            hits += _hits(rule, severity, facts)
        if self._far_end is not None:
            still = facts.payload.is_still
            self._far_end.add(facts.messages.time_ns, facts.played_samples, still)
        part = Part(self.frames, facts, tuple(hits))
        self._past = facts.end
        self.frames += len(facts.messages)
        return part


def _hits(rule: Rule, severity: Severity, facts: BlockFacts) -> Iterator[Hit]:
    """The frames that break a rule, those that it does harm to before the others."""
    mask = rule.predicate(facts)
    if not mask.any():
        return
    mild = mask & rule.mild(facts) if rule.mild else np.zeros_like(mask)
    for how_grave, rows in ((severity, mask & ~mild), (Severity.INFO, mild)):
        if rows.any():
            yield Hit(rule, how_grave, rows.nonzero()[0])


def _rules_for(due: Due) -> Iterator[tuple[Rule, Severity]]:
    for rule in RULES.values():
        severity = rule.severities.under(due.spec)
        applies = due.encapsulation in rule.encapsulations and due.direction in rule.directions
        if applies and severity is not None:
            yield rule, severity
