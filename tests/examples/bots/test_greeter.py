"""An AudioSocket server, called over TCP and interrupted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from voipbin_cli import BotCall, CallResult, HangUp, Interrupt, SayNothing

BOT = Path(__file__).with_name("greeter.py")
SCRIPT = [Interrupt(after_ms=400, seconds=0.6), SayNothing(seconds=0.8), HangUp()]

pytestmark = pytest.mark.slow


def called(voipbin_call: Callable[..., BotCall], *options: str) -> CallResult:
    command = [sys.executable, str(BOT), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        try:
            return voipbin_call(script=SCRIPT, dial=f"tcp://127.0.0.1:{port}").wait()
        finally:
            server.terminate()


def test_it_falls_silent_when_it_is_interrupted(voipbin_call: Callable[..., BotCall]) -> None:
    called(voipbin_call).assert_barge_in_ms(p95=500)


def test_a_deaf_one_is_caught(voipbin_call: Callable[..., BotCall]) -> None:
    result = called(voipbin_call, "--fault", "deaf")
    with pytest.raises(AssertionError, match="barge-in"):
        result.assert_barge_in_ms(p95=500)
