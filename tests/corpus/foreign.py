"""Payloads that are no telephone audio as the platform sends it, made by other programs."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from random import Random

import numpy as np

from tests.corpus.sounds import Pcm, talker, to_pcm
from tests.corpus.wires import alaw, mulaw, s16le
from tests.support.needs import need

Maker = Callable[[Pcm, Random], list[bytes]]
"""From what is said to the payload of each 20 ms."""


def pieces(data: bytes, size: int, count: int) -> list[bytes]:
    """So many units of one size, from the start again where there are too few bytes."""
    enough = data * (1 + size * count // len(data))
    return [enough[n * size : (n + 1) * size] for n in range(count)]


def frames_of(samples: Pcm) -> int:
    return len(samples) // 160


@lru_cache(maxsize=64)
def _ffmpeg(pcm: bytes, *options: str) -> bytes:
    command = [need("ffmpeg"), "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-"]
    return subprocess.run(
        [*command, *options, "-"], input=pcm, capture_output=True, check=True
    ).stdout


def _coded(size: int, *options: str) -> Maker:
    def made(samples: Pcm, _rng: Random) -> list[bytes]:
        return pieces(_ffmpeg(samples.tobytes(), *options), size, frames_of(samples))

    return made


def _sox(data: bytes, form: tuple[str, ...], to: tuple[str, ...]) -> bytes:
    command = [need("sox"), "-t", "raw", "-r", "8000", "-c", "1", *form, "-", *to, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def _adpcm(samples: Pcm, _rng: Random) -> list[bytes]:
    """Four bits a sample, as dictating machines have it."""
    data = _sox(samples.tobytes(), ("-e", "signed", "-b", "16"), ("-t", "vox"))
    return pieces(data, 80, frames_of(samples))


def opus(samples: Pcm, _rng: Random) -> list[bytes]:
    """RFC 6716 packets of 20 ms, taken out of their Ogg pages (RFC 3533)."""
    data = _ffmpeg(samples.tobytes(), "-c:a", "libopus", "-b:a", "24k", "-f", "ogg")
    found, at, part = [], 0, b""
    while at < len(data):
        segments = data[at + 26]
        body = at + 27 + segments
        for size in data[at + 27 : body]:
            part += data[body : body + size]
            body += size
            if size < 255:
                found, part = [*found, part], b""
        at = body
    return found[2:]


def _halves(samples: Pcm, other: Pcm) -> list[bytes]:
    both = np.stack([samples, other[: len(samples)]], axis=1)
    return pieces(both.astype("<i2").tobytes(), 640, frames_of(samples))


def stereo(samples: Pcm, rng: Random) -> list[bytes]:
    """Two talkers, each in a channel."""
    return _halves(samples, talker("de", len(samples) / 8000 + 1, rng.randrange(1000)))


def _decoded_wrongly(encode: Callable[[Pcm], bytes], name: str) -> Callable[[Pcm], Pcm]:
    def made(samples: Pcm) -> Pcm:
        linear = ("-t", "raw", "-e", "signed", "-b", "16")
        return np.frombuffer(_sox(encode(samples), ("-e", name, "-b", "8"), linear), "<i2")

    return made


def _bytes_of(values: np.ndarray, size: int) -> list[bytes]:
    return pieces(values.tobytes(), size, len(values.tobytes()) // size)


def _float32(samples: Pcm, _rng: Random) -> list[bytes]:
    return _bytes_of((samples / 32768).astype("<f4"), 640)


def _s24(samples: Pcm, _rng: Random) -> list[bytes]:
    wide = (samples.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3]
    return _bytes_of(np.ascontiguousarray(wide), 480)


def _u8(samples: Pcm, _rng: Random) -> list[bytes]:
    return _bytes_of(((samples.astype(np.int32) >> 8) + 128).astype(np.uint8), 160)


def _s8(samples: Pcm, _rng: Random) -> list[bytes]:
    return _bytes_of((samples >> 8).astype(np.int8), 160)


def _twice(samples: Pcm, rng: Random) -> list[bytes]:
    """Mu-law whose codes were taken for samples of 8 bits, signed or not, and encoded again."""
    codes = np.frombuffer(mulaw(samples), rng.choice((np.int8, np.uint8))).astype(np.int16)
    linear = codes << 8 if codes.min() < 0 else (codes - 128) << 8
    return _bytes_of(np.frombuffer(mulaw(linear), np.uint8), 160)


def _crossed(encode: Callable[[Pcm], bytes], wrong: str) -> Maker:
    def made(samples: Pcm, _rng: Random) -> list[bytes]:
        return _bytes_of(_decoded_wrongly(encode, wrong)(samples), 320)

    return made


def _wrapped(samples: Pcm, _rng: Random) -> list[bytes]:
    """Too loud by far, and integers that overflow instead of clipping."""
    return _bytes_of((samples.astype(np.int32) * 8).astype("<i2"), 320)


def _random(samples: Pcm, rng: Random) -> list[bytes]:
    return [rng.randbytes(160) for _ in range(frames_of(samples))]


def _png(samples: Pcm, rng: Random) -> list[bytes]:
    pixels = zlib.compress(rng.randbytes(60_000))
    head = b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + b"IHDR" + bytes(17)
    return pieces(head + struct.pack("!I", len(pixels)) + b"IDAT" + pixels, 160, frames_of(samples))


def _json(samples: Pcm, rng: Random) -> list[bytes]:
    return [
        json.dumps({"event": "media", "sequence": n, "level": rng.random()}).encode()
        for n in range(frames_of(samples))
    ]


def _base64(samples: Pcm, _rng: Random) -> list[bytes]:
    return [base64.b64encode(unit) for unit in pieces(mulaw(samples), 160, frames_of(samples))]


def _html(samples: Pcm, _rng: Random) -> list[bytes]:
    page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>\r\n"
    return pieces(page, 160, frames_of(samples))


def wav_headers(samples: Pcm, _rng: Random, every: int = 50) -> list[bytes]:
    """Linear audio with the header of a WAV file in front of each second."""
    units = pieces(s16le(samples), 320, frames_of(samples))
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + 16000, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 16000),
    )
    return [head + unit if n % every == 0 else unit for n, unit in enumerate(units)]


CODECS: Mapping[str, Maker] = {
    "f32le": _float32,
    "s24le": _s24,
    "u8": _u8,
    "s8": _s8,
    "stereo": stereo,
    "stereo, the same twice": lambda samples, _rng: _halves(samples, samples),
    "stereo, one silent": lambda samples, _rng: _halves(samples, np.zeros_like(samples)),
    "mulaw-twice": _twice,
    "mulaw-as-alaw": _crossed(mulaw, "a-law"),
    "alaw-as-mulaw": _crossed(alaw, "mu-law"),
    "gsm": _coded(33, "-c:a", "libgsm", "-f", "gsm"),
    "g722": _coded(160, "-ar", "16000", "-c:a", "g722", "-f", "g722"),
    "opus": opus,
    "mp3": _coded(320, "-ar", "16000", "-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3"),
    "aac": _coded(160, "-ar", "16000", "-c:a", "aac", "-b:a", "48k", "-f", "adts"),
    "adpcm": _adpcm,
}
NO_AUDIO: Mapping[str, Maker] = {
    "random bytes": _random,
    "PNG": _png,
    "JSON": _json,
    "base64": _base64,
    "HTML": _html,
    "WAV headers": wav_headers,
}
WRAPPED: Maker = _wrapped


def too_loud(samples: Pcm) -> Pcm:
    return to_pcm(samples.astype(np.float64) * 8)
