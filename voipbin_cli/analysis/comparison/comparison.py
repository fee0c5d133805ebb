"""What changed from one run to another: the figures beyond their uncertainty, the findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from voipbin_cli.analysis.comparison.figures import (
    FIGURES,
    METRICS_OF,
    Fields,
    Figure,
    FigureId,
    Untold,
    mapping,
)
from voipbin_cli.analysis.comparison.interval import Interval, difference
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.documents import is_number

_RUNS = ("the run before", "this run")
# What two runs have to have in common for their figures to be of the same thing.
_SAME = ("encapsulation", "dialect", "codec")


class Effect(StrEnum):
    """How something fared: `changed` is for better or worse, as one likes it, or for both."""

    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"


_OF_SIGN = {-1: Effect.WORSE, 0: Effect.CHANGED, 1: Effect.BETTER}


class ComparedFigure(NamedTuple):
    """One figure of both runs. `change` is beyond its uncertainty where `outcome` is not `same`.

    `direction` is None where it is of both directions together.
    """

    id: FigureId
    direction: Direction | None
    unit: str
    before: Interval
    after: Interval
    change: Interval
    outcome: Effect

    def as_fields(self) -> dict[str, Any]:
        """Return an element of `figures`."""
        values = {
            "before": self.before.value,
            "after": self.after.value,
            "change": self.change.value,
            "change_low": self.change.low,
            "change_high": self.change.high,
        }
        return {
            "id": self.id.value,
            "direction": self.direction.value if self.direction else None,
            "unit": self.unit,
            **{name: round(value, 3) for name, value in values.items()},
            "outcome": self.outcome.value,
        }


class ComparedFinding(NamedTuple):
    """A finding that only one run has.

    `rests_on` is the figure that decides whether that may be chance; None where none does. It is
    `certain` unless that figure is the same within its uncertainty.
    """

    id: str
    direction: str | None
    severity: str
    title: str
    is_new: bool
    rests_on: FigureId | None
    is_certain: bool

    @property
    def outcome(self) -> Effect:
        """What it says of the second run."""
        if self.severity == "info" or not self.is_certain:
            return Effect.SAME
        return Effect.WORSE if self.is_new else Effect.BETTER

    def as_fields(self) -> dict[str, Any]:
        """Return an element of `findings`."""
        return {
            "id": self.id,
            "direction": self.direction,
            "severity": self.severity,
            "title": self.title,
            "change": "new" if self.is_new else "gone",
            "rests_on": self.rests_on.value if self.rests_on else None,
            "certain": self.is_certain,
            "outcome": self.outcome.value,
        }


class NotCompared(NamedTuple):
    """A figure that cannot be compared, and why."""

    id: FigureId
    direction: Direction | None
    reason: str

    def as_fields(self) -> dict[str, Any]:
        """Return an element of `not_compared`."""
        direction = self.direction.value if self.direction else None
        return {"id": self.id.value, "direction": direction, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs side by side. `differs` names what they do not have in common, before and after."""

    before: Mapping[str, Any]
    differs: Mapping[str, tuple[str | None, str | None]]
    figures: tuple[ComparedFigure, ...]
    findings: tuple[ComparedFinding, ...]
    not_compared: tuple[NotCompared, ...]

    @property
    def outcome(self) -> Effect:
        """Of all: `changed` where some is better and some worse."""
        effects = {row.outcome for row in self.figures} | {row.outcome for row in self.findings}
        told = effects - {Effect.SAME}
        if not told:
            return Effect.SAME
        judged = told - {Effect.CHANGED}
        return judged.pop() if len(judged) == 1 else Effect.CHANGED

    def as_fields(self, name: str) -> dict[str, Any]:
        """Return the `comparison` of a summary; `name` is what the run before is called."""
        return {
            "outcome": self.outcome.value,
            "before": {"name": name, **self.before},
            "differs": {name: list(both) for name, both in self.differs.items()},
            "figures": [row.as_fields() for row in self.figures],
            "findings": [row.as_fields() for row in self.findings],
            "not_compared": [row.as_fields() for row in self.not_compared],
        }


def compare(before: Fields, after: Fields) -> Comparison:
    """Compare the summaries of two diagnoses, as `--json` prints them.

    What either does not hold (an older summary, a recording without times, a call without a
    conversation) is told as not compared; what neither has to do with is left out.
    """
    figures: list[ComparedFigure] = []
    untold: list[NotCompared] = []
    for figure, direction, one, other in _pairs(before, after):
        try:
            figures.append(_compared(figure, direction, one, other))
        except Untold as why:
            untold.append(NotCompared(figure.id, direction, str(why)))
    about: dict[str, Any] = {name: _text(before.get(name)) for name in ("target", "verdict")}
    metrics = mapping(before.get("metrics"))
    about |= {name: _figure(metrics.get(name)) for name in ("frames", "duration_seconds")}
    forms = {name: (_text(before.get(name)), _text(after.get(name))) for name in _SAME}
    differs = {name: both for name, both in forms.items() if both[0] != both[1]}
    findings = tuple(_findings(before, after, figures))
    return Comparison(about, differs, tuple(figures), findings, tuple(untold))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _figure(value: Any) -> float | None:
    return value if is_number(value) else None


def _pairs(
    before: Fields, after: Fields
) -> Iterator[tuple[Figure, Direction | None, Fields, Fields]]:
    """Each figure with where it is read; what neither run has is no question."""
    for figure in (row for row in FIGURES if row.is_of_both):
        part = "far_end" if figure.id is FigureId.HOLES else "conversation"
        if before.get(part) or after.get(part):
            yield figure, None, before, after
    for direction, part in METRICS_OF.items():
        one, other = (mapping(fields.get(part)) for fields in (before, after))
        if one or other:
            for figure in (row for row in FIGURES if not row.is_of_both):
                yield figure, direction, one, other


def _compared(
    figure: Figure, direction: Direction | None, before: Fields, after: Fields
) -> ComparedFigure:
    found = []
    for fields, run in zip((before, after), _RUNS, strict=True):
        try:
            found.append(figure.read(fields))
        except Untold as why:
            raise Untold(str(why).replace("{run}", run)) from None
    was, is_now = found
    change = difference(was, is_now)
    is_beyond = (change.low > 0 or change.high < 0) and abs(change.value) >= figure.least
    sign = (change.value > 0) - (change.value < 0)
    outcome = _OF_SIGN[figure.better * sign] if is_beyond else Effect.SAME
    return ComparedFigure(figure.id, direction, figure.unit, was, is_now, change, outcome)


def _findings(
    before: Fields, after: Fields, figures: list[ComparedFigure]
) -> Iterator[ComparedFinding]:
    known, now = _by_place(before), _by_place(after)
    for (name, way), finding in {**now, **known}.items():
        if (name, way) in known and (name, way) in now:
            continue
        figure = next((row for row in FIGURES if name in row.findings), None)
        same = next(
            (
                row.outcome is Effect.SAME
                for row in figures
                if figure and row.id is figure.id and row.direction in (None, way)
            ),
            False,
        )
        yield ComparedFinding(
            name,
            way,
            str(finding.get("severity")),
            str(finding.get("title")),
            (name, way) in now,
            figure.id if figure else None,
            not same,
        )


def _by_place(summary: Fields) -> dict[tuple[str, str | None], Fields]:
    """The findings by id and direction."""
    found = summary.get("findings")
    rows = map(mapping, found if isinstance(found, list) else ())
    return {(str(row.get("id")), _text(row.get("direction"))): row for row in rows if row}
