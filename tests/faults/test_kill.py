"""SIGKILL at random instants: what a recording and its capture are worth then."""

from __future__ import annotations

import mmap
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from tests.capture.support import open_capture, records_of
from tests.capture.tshark import platform_packets
from tests.faults.streams import (
    CALL,
    FRAME_BYTES,
    FRAME_S,
    TOKEN,
    Call,
    Paced,
    decoded,
    size_of,
)
from tests.media.witnesses import ALL, by_ffmpeg, by_libsndfile, by_sox
from tests.support.cli import start, wait_until
from tests.support.peer import Fin, Peer
from tests.support.spread import LONG
from voipbin_cli.capture.captured import CapturedMessage
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.media.journal import journal_of

# The seed is told with every failure; VOIPBIN_SEED repeats a run.
SEED = int(os.environ.get("VOIPBIN_SEED") or random.randrange(1 << 32))
AT_ONCE = 4
FRAMES = 500
# Of the connection that is lost, or of the call that ends.
FEW_FRAMES = 50
AGAIN = 1000
MAY_LACK_FRAMES = round(1.0 / FRAME_S)


@dataclass(frozen=True)
class Moment:
    """So many kills, each up to `latest_s` after this has begun."""

    kills: int
    latest_s: float


MOMENTS = {
    # Imports, and then what a fast machine comes to.
    "the start": Moment(15 if LONG else 1, 1.5),
    # The opening of the capture, the first messages.
    "the handshake": Moment(25 if LONG else 2, 0.2),
    "the stream": Moment(90 if LONG else 4, 4.0 if LONG else 2.5),
    # The question whether the call is over, the pause, the handshake, the filling with silence.
    "a reconnect": Moment(40 if LONG else 2, 1.0),
    # The last of it into the files; some are too late, and nothing is lost.
    "the end": Moment(30 if LONG else 2, 0.3),
}


# A WAV and a raw file are the recording; beside the others a WAV is.
SUFFIXES = ("wav", "flac", "raw", "ogg", "wav", "opus", "mp3")


@dataclass(frozen=True)
class Remains:
    """What a killed recording left in `directory`; `sent` frames had gone out by then."""

    directory: Path
    suffix: str
    moment: str
    after_s: float
    sent: int

    @property
    def recording(self) -> Path:
        """What holds the sound: a WAV beside a compressed file that is not whole."""
        path = self.directory / f"call.{self.suffix}"
        beside = Path(journal_of(str(path)))
        return beside if beside.exists() else path

    @property
    def capture(self) -> Path:
        return self.directory / "call.pcapng"


def scripts(moment: str) -> list[Paced]:
    """What the peer sends, connection by connection."""
    if moment in ("the start", "the handshake", "the stream"):
        return [Paced(FRAMES)]
    few = Paced(FEW_FRAMES)
    few.ending = (Fin(),)
    return [few, Paced(FRAMES, first=AGAIN)] if moment == "a reconnect" else [few]


def has_begun(moment: str, peer: Peer, first: Paced) -> bool:
    """Whether the process, its connection, its stream have; or the first stream has ended."""
    if moment == "the handshake":
        return peer.connections > 0
    return first.sent >= {"the start": 0, "the stream": 1}.get(moment, FEW_FRAMES)


def killed_recording(directory: Path, suffix: str, moment: str, after_s: float) -> Remains:
    """Kill a recording `after_s` after the moment began."""
    call, connections = Call(), scripts(moment)
    if moment == "the end":
        call.over.set()
    with Peer(routes=call.routes) as peer:
        peer.scripts = connections  # type: ignore[assignment]
        process = start(
            *["stream", "record", CALL, "-o", f"call.{suffix}", "--capture", "call.pcapng"],
            *["--api-url", peer.http_url("/v1.0")],
            cwd=directory,
            env=TOKEN,
        )
        wait_until(lambda: has_begun(moment, peer, connections[0]))
        time.sleep(after_s)
        process.kill()
        sent = sum(paced.sent for paced in connections)
        process.communicate()
    return Remains(directory, suffix, moment, after_s, sent)


def check_recording(remains: Remains) -> int:
    """Every reader reads the same, and it is the start of what was sent; returns its frames."""
    path = remains.recording
    if not path.exists():
        return 0
    if path.suffix in (".ogg", ".opus", ".mp3"):  # whole, and not the same to the bit
        return len(by_libsndfile(path)) // FRAME_BYTES
    raw = path.suffix == ".raw"
    readers = {"flac": [by_libsndfile, by_sox, by_ffmpeg]}.get(path.suffix[1:], ALL.values())
    readings = {path.read_bytes()} if raw else {read(path) for read in readers}
    (pcm,) = readings
    if remains.moment != "a reconnect":
        assert decoded(FRAMES).startswith(pcm)
        return len(pcm) // FRAME_BYTES
    before, after = pcm[: FEW_FRAMES * FRAME_BYTES], pcm[FEW_FRAMES * FRAME_BYTES :]
    # Between them the outage is silence; no frame begins with a sample of it.
    silent = len(after) - len(after.lstrip(b"\0"))
    after = after[silent - silent % 2 :]
    assert decoded(FEW_FRAMES).startswith(before)
    assert decoded(FRAMES, AGAIN).startswith(after)
    return (len(before) + len(after)) // FRAME_BYTES


def check_capture(remains: Remains) -> int:
    """tshark and we read the same of it, without a complaint; returns the messages."""
    if not size_of(remains.capture):
        # Between the making of the file and its first write nothing can have come.
        assert remains.sent == 0
        return 0
    with open_capture(remains.capture) as capture:
        messages = [
            record
            for record in records_of(capture)
            if isinstance(record, CapturedMessage) and record.direction is Direction.IN
        ]
        is_cut = capture.truncated
    if is_cut:
        # The kernel ends a killed process's write early only where a page of the file ends.
        assert size_of(remains.capture) % mmap.PAGESIZE == 0
    else:
        assert platform_packets(remains.capture) == len(messages)
    return len(messages)


@pytest.mark.timeout(900)
def test_what_is_left_opens_and_lacks_a_second_at_most(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    kills = [
        (name, rng.uniform(0, moment.latest_s))
        for name, moment in MOMENTS.items()
        for _ in range(moment.kills)
    ]
    suffixes = cycle(SUFFIXES)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = [
            threads.submit(
                killed_recording, tmp_path_factory.mktemp("killed"), next(suffixes), name, after_s
            )
            for name, after_s in kills
        ]
    for run in runs:
        remains = run.result()
        lacking = remains.sent - check_recording(remains), remains.sent - check_capture(remains)
        what, moment = remains.recording.name, f"{remains.moment} + {remains.after_s:.3f} s"
        print(f"{what}, {moment}: {remains.sent} sent, lacking {lacking}")
        assert max(lacking) <= MAY_LACK_FRAMES, f"seed {SEED}: {remains} lacks {lacking}"
