from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading

import pytest
import soundfile

from tests.media import witnesses
from tests.media.conftest import SMALL_DISK_BYTES
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.media.audio_writer import (
    FORMATS,
    AppendFile,
    PipeWriter,
    check_apart,
    open_new,
    open_writer,
)
from voipbin_cli.media.wav_writer import WavWriter

TONE = b"".join(
    int(8000 * ((n * 440 // 8000) % 2 * 2 - 1)).to_bytes(2, "little", signed=True)
    for n in range(16000)
)


def write_file(path, pcm=TONE, **options):
    writer = open_writer(str(path), **options)
    for at in range(0, len(pcm), 320):
        writer.write(pcm[at : at + 320])
    writer.close()


@pytest.mark.parametrize("suffix", ["wav", "flac", "WAV"])
def test_lossless_formats_give_back_the_samples(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_file(path)
    assert witnesses.by_libsndfile(path) == TONE
    assert witnesses.by_sox(path) == TONE


@pytest.mark.parametrize("suffix", ["raw", "pcm", "sln"])
def test_raw_formats_hold_nothing_but_the_samples(tmp_path, suffix):
    write_file(tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").read_bytes() == TONE


@pytest.mark.parametrize("suffix", ["ogg", "opus", "mp3"])
def test_lossy_formats_have_the_right_length_and_level(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    write_file(path)
    samples, rate_hz = soundfile.read(str(path))
    seconds = len(samples) / rate_hz
    assert 2.0 <= seconds < 2.3  # MP3 pads by its encoder delay
    # A square wave of 8000/32768; the codecs' low-pass takes off some of it.
    assert 0.15 < float((samples**2).mean() ** 0.5) < 0.3


def test_every_format_is_tested_above():
    assert set(FORMATS) == {"wav", "flac", "raw", "pcm", "sln", "ogg", "opus", "mp3"}


@pytest.mark.parametrize("name", ["a.xyz", "a", "a.tar.gz"])
def test_unknown_suffix_names_the_known_ones(tmp_path, name):
    with pytest.raises(UsageError) as caught:
        open_writer(str(tmp_path / name))
    assert ".wav" in caught.value.hint
    assert ".flac" in caught.value.hint
    assert not (tmp_path / name).exists()


def test_existing_file_is_refused_and_untouched(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"precious")
    with pytest.raises(UsageError) as caught:
        open_writer(str(path))
    assert "--overwrite" in caught.value.hint
    assert path.read_bytes() == b"precious"


def test_overwrite_replaces_a_longer_file(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"x" * 100_000)
    write_file(path, TONE[:320], overwrite=True)
    assert witnesses.by_stdlib_wave(path) == TONE[:320]


def test_a_directory_is_no_file(tmp_path):
    (tmp_path / "a.wav").mkdir()
    with pytest.raises(UsageError):
        open_writer(str(tmp_path / "a.wav"), overwrite=True)


def test_missing_directory_is_the_machines_fault(tmp_path):
    with pytest.raises(MachineError, match="No such file"):
        open_writer(str(tmp_path / "none" / "a.wav"))


@pytest.mark.skipif(not os.path.exists("/proc/version"), reason="no file system without creation")
def test_a_directory_without_permission_is_the_machines_fault():
    with pytest.raises(MachineError):
        open_writer("/proc/voipbin-test.wav")


def test_a_nul_in_the_name_is_no_traceback():
    with pytest.raises(MachineError):
        open_new("a\0.wav")


PIPE_CODE = """
from voipbin_cli.media.audio_writer import open_writer
writer = open_writer("-", audio_format={audio_format!r})
for n in range(50):
    writer.write(bytes([n, 0]) * 160)
writer.close()
"""


def run_to_pipe(audio_format):
    return subprocess.run(
        [sys.executable, "-c", PIPE_CODE.format(audio_format=audio_format)],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout


def test_standard_output_gets_a_wav_that_sox_reads_from_a_pipe():
    data = run_to_pipe(None)
    read = subprocess.run(
        ["sox", "--ignore-length", "-t", "wav", "-", "-t", "raw", "-"],
        input=data,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    assert read == b"".join(bytes([n, 0]) * 160 for n in range(50))
    assert len(data) == 44 + 16000


def test_raw_to_standard_output_has_no_header():
    assert run_to_pipe("raw") == run_to_pipe(None)[44:]


def test_a_compressed_format_to_a_pipe_is_refused():
    with pytest.raises(UsageError):
        open_writer("-", audio_format="flac")


def test_a_named_pipe_gets_a_stream(tmp_path):
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    got = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    writer = open_writer(str(path), overwrite=True)
    assert isinstance(writer, PipeWriter)
    writer.write(TONE)
    writer.close()
    reader.join()
    assert got[0][44:] == TONE


def test_a_slow_reader_of_a_nonblocking_pipe_loses_nothing():
    read_fd, write_fd = os.pipe()
    os.set_blocking(write_fd, False)
    got = bytearray()

    def read_all():
        while chunk := os.read(read_fd, 1000):
            got.extend(chunk)

    reader = threading.Thread(target=read_all)
    reader.start()
    writer = PipeWriter(write_fd)
    for _ in range(10):
        writer.write(TONE)
    os.close(write_fd)
    reader.join()
    os.close(read_fd)
    assert got == TONE * 10


def test_a_pipe_whose_reader_left_says_so():
    read_fd, write_fd = os.pipe()
    os.close(read_fd)
    with pytest.raises(BrokenPipeError):
        PipeWriter(write_fd).write(TONE)
    os.close(write_fd)


def write_forever(writer, data):
    while True:
        writer.write(data)


@pytest.mark.parametrize("suffix", ["raw", "flac", "ogg"])
def test_a_full_disk_is_said_and_the_file_stays_readable(small_disk, suffix):
    path = small_disk / f"a.{suffix}"
    writer = open_writer(str(path))
    noise = os.urandom(32000)
    with pytest.raises(MachineError, match="No space left on device"):
        write_forever(writer, noise)
    if suffix == "raw":
        kept = path.read_bytes()
        assert len(kept) % 32000 == 0
    else:
        kept = witnesses.by_ffmpeg(path)
    assert len(kept) > SMALL_DISK_BYTES * 2 // 3
    if suffix != "ogg":
        assert kept[:32000] == noise


@pytest.mark.parametrize("suffix", ["flac", "ogg", "opus", "mp3"])
def test_a_disk_that_fills_up_while_the_encoder_ends_is_said(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    writer = open_writer(str(path))
    writer.write(os.urandom(8000))  # the encoder holds at least a part of it back
    kept = path.stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kept, limits[1]))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(MachineError, match="File too large"):
            writer.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.stat().st_size == kept


def test_one_file_by_any_of_its_names_takes_one_output_and_is_not_read_meanwhile(tmp_path):
    sound, link, hard = tmp_path / "a.wav", tmp_path / "link", tmp_path / "hard"
    sound.write_bytes(b"")
    link.symlink_to(sound)
    hard.hardlink_to(sound)
    for name in (sound, link, hard, tmp_path / "." / "a.wav"):
        with pytest.raises(UsageError, match="two outputs"):
            check_apart([str(sound), None, str(name)])
        with pytest.raises(UsageError, match="is read"):
            check_apart([str(name)], ["-", str(sound)])
    check_apart([str(sound), str(tmp_path / "b.wav"), None], [str(tmp_path / "c.wav")])
    check_apart([os.devnull, os.devnull], [os.devnull])


def test_append_file_is_all_or_nothing(small_disk):
    path = small_disk / "a.bin"
    writer = AppendFile(open_new(str(path)))
    writer.write(b"a" * 200_000)
    with pytest.raises(MachineError):
        writer.write(b"b" * 100_000)
    assert path.read_bytes() == b"a" * 200_000
    writer.write(b"c" * 1000)  # what fits goes on right behind
    writer.close()
    assert path.read_bytes() == b"a" * 200_000 + b"c" * 1000


def test_a_plain_wav_never_loads_libsndfile():
    code = (
        "import sys; from voipbin_cli.media import audio_writer, background_writer; import os\n"
        "audio_writer.open_writer(os.devnull, audio_format='wav', overwrite=True).close()\n"
        "assert not {'soundfile', 'numpy', 'soxr'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_wav_is_the_crash_safe_writer(tmp_path):
    writer = open_writer(str(tmp_path / "a.wav"))
    assert isinstance(writer, WavWriter)
    writer.close()
