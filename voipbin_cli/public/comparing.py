"""`compare`: two diagnoses side by side, beyond what chance can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from voipbin_cli.analysis.comparison.comparison import Effect
from voipbin_cli.analysis.comparison.comparison import compare as compared
from voipbin_cli.offline.earlier_run import earlier_summary
from voipbin_cli.public.examiner import Diagnosis
from voipbin_cli.public.summary import Summary

Diagnosed: TypeAlias = Diagnosis | Mapping[str, Any] | str | os.PathLike[str]


class Compared(Summary):
    """What changed from one run to the other; the fields are `comparison` of `diagnose --json`."""

    @property
    def outcome(self) -> Effect:
        """`same`, `better`, `worse`, or `changed` where some is better and some worse."""
        return Effect(self["outcome"])

    @property
    def is_worse(self) -> bool:
        """Whether anything became worse beyond its uncertainty."""
        rows = (*self["figures"], *self["findings"])
        return any(row["outcome"] == Effect.WORSE for row in rows)

    def __str__(self) -> str:
        """Return it in a line."""
        from voipbin_cli.render.comparison import comparison_line

        return comparison_line(self.fields)


def compare(before: Diagnosed, after: Diagnosed, *, name: str = "the run before") -> Compared:
    """Put two diagnoses side by side; only what is beyond its uncertainty counts as changed.

    Args:
        before: a `Diagnosis`, its fields, or a file: a capture, or what `diagnose --json` wrote.
        after: the same of the later run.
        name: what the earlier run is called.

    Raises:
        UsageError: a file that is neither.
        NothingToJudge: a capture without a frame.

    Example:
        >>> from voipbin_cli import compare, diagnose, record
        >>> _ = record("sim", "one.wav", duration_s=1)
        >>> compare("one.wav", diagnose("one.wav")).outcome.value
        'same'
    """
    return Compared(compared(_fields(before), _fields(after)).as_fields(name))


def _fields(told: Diagnosed) -> Mapping[str, Any]:
    if isinstance(told, Diagnosis):
        return told.to_dict()
    return told if isinstance(told, Mapping) else earlier_summary(os.fspath(told))
