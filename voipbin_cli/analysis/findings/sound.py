"""The sound itself: holes in it, its level, what spoils it."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import (
    INFO,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    sure,
    tenths,
)
from voipbin_cli.finding_ids import FindingId

HOLES_LEAST = 2
# From here on a warning is an error.
GRAVE_HOLES = 0.05
CLIPPING_RATIO = 0.005
DC_OFFSET = 0.02
NOISE_DBFS = -48.0
NOISE_FLATNESS = 0.25
LOW_LEVEL_DBFS = -42.0


def _has_sound(case: Case) -> bool:
    measured = case.measured
    return measured.is_settled and measured.signal.silence_ratio < 1.0


def judge_upstream_loss(case: Case) -> float:
    holes = case.measured.holes
    if holes.holes < HOLES_LEAST or not _has_sound(case):
        return 0.0
    return sure(case.measured.share(holes.lost_ms), 0.001, 0.02)


def upstream_loss(case: Case) -> Evidence:
    holes = case.measured.holes
    return {
        "holes": holes.holes,
        "lost_ms": tenths(holes.lost_ms),
        "share": round(case.measured.share(holes.lost_ms), 4),
    }


def is_upstream_grave(case: Case) -> bool:
    return case.measured.share(case.measured.holes.lost_ms) > GRAVE_HOLES


def judge_clipping(case: Case) -> float:
    return sure(case.measured.signal.clipping_ratio, CLIPPING_RATIO, 0.03)


def judge_dc_offset(case: Case) -> float:
    return sure(abs(case.measured.signal.dc_offset), DC_OFFSET, 0.1)


def judge_noise(case: Case) -> float:
    """What lies under the speech is loud, and flat as noise is: no tone, no music."""
    floor = case.measured.floor
    if floor.level_dbfs is None or floor.flatness is None or not _has_sound(case):
        return 0.0
    if floor.level_dbfs < NOISE_DBFS or floor.flatness < NOISE_FLATNESS:
        return 0.0
    return sure(floor.level_dbfs, NOISE_DBFS, -35.0)


def judge_low_level(case: Case) -> float:
    """There is sound, above the faintest noise, and even its loudest part is soft."""
    told = case.measured.signal
    loudest = told.rms_dbfs if told.speech_dbfs is None else told.speech_dbfs
    if told.peak_dbfs < -66.0 or loudest > LOW_LEVEL_DBFS or told.peak_dbfs > -28.0:
        return 0.0
    return sure(LOW_LEVEL_DBFS - loudest, 0.0, 12.0)


def judge_silence(case: Case) -> float:
    measured = case.measured
    if measured.frames < 25:
        return 0.0
    return 0.99 if measured.signal.silence_ratio >= 0.999 else 0.0


def signal(case: Case) -> Evidence:
    told, floor = case.measured.signal, case.measured.floor
    return {
        "rms_dbfs": tenths(told.rms_dbfs),
        "peak_dbfs": tenths(told.peak_dbfs),
        "silence_ratio": round(told.silence_ratio, 3),
        "clipping_ratio": round(told.clipping_ratio, 4),
        "dc_offset": round(told.dc_offset, 4),
        "noise_dbfs": None if floor.level_dbfs is None else tenths(floor.level_dbfs),
    }


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.UPSTREAM_LOSS,
        severity=WARNING,
        title="holes of exact zero are cut into the speech: lost before the platform",
        judge=judge_upstream_loss,
        prove=upstream_loss,
        remedy="this link is not to blame: look at the phone's own network and its trunk",
        symptom="poor quality: watch packet loss",
        grave=is_upstream_grave,
    ),
    FindingRow(
        id=FindingId.CLIPPING,
        severity=WARNING,
        title="the sound is driven into the rails",
        judge=judge_clipping,
        prove=signal,
        remedy="lower the gain at the source: what is cut off cannot be put back",
        symptom="poor quality",
        explains=frozenset((FindingId.NOISE, FindingId.DC_OFFSET)),
    ),
    FindingRow(
        id=FindingId.DC_OFFSET,
        severity=WARNING,
        title="the samples' mean is far from zero",
        judge=judge_dc_offset,
        prove=signal,
        remedy="a high-pass filter at the source takes it out; check its converter",
        symptom="poor quality",
        explains=frozenset((FindingId.LOW_LEVEL, FindingId.NOISE)),
    ),
    FindingRow(
        id=FindingId.NOISE,
        severity=WARNING,
        title="loud noise lies under the speech",
        judge=judge_noise,
        prove=signal,
        remedy="look at the microphone, the line and any gain before the platform",
        symptom="poor quality",
        explains=frozenset((FindingId.LOW_LEVEL,)),
    ),
    FindingRow(
        id=FindingId.LOW_LEVEL,
        severity=WARNING,
        title="the sound is far too soft",
        judge=judge_low_level,
        prove=signal,
        remedy="raise the gain at the source, before it is coded to 8 bits",
        symptom="poor quality",
    ),
    FindingRow(
        id=FindingId.SILENCE,
        severity=INFO,
        title="frames arrive, and they hold nothing but silence",
        judge=judge_silence,
        prove=signal,
        remedy="nobody speaks, or the phone sends no audio: check the phone's microphone and its "
        "mute",
        symptom="no audio received",
    ),
)
