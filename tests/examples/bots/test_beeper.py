"""A bot in Node, tested as its developer would test it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from voipbin_cli import BotCall, CallResult, HangUp, Say, WaitForEnd

BOT = Path(__file__).with_name("beeper.mjs")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.voipbin(
        encapsulation="sln", script=[Say(seconds=0.6), WaitForEnd(timeout_s=3), HangUp()]
    ),
]


def called(voipbin_call: Callable[..., BotCall], *options: str) -> CallResult:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    call = voipbin_call()
    with subprocess.Popen([node, str(BOT), call.url(), *options]):
        return call.wait()


def test_it_answers_with_a_tone(voipbin_call: Callable[..., BotCall]) -> None:
    result = called(voipbin_call)
    result.assert_response_ms(p95=1500)
    assert result.diagnosis.found("codec-mismatch") is None


def test_mu_law_where_linear_is_due_is_caught(voipbin_call: Callable[..., BotCall]) -> None:
    result = called(voipbin_call, "--fault", "mu-law")
    with pytest.raises(AssertionError, match="codec-mismatch"):
        result.assert_ok()
