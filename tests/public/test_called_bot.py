"""A bot is called by a simulated platform: the call, and what is asserted of it."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from voipbin_cli import (
    CallHost,
    CallResult,
    ConnectionFailed,
    HangUp,
    NothingToJudge,
    Say,
    UsageError,
    WaitForBegin,
    WaitForEnd,
    diagnose,
    open_stream,
)

TONE = (8000 * np.sin(np.arange(4000) ** 1.3 / 40)).astype(np.int16)  # half a second, rising
ONE_TURN = [Say(seconds=0.3), WaitForEnd(timeout_s=2.0), HangUp()]


@pytest.fixture(scope="module")
def host() -> Iterator[CallHost]:
    with CallHost() as running:
        yield running


async def _bot(url: str, *, answers_after: int) -> None:
    """Says the tone once so many frames were heard, and stays to the end."""
    async with open_stream(url, reconnect=False) as stream:
        heard = 0
        while (await stream.receive()) is not None:
            heard += 1
            if heard == answers_after:
                await stream.send(TONE)


async def _called(host: CallHost) -> CallResult:
    call = host.call(script=ONE_TURN)
    with suppress(ConnectionFailed):  # its API is gone with the call
        await _bot(call.url(), answers_after=25)
    return await call.finished()


@pytest.fixture(scope="module")
def result(host: CallHost) -> CallResult:
    return asyncio.run(_called(host))


def test_a_call_tells_what_the_phone_heard(result: CallResult) -> None:
    assert result.outcome.ended_by == "caller"
    assert 3000 < np.count_nonzero(result.heard) <= 4000
    # The bot speaks after the 25th frame, half a second into the call; the caller ended at 0.3 s.
    assert len(result.response_ms) == 1
    assert 100 < result.response_ms[0] < 1500
    assert result.heard_share is not None
    assert result.heard_share > 0.5
    assert result.digits == ""
    assert result.diagnosis.metrics_sent is not None
    assert result.diagnosis["close"]["cause"] == "call-ended"


def test_what_was_heard_is_asserted(result: CallResult, tmp_path: Path) -> None:
    wanted, other = tmp_path / "tone.wav", tmp_path / "other.wav"
    for path, samples in ((wanted, TONE), (other, np.roll(TONE[::-1], 99))):
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(samples.tobytes())
    result.assert_heard(wanted, min_correlation=0.6)
    with pytest.raises(AssertionError, match=r"did not hear .*other.wav: best correlation 0\."):
        result.assert_heard(other)
    with pytest.raises(AssertionError, match=r"the phone heard it late, after 0\.01 s"):
        result.assert_heard(wanted, 0.6, within_s=0.01)


def test_how_soon_the_bot_answered_is_asserted(result: CallResult) -> None:
    result.assert_response_ms(p50=1500, p95=1500, most=1500)
    with pytest.raises(AssertionError, match=r"response p95 is \d+ ms, 10 are allowed"):
        result.assert_response_ms(p95=10)
    with pytest.raises(AssertionError, match="there was no barge-in to measure"):
        result.assert_barge_in_ms(p95=500)


def test_what_is_kept_can_be_judged_again(result: CallResult, tmp_path: Path) -> None:
    capture, heard, report, figures = result.keep(tmp_path / "kept")
    assert diagnose(capture).verdict == result.diagnosis.verdict
    with wave.open(str(heard)) as file:
        assert file.readframes(file.getnframes()) == result.heard.tobytes()
    assert "<html" in report.read_text(encoding="utf-8")
    assert json.loads(figures.read_text())["ended_by"] == "caller"
    assert result.keep(tmp_path / "kept")


def test_many_calls_are_open_at_once(host: CallHost) -> None:
    calls = [host.call(script=ONE_TURN, encapsulation="sln") for _ in range(20)]
    assert len({call.api_url for call in calls}) == 20
    assert not calls[0].is_over
    for call in calls:
        assert "encapsulation=sln" in call.url()
        call.close()


def test_a_call_that_no_bot_took_part_in_says_so(host: CallHost) -> None:
    call = host.call(script=ONE_TURN)
    assert call.env["VOIPBIN_TOKEN"] in call.env["VOIPBIN_STREAM_URL"]
    with pytest.raises(TimeoutError):
        call.wait(0.05)
    with pytest.raises(NothingToJudge, match="no bot ever took part"):
        call.result()


def test_a_script_of_a_file_and_a_scenario_are_taken(host: CallHost, tmp_path: Path) -> None:
    script = tmp_path / "caller.toml"
    script.write_text('[[caller]]\ndo = "press"\ndigits = "1"\n')
    call = host.call(script=script, scenario="jitter,strength=20", dialect="linear", seed=3)
    call.close()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scenario": "stal"}, "there is no scenario 'stal'"),
        ({"sed": 1}, "no option 'sed'"),
        ({"script": []}, "the caller does nothing"),
        ({"script": "no.toml"}, "no.toml"),
    ],
)
def test_what_cannot_be_called_is_refused(
    host: CallHost, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        host.call(**asked)  # type: ignore[arg-type]


def test_a_bot_that_is_silent_was_waited_for_in_vain(host: CallHost) -> None:
    async def silent() -> CallResult:
        call = host.call(script=[WaitForBegin(timeout_s=0.2), HangUp()])
        with suppress(ConnectionFailed):
            await _bot(call.url(), answers_after=10_000)
        return await call.finished()

    result = asyncio.run(silent())
    assert result.outcome.timeouts == 1
    with pytest.raises(AssertionError, match="the phone heard nothing of the bot"):
        result.assert_no_holes()


def test_a_bot_s_server_is_dialed(host: CallHost) -> None:
    """AudioSocket over TCP: its bot sends back each frame of sound as it comes."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(3)
                payload = await reader.readexactly(int.from_bytes(head[1:]))
                if head[0] == 0x10:
                    writer.write(head + payload)
        writer.close()

    async def dialed() -> CallResult:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        script = [Say(seconds=0.4), WaitForEnd(timeout_s=1.5), HangUp()]
        call = host.call(script=script, dial=f"tcp://127.0.0.1:{port}")
        result = await call.finished()
        server.close()
        return result

    result = asyncio.run(dialed())
    assert result.outcome.ended_by == "caller"
    assert len(result.outcome.bot) >= 1
    assert result.diagnosis["encapsulation"] == "audiosocket"
    assert result.diagnosis.metrics_sent is not None


def test_a_server_that_is_not_there_is_said(host: CallHost) -> None:
    call = host.call(script=ONE_TURN, dial="tcp://127.0.0.1:1")
    with pytest.raises(ConnectionFailed, match=r"^127\.\S+ refused the connection$"):
        call.wait()
