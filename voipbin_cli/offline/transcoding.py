"""Payloads that are no sound at 8 kHz, made into such: L16 at any rate, GSM and G.722.

G.722 is decoded where the extra of that name is installed: libg722 has wheels of 60 kB for each
Python and platform, and gives sample for sample what FFmpeg does. FFmpeg's own bindings (av) would
decode G.729 and Opus as well, in wheels of 35 MB.

What becomes of them is big-endian, as L16 is in RTP (RFC 3551 4.5.11); level, silence and clipping
are measured at its own rate (`analysis/sound/own_rate.py`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.analysis.sound.own_rate import OwnRateFold, OwnSound
from voipbin_cli.analysis.stream import Transcode
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.payload_types import PayloadType
from voipbin_cli.media import g722
from voipbin_cli.media.gsm import FRAME_BYTES, FRAME_SAMPLES, GsmDecoder
from voipbin_cli.media.resample import ResampleQuality, Resampler

# RFC 3551 4.5.11: any rate; what telephones and studios use.
_RATES_HZ = range(8000, 192_001)
_CHANNELS = (1, 2)


def transcoder(codec: PayloadType | None) -> Transcode | None:
    """What makes 16-bit samples at 8 kHz of a stream of this codec; None where it needs none.

    None, too, of a codec that is not decoded here.
    """
    if codec is None or codec.is_decoded:
        return None
    name = codec.name.upper()
    if name == "L16" and codec.clock_hz in _RATES_HZ and codec.channels in _CHANNELS:
        return _Transcoder(codec.number, _L16(codec.clock_hz, codec.channels or 1))
    if name == "GSM" and codec.clock_hz == SAMPLE_RATE_HZ:
        return _Transcoder(codec.number, _Gsm())
    if name == "G722" and g722.is_installed():
        return _Transcoder(codec.number, _G722())
    return None


class _Transcoder:
    """Changes the payloads of one payload type, and leaves all else as it is."""

    def __init__(self, number: int, decode: _L16 | _Gsm | _G722) -> None:
        self._number = number
        self._decode = decode

    @property
    def own_sound(self) -> OwnSound | None:
        """What linear samples are at their own rate; None of what has none."""
        return self._decode.own_sound

    def finish(self) -> None:
        """The stream is over."""
        self._decode.finish()

    def __call__(self, rows: Arrivals) -> Arrivals:
        mine = np.flatnonzero(rows.is_audio & (rows.label == self._number))
        if not len(mine):
            return rows
        payloads = [rows.payload(row) for row in range(len(rows))]
        counts, samples = self._decode([payloads[row] for row in mine.tolist()])
        ends = np.cumsum(counts)
        for row, end, count in zip(mine.tolist(), ends.tolist(), counts.tolist(), strict=True):
            payloads[row] = samples[end - count : end].astype(">i2").tobytes()
        length = np.array([len(payload) for payload in payloads], np.int64)
        return replace(rows, data=b"".join(payloads), at=np.cumsum(length) - length, length=length)


class _L16:
    """Linear samples at another rate, or of two channels: the mean of them, at 8 kHz."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._own = OwnRateFold(rate_hz, channels)
        self._rate_hz, self._channels = rate_hz, channels
        # The filter whose output is as long as its input; at first it is some ms behind.
        self._resampler = Resampler(rate_hz, SAMPLE_RATE_HZ, ResampleQuality.LIVE)
        self._ahead = np.empty(0, np.int16)
        self._read = 0

    def __call__(self, payloads: list[bytes]) -> tuple[Ints, Samples]:
        size = 2 * self._channels
        frames = np.array([len(payload) // size for payload in payloads], np.int64)
        whole = b"".join(payload[: len(payload) // size * size] for payload in payloads)
        came = np.frombuffer(whole, ">i2").reshape(-1, self._channels)
        self._own.add(came.astype(np.int16))
        linear = came.mean(axis=1)
        resampled = self._resampler.process((linear / (1 << 15)).astype(np.float32))
        held = np.clip(np.rint(resampled * (1 << 15)), -(1 << 15), (1 << 15) - 1)
        samples = np.concatenate([self._ahead, held.astype(np.int16)])
        counts = self._counts(frames)
        wanted = int(counts.sum())
        if samples.size < wanted:
            samples = np.concatenate([np.zeros(wanted - samples.size, np.int16), samples])
        self._ahead = samples[wanted:]
        return counts, samples[:wanted]

    @property
    def own_sound(self) -> OwnSound:
        return self._own.result()

    def finish(self) -> None:
        self._own.finish()

    def _counts(self, frames: Ints) -> Ints:
        """How many samples each payload becomes, so that none are lost in the long run."""
        ends = self._read + np.cumsum(frames)
        starts = ends - frames
        self._read = int(ends[-1])
        counts: Ints = ends * SAMPLE_RATE_HZ // self._rate_hz
        return counts - starts * SAMPLE_RATE_HZ // self._rate_hz


class _Coded:
    """Of a codec that has no samples of its own."""

    own_sound: OwnSound | None = None

    def finish(self) -> None:
        """Nothing is held back."""


class _Gsm(_Coded):
    """GSM full rate: 33 bytes are 20 ms (RFC 3551 4.5.8)."""

    def __init__(self) -> None:
        self._decoder = GsmDecoder()

    def __call__(self, payloads: list[bytes]) -> tuple[Ints, Samples]:
        frames = np.array([len(payload) // FRAME_BYTES for payload in payloads], np.int64)
        whole = (payload[: len(payload) // FRAME_BYTES * FRAME_BYTES] for payload in payloads)
        return frames * FRAME_SAMPLES, self._decoder.decode(b"".join(whole))


class _G722(_Coded):
    """G.722: a byte is two samples of 16 kHz, or one of the lower band (RFC 3551 4.5.2)."""

    def __init__(self) -> None:
        self._decoder = g722.G722Decoder(SAMPLE_RATE_HZ)

    def __call__(self, payloads: list[bytes]) -> tuple[Ints, Samples]:
        counts = np.array([len(payload) for payload in payloads], np.int64)
        return counts, self._decoder.decode(b"".join(payloads))
