"""What bytes look like by their structure: frames of compressed audio, text, chance.

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
    """ITU-T G.722 table 3: of the 6 bits of the lower band the codes 0 to 3 are never sent.

    The codes 60 to 63, their complements, are: a stream of single bits has neither in any place.
    """
    low = np.bincount(np.frombuffer(stream, np.uint8) & 0x3F, minlength=64)
    is_whole = low.sum() >= 1000 and np.count_nonzero(low) > 45 and low[60:].all()
    return bool(is_whole and not low[:4].any())


# Of IMA 0.04 at the most; of WMA, whose frames are filled up with zeros, 0.17 and more.
_EITHER_SIGN = 0.1


def is_adpcm(stream: bytes) -> bool:
    """Samples of four bits: both halves of a byte are alike, and small steps the most likely.

    IMA writes sign and magnitude, either sign as often as the other, and seldom the largest; G.726
    (RFC 3551 4.5.4) a number whose 0 is not sent.
    """
    octets = np.frombuffer(stream, np.uint8)
    high, low = _shares(octets >> np.uint8(4)), _shares(octets & np.uint8(15))
    if len(octets) < 400 or _distance(high, low) > 0.1:
        return False
    both = (high + low) / 2
    signs = both[[0, 1, 2]].sum(), both[[8, 9, 10]].sum()
    is_even = abs(signs[0] - signs[1]) < _EITHER_SIGN
    is_ima = is_even and 0.5 < sum(signs) < 0.98 and both[[7, 15]].sum() < 0.08
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
_OPUS_HYBRID = 12  # the first configuration that is not SILK alone


def _is_opus(payloads: Sequence[bytes]) -> bool:
    """One configuration for all packets, of 20 ms, and nothing alike behind the first byte.

    Packets that are filled up to one length (code 3) may stand beside others, and have a second
    byte that may be the same for all: so has what zlib made of each payload (RFC 1950 2.2).
    """
    some = [payload for payload in payloads if len(payload) > 2]
    if len(some) < _OPUS_PACKETS:
        return False
    kind, share = _commonest([payload[0] >> 2 for payload in some])
    codes = {payload[0] & 3 for payload in some if payload[0] >> 2 == kind}
    behind = [payload[2 if payload[0] & 3 == 3 else 1] for payload in some]
    middle = [payload[len(payload) // 2] for payload in some]
    is_coded = _commonest(behind)[1] < 0.9 and _commonest(middle)[1] < 0.5
    is_one = share > 0.8 and (codes <= {0, 3} or len(codes) == 1)
    return is_one and is_coded and _is_20_ms(kind << 2 | min(codes))


def _commonest(octets: list[int]) -> tuple[int, float]:
    """The octet that most of them are, and what share that is."""
    most = max(octets, key=octets.count)
    return most, octets.count(most) / len(octets)


def _is_20_ms(head: int) -> bool:
    """Whether a packet's first byte says so; SILK in stereo is what that of AMR would be."""
    config, code = head >> 3, head & 3
    is_stereo_silk = config < _OPUS_HYBRID and bool(head & 4)
    return not is_stereo_silk and config in (_OPUS_20_MS if code in (0, 3) else _OPUS_10_MS)


# Chance

_HISS_SAMPLES = 1000
# Samples at full scale: by chance 5 in 100,000 are at the one end, and 3 at the other.
_RAILS_SHARE = 0.002
# Of noise of -9 dBFS 52 % is below a quarter of full scale, of -6 dBFS 38 %, of bytes by chance 25.
_MIDDLE = 0.28
# And so much more than of the low bytes, of which a quarter is: those of compressed audio are as
# the high ones.
_MORE_MIDDLE = 0.03
# Four times the deviation of a quarter of 1000 samples.
_CHANCE = 0.055


def is_loud_hiss(stream: bytes) -> bool:
    """Whether it may be white noise in 16-bit samples: nothing but its level tells it from chance.

    The low byte of each sample is as chance has it, and the samples are the fewer the louder they
    are, as many of either sign. Or it is so loud that more of it is cut off at both ends: applause,
    shots, laughter into a microphone.
    """
    octets = np.frombuffer(stream[: len(stream) & ~1], np.uint8)
    if len(octets) < 2 * _HISS_SAMPLES:
        return False
    return any(_is_hiss(octets.view(order)) for order in ("<i2", ">i2"))


def _is_hiss(samples: npt.NDArray[np.int16]) -> bool:
    ends = (samples == 0x7FFF, samples < -0x7FFE)
    if min(np.mean(end) for end in ends) > _RAILS_SHARE:
        return True
    values = samples.astype(np.int32)
    low = np.bincount(values >> 6 & 3, minlength=4) / len(values)
    sizes = np.bincount(np.minimum(np.abs(values) >> 13, 3), minlength=4) / len(values)
    below = np.mean(np.abs(values.astype(np.int8).astype(np.int16)) < 32)
    is_chance_below = np.abs(low - 0.25).max() < _CHANCE
    is_even = abs(np.mean(values < 0) - 0.5) < 2 * _CHANCE
    is_middle = sizes[0] > max(_MIDDLE, below + _MORE_MIDDLE)
    return bool(is_chance_below and is_even and is_middle and (np.diff(sizes) < _CHANCE / 2).all())


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
