"""An open stream: heard, spoken into, closed; in asyncio and in a script."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from voipbin_cli import (
    ConnectionFailed,
    Simulator,
    UsageError,
    diagnose_stream,
    open_stream,
    record,
    record_stream,
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


async def _echoed(url: str, frames: int) -> dict[str, object]:
    async with open_stream(url) as stream:
        async for frame in stream:
            assert frame.samples.dtype == np.int16
            assert len(frame.pcm) == 320
            await stream.send(frame.samples)
            frames -= 1
            if not frames:
                return dict((await stream.close()).fields)
    raise AssertionError("the stream ended first")


@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
def test_frames_are_heard_and_what_is_sent_is_heard_by_the_phone(
    simulator: Simulator, encapsulation: str
) -> None:
    before = simulator.report()
    fields = asyncio.run(_echoed(simulator.url(encapsulation), frames=20))
    assert fields["encapsulation"] == encapsulation
    assert fields["close"] == {"code": 1000, "reason": "", "cause": "finished"}
    assert simulator.report()["received"] - before["received"] == fields["frames_sent"]


def test_a_script_needs_no_event_loop(simulator: Simulator) -> None:
    with open_stream(simulator.url()) as stream:
        heard = [frame for frame, _ in zip(stream, range(5), strict=False)]
        assert stream.is_open
        stream.send(np.zeros(8 * 160, np.int16))
        assert stream.drop_unsent() > 0.1
        stream.send(b"".join(frame.pcm for frame in heard))
        stream.drain()
        assert stream.close()["spoken_seconds"] >= 0.1
        assert not stream.is_open
        with pytest.raises(UsageError, match="the stream is over"):
            stream.send(bytes(320))


def test_the_call_s_end_ends_the_iteration() -> None:
    with (
        Simulator(duration=0.3) as simulator,
        open_stream(simulator.target, api_url=simulator.api_url, token=simulator.token) as stream,
    ):
        assert 5 < len(list(stream)) < 30


def test_a_link_that_is_lost_for_good_is_raised() -> None:
    with Simulator() as simulator, open_stream(simulator.url(), reconnect=False) as stream:
        stream.receive()
        simulator.drop()
        with pytest.raises(ConnectionFailed):
            list(stream)


@pytest.mark.parametrize(
    ("samples", "words"),
    [(b"odd", "3 bytes are no whole samples"), (np.zeros(160), "float64 in 1 dim")],
)
def test_other_samples_are_refused(simulator: Simulator, samples: bytes, words: str) -> None:
    with open_stream(simulator.url()) as stream, pytest.raises(UsageError, match=words):
        stream.send(samples)


def test_what_cannot_be_opened_is_raised_on_entry() -> None:
    with pytest.raises(ConnectionFailed), open_stream("ws://127.0.0.1:1/"):
        raise AssertionError("opened")


def test_a_plain_function_says_what_to_await_inside_an_event_loop() -> None:
    async def call() -> None:
        record("sim", "never.wav")

    with pytest.raises(UsageError) as caught:
        asyncio.run(call())
    assert caught.value.hint == "await record_stream() instead"


def test_a_task_that_is_cancelled_leaves_a_whole_recording(
    simulator: Simulator, tmp_path: object
) -> None:
    path = f"{tmp_path}/call.wav"

    async def cancelled() -> None:
        task = asyncio.ensure_future(record_stream(simulator.url(), path))
        await asyncio.sleep(0.4)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    asyncio.run(cancelled())
    import soundfile

    assert soundfile.info(path).frames > 800


def test_what_is_refused_is_a_finding_of_a_diagnosis() -> None:
    found = asyncio.run(diagnose_stream("ws://127.0.0.1:1/"))
    assert [finding.id for finding in found.findings] == ["cannot-connect"]
    assert found.has_errors
    assert not found.is_ok
