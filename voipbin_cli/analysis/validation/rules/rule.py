"""What a rule is: a row of data with a predicate over columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.codec.encapsulation import Direction, Encapsulation


class Severities(NamedTuple):
    """How grave a broken rule is under each specification; None: it is no rule there."""

    documented: Severity | None
    deployed: Severity | None
    auto: Severity | None

    def under(self, spec: Spec) -> Severity | None:
        """Return the severity under `spec`."""
        severity: Severity | None = getattr(self, spec.value)
        return severity

    @property
    def gravest(self) -> Severity:
        """The gravest of the three."""
        return max((s for s in self if s is not None), key=lambda s: s.rank)


INFO, WARNING, ERROR = Severity.INFO, Severity.WARNING, Severity.ERROR


def always(severity: Severity) -> Severities:
    """The same under each specification."""
    return Severities(severity, severity, severity)


ALL = tuple(Encapsulation)
RTP, SLN, AUDIOSOCKET = (Encapsulation.RTP,), (Encapsulation.SLN,), (Encapsulation.AUDIOSOCKET,)
BOTH = (Direction.IN, Direction.OUT)
RECEIVED, SENT = (Direction.IN,), (Direction.OUT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule.

    `sentence` says what holds for a good frame, `message` what is wrong with a bad one (a format
    string over the names of its facts), `consequence` what becomes of it at the far end.
    `field` names what `dissect` shows of a frame, for marking the bytes; "" is all of it.
    `predicate` takes the facts of a block and returns a mask of the frames that break the rule;
    `mild` those of them that it does no harm to, which are an info.
    """

    id: RuleId
    severities: Severities
    clause: str
    sentence: str
    message: str
    consequence: str
    predicate: Callable[[BlockFacts], Mask]
    encapsulations: tuple[Encapsulation, ...] = ALL
    directions: tuple[Direction, ...] = BOTH
    field: str = ""
    mild: Callable[[BlockFacts], Mask] | None = None

    @property
    def severity(self) -> Severity:
        """The gravest it can be."""
        return self.severities.gravest
