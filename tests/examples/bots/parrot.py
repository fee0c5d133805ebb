"""A bot that says back what the caller said, with the websockets package: `parrot.py URL`.

`--fault relative-sleeps` sleeps 20 ms after each frame, and so is a little slower than the call;
without it every frame has its own time.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import time

import websockets

from voipbin_cli import Encapsulation, FrameDecoder, Packer

FRAME_S, LOUD, PAUSE_FRAMES = 0.02, 400, 20


def is_loud(pcm: bytes) -> bool:
    """Whether somebody speaks."""
    samples = memoryview(pcm).cast("h")
    return sum(map(abs, samples)) > LOUD * len(samples)


async def say(socket: websockets.ClientConnection, pcm: bytes, *, sleeps: bool) -> None:
    """Send samples as the far end takes them: 16-bit linear under payload type 96."""
    packer = Packer(Encapsulation.RTP, payload_type=96, ssrc=7, sequence_number=0, timestamp=0)
    begun = time.monotonic()
    for number, at in enumerate(range(0, len(pcm) - 319, 320)):
        await socket.send(packer.pack(pcm[at : at + 320], 160))
        await asyncio.sleep(
            FRAME_S if sleeps else begun + (number + 1) * FRAME_S - time.monotonic()
        )


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
                await say(socket, turn[: -320 * quiet], sleeps=sleeps)
                turn, quiet = b"", 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--delay-s", type=float, default=0.2)
    parser.add_argument("--fault", choices=["relative-sleeps"])
    asked = parser.parse_args()
    with contextlib.suppress(websockets.ConnectionClosed):  # the platform hangs up
        asyncio.run(talk(asked.url, asked.delay_s, sleeps=asked.fault is not None))
