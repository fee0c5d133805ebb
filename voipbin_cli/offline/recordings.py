"""`diagnose` of a recording: what its sound is like; when anything came it does not hold.

Each channel is judged at 8 kHz, as a phone hears it, resampled where it is at another rate; level,
silence and clipping are those of the recording's own samples (`analysis/sound/own_rate.py`). The
two channels of a stereo recording are two directions: the first is what was received, the second
what was sent; both together are a conversation, in which either may come back in the other.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.diagnosis import KEPT_ROWS, KEPT_SAMPLES, StreamDiagnosis
from voipbin_cli.analysis.emodel import assess
from voipbin_cli.analysis.findings import (
    Finding,
    find_in_both,
    find_recorded,
    gravest_first,
    verdict,
)
from voipbin_cli.analysis.messages import from_columns
from voipbin_cli.analysis.metrics import Measured, without_times
from voipbin_cli.analysis.sound.dtmf import DtmfFold
from voipbin_cli.analysis.sound.own_rate import OwnRateFold
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec, encode
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import NothingToJudge, UsageError
from voipbin_cli.media.resample import Resampler
from voipbin_cli.media.sound_file import Floats, OpenSound, missing_words, open_sound
from voipbin_cli.offline.recorded_talk import RecordedTalk, RecordedTalkFold

_READ_SECONDS = 10
# So many samples at once at the most, whatever rate and channels a header claims.
_MAX_READ_SAMPLES = 1 << 22
# Sound is recorded at 4 to 384 kHz; to judge hours of a sample a second takes days.
_RATES_HZ = range(2000, 768_001)
_CHECK = "check what wrote it"
_UNTIMED = "a recording does not hold when its frames came"
# By libsndfile's names. What is stored as these is judged as it is stored, so that one which is
# really another is told; all else is judged by what it decodes to.
_STORED = {"PCM_16": Codec.S16LE, "ULAW": Codec.MULAW, "ALAW": Codec.ALAW}
# Our names of them, and the code of zero.
_EIGHT_BITS = {"PCM_U8": ("u8", 128), "PCM_S8": ("s8", 0)}


@dataclass(frozen=True, slots=True)
class DiagnosedRecording:
    """What a recording came to: the summary's fields, and what a report shows of it.

    `missing` says of a file that is cut how much of it is there, None where all is.
    """

    fold: StreamFold
    diagnosis: StreamDiagnosis
    summary: dict[str, Any]
    missing: str | None


def diagnose_recording(path: str, limits: TalkLimits = DEFAULT_LIMITS) -> DiagnosedRecording:
    """Diagnose a sound file of any kind that libsndfile reads, or of bare codes by its suffix.

    `limits` are those of a conversation. Raises UsageError for what cannot be read, NothingToJudge
    for what holds no sound.
    """
    with closing(open_sound(path)) as file:
        if file.rate_hz not in _RATES_HZ:
            raise UsageError(f"{path} says {file.rate_hz} Hz: no rate of sound", hint=_CHECK)
        channels = [_Channel(file, way) for way in _directions(file.channels)]
        talk = RecordedTalkFold() if file.channels == 2 else None
        frames = 0
        most = min(file.rate_hz * _READ_SECONDS, max(1, _MAX_READ_SAMPLES // file.channels))
        while len(samples := file.read(most)):
            frames += len(samples)
            for number, channel in enumerate(channels):
                channel.add(samples[:, number])
            if talk is not None:
                talk.add(*(channel.take() for channel in channels))
        if not frames:
            raise NothingToJudge(f"{path} holds no sound", hint=_CHECK)
        for channel in channels:
            channel.finish()
        if talk is not None:
            talk.add(*(channel.take() for channel in channels))
            talk.finish()
        missing = missing_words(path, file, frames)
        return _told(file, channels, talk, frames, missing, limits)


def _directions(channels: int) -> tuple[Direction | None, ...]:
    """One channel is of no direction: it may hold both, mixed."""
    return (None,) if channels == 1 else (Direction.IN, Direction.OUT)


class _Channel:
    """One channel on its way through the folds."""

    def __init__(self, file: OpenSound, direction: Direction | None) -> None:
        self.direction = direction
        self.digits = ""
        is_as_stored = file.rate_hz == SAMPLE_RATE_HZ
        stored = _STORED.get(file.coding) if is_as_stored else None
        self._sound = _Judged(stored.value if stored else None, _as(stored or Codec.S16LE))
        self._codes: _Judged | None = None
        if is_as_stored and file.coding in _EIGHT_BITS:
            name, zero = _EIGHT_BITS[file.coding]
            self._codes = _Judged(name, lambda samples: _eight_bits(samples, zero))
        self._resampler = Resampler(file.rate_hz, SAMPLE_RATE_HZ)
        self._dtmf = DtmfFold()
        self._own = OwnRateFold(file.rate_hz)
        self._heard: list[Samples] = []

    def add(self, samples: Floats) -> None:
        """Take samples at the recording's rate."""
        self._own.add(_int16(samples)[:, None])
        self._hear(_int16(self._resampler.process(samples)))

    def finish(self) -> None:
        """The recording is over."""
        self._hear(_int16(self._resampler.process(np.empty(0, np.float32), last=True)))
        self._own.finish()
        self._sound.finish()
        if self._codes is not None:
            self._codes.finish()
            if self._codes.is_g711:
                self._sound = self._codes

    def take(self) -> Samples:
        """What was heard since this was asked, as int16 at 8 kHz."""
        heard: Samples = np.concatenate([np.empty(0, np.int16), *self._heard])
        self._heard = []
        return heard

    def _hear(self, samples: Samples) -> None:
        if self.direction is not None:
            self._heard.append(samples)
        self._sound.add(samples)
        if self._codes is not None:
            self._codes.add(samples)
        self.digits += "".join(digit.symbol for digit in self._dtmf.add(samples))

    @property
    def fold(self) -> StreamFold:
        """What measured it."""
        return self._sound.fold

    @property
    def is_heard(self) -> bool:
        """What it sounds like is what the file says."""
        measured = self._sound.measured
        return measured.is_settled and not self._sound.is_mistaken and self._codes_are_none

    @property
    def _codes_are_none(self) -> bool:
        return self._codes is None or self._sound is not self._codes

    def result(self) -> tuple[Measured, tuple[Finding, ...]]:
        """The figures, some of the recording's own samples, and what is wrong."""
        measured = self._sound.measured
        measured = replace(measured, quality=assess(None).untold(_UNTIMED))
        if not self._sound.is_mistaken:
            measured = replace(measured, **self._own.result()._asdict())
        return measured, find_recorded(measured, self._sound.declared, self.direction)


class _Judged:
    """A fold over the bytes that samples are stored as, in frames of 20 ms.

    `declared` is what the header says that they are, by our names; None where the samples were
    made here and can be nothing else.
    """

    def __init__(self, declared: str | None, encoded: Callable[[Samples], bytes]) -> None:
        self.declared = declared
        self.fold = StreamFold(Encapsulation.SLN, keep_samples=KEPT_SAMPLES, keep_rows=KEPT_ROWS)
        self._encoded = encoded
        self._rest = np.empty(0, np.int16)
        self._frames = 0

    def add(self, samples: Samples) -> None:
        """Take samples at 8 kHz."""
        samples = np.concatenate([self._rest, samples])
        whole = samples.size - samples.size % FRAME_SAMPLES
        self._rest = samples[whole:]
        if whole:
            self._fold_frames(samples[:whole])

    def _fold_frames(self, samples: Samples) -> None:
        count = samples.size // FRAME_SAMPLES
        data = self._encoded(samples)
        size = np.full(count, len(data) // count, np.int64)
        offset = np.arange(count) * size[0]
        # Times as of a stream without a fault: nothing that rests on them is told.
        time_ns = (self._frames + np.arange(count)) * FRAME_NS
        self.fold.add(from_columns(data, offset, size, time_ns=time_ns))
        self._frames += count

    def finish(self) -> None:
        """The last part of a frame is left out."""
        self.fold.flush()

    @cached_property
    def measured(self) -> Measured:
        """All figures; complete after `finish`."""
        return self.fold.measured()

    @property
    def is_g711(self) -> bool:
        """By what it sounds like."""
        reading = self.measured.reading
        is_sure = self.measured.is_settled and self.measured.foreign is None
        return is_sure and reading is not None and reading.codec.sample_bytes == 1

    @property
    def is_mistaken(self) -> bool:
        """The bytes are none of what the header says."""
        reading = self.measured.reading
        return self.declared is not None and (
            reading is None or reading.codec.value != self.declared
        )


def _as(codec: Codec) -> Callable[[Samples], bytes]:
    return lambda samples: encode(codec, samples.astype("<i2").tobytes())


def _eight_bits(samples: Samples, zero: int) -> bytes:
    """What a sample of eight bits was stored as."""
    codes: bytes = ((samples >> 8) + zero).astype(np.uint8).tobytes()
    return codes


def _int16(samples: Floats) -> Samples:
    """As a sound card plays it: held at full scale."""
    with np.errstate(invalid="ignore"):
        scaled = np.nan_to_num(np.rint(samples * np.float32(1 << 15)), nan=0.0)
    held: Samples = np.clip(scaled, -(1 << 15), (1 << 15) - 1).astype(np.int16)
    return held


def _told(
    file: OpenSound,
    channels: list[_Channel],
    talk: RecordedTalkFold | None,
    frames: int,
    missing: str | None,
    limits: TalkLimits,
) -> DiagnosedRecording:
    duration_s = frames / file.rate_hz
    results = [channel.result() for channel in channels]
    measured, _ = results[0]
    is_talk = talk is not None and all(channel.is_heard for channel in channels)
    told = talk.result() if talk is not None and is_talk else RecordedTalk()
    found_in_both = find_in_both(measured, told.talk, told.back, limits)
    findings = gravest_first(*(found for _, found in results), found_in_both)
    diagnosis = StreamDiagnosis(measured, findings, verdict(findings), talk=told.talk)
    fields = [_metrics(one, duration_s) for one, _ in results]
    summary = {
        "target": None,
        **diagnosis.as_fields(),
        "encapsulation": None,
        "dialect": None,
        "metrics": fields[0],
        "metrics_sent": fields[1] if len(fields) > 1 else None,
        "recording": {
            "coding": file.coding,
            "sample_rate_hz": file.rate_hz,
            "judged_at_hz": SAMPLE_RATE_HZ,
            "channels": file.channels,
            "channels_judged": len(channels),
            "channels_are_same": told.are_same,
            "missing": missing,
            "digits": [channel.digits for channel in channels],
        },
    }
    return DiagnosedRecording(channels[0].fold, diagnosis, summary, missing)


def _metrics(measured: Measured, duration_s: float) -> dict[str, Any]:
    return without_times(measured.as_fields()) | {"duration_seconds": round(duration_s, 4)}
