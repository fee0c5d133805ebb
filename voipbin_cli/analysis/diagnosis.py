"""The diagnosis of one stream: figures, findings and the verdict, and its summary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voipbin_cli.analysis.findings import Circumstances, Finding, Verdict, find, verdict
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was measured, what that means, and how bad it is."""

    measured: Measured
    findings: tuple[Finding, ...]
    verdict: Verdict

    @property
    def has_errors(self) -> bool:
        """Whether a script has to stop here: exit status 6."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def as_fields(self) -> dict[str, Any]:
        """The part of a summary that is the same live and from a capture."""
        measured = self.measured
        reading = measured.reading
        return {
            "encapsulation": measured.encapsulation.value,
            "dialect": measured.dialect.value if measured.dialect else None,
            "codec": reading.codec.value if reading else None,
            "verdict": self.verdict.value,
            "findings": [finding.as_fields() for finding in self.findings],
            "metrics": measured.as_fields(),
        }


def diagnose(stream: StreamFold, around: Circumstances | None = None) -> Diagnosis:
    """Diagnose what a stream has brought so far."""
    measured = stream.measured()
    findings = find(measured, around or Circumstances())
    return Diagnosis(measured, findings, verdict(findings))
