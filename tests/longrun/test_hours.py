"""Hours of stream in seconds: memory stays where it is, nothing drifts, every wrap is crossed.

Time is an argument everywhere below the event loop, so that eight hours take as long as their
arithmetic. Half an hour by default (record's hour has a test in tests/session), VOIPBIN_LONG=1
makes it the whole working day.

8 kHz wraps 32 bits once in six days. Each three minutes another connection begins, whose numbers
wrap at a frame of choice; what comes of them has to be what comes of numbers that never wrap.
"""

from __future__ import annotations

import gc
import io
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.capture.support import open_capture, records_of
from tests.support.peer import vector_messages
from tests.support.spread import LONG
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.playout.buffer import PlayoutBuffer
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.capture.captured import CapturedEvent
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.capture_log import CaptureLog
from voipbin_cli.session.diagnose import KEPT_ROWS, KEPT_SAMPLES
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.transport.connection import ConnectionEnded, Message, Pings
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import parse_target

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
JITTER_US = 3001
# Three minutes, whose first and last frame are as late: between two connections the far clock is
# known by these alone.
RECONNECT_FRAMES = 3 * JITTER_US + 1
CONNECTIONS = -(-FRAMES // RECONNECT_FRAMES)
# Of a connection a decoder looks at the first timestamps only.
FIRST_STEP, MIDDLE = 1, 1500
UNIX_NS = 1_700_000_000_000_000_000

pytestmark = [
    pytest.mark.skipif(not STATM.exists(), reason="needs /proc"),
    pytest.mark.timeout(900),
]


def resident_bytes() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096


def arrival_ns(number: int) -> int:
    """On the far clock's grid, with 3 ms of jitter; a stall lets what it held come at once."""
    jitter_ns = number % RECONNECT_FRAMES * 7919 % JITTER_US * 1000
    held = number % STALL_FRAMES
    stalled_ns = (15 - held) * FRAME_NS if held < 15 else 0
    return number * (FRAME_NS + FRAME_NS * FAR_PPM // 1_000_000) + jitter_ns + stalled_ns


def rtp(number: int, wrap_at: int | None) -> bytes:
    """RFC 3550 section 5.1; both counters (modulo 2^16 and 2^32) are 0 at a connection's frame."""
    n = number % RECONNECT_FRAMES - (wrap_at or 0)
    header = struct.pack("!BBHII", 0x80, 96, n & 0xFFFF, n * 160 & 0xFFFFFFFF, 0)
    return header + PAYLOADS[number % len(PAYLOADS)]


def have_wrapped(data: bytes) -> bool:
    return data[2:8] == bytes(6)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Eight hours are a gigabyte: nothing is left for pytest to keep."""
    with TemporaryDirectory() as directory:
        yield Path(directory)


def test_a_recording_and_its_capture_keep_memory_and_the_call_s_clock(scratch: Path) -> None:
    listener = MessageDecoder(Encapsulation.RTP)
    file = AudioFile(str(scratch / "hours.wav"))
    logbook = logbook_of(scratch / "hours.pcapng")
    connection: Any = SimpleNamespace()
    warm_bytes = wraps = 0
    for n in range(FRAMES):
        message = Message(n * FRAME_NS + n * 7919 % JITTER_US * 1000, rtp(n, FIRST_STEP))
        if n % RECONNECT_FRAMES == 0:
            if n:
                logbook.hear_pings(message.arrival_ns, Pings([20.0]))
                logbook.lost(message.arrival_ns, ConnectionEnded(1006, "", abrupt=True))
                file.hear_frames(listener.reopened())
            connection = SimpleNamespace()
            logbook.opened(message.arrival_ns, connection)
        logbook.hear_messages([message])
        file.hear_frames(listener.take_messages([message]))
        if have_wrapped(message.data):
            verdict = listener.decoder.verdict
            wraps += verdict is not None and verdict.timestamp_step == 160
        if n % 3000 == 2999:
            file.drain()
            logbook._disk.drain()  # in real time it is at most a quarter of a second behind
        if n == WARM_FRAMES:
            warm_bytes = resident_bytes()
    file.hear_frames(listener.finish())
    file.finish()
    logbook.hear_pings(FRAMES * FRAME_NS, Pings([20.0]))
    logbook.ended(FRAMES * FRAME_NS, Close(Cause.DURATION, 1000))
    logbook.finish()
    grown = resident_bytes() - warm_bytes
    print(f"record: {HOURS} h, {wraps} timestamp wraps, grown by {grown / 1e6:.2f} MB")
    assert wraps == CONNECTIONS
    assert listener.decoder.verdict is not None
    assert listener.decoder.verdict.timestamp_step == 160
    assert file.samples == FRAMES * 160
    assert file.filled_seconds == 0
    assert grown < GROWTH_BYTES
    holds_every_payload(scratch / "hours.wav")
    holds_every_message(scratch / "hours.pcapng")


def logbook_of(path: Path) -> CaptureLog:
    endpoint = Endpoint("http://localhost/v1.0")
    request = LiveRequest(parse_target("sim"), "sim", endpoint, Encapsulation.RTP)
    return CaptureLog(str(path), request, clock=lambda: 0, unix_clock=lambda: UNIX_NS)


def holds_every_payload(path: Path) -> None:
    """By libsndfile: the mu-law of the messages, one after the other, and nothing else."""
    raw = io.BytesIO(b"".join(PAYLOADS))
    form = {"samplerate": 8000, "channels": 1, "format": "RAW", "subtype": "ULAW"}
    said, _ = soundfile.read(raw, dtype="int16", **form)
    with soundfile.SoundFile(path) as file:
        assert file.frames == FRAMES * 160
        for block in file.blocks(len(said), dtype="int16"):
            assert np.array_equal(block, said[: len(block)])


def holds_every_message(path: Path) -> None:
    n = 0
    events = []
    with open_capture(path) as capture:
        for record in records_of(capture):
            if isinstance(record, CapturedEvent):
                events.append(record.name)
                continue
            assert record.data == rtp(n, FIRST_STEP)
            assert record.time_ns == UNIX_NS + n * FRAME_NS + n * 7919 % JITTER_US * 1000
            n += 1
        assert not capture.truncated
    assert n == FRAMES
    assert Counter(events) == {
        "open": CONNECTIONS,
        "rtt": CONNECTIONS,
        "close": CONNECTIONS,
        "end": 1,
    }


def test_a_diagnosis_keeps_memory_and_counts_every_frame() -> None:
    told, grown = diagnosed(MIDDLE)
    print(f"diagnose: {HOURS} h, grown by {grown / 1e6:.2f} MB, {told['clock_drift_ppm']} ppm")
    assert told["frames"] == FRAMES
    # RFC 3550 A.1 counts from the second packet on: the first one is on probation.
    received = FRAMES - CONNECTIONS
    counts = {"missing": 0, "duplicate": 0, "reordered": 0}
    assert told["sequence"] == {"expected": received, "received": received, **counts}
    assert told["lost_audio_ms"] == 0
    assert abs(told["clock_drift_ppm"]) == pytest.approx(FAR_PPM, abs=2)
    assert told["jitter_clock_hz"] == 8000
    assert told["interarrival_jitter_ms"]["mean"] < 3
    assert told["malformed_messages"] == 0
    assert grown < GROWTH_BYTES
    unwrapped, _ = diagnosed(None)
    assert told == unwrapped


def diagnosed(wrap_at: int | None) -> tuple[dict[str, Any], int]:
    """What a diagnosis tells, and how much memory it took beyond its first twenty minutes."""
    fold = StreamFold(Encapsulation.RTP, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS)
    warm_bytes = wraps = 0
    for first in range(0, FRAMES, RECONNECT_FRAMES):
        fold.reopened()
        end = min(first + RECONNECT_FRAMES, FRAMES)
        # In handfuls, as a live run gets them.
        for start in range(first, end, 50):
            numbers = range(start, min(start + 50, end))
            rows = [TimedMessage(rtp(n, wrap_at), arrival_ns(n)) for n in numbers]
            wraps += sum(have_wrapped(row.data) for row in rows)
            fold.add(from_messages(rows))
        if not warm_bytes and end >= WARM_FRAMES:
            fold.measured()
            warm_bytes = resident_bytes()
    assert wraps == CONNECTIONS
    fold.flush()
    return fold.measured().as_fields(), resident_bytes() - warm_bytes


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
