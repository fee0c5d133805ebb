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

HOLES_LEAST = 2
# From here on a warning is an error.
GRAVE_HOLES = 0.05
CLIPPING_RATIO = 0.005
DC_OFFSET = 0.02
NOISE_DBFS = -48.0
NOISE_FLATNESS = 0.25
LOW_LEVEL_DBFS = -42.0


def _has_sound(facts: Case) -> bool:
    measured = facts.measured
    return measured.is_settled and measured.signal.silence_ratio < 1.0


def judge_upstream_loss(facts: Case) -> float:
    holes = facts.measured.holes
    if holes.holes < HOLES_LEAST or not _has_sound(facts):
        return 0.0
    return sure(facts.measured.share(holes.lost_ms), 0.001, 0.02)


def upstream_loss(facts: Case) -> Evidence:
    holes = facts.measured.holes
    return {
        "holes": holes.holes,
        "lost_ms": tenths(holes.lost_ms),
        "share": round(facts.measured.share(holes.lost_ms), 4),
    }


def is_upstream_grave(facts: Case) -> bool:
    return facts.measured.share(facts.measured.holes.lost_ms) > GRAVE_HOLES


def judge_clipping(facts: Case) -> float:
    return sure(facts.measured.signal.clipping_ratio, CLIPPING_RATIO, 0.03)


def judge_dc_offset(facts: Case) -> float:
    return sure(abs(facts.measured.signal.dc_offset), DC_OFFSET, 0.1)


def judge_noise(facts: Case) -> float:
    """What lies under the speech is loud, and flat as noise is: no tone, no music."""
    floor = facts.measured.floor
    if floor.level_dbfs is None or floor.flatness is None or not _has_sound(facts):
        return 0.0
    if floor.level_dbfs < NOISE_DBFS or floor.flatness < NOISE_FLATNESS:
        return 0.0
    return sure(floor.level_dbfs, NOISE_DBFS, -35.0)


def judge_low_level(facts: Case) -> float:
    """There is sound, above the faintest noise, and even its loudest part is soft."""
    told = facts.measured.signal
    loudest = told.rms_dbfs if told.speech_dbfs is None else told.speech_dbfs
    if told.peak_dbfs < -66.0 or loudest > LOW_LEVEL_DBFS or told.peak_dbfs > -28.0:
        return 0.0
    return sure(LOW_LEVEL_DBFS - loudest, 0.0, 12.0)


def judge_silence(facts: Case) -> float:
    measured = facts.measured
    if measured.frames < 25:
        return 0.0
    return 0.99 if measured.signal.silence_ratio >= 0.999 else 0.0


def signal(facts: Case) -> Evidence:
    told, floor = facts.measured.signal, facts.measured.floor
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
        "upstream-loss",
        WARNING,
        "holes of exact zero are cut into the speech: lost before the platform",
        judge_upstream_loss,
        upstream_loss,
        "this link is not to blame: look at the phone's own network and its trunk",
        "poor quality: watch packet loss",
        grave=is_upstream_grave,
    ),
    FindingRow(
        "clipping",
        WARNING,
        "the sound is driven into the rails",
        judge_clipping,
        signal,
        "lower the gain at the source: what is cut off cannot be put back",
        "poor quality",
        frozenset(("noise", "dc-offset")),
    ),
    FindingRow(
        "dc-offset",
        WARNING,
        "the samples' mean is far from zero",
        judge_dc_offset,
        signal,
        "a high-pass filter at the source takes it out; check its converter",
        "poor quality",
        frozenset(("low-level", "noise")),
    ),
    FindingRow(
        "noise",
        WARNING,
        "loud noise lies under the speech",
        judge_noise,
        signal,
        "look at the microphone, the line and any gain before the platform",
        "poor quality",
        frozenset(("low-level",)),
    ),
    FindingRow(
        "low-level",
        WARNING,
        "the sound is far too soft",
        judge_low_level,
        signal,
        "raise the gain at the source, before it is coded to 8 bits",
        "poor quality",
    ),
    FindingRow(
        "silence",
        INFO,
        "frames arrive, and they hold nothing but silence",
        judge_silence,
        signal,
        "nobody speaks, or the phone sends no audio: check the phone's microphone and its mute",
        "no audio received",
    ),
)
