"""Counts broken rules: grouped, bounded, the gravest first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.judge import Part, Violation
from voipbin_cli.analysis.validation.rules import Rule, RuleId
from voipbin_cli.codec.encapsulation import Direction

_SHOWN_BYTES = 64


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
            "rule": self.rule.id.value,
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
        self._groups: dict[tuple[RuleId, Direction], Group] = {}

    def add(self, part: Part) -> None:
        """Count those of one part."""
        for hit in part.hits:
            row = int(hit.rows[0])
            data = part.facts.messages.message(row)[:_SHOWN_BYTES]
            size = int(part.facts.messages.size[row])
            self._include(Group(part.violation(hit, row), len(hit.rows), data, size))

    def include(self, other: Tally) -> None:
        """Add what another one has counted; the first message stays that of the first."""
        for group in other._groups.values():
            self._include(group)

    def _include(self, group: Group) -> None:
        """The first of the gravest is the one to look at."""
        key = group.rule.id, group.first.direction
        known = self._groups.get(key)
        if known is None or known.first.severity.rank < group.first.severity.rank:
            self._groups[key] = replace(group)
        if known is not None:
            self._groups[key].count = known.count + group.count

    def as_fields(self) -> dict[str, Any]:
        """Return `result` and `violations` of a summary."""
        return {
            "result": "fail" if self.has_errors else "pass",
            "violations": [group.as_fields() for group in self.groups],
        }

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
