"""How fast audio comes, steadily: another sample rate, or a sender whose timer is not due."""

from __future__ import annotations

from voipbin_cli.analysis.arrivals.paces import CLOCK_RATIO, REAL_RATES_HZ
from voipbin_cli.analysis.findings.row import (
    WARNING,
    Case,
    Circumstances,
    Evidence,
    FindingRow,
    sure,
    tenths,
)
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.pauses import GAP_NS
from voipbin_cli.analysis.words import Words
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE_HZ
from voipbin_cli.codec.payload_types import PCMA, PCMU
from voipbin_cli.finding_ids import FindingId

# The usual interval and the mean one are the same where a timer makes them; lost audio or a link
# that holds frames back moves the mean, jitter the usual one. They may differ by so much of what
# is explained by them.
APART_RATIO = 0.4
# Of 20 intervals 19 are at most so many times the usual one, or this is no steady pace.
STEADY_RATIO = 1.6
# Over the whole stream it has to add up to two frames: a few frames are as far off by chance.
LEAST_OFF_S = 2 * FRAME_NS / 1e9
# Copies that are silent cannot be told: half of what is too much has to be told.
COPIED = 0.5
# From here on a listener misses more than 5 % of the time, or throws away as much.
GRAVE_PACE = 0.05


def other_rate_hz(measured: Measured) -> int | None:
    """The sample rate that the audio comes at, if it is another one than is due and exists."""
    rate_hz, usual_hz = measured.samples_hz, measured.usual_hz
    if rate_hz is None or measured.is_starved or _is_held_back(measured):
        return None
    # Lost audio slows the one down and jitter moves the other, but never both the same way.
    if usual_hz is not None and _common(_off(rate_hz), _off(usual_hz)) < abs(_off(rate_hz)) / 2:
        return None
    slack = CLOCK_RATIO + (measured.drift.uncertainty_ppm or 0.0) / 1e6
    due = due_hz(measured)
    rate_hz *= due / SAMPLE_RATE_HZ
    nearest = min(REAL_RATES_HZ, key=lambda real: abs(rate_hz / real - 1))
    is_other = nearest != due and abs(rate_hz / nearest - 1) <= slack
    # Too few samples may also be those of a sender that is late now and then; bursts are no pace.
    if nearest < due and usual_hz is not None and not is_steady(measured):
        return None
    return nearest if is_other else None


def due_hz(measured: Measured) -> int:
    """How many samples a second are due: 8000, or what a label or SDP says of L16."""
    return (measured.told.clock_hz or SAMPLE_RATE_HZ) if measured.told.is_l16 else SAMPLE_RATE_HZ


def is_steady(measured: Measured) -> bool:
    """Whether frames come by a timer, whatever it is set to."""
    intervals = measured.intervals
    return intervals is not None and intervals.p95 <= STEADY_RATIO * intervals.p50


def _is_held_back(measured: Measured) -> bool:
    """Too little audio, and no more than a stall of this stream held back before."""
    longest_ms = max((pause.late_ns for pause in measured.stalls), default=0) / 1e6
    return 0 < measured.behind_ms <= longest_ms


def _off(samples_hz: float) -> float:
    return samples_hz / SAMPLE_RATE_HZ - 1


def _common(one: float, other: float) -> float:
    """By how much both are off the same way, negative where they are not."""
    return max(min(one, other), -max(one, other))


def is_counted(measured: Measured) -> bool:
    """Whether it is known how long a frame is: on a phone's leg by what names G.711 or L16."""
    if measured.told.is_l16:
        return True
    if measured.is_datagrams:
        return bool(measured.labels) and measured.labels[0][0] in (PCMU, PCMA)
    is_usual = measured.is_sound_known and measured.frame_samples == FRAME_SAMPLES
    return measured.is_settled or is_usual


def judge_pace(case: Case) -> float:
    """Steady frames of which there are too few or too many, by more than any clock is off."""
    measured, intervals = case.measured, case.measured.intervals
    if intervals is None or measured.usual_hz is None or measured.mean_hz is None:
        return 0.0
    if measured.is_starved or other_rate_hz(measured) is not None or not is_counted(measured):
        return 0.0
    if _is_explained_by_missing(measured, measured.mean_hz) or is_of_copies(measured):
        return 0.0
    mean, usual = _off(measured.mean_hz), _off(measured.usual_hz)
    if abs(mean - usual) > APART_RATIO * abs(mean) or not is_steady(measured):
        return 0.0
    if abs(mean) * measured.duration_s < LEAST_OFF_S:
        return 0.0
    return sure(_common(mean, usual), CLOCK_RATIO, 3 * CLOCK_RATIO)


def _is_explained_by_missing(measured: Measured, mean_hz: float) -> bool:
    """Whether the frames that are missing by their numbers would make up the pace."""
    told = measured.reception
    if told is None:
        return False
    missing, received = told.missing, told.received
    if told.is_unproven:
        missing, received = told.skipped, told.refused
    if not missing or not received:
        return False
    return abs(_off(mean_hz * (1 + missing / received))) < CLOCK_RATIO


def is_of_copies(measured: Measured) -> bool:
    """Whether too many frames come as some are sent again, and the others are in time."""
    mean_hz = measured.mean_hz
    if mean_hz is None or mean_hz <= (1 + CLOCK_RATIO) * SAMPLE_RATE_HZ:
        return False
    return copied_share(measured) >= COPIED * (1 - SAMPLE_RATE_HZ / mean_hz)


def copied_share(measured: Measured) -> float:
    """Of what came, how much came a second time: by its numbers, or by its sound."""
    told = measured.reception
    numbered = told.duplicate / max(1, told.total_received) if told is not None else 0.0
    return max(numbered, measured.repeats.share)


def pace(case: Case) -> Evidence:
    measured = case.measured
    mean_hz, frame_samples = measured.mean_hz or 0.0, measured.frame_samples or 1
    return {
        "frames_per_second": round(mean_hz / frame_samples, 2),
        "due": round(SAMPLE_RATE_HZ / frame_samples, 2),
        "frame_interval_ms": tenths(measured.intervals.p50 if measured.intervals else 0.0),
    }


def paced_as(case: Case) -> Words:
    """With the two intervals: what the timer does, and what it should."""
    measured = case.measured
    usual_ms = measured.intervals.p50 if measured.intervals else 0.0
    return Words(
        f"a frame of {measured.frame_ms or 20:g} ms comes each {usual_ms:.1f} ms: the sender's "
        "timer is wrong"
    )


def is_pace_grave(case: Case) -> bool:
    mean_hz = case.measured.mean_hz
    return mean_hz is not None and abs(_off(mean_hz)) > GRAVE_PACE


def is_each_frame_late(measured: Measured) -> bool:
    """Whether the timer of the sender is so slow that each wait for a frame looks like a loss."""
    intervals = measured.intervals
    if (
        intervals is None
        or intervals.p50 * 1e6 < GAP_NS - FRAME_NS + (measured.frame_ms or 20) * 1e6
    ):
        return False
    return judge_pace(Case(measured, Circumstances())) > 0


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.SENDER_PACE,
        severity=WARNING,
        title="frames come steadily, but too many or too few of them: the sender's timer",
        rests_on="the usual and the mean time between frames, both off alike by over 1 %",
        judge=judge_pace,
        prove=pace,
        remedy="at the sender: send a frame of 20 ms each 20 ms by a clock that adds "
        "up (start + n x 20 ms), never by sleeping 20 ms after each",
        specify=paced_as,
        symptom="choppy",
        explains=frozenset((FindingId.JITTER, FindingId.CLOCK_DRIFT)),
        grave=is_pace_grave,
    ),
)
