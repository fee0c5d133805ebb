"""Predicates over what was measured, and what they show for it; `findings` has the table.

A `judge_…` returns a confidence: 0 where the thing is not there, else how clear it is. Limits
are where a listener begins to be hurt, or where a healthy stream never is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voipbin_cli.analysis.buffering import ADAPTIVE, FIXED_60, FIXED_200
from voipbin_cli.analysis.metrics import Measured, change_fields, reading_text
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import PCMA, PCMU
from voipbin_cli.codec.pcm import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec

# A rate is another rate from this deviation on; below it is a clock.
WRONG_RATE_RATIO = 0.05
DRIFT_PPM = 100.0
JITTER_LATE_RATIO = 0.02
LOSS_MS = 20.0
SEQUENCE_RATIO = 0.001
CLIPPING_RATIO = 0.005
DC_OFFSET = 0.02
LOW_LEVEL_DBFS = -42.0
NOISE_DBFS = -48.0
NOISE_FLATNESS = 0.25
HOLES_LEAST = 2
LAG_MS = 60.0
DEAD_MS = 2000.0
# From here on a warning is an error.
GRAVE_LOSS = 0.05
GRAVE_STALL = 0.2


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is known beside the frames. `refused` is the finding of what failed before them.

    `mute_direction` and `members` are the API's; `lost_for_good`: the link was not won back.
    `silent_ms` is the time between the last message and the end, where nobody had hung up.
    """

    refused: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    mute_direction: str = ""
    members: int | None = None
    lost_for_good: bool = False
    silent_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a row may look at."""

    measured: Measured
    around: Circumstances


Evidence = dict[str, Any]


def _sure(value: float, limit: float, certain: float) -> float:
    """0.5 at the limit, rising to 1 at `certain`; 0 below."""
    if value < limit:
        return 0.0
    return min(1.0, 0.5 + 0.5 * (value - limit) / (certain - limit))


def _ms(value: float) -> float:
    return round(value, 1)


# Before and around the frames


def refusal(facts: Facts) -> Evidence:
    return dict(facts.around.details)


def judge_muted(facts: Facts) -> float:
    return 0.99 if facts.around.mute_direction else 0.0


def muted(facts: Facts) -> Evidence:
    return {
        "mute_direction": facts.around.mute_direction,
        "silence_ratio": round(facts.measured.signal.silence_ratio, 3),
    }


def judge_no_audio(facts: Facts) -> float:
    return 0.0 if facts.measured.frames or facts.measured.messages else 0.99


def no_audio(facts: Facts) -> Evidence:
    return {"frames": 0, "members": facts.around.members}


def is_lone_member(facts: Facts) -> bool:
    """A conference passes the frames of its only member on; one that sends none is heard so."""
    return facts.around.members == 1


def judge_connection_lost(facts: Facts) -> float:
    if facts.measured.outages or facts.around.lost_for_good:
        return 0.95
    return 0.7 if _fell_dead(facts) else 0.0


def _fell_dead(facts: Facts) -> bool:
    """A call's frames never pause: silence is sent as frames. Only a lone member's may."""
    came = facts.measured.frames > 0 and facts.around.members != 1
    return came and facts.around.silent_ms >= DEAD_MS


def connection_lost(facts: Facts) -> Evidence:
    outages = facts.measured.outages
    back = [outage.after_ns / 1e6 for outage in outages if outage.after_ns is not None]
    return {
        "count": max(1, len(outages)),
        "won_back": len(back),
        "longest_ms": _ms(max(back, default=0.0)),
        "silent_at_the_end_ms": facts.around.silent_ms if _fell_dead(facts) else None,
    }


def is_not_won_back(facts: Facts) -> bool:
    return facts.around.lost_for_good or _fell_dead(facts)


def judge_local_lag(facts: Facts) -> float:
    """It was late, and gaps fell into it."""
    measured = facts.measured
    excused = sum(pause.length_ns for pause in measured.excused) / 1e6
    guilty = sum(pause.late_ns for pause in measured.stalls) / 1e6
    if measured.lag.max_ms < LAG_MS or not excused or guilty > excused:
        return 0.0
    return 0.9


def local_lag(facts: Facts) -> Evidence:
    measured = facts.measured
    return {
        "late_ms_max": _ms(measured.lag.max_ms),
        "late_ms_p99": _ms(measured.lag.p99_ms),
        "gaps_excused": len(measured.excused),
    }


# What the bytes are


def judge_not_audio(facts: Facts) -> float:
    measured = facts.measured
    if measured.magic:
        return 0.98
    blocks = measured.heard_blocks
    return 0.98 if blocks and measured.text_blocks * 2 > blocks else 0.0


def not_audio(facts: Facts) -> Evidence:
    measured = facts.measured
    if measured.magic:
        return {"found": measured.magic, "where": "at the start"}
    return {"found": "printable text", "where": "in the payload"}


def judge_wrong_rate(facts: Facts) -> float:
    measured = facts.measured
    if measured.samples_hz is None or not measured.is_settled or measured.is_datagrams:
        return 0.0
    # Audio that was lost slows the one down and jitter moves the other, but never both.
    rates = (measured.samples_hz, measured.usual_hz or measured.samples_hz)
    off = min(abs(rate / SAMPLE_RATE_HZ - 1) for rate in rates)
    return _sure(off - (measured.drift.uncertainty_ppm or 0.0) / 1e6, WRONG_RATE_RATIO, 0.3)


def wrong_rate(facts: Facts) -> Evidence:
    measured = facts.measured
    return {
        "samples_per_second": round(measured.samples_hz or 0.0),
        "due": SAMPLE_RATE_HZ,
        "frame_samples": measured.frame_samples,
        "frame_interval_ms": _ms(measured.intervals.p50 if measured.intervals else 0.0),
    }


def judge_misaligned(facts: Facts) -> float:
    measured = facts.measured
    now = measured.reading is not None and measured.reading.shifted and measured.is_settled
    return 0.95 if now or any(change.after.shifted for change in measured.changes) else 0.0


def misaligned(facts: Facts) -> Evidence:
    shifts = [change for change in facts.measured.changes if change.after.shifted]
    return {"from_frame": shifts[0].frame if shifts else 0}


def judge_byte_order(facts: Facts) -> float:
    measured = facts.measured
    if measured.is_datagrams or measured.reading is None or not measured.is_settled:
        return 0.0  # RFC 3551: L16 is big-endian, on a phone's leg
    return 0.97 if measured.reading.codec is Codec.S16BE else 0.0


def judge_codec_mismatch(facts: Facts) -> float:
    measured = facts.measured
    if measured.malformed * 2 > measured.messages:
        return 0.9
    if measured.changes:
        return 0.95
    if measured.heard_blocks and measured.misfit_blocks * 2 > measured.heard_blocks:
        return 0.8
    if measured.is_datagrams or measured.reading is None or not measured.is_settled:
        return 0.0
    return 0.97 if measured.reading.codec is Codec.ALAW else 0.0


def codec(facts: Facts) -> Evidence:
    measured = facts.measured
    found = reading_text(measured.reading) if measured.reading else None
    told: Evidence = {"found": found, "due": "mulaw or s16le"}
    if measured.changes:
        told["changes"] = [change_fields(change) for change in measured.changes[:5]]
    if measured.malformed:
        told["malformed_messages"] = measured.malformed
    return told


def judge_frame_size(facts: Facts) -> float:
    measured = facts.measured
    if measured.frame_samples is None or measured.is_datagrams or measured.frames < 5:
        return 0.0
    return 0.0 if measured.frame_samples == FRAME_SAMPLES else 0.97


def frame_size(facts: Facts) -> Evidence:
    measured = facts.measured
    return {
        "frame_ms": measured.frame_ms,
        "due_ms": 20,
        "frame_interval_ms": _ms(measured.intervals.p50 if measured.intervals else 0.0),
    }


def judge_label(facts: Facts) -> float:
    measured = facts.measured
    if measured.reading is None or not measured.labels or not measured.is_settled:
        return 0.0
    label, read = measured.labels[0][0], measured.reading.codec
    if measured.encapsulation is Encapsulation.RTP:
        static = {PCMU: Codec.MULAW, PCMA: Codec.ALAW}.get(label)
        wrong = static is not read if static else label < 96 and not measured.is_datagrams
    else:
        wrong = label >= 0 and (label != 0x10 or read is not Codec.S16LE)
    return 0.9 if wrong else 0.0


def label(facts: Facts) -> Evidence:
    measured = facts.measured
    number = measured.labels[0][0]
    is_rtp = measured.encapsulation is Encapsulation.RTP
    name = {"payload_type": number} if is_rtp else {"kind": f"{number:02x}"}
    found = reading_text(measured.reading) if measured.reading else None
    return {**name, "payload": found}


def judge_timestamp_rate(facts: Facts) -> float:
    measured = facts.measured
    clock_hz = measured.clock_hz
    if clock_hz is None or measured.is_datagrams or measured.frames < 10:
        return 0.0
    return 0.95 if clock_hz != SAMPLE_RATE_HZ else 0.0


def timestamp_rate(facts: Facts) -> Evidence:
    return {"clock_hz": facts.measured.clock_hz, "due": SAMPLE_RATE_HZ}


# When the frames come


def judge_sequence(facts: Facts) -> float:
    told = facts.measured.reception
    if told is None:
        return 0.0
    wrong = told.missing + told.duplicate + told.reordered
    if wrong < 2:
        return 0.0
    return _sure(wrong / max(1, told.total_expected), SEQUENCE_RATIO, 0.01)


def sequence(facts: Facts) -> Evidence:
    told = facts.measured.reception
    assert told is not None
    names = ("total_expected", "missing", "duplicate", "reordered")
    return {name.removeprefix("total_"): getattr(told, name) for name in names}


def is_sequence_grave(facts: Facts) -> bool:
    told = facts.measured.reception
    return told is not None and told.missing > GRAVE_LOSS * max(1, told.total_expected)


def judge_stall(facts: Facts) -> float:
    """Stalls that hurt, and that are most of what is late."""
    measured = facts.measured
    stalls = measured.stalls
    worst = max((pause.late_ns for pause in stalls), default=0) / 1e6
    wandering = len(_wandering(facts))
    if worst < 80 or len(stalls) < wandering:
        return 0.0
    return _sure(worst, 80, 200)


def _wandering(facts: Facts) -> list[int]:
    """Pauses of some length that did not end in a burst: jitter."""
    return [
        pause.late_ns
        for pause in facts.measured.pauses
        if pause.late_ns >= 60_000_000 and pause.burst < 0.5
    ]


def stalls(facts: Facts) -> Evidence:
    measured = facts.measured
    late = [pause.late_ns / 1e6 for pause in measured.stalls]
    return {
        "count": len(late),
        "longest_ms": _ms(max(late, default=0.0)),
        "total_ms": _ms(sum(late)),
        "late_in_60_ms_buffer": round(measured.late_ratio(FIXED_60.name), 4),
    }


def is_stall_grave(facts: Facts) -> bool:
    measured = facts.measured
    return measured.share(sum(pause.late_ns for pause in measured.stalls) / 1e6) > GRAVE_STALL


def judge_lost_audio(facts: Facts) -> float:
    measured = facts.measured
    return _sure(measured.lost_ms, LOSS_MS, 100) if measured.losses else 0.0


def lost_audio(facts: Facts) -> Evidence:
    measured = facts.measured
    lost = [pause.lost_ns / 1e6 for pause in measured.losses]
    return {
        "gaps": len(lost),
        "lost_ms": _ms(sum(lost)),
        "longest_ms": _ms(max(lost, default=0.0)),
        "share": round(measured.share(sum(lost)), 4),
    }


def is_loss_grave(facts: Facts) -> bool:
    return facts.measured.share(facts.measured.lost_ms) > GRAVE_LOSS


def judge_jitter(facts: Facts) -> float:
    return _sure(facts.measured.late_ratio(FIXED_60.name), JITTER_LATE_RATIO, 0.1)


def jitter(facts: Facts) -> Evidence:
    measured = facts.measured
    adaptive = measured.buffers[ADAPTIVE.name]
    return {
        "late_in_60_ms_buffer": round(measured.late_ratio(FIXED_60.name), 4),
        "late_in_200_ms_buffer": round(measured.late_ratio(FIXED_200.name), 4),
        "adaptive_delay_ms": _ms(adaptive.mean_delay_ms),
        "interarrival_jitter_ms": _ms(measured.jitter.max_ms or 0.0),
    }


def judge_drift(facts: Facts) -> float:
    told = facts.measured.drift
    if told.ppm is None or told.uncertainty_ppm is None:
        return 0.0
    if abs(told.ppm) < DRIFT_PPM + 2 * told.uncertainty_ppm:
        return 0.0
    return _sure(abs(told.ppm), DRIFT_PPM, 300)


def drift(facts: Facts) -> Evidence:
    told = facts.measured.drift
    return {"ppm": _ms(told.ppm or 0.0), "uncertainty_ppm": _ms(told.uncertainty_ppm or 0.0)}


# The sound


def _has_sound(facts: Facts) -> bool:
    measured = facts.measured
    return measured.is_settled and measured.signal.silence_ratio < 1.0


def judge_upstream_loss(facts: Facts) -> float:
    holes = facts.measured.holes
    if holes.holes < HOLES_LEAST or not _has_sound(facts):
        return 0.0
    return _sure(facts.measured.share(holes.lost_ms), 0.001, 0.02)


def upstream_loss(facts: Facts) -> Evidence:
    holes = facts.measured.holes
    return {
        "holes": holes.holes,
        "lost_ms": _ms(holes.lost_ms),
        "share": round(facts.measured.share(holes.lost_ms), 4),
    }


def is_upstream_grave(facts: Facts) -> bool:
    return facts.measured.share(facts.measured.holes.lost_ms) > GRAVE_LOSS


def judge_clipping(facts: Facts) -> float:
    return _sure(facts.measured.signal.clipping_ratio, CLIPPING_RATIO, 0.03)


def judge_dc_offset(facts: Facts) -> float:
    return _sure(abs(facts.measured.signal.dc_offset), DC_OFFSET, 0.1)


def judge_noise(facts: Facts) -> float:
    """What lies under the speech is loud, and flat as noise is: no tone, no music."""
    floor = facts.measured.floor
    if floor.level_dbfs is None or floor.flatness is None or not _has_sound(facts):
        return 0.0
    if floor.level_dbfs < NOISE_DBFS or floor.flatness < NOISE_FLATNESS:
        return 0.0
    return _sure(floor.level_dbfs, NOISE_DBFS, -35.0)


def judge_low_level(facts: Facts) -> float:
    """There is sound, above the faintest noise, and even its loudest part is soft."""
    told = facts.measured.signal
    if not _has_sound(facts) and told.peak_dbfs < -75.0:
        return 0.0
    loudest = told.rms_dbfs if told.speech_dbfs is None else told.speech_dbfs
    if told.peak_dbfs < -66.0 or loudest > LOW_LEVEL_DBFS or told.peak_dbfs > -28.0:
        return 0.0
    return _sure(LOW_LEVEL_DBFS - loudest, 0.0, 12.0)


def judge_silence(facts: Facts) -> float:
    measured = facts.measured
    if measured.frames < 25:
        return 0.0
    return 0.99 if measured.signal.silence_ratio >= 0.999 else 0.0


def signal(facts: Facts) -> Evidence:
    told, floor = facts.measured.signal, facts.measured.floor
    return {
        "rms_dbfs": _ms(told.rms_dbfs),
        "peak_dbfs": _ms(told.peak_dbfs),
        "silence_ratio": round(told.silence_ratio, 3),
        "clipping_ratio": round(told.clipping_ratio, 4),
        "dc_offset": round(told.dc_offset, 4),
        "noise_dbfs": None if floor.level_dbfs is None else _ms(floor.level_dbfs),
    }
