"""A validation as JUnit XML, for CI services: a rule is a test case, a broken error a failure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.rules import RULES, Rule
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.errors import VoipbinError
from voipbin_cli.text import printable


def to_junit(source: str, summary: dict[str, Any], groups: Sequence[Group]) -> str:
    """Return the document; `source` is what was judged, a path or a target."""
    rules = list(_applying(summary))
    failures = {group.rule.id for group in groups if group.first.severity is Severity.ERROR}
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        root,
        "testsuite",
        name=printable(f"voipbin stream validate {source}"),
        tests=str(len(rules)),
        failures=str(len(failures)),
        errors="0",
    )
    for rule in rules:
        name = f"voipbin.{summary['encapsulation']}"
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=rule.id)
        for group in groups:
            if group.rule.id == rule.id:
                _tell(case, group)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def failed_junit(source: str, error: VoipbinError) -> str:
    """Return the document of a run in which nothing could be judged: an error, and no test."""
    root = ElementTree.Element("testsuites")
    name = printable(f"voipbin stream validate {source}")
    suite = ElementTree.SubElement(
        root, "testsuite", name=name, tests="1", failures="0", errors="1"
    )
    case = ElementTree.SubElement(suite, "testcase", classname="voipbin", name="stream")
    told = ElementTree.SubElement(case, "error", type="error", message=printable(error.message))
    told.text = printable(error.hint)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _applying(summary: dict[str, Any]) -> Iterable[Rule]:
    spec = Spec(summary["spec"])
    for rule in RULES.values():
        if summary["encapsulation"] in rule.encapsulations and rule.severities.under(spec):
            yield rule


def _tell(case: ElementTree.Element, group: Group) -> None:
    first = group.first
    words = printable(f"{first.direction.value} frame {first.frame}: {first.message}")
    more = f"{group.count} frames; {group.rule.consequence}; {group.rule.clause}"
    if first.severity is Severity.ERROR:
        failure = ElementTree.SubElement(case, "failure", type="error", message=words)
        failure.text = more
    else:
        out = ElementTree.SubElement(case, "system-out")
        out.text = f"{first.severity.value}: {words}; {more}"
