"""`simulate` with a scripted caller, who calls a hand-written server, alone and with others."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from voipbin_cli.commands.simulate import DialOptions, LoadOptions, SimulateOptions, simulate
from voipbin_cli.errors import UsageError

SCRIPT = 'caller = [{ do = "pause", seconds = 0.1 }, { do = "press", digits = "4" }]'


@pytest.fixture
def bot() -> Iterator[tuple[str, list[bytes]]]:
    """AudioSocket over TCP: takes all that comes, and closes when it is over."""
    calls: list[bytes] = []

    def take(peer: socket.socket) -> None:
        with peer:
            said = b""
            while piece := peer.recv(4096):
                said += piece
            calls.append(said)  # before it closes: the caller waits for that

    def accept(server: socket.socket) -> None:
        while True:
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=take, args=(peer,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def script(tmp_path: Path) -> str:
    (tmp_path / "caller.toml").write_text(SCRIPT)
    return str(tmp_path / "caller.toml")


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_call_is_placed_and_told(
    bot: tuple[str, list[bytes]], script: str, capsys: pytest.CaptureFixture[str]
) -> None:
    url, calls = bot
    simulate(SimulateOptions(caller=script, dial=DialOptions(dial=url), json=True))
    call, summary = printed(capsys)
    assert [row["do"] for row in call["rows"]] == ["pause", "press"]
    assert call["digits_pressed"] == "4"
    assert call["heard"] is None
    assert call["ended_by"] == "caller"
    assert summary["event"] == "summary"
    # The call's id comes first, then the key where it was pressed, and in the end the hangup.
    assert [calls[0][:3], calls[0][-3:]] == [b"\x01\x00\x10", b"\x00\x00\x00"]
    assert b"\x03\x00\x014" in calls[0]
    simulate(SimulateOptions(caller=script, dial=DialOptions(dial=url)))
    assert "the bot said nothing" in capsys.readouterr().out


def test_many_calls_are_a_table_and_a_report(
    bot: tuple[str, list[bytes]],
    script: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, calls = bot
    report = tmp_path / "load.html"
    load = LoadOptions(calls=3, ramp=50, report=str(report))
    options = SimulateOptions(caller=script, dial=DialOptions(dial=url), load=load, json=True)
    simulate(options)
    *each, summary = printed(capsys)
    assert [line["event"] for line in each] == ["call"] * len(each)
    assert summary["calls"] == len(each)
    assert summary["calls"] == len(calls) >= 3
    assert summary["calls_at_once"] == 3
    assert summary["sent"] > 0
    assert summary["violations"] == []
    assert summary["load"][-1]["calls_to"] == 3
    assert summary["own_limit_calls"] >= 1
    assert summary["is_reliable"] == (summary["slow_from_calls"] is None)
    assert "<svg" in report.read_text() or "nothing was measured" in report.read_text()
    with pytest.raises(UsageError, match="exists"):
        simulate(options)
    assert not report.is_symlink()


WRONG = [
    (SimulateOptions(dial=DialOptions(asterisk=True)), "not for one that connects"),
    (SimulateOptions(load=LoadOptions(calls=2)), "what do the callers do"),
    (SimulateOptions(load=LoadOptions(until="response_ms.p95=3")), "of many calls"),
    (SimulateOptions(dial=DialOptions(dial="http://x")), "no address of a bot"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_does_not_go_together_is_said(options: SimulateOptions, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        simulate(options)
