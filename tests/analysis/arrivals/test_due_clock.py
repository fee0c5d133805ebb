"""By what clock frames were due, and what that makes of buffers, pauses, drift and rates."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus.runs import START_NS
from tests.corpus.wires import Packet, mulaw, packed, s16le
from voipbin_cli.analysis.arrivals.due_clock import DueBy, DueClock
from voipbin_cli.analysis.arrivals.placing import Placed
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.playout.target_delay import ADAPTIVE, FIXED_60, FIXED_200
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import Told
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import PayloadType

pytestmark = pytest.mark.slow

RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
MS = 1_000_000
FRAME_S = 0.02


def _tone(samples: int) -> np.ndarray:
    """Something between a tone and a voice, so that the codec is told within half a second."""
    at = np.arange(samples) / 8000
    loud = 0.5 + 0.5 * np.sin(2 * np.pi * 3 * at)
    return (6000 * loud * np.sin(2 * np.pi * 220 * at + np.sin(2 * np.pi * 5 * at))).astype(
        np.int16
    )


def _speech(count: int, samples: int = 160) -> list[bytes]:
    data = mulaw(_tone(count * samples))
    return [data[at : at + samples] for at in range(0, len(data), samples)]


def _noise(count: int, sizes: tuple[int, ...], seed: int = 1) -> list[bytes]:
    """What no codec explains."""
    rng = Random(seed)
    return [rng.randbytes(rng.choice(sizes)) for _ in range(count)]


def _packets(units: list[bytes], step: int = 160, frame_s: float = FRAME_S) -> list[Packet]:
    return [
        Packet(n * frame_s, unit, 500 + n, 7000 + n * step, 9, 0) for n, unit in enumerate(units)
    ]


def _measured(
    packets: list[Packet],
    encapsulation: Encapsulation = RTP,
    *,
    noise_ms: float = 0.4,
    chunk: int = 700,
    **how: object,
) -> Measured:
    """Read by a machine that is late by `noise_ms` in the mean."""
    rng, latest, got = Random(3), 0.0, []
    for packet in packets:
        latest = max(latest, packet.time_s + rng.expovariate(1000 / noise_ms))
        got.append(TimedMessage(packed(encapsulation, packet), START_NS + round(latest * 1e9)))
    stream = StreamFold(encapsulation, **how)  # type: ignore[arg-type]
    for at in range(0, len(got), chunk):
        stream.add(from_messages(got[at : at + chunk]))
    stream.flush()
    return stream.measured()


def _is_calm(measured: Measured) -> None:
    """No frame is late for any buffer, and an adaptive one soon holds its least."""
    assert [measured.late_ratio(p.name) for p in (FIXED_60, FIXED_200, ADAPTIVE)] == [0, 0, 0]
    assert measured.buffers[ADAPTIVE.name].mean_delay_ms < 36


def _with_events(seconds: float, digits: int, *, in_place: bool) -> list[Packet]:
    """RFC 4733: 100 ms of each second are events, numbered with the audio.

    Either beside it, so that ten numbers stand for 100 ms, or in its place. The timestamp of an
    event is that of its begin.
    """
    found, sequence = [], 100
    for n, unit in enumerate(_speech(round(seconds * 50))):
        second, part = divmod(n, 50)
        is_event = second < digits and 20 <= part < 25
        if is_event:
            begun = 160 * (second * 50 + 20)
            event = bytes((second % 10, 10, *(160 * (part - 19)).to_bytes(2, "big")))
            found.append(Packet(n * FRAME_S, event, sequence, begun, 9, 101, part == 20))
            sequence += 1
        if not (is_event and in_place):
            found.append(Packet(n * FRAME_S, unit, sequence, 160 * n, 9, 0))
            sequence += 1
    return found


@pytest.mark.parametrize("digits", [1, 6, 12])
@pytest.mark.parametrize("in_place", [False, True])
def test_events_between_the_audio_make_nothing_late_and_are_not_missing(
    digits: int, in_place: bool
) -> None:
    measured = _measured(_with_events(15, digits, in_place=in_place))
    _is_calm(measured)
    assert measured.bursts.lost == 0
    assert measured.lost_ms == 0
    assert measured.drift.ppm == pytest.approx(0, abs=100)


@pytest.mark.parametrize("encapsulation", [RTP, SLN, AUDIOSOCKET])
@pytest.mark.parametrize("sizes", [(33,), (20,), (640,), (480,), (38, 60, 71, 96, 110)])
def test_frames_of_a_codec_that_nobody_knows_are_due_each_20_ms(
    encapsulation: Encapsulation, sizes: tuple[int, ...]
) -> None:
    """GSM, G.729, stereo, 24 bits; Opus, whose packets are of any size."""
    _is_calm(_measured(_packets(_noise(600, sizes)), encapsulation))


@pytest.mark.parametrize(("step", "frame_ms"), [(960, 20), (1920, 40), (480, 10), (2880, 60)])
@pytest.mark.parametrize("count", [20, 600])
def test_opus_over_udp_is_due_by_its_timestamps(step: int, frame_ms: int, count: int) -> None:
    packets = _packets(_noise(count, (40, 63, 82, 121)), step, frame_ms / 1000)
    measured = _measured(packets, is_datagrams=True)
    assert measured.late_ratio(FIXED_60.name) == 0
    assert measured.late_ratio(ADAPTIVE.name) == 0


@pytest.mark.parametrize("encapsulation", [SLN, AUDIOSOCKET])
@pytest.mark.parametrize("rate_hz", [6000, 11_025, 12_000, 16_000, 24_000, 44_100])
def test_another_sample_rate_makes_nothing_late_and_is_told(
    encapsulation: Encapsulation, rate_hz: int
) -> None:
    """Frames of 160 samples, so many a second as the rate makes."""
    data = s16le(_tone(160 * 900))
    units = [data[at : at + 320] for at in range(0, len(data), 320)]
    measured = _measured(_packets(units, frame_s=160 / rate_hz), encapsulation, noise_ms=0.1)
    _is_calm(measured)
    assert measured.samples_hz == pytest.approx(rate_hz, rel=0.01)


@pytest.mark.parametrize("frame_ms", [17, 19, 20.4, 21, 22, 25])
@pytest.mark.parametrize("encapsulation", [RTP, SLN, AUDIOSOCKET])
def test_a_sender_whose_timer_is_off_is_steady_and_nothing_is_late(
    encapsulation: Encapsulation, frame_ms: float
) -> None:
    measured = _measured(_packets(_speech(900), frame_s=frame_ms / 1000), encapsulation)
    _is_calm(measured)
    # Against the pace of its own arrivals no clock drifts.
    assert measured.drift.ppm is None
    assert measured.samples_hz == pytest.approx(160_000 / frame_ms, rel=0.01)


@pytest.mark.parametrize("hold_ms", [120, 300])
def test_what_a_link_holds_back_is_late_by_the_pace_too(hold_ms: int) -> None:
    """Of frames that come each 20 ms those due in a stall are late, whatever is in them."""
    packets = _packets(_noise(900, (33,)))
    held = [
        replace(p, time_s=max(p.time_s, 10 + hold_ms / 1000) if p.time_s >= 10 else p.time_s)
        for p in packets
    ]
    due = sum(hold_ms - 20 * n > 60 for n in range(hold_ms // 20))
    assert _measured(held, SLN).buffers[FIXED_60.name].late == pytest.approx(due, abs=1)


@pytest.mark.parametrize("encapsulation", [RTP, SLN])
@pytest.mark.parametrize("lost_ms", [100, 400, 1000])
def test_audio_that_never_came_in_the_first_seconds_leaves_the_samples_the_clock(
    encapsulation: Encapsulation, lost_ms: int
) -> None:
    packets = [
        replace(p, time_s=p.time_s + (lost_ms / 1000 if n >= 50 else 0))
        for n, p in enumerate(_packets(_speech(600)))
    ]
    measured = _measured(packets, encapsulation)
    assert measured.lost_ms == lost_ms
    _is_calm(measured)
    assert measured.drift.ppm == pytest.approx(0, abs=100)


@pytest.mark.parametrize("encapsulation", [RTP, SLN])
def test_a_timer_that_wakes_up_late_and_makes_up_for_it_hides_no_losses(
    encapsulation: Encapsulation,
) -> None:
    """Gaps of 21, 21 and 18 ms, as of a busy machine, and 400 ms lost each two seconds."""
    off_s = (0.0, 0.001, 0.002)
    packets = [
        replace(p, time_s=p.time_s + off_s[n % 3] + 0.4 * (n // 97))
        for n, p in enumerate(_packets(_speech(660)))
    ]
    measured = _measured(packets, encapsulation)
    assert measured.lost_ms == 6 * 400
    assert not measured.stalls


@pytest.mark.parametrize("jitter_ms", [40, 120, 400])
@pytest.mark.parametrize("encapsulation", [RTP, SLN, AUDIOSOCKET])
def test_jitter_is_judged_against_the_samples(encapsulation: Encapsulation, jitter_ms: int) -> None:
    """Of frames late by up to so much, in order, (J - 60) / J and more are late for 60 ms."""
    rng, latest, packets = Random(jitter_ms), 0.0, []
    for p in _packets(_speech(900)):
        latest = max(latest, p.time_s + rng.uniform(0, jitter_ms / 1000))
        packets.append(replace(p, time_s=latest))
    late = _measured(packets, encapsulation, noise_ms=0.01).late_ratio(FIXED_60.name)
    assert late is not None
    assert late >= max(0.0, 1 - 60 / jitter_ms) - 0.1
    assert late == 0 or jitter_ms > 60


def test_timestamps_that_begin_anew_are_no_hole() -> None:
    packets = [
        replace(p, timestamp=p.timestamp + (n >= 300) * 3_000_000_000)
        for n, p in enumerate(_packets(_speech(600)))
    ]
    _is_calm(_measured(packets))


@pytest.mark.parametrize("encapsulation", [RTP, SLN, AUDIOSOCKET])
@pytest.mark.parametrize("held_s", [2, 8, 14])
def test_what_had_been_waiting_says_nothing_against_its_clock(
    encapsulation: Encapsulation, held_s: int
) -> None:
    """All of the first seconds at once, and then each frame when it is due."""
    packets = [replace(p, time_s=max(p.time_s, held_s)) for p in _packets(_speech(900))]
    measured = _measured(packets, encapsulation, noise_ms=0.01)
    assert measured.late_ratio(FIXED_60.name) == 0
    assert measured.quality.value is not None


def test_where_nothing_advances_as_time_does_nothing_is_foretold() -> None:
    """Bytes that are no RTP, at no pace: half of the frames at once, the others whenever."""
    rng, at, packets = Random(5), 0.0, []
    for n, unit in enumerate(_noise(400, (33, 320, 1000))):
        at += rng.choice((0.0, 0.001, 0.09, 0.4))
        packets.append(Packet(at, unit, rng.randrange(65536), rng.randrange(1 << 32), n, 17))
    measured = _measured(packets)
    assert measured.buffers == {}
    assert measured.as_fields()["buffers"] is None
    assert measured.quality.value is None
    assert measured.drift.ppm is None


def test_a_told_clock_that_the_arrivals_deny_is_not_believed() -> None:
    """SDP said 8 kHz, and the packets count at 48: they come each 20 ms, and are due so."""
    packets = _packets(_noise(600, (60, 81)), 960)
    measured = _measured(packets, is_datagrams=True, told=Told(PayloadType(0, "PCMU", 8000, 1)))
    _is_calm(measured)
    assert measured.drift.ppm is None


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**16), st.lists(st.integers(0, 450), max_size=6))
def test_any_cut_gives_the_same_clock(seed: int, cuts: list[int]) -> None:
    """Windows are aligned to the stream's first frame, however its messages were cut."""
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.choice([0, 19, 20, 21, 60], 450) * MS)
    units = _noise(450, (33, 160, 320), seed)
    got = [
        TimedMessage(packed(RTP, Packet(0, unit, n, n * 160)), START_NS + int(at))
        for n, (unit, at) in enumerate(zip(units, times, strict=True))
    ]
    whole = _folded([got])
    edges = [0, *sorted(cuts), 450]
    parts = [got[a:b] for a, b in pairwise(edges)]
    assert _folded(parts) == whole


def _folded(parts: list[list[TimedMessage]]) -> tuple[object, ...]:
    stream = StreamFold(RTP)
    for part in parts:
        stream.add(from_messages(part))
    stream.flush()
    measured = stream.measured()
    return measured.buffers, measured.pauses, measured.drift, measured.samples_hz


def _rows(time: Ints, place: Ints, ticks: Ints, *, is_fresh: bool) -> Placed:
    own = np.full(time.size, 20 * MS)
    gap = np.diff(time, prepend=time[0])
    steps, none = np.ones(time.size, np.int64), np.zeros(time.size, np.int64)
    return Placed(time, gap, own, place, ticks, steps, none, none, none, is_fresh)


def test_another_connection_goes_on_where_the_time_says() -> None:
    """Also where the pace is the clock, which knows nothing of the time between."""
    clock = DueClock(is_told=False)
    time = np.arange(100) * 25 * MS
    place = np.arange(100) * 20 * MS
    first = clock.lay(_rows(time, place, place // 125_000, is_fresh=True), 8000)
    assert clock.by is DueBy.PACE
    later = time + 60_000 * MS
    # As `Placer` has it: the first row of a connection is as far from the last as it came after.
    between = later[0] - time[-1]
    moved = place + place[-1] + between
    second = clock.lay(_rows(later, moved, moved // 125_000, is_fresh=True), 8000)
    assert np.ptp(np.concatenate([first.time - first.place, second.time - second.place])) == 0
