"""A bot with the websockets package, tested as its developer would test it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voipbin_cli import BotCall, CallResult, HangUp, Say, WaitForEnd

BOT = Path(__file__).with_name("parrot.py")
SCRIPT = [Say(seconds=0.8), WaitForEnd(timeout_s=4), HangUp()]

pytestmark = pytest.mark.slow


def called(voipbin_call: Callable[..., BotCall], *options: str) -> CallResult:
    call = voipbin_call(script=SCRIPT)
    with subprocess.Popen([sys.executable, str(BOT), call.url(), *options]):
        return call.wait()


def test_it_answers_in_time_and_without_holes(voipbin_call: Callable[..., BotCall]) -> None:
    result = called(voipbin_call)
    result.assert_response_ms(p95=1500)
    result.assert_no_holes(max_share=0.1)


def test_relative_sleeps_are_caught(voipbin_call: Callable[..., BotCall]) -> None:
    result = called(voipbin_call, "--fault", "relative-sleeps")
    with pytest.raises(AssertionError, match="holes of"):
        result.assert_no_holes(max_share=0.1)
    assert any(found.direction == "out" for found in result.diagnosis.findings)
