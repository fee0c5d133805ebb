"""A validation as SARIF 2.1.0 (OASIS), for code-scanning services."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from voipbin_cli import __version__
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.rules import RULES, Rule
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.errors import VoipbinError
from voipbin_cli.text import printable

SCHEMA_URL = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def to_sarif(source: str, summary: dict[str, Any], groups: Sequence[Group]) -> str:
    """Return the log; `source` is what was judged, a path or a target."""
    numbers = {name: number for number, name in enumerate(RULES)}
    run = {
        "tool": {
            "driver": {
                "name": "voipbin",
                "version": __version__,
                "rules": [_rule(rule) for rule in RULES.values()],
            }
        },
        "properties": {name: summary[name] for name in ("encapsulation", "spec", "frames")},
        "results": [_result(source, group, numbers) for group in groups],
    }
    return _log(run)


def failed_sarif(source: str, error: VoipbinError) -> str:
    """Return the log of a run in which nothing could be judged (SARIF 2.1.0, 3.20.14, 3.20.21)."""
    words = printable(f"{source}: {error.message}")
    run = {
        "tool": {"driver": {"name": "voipbin", "version": __version__}},
        "invocations": [
            {
                "executionSuccessful": False,
                "exitCode": int(error.status),
                "toolExecutionNotifications": [{"level": "error", "message": {"text": words}}],
            }
        ],
        "results": [],
    }
    return _log(run)


def _log(run: dict[str, Any]) -> str:
    return json.dumps({"$schema": SCHEMA_URL, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": f"{rule.sentence} Otherwise {rule.consequence}."},
        "help": {"text": rule.clause},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(source: str, group: Group, numbers: dict[str, int]) -> dict[str, Any]:
    first = group.first
    return {
        "ruleId": first.rule.id,
        "ruleIndex": numbers[first.rule.id],
        "level": LEVELS[first.severity],
        "message": {"text": f"frame {first.frame}: {printable(first.message)}"},
        "occurrenceCount": group.count,
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": quote(source)}},
                "logicalLocations": [{"name": f"frame {first.frame}", "kind": "member"}],
            }
        ],
        "properties": {"direction": first.direction.value, "first_frame": first.frame},
    }
