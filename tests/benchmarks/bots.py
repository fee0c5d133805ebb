"""How exactly a bot's answers are timed through the pytest plugin's calls.

Run: python -m tests.benchmarks.bots [TURNS] (in real time, some two seconds a turn)

A bot in a process of its own answers each a set time after the caller's last loud frame came to
it, on an absolute grid, and tells when it really did: on a busy machine it is late itself. What the
call says is compared with both. The caller, the platform and the bot share the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import websockets

from tests.benchmarks.harness import headline
from voipbin_cli import CallHost, Encapsulation, FrameDecoder, HangUp, Packer, Say, WaitForEnd

_ANSWERS_MS = (300, 450, 600, 800, 1000)
_TURNS_A_CALL = 5
_FRAME_S, _LOUD, _PAUSE_FRAMES = 0.02, 100, 12
_TONE = (8000 * np.sin(2 * np.pi * 440 * np.arange(160) / 8000)).astype("<i2").tobytes()
_WITHIN_MS = 20.0


async def answer(url: str, delays_ms: list[int]) -> None:
    """Answer each turn with a tone, so long after the end of its last loud frame was due."""
    decoder = FrameDecoder(Encapsulation.SLN)
    packer = Packer(Encapsulation.SLN)
    spoke, quiet, last_s = False, 0, 0.0
    async with websockets.connect(url) as socket:
        async for message in socket:
            for frame in decoder.feed(message, 0):
                is_loud = np.abs(np.frombuffer(frame.pcm, "<i2").astype(int)).mean() > _LOUD
                quiet = 0 if is_loud else quiet + 1
                if is_loud:
                    spoke, last_s = True, time.monotonic()
            if not spoke or quiet < _PAUSE_FRAMES or not delays_ms:
                continue
            spoke, begun = False, last_s + delays_ms.pop(0) / 1000
            for number in range(25):
                await asyncio.sleep(begun + number * _FRAME_S - time.monotonic())
                if not number:
                    print(1000 * (time.monotonic() - last_s), flush=True)
                await socket.send(packer.pack(_TONE, 160))


def measured(host: CallHost, delays_ms: list[int]) -> tuple[list[float], list[float]]:
    """One call with so many turns: what it says of each answer, and what the bot says."""
    turn = [Say(seconds=0.7), WaitForEnd(timeout_s=4)]
    call = host.call(script=[*turn * len(delays_ms), HangUp()], encapsulation="sln")
    delays = ",".join(map(str, delays_ms))
    command = [sys.executable, "-m", "tests.benchmarks.bots", "--answer", call.url(), delays]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as bot:
        result = call.wait()
        assert bot.stdout is not None
        really = [float(line) for line in bot.stdout.read().split()]
    return list(result.response_ms), really


def main(turns: int) -> None:
    """Measure, and print how far off."""
    wanted = list(islice(cycle(_ANSWERS_MS), turns))
    off: list[tuple[float, float]] = []
    with CallHost() as host:
        for at in range(0, turns, _TURNS_A_CALL):
            set_ms = wanted[at : at + _TURNS_A_CALL]
            told, really = measured(host, list(set_ms))
            if not len(told) == len(really) == len(set_ms):
                print(f"{len(set_ms)} turns, {len(told)} answers: left out")
                continue
            off += [
                (is_ - due, is_ - did) for is_, due, did in zip(told, set_ms, really, strict=True)
            ]
    for column, name in enumerate(("what was set", "what the bot did")):
        errors = np.array(off)[:, column]
        far = np.abs(errors)
        print(
            f"against {name}: median {np.median(errors):+.1f} ms, 95 of 100 within "
            f"{np.percentile(far, 95):.1f} ms, the farthest {far.max():.1f} ms"
        )
    within = float((np.abs(np.array(off)[:, 1]) <= _WITHIN_MS).mean())
    headline(f"bots   answers told within {_WITHIN_MS:.0f} ms", within, f"of {len(off)}", "1")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--answer"]:
        with contextlib.suppress(websockets.ConnectionClosed):
            asyncio.run(answer(sys.argv[2], [int(ms) for ms in sys.argv[3].split(",")]))
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 100)
