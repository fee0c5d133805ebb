"""Hours of stream in seconds: memory stays where it is, nothing drifts, every wrap is crossed.

Time is an argument everywhere below the event loop, so that eight hours take as long as their
arithmetic. Half an hour by default (record's hour has a test in tests/session), VOIPBIN_LONG=1
makes it the whole working day.
"""

from __future__ import annotations

import gc
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.faults.streams import LONG
from tests.support.peer import vector_messages
from voipbin_cli.analysis.facts.frames import Message as Row
from voipbin_cli.analysis.facts.frames import from_messages
from voipbin_cli.analysis.playout import PlayoutBuffer
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.audiofile import AudioFile
from voipbin_cli.session.diagnose import KEPT_ROWS, KEPT_SAMPLES
from voipbin_cli.session.listener import Listener
from voipbin_cli.transport.connection import Message

HOURS = 8 if LONG else 0.5
FRAMES = round(HOURS * 180_000)
WARM_FRAMES = 60_000  # twenty minutes: what a report keeps in full is full by then
GROWTH_BYTES = 5_000_000
FRAME_NS = 20_000_000
STALL_FRAMES = 15_000  # one each five minutes, of 300 ms
FAR_PPM = 40  # how much slower the far clock runs than ours
STATM = Path("/proc/self/statm")
# None of them silent: a second that begins with zeros is a loss of its own to a diagnosis.
PAYLOADS = [message[12:] for _, message in vector_messages("rtp-deployed")[10:40]]
RECONNECT_FRAMES = 30_000

pytestmark = [
    pytest.mark.skipif(not STATM.exists(), reason="needs /proc"),
    pytest.mark.timeout(900),
]


def resident_bytes() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096


def arrival_ns(number: int) -> int:
    """On the far clock's grid, with 3 ms of jitter; a stall lets what it held come at once."""
    jitter_ns = number * 7919 % 3001 * 1000
    held = number % STALL_FRAMES
    stalled_ns = (15 - held) * FRAME_NS if held < 15 else 0
    return number * (FRAME_NS + FRAME_NS * FAR_PPM // 1_000_000) + jitter_ns + stalled_ns


def rtp(number: int, first_timestamp: int) -> bytes:
    """RFC 3550 section 5.1; both counters wrap (section 5.1: modulo 2^16 and 2^32)."""
    header = struct.pack(
        *("!BBHII", 0x80, 96, (65_000 + number) & 0xFFFF),
        *((first_timestamp + number * 160) & 0xFFFFFFFF, 0),
    )
    return header + PAYLOADS[number % len(PAYLOADS)]


def stream(frames: int) -> Iterator[Message]:
    """One source; its timestamps wrap 30 s from the start."""
    first = (1 << 32) - 1500 * 160
    return (Message(arrival_ns(n), rtp(n, first)) for n in range(frames))


def test_a_recording_keeps_memory_and_the_call_s_clock(tmp_path: Path) -> None:
    """With a reconnect each ten minutes, after each of which the timestamps wrap once more."""
    listener = Listener(Encapsulation.RTP)
    file = AudioFile(str(tmp_path / "hours.wav"))
    warm_bytes = wraps = 0
    for n in range(FRAMES):
        first = (1 << 32) - (n // RECONNECT_FRAMES * RECONNECT_FRAMES + 1500) * 160
        wraps += n % RECONNECT_FRAMES == 1500
        if n and n % RECONNECT_FRAMES == 0:
            file.keep(listener.reopened())
        message = Message(n * FRAME_NS + n * 7919 % 3001 * 1000, rtp(n, first))
        file.keep(listener.take(message))
        if n % 3000 == 2999:
            file.drain()
        if n == WARM_FRAMES:
            warm_bytes = resident_bytes()
    file.keep(listener.finish())
    file.finish()
    grown = resident_bytes() - warm_bytes
    print(f"record: {HOURS} h, {wraps} timestamp wraps, grown by {grown / 1e6:.2f} MB")
    assert wraps == HOURS * 6
    assert listener.decoder.verdict is not None
    assert listener.decoder.verdict.timestamp_step == 160
    assert file.samples == FRAMES * 160
    assert file.filled_seconds == 0
    assert grown < GROWTH_BYTES


def test_a_diagnosis_keeps_memory_and_counts_every_frame() -> None:
    fold = StreamFold(Encapsulation.RTP, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS)
    warm_bytes = 0
    messages = stream(FRAMES)
    # In handfuls, as a live run gets them.
    for n in range(0, FRAMES, 50):
        rows = [Row(m.data, m.arrival_ns) for m in itertools.islice(messages, 50)]
        fold.add(from_messages(rows))
        if n == WARM_FRAMES:
            fold.measured()
            warm_bytes = resident_bytes()
    fold.flush()
    told = fold.measured().as_fields()
    grown = resident_bytes() - warm_bytes
    print(f"diagnose: {HOURS} h, grown by {grown / 1e6:.2f} MB, {told['clock_drift_ppm']} ppm")
    assert told["frames"] == FRAMES
    # RFC 3550 A.1 counts from the second packet on: the first one is on probation.
    counts = {"missing": 0, "duplicate": 0, "reordered": 0}
    assert told["sequence"] == {"expected": FRAMES - 1, "received": FRAMES - 1, **counts}
    assert told["lost_audio_ms"] == 0
    assert abs(told["clock_drift_ppm"]) == pytest.approx(FAR_PPM, abs=2)
    assert told["jitter_clock_hz"] == 8000
    assert told["interarrival_jitter_ms"]["mean"] < 3
    assert told["malformed_messages"] == 0
    assert grown < GROWTH_BYTES


def test_a_playout_buffer_keeps_memory_and_delay() -> None:
    """The far clock is 40 ppm slow: 144 ms an hour, which the buffer has to take up."""
    buffer = PlayoutBuffer()
    samples = np.zeros(160, np.int16)
    frames = ((arrival_ns(n), n) for n in range(FRAMES))
    arrival, _ = next(frames)
    warm_bytes = 0
    end_ns = arrival_ns(FRAMES - 1)
    delays: list[float] = []
    for n in range(end_ns // FRAME_NS):
        now_ns = n * FRAME_NS
        while arrival <= now_ns:
            buffer.push(arrival, samples)
            arrival, _ = next(frames, (end_ns * 2, 0))
        buffer.pull(now_ns, 160)
        if n % STALL_FRAMES == STALL_FRAMES - 1:
            delays.append(buffer.stats.delay_ms)
        if n == WARM_FRAMES:
            warm_bytes = resident_bytes()
    grown = resident_bytes() - warm_bytes
    told = buffer.stats
    print(
        f"playout: {HOURS} h, grown by {grown / 1e6:.2f} MB, delay {min(delays):.1f} to "
        f"{max(delays):.1f} ms, {told.drift_ppm:.1f} ppm, {told.late_ratio:.4%} late"
    )
    assert told.frames >= FRAMES - 10
    assert abs(told.drift_ppm) == pytest.approx(FAR_PPM, abs=10)
    assert max(delays) < 150
    assert told.late_ratio < 0.01
    assert told.concealed_ratio < 0.01
    assert grown < GROWTH_BYTES
