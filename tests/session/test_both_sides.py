"""Two channels on one clock: left what is received, right what was sent at that time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random

import numpy as np
import pytest
import soundfile

from tests.session.fakes import CLOSED, Step, Wait, far_end, frames
from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.analysis.columns import Samples
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.session.both_sides import BothSides
from voipbin_cli.session.play import SendAll
from voipbin_cli.session.recording_file import AudioFile, optional_file
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest

MS = 1_000_000
LEFT, RIGHT = (bytes([value, 0]) * 160 for value in (1, 2))


def channels(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").reshape(-1, 2).T


def spans(channel: Samples) -> list[tuple[int, int]]:
    """From and until (ms) of what is not silent."""
    edges = np.flatnonzero(np.diff(channel != 0, prepend=False, append=False))
    return [(int(at) // 8, int(end) // 8) for at, end in edges.reshape(-1, 2)]


def both(received_ms: list[float], sent_ms: list[float]) -> Samples:
    """Both channels of 20 ms frames that came and were sent at these times."""
    sides, pieces = BothSides(), []
    events = sorted([(at, "in") for at in received_ms] + [(at, "out") for at in sent_ms])
    for at_ms, way in events:
        if way == "in":
            sides.receive(LEFT, round(at_ms * MS))
        else:
            sides.send(round(at_ms * MS), RIGHT)
        pieces.append(sides.take(round(at_ms * MS)))
    return channels(b"".join([*pieces, sides.finish()]))


def every_20_ms(start: float, end: float) -> list[float]:
    return [float(at) for at in np.arange(start, end, 20.0)]


def test_what_is_sent_stands_where_it_was_sent() -> None:
    left, right = both(every_20_ms(500, 2500), every_20_ms(1000, 1400))
    assert (spans(left), spans(right)) == ([(0, 2000)], [(500, 900)])


def test_an_uneven_timer_cuts_no_hole() -> None:
    uneven = [at + (7 if n % 2 else 0) for n, at in enumerate(every_20_ms(300, 900))]
    _, right = both(every_20_ms(0, 2000), uneven)
    assert spans(right) == [(300, 900)]


def test_a_stall_of_what_is_received_moves_nothing_that_is_sent() -> None:
    received = every_20_ms(0, 1000) + [3000.0] * 100 + every_20_ms(3000, 4000)
    left, right = both(received, every_20_ms(1500, 2000))
    assert (spans(left), spans(right)) == ([(0, 4000)], [(1500, 2000)])


def test_what_was_said_before_anything_came_is_kept() -> None:
    left, right = both(every_20_ms(1000, 1500), every_20_ms(400, 600))
    assert (spans(left), spans(right)) == ([(600, 1100)], [(0, 200)])


def test_nothing_but_what_is_sent() -> None:
    left, right = both([], every_20_ms(400, 600))
    assert (spans(left), spans(right)) == ([], [(0, 200)])


def test_a_sender_whose_clock_is_fast_stays_beside_what_is_received() -> None:
    _, right = both(every_20_ms(0, 60_000), [n * 19.9 for n in range(3000)])
    assert abs(spans(right)[-1][1] - 3000 * 19.9) <= 120


def test_what_is_known_is_written_at_once() -> None:
    sides = BothSides()
    written = 0
    for n in range(50):
        sides.receive(LEFT, n * 20 * MS)
        written += len(sides.take(n * 20 * MS)) // 4
    assert written >= 160 * 47  # but for the last 60 ms


class Word:
    """A second of nothing, then half a second of a sound."""

    def __init__(self) -> None:
        self.left = 75

    @property
    def is_over(self) -> bool:
        return not self.left

    def next_frame(self) -> bytes | None:
        if not self.left:
            return None
        self.left -= 1
        return bytes(320) if self.left >= 25 else (1000).to_bytes(2, "little") * 160


def record(path: Path, script: list[Step]) -> list[tuple[float, bytes]]:
    """Say a word into what comes by `script`, record both; return what was sent when (s)."""

    async def main(loop: VirtualTimeLoop) -> None:
        async def sleep(due_ns: int) -> None:
            await asyncio.sleep(max(0.0, due_ns / 1e9 - loop.time()))

        sending = Sending(
            Word(),
            SpeakRequest(),
            Encapsulation.RTP,
            lambda *_: None,
            clock=loop.time_ns,
            sleep=sleep,
            rng=Random(1),
        )
        request = SessionRequest(far.request(), None, None)
        file = AudioFile(str(path), both=True)
        goal = SendAll(sending, None)
        session = Session(
            request, lambda *_: None, [file], source=sending, goal=goal, clock=loop.time_ns
        )
        await session.run()

    with far_end([script]) as far:
        run_virtually(main)
    connection = far.connections[0]
    return list(zip(connection.sent_s, connection.sent, strict=True))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "raw"])
def test_a_file_of_every_format_holds_both(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"both.{suffix}"
    record(path, [*frames(150), CLOSED])
    if suffix == "raw":
        left, right = channels(path.read_bytes())
    else:
        data, rate = soundfile.read(path, dtype="int16")
        assert (rate, data.shape[1]) == (8000, 2)
        left, right = data.T
    loud = np.flatnonzero(np.abs(right.astype(int)) > 500)
    assert 0.48 <= (loud[-1] - loud[0]) / 8000 <= 0.52
    assert np.abs(left[: loud[0] - 1000].astype(int)).max() > 500
    assert np.abs(right[: loud[0] - 1000].astype(int)).max() < 500


def test_the_right_channel_is_on_the_left_ones_clock(tmp_path: Path) -> None:
    path = tmp_path / "both.wav"
    # The first frame comes 20 ms after the clock's 1000 s; then half a second never does.
    script = [*frames(40), Wait(0.5), *frames(110, first=65), CLOSED]
    sent = record(path, script)
    sound = [at for at, message in sent if message[12:] != b"\xff" * 160]
    data, _ = soundfile.read(path, dtype="int16")
    begins = int(np.flatnonzero(data[:, 1])[0]) / 8
    # What is sent ahead of time is heard as much later.
    assert begins == pytest.approx((sound[0] - 1000.02) * 1000, abs=20 + 40)
    gap = np.flatnonzero(np.abs(data[:, 0].astype(int)) > 0)
    assert np.diff(gap).max() / 8 == pytest.approx(500, abs=25)


def test_both_sides_of_no_file_are_refused() -> None:
    with pytest.raises(UsageError, match="nothing is recorded"):
        optional_file(None, overwrite=False, capture=None, both=True)
