"""What bytes look like by their structure: frames of compressed audio, floats, text, chance.

Nothing is decoded here. A row says what its bytes cannot be without by its standard: a sync word at
the distance that the header before names, a nibble of each frame, codes that are never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.formats import Format

Octets = npt.NDArray[np.uint8]

# Text

_TEXT_BYTES = 32
_TEXT_HEAD = 64
# Bytes of text differ by more than this on the mean; so do not those of G.711 that never changes
# its sign, one sample to the next.
_TEXT_STEP = 12.0
_TEXT_LETTERS = 6
TEXT_SHARE = 0.5
"""A stretch is text where more than this share of what sounds in it is: one payload in a hundred of
G.711 that keeps its sign is letters all over by chance."""


def is_text(payload: bytes) -> bool:
    """Whether a payload is letters all over, of ASCII or UTF-8, and no samples that look so."""
    if len(payload) < _TEXT_BYTES:
        return False
    letters = payload.decode("utf-8", "replace")
    # A letter that payloads were cut in has one or more such marks at each end.
    if letters.count("\ufffd") > (0 if payload.isascii() else 4):
        return False
    octets = np.frombuffer(payload[:_TEXT_HEAD], np.uint8).astype(np.int16)
    if np.abs(np.diff(octets)).mean() <= _TEXT_STEP or len(set(payload)) < _TEXT_LETTERS:
        return False
    return all(letter.isprintable() or letter in "\t\n\v\f\r" for letter in letters)


# Sync words, each as far from the last as its header says

_CHAIN = 4
# ISO 11172-3 2.4.2.3 and 13818-3: kbit/s by index, of layer III in MPEG-1 and MPEG-2.
_KBIT_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_HZ = (44100, 48000, 32000)


def _mp3_bytes(header: bytes) -> int:
    """Length of the layer III frame that begins here, 0 where none does."""
    word = int.from_bytes(header[:4], "big")
    version, layer = word >> 19 & 3, word >> 17 & 3
    bitrate, rate = word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or layer != 1 or bitrate in (0, 15) or rate == 3:
        return 0
    is_first = version == 3
    rate_hz = _RATES_HZ[rate] >> (0 if is_first else 1 if version == 2 else 2)
    kbit = (_KBIT_1 if is_first else _KBIT_2)[bitrate]
    return (144 if is_first else 72) * kbit * 1000 // rate_hz + (word >> 9 & 1)


def _adts_bytes(header: bytes) -> int:
    """Length of the ADTS frame that begins here (ISO 14496-3 1.A.2), 0 where none does."""
    word = int.from_bytes(header[:7], "big")
    size = word >> 13 & 0x1FFF
    is_sync = word >> 44 == 0xFFF and not word >> 41 & 3
    return size if is_sync and word >> 34 & 15 < 13 and size > 7 else 0


def _is_chained(frame_bytes: Callable[[bytes], int], stream: bytes) -> bool:
    """Whether four frames follow each other somewhere, each where the one before ends."""

    def chain(at: int) -> Iterator[int]:
        while size := frame_bytes(stream[at : at + 7]):
            yield at
            at += size

    at = stream.find(b"\xff")
    while at >= 0:
        if sum(1 for _ in islice(chain(at), _CHAIN)) == _CHAIN:
            return True
        at = stream.find(b"\xff", at + 1)
    return False


# Other compressed audio

_GSM_BYTES, _GSM_FRAMES = 33, 12


def _is_gsm(stream: bytes) -> bool:
    """RFC 3551 4.5.8.1: each frame of 33 bytes begins with the four bits 0xD."""
    for first in range(_GSM_BYTES):
        heads = np.frombuffer(stream[first::_GSM_BYTES], np.uint8)
        if len(heads) >= _GSM_FRAMES and bool((heads >> 4 == 0xD).all()):
            return True
    return False


def _is_g722(stream: bytes) -> bool:
    """ITU-T G.722 table 3: of the 6 bits of the lower band the codes 0 to 3 are never sent."""
    low = np.bincount(np.frombuffer(stream, np.uint8) & 0x3F, minlength=64)
    return bool(low.sum() >= 1000 and not low[:4].any() and np.count_nonzero(low) > 45)


def is_adpcm(stream: bytes) -> bool:
    """Samples of four bits: both halves of a byte are alike, and small steps the most likely.

    IMA writes sign and magnitude, and seldom the largest; G.726 (RFC 3551 4.5.4) a number whose
    0 is not sent.
    """
    octets = np.frombuffer(stream, np.uint8)
    high, low = _shares(octets >> np.uint8(4)), _shares(octets & np.uint8(15))
    if len(octets) < 400 or _distance(high, low) > 0.1:
        return False
    both = (high + low) / 2
    is_ima = 0.5 < both[[0, 1, 2, 8, 9, 10]].sum() < 0.98 and both[[7, 15]].sum() < 0.08
    is_g726 = 0.5 < both[[1, 2, 3, 13, 14, 15]].sum() < 0.98 and both[0] < 0.01
    return bool(is_ima or is_g726)


def _shares(nibbles: Octets) -> npt.NDArray[np.float64]:
    return np.bincount(nibbles, minlength=16) / max(len(nibbles), 1)


def _distance(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.abs(one - other).sum() / 2)


# RFC 6716 table 2: configurations whose frames have 20 ms, 10 ms; a code of how many there are.
_OPUS_20_MS = frozenset((1, 5, 9, 13, 15, 19, 23, 27, 31))
_OPUS_10_MS = frozenset((0, 4, 8, 12, 14, 18, 22, 26, 30))
_OPUS_PACKETS = 10


def _is_opus(payloads: Sequence[bytes]) -> bool:
    """One configuration for all packets, of 20 ms, and nothing alike in the middle of them."""
    some = [payload for payload in payloads if len(payload) > 2]
    if len(some) < _OPUS_PACKETS:
        return False
    heads = [payload[0] for payload in some]
    head = max(heads, key=heads.count)
    alike = sum(other >> 2 == head >> 2 for other in heads)
    middles = [payload[len(payload) // 2] for payload in some]
    is_coded = max(map(middles.count, middles)) < 0.5 * len(some)
    return alike > 0.8 * len(some) and _is_20_ms(head) and is_coded


def _is_20_ms(head: int) -> bool:
    config, code = head >> 3, head & 3
    return config in (_OPUS_20_MS if code in (0, 3) else _OPUS_10_MS)


# Floats

# Sound is within +-4 and above 2**-40, or exactly zero; so are a fifth of all bit patterns.
_FLOAT_LEAST, _FLOAT_MOST = 2.0**-40, 4.0


def is_f32(stream: bytes) -> bool:
    """Whether four bytes each, from one of the first four on, are floats that sound may be."""
    return any(_are_floats(stream[first:]) for first in range(4))


def _are_floats(stream: bytes) -> bool:
    size = np.abs(np.frombuffer(stream[: len(stream) & ~3], "<f4"))
    is_zero = size == 0
    fits = is_zero | ((size > _FLOAT_LEAST) & (size < _FLOAT_MOST))
    return bool(len(size) >= 100 and fits.mean() > 0.99 and is_zero.mean() < 0.9)


# Chance

_HISS_SAMPLES = 1000
# What is cut off at full scale, in either order of bytes: by chance 9 samples in 100,000.
_RAILS = np.array([0x7FFF, 0x8000, 0x8001, 0xFF7F, 0x0080, 0x0180], "<u2")
_RAILS_SHARE = 0.005


def is_loud_hiss(stream: bytes) -> bool:
    """Whether it may be white noise in 16-bit samples: nothing but its level tells it from chance.

    One byte of each pair is as chance has it, but for what is cut off at full scale (5 % of noise
    of -6 dBFS); of what the other one says more than 28 % is below a quarter of full scale, which
    is 25 % by chance and 38 % in that noise. Or it is so loud that more of it is cut off: applause,
    shots, laughter into a microphone.
    """
    samples = np.frombuffer(stream[: len(stream) & ~1], "<u2")
    if len(samples) >= _HISS_SAMPLES and np.isin(samples, _RAILS).mean() > _RAILS_SHARE:
        return True
    pairs = np.frombuffer(stream[: len(stream) & ~1], np.uint8).reshape(-1, 2)
    if len(pairs) < _HISS_SAMPLES:
        return False
    one, other = _quarter(pairs[:, 0]), _quarter(pairs[:, 1])
    return max(one, other) > 0.28 and abs(min(one, other) - 0.25) < 0.05


def _quarter(octets: Octets) -> float:
    """Share of high bytes of samples below a quarter of full scale."""
    return float(np.mean(np.abs(octets.view(np.int8).astype(np.int16) * 2 + 1) < 64))


_FRAMED: tuple[tuple[Format, Callable[[bytes], bool]], ...] = (
    (Format.GSM, _is_gsm),
    (Format.MP3, lambda stream: _is_chained(_mp3_bytes, stream)),
    (Format.AAC, lambda stream: _is_chained(_adts_bytes, stream)),
)


def find_framed(stream: bytes) -> Format | None:
    """Name the compressed audio whose own marks are in a stretch of a stream."""
    return next((format_ for format_, is_it in _FRAMED if is_it(stream)), None)


def find_unmarked(payloads: Sequence[bytes], stream: bytes) -> Format | None:
    """Name the compressed audio of payloads that no codec explains; `stream` is all of them."""
    if _is_opus(payloads):
        return Format.OPUS
    return Format.G722 if _is_g722(stream) else None
