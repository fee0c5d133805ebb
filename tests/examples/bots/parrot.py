"""A bot that says back what the caller said, with the websockets package: `parrot.py URL`.

`--fault relative-sleeps` sleeps 20 ms after the work for each frame, which takes some time itself;
without it every frame has a time of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

import websockets

from voipbin_cli import Encapsulation, FrameDecoder, Packer

FRAME_S, FRAME_BYTES = 0.02, 320
LOUD, PAUSE_FRAMES = 400, 15
WORK_S = 0.005


def is_loud(pcm: bytes) -> bool:
    """Whether somebody speaks."""
    samples = memoryview(pcm).cast("h")
    return sum(map(abs, samples)) > LOUD * len(samples)


async def say(socket: websockets.ClientConnection, pcm: bytes, *, sleeps: bool) -> None:
    """Send samples as the far end takes them: 16-bit linear under payload type 96."""
    packer = Packer(Encapsulation.RTP, payload_type=96, ssrc=7, sequence_number=0, timestamp=0)
    begun = time.monotonic()
    for number in range(len(pcm) // FRAME_BYTES):
        time.sleep(WORK_S)  # a voice is made
        frame = pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES]
        await socket.send(packer.pack(frame, FRAME_BYTES // 2))
        due = begun + (number + 1) * FRAME_S
        await asyncio.sleep(FRAME_S if sleeps else due - time.monotonic())


async def talk(url: str, delay_s: float, *, sleeps: bool) -> None:
    """Hear a turn to its end, wait, say it back."""
    decoder = FrameDecoder(Encapsulation.RTP)
    turn, quiet = b"", 0
    async with websockets.connect(url) as socket:
        async for message in socket:
            for frame in decoder.feed(message, 0):
                quiet = 0 if is_loud(frame.pcm) else quiet + 1
                turn += frame.pcm if turn or not quiet else b""
            if turn and quiet >= PAUSE_FRAMES:
                await asyncio.sleep(delay_s)
                await say(socket, turn[: -FRAME_BYTES * quiet], sleeps=sleeps)
                turn, quiet = b"", 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--delay-s", type=float, default=0.2)
    parser.add_argument("--fault", choices=["relative-sleeps"])
    asked = parser.parse_args()
    with contextlib.suppress(websockets.ConnectionClosed):  # the platform hangs up
        asyncio.run(talk(asked.url, asked.delay_s, sleeps=asked.fault is not None))
