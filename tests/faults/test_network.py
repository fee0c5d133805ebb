"""`record` over a network that loses, stops and chokes: the kernel's own TCP between namespaces.

Every run is on a cable of its own, so they all run at the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.capture.tshark import platform_arrivals_s, platform_packets
from tests.faults.network import FAR_HOST, Cable, FarPeer, cable
from tests.faults.streams import CALL, FRAME_S, TOKEN, Call, Paced, decoded, play
from tests.media.witnesses import by_sox
from tests.support.cli import Result, finish, wait_until
from tests.support.spread import LONG

CLEAR_FRAMES = 25


@dataclass(frozen=True)
class Run:
    """What a recording over a bad cable came to."""

    result: Result
    directory: Path
    packets_lost: int

    @property
    def pcm(self) -> bytes:
        return by_sox(self.directory / "call.wav")

    @property
    def captured(self) -> int:
        return platform_packets(self.directory / "call.pcapng")


def pull_for(seconds: float) -> Callable[[Cable], None]:
    def fault(wire: Cable) -> None:
        wire.pull()
        time.sleep(seconds)
        wire.plug()

    return fault


def losing(percent: int) -> Callable[[Cable], None]:
    return lambda wire: wire.lose(percent)


def choked(kbit: int) -> Callable[[Cable], None]:
    return lambda wire: wire.slow_down(kbit)


# The stream needs 96 kbit/s: 172 bytes of RTP, 4 of WebSocket and 66 below, 50 times a second; 72
# where frames that have waited share a segment.
# Where the very last packet is lost, the frame that TCP repeats stands behind a pause of which
# nobody can tell any more that it would have been made up for: what is sent is compared unfilled.
FAULTS: dict[str, tuple[Callable[[Cable], None], int, list[str]]] = {
    "1 % lost": (losing(1), 250, ["--no-fill"]),
    "5 % lost": (losing(5), 250, ["--no-fill"]),
    "20 % lost": (losing(20), 250, ["--no-fill"]),
    "down for 3 s": (pull_for(3), 300, []),
    # What waits in a queue that fills up is late, and not lost: pings wait as long.
    "a rate under the need": (choked(45), 200, []),
}


def longest_gap_s(arrivals_s: list[float]) -> float:
    return max(after - before for before, after in pairwise(arrivals_s))


# A fault that nobody felt shows nothing: what it has to have done to the arrivals.
BITES: dict[str, Callable[[list[float]], bool]] = {
    # A packet that TCP repeats is late by its shortest timeout, 0.2 s, or by a round trip.
    "20 % lost": lambda arrivals_s: longest_gap_s(arrivals_s) >= 0.1,
    "down for 3 s": lambda arrivals_s: longest_gap_s(arrivals_s) >= 2.5,
    "a rate under the need": lambda arrivals_s: (
        arrivals_s[-1] - arrivals_s[0] > 1.3 * len(arrivals_s) * FRAME_S
    ),
}


def record_over_a_bad_cable(fault: str, directory: Path) -> Run:
    """Half a second in the clear, then the fault; the call ends when all was sent."""
    spoil, frames, options = FAULTS[fault]
    call, paced = Call(), Paced(frames)
    with cable() as wire, FarPeer(wire, routes=call.routes) as peer:
        play(peer, paced, ending=call.end)
        process = wire.start(
            *["stream", "record", CALL, "-o", "call.wav", "--capture", "call.pcapng", "--json"],
            *["--api-url", peer.http_url("/v1.0"), *options],
            cwd=directory,
            env=TOKEN,
        )
        wait_until(lambda: paced.sent >= CLEAR_FRAMES)
        spoil(wire)
        wait_until(lambda: paced.sent == frames, timeout=60)
        call.over.set()
        return Run(finish(process), directory, wire.lost())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Run]]]:
    with cable():  # skips where there can be none
        pass
    with ThreadPoolExecutor(len(FAULTS)) as threads:
        yield {
            fault: threads.submit(record_over_a_bad_cable, fault, tmp_path_factory.mktemp("run"))
            for fault in FAULTS
        }


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_sent_is_in_the_file_to_the_sample(
    fault: str, runs: dict[str, Future[Run]]
) -> None:
    run, frames = runs[fault].result(), FAULTS[fault][1]
    assert run.result.status == 0, run.result.stderr
    assert run.result.summary["close"]["cause"] == "call-ended"
    assert run.pcm == decoded(frames)
    assert run.captured == frames
    if fault in ("5 % lost", "20 % lost"):  # of 1 % there may be none
        assert run.packets_lost > 0
    if bites := BITES.get(fault):
        arrivals_s = platform_arrivals_s(run.directory / "call.pcapng")
        assert bites(arrivals_s)


@pytest.mark.skipif(not LONG, reason="takes 30 s; VOIPBIN_LONG=1 runs it")
def test_a_link_that_is_away_for_longer_than_anyone_waits_is_won_back(tmp_path: Path) -> None:
    """Nothing for 15 s is a lost connection; what was said meanwhile is silence of that length."""
    call, before, after = Call(), Paced(1500), Paced(50, first=2000)
    with cable() as wire, FarPeer(wire, routes=call.routes) as peer:
        play(peer, before, after, ending=call.end)
        process = wire.start(
            *["stream", "record", CALL, "-o", "call.wav", "--json"],
            *["--api-url", peer.http_url("/v1.0")],
            cwd=tmp_path,
            env=TOKEN,
        )
        wait_until(lambda: before.sent >= CLEAR_FRAMES)
        began = time.monotonic()
        pull_for(20)(wire)
        wait_until(lambda: after.sent == 50, timeout=60)
        outage_s = time.monotonic() - began - 1.0
        call.over.set()
        result = finish(process)
    assert result.status == 0
    assert result.summary["reconnects"] == 1
    assert result.summary["filled_seconds"] == pytest.approx(outage_s, abs=0.3)
    pcm = by_sox(tmp_path / "call.wav")
    assert pcm.startswith(decoded(CLEAR_FRAMES))
    assert pcm.endswith(decoded(50, first=2000))


def test_a_host_that_is_not_there_is_no_connection(tmp_path: Path) -> None:
    with cable() as wire, FarPeer(wire) as peer:
        wire.pull()
        process = wire.start(
            *["stream", "record", peer.url("/"), "--connect-timeout", "1", "-o", "call.wav"],
            cwd=tmp_path,
            env={},
        )
        result = finish(process)
    assert result.status == 3
    assert f"voipbin: no route to {FAR_HOST}" in result.stderr
    assert list(tmp_path.iterdir()) == []
