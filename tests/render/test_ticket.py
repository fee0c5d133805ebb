"""The block for a ticket: what whoever takes it over asks for first, and nothing made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.main import main
from voipbin_cli.render.ticket import Listened, show_ticket, ticket_text

SPAN = Listened(
    datetime(2026, 11, 29, 2, 0, tzinfo=UTC), datetime(2026, 11, 29, 2, 0, 30, tzinfo=UTC)
)


def finding(name: str, severity: str, side: str, **evidence: Any) -> dict[str, Any]:
    told = {"title": f"what {name} is", "remedy": "do this", "confidence": 0.97}
    return {"id": name, "severity": severity, "side": side, "evidence": evidence, **told}


def summary(*findings: dict[str, Any], verdict: str = "degraded", **more: Any) -> dict[str, Any]:
    metrics = {"duration_seconds": 30.0, "frames": 1500, "mos": {"value": 3.8, "reason": None}}
    return {
        "target": "call/5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90",
        "verdict": verdict,
        "findings": list(findings),
        "metrics": metrics,
        "encapsulation": "rtp",
        "dialect": "deployed",
        "codec": "mulaw",
        **more,
    }


def test_it_says_what_where_whose_and_what_to_do() -> None:
    stall = finding("network-stall", "warning", "link", count=2, longest_ms=706.0)
    text = ticket_text(summary(stall, finding("jitter", "warning", "link")), SPAN)
    for said in (
        "### VoIPBIN media stream: degraded, network-stall",
        "- **call:** `call/5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90`",
        "- **time:** 2026-11-29T02:00:00.000Z to 2026-11-29T02:00:30.000Z (UTC)",
        "- **cause:** what network-stall is (network-stall, 97% sure)",
        "- **whose side:** the link between this machine and the platform",
        "2 stalls, the longest 0.71 s",
        "- **remedy:** do this",
        "- **also:** jitter (warning)",
        "- **measured:** 30.0 s, 1500 frames; MOS 3.80",
        "**To tell the customer:** The sound is held up on the network",
        "- stream: encapsulation rtp, dialect deployed, codec mulaw",
        "- versions: voipbin ",
    ):
        assert said in text


def test_support_gets_the_request_ids_wherever_they_are() -> None:
    refused = finding("forbidden", "error", "settings", http_status=403, request_id="b-2")
    close = {"cause": "refused", "code": None, "reason": "", "details": [{"request_id": "a-1"}]}
    text = ticket_text(summary(refused, verdict="bad", close=close), SPAN)
    assert "- request ids: `a-1`, `b-2`" in text
    assert "- end: refused\n" in text
    assert "None" not in text


def test_what_is_fine_and_what_is_unknown_is_told_as_that() -> None:
    text = ticket_text(summary(finding("telephone-events", "info", "call"), verdict="ok"), None)
    assert "- **time:** unknown" in text
    assert "found nothing wrong in what can be measured" in text
    assert "cause" not in text
    assert "request ids" not in text


@pytest.mark.parametrize("side", Side)
def test_there_is_something_to_tell_the_customer_of_every_side(side: Side) -> None:
    text = ticket_text(summary(finding("hum", "error", str(side))), SPAN)
    (told,) = [line for line in text.splitlines() if line.startswith("**To tell")]
    assert told.endswith(".")
    # No word of the trade that a customer cannot know.
    assert not {"RTP", "codec", "frame", "payload", "jitter"} & set(told.split())


def test_a_name_of_others_is_no_markup() -> None:
    text = ticket_text(summary(target="a`b](http://x)\n# c"), None)
    assert "- **call:** `a'b](http://x)\\n# c`" in text
    close = {"cause": "\x1b[2J", "code": None, "reason": ""}
    told = ticket_text(summary(dialect="\x1b[2J", codec="\x1b[2J", close=close), None)
    assert told.count("\\x1b[2J") == 3
    assert "\x1b" not in told


def test_a_capture_of_others_names_no_call() -> None:
    assert "- **call:** the capture does not say" in ticket_text(summary(target=None), None)


def test_a_capture_tells_its_own_times(capsys: pytest.CaptureFixture[str]) -> None:
    show_ticket(summary(), int(SPAN.ended.timestamp()) * 10**9, None, is_alone=True)
    assert "2026-11-29T02:00:00.000Z to 2026-11-29T02:00:30.000Z" in capsys.readouterr().out
    # One whose clock begins at 0 shows no time of day.
    show_ticket(summary(), 30 * 10**9, None, is_alone=True)
    assert "- **time:** unknown" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flags", [["--json", "--ticket"], ["--json", "--report", "-"], ["--ticket", "--report", "-"]]
)
def test_stdout_takes_one_of_them(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "sim", *flags]) == 2
    assert "both want stdout" in capsys.readouterr().err
