"""The rules of `validate`: one line each, or all there is to know of one."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.rules import RULES, Rule
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.render.jsonl import emit_list
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.render.violations import STYLES, WAYS
from voipbin_cli.text import did_you_mean, printable


def show_rules(*, as_json: bool) -> None:
    """Print every rule, one line each."""
    if as_json:
        emit_list("rule", map(_fields, RULES.values()))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("RULE", "SEVERITY", "OF", "DIRECTION"):
        table.add_column(name, no_wrap=True)
    table.add_column("WHAT HOLDS FOR A GOOD FRAME", ratio=1)
    for rule in RULES.values():
        table.add_row(
            Text(rule.id, "bold"),
            Text(rule.severity.value, STYLES[rule.severity]),
            _encapsulations(rule),
            _ways(rule),
            rule.sentence,
        )
    stdout_console().print(table)


def _fields(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "severity": rule.severity.value,
        "severities": {
            spec.value: severity.value if (severity := rule.severities.under(spec)) else None
            for spec in Spec
        },
        "encapsulations": [encapsulation.value for encapsulation in rule.encapsulations],
        "directions": [direction.value for direction in rule.directions],
        "sentence": rule.sentence,
        "consequence": rule.consequence,
        "reference": rule.clause,
    }


def explain_rule(name: str, *, as_json: bool) -> None:
    """Print all there is to know of one rule. Raises UsageError for one that is none."""
    rule = RULES.get(name.strip().lower())
    if rule is None:
        raise UsageError(
            f"no rule is called '{printable(name, 60)}'",
            hint=did_you_mean(
                name,
                {str(rule.id): rule.sentence for rule in RULES.values()},
                "--list-rules names them",
            ),
        )
    if as_json:
        emit_list("rule", [_fields(rule)])
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("rule", rule.id)
    table.add_row("holds", rule.sentence)
    table.add_row("otherwise", f"{rule.consequence[0].upper()}{rule.consequence[1:]}.")
    table.add_row("of", f"{_encapsulations(rule)}, {_ways(rule)}")
    for spec in Spec:
        severity = rule.severities.under(spec)
        shown = Text(severity.value, STYLES[severity]) if severity else Text("no rule", "dim")
        table.add_row(f"--spec {spec.value}", shown)
    table.add_row("reference", rule.clause)
    stdout_console().print(table)


def _encapsulations(rule: Rule) -> str:
    return (
        "all" if len(rule.encapsulations) == len(Encapsulation) else ", ".join(rule.encapsulations)
    )


def _ways(rule: Rule) -> str:
    return "both" if len(rule.directions) > 1 else WAYS[rule.directions[0]]
