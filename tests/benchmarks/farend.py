"""What the far-end model says that the phone hears, beside what a simulated phone heard.

    python tests/benchmarks/farend.py [--at-once 6] [--check]

All ways to send (tests/analysis/farend/pacings.py) go into a simulated call and conference, each a
process of its own, over real sockets, in each encapsulation in turn. The model gets the times at
which the messages were really sent, and knows nothing of the phone's clock. Both say what share of
the audio was heard, and what share of the time that it took was holes (where nothing was flushed,
which tears gaps of its own).
`--check` fails where they differ by more than a point: on an idle machine they do not.
"""

from __future__ import annotations

import argparse
import struct
import sys
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from tests.analysis.farend.pacings import PACINGS, PAUSING, Sent  # noqa: E402
from tests.benchmarks.harness import headline  # noqa: E402
from voipbin_cli.analysis.farend.far_end import Heard  # noqa: E402
from voipbin_cli.analysis.farend.far_queue import CALL, CONFERENCE, QueueRule  # noqa: E402
from voipbin_cli.analysis.messages import TimedMessage, from_messages  # noqa: E402
from voipbin_cli.analysis.sent import SentFold  # noqa: E402
from voipbin_cli.analysis.stream import StreamFold  # noqa: E402
from voipbin_cli.codec.encapsulation import Encapsulation  # noqa: E402
from voipbin_cli.simulator.embedded import EmbeddedSimulator  # noqa: E402

RULES: dict[str, QueueRule] = {"call": CALL, "conference": CONFERENCE}
RELEASE_S = 0.7
# No sample of it is zero: so the phone's silence can be told.
SOUND = np.random.default_rng(1).integers(200, 3000, 60_000).astype("<i2").tobytes()
MOST_POINTS = 1.0


class Share(NamedTuple):
    """Percentages: of the audio that was heard, and of the time that was holes."""

    heard: float
    holes: float


class Compared(NamedTuple):
    """What the phone heard, and what the model says that it did."""

    name: str
    kind: str
    phone: Share
    model: Share

    @property
    def apart(self) -> float:
        """Percentage points."""
        return max(abs(one - other) for one, other in zip(self.phone, self.model, strict=True))


def send(url: str, encapsulation: Encapsulation, sent: Sent, rule: QueueRule) -> Heard:
    """Send messages of noise when they are due; return what the model makes of them."""
    messages = []
    with connect(url, compression=None) as connection:
        first = connection.recv()
        assert isinstance(first, bytes)
        start = time.monotonic_ns()
        for n, (due_ns, samples) in enumerate(sent):
            message = packed(encapsulation, n, SOUND[: 2 * samples])
            time.sleep(max(0, start + due_ns - time.monotonic_ns()) / 1e9)
            messages.append(TimedMessage(message, time.monotonic_ns()))
            connection.send(message)
        time.sleep(RELEASE_S)
    return foretold(encapsulation, first, messages, rule)


def packed(encapsulation: Encapsulation, number: int, pcm: bytes) -> bytes:
    """A message of what the simulated platform takes: linear, payload type 96."""
    if encapsulation is Encapsulation.RTP:
        header = struct.pack("!BBHII", 0x80, 96, number & 0xFFFF, 160 * number & 0xFFFFFFFF, 7)
        return header + pcm
    if encapsulation is Encapsulation.AUDIOSOCKET:
        return struct.pack("!BH", 0x10, len(pcm)) + pcm
    return pcm


def foretold(
    encapsulation: Encapsulation, first: bytes, messages: list[TimedMessage], rule: QueueRule
) -> Heard:
    """What the model makes of messages and of when they were sent; the first one that came tells
    what is taken.
    """
    received, sending = StreamFold(encapsulation), StreamFold(encapsulation)
    received.add(from_messages([TimedMessage(first, messages[0].time_ns)]))
    fold = SentFold(sending, received, rule)
    fold.add(from_messages(messages))
    fold.flush()
    side = fold.result()
    assert side is not None
    return side.heard


def compared(name: str, kind: str, encapsulation: Encapsulation, sent: Sent) -> Compared:
    """Send it once into a simulator of its own."""
    with TemporaryDirectory() as directory:
        heard = Path(directory) / "heard.wav"
        return _compared(name, kind, encapsulation, sent, heard)


def _compared(
    name: str, kind: str, encapsulation: Encapsulation, sent: Sent, heard: Path
) -> Compared:
    with EmbeddedSimulator("clean", {"kind": kind}, heard_path=heard) as simulator:
        base = simulator.api_url.replace("http:", "ws:")
        url = f"{base}/{kind}s/{simulator.target_id}/media_stream?encapsulation={encapsulation}"
        told = send(f"{url}&token={simulator.token}", encapsulation, sent, RULES[kind])
        phone = simulator.report()
    is_whole = not told.flushes and not phone["flushes"] and name not in PAUSING
    return Compared(
        name,
        kind,
        Share(100 * phone["heard_ms"] / phone["fed_ms"], holes_of(heard) if is_whole else 0.0),
        Share(100 * told.heard_ms / told.fed_ms, 100 * told.hole_share if is_whole else 0.0),
    )


def holes_of(heard: Path) -> float:
    """Percent of the ticks between the first and the last that sounded, which did not."""
    with wave.open(str(heard)) as file:
        pcm = file.readframes(file.getnframes())
    sounding = [n for n in range(len(pcm) // 320) if any(pcm[n * 320 : n * 320 + 320])]
    if not sounding:
        return 0.0
    ticks = sounding[-1] - sounding[0] + 1
    return 100 * (ticks - len(sounding)) / ticks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-once", type=int, default=6)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    forms = list(Encapsulation)
    runs = [
        (name, kind, forms[(n + m) % len(forms)], sent)
        for n, (name, sent) in enumerate(PACINGS.items())
        for m, kind in enumerate(RULES)
    ]
    rows = []
    with ThreadPoolExecutor(options.at_once) as pool:
        for row in pool.map(lambda run: compared(*run), runs):
            rows.append(row)
            shares = (f"{heard:6.1f} % heard {holes:5.1f} % holes" for heard, holes in row[2:])
            print(f"  {row.name:38} {row.kind:10} {'; foretold '.join(shares)}", flush=True)
    worst = max(rows, key=lambda row: row.apart)
    print(f"worst: {worst.name}, {worst.kind}: {worst.apart:.2f} points apart")
    within = sum(row.apart <= MOST_POINTS for row in rows)
    headline("far end  what the phone heard", within / len(rows), "of them within a point", "1")
    if options.check and within < len(rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
