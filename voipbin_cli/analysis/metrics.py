"""All figures of one stream in one value, and as the `metrics` of the command line's contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from voipbin_cli.analysis.arrivals.bursts import Bursts
from voipbin_cli.analysis.arrivals.drift import Drift
from voipbin_cli.analysis.arrivals.intervals import Intervals
from voipbin_cli.analysis.arrivals.jitter import Jitter
from voipbin_cli.analysis.arrivals.own_lag import Lag, Trips
from voipbin_cli.analysis.arrivals.paces import Stamped
from voipbin_cli.analysis.arrivals.reception import Reception
from voipbin_cli.analysis.arrivals.rtp_fold import Said
from voipbin_cli.analysis.emodel import Quality
from voipbin_cli.analysis.pauses import Pause, PauseKind
from voipbin_cli.analysis.playout.late_frames import Outcome
from voipbin_cli.analysis.sound.clicks import Clicks
from voipbin_cli.analysis.sound.codec_judge import Change
from voipbin_cli.analysis.sound.file_headers import FileHeaders
from voipbin_cli.analysis.sound.holes import Holes
from voipbin_cli.analysis.sound.hum import Tone
from voipbin_cli.analysis.sound.noise_floor import NoiseFloor
from voipbin_cli.analysis.sound.repetition import Repeats
from voipbin_cli.analysis.sound.signal import Signal
from voipbin_cli.analysis.sound.stillness import Stillness
from voipbin_cli.analysis.told import Told
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.examination import Found
from voipbin_cli.codec.fingerprint import Dialect, Fingerprint
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.framing import OtherFraming
from voipbin_cli.codec.payload_types import FIVE_MS_BYTES, SRTP_TAG_BYTES, VIDEO_CLOCK_HZ
from voipbin_cli.codec.reading import Reading

T = TypeVar("T")

# What rests on headers, or on how long a frame plays: nothing where they are misread.
_OF_LENGTHS = ("frame_ms", "samples_per_second")
_OF_HEADERS = (
    *_OF_LENGTHS,
    "interarrival_jitter_ms",
    "jitter_clock_hz",
    "sequence",
    "stalls",
    "lost_audio_ms",
    "buffers",
    "delay_variation",
    "bursts",
)
# What rests on when frames came: a recording does not hold that.
_OF_TIMES = (
    "frame_interval_ms",
    "clock_drift_ppm",
    "clock_drift_uncertainty_ppm",
    "local_lag_ms",
    "rtt_ms",
    *_OF_HEADERS,
)
# A link that is this short of what the stream needs makes a ping wait so long within a run.
STARVED_RATIO = 0.97
STARVED_QUEUE_MS = 200.0


class Outage(NamedTuple):
    """A connection lost `at_ns`; the next one brought a frame `after_ns`, None if none did."""

    at_ns: int
    after_ns: int | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one stream, to its latest frame. Times are of the arrivals' clock.

    `frame_samples` is the usual length of a frame, `other_sizes_ratio` the share of frames that
    are of another, and `frame_range_samples` the shortest and the longest.

    `samples_hz` are the samples in a second while audio flows, losses, stalls and meant silence
    left out, `mean_hz` those of all the time from the first frame to the last; what came twice
    counts once. `calm_ratio` is the share of
    frames that came a frame's length after the one before, give or take a quarter. `backlog_ms`
    is how much audio was there at once at the start of a connection.

    `clock_hz` is the clock of the RTP timestamps; where their label or SDP tells it, what they
    count in truth is in `stamped` (of datagrams).

    `told` is what is known beside the packets, `payload_bytes` the usual length of a payload.

    `heard_at` is the frame with which the last of the `heard_blocks` begins that held sound.
    `split_at` is the first frame of sound to begin inside a sample that the one before ends with.
    """

    encapsulation: Encapsulation
    is_datagrams: bool
    told: Told
    payload_bytes: int | None
    frames: int
    messages: int
    message_bytes: int
    texts: int
    first_text: str | None
    malformed: int
    began_ns: int
    ended_ns: int
    frame_ms: float | None
    frame_samples: int | None
    frame_range_samples: tuple[int, int]
    other_sizes_ratio: float
    samples_hz: float | None
    mean_hz: float | None
    clock_hz: int | None
    stamped: Stamped
    labels: tuple[tuple[int, int], ...]
    fingerprint: Fingerprint | None
    dialect: Dialect | None
    reading: Reading | None
    is_settled: bool
    changes: tuple[Change, ...]
    foreign: Found | None
    framing: OtherFraming | None
    split_at: int | None
    heard_blocks: int
    heard_at: int
    text_blocks: int
    text: str | None
    file_headers: FileHeaders | None
    intervals: Intervals | None
    calm_ratio: float
    backlog_ms: float
    jitter: Jitter
    reception: Reception | None
    said: Said
    pauses: tuple[Pause, ...]
    variation: dict[str, int]
    drift: Drift
    bursts: Bursts
    buffers: dict[str, Outcome]
    signal: Signal
    holes: Holes
    stillness: Stillness
    floor: NoiseFloor
    clipping_ratio: float
    repeats: Repeats
    clicks: Clicks
    hum: tuple[Tone, ...]
    is_modem: bool
    overflow_ratio: float
    trips: Trips
    lag: Lag
    outages: tuple[Outage, ...]
    quality: Quality

    @property
    def is_only_text(self) -> bool:
        """Nothing came that could hold audio, but text messages."""
        return not self.frames and self.texts * 2 > self.messages

    @property
    def is_text(self) -> bool:
        """Most of what is no silence is text."""
        if self.framing and self.framing.text:
            return True
        return self.text_blocks * 2 > self.heard_blocks

    @property
    def is_sound_known(self) -> bool:
        """What the payload sounds like can be told: it is not in a format that is not decoded."""
        is_as_asked = self.framing is None or self.framing.found is None
        is_told = self.foreign is None and self.told.is_heard
        return is_told and not self.is_text and is_as_asked

    @property
    def has_misread_headers(self) -> bool:
        """The messages are of another encapsulation, or text: no field of theirs is what it seems.

        Of a packet in a packet the outer header is one.
        """
        return self.framing is not None and not self.framing.is_inside

    @property
    def is_unnamed_codec(self) -> bool:
        """On a phone's leg, where no name is told: what no codec that is decoded explains."""
        if not self.is_datagrams or self.told.codec is not None or self.foreign is None:
            return False
        return self.foreign.format.is_codec

    @property
    def is_sealed_g711(self) -> bool:
        """By its label G.711, by its bytes nothing, and longer by what SRTP seals packets with."""
        if not self.is_datagrams or self.told.codec is None or self.foreign is None:
            return False
        if self.foreign.format is not Format.UNKNOWN or self.payload_bytes is None:
            return False
        is_g711 = self.told.codec.name in ("PCMU", "PCMA")
        return is_g711 and self.payload_bytes % FIVE_MS_BYTES in SRTP_TAG_BYTES

    @property
    def is_video(self) -> bool:
        """Its packets are parts of pictures: by name, or by video's clock (RFC 3551 5)."""
        if self.told.codec is not None:
            return self.told.is_video
        return self.is_datagrams and self.clock_hz == VIDEO_CLOCK_HZ

    @property
    def duration_s(self) -> float:
        """From the first frame to the last, its own length included."""
        if not self.frames:
            return 0.0
        return (self.ended_ns - self.began_ns) / 1e9 + (self.frame_ms or 20.0) / 1e3

    def paused(self, kind: PauseKind) -> list[Pause]:
        """The pauses that are of this kind, in part at least."""
        return [pause for pause in self.pauses if kind in pause.kinds]

    @property
    def stalls(self) -> list[Pause]:
        """Pauses that caught up, at once or after long, this machine's own left out."""
        return self.paused(PauseKind.STALL)

    @property
    def losses(self) -> list[Pause]:
        """Pauses in which audio never came."""
        return self.paused(PauseKind.LOSS)

    @property
    def dry(self) -> list[Pause]:
        """Pauses in which the sender waited, and after which nothing is missing."""
        return self.paused(PauseKind.DRY)

    @property
    def has_whole_numbers(self) -> bool:
        """RTP numbers and timestamps say that nothing was lost after they were given."""
        return self.reception is not None and self.reception.is_whole and bool(self.clock_hz)

    @property
    def lost_ms(self) -> float:
        """Audio that never came, by the arrivals."""
        return sum(pause.lost_ns for pause in self.losses) / 1e6

    @property
    def usual_hz(self) -> float | None:
        """Samples of a usual frame over the usual time between two."""
        usual = self.intervals
        if usual is None or not usual.p50 or self.frame_samples is None:
            return None
        return self.frame_samples * 1000 / usual.p50

    @property
    def is_starved(self) -> bool:
        """The link carries less than the stream needs: too little comes, and pings queue, too."""
        short = self.samples_hz is not None and self.samples_hz < STARVED_RATIO * SAMPLE_RATE_HZ
        return short and self.trips.queued_ms >= STARVED_QUEUE_MS

    @property
    def behind_ms(self) -> float:
        """How much less audio than time there was."""
        return max(0.0, self.duration_s * 1000 - self.frames * (self.frame_ms or 20.0))

    def share(self, ms: float) -> float:
        """`ms` as a share of the whole duration."""
        return ms / 1000 / self.duration_s if self.duration_s else 0.0

    def late_ratio(self, name: str) -> float | None:
        """The share of frames that a playout buffer would have dropped; None without a clock."""
        outcome = self.buffers.get(name)
        return outcome.late_ratio if outcome else None

    def as_fields(self) -> dict[str, Any]:
        """The `metrics` of a summary."""
        drift = self.drift if self.drift.is_of_a_clock and self.is_sound_known else None
        fields: dict[str, Any] = _rounded(
            {
                "frames": self.frames,
                "duration_seconds": self.duration_s,
                "frame_interval_ms": self.intervals._asdict() if self.intervals else None,
                "interarrival_jitter_ms": {
                    "mean": self.jitter.mean_ms,
                    "max": self.jitter.max_ms,
                    "last": self.jitter.last_ms,
                    "uncertainty": self.jitter.uncertainty_ms,
                },
                "jitter_clock_hz": self.jitter.clock_hz,
                "sequence": self._sequence(),
                "stalls": self._stalls(),
                "lost_audio_ms": self.lost_ms,
                "upstream_loss_ms": self.holes.lost_ms if self.is_sound_known else None,
                "clock_drift_ppm": drift.ppm if drift else None,
                "clock_drift_uncertainty_ppm": drift.uncertainty_ppm if drift else None,
                **self._sound(),
                "local_lag_ms": {"p99": self.lag.p99_ms, "max": self.lag.max_ms},
                "rtt_ms": self._trips(),
                "mos": {**self.quality._asdict(), "assumptions": list(self.quality.assumptions)},
                "frame_ms": self.frame_ms,
                "samples_per_second": self.samples_hz,
                "buffers": identified({n: row._asdict() for n, row in self.buffers.items()})
                or None,
                "delay_variation": identified(self.variation),
                "bursts": {**self.bursts._asdict(), "loss_runs": list(self.bursts.loss_runs)},
                "malformed_messages": self.malformed,
                "text_messages": self.texts,
            }
        )
        misread = _OF_HEADERS if self.has_misread_headers else _OF_LENGTHS if self.framing else ()
        return fields | {name: _untold(name, fields[name]) for name in misread}

    def _sound(self) -> dict[str, Any]:
        """What the samples sound like; all null where they are misread."""
        if not self.is_sound_known:
            names = ("silence_ratio", "clipping_ratio", "dc_offset", "noise_dbfs")
            level = dict.fromkeys(("rms", "peak", "uncertainty_db"))
            return {"level_dbfs": level, **dict.fromkeys(names)}
        told = self.signal
        return {
            "level_dbfs": {
                "rms": told.rms_dbfs,
                "peak": told.peak_dbfs,
                "uncertainty_db": told.uncertainty_db,
            },
            "silence_ratio": told.silence_ratio,
            "clipping_ratio": self.clipping_ratio,
            "dc_offset": told.dc_offset,
            "noise_dbfs": told.noise_dbfs,
        }

    def _sequence(self) -> dict[str, int] | None:
        if self.reception is None:
            return None
        told = self.reception
        return {
            "expected": told.total_expected,
            "received": told.total_received,
            "missing": told.missing,
            "duplicate": told.duplicate,
            "reordered": told.reordered,
        }

    def _stalls(self) -> dict[str, Any]:
        late = [pause.late_ns / 1e6 for pause in self.stalls]
        return {"count": len(late), "total_ms": sum(late), "longest_ms": max(late, default=0.0)}

    def _trips(self) -> dict[str, float | None] | None:
        trips = self.trips
        told = {"min": trips.min_ms, "p50": trips.p50_ms, "p99": trips.p99_ms}
        return told if trips.pings else None


def identified(fields: Mapping[str, T]) -> dict[str, T]:
    """Return the same, and beside each name that a script has to quote one that it has not.

    `fixed 60 ms` is `fixed_60_ms`, `<50` is `under_50`, `50-70` is `from_50_to_70`, `>=300` is
    `from_300`. The first of each pair is kept for readers of schema 1.
    """
    return {**fields, **{_identifier(name): value for name, value in fields.items()}}


def _identifier(name: str) -> str:
    spelled = re.sub(r"(\d+)-(\d+)", r"from_\1_to_\2", name)
    return spelled.replace("<", "under_").replace(">=", "from_").replace(" ", "_")


def without_times(fields: dict[str, Any]) -> dict[str, Any]:
    """`metrics` of a recording: null for all that rests on when frames came."""
    return fields | {name: _untold(name, fields[name]) for name in _OF_TIMES}


def _untold(name: str, value: Any) -> Any:
    """Null, or the same keys with null for each figure where scripts look for those."""
    is_optional = name in ("sequence", "buffers")
    return dict.fromkeys(value) if isinstance(value, dict) and not is_optional else None


def _rounded(value: Any) -> Any:
    """The same with floats of a sensible number of digits."""
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value


def change_fields(change: Change) -> dict[str, Any]:
    """A change of codec as evidence."""
    return {
        "frame": change.frame,
        "from": str(change.before),
        "to": str(change.after),
    }
