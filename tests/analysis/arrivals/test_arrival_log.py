"""Messages as rows, and the figures of a stream: whichever way it was cut into chunks."""

from __future__ import annotations

import base64
import random
import struct
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.runs import MS, START_NS, Run, arrivals, fold
from tests.support.peer import vector_messages
from tests.support.spread import spread
from voipbin_cli.analysis.arrivals.arrival_log import ArrivalReader
from voipbin_cli.analysis.diagnosis import diagnose
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.playout.target_delay import FIXED_60
from voipbin_cli.analysis.plots import plot_data
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import Told
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.examination import Found
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.payload_types import PayloadType

pytestmark = pytest.mark.slow

RTP, SLN, AUDIOSOCKET = Encapsulation
NONE: frozenset[str] = frozenset()


def _packet(sequence: int, timestamp: int, payload: bytes = b"\x10\x90" * 80) -> bytes:
    return struct.pack("!BBHII", 0x80, 0, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, 7) + payload


def _stream(rows: list[tuple[int, bytes]], **how: object) -> StreamFold:
    stream = StreamFold(RTP, **how)  # type: ignore[arg-type]
    stream.add(from_messages(TimedMessage(data, time_ns) for time_ns, data in rows))
    stream.flush()
    return stream


@pytest.mark.parametrize("name", ["rtp", "sln", "audiosocket"])
@pytest.mark.parametrize(("dialect", "codec"), [("deployed", "mulaw"), ("linear", "s16le")])
def test_the_platforms_own_messages_are_read(name: str, dialect: str, codec: str) -> None:
    messages = [TimedMessage(data, at) for at, data in vector_messages(f"{name}-{dialect}")]
    stream = StreamFold(Encapsulation(name))
    stream.add(from_messages(messages))
    stream.flush()
    measured = stream.measured()
    assert (measured.frames, measured.malformed) == (len(messages), 0)
    assert measured.reading is not None
    assert measured.reading.codec is Codec(codec)
    assert measured.dialect == dialect
    assert measured.frame_ms == 20.0


def test_several_audiosocket_frames_in_a_message_are_rows_of_their_own() -> None:
    body = bytes(range(160)) * 2
    frame = b"\x10\x01\x40" + body
    reader = ArrivalReader(AUDIOSOCKET)
    rows = reader.read(from_messages([TimedMessage(frame + frame, 5), TimedMessage(frame, 6)]))
    assert rows.time_ns.tolist() == [5, 5, 6]
    assert [rows.payload(n) for n in range(3)] == [body] * 3


def test_what_is_no_frame_is_counted_apart() -> None:
    reader = ArrivalReader(RTP)
    got = [
        TimedMessage(_packet(1, 160), 0),
        TimedMessage(b"\x80\x00", 1),
        TimedMessage("MEDIA_START", 2),
    ]
    assert len(reader.read(from_messages(got))) == 1
    assert (reader.messages, reader.malformed, reader.texts) == (3, 1, 1)


SCENARIOS = [
    *("clean", "stall", "lost-audio", "jitter", "sequence", "misaligned", "codec-change"),
    *("frame-size", "wrong-rate", "upstream-loss"),
]


@pytest.mark.parametrize(("scenario", "encapsulation"), spread(SCENARIOS, Encapsulation))
def test_chunks_change_no_figure(scenario: str, encapsulation: Encapsulation) -> None:
    """One by one, at once, or as it happens: live and offline are the same."""
    run = Run(scenario, scenario, NONE, encapsulation, lag=((3.0, 200.0),))
    got = arrivals(run)
    rng = random.Random(scenario)
    chunks = (1, len(got), lambda: rng.randint(1, 60))
    whole = [diagnose(fold(run, got, chunk)) for chunk in chunks]
    assert whole[0] == whole[1] == whole[2]


@pytest.mark.parametrize("scenario", ["clean", "codec-change", "noise"])
def test_chunks_change_no_figure_after_the_first_minute(scenario: str) -> None:
    """Then a sound is looked at now and then only, and those of a long chunk together."""
    options = {} if scenario != "codec-change" else {"strength": "85"}
    run = Run(scenario, scenario, NONE, options=options, seconds=110.0)
    got = arrivals(run)
    whole = [diagnose(fold(run, got, chunk)) for chunk in (25, 700, len(got))]
    assert whole[0] == whole[1] == whole[2]
    # One each ten seconds: the next look after 85 s is at 90, frame 4500.
    assert [change.frame for change in whole[0].measured.changes] == (
        [4500] if scenario == "codec-change" else []
    )


def test_the_jitter_is_computed_at_the_streams_own_clock() -> None:
    """A perfect stream whose timestamps count bytes reads 19.97 ms at 8000 Hz, and 0 at 16000."""
    rows = [(n * 20 * MS, _packet(n, 320 * n)) for n in range(101)]
    measured = _stream(rows).measured()
    assert measured.jitter.clock_hz == 16_000
    assert measured.jitter.last_ms == 0.0
    told = _stream(rows, told=Told(PayloadType(0, "PCMU", 8000, 1))).measured()
    assert told.jitter.last_ms == pytest.approx(19.9685, abs=1e-4)  # quality-measures, section 1


def test_alternating_gaps_give_the_reference_jitter() -> None:
    times = np.cumsum([10 + 20 * (n % 2) for n in range(51)]) * MS
    rows = [(int(at), _packet(n, 160 * n)) for n, at in enumerate(times)]
    # Quality-measures, section 1: 9.6032 ms after 50.
    assert _stream(rows).measured().jitter.last_ms == pytest.approx(9.6032, abs=1e-4)


def test_both_wraps_change_nothing() -> None:
    plain = [(n * 20 * MS, _packet(n, 160 * n)) for n in range(200)]
    wrapped = [(n * 20 * MS, _packet(65_500 + n, 0xFFFFFFFF - 8000 + 160 * n)) for n in range(200)]
    one, other = _stream(plain).measured(), _stream(wrapped).measured()
    assert one.jitter == other.jitter
    assert other.reception is not None
    assert (other.reception.missing, other.reception.restarts) == (0, 0)
    assert one.drift == other.drift


def test_a_missing_number_is_no_lost_audio_on_top() -> None:
    kept = [n for n in range(400) if n % 50 != 30]
    stream = _stream([(n * 20 * MS, _packet(n, 160 * n)) for n in kept])
    measured = stream.measured()
    assert measured.reception is not None
    assert measured.reception.missing == 8
    assert (measured.lost_ms, measured.pauses) == (0.0, ())
    assert measured.bursts.lost == 8


def test_a_lost_connection_is_no_gap_and_its_numbers_begin_anew() -> None:
    stream = StreamFold(RTP)
    first = [TimedMessage(_packet(n, 160 * n), n * 20 * MS) for n in range(150)]
    later = [TimedMessage(_packet(n, 160 * n), (4000 + n * 20) * MS) for n in range(150)]
    stream.add(from_messages(first))
    stream.broke(3000 * MS)
    stream.reopened()
    stream.add(from_messages(later))
    stream.flush()
    measured = stream.measured()
    assert measured.reception is not None
    assert (measured.reception.missing, measured.reception.refused) == (0, 2)  # two probations
    assert measured.pauses == ()
    assert measured.intervals is not None
    assert measured.intervals.max == 20.0
    assert [outage.after_ns for outage in measured.outages] == [1000 * MS]
    assert measured.jitter.max_ms == 0.0  # nor is the new source's clock a jump


def test_this_machines_own_gaps_are_excused() -> None:
    run = Run("lag", "clean", NONE, lag=((2.0, 300.0), (5.0, 250.0)))
    got = arrivals(run)
    measured = fold(run, got).measured()
    assert (len(measured.paused(PauseKind.EXCUSED)), measured.stalls) == (2, [])
    assert measured.lag.max_ms == pytest.approx(300.0)
    innocent = fold(replace(run, lag=()), got).measured()
    assert len(innocent.stalls) == 2


def test_the_delay_of_a_stall_is_what_caught_up() -> None:
    # 500 ms without a frame, in which 25 were due: 480 ms late.
    due = [n * 20 for n in range(400)]
    late = [at if not 3000 <= at < 3480 else 3480 for at in due]
    rows = [(START_NS + at * MS, _packet(n, 160 * n)) for n, at in enumerate(late)]
    (stall,) = _stream(rows).measured().stalls
    assert stall.length_ns == 500 * MS
    assert (stall.late_ns, stall.lost_ns) == (500 * MS, 0)
    assert stall.grounds.burst_frames == stall.grounds.due_frames == 24


def test_audio_that_never_came_is_counted_to_the_frame() -> None:
    kept = [n for n in range(500) if not 200 <= n < 210]
    rows = [(n * 20 * MS, b"\x10\x90" * 80) for n in kept]
    stream = StreamFold(SLN, keep_samples=500 * 160)
    stream.add(from_messages(TimedMessage(data, at) for at, data in rows))
    stream.flush()
    measured = stream.measured()
    assert measured.lost_ms == 200.0
    # A report's sound keeps the clock: 490 frames and ten of silence, at 4 s.
    wav = base64.b64decode(plot_data(stream, measured)["wav"])
    samples = np.frombuffer(wav[44:], "<i2")
    assert samples.size == 500 * 160
    assert np.flatnonzero(samples == 0).tolist() == list(range(200 * 160, 210 * 160))


def test_times_that_make_no_sense_fill_no_memory() -> None:
    year = 365 * 86_400 * 1000 * MS
    rows = [(n * 20 * MS + (n > 60) * 40 * year, _packet(n, 160 * n)) for n in range(120)]
    rows += [(n * 20 * MS - year, _packet(n, 160 * n)) for n in range(120, 200)]
    stream = _stream(rows, keep_rows=100)
    assert stream.measured().frames == 200
    assert len(stream.trace.seconds()[0]) <= 7 * 86_400


SPEECH = [data[12:] for _, data in vector_messages("rtp-deployed")[10:40]]


def _spoken(count: int, first: int = 0) -> list[tuple[int, bytes]]:
    return [(n * 20 * MS, _packet(n, 160 * n, SPEECH[n % 30])) for n in range(first, first + count)]


def test_a_stream_of_nothing_lasts_no_time_and_is_late_by_nothing() -> None:
    stream = StreamFold(RTP)
    stream.flush()
    assert (stream.measured().frames, stream.measured().duration_s) == (0, 0.0)
    assert stream.glance() == (0, None, 0.0, 0.0)


def test_a_glance_tells_what_the_figures_tell() -> None:
    """Of each 50 frames five are held back for up to 100 ms: two for longer than 60."""
    late_ms = {7: 100, 8: 80, 9: 60, 10: 40, 11: 20}
    rows = [(at + late_ms.get(n % 50, 0) * MS, data) for n, (at, data) in enumerate(_spoken(500))]
    stream = _stream(rows)
    measured = stream.measured()
    glance = stream.glance()
    assert glance.frames == 500
    assert glance.jitter_ms == measured.jitter.last_ms
    assert glance.late_ratio == measured.buffers[FIXED_60.name].late_ratio == 2 / 50


def test_another_connection_begins_its_numbers_anew() -> None:
    stream = StreamFold(RTP)
    stream.add(from_messages(TimedMessage(data, at) for at, data in _spoken(100)))
    stream.reopened()
    rows = [(100 + n) * 20 * MS for n in range(100)]
    again = [_packet(40_000 + n, 3_000_000 + 160 * n, SPEECH[n % 30]) for n in range(100)]
    stream.add(from_messages(TimedMessage(data, at) for at, data in zip(rows, again, strict=True)))
    stream.flush()
    measured = stream.measured()
    assert measured.frames == 200
    assert measured.reception is not None
    assert (measured.reception.lost, measured.lost_ms, measured.outages) == (0, 0.0, ())
    # Without being told it is one stream whose numbers leap.
    leaping = _stream([*_spoken(100), *zip(rows, again, strict=True)])
    assert leaping.measured().reception != measured.reception


def test_frames_of_two_sizes_are_told_by_the_more_usual_one() -> None:
    rows = [(at, data + data[12:] * (n % 3 == 0)) for n, (at, data) in enumerate(_spoken(300))]
    measured = _stream(rows).measured()
    assert measured.frame_samples == 160
    assert measured.frames == 300


def test_noise_in_the_place_of_speech_fits_no_codec() -> None:
    rng = random.Random(2)
    rows = _spoken(600)
    rows[300:] = [(at, data[:12] + rng.randbytes(160)) for at, data in rows[300:]]
    measured = _stream(rows).measured()
    assert measured.heard_blocks == 24  # of 25 frames each
    assert measured.foreign == Found(Format.UNKNOWN)


def test_a_phone_that_is_silent_for_a_while_has_lost_nothing() -> None:
    """Its timestamps say so (RFC 3551 section 4.1), on a connection as in datagrams."""
    rows = _spoken(200)
    for n in range(200, 400):
        late = 3_000  # ms
        rows.append(((n * 20 + late) * MS, _packet(n, 160 * n + 8 * late, SPEECH[n % 30])))
    phone = _stream(rows, is_datagrams=True, told=Told(PayloadType(0, "PCMU", 8000, 1))).measured()
    assert (phone.lost_ms, phone.stalls) == (0.0, [])
    stream = _stream(rows).measured()
    assert (stream.lost_ms, stream.stalls) == (0.0, [])
    for told in (phone, stream):
        assert [pause.meant_ns for pause in told.paused(PauseKind.MEANT)] == [3000 * MS]
