"""Live runs with their labels: the real command, a peer written by hand, the kernel's own TCP.

Nothing of the package makes what is diagnosed here: the frames are put together in this file from
the recorded messages, the server is tests/support/peer.py, the network two namespaces and a cable
between them.
"""

from __future__ import annotations

import struct
import time
from array import array
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.faults.network import Cable, FarPeer, cable
from tests.faults.streams import Slot, Slots, packets, payload
from tests.support.cli import finish, start, wait_until
from tests.support.peer import Peer, vector_messages

FRAME_S = 0.02
SECONDS = 6
AT_ONCE = 8
CLEAR_FRAMES = 25
NOTHING = "-"


@dataclass(frozen=True)
class LiveRun:
    """One row. `expected` are the findings any of which may come first, `-` for none.

    `slots` says when which message goes out, in seconds; `spoil` what becomes of the cable after
    half a second. A run without either is a healthy stream on loopback.
    """

    label: str
    expected: frozenset[str]
    slots: Callable[[], list[Slot]]
    encapsulation: str = "rtp"
    spoil: Callable[[Cable], None] | None = None
    seconds: int = SECONDS


# What is sent


def on_time(messages: list[bytes], frame_s: float = FRAME_S) -> list[Slot]:
    return [(n * frame_s, message) for n, message in enumerate(messages)]


def healthy() -> list[Slot]:
    return on_time(packets(800))


def with_a_gap() -> list[Slot]:
    """600 ms in which nothing is sent, and nothing made up for: the numbers go on by one."""
    return [(n * FRAME_S + 0.6 * (n >= 100), message) for n, message in enumerate(packets(400))]


def held_back() -> list[Slot]:
    """700 ms of frames wait for the last of them, twice."""
    held = {n: 0.02 * (first + 35) for first in (75, 200) for n in range(first, first + 35)}
    return [(held.get(n, n * FRAME_S), message) for n, message in enumerate(packets(400))]


def with_numbers_missing() -> list[Slot]:
    kept = [message for n, message in enumerate(packets(420)) if n % 25]
    return on_time(kept)


def with_holes() -> list[Slot]:
    """Every twelfth frame is mu-law silence: lost before the platform.

    The frames have no marks: those would soften the edges of the holes. They are those that sound:
    a hole in a pause is none.
    """
    frames = [message[12:] for _, message in vector_messages("rtp-deployed")]
    speech = frames[1:11] + frames[30:43]
    return on_time(
        [
            message[:12] + (speech[n % len(speech)] if n % 12 else b"\xff" * 160)
            for n, message in enumerate(packets(400))
        ]
    )


def of_40_ms() -> list[Slot]:
    header = struct.Struct("!BBHII")
    pairs = [payload(n) + payload(n + 1) for n in range(0, 400, 2)]
    return on_time(
        [header.pack(0x80, 96, n + 1, 320 * n, 0) + pair for n, pair in enumerate(pairs)], 0.04
    )


def byte_swapped() -> list[Slot]:
    frames = [array("H", message) for _, message in vector_messages("sln-linear")][10:40] * 14
    for frame in frames[:30]:  # the others are the same objects
        frame.byteswap()
    return on_time([frame.tobytes() for frame in frames])


def after_a_wav_header() -> list[Slot]:
    frames = [message for _, message in vector_messages("sln-linear")][10:40] * 14
    data = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, 8000,
                       16000, 2, 16) + struct.pack("<4sI", b"data", 0xFFFFFFFF)  # fmt: skip
    return on_time([data + frames[0][44:], *frames[1:]])


def silent() -> list[Slot]:
    return on_time([message[:12] + b"\xff" * 160 for message in packets(400)])


def of_text() -> list[Slot]:
    return [(n * FRAME_S, "MEDIA_START") for n in range(400)]


def losing(percent: int) -> Callable[[Cable], None]:
    return lambda wire: wire.lose(percent)


def carrying(kbit: int) -> Callable[[Cable], None]:
    return lambda wire: wire.slow_down(kbit)


def unplugged(wire: Cable) -> None:
    wire.pull()
    time.sleep(1.0)
    wire.plug()


def _ids(*names: str) -> frozenset[str]:
    return frozenset(names)


PEERS = (
    LiveRun("healthy", _ids(NOTHING), healthy),
    LiveRun("600 ms never sent", _ids("lost-audio"), with_a_gap),
    LiveRun("700 ms held back, twice", _ids("network-stall"), held_back),
    LiveRun("numbers missing", _ids("sequence"), with_numbers_missing),
    LiveRun("holes in the speech", _ids("upstream-loss"), with_holes),
    LiveRun("frames of 40 ms", _ids("frame-size"), of_40_ms),
    LiveRun("bytes swapped", _ids("byte-order"), byte_swapped, "sln"),
    LiveRun("a WAV header first", _ids("not-audio"), after_a_wav_header, "sln"),
    LiveRun("silence", _ids("silence"), silent),
    LiveRun("text only", _ids("not-audio"), of_text),
)
# The stream needs 96 kbit/s where every frame is a packet of its own. TCP repeats a lost packet
# after a few milliseconds or after 200: one in a hundred may do no harm.
CABLES = (
    LiveRun("1 % lost", _ids(NOTHING, "network-stall"), healthy, spoil=losing(1)),
    LiveRun("5 % lost", _ids(NOTHING, "network-stall"), healthy, spoil=losing(5)),
    LiveRun("20 % lost", _ids("network-stall"), healthy, spoil=losing(20)),
    LiveRun("unplugged for a second", _ids("network-stall"), healthy, spoil=unplugged),
    LiveRun("a link of 60 kbit/s", _ids("network-stall"), healthy, spoil=carrying(60), seconds=10),
    LiveRun("a link of 40 kbit/s", _ids("network-stall"), healthy, spoil=carrying(40), seconds=10),
)


def root_cause(run: LiveRun, directory: Path, wire: Cable | None = None) -> str:
    """What the command finds first; `-` for nothing but infos that are not expected."""
    script = Slots(run.slots())
    with FarPeer(wire) if wire else Peer() as peer:
        peer.scripts = [script]  # type: ignore[list-item]
        options = ["-d", str(run.seconds), "-e", run.encapsulation, "--json"]
        command = ["stream", "diagnose", peer.url("/"), *options]
        if wire is None:
            process = start(*command, cwd=directory)
        else:
            process = wire.start(*command, cwd=directory, env={})
            wait_until(lambda: script.sent >= CLEAR_FRAMES)
            run.spoil(wire) if run.spoil else None
        found = finish(process).summary["findings"]
    told = [f["id"] for f in found if f["severity"] != "info" or f["id"] in run.expected]
    return told[0] if told else NOTHING


def root_causes(runs: Sequence[LiveRun], directory: Path) -> list[str]:
    """All of them at the same time, each on a cable of its own where it is about one."""

    def one(numbered: tuple[int, LiveRun]) -> str:
        number, run = numbered
        place = directory / str(number)
        place.mkdir()
        if run.spoil is None:
            return root_cause(run, place)
        with cable() as wire:
            return root_cause(run, place, wire)

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, enumerate(runs)))
