"""The man pages of `diagnose` and `validate` name every id, and every key of their summaries."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.runs import Run, arrivals, fold
from voipbin_cli.analysis.diagnosis import DiagnosisFold
from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.offline.passed_over import beside_fields
from voipbin_cli.shell.common_sections import METRICS, Entry
from voipbin_cli.shell.judged_sections import FIGURES, FINDINGS, RULE_IDS, SUMMARY

MAN = Path("man/man1").resolve()


def names(entries: tuple[Entry, ...], command: str) -> set[str]:
    return {n for e in entries if command in e.only for n in e.term.split(", ")}


def test_every_finding_and_rule_is_on_its_page_with_what_it_means() -> None:
    assert {entry.term for entry in FINDINGS} == {str(finding) for finding in FindingId}
    assert {entry.term for entry in RULE_IDS} == {str(rule) for rule in RULES}
    for title, entries in (("diagnose", FINDINGS), ("validate", RULE_IDS)):
        page = (MAN / f"voipbin-stream-{title}.1").read_text()
        shown = {line.replace("\\-", "-") for line in page.splitlines()}
        assert all(f"\\fB{entry.term}\\fR" in shown for entry in entries)
        assert all(len(entry.meaning) > len(entry.term) for entry in entries)


def test_every_key_of_a_diagnosis_is_on_its_page() -> None:
    run = Run("", "clean", frozenset(), seconds=2.0)
    told = DiagnosisFold(fold(run, arrivals(run))).summary("sim")
    told |= beside_fields(1, {"STUN": 1})
    assert set(told) <= names(SUMMARY, "diagnose")
    assert set(told["metrics"]) == names((*METRICS, *FIGURES), "diagnose")


def test_every_key_of_a_validation_is_on_its_page(tmp_path: Path) -> None:
    from voipbin_cli.analysis.validation.scope import Scope
    from voipbin_cli.offline.validate import FileValidation

    dump = tmp_path / "dump.bin"
    dump.write_bytes(b"\x10\x01\x40" + bytes(320))
    validation = FileValidation(str(dump), Scope(), None)
    assert list(validation.parts())
    told = {*validation.summary, *beside_fields(1, {"STUN": 1})}
    assert told <= names(SUMMARY, "validate")
