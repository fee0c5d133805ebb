"""SIGKILL at random instants: what a recording and its capture are worth then."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.capture.tshark import platform_packets
from tests.faults.streams import FRAME_BYTES, FRAME_S, LONG, Paced, decoded, play
from tests.media.witnesses import ALL
from tests.support.cli import start, wait_until
from tests.support.peer import Peer
from voipbin_cli.capture.reader import open_capture
from voipbin_cli.capture.records import CapturedMessage
from voipbin_cli.codec.encapsulation import Direction

# The seed is told with every failure; VOIPBIN_SEED repeats a run.
SEED = int(os.environ.get("VOIPBIN_SEED") or random.randrange(1 << 32))
KILLS = 200 if LONG else 6
AT_ONCE = 4
FRAMES = 500
LONGEST_S = 4.0 if LONG else 2.5
MAY_LACK_FRAMES = round(1.0 / FRAME_S)


@dataclass(frozen=True)
class Remains:
    """What a killed recording left in `directory`; `sent` frames had gone out by then."""

    directory: Path
    after_s: float
    sent: int

    @property
    def wav(self) -> Path:
        return self.directory / "call.wav"

    @property
    def capture(self) -> Path:
        return self.directory / "call.pcapng"


def killed_recording(directory: Path, after_s: float) -> Remains:
    """Kill a recording `after_s` after its stream began."""
    paced = Paced(FRAMES)
    with Peer() as peer:
        play(peer, paced)
        process = start(
            *["stream", "record", peer.url("/"), "-o", "call.wav", "--capture", "call.pcapng"],
            cwd=directory,
        )
        wait_until(lambda: paced.sent > 0)
        time.sleep(after_s)
        process.kill()
        sent = paced.sent
        process.communicate()
    return Remains(directory, after_s, sent)


def check_wav(remains: Remains) -> int:
    """Every reader reads the same, it is the start of what was sent, and it is nearly all."""
    if not remains.wav.exists():
        return 0
    readings = {read(remains.wav) for read in ALL.values()}
    (pcm,) = readings
    assert decoded(FRAMES).startswith(pcm)
    return len(pcm) // FRAME_BYTES


def check_capture(remains: Remains) -> int:
    """tshark and we read the same of it, without a complaint."""
    with open_capture(remains.capture) as capture:
        messages = [
            record
            for record in capture.records()
            if isinstance(record, CapturedMessage) and record.direction is Direction.IN
        ]
        assert not capture.truncated
    assert platform_packets(remains.capture) == len(messages)
    return len(messages)


@pytest.mark.timeout(900)
def test_what_is_left_opens_and_lacks_a_second_at_most(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    rng = random.Random(SEED)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = [
            threads.submit(
                killed_recording, tmp_path_factory.mktemp("killed"), rng.uniform(0, LONGEST_S)
            )
            for _ in range(KILLS)
        ]
    lacking_wav, lacking_capture = [], []
    for run in runs:
        remains = run.result()
        lacking_wav.append(remains.sent - check_wav(remains))
        lacking_capture.append(remains.sent - check_capture(remains))
    print(f"seed {SEED}: lacking at most {max(lacking_wav)} and {max(lacking_capture)} frames")
    assert max(lacking_wav) <= MAY_LACK_FRAMES, f"seed {SEED}: {lacking_wav}"
    assert max(lacking_capture) <= MAY_LACK_FRAMES, f"seed {SEED}: {lacking_capture}"
