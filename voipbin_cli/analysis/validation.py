"""Judges streams by the rules: a block at a time, with the same result however it was cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from voipbin_cli.analysis.rules import RULES, Rule, Severity, Spec
from voipbin_cli.analysis.rules.audiosocket_facts import AudioSocketFacts
from voipbin_cli.analysis.rules.codecs import BLOCK_FRAMES, CodecWatch
from voipbin_cli.analysis.rules.due import Due, received, sent
from voipbin_cli.analysis.rules.facts import Facts, Past, Row
from voipbin_cli.analysis.rules.frames import EMPTY, Frames, Ints, joined
from voipbin_cli.analysis.rules.rtp_facts import RtpFacts
from voipbin_cli.codec import rtp
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Fingerprint
from voipbin_cli.errors import DecodeError

_FACTS = {
    Encapsulation.RTP: RtpFacts,
    Encapsulation.SLN: Facts,
    Encapsulation.AUDIOSOCKET: AudioSocketFacts,
}
# A block of columns: enough for numpy, little memory.
_PART_FRAMES = 400 * BLOCK_FRAMES
# Sent frames that wait for the first received one, which tells what the far end takes: a minute.
_MAX_WAITING = 3000
_SHOWN_BYTES = 64


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
            "rule": self.rule.id,
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
    facts: Facts
    hits: tuple[Hit, ...]

    @property
    def direction(self) -> Direction:
        """Of all of them."""
        return self.facts.due.direction

    def violation(self, hit: Hit, row: int) -> Violation:
        """One broken rule, put into words."""
        words = hit.rule.message.format_map(Row(self.facts, row))
        return Violation(self.first + row, self.direction, hit.rule, hit.severity, words)

    def violations(self) -> Iterator[Violation]:
        """Every single one, by frame, then in the order of the rules."""
        places = [(row, n) for n, hit in enumerate(self.hits) for row in hit.rows.tolist()]
        for row, n in sorted(places):
            yield self.violation(self.hits[n], row)


class Judge:
    """Judges one direction of one stream."""

    def __init__(self, due: Due) -> None:
        self.due = due
        self.frames = 0
        self._facts = _FACTS[due.encapsulation]
        self._rules = tuple(_rules_for(due))
        self._held = EMPTY
        self._begin()

    def _begin(self) -> None:
        self._past = Past()
        self._watch = CodecWatch()

    def add(self, frames: Frames) -> Iterator[Part]:
        """Take messages in order; yield what is judged by now, all but the last second."""
        frames = joined(self._held, frames)
        whole = len(frames) - len(frames) % BLOCK_FRAMES
        for start in range(0, whole, _PART_FRAMES):
            yield self._judge(frames.part(start, min(start + _PART_FRAMES, whole)))
        self._held = frames.part(whole, len(frames)).compact()

    def finish(self) -> Iterator[Part]:
        """Yield the rest: the stream is over, or another connection begins."""
        if len(self._held):
            yield self._judge(self._held)
        self._held = EMPTY
        self._begin()

    def _judge(self, frames: Frames) -> Part:
        facts = self._facts(frames, self.due, self._past)
        facts.codec = self._watch.codes(facts)
        hits = []
        for rule, severity in self._rules:
            mask = rule.predicate(facts)
            if mask.any():
                hits.append(Hit(rule, severity, mask.nonzero()[0]))
        part = Part(self.frames, facts, tuple(hits))
        self._past = facts.next_past()
        self.frames += len(frames)
        return part


def _rules_for(due: Due) -> Iterator[tuple[Rule, Severity]]:
    for rule in RULES.values():
        severity = rule.severities.under(due.spec)
        applies = due.encapsulation in rule.encapsulations and due.direction in rule.directions
        if applies and severity is not None:
            yield rule, severity


class Validator:
    """Judges both directions of one stream; what comes in tells what may go out.

    `directions` are those that are judged; of both the first frames are looked at.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        spec: Spec = Spec.AUTO,
        *,
        directions: Iterable[Direction] = tuple(Direction),
        is_datagrams: bool = False,
        max_frames: int | None = None,
    ) -> None:
        self.encapsulation = encapsulation
        self.spec = spec
        self.tally = Tally()
        self._directions = frozenset(directions)
        self._is_datagrams = is_datagrams
        self._left = dict.fromkeys(Direction, max_frames)
        self._in = Judge(received(encapsulation, spec, is_datagrams=is_datagrams))
        self._out: Judge | None = None
        self._waiting = EMPTY
        # Only RTP that comes tells what is taken: linear is due in the others.
        if encapsulation is not Encapsulation.RTP or spec is not Spec.AUTO:
            self._decide(None)

    def add(self, direction: Direction, frames: Frames) -> Iterator[Part]:
        """Take messages in order; yield what is judged by now."""
        if direction is Direction.IN:
            if self._out is None and (fingerprint := _fingerprint(frames)):
                yield from self._counted(self._decide(fingerprint))
            yield from self._counted(self._in.add(self._wanted(direction, frames)))
            return
        frames = self._wanted(direction, frames)
        if self._out is not None:
            yield from self._counted(self._out.add(frames))
            return
        self._waiting = joined(self._waiting, frames).compact()
        if len(self._waiting) > _MAX_WAITING:
            yield from self._counted(self._decide(None))

    def finish(self) -> Iterator[Part]:
        """Yield the rest: the stream is over, or another connection begins."""
        yield from self._counted(self._in.finish())
        if self._out is None and len(self._waiting):
            yield from self._counted(self._decide(None))
        if self._out is not None:
            yield from self._counted(self._out.finish())

    @property
    def is_full(self) -> bool:
        """As many frames as were asked for have been judged, in each direction."""
        return all(self._left[direction] == 0 for direction in self._directions)

    @property
    def frames(self) -> dict[Direction, int]:
        """How many messages were judged."""
        return {
            Direction.IN: self._in.frames,
            Direction.OUT: self._out.frames if self._out else 0,
        }

    def summary(self) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        frames = self.frames
        return {
            "encapsulation": self.encapsulation.value,
            "spec": self.spec.value,
            "frames": sum(frames.values()),
            "frames_received": frames[Direction.IN],
            "frames_sent": frames[Direction.OUT],
            "result": "fail" if self.tally.has_errors else "pass",
            "violations": [group.as_fields() for group in self.tally.groups],
        }

    def _wanted(self, direction: Direction, frames: Frames) -> Frames:
        """As many as are to be judged."""
        if direction not in self._directions:
            return EMPTY
        left = self._left[direction]
        if left is None:
            return frames
        wanted = frames.part(0, left) if len(frames) > left else frames
        self._left[direction] = left - len(wanted)
        return wanted

    def _decide(self, fingerprint: Fingerprint | None) -> Iterator[Part]:
        """Begin to judge what is sent, with what has waited for that."""
        due = sent(self.encapsulation, self.spec, fingerprint, is_datagrams=self._is_datagrams)
        self._out = Judge(due)
        waiting, self._waiting = self._waiting, EMPTY
        return self._out.add(waiting) if len(waiting) else iter(())

    def _counted(self, parts: Iterable[Part]) -> Iterator[Part]:
        for part in parts:
            self.tally.add(part)
            yield part


def _fingerprint(frames: Frames) -> Fingerprint | None:
    """The first packet's fields by which a far end can be told, None without one."""
    for n in range(min(len(frames), _MAX_WAITING)):
        try:
            packet = rtp.parse(frames.message(n))
        except DecodeError:
            continue
        return Fingerprint(packet.payload_type, packet.ssrc, packet.sequence_number)
    return None


@dataclass(slots=True)
class Group:
    """All violations of one rule in one direction, with the first one to look at.

    `data` are the first bytes of the first message, `size` how many it has.
    """

    first: Violation
    count: int
    data: bytes
    size: int

    @property
    def rule(self) -> Rule:
        """The rule that was broken."""
        return self.first.rule

    def as_fields(self) -> dict[str, Any]:
        """Return an element of `violations` in the summary."""
        return {
            "rule": self.rule.id,
            "severity": self.first.severity.value,
            "direction": self.first.direction.value,
            "count": self.count,
            "first_frame": self.first.frame,
            "message": self.first.message,
            "reference": self.rule.clause,
            "consequence": self.rule.consequence,
        }


class Tally:
    """Counts violations by rule and direction; as long as there are rules, and no longer."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, Direction], Group] = {}

    def add(self, part: Part) -> None:
        """Count those of one part."""
        for hit in part.hits:
            key = hit.rule.id, part.direction
            if key not in self._groups:
                row = int(hit.rows[0])
                data = part.facts.frames.message(row)[:_SHOWN_BYTES]
                size = int(part.facts.size[row])
                self._groups[key] = Group(part.violation(hit, row), 0, data, size)
            self._groups[key].count += len(hit.rows)

    @property
    def groups(self) -> list[Group]:
        """The gravest first, then by the first frame."""

        def order(group: Group) -> tuple[int, int]:
            return -group.first.severity.rank, group.first.frame

        return sorted(self._groups.values(), key=order)

    @property
    def has_errors(self) -> bool:
        """A rule of severity error was broken."""
        return any(group.first.severity is Severity.ERROR for group in self._groups.values())
