"""The rules of `validate`, as rows: one module an encapsulation, and three that all share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from voipbin_cli.analysis.validation.rules import (
    audio,
    audiosocket,
    message,
    pacing,
    rtp,
    sln,
)
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import RTP, Rule, Severities

__all__ = ["RULES", "Rule", "RuleId", "Severities"]

_ROWS = (
    *message.RULES,
    *(replace(rule, encapsulations=RTP) for rule in rtp.RULES),
    *sln.RULES,
    *audiosocket.RULES,
    *audio.RULES,
    *pacing.RULES,
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ROWS})
"""Every rule by its id, in the order in which they are listed."""

assert len(RULES) == len(_ROWS), "two rules have one id"
