"""How exactly the answers of a live bot are timed through `diagnose --proxy`.

Run: python -m tests.benchmarks.answers [TURNS] (in real time, some four seconds a turn)

A hand-written peer speaks sentences of four languages; a client behind the proxy answers each a set
time after its last frame, and notes when it really did. The peer, the client and the proxy share
the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.harness import headline
from tests.corpus.sounds import TEXTS, noise, sentence, to_pcm
from voipbin_cli.offline.diagnose import diagnose_file

_FRAME_S, _FRAME_BYTES = 0.02, 320
_WITHIN_MS = 20.0
_ANSWERS_MS = (200, 300, 450, 600, 800, 1000)
_LEAD_IN_FRAMES, _ANSWER_FRAMES, _REST_FRAMES = 50, 25, 40


class Turn(NamedTuple):
    """What the peer says, and how long after it the bot answers."""

    said: Sequence[bytes]
    answer_ms: int


def frames(sound: np.ndarray) -> list[bytes]:
    """Whole frames of s16le."""
    pcm = to_pcm(sound).astype("<i2").tobytes()
    whole = len(pcm) // _FRAME_BYTES * _FRAME_BYTES
    return [pcm[at : at + _FRAME_BYTES] for at in range(0, whole, _FRAME_BYTES)]


def turns(count: int) -> list[Turn]:
    """So many, in turns of the languages."""
    said = [frames(sentence(voice, number, 160, 50)) for number in range(2) for voice in TEXTS]
    return [Turn(*pair) for pair in islice(zip(cycle(said), cycle(_ANSWERS_MS)), count)]


def spoken(script: Sequence[Turn]) -> Iterator[bytes]:
    """All that the peer sends, in a room of -62 dBFS where it is silent."""
    quiet = frames(noise(1.0, -62.0, np.random.default_rng(1), 1.0))[0]
    yield from [quiet] * _LEAD_IN_FRAMES
    for turn in script:
        yield from turn.said
        silent = turn.answer_ms // 20 + _ANSWER_FRAMES + _REST_FRAMES
        yield from [quiet] * silent


def ends(script: Sequence[Turn]) -> Iterator[tuple[int, Turn]]:
    """The number of each turn's last frame, from 1."""
    at = _LEAD_IN_FRAMES
    for turn in script:
        at += len(turn.said)
        yield at, turn
        at += turn.answer_ms // 20 + _ANSWER_FRAMES + _REST_FRAMES


async def paced(pieces: Iterator[bytes], start: float) -> AsyncIterator[bytes]:
    """A frame each 20 ms from `start` on, by deadlines that do not add up waits."""
    for number, piece in enumerate(pieces):
        await asyncio.sleep(max(0.0, start + number * _FRAME_S - time.monotonic()))
        yield piece


async def answered(port: int, script: Sequence[Turn]) -> list[float]:
    """Be the bot; return after how many ms each answer really began."""
    took: list[float] = []
    voice = frames(sentence("en-us", 1, 170, 45))[:_ANSWER_FRAMES]
    answers = set()
    async with connect(f"ws://127.0.0.1:{port}/") as stream:

        async def answer(heard: float, delay_ms: int) -> None:
            begun = False
            async for piece in paced(iter(voice), heard + delay_ms / 1000):
                if not begun:
                    took.append((time.monotonic() - heard) * 1000)
                    begun = True
                await stream.send(piece)

        due, number = dict(ends(script)), 0
        async for _ in stream:
            number += 1
            if number in due:
                task = asyncio.create_task(answer(time.monotonic(), due[number].answer_ms))
                answers.add(task)
    await asyncio.gather(*answers, return_exceptions=True)
    return took


async def read_all(client: ServerConnection) -> None:
    """Read what comes, to the end."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in client:
            pass


async def run(script: Sequence[Turn], capture: Path) -> list[float]:
    """Peer, proxy and bot; the proxy writes `capture`."""

    async def peer(client: ServerConnection) -> None:
        # What waits unread keeps the library from the answers to its pings.
        reading = asyncio.create_task(read_all(client))
        try:
            async for piece in paced(spoken(script), time.monotonic()):
                await client.send(piece)
        except ConnectionClosed:
            pass
        reading.cancel()

    async with serve(peer, "127.0.0.1", 0) as server, serve(peer, "127.0.0.1", 0) as free:
        port, proxy_port = (one.sockets[0].getsockname()[1] for one in (server, free))
        free.close()
        await free.wait_closed()
        command = [sys.executable, "-m", "voipbin_cli", "stream", "diagnose"]
        target = [f"ws://127.0.0.1:{port}/", "-e", "sln", "--no-reconnect", "-q"]
        kept = ["--proxy", str(proxy_port), "--capture", str(capture)]
        proxy = subprocess.Popen([*command, *target, *kept])
        try:
            await asyncio.sleep(3)
            return await answered(proxy_port, script)
        finally:
            await asyncio.sleep(1)
            proxy.send_signal(signal.SIGINT)
            proxy.wait(30)


def main(count: int) -> None:
    """Print how far the told times are from the true ones."""
    script = turns(count)
    with tempfile.TemporaryDirectory() as directory:
        capture = Path(directory) / "answers.pcapng"
        true_ms = np.array(asyncio.run(run(script, capture)))
        talk = diagnose_file(str(capture)).worst.diagnosis.talk
    assert talk is not None, "both sides are heard"
    told_ms = np.array(talk.turns.response)
    if len(told_ms) != len(true_ms):
        sys.exit(f"{len(true_ms)} answers were given, {len(told_ms)} told")
    off_ms = told_ms - true_ms
    print(f"median {np.median(off_ms):+.1f} ms, {off_ms.min():+.1f} to {off_ms.max():+.1f}")
    within = float(np.mean(np.abs(off_ms) <= _WITHIN_MS))
    headline(f"answers   told within {_WITHIN_MS:.0f} ms", within, f"of {count}", "1")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
