"""The man pages of `diagnose` and `validate` name every id."""

from __future__ import annotations

from pathlib import Path

from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.shell.judged_sections import FINDINGS, RULE_IDS

MAN = Path("man/man1").resolve()


def test_every_finding_and_rule_is_on_its_page_with_what_it_means() -> None:
    assert {entry.term for entry in FINDINGS} == {str(finding) for finding in FindingId}
    assert {entry.term for entry in RULE_IDS} == {str(rule) for rule in RULES}
    for title, entries in (("diagnose", FINDINGS), ("validate", RULE_IDS)):
        page = (MAN / f"voipbin-stream-{title}.1").read_text()
        shown = {line.replace("\\-", "-") for line in page.splitlines()}
        assert all(f"\\fB{entry.term}\\fR" in shown for entry in entries)
        assert all(len(entry.meaning) > len(entry.term) for entry in entries)
