"""The findings of `diagnose`, listed and explained from their rows."""

from __future__ import annotations

import json

import pytest

from voipbin_cli.analysis.findings import ROWS
from voipbin_cli.errors import UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.findings import explain_finding, show_findings
from voipbin_cli.shell.values import known_values


def test_every_finding_is_listed_and_offered_by_tab(capsys: pytest.CaptureFixture[str]) -> None:
    show_findings(as_json=True)
    *told, summary = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (summary["event"], summary["count"]) == ("summary", len(told))
    assert {row["id"] for row in told} == {str(finding) for finding in FindingId}
    for row in told:
        assert row["event"] == "finding"
        assert all(row[name] for name in ("severity", "meaning", "rests_on", "remedy")), row
    assert [(row["id"], row["meaning"]) for row in told] == known_values()["findings"]
    show_findings(as_json=False)
    words = capsys.readouterr().out
    assert all(f"{finding}" in words for finding in FindingId)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id.value)
def test_each_is_explained_in_words(row: object, capsys: pytest.CaptureFixture[str]) -> None:
    name = row.id.value  # type: ignore[attr-defined]
    explain_finding(f" {name.upper()}", as_json=False)
    words = " ".join(capsys.readouterr().out.split())
    for said in (name, row.title, row.rests_on, row.remedy):  # type: ignore[attr-defined]
        assert said[:30] in words
    explain_finding(name, as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[0])["id"] == name


def test_what_is_no_finding_is_told_with_what_is_near() -> None:
    with pytest.raises(UsageError) as caught:
        explain_finding("jiter", as_json=False)
    assert "jitter" in caught.value.hint
