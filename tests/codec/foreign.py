"""Payloads as people send them by mistake: other sample formats, compressed audio, files, text.

Each maker takes 16-bit samples at 8 kHz and returns payloads of 20 ms. What is compressed is
compressed by ffmpeg, so that nothing of the package makes what it is told to recognize.
"""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from tests.corpus.sounds import Pcm, talker
from tests.support.needs import need
from voipbin_cli.codec.g711 import alaw_to_s16le, mulaw_to_s16le, s16le_to_alaw, s16le_to_mulaw

Maker = Callable[[Pcm], list[bytes]]


def cut(data: bytes, size: int) -> list[bytes]:
    """Whole pieces of `size` bytes."""
    return [data[at : at + size] for at in range(0, len(data) - size + 1, size)]


def encoded(pcm: Pcm, options: str) -> bytes:
    """What ffmpeg makes of it."""
    given = [need("ffmpeg"), "-v", "error", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", "-"]
    command = [*given, *options.split(), "-"]
    return subprocess.run(command, input=pcm.tobytes(), capture_output=True, check=True).stdout


# Other ways to write samples


def plain(options: str, size: int, pcm: Pcm) -> list[bytes]:
    return cut(encoded(pcm, options), size)


def midstream(options: str, size: int, pcm: Pcm) -> list[bytes]:
    """Without the file's header, from somewhere on."""
    return cut(encoded(pcm, options)[1234:], size)


def s24_padded(pcm: Pcm) -> list[bytes]:
    """16 bits widened to 24: each third byte is zero."""
    wide = np.zeros((len(pcm), 3), np.uint8)
    wide[:, 1:] = pcm.view(np.uint8).reshape(-1, 2)
    return cut(wide.tobytes(), 480)


def s12_packed(pcm: Pcm) -> list[bytes]:
    """Two samples of 12 bits in three bytes, as some converters give them."""
    pairs = (pcm.astype(np.int32) >> 4 & 0xFFF).reshape(-1, 2)
    packed = pairs[:, 0] << 12 | pairs[:, 1]
    return cut(packed.astype(">i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes(), 240)


def fine(type_: str, pcm: Pcm) -> list[bytes]:
    """More bits than 16, none of them zero."""
    low = np.random.default_rng(len(pcm)).integers(0, 1 << 16, len(pcm))
    return cut(((pcm.astype(np.int64) << 16) + low).astype(type_).tobytes(), 640)


def louder_left(pcm: Pcm) -> list[bytes]:
    return cut(_interleaved(pcm, (pcm // 2).astype(np.int16)), 640)


def _interleaved(left: Pcm, right: Pcm) -> bytes:
    return np.stack([left, right], axis=1).astype("<i2").tobytes()


def two_talkers(size: int, pcm: Pcm) -> list[bytes]:
    other = talker("de", len(pcm) / 8000, 5)
    return cut(_interleaved(pcm, other), size)


def same_twice(pcm: Pcm) -> list[bytes]:
    return cut(_interleaved(pcm, pcm), 640)


def one_silent(is_left: bool, pcm: Pcm) -> list[bytes]:
    pair = (pcm, np.zeros_like(pcm))
    return cut(_interleaved(*(pair if is_left else pair[::-1])), 640)


# G.711 once too often, or with the wrong table


def _bytes_again(pcm: Pcm) -> bytes:
    """The codes of mu-law taken for signed samples of 8 bits, and encoded."""
    codes = np.frombuffer(s16le_to_mulaw(pcm.tobytes()), np.int8)
    return s16le_to_mulaw((codes.astype(np.int16) << 8).tobytes())


def mulaw_twice(pcm: Pcm) -> list[bytes]:
    return cut(_bytes_again(pcm), 160)


def mulaw_twice_linear(pcm: Pcm) -> list[bytes]:
    return cut(mulaw_to_s16le(_bytes_again(pcm)), 320)


def mulaw_as_alaw(pcm: Pcm) -> bytes:
    return alaw_to_s16le(s16le_to_mulaw(pcm.tobytes()))


def alaw_as_mulaw(pcm: Pcm) -> bytes:
    return mulaw_to_s16le(s16le_to_alaw(pcm.tobytes()))


def inverted(law: Callable[[bytes], bytes], mask: int, pcm: Pcm) -> list[bytes]:
    """Some bits of each code inverted."""
    return cut(bytes(code ^ mask for code in law(pcm.tobytes())), 160)


def halves(pcm: Pcm) -> list[bytes]:
    """Floating-point numbers of 16 bits."""
    return cut((pcm / 32768).astype("<f2").tobytes(), 320)


def wrapped(gain: float, pcm: Pcm) -> list[bytes]:
    """What does not fit into 16 bits begins anew at the other end."""
    loud = np.rint(pcm.astype(np.float64) * gain).astype(np.int64)
    return cut(loud.astype(np.int16).tobytes(), 320)


# Compressed


def ogg_packets(data: bytes) -> list[bytes]:
    """The packets in an Ogg stream (RFC 3533 6), its two header packets left out."""
    packets, at, carried = [], 0, b""
    while at + 27 <= len(data):
        count = data[at + 26]
        table = data[at + 27 : at + 27 + count]
        at += 27 + count
        for size in table:
            carried += data[at : at + size]
            at += size
            if size < 255:
                packets.append(carried)
                carried = b""
    return packets[2:]


def opus(options: str, pcm: Pcm) -> list[bytes]:
    return ogg_packets(encoded(pcm, f"-c:a libopus -frame_duration 20 {options} -f ogg"))


def sox_made(options: str, size: int, pcm: Pcm) -> list[bytes]:
    """What sox makes of it."""
    given = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-"]
    command = [need("sox"), *given, *options.split(), "-"]
    made = subprocess.run(command, input=pcm.tobytes(), capture_output=True, check=True).stdout
    return cut(made, size)


def speex(options: str, pcm: Pcm) -> list[bytes]:
    return ogg_packets(encoded(pcm, f"-c:a libspeex {options} -f ogg"))


def packed_each(pcm: Pcm) -> list[bytes]:
    """Each message a stream of zlib's own."""
    return [zlib.compress(part) for part in cut(pcm.tobytes(), 320)]


def adts_frames(pcm: Pcm) -> list[bytes]:
    """Each frame a message; its length has 13 bits behind the first 30 (ISO 14496-3 1.A.2)."""
    data, at, frames = encoded(pcm, "-c:a aac -b:a 24k -f adts"), 0, []
    while at + 7 <= len(data):
        size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        frames.append(data[at : at + size])
        at += size
    return frames


def noise_of(size: int, pcm: Pcm) -> list[bytes]:
    """Encrypted: bytes that nothing can tell from chance."""
    return cut(np.random.default_rng(len(pcm) + size).bytes(size * (len(pcm) // 160)), size)


def deflated(pcm: Pcm) -> list[bytes]:
    """The inside of a PNG or a zip file."""
    rng = np.random.default_rng(3)
    words = rng.choice([b"alpha", b"beta", b"gamma ", b"delta\n", b"<p>", b"17"], 60 * len(pcm))
    return cut(zlib.compress(b"".join(words.tolist()))[64:], 320)[: len(pcm) // 160]


# No audio at all


def _texts(say: Callable[[int, bytes], bytes], pcm: Pcm) -> list[bytes]:
    return [say(n, part) for n, part in enumerate(cut(s16le_to_mulaw(pcm.tobytes()), 160))]


def _media_event(n: int, part: bytes) -> bytes:
    media = {"track": "outbound", "chunk": str(n), "payload": base64.b64encode(part).decode()}
    return json.dumps({"event": "media", "streamSid": "MZ18", "media": media}).encode()


def _html(_n: int, _part: bytes) -> bytes:
    page = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body>\n"
    return (page + "<center><h1>502 Bad Gateway – Fehler</h1></center>\n</body></html>\n").encode()


def base64_linear(pcm: Pcm) -> list[bytes]:
    return [base64.b64encode(part) for part in cut(pcm.tobytes(), 320)]


# Files


def wav_header(size: int = 0xFFFFFFFF) -> bytes:
    form = (b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", size)
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", size, *form)


def inserted(what: bytes, each: int, first: int, pcm: Pcm) -> list[bytes]:
    """Bytes put into linear audio after `first` samples, and again after each `each`."""
    return cut(b"".join(_with(what, each, first, pcm)), 320)


def _with(what: bytes, each: int, first: int, pcm: Pcm) -> Iterator[bytes]:
    yield pcm[:first].tobytes()
    for at in range(first, len(pcm), each):
        yield what
        yield pcm[at : at + each].tobytes()


def wav_each(pcm: Pcm) -> list[bytes]:
    """Every message a file of its own."""
    return [wav_header(320) + part for part in cut(pcm.tobytes(), 320)]


LIST_CHUNK = b"LIST\x1a\0\0\0INFOISFT\x0d\0\0\0Lavf61.7.100\0\0"

NONE = "none"
NOT_AUDIO = "not-audio"
FOREIGN: dict[str, tuple[str, Maker]] = {
    "f32": ("f32le", partial(plain, "-f f32le", 640)),
    "f32-24k": ("f32le", partial(plain, "-ar 24000 -f f32le", 1920)),
    "f32-in-320": ("f32le", partial(plain, "-f f32le", 320)),
    "s24": ("s24le", s24_padded),
    "s24-24k": ("s24le", partial(plain, "-ar 24000 -f s24le", 1440)),
    "s24-in-320": ("s24le", lambda pcm: cut(b"".join(s24_padded(pcm)), 320)),
    "f32be": ("f32be", partial(plain, "-f f32be", 640)),
    "f32-unscaled": ("f32le", lambda pcm: cut(pcm.astype("<f4").tobytes(), 640)),
    "f64": ("f64le", partial(plain, "-f f64le", 1280)),
    "f64be": ("f64be", partial(plain, "-f f64be", 320)),
    "s24be": ("s24be", partial(plain, "-f s24be", 480)),
    "s24be-24k": ("s24be", partial(plain, "-ar 24000 -f s24be", 1440)),
    "s32": ("s32le", partial(plain, "-f s32le", 640)),
    "s32-fine": ("s32le", partial(fine, "<i4")),
    "s32be": ("s32be", partial(plain, "-f s32be", 320)),
    "s32be-fine": ("s32be", partial(fine, ">i4")),
    "s12-packed": (NONE, s12_packed),
    "u16": ("u16le", partial(plain, "-f u16le", 320)),
    "u16be": ("u16be", partial(plain, "-f u16be", 320)),
    "u8": ("u8", partial(plain, "-f u8", 160)),
    "u8-in-320": ("u8", partial(plain, "-f u8", 320)),
    "s8": ("s8", partial(plain, "-f s8", 160)),
    "stereo-talkers": ("stereo", partial(two_talkers, 640)),
    "stereo-talkers-in-320": ("stereo", partial(two_talkers, 320)),
    "stereo-same": ("stereo", same_twice),
    "stereo-left": ("stereo", partial(one_silent, True)),
    # The same bytes as 16 bits widened to 32.
    "stereo-right": ("s32le", partial(one_silent, False)),
    "stereo-louder": ("stereo", louder_left),
    "mulaw-twice": ("mulaw-twice", mulaw_twice),
    "mulaw-twice-linear": ("mulaw-twice", mulaw_twice_linear),
    "mulaw-as-alaw": ("mulaw-as-alaw", lambda pcm: cut(mulaw_as_alaw(pcm), 320)),
    "mulaw-as-alaw-mulaw": (
        "mulaw-as-alaw",
        lambda pcm: cut(s16le_to_mulaw(mulaw_as_alaw(pcm)), 160),
    ),
    "alaw-as-mulaw": ("alaw-as-mulaw", lambda pcm: cut(alaw_as_mulaw(pcm), 320)),
    "alaw-as-mulaw-alaw": (
        "alaw-as-mulaw",
        lambda pcm: cut(s16le_to_alaw(alaw_as_mulaw(pcm)), 160),
    ),
    "mulaw-inverted": ("mulaw-inverted", partial(inverted, s16le_to_mulaw, 0xFF)),
    "alaw-inverted": ("alaw-inverted", partial(inverted, s16le_to_alaw, 0xFF)),
    "f16": (NONE, halves),
    "gsm": ("gsm", partial(plain, "-f gsm", 33)),
    "gsm-40ms": ("gsm", partial(plain, "-f gsm", 66)),
    "gsm-in-320": ("gsm", partial(plain, "-f gsm", 320)),
    "g722": ("g722", partial(plain, "-ar 16000 -f g722", 160)),
    "opus": ("opus", partial(opus, "-b:a 24k")),
    "opus-cbr": ("opus", partial(opus, "-b:a 64k -vbr off")),
    "opus-wb-cbr": ("opus", partial(opus, "-b:a 16k -vbr off")),
    "mp3": ("mp3", partial(midstream, "-ar 16000 -b:a 64k -f mp3", 160)),
    "mp3-44k": ("mp3", partial(midstream, "-ar 44100 -b:a 128k -f mp3", 320)),
    "aac": ("aac", adts_frames),
    "aac-in-320": ("aac", lambda pcm: cut(b"".join(adts_frames(pcm)), 160)),
    "ima": ("adpcm", partial(midstream, "-c:a adpcm_ima_wav -f wav", 80)),
    "g726": ("adpcm", partial(plain, "-c:a g726 -b:a 32k -f g726", 80)),
    "g726le": ("adpcm", partial(plain, "-c:a g726le -b:a 32k -f g726le", 80)),
    "g726-16k": (NONE, partial(plain, "-c:a g726 -b:a 16k -f g726", 40)),
    "g726-24k": ("adpcm", partial(plain, "-c:a g726 -b:a 24k -f g726", 60)),
    "g726-40k": (NONE, partial(plain, "-c:a g726 -b:a 40k -f g726", 100)),
    "g723": (NONE, partial(plain, "-c:a g723_1 -b:a 6300 -f g723_1", 24)),
    "lpc10": (NONE, partial(sox_made, "-t lpc10", 28)),
    "cvsd": (NONE, partial(sox_made, "-r 16000 -t cvs", 40)),
    "speex": (NONE, partial(speex, "-b:a 15k")),
    "aptx": (NONE, partial(plain, "-ar 48000 -ac 2 -c:a aptx -f aptx", 320)),
    "wma": (NONE, partial(midstream, "-ar 16000 -c:a wmav2 -b:a 32k -f asf", 160)),
    "ac3": (NONE, partial(midstream, "-ar 48000 -c:a ac3 -b:a 96k -f ac3", 320)),
    "vorbis": (NONE, partial(midstream, "-ar 16000 -c:a libvorbis -f ogg", 160)),
    "mpeg-ts": (NONE, partial(plain, "-c:a aac -f mpegts", 188)),
    "zlib-each": (NONE, packed_each),
    "encrypted-160": (NONE, partial(noise_of, 160)),
    "encrypted-320": (NONE, partial(noise_of, 320)),
    "encrypted-170": (NONE, partial(noise_of, 170)),
    "g729": (NONE, partial(noise_of, 20)),
    "deflated": (NONE, deflated),
    "json": (NOT_AUDIO, partial(_texts, _media_event)),
    "html": (NOT_AUDIO, partial(_texts, _html)),
    "base64": (NOT_AUDIO, partial(_texts, lambda _n, part: base64.b64encode(part))),
    "base64-linear": (NOT_AUDIO, base64_linear),
    "wav-header-each-s": (NOT_AUDIO, partial(inserted, wav_header(), 8000, 0)),
    "wav-header-at-5s": (NOT_AUDIO, partial(inserted, wav_header(), 1 << 20, 40000)),
    "list-chunk": (NOT_AUDIO, partial(inserted, LIST_CHUNK, 1 << 20, 0)),
    "wav-each": (NOT_AUDIO, wav_each),
}
