"""A server that greets who calls by AudioSocket over TCP: `greeter.py`, which prints its port.

It falls silent when it is interrupted, but with `--fault deaf`.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import struct
import sys
import time

from voipbin_cli import Encapsulation, FrameDecoder

FRAMES, FRAME_S, LOUD = 150, 0.02, 400
AUDIO = b"\x10\x01\x40"  # kind: 16-bit linear at 8 kHz; 320 bytes follow


def tone(number: int) -> bytes:
    """20 ms of it."""
    steps = range(number * 160, (number + 1) * 160)
    return struct.pack("<160h", *(int(8000 * math.sin(math.tau * 440 * at / 8000)) for at in steps))


class Greeting:
    """One call."""

    def __init__(self, writer: asyncio.StreamWriter, *, is_deaf: bool) -> None:
        self._writer, self._is_deaf = writer, is_deaf
        self._is_interrupted = False
        self._decoder = FrameDecoder(Encapsulation.AUDIOSOCKET)

    def hear(self, message: bytes) -> None:
        """Take what the caller says."""
        for frame in self._decoder.feed(message, 0):
            samples = memoryview(frame.pcm).cast("h")
            is_loud = sum(map(abs, samples)) > LOUD * len(samples)
            self._is_interrupted |= is_loud and not self._is_deaf

    async def speak(self) -> None:
        """Greet, each frame at its time, until somebody else speaks."""
        begun = time.monotonic()
        for number in range(FRAMES):
            if self._is_interrupted:
                return
            self._writer.write(AUDIO + tone(number))
            await asyncio.sleep(begun + (number + 1) * FRAME_S - time.monotonic())


async def take_call(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_deaf: bool
) -> None:
    """Greet, and hear the caller to the end."""
    greeting = Greeting(writer, is_deaf=is_deaf)
    speaking = asyncio.ensure_future(greeting.speak())
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readexactly(3)
            greeting.hear(head + await reader.readexactly(int.from_bytes(head[1:])))
    speaking.cancel()
    writer.close()


async def serve(*, is_deaf: bool) -> None:
    """Take calls until somebody ends this process."""
    server = await asyncio.start_server(
        lambda reader, writer: take_call(reader, writer, is_deaf=is_deaf), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(is_deaf="deaf" in sys.argv))
