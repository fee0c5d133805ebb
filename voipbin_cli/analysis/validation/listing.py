"""Which violations are listed one by one: the first of each rule; the tally counts all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from voipbin_cli.analysis.validation.judge import Part, Violation
from voipbin_cli.analysis.validation.rules import RuleId
from voipbin_cli.codec.encapsulation import Direction


class Listing:
    """Lists at most `most` violations of each rule in each direction, of all streams together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._listed: Counter[tuple[RuleId, Direction]] = Counter()

    def violations(self, part: Part) -> Iterator[Violation]:
        """Those of one part that are listed, by frame, then in the order of the rules."""
        places = []
        for number, hit in enumerate(part.hits):
            key = hit.rule.id, part.direction
            rows = hit.rows[: self._most - self._listed[key]].tolist()
            self._listed[key] += len(rows)
            places += [(row, number) for row in rows]
        return (part.violation(part.hits[number], row) for row, number in sorted(places))
