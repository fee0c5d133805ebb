"""A call's stream that can be told apart frame by frame, on an exact clock."""

from __future__ import annotations

import io
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import soundfile

from tests.support.peer import Answer, Fin, Peer, Send, Step, Until, document, vector_messages

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STREAM = f"/v1.0/calls/{CALL}/media_stream"
STATE = ("GET", f"/v1.0/calls/{CALL}")
TOKEN = {"VOIPBIN_TOKEN": "a-token-that-nobody-may-see"}
OVER = document({"id": CALL, "status": "hangup", "hangup_by": "remote"})
PROGRESSING = document({"id": CALL, "status": "progressing"})
FRAME_S = 0.02
FRAME_BYTES = 320
_SPEECH = [message[12:] for _, message in vector_messages("rtp-deployed")]


def payload(number: int) -> bytes:
    """160 bytes of mu-law speech; four of them, quiet ones, say which frame it is."""
    mark = bytes(0xE0 | (number >> 4 * i & 0x0F) for i in range(4))
    return mark + _SPEECH[10 + number % 30][4:]


def packet(number: int) -> bytes:
    """RTP as the deployed platform sends it (RFC 3550 section 5.1): payload type 96, mu-law."""
    header = struct.pack("!BBHII", 0x80, 96, number + 1 & 0xFFFF, (number + 1) * 160, 0)
    return header + payload(number)


def packets(count: int, first: int = 0) -> list[bytes]:
    """Consecutive messages of one stream."""
    return [packet(number) for number in range(first, first + count)]


def decoded(count: int, first: int = 0) -> bytes:
    """What a recording of them holds, by libsndfile: a decoder that is none of ours."""
    raw = io.BytesIO(b"".join(payload(n) for n in range(first, first + count)))
    samples, _ = soundfile.read(
        raw, channels=1, samplerate=8000, subtype="ULAW", format="RAW", dtype="int16"
    )
    return bytes(samples.astype("<i2").tobytes())


class Paced:
    """A script: `count` frames on the grid of 20 ms; counts what it has sent, and how late."""

    def __init__(self, count: int, *, first: int = 0) -> None:
        self.sent = 0
        self.late_s = 0.0
        self.ending: tuple[Step, ...] = ()
        self._count = count
        self._first = first

    def __iter__(self) -> Iterator[Step]:
        start = time.monotonic()
        for number, message in enumerate(packets(self._count, self._first)):
            time.sleep(max(0.0, start + number * FRAME_S - time.monotonic()))
            yield Send(message)
            # It goes on here once that message is written.
            self.late_s = max(self.late_s, time.monotonic() - start - number * FRAME_S)
            self.sent = number + 1
        yield from self.ending


Slot = tuple[float, bytes | str]


class Slots(Paced):
    """A script of (seconds since the first, message): sent by an absolute clock, late or not."""

    def __init__(self, slots: list[Slot]) -> None:
        super().__init__(0)
        self._slots = slots

    def __iter__(self) -> Iterator[Step]:
        begin = time.monotonic()
        for n, (due_s, message) in enumerate(self._slots):
            time.sleep(max(0.0, begin + due_s - time.monotonic()))
            yield Send(message)
            self.late_s = max(self.late_s, time.monotonic() - begin - due_s)
            self.sent = n + 1
        yield from self.ending


class Call:
    """A call whose state the API tells, with `over` an event that ends it."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.routes = {STATE: self._answer}

    def _answer(self, _request: object) -> Answer:
        return OVER if self.over.is_set() else PROGRESSING

    @property
    def end(self) -> tuple[Step, ...]:
        """Wait for the end of the call, then close as the platform does."""
        return Until(self.over), Fin()


def play(peer: Peer, *scripts: Paced, ending: tuple[Step, ...] = ()) -> None:
    """Give the connections of `peer` their scripts, the last of which ends with `ending`."""
    scripts[-1].ending = ending
    peer.scripts = list(scripts)  # type: ignore[arg-type]


def size_of(path: Path) -> int:
    """Bytes in the file, 0 when there is none."""
    return path.stat().st_size if path.exists() else 0
