"""The end of a diagnosis of both directions: a verdict for each, and the conversation's table."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from voipbin_cli.render.diagnosis import conversation_table, ended_text, show_streams, verdict_lines

BOTH = {"metrics": {"frames": 1}, "metrics_sent": {"frames": 1}}


def finding(name: str, severity: str, direction: str | None) -> dict[str, Any]:
    way = {} if direction is None else {"direction": direction}
    return {"id": name, "severity": severity, "title": f"the {name}", **way}


def shown(table: Table) -> str:
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        console.print(table)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def test_each_direction_has_its_own_verdict() -> None:
    found = [
        finding("underrun", "error", "out"),
        finding("clipping", "warning", "out"),
        finding("slow-response", "warning", None),
        finding("payload-label", "info", "in"),
    ]
    assert verdict_lines({"findings": found, **BOTH}).plain == (
        "received  ok\nsent      bad: underrun, clipping\nthe call  degraded: slow-response"
    )


def test_what_is_only_told_is_no_verdict() -> None:
    found = [finding("local-lag", "info", None)]
    assert verdict_lines({"findings": found, **BOTH}).plain == "received  ok\nsent      ok"


def test_what_nobody_sent_has_no_verdict() -> None:
    assert verdict_lines({"findings": [], **BOTH, "metrics_sent": None}).plain == "received  ok"


def test_the_conversation_is_a_table() -> None:
    spread = {"min": 300.0, "p50": 440.0, "p95": 600.0, "max": 620.0}
    talk = {"response_ms": spread, "barge_in_ms": None, "uncertainty_ms": 40.0}
    assert shown(conversation_table(talk)) == (
        "ms, ± 40           min    p50    p95    max\n"
        "until we answer  300.0  440.0  600.0  620.0\n"
        "until we yield       -      -      -      -"
    )


def test_clients_are_told_apart_without_a_column_that_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    judged = {"metrics": {"frames": 250}, "verdict": "ok", "findings": []}
    show_streams([("client 1", judged), ("client 0", judged)])
    assert capsys.readouterr().out.split("\n")[0].split() == [
        "stream", "frames", "verdict", "findings",
    ]  # fmt: skip
    show_streams([("a", judged | {"direction": "in"}), ("b", judged)])
    assert capsys.readouterr().out.split("\n")[2].split() == ["b", "250", "-", "ok", "-"]


@pytest.mark.parametrize(
    ("close", "words"),
    [
        (None, ""),
        ({"code": 1006, "cause": "call-ended"}, "the call ended"),
        ({"code": 1000, "cause": "peer"}, "the far end closed the stream (1000)"),
        ({"code": 1000, "cause": "duration"}, ""),
        ({"code": 1011, "cause": "network"}, ""),
    ],
)
def test_a_stream_that_ended_in_order_before_its_time_is_said_to(
    close: dict[str, Any] | None, words: str
) -> None:
    assert ended_text(close) == words
