"""Files by their suffix, headers that do not know their length, and files that are not whole."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.needs import need
from voipbin_cli.capture.formats import FORMATS
from voipbin_cli.capture.rtpdump_reader import MAGIC as RTPDUMP_MAGIC
from voipbin_cli.codec.g711 import s16le_to_alaw, s16le_to_mulaw
from voipbin_cli.errors import UsageError
from voipbin_cli.media.audio_source import AudioSource
from voipbin_cli.media.sound_file import misnamed_words, missing_words, open_sound
from voipbin_cli.media.wav_writer import wav_header
from voipbin_cli.simulator.talker import speech

SPEECH = (np.random.default_rng(1).normal(size=8000).cumsum() * 50).clip(-32768, 32767)
PCM = SPEECH.astype("<i2").tobytes()


def read(path: Path) -> tuple[int, bytes, str | None]:
    """The rate, the samples, and what is said of what is missing."""
    file, pieces = open_sound(str(path)), []
    while len(piece := file.read(1000)):
        pieces.append(piece[:, 0])
    samples = np.concatenate([np.zeros(0, np.float32), *pieces])
    file.close()
    words = missing_words(str(path), file, len(samples))
    return file.rate_hz, (samples * 32768).astype("<i2").tobytes(), words


@pytest.mark.parametrize(
    ("suffix", "encode", "rate_hz"),
    [
        *((suffix, s16le_to_mulaw, 8000) for suffix in (".ulaw", ".ul", ".ULAW")),
        *((suffix, s16le_to_alaw, 8000) for suffix in (".alaw", ".al")),
        (".sln", bytes, 8000),
        (".sln16", bytes, 16_000),
        (".sln44", bytes, 44_100),
    ],
)
def test_bare_codes_by_their_suffix(tmp_path: Path, suffix: str, encode, rate_hz: int) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(PCM))
    found = read(path)
    assert found[::2] == (rate_hz, None)
    # What is decoded is encoded alike.
    assert encode(found[1]) == encode(PCM)


@pytest.mark.parametrize(
    ("suffix", "encode", "found"),
    [
        (".alaw", s16le_to_mulaw, "sounds like mu-law, and is read as A-law"),
        (".ulaw", s16le_to_alaw, "sounds like A-law, and is read as mu-law"),
        (".ulaw", bytes, "sounds like 16-bit samples"),
        (".sln", s16le_to_mulaw, "sounds like mu-law"),
        (".ulaw", s16le_to_mulaw, None),
        (".alaw", s16le_to_alaw, None),
        (".sln16", bytes, None),
        (".alaw", lambda pcm: bytes(len(pcm) // 2), None),
        (".ulaw", lambda pcm: np.random.default_rng(1).bytes(len(pcm)), None),
    ],
)
def test_codes_under_another_name_are_told(tmp_path: Path, suffix: str, encode, found) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encode(speech(4, 2.0).tobytes()))
    told = misnamed_words(str(path))
    assert told is None if found is None else told is not None and found in told
    assert AudioSource([str(path)]).doubts == ([told] if told else [])


def test_bare_gsm_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.gsm"
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    soundfile.write(path, wave, 8000, format="RAW", subtype="GSM610")
    assert path.stat().st_size == 50 * 33
    rate_hz, pcm, words = read(path)
    assert (rate_hz, len(pcm), words) == (8000, 16_000, None)
    heard = np.frombuffer(pcm, "<i2")[1600:]
    assert np.abs(np.fft.rfft(heard)).argmax() == 440 * len(heard) / 8000


def test_a_header_counts_more_than_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a.ulaw"
    path.write_bytes(wav_header(len(PCM), rate_hz=8000, channels=1) + PCM)
    assert read(path) == (8000, PCM, None)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_that_does_not_know_its_length_is_read_to_its_end(tmp_path: Path, size: int) -> None:
    header = wav_header(len(PCM), rate_hz=8000, channels=1)
    assert header[-4:] == struct.pack("<I", len(PCM))
    path = tmp_path / "a.wav"
    path.write_bytes(header[:-4] + struct.pack("<I", size) + PCM)
    assert read(path) == (8000, PCM, None)
    assert AudioSource([str(path)]).duration_s == 1.0


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_a_file_that_is_cut_says_how_much_was_there(tmp_path: Path, kind: str) -> None:
    whole, cut = tmp_path / f"whole.{kind}", tmp_path / f"cut.{kind}"
    noise = np.random.default_rng(2).normal(size=80_000) * 0.1
    soundfile.write(whole, noise, 8000)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    assert read(whole)[2] is None
    _, pcm, words = read(cut)
    assert words is not None
    assert f"{cut} is cut" in words
    assert f"{len(pcm) / 16000:.2f} s" in words
    if kind != "ogg":  # an Ogg's length stands in its last page
        assert "of 10.00 s" in words
    source = AudioSource([str(cut)])
    assert sum(map(len, source.blocks())) >= len(pcm)
    assert "is cut" in source.damages[str(cut)]


def test_what_is_no_sound_is_refused_with_the_command_that_converts_it(tmp_path: Path) -> None:
    path = tmp_path / "a film.mkv"
    path.write_bytes(b"\x1aE\xdf\xa3" + bytes(1000))
    with pytest.raises(UsageError) as caught:
        open_sound(str(path))
    assert caught.value.hint.startswith(f"convert it: ffmpeg -i '{path}' ")


HTML = b"<!DOCTYPE html><html><body>404</body></html>"


@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (HTML, "is HTML or XML", "a server may have sent"),
        (b'{"error": "not found"}', "is JSON", "a server may have sent"),
        (b"There is nothing to hear here, but something to read.\n", "is text", "a server may"),
        (b"", "is empty", "give a file with sound in it"),
        (wav_header(0, rate_hz=8000, channels=1)[:20], "is cut: it ends inside", "once more"),
        (b"\x1f\x8b\x08" + bytes(100), "is compressed by gzip", "gzip -dc"),
        (b"#!AMR\n" + bytes(100), "is an AMR recording", "convert it: ffmpeg -i"),
        (b"%PDF-1.7" + bytes(100), "is a PDF document", "give a file with sound in it"),
        (np.random.default_rng(3).bytes(30_000), "is no audio file that can be read", "if it is"),
        (speech(4, 3.0).tobytes(), "has no header, and sounds like 16-bit", "-f s16le -ar 8000"),
        (s16le_to_mulaw(speech(4, 3.0).tobytes()), "has no header, and sounds like mu", "-f mulaw"),
        (RTPDUMP_MAGIC + b" 127.0.0.1/5004\n", "is an rtpdump", "voipbin stream diagnose"),
        *((magic + bytes(99), "is a capture of a network", "stream diagnose") for magic in FORMATS),
    ],
)
def test_what_is_no_sound_is_named_with_what_helps(
    tmp_path: Path, data: bytes, said: str, hint: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=f"a.wav {said}") as caught:
        open_sound(str(path))
    assert hint in caught.value.hint


def test_g722_is_decoded_as_another_program_does(tmp_path: Path) -> None:
    """The witness is FFmpeg's decoder, which is another one."""
    pytest.importorskip("G722")
    wave = np.repeat(SPEECH.astype("<i2"), 2)
    (tmp_path / "a.raw").write_bytes(wave.tobytes())
    into_g722 = "ffmpeg -v error -f s16le -ar 16000 -i a.raw -f g722 a.g722"
    back = "ffmpeg -v error -f g722 -i a.g722 -f s16le b.raw"
    need("ffmpeg")
    for command in (into_g722, back):
        subprocess.run(command.split(), cwd=tmp_path, check=True)
    rate_hz, pcm, words = read(tmp_path / "a.g722")
    assert (rate_hz, words) == (16_000, None)
    assert pcm == (tmp_path / "b.raw").read_bytes()
    assert AudioSource([str(tmp_path / "a.g722")]).duration_s == pytest.approx(1.0, abs=0.01)


def test_g722_without_its_library_is_refused_with_what_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voipbin_cli.media.g722.find_spec", lambda _: None)
    (tmp_path / "a b.g722").write_bytes(bytes(100))
    with pytest.raises(UsageError, match=r"is G\.722") as caught:
        open_sound(str(tmp_path / "a b.g722"))
    assert "voipbin[g722]" in caught.value.hint
    assert "b.g722' -ar 8000" in caught.value.hint
