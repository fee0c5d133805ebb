"""`voipbin help`: the help of a command, or all that has a word in it."""

from __future__ import annotations

import json

import pytest

from voipbin_cli.main import main


def lines(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, str]]:
    assert main(["help", *words, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("words", [(), ("stream",), ("stream", "record"), ("record",)])
def test_a_commands_help_is_what_the_command_says(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", *words]) == 0
    found = capsys.readouterr().out
    assert main([*words, "--help"]) == 0
    assert found == capsys.readouterr().out


def test_a_word_is_searched_for_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    *found, summary = lines(capsys, "jitter")
    names = {(match["kind"], match["name"]) for match in found}
    assert {("finding", "jitter"), ("scenario", "sim:jitter")} <= names
    assert summary["count"] == len(found)
    assert all("jitter" in f"{m['name']} {m['meaning']}".lower() for m in found)


def test_a_symptom_leads_to_what_may_cause_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "choppy"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in ("network-stall", "lost-audio", "sender-pace"))
    assert "  muted" not in said


def test_several_words_have_to_stand_together(capsys: pytest.CaptureFixture[str]) -> None:
    both, one = lines(capsys, "payload", "type"), lines(capsys, "payload")
    assert {match["kind"] for match in both[:-1]} >= {"option", "rule"}
    assert 1 < len(both) < len(one)


def test_a_person_is_told_where_to_read_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "BYTE-ORDER"]) == 0
    shown = capsys.readouterr().out
    assert "samples are byte-swapped" in shown
    assert "more: voipbin stream diagnose --explain byte-order" in shown


def test_a_word_that_is_nowhere_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "xyzzy"]) == 2
    assert "nothing is called 'xyzzy'" in capsys.readouterr().err
