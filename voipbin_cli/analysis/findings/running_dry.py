"""Pauses in which the sender had nothing to send, told from audio that was lost on its way."""

from __future__ import annotations

from voipbin_cli.analysis.findings.pace import is_each_frame_late
from voipbin_cli.analysis.findings.row import WARNING, Case, Evidence, FindingRow, tenths
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.finding_ids import FindingId

# Sound is cut at odds of e^3, 20 to 1. That it goes on takes e^6, 400 to 1: at e^3 losses in one
# speech in some hundreds were taken for a sender that ran dry.
IS_CUT, GOES_ON = 3.0, 6.0
GRAVE_PAUSES = 0.05
# Numbers that are whole say that nothing was lost after they were given: by the sender, or by a
# bridge that had audio missing already.
BY_NUMBERS, BY_SOUND = 0.75, 0.95


def is_dry(measured: Measured) -> bool:
    """Whether the sound says that the sender waited, and nothing is missing."""
    return judge_underrun_of(measured) == BY_SOUND


def judge_underrun_of(measured: Measured) -> float:
    """Pauses without a catch-up, and numbers and timestamps without a hole."""
    told = measured.reception
    if not measured.losses or told is None or not measured.clock_hz:
        return 0.0
    if told.missing or told.restarts or is_each_frame_late(measured):
        return 0.0
    if measured.sound_goes_on <= -IS_CUT:
        return 0.0
    return BY_SOUND if measured.sound_goes_on >= GOES_ON else BY_NUMBERS


def judge_underrun(case: Case) -> float:
    return judge_underrun_of(case.measured)


def underrun(case: Case) -> Evidence:
    measured = case.measured
    paused = [pause.lost_ns / 1e6 for pause in measured.losses]
    return {
        "pauses": len(paused),
        "longest_ms": tenths(max(paused, default=0.0)),
        "total_ms": tenths(sum(paused)),
        "missing_by_number": 0,
        "sound_goes_on": True if is_dry(measured) else None,
    }


def ran_dry(case: Case) -> Words:
    """Where the sound shows it, there is no doubt left."""
    if not is_dry(case.measured):
        return NO_WORDS
    count = len(case.measured.losses)
    times = "once" if count == 1 else f"{count} times"
    return Words(
        f"the sender ran dry {times}: nothing was lost, the sound goes on where it had stopped"
    )


def is_only_by_numbers(case: Case) -> bool:
    """What is told as lost audio is so to whoever listens; this says where to look."""
    return not is_dry(case.measured)


def is_underrun_grave(case: Case) -> bool:
    return case.measured.share(case.measured.lost_ms) > GRAVE_PAUSES


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.UNDERRUN,
        severity=WARNING,
        title="the sender paused: by its RTP numbers and timestamps nothing was lost on the way",
        judge=judge_underrun,
        prove=underrun,
        remedy="look at what feeds the sender: it ran dry (speech that is made too slowly, a busy "
        "machine); let it send silence meanwhile, and keep 100 ms ahead",
        specify=ran_dry,
        symptom="choppy",
        explains=frozenset((FindingId.JITTER,)),
        mild=is_only_by_numbers,
        grave=is_underrun_grave,
    ),
)
