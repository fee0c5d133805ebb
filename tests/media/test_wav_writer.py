from __future__ import annotations

import io
import struct
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media import witnesses
from tests.media.conftest import SMALL_DISK_BYTES
from voipbin_cli.errors import MachineError
from voipbin_cli.media.kept_file import KeptFile
from voipbin_cli.media.wav_writer import (
    HEADER_BYTES,
    RIFF_DATA_LIMIT_BYTES,
    WavWriter,
    streaming_header,
    wav_header,
)


def counting(first: int, samples: int) -> bytes:
    """s16le that says where in the stream it stands."""
    return b"".join(struct.pack("<H", (first + n) & 0xFFFF) for n in range(samples))


def new_writer(path: Path, **options: int) -> WavWriter:
    return WavWriter(KeptFile(str(path)), **options)


@pytest.mark.parametrize("reader", witnesses.ALL.values(), ids=witnesses.ALL)
def test_every_reader_gets_back_each_sample_without_close(tmp_path, reader):
    path = tmp_path / "a.wav"
    writer = new_writer(path)
    writer.write(counting(0, 160))
    writer.write(counting(160, 160))
    writer.flush()
    assert reader(path) == counting(0, 320)
    writer.close()
    assert reader(path) == counting(0, 320)


@pytest.mark.parametrize("reader", witnesses.ALL.values(), ids=witnesses.ALL)
def test_what_was_written_after_the_last_flush_does_no_harm(tmp_path, reader):
    path = tmp_path / "a.wav"
    writer = new_writer(path)
    writer.write(counting(0, 160))
    writer.flush()
    writer.write(counting(160, 80) + b"\x01")
    assert reader(path) == counting(0, 160)
    writer.close()


@pytest.mark.parametrize("reader", witnesses.ALL.values(), ids=witnesses.ALL)
def test_stereo_and_other_rates(tmp_path, reader):
    path = tmp_path / "a.wav"
    writer = new_writer(path, rate_hz=44100, channels=2)
    writer.write(counting(0, 200))
    writer.close()
    assert reader(path) == counting(0, 200)
    with wave.open(str(path)) as read:
        assert (read.getframerate(), read.getnchannels(), read.getnframes()) == (44100, 2, 100)


@pytest.mark.parametrize("reader", witnesses.RF64.values(), ids=witnesses.RF64)
def test_past_the_limit_it_is_rf64_without_moving_a_sample(tmp_path, reader):
    path = tmp_path / "a.wav"
    writer = new_writer(path, rf64_above_bytes=640)
    writer.write(counting(0, 320))
    writer.flush()
    assert path.read_bytes()[:4] == b"RIFF"
    writer.write(counting(320, 1))
    writer.flush()
    assert path.read_bytes()[:4] == b"RF64"
    assert reader(path) == counting(0, 321)
    writer.close()


def test_five_real_gibibytes_are_measured_right(tmp_path):
    path = tmp_path / "long.wav"
    data_bytes = 5 << 30
    with open(path, "wb") as file:  # sparse: takes no room
        file.write(wav_header(data_bytes, rate_hz=8000, channels=1))
        file.truncate(HEADER_BYTES + data_bytes)
    assert data_bytes > RIFF_DATA_LIMIT_BYTES
    # 5 * 2**30 bytes / 2 bytes a sample / 8000 Hz
    assert witnesses.duration_by_ffprobe(path) == 335544.32
    import soundfile

    assert soundfile.info(str(path)).frames == data_bytes // 2


def test_the_largest_riff_has_true_32_bit_sizes():
    header = wav_header(RIFF_DATA_LIMIT_BYTES - 1, rate_hz=8000, channels=1)
    riff, riff_size = struct.unpack_from("<4sI", header)
    data, data_size = struct.unpack_from("<4sI", header, HEADER_BYTES - 8)
    assert (riff, data) == (b"RIFF", b"data")
    assert data_size == RIFF_DATA_LIMIT_BYTES - 1
    assert riff_size == HEADER_BYTES - 8 + data_size < 2**32 - 1


def test_half_a_sample_at_the_end_is_dropped(tmp_path):
    path = tmp_path / "a.wav"
    writer = new_writer(path)
    writer.write(counting(0, 10) + b"\x7f")
    writer.close()
    assert witnesses.by_stdlib_wave(path) == counting(0, 10)
    assert path.stat().st_size == HEADER_BYTES + 20


def test_half_a_sample_is_completed_by_the_next_write(tmp_path):
    path = tmp_path / "a.wav"
    writer = new_writer(path)
    writer.write(counting(0, 10)[:7])
    writer.flush()
    writer.write(counting(0, 10)[7:])
    writer.close()
    assert witnesses.by_stdlib_wave(path) == counting(0, 10)


@pytest.mark.parametrize("reader", witnesses.ALL.values(), ids=witnesses.ALL)
def test_a_full_disk_is_said_and_the_file_stays_readable(small_disk, reader):
    path = small_disk / "a.wav"
    writer = new_writer(path)
    writer.write(counting(0, 1000))
    writer.flush()
    with pytest.raises(MachineError, match="No space left on device") as caught:
        writer.write(counting(1000, SMALL_DISK_BYTES))
    assert str(path) in caught.value.message
    kept = reader(path)
    assert kept == counting(0, len(kept) // 2)
    # All but the header and less than one page (4096 bytes) of the disk is audio.
    assert len(kept) > SMALL_DISK_BYTES - 4096 - HEADER_BYTES
    writer.close()
    assert reader(path) == kept


def test_closing_twice_is_no_error(tmp_path):
    writer = new_writer(tmp_path / "a.wav")
    writer.close()
    writer.close()
    assert witnesses.by_stdlib_wave(tmp_path / "a.wav") == b""


@given(st.lists(st.binary(max_size=700), max_size=8))
def test_cuts_of_the_input_leave_no_trace(tmp_path_factory, pieces):
    path = tmp_path_factory.mktemp("cuts") / "a.wav"
    writer = new_writer(path)
    for piece in pieces:
        writer.write(piece)
        writer.flush()
        whole = b"".join(pieces)
        assert whole.startswith(witnesses.by_stdlib_wave(path))
    writer.close()
    whole = b"".join(pieces)
    assert witnesses.by_stdlib_wave(path) == whole[: len(whole) // 2 * 2]


def test_streaming_header_is_the_canonical_one():
    # The stdlib writes the same 44 bytes, but knows the sizes.
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as writer:
        writer.setnchannels(2)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(b"")
    expected = bytearray(buffer.getvalue())
    expected[4:8] = expected[40:44] = b"\xff" * 4
    assert streaming_header(16000, 2) == expected
