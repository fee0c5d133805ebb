"""The views of a conversation, rendered from figures that stand here."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.conversation.talk_watch import SILENT_DBFS, TalkGlance
from voipbin_cli.render import validating
from voipbin_cli.render.talking import TalkLines
from voipbin_cli.render.validating import ProxyLines
from voipbin_cli.session.relayed_clients import ProxyStatus

SEEN = TalkGlance(
    received_dbfs=-23.4,
    sent_dbfs=SILENT_DBFS,
    caller_speaks=True,
    responses_ms=(300.0, 620.0, 2500.0),
    received_hz=50.0,
    sent_hz=40.0,
    queued_ms=40.0,
)


def shown(columns: int, *glances: TalkGlance) -> str:
    talk = TalkLines("client speaks")
    for glance in glances:
        lines = talk.lines(glance, columns)
    return "\n".join(line.plain for line in lines)


def test_80_columns() -> None:
    assert shown(80, SEEN._replace(received_dbfs=-50.0), SEEN) == (
        "  received                                        ▁▅  -23 dBFS  caller speaks\n"
        "  sent                                                silence   \n"
        "  answers                                        ▁▂█  2500 ms\n"
        "  frames    50 in, 40 out a second; far end: 40 ms queued"
    )


def test_60_columns() -> None:
    assert shown(60, SEEN) == (
        "  received                     ▅  -23 dBFS  caller speaks\n"
        "  sent                            silence   \n"
        "  answers                    ▁▂█  2500 ms\n"
        "  frames    50 in, 40 out a second; far end: 40 ms queued"
    )


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    assert max(map(len, shown(columns, *[SEEN] * 90).split("\n"))) <= columns


def test_before_anything_came() -> None:
    assert [line.split() for line in shown(80, TalkGlance()).split("\n")] == [
        ["received", "nothing"],
        ["sent", "nothing"],
        ["answers", "none", "yet"],
        ["frames", "0", "in,", "0", "out", "a", "second;", "far", "end:", "0", "ms", "queued"],
    ]


def test_of_a_mix_and_of_what_is_not_taken() -> None:
    said = shown(80, SEEN._replace(is_mix=True, responses_ms=(), is_taken=False))
    assert "somebody speaks" in said
    assert "not told of a mix" in said
    assert "not taken by the far end" in said


def test_colours_are_few_and_red_is_what_is_too_much() -> None:
    received, _, answers, _ = TalkLines("", slow_ms=2000).lines(SEEN, 80)
    assert [str(span.style) for span in answers.spans].count("red") == 1
    assert {str(span.style) for span in received.spans} <= {"cyan", "bold green"}


def test_a_proxy_shows_each_of_its_clients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validating, "terminal_columns", lambda: 80)
    status = ProxyStatus("ws://127.0.0.1:8080/?encapsulation=rtp", 2, 62.0, 10, 10)
    two = ProxyLines("sim", lambda: status, lambda: {0: SEEN, 3: SEEN})
    lines = [line.plain for line in two()]
    assert lines[0] == "● 2 connected  1:02  127.0.0.1:8080 → sim"
    assert [lines[1], lines[6]] == ["  client 0", "  client 3"]
    many = ProxyLines("sim", lambda: status, lambda: dict.fromkeys(range(7), SEEN))
    assert many()[-1].plain == "  and 4 more clients"
    one = ProxyLines("sim", lambda: status, lambda: {5: SEEN})
    assert len(one()) == 5
