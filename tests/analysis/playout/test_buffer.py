"""Listening without a sound card: arrivals in, what would have been heard out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.arrivals import foretold
from voipbin_cli.analysis.playout.buffer import Mode, PlayoutBuffer
from voipbin_cli.analysis.playout.target_delay import ADAPTIVE, FIXED_60, FIXED_200

pytestmark = pytest.mark.slow

MS = 1_000_000
FRAME = 20 * MS


def steady(frames):
    return np.arange(frames, dtype=np.int64) * FRAME


def stalled(frames, starts, length_ms):
    arrivals = steady(frames)
    for start in starts:
        arrivals[start:] = np.maximum(arrivals[start:], start * FRAME + length_ms * MS)
    return arrivals


def voice(samples, pitch_hz=125.0, level=0.2):
    t = np.arange(samples) / 8000
    waves = [np.sin(2 * np.pi * pitch_hz * k * t + k * k) / k for k in range(1, 20)]
    return (level * np.sum(waves, axis=0)).astype(np.float32)


def words(samples, seed=1):
    """Syllables of 200 ms with pauses of faint noise."""
    rng = np.random.default_rng(seed)
    on = np.repeat(rng.random(samples // 1600 + 1) < 0.6, 1600)[:samples]
    envelope = np.convolve(on, np.ones(240) / 240, "same")
    return (voice(samples) * envelope + rng.normal(0, 3e-4, samples)).astype(np.float32)


def listen(buffer, arrivals, audio, *, pull_ns=FRAME, count=160, until=None):
    """Everything pulled, from the first arrival until the last; each frame 160 samples."""
    output, index, now = [], 0, int(arrivals[0])
    end = int(arrivals[-1]) if until is None else until
    while now <= end:
        while index < arrivals.size and arrivals[index] <= now:
            buffer.push(int(arrivals[index]), audio[index * 160 : index * 160 + 160])
            index += 1
        output.append(buffer.pull(now, count))
        now += pull_ns
    return np.concatenate(output)


def steepest(audio):
    return float(np.abs(np.diff(audio)).max())


@pytest.mark.parametrize("start_ms", [20, 40, 60, 200])
def test_steady_frames_are_heard_bit_for_bit_after_the_delay(start_ms):
    audio = words(500 * 160)
    output = listen(PlayoutBuffer(start_ms, Mode.FIXED), steady(500), audio)
    lead = start_ms * 8
    assert not output[:lead].any()
    # 5 ms of fade-in.
    np.testing.assert_array_equal(output[lead + 40 :], audio[40 : output.size - lead])


def test_an_adaptive_buffer_comes_down_to_what_a_steady_stream_needs():
    buffer = PlayoutBuffer()
    output = listen(buffer, steady(1500), words(1500 * 160))
    stats = buffer.stats
    assert stats.concealed_ms == 0
    assert stats.delay_ms < 27
    assert stats.target_ms == 23
    assert steepest(output) < 1.3 * steepest(words(1500 * 160))


def test_sixteen_bit_samples_and_floats_are_the_same():
    ints = (words(200 * 160) * 32768).astype(np.int16)
    floats = ints.astype(np.float32) / 32768
    one = listen(PlayoutBuffer(), steady(200), ints)
    other = listen(PlayoutBuffer(), steady(200), floats)
    np.testing.assert_array_equal(one, other)
    assert one.dtype == np.float32


@pytest.mark.parametrize("ppm", [-300, -50, 50, 300])
def test_a_clock_difference_is_taken_up_without_a_gap(ppm):
    """The sound card runs `ppm` faster than the far end: ten minutes are up to 180 ms."""
    frames = 10 * 60 * 50
    buffer = PlayoutBuffer()
    audio = np.tile(voice(8000), frames * 160 // 8000)
    listen(buffer, steady(frames), audio, pull_ns=round(FRAME / (1 + ppm * 1e-6)))
    stats = buffer.stats
    assert stats.concealed_ms < 40
    assert stats.delay_ms < 40
    assert stats.ratio_ppm == pytest.approx(-ppm, abs=25)
    assert stats.drift_ppm == pytest.approx(-ppm, abs=25)
    # The ratio does it, not samples left out or put in.
    assert stats.skipped_ms + stats.inserted_ms < 60


def test_stalls_raise_the_delay_until_under_one_in_a_hundred_is_late():
    arrivals = stalled(6000, range(300, 6000, 150), 160)
    fixed, adaptive = PlayoutBuffer(60, Mode.FIXED), PlayoutBuffer()
    listen(fixed, arrivals, words(6000 * 160))
    listen(adaptive, arrivals, words(6000 * 160))
    assert fixed.stats.late_ratio > 0.03
    assert adaptive.stats.late_ratio < 0.01
    assert adaptive.stats.concealed_ratio < 0.015
    # 160 ms of stall, 20 for the puller's blocks, 5 of rounding, 3 left alone, and a little.
    assert adaptive.stats.delay_ms < 200


def test_the_delay_shrinks_again_in_the_pauses():
    arrivals = stalled(6000, range(300, 1500, 100), 160)
    buffer = PlayoutBuffer()
    audio = words(6000 * 160)
    listen(buffer, arrivals[:1500], audio[: 1500 * 160])
    high = buffer.stats.delay_ms
    buffer = PlayoutBuffer()
    output = listen(buffer, arrivals, audio)
    assert high > 120
    assert buffer.stats.delay_ms < 30
    assert steepest(output) < 1.4 * steepest(audio)


def test_music_without_pauses_shrinks_too():
    arrivals = stalled(9000, range(300, 1500, 100), 160)
    buffer = PlayoutBuffer()
    audio = voice(9000 * 160, 110.0)
    output = listen(buffer, arrivals, audio)
    assert buffer.stats.delay_ms < 45
    assert steepest(output) < 1.4 * steepest(audio)


@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_ever_clicks(mode):
    rng = np.random.default_rng(2)
    arrivals = stalled(3000, np.flatnonzero(rng.random(3000) < 0.01), 130)
    arrivals[1000:] += 7 * FRAME
    arrivals[2000:] += 700 * MS
    audio = voice(3000 * 160, 140.0)
    buffer = PlayoutBuffer(60, mode)
    output = listen(buffer, arrivals, audio, pull_ns=round(FRAME * 1.0002))
    assert buffer.stats.concealed_ms > 300
    assert steepest(output) < 1.4 * steepest(audio)


@pytest.mark.parametrize("lost", [2, 3, 5, 20])
@pytest.mark.parametrize("mode", list(Mode))
def test_audio_that_never_came_is_concealed_once_and_not_again(lost, mode):
    arrivals = steady(1000)
    arrivals[500:] += lost * FRAME
    buffer = PlayoutBuffer(60, mode)
    listen(buffer, arrivals, words(1000 * 160))
    stats = buffer.stats
    # What was lost, and up to 60 ms until it is told from a stall.
    assert stats.concealed_ms <= lost * 20 + 80
    assert stats.late_frames <= 3
    assert stats.delay_ms < 75 if mode is Mode.ADAPTIVE else 55 < stats.delay_ms < 75


def test_a_stall_that_catches_up_is_no_hole():
    buffer = PlayoutBuffer(60, Mode.FIXED)
    listen(buffer, stalled(1000, [500], 300), words(1000 * 160))
    assert buffer.stats.put_off_ms == 0
    # 300, 280, … 80 ms late: twelve over 60.
    assert buffer.stats.late_frames == 12
    assert buffer.stats.concealed_ms == 240


def test_a_missing_frame_with_positions_told_is_concealed():
    buffer = PlayoutBuffer(60, Mode.FIXED)
    audio = voice(300 * 160)
    output = []
    for n in range(300):
        if n not in (100, 101, 200):
            buffer.push(n * FRAME, audio[n * 160 : n * 160 + 160], position=n * 160)
        output.append(buffer.pull(n * FRAME, 160))
    assert buffer.stats.concealed_ms == 60
    assert buffer.stats.late_frames == 0
    heard = np.concatenate(output)[480:]
    # Three quarters of the way into the first hole the voice, 20 % fainter, still goes on.
    hole = slice(100 * 160 + 40, 100 * 160 + 120)
    assert np.corrcoef(heard[hole], audio[hole])[0, 1] > 0.95
    np.testing.assert_array_equal(heard[110 * 160 : 190 * 160], audio[110 * 160 : 190 * 160])


def test_frames_out_of_order_with_positions_told_are_put_in_order():
    buffer = PlayoutBuffer(60, Mode.FIXED)
    audio = voice(100 * 160)
    output = []
    for n in range(100):
        place = n ^ 1
        buffer.push(n * FRAME, audio[place * 160 : place * 160 + 160], position=place * 160)
        output.append(buffer.pull(n * FRAME, 160))
    assert buffer.stats.concealed_ms == 0
    heard = np.concatenate(output)
    assert np.abs(heard).max() > 0.1
    shifts = [np.corrcoef(heard[4000:8000], audio[4000 - s : 8000 - s])[0, 1] for s in (480, 320)]
    assert max(shifts) > 0.999


def trace(name):
    rng = np.random.default_rng(11)
    frames = 6000
    if name == "clean":
        return steady(frames) + rng.integers(0, 3 * MS, frames)
    if name == "jitter":
        late = (rng.gamma(2.0, 12.0, frames) * MS).astype(np.int64)
        return np.maximum.accumulate(steady(frames) + late)
    return stalled(frames, np.flatnonzero(rng.random(frames) < 1 / 200), 180)


@pytest.mark.parametrize("name", ["clean", "jitter", "stalls"])
@pytest.mark.parametrize("policy", [FIXED_60, FIXED_200, ADAPTIVE], ids=lambda p: p.name)
def test_the_offline_figures_agree_with_what_is_heard(name, policy):
    arrivals = trace(name)
    mode = Mode.ADAPTIVE if policy.fixed_ms is None else Mode.FIXED
    buffer = PlayoutBuffer(policy.fixed_ms or policy.start_ms, mode)
    listen(buffer, arrivals, words(arrivals.size * 160))
    offline = foretold(arrivals)[policy.name]
    # A frame too late is 20 ms made up.
    assert buffer.stats.concealed_ratio == pytest.approx(offline.late_ratio, rel=0.35, abs=0.003)
    assert buffer.stats.mean_delay_ms == pytest.approx(offline.mean_delay_ms, rel=0.08, abs=5)


def test_a_sound_card_that_asks_in_bursts_gets_whole_audio():
    """Four blocks of 20 ms at once each 80 ms: the card's need adds to the network's."""
    buffer = PlayoutBuffer()
    audio = words(3000 * 160)
    index = 0
    for n in range(3000):
        now = n // 4 * 4 * FRAME
        while index * FRAME <= now:
            buffer.push(index * FRAME, audio[index * 160 : index * 160 + 160])
            index += 1
        buffer.pull(now, 160)
        if n == 1500:
            settled = buffer.stats.concealed_ms
    assert buffer.stats.concealed_ms - settled < 50
    assert buffer.stats.delay_ms < 160


def test_silence_before_the_first_frame_and_fading_after_the_last():
    buffer = PlayoutBuffer(40)
    assert not buffer.pull(0, 160).any()
    for n in range(10):
        buffer.push(n * FRAME, voice(1600)[n * 160 : n * 160 + 160])
    tail = [buffer.pull(n * FRAME, 160) for n in range(40)]
    assert not np.concatenate(tail)[-1600:].any()


def test_audio_that_nobody_plays_is_not_kept_for_ever():
    buffer = PlayoutBuffer()
    for n in range(10_000):
        buffer.push(n * FRAME, np.ones(160, np.int16))
    assert buffer.stats.depth_ms <= 1500
    buffer.pull(10_000 * FRAME, 160)
    assert buffer.stats.delay_ms < 260


def test_a_backlog_sent_at_once_is_cut_to_the_target():
    buffer = PlayoutBuffer()
    audio = words(2000 * 160)
    arrivals = np.maximum(steady(2000) - 10_000 * MS, 0)
    listen(buffer, arrivals, audio)
    assert buffer.stats.delay_ms < 60
    assert buffer.stats.depth_ms < 100


@pytest.mark.parametrize("pause", [100, 101, 102])
def test_a_pause_of_the_player_is_skipped_not_played_late(pause):
    buffer = PlayoutBuffer()
    # A smooth sound, so that a step in it shows: 20 ms are two periods and three quarters.
    audio = (0.5 * np.sin(2 * np.pi * 137.5 / 8000 * np.arange(2000 * 160))).astype(np.float32)
    output = []
    for n in range(2000):
        buffer.push(n * FRAME, audio[n * 160 : n * 160 + 160])
        if not 500 <= n < 500 + pause:
            output.append(buffer.pull(n * FRAME, 160))
    assert buffer.stats.delay_ms < 60
    assert buffer.stats.skipped_ms > 1000
    assert steepest(np.concatenate(output)) < 1.3 * steepest(audio)


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="fast"):
        PlayoutBuffer(60, "fast")


actions = st.lists(
    st.tuples(st.sampled_from(["push", "pull", "place"]), st.integers(0, 400), st.integers(0, 400)),
    max_size=80,
)


@settings(max_examples=200)
@given(actions, st.sampled_from(list(Mode)), st.sampled_from([0, 20, 60, 500]))
def test_whatever_happens_it_gives_what_was_asked_for_and_stays_bounded(plan, mode, start_ms):
    buffer = PlayoutBuffer(start_ms, mode)
    now = 0
    for action, size, wait_ms in plan:
        now += wait_ms * MS
        if action == "push":
            buffer.push(now, np.full(size, 10_000, np.int16))
        elif action == "place":
            buffer.push(now, np.full(size, 0.5, np.float32), position=wait_ms * 160)
        else:
            got = buffer.pull(now, size)
            assert got.shape == (size,)
            assert np.isfinite(got).all()
            assert np.abs(got).max(initial=0) < 1.5
        stats = buffer.stats
        assert stats.depth_ms <= 1500
        assert 0 <= stats.concealed_ratio <= 1
        assert stats.late_frames <= stats.frames
