from __future__ import annotations

import contextlib
import io
import os
import shutil
import struct
import subprocess
import threading
import tracemalloc

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tests.support.needs import needs
from voipbin_cli.errors import UsageError
from voipbin_cli.media.audio_source import BLOCK_BYTES, AudioSource
from voipbin_cli.media.audio_writer import open_writer
from voipbin_cli.media.kept_file import KeptFile
from voipbin_cli.media.wav_writer import HEADER_BYTES, WavWriter, streaming_header, wav_header

SPEECH = (np.random.default_rng(1).normal(size=4000).cumsum() * 50).clip(-32768, 32767)
PCM = SPEECH.astype("<i2").tobytes()


def play(*paths, **options):
    blocks = list(AudioSource([str(path) for path in paths], **options).blocks())
    assert all(len(block) == BLOCK_BYTES for block in blocks)
    return b"".join(blocks)


def padded(pcm):
    return pcm + bytes(-len(pcm) % BLOCK_BYTES)


def save(path, samples, rate_hz=8000, subtype="PCM_16", **options):
    soundfile.write(str(path), samples, rate_hz, subtype=subtype, **options)
    return path


def tone(rate_hz, seconds=0.5, level=0.5, frequency_hz=440.0):
    n = np.arange(int(rate_hz * seconds))
    return level * np.sin(2 * np.pi * frequency_hz * n / rate_hz)


def as_floats(pcm):
    return np.frombuffer(pcm, "<i2") / 32768


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.au", "a.w64", "a.caf", "a.rf64"])
def test_sixteen_bits_at_8_khz_pass_bit_for_bit(tmp_path, name):
    container = "RF64" if name.endswith("rf64") else None
    path = save(tmp_path / name, SPEECH.astype(np.int16), format=container)
    assert play(path) == padded(PCM)


def test_our_own_recording_plays_bit_for_bit(tmp_path):
    writer = open_writer(str(tmp_path / "a.wav"))
    writer.write(PCM)
    writer.close()
    assert play(tmp_path / "a.wav") == padded(PCM)


def test_a_recording_that_is_still_growing_or_was_killed_plays(tmp_path):
    writer = open_writer(str(tmp_path / "a.wav"))
    writer.write(PCM)
    writer.flush()
    assert play(tmp_path / "a.wav") == padded(PCM)
    writer.close()


def test_an_unfinished_flac_plays_what_it_holds(tmp_path):
    writer = open_writer(str(tmp_path / "a.flac"))
    noise = np.random.default_rng(2).integers(-9000, 9000, 20_000).astype("<i2").tobytes()
    writer.write(noise)
    writer.flush()
    shutil.copy(tmp_path / "a.flac", tmp_path / "killed.flac")
    writer.close()
    source = AudioSource([str(tmp_path / "killed.flac")])
    played = b"".join(source.blocks())
    # FLAC blocks are of 4096 samples: four of them are out.
    assert len(played) >= 4 * 4096 * 2
    assert noise.startswith(played[: 4 * 4096 * 2])
    assert source.duration_s is None


@pytest.mark.parametrize(
    ("rate_hz", "channels", "subtype"),
    [
        (192_000, 8, "FLOAT"),
        (44_100, 2, "PCM_24"),
        (48_000, 1, "PCM_16"),
        (11_025, 2, "PCM_U8"),
        (16_000, 6, "DOUBLE"),
        (4_000, 1, "PCM_32"),
        (8_000, 1, "ULAW"),
        (22_050, 1, "MS_ADPCM"),
    ],
)
def test_any_rate_and_channel_count_becomes_8_khz_mono(tmp_path, rate_hz, channels, subtype):
    signal = np.repeat(tone(rate_hz)[:, None], channels, axis=1)
    path = save(tmp_path / "a.wav", signal, rate_hz, subtype)
    out = as_floats(play(path))[:4000]
    assert len(out) == 4000
    error = out[400:-400] - tone(8000)[400:-400]
    assert np.abs(error).max() < (0.02 if subtype in ("PCM_U8", "ULAW", "MS_ADPCM") else 0.001)


@needs("sox")
def test_sox_makes_nearly_the_same_of_it(tmp_path):
    rng = np.random.default_rng(3)
    left = np.convolve(rng.normal(size=44_100), np.hanning(200), "same") / 100
    path = save(tmp_path / "a.wav", np.stack([left, np.roll(left, 777)], 1), 44_100, "FLOAT")
    effect = ("-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-t", "raw", "-")
    command = ["sox", str(path), *effect]
    theirs = as_floats(subprocess.run(command, capture_output=True, check=True).stdout)
    ours = as_floats(play(path))[: len(theirs)]
    assert np.corrcoef(ours[400:-400], theirs[400:-400])[0, 1] > 0.9999


def test_opposite_and_equal_full_scale_channels_never_clip(tmp_path):
    full = tone(8000, level=0.99997)
    both = save(tmp_path / "both.wav", np.stack([full, full], 1))
    against = save(tmp_path / "against.wav", np.stack([full, -full], 1))
    out = as_floats(play(both))
    assert np.abs(out).max() == pytest.approx(1.0, abs=1e-3)
    assert np.abs(as_floats(play(against))).max() < 1e-3


def test_gain_is_in_decibels(tmp_path):
    path = save(tmp_path / "a.wav", tone(8000, level=0.1), subtype="FLOAT")
    # 20 dB is ten times the amplitude, -6.0206 half of it.
    assert np.abs(as_floats(play(path, gain_db=-6.0206))).max() == pytest.approx(0.05, rel=0.01)
    assert np.abs(as_floats(play(path, gain_db=19.0))).max() == pytest.approx(0.891, rel=0.01)


def test_too_much_gain_is_held_at_full_scale(tmp_path):
    path = save(tmp_path / "a.wav", tone(8000, level=0.9))
    source = AudioSource([str(path)], gain_db=20.0)
    out = np.frombuffer(b"".join(source.blocks()), "<i2")
    assert (out.max(), out.min()) == (32767, -32768)
    # A sine of 9 stands beyond 1 for all but 2 asin(1/9) / pi = 7.1 % of the time.
    held = np.count_nonzero((out == 32767) | (out == -32768))
    assert held == pytest.approx(4000 * 0.929, rel=0.02)
    # Held, not wrapped around: the sign of every sample is that of the tone.
    assert np.all(np.sign(out[:4000]) == np.sign(np.rint(tone(8000, level=0.9) * 32768)))


@pytest.mark.parametrize("gain_db", [float("nan"), float("inf"), 61.0, -61.0])
def test_an_absurd_gain_is_refused(gain_db):
    with pytest.raises(UsageError):
        AudioSource([], gain_db=gain_db)


def test_floats_that_are_no_numbers_are_silence_or_full_scale(tmp_path):
    samples = np.array([np.nan, np.inf, -np.inf, 3e38, 0.5] * 32, np.float32)
    path = save(tmp_path / "a.wav", samples, subtype="FLOAT")
    out = np.frombuffer(play(path), "<i2")
    assert out[:5].tolist() == [0, 32767, -32768, 32767, 16384]


def test_files_follow_each_other_without_a_gap_and_loop(tmp_path):
    a = save(tmp_path / "a.wav", SPEECH[:1001].astype(np.int16))
    b = save(tmp_path / "b.flac", SPEECH[1001:].astype(np.int16))
    assert play(a, b) == padded(PCM)
    assert play(a, b, loop=3) == padded(PCM * 3)
    assert AudioSource([str(a), str(b)], loop=3).duration_s == 1.5


def test_a_loop_of_resampled_files_has_no_gap(tmp_path):
    # 441 whole periods in a second: the loop goes on as if it were one tone.
    signal = tone(44_100, seconds=1.0, frequency_hz=441.0)
    path = save(tmp_path / "a.wav", signal, 44_100, "FLOAT")
    out = as_floats(play(path, loop=2))
    assert len(out) == 16_000
    expected = tone(8000, seconds=2.0, frequency_hz=441.0)
    inner = np.r_[100:7900, 8100:15_900]
    assert np.abs(out - expected)[inner].max() < 0.001


def test_endless_means_endless(tmp_path):
    path = save(tmp_path / "a.wav", SPEECH[:800].astype(np.int16))
    blocks = AudioSource([str(path)], loop=0).blocks()
    assert b"".join(next(blocks) for _ in range(50)) == PCM[:1600] * 10


def test_raw_is_8_khz_mono_unless_said_otherwise(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(PCM + b"\x01")
    assert play(path) == padded(PCM)
    stereo = np.repeat(np.frombuffer(PCM, "<i2"), 2)
    path.write_bytes(stereo.astype("<i2").tobytes())
    assert play(path, raw_channels=2) == padded(PCM)
    assert len(play(path, raw_rate_hz=16_000)) == len(PCM)


UNREADABLE = {
    "text": b"this is a text that someone called a sound",
    "empty": b"",
    "header cut off": wav_header(1000, rate_hz=8000, channels=1)[:30],
    "zero-length audio": wav_header(0, rate_hz=8000, channels=1),
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_played_is_said_before_anything_is_played(tmp_path, content):
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        AudioSource([str(path)])
    assert str(path) in caught.value.message


@pytest.mark.parametrize("name", ["none.wav", ".", "a\0.wav", "none.raw"])
def test_files_that_are_not_there(tmp_path, name):
    with pytest.raises(UsageError):
        AudioSource([str(tmp_path / name)])


def test_a_missing_second_file_is_said_at_once(tmp_path):
    path = save(tmp_path / "a.wav", SPEECH.astype(np.int16))
    with pytest.raises(UsageError, match="No such file"):
        AudioSource([str(path), str(tmp_path / "b.wav")])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_played_as_it_comes(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = streaming_header(8000, 1) + PCM
    writer = threading.Thread(target=lambda: path.write_bytes(data))
    source = AudioSource([str(path)])
    assert source.duration_s is None
    writer.start()
    assert b"".join(source.blocks()) == padded(PCM)
    writer.join()


def test_a_truncated_wav_plays_what_it_holds(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(len(PCM), rate_hz=8000, channels=1) + PCM[:1001])
    assert play(path) == padded(PCM[:1000])


def test_an_hour_starts_at_once_and_takes_no_memory(tmp_path):
    def peak(seconds):
        path = tmp_path / f"{seconds}.wav"
        with open(path, "wb") as file:  # sparse
            file.write(wav_header(seconds * 32_000, rate_hz=16_000, channels=1))
            file.truncate(HEADER_BYTES + seconds * 32_000)
        source = AudioSource([str(path)])
        assert source.duration_s == seconds
        blocks = source.blocks()
        next(blocks)
        tracemalloc.start()
        count = sum(1 for _ in blocks)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert count == seconds * 50 - 1
        return most

    # Of two, as the interpreter moves a table of its own (1 MB) once in some ten thousand reads.
    assert min(peak(600), peak(600)) < 1.5 * peak(30)


def test_closing_the_blocks_closes_the_file(tmp_path):
    path = save(tmp_path / "a.wav", SPEECH.astype(np.int16))
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    blocks = AudioSource([str(path)]).blocks()
    next(blocks)
    blocks.close()
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


STDIN = "voipbin_cli.media.audio_source.open_stdin"


@pytest.fixture
def play_stdin(monkeypatch):
    def run(data, **options):
        monkeypatch.setattr(STDIN, lambda: io.BytesIO(data))
        return play("-", **options)

    return run


STDIN_FORMATS = ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "PCM_U8", "ULAW", "ALAW"]


@pytest.mark.parametrize("subtype", STDIN_FORMATS)
@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
def test_stdin_gives_what_libsndfile_reads_from_a_file(tmp_path, play_stdin, subtype, container):
    signal = np.stack([SPEECH[:2000], SPEECH[2000:]], 1) / 32768
    path = save(tmp_path / "a.wav", signal, 16_000, subtype, format=container)
    assert play_stdin(path.read_bytes()) == play(path)


@needs("ffmpeg")
def test_what_ffmpeg_pipes_is_played_whole(tmp_path, play_stdin):
    path = save(tmp_path / "a.wav", SPEECH.astype(np.int16))
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "wav", "-"]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    assert play_stdin(data) == padded(PCM)


def test_what_record_pipes_is_played_whole(play_stdin):
    assert play_stdin(streaming_header(8000, 1) + PCM) == padded(PCM)


def test_what_follows_the_audio_is_not_played(play_stdin):
    header = wav_header(len(PCM), rate_hz=8000, channels=1)
    assert play_stdin(header + PCM + b"LIST" + bytes(5000)) == padded(PCM)


def test_a_cut_pipe_plays_what_came(play_stdin):
    header = wav_header(len(PCM), rate_hz=8000, channels=1)
    assert play_stdin(header + PCM[:1001]) == padded(PCM[:1000])


def test_raw_from_stdin(play_stdin):
    assert play_stdin(PCM + b"\x01", raw_stdin=True) == padded(PCM)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello there, this is text",
        streaming_header(8000, 1)[:20],
        streaming_header(8000, 1)[:12] + b"data" + bytes(4),
        streaming_header(8000, 1)[:12] + b"LIST" + struct.pack("<I", 1 << 30),
        streaming_header(8000, 1).replace(struct.pack("<HH", 1, 1), struct.pack("<HH", 85, 1)),
        streaming_header(8000, 0),
        streaming_header(0, 1),
    ],
)
def test_what_is_no_wav_on_stdin_is_said(play_stdin, data):
    with pytest.raises(UsageError):
        play_stdin(data)


@pytest.mark.parametrize("data", [streaming_header(8000, 1), streaming_header(44_100, 2) + b"x"])
def test_a_pipe_without_audio_is_said(play_stdin, data):
    with pytest.raises(UsageError, match="standard input holds no audio"):
        play_stdin(data)


def test_an_empty_raw_pipe_is_said(play_stdin):
    with pytest.raises(UsageError, match="standard input holds no audio") as caught:
        play_stdin(b"", raw_stdin=True)
    assert caught.value.hint


def test_no_more_is_asked_of_a_pipe_than_fits_whatever_its_header_claims(monkeypatch):
    asked = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return super().read(size)

    header = bytearray(streaming_header(8000, 1))
    struct.pack_into("<HI", header, 22, 65_535, 4_000_000_000)
    monkeypatch.setattr(STDIN, lambda: Watched(bytes(header) + bytes(200_000)))
    with contextlib.suppress(UsageError):
        play("-")
    assert max(asked) <= 1 << 22


@given(st.binary(max_size=120), st.integers(0, 44))
def test_any_bytes_on_stdin_play_or_are_refused(data, kept):
    from unittest import mock

    given = io.BytesIO(streaming_header(8000, 1)[:kept] + data)
    with mock.patch(STDIN, return_value=given):
        try:
            play("-")
        except UsageError as error:
            assert error.message  # noqa: PT017


@pytest.mark.parametrize(("paths", "loop"), [(["-", "-"], 1), (["-"], 2), (["-"], 0)])
def test_stdin_can_be_played_once_only(paths, loop):
    with pytest.raises(UsageError):
        AudioSource(paths, loop=loop)


def test_the_wav_writer_and_the_reader_agree_on_rf64(tmp_path):
    path = tmp_path / "a.wav"
    with KeptFile(str(path)) as file:
        writer = WavWriter(file, rf64_above_bytes=100)
        writer.write(PCM)
        writer.close()
    assert play(path) == padded(PCM)
