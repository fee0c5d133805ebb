"""Pauses in which the sender had nothing to send, and after which none of the audio is missing."""

from __future__ import annotations

from voipbin_cli.analysis.dry_pauses import GOES_ON
from voipbin_cli.analysis.findings.pace import is_each_frame_late
from voipbin_cli.analysis.findings.row import WARNING, Case, Evidence, FindingRow, tenths
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.finding_ids import FindingId

LEAST_MS = 20.0
GRAVE_PAUSES = 0.05
# By odds of e^6, 400 to 1, there is no doubt left; by the numbers alone a bridge that counts anew
# may have had audio missing already.
NO_DOUBT = 6.0
BY_NUMBERS, BY_SOUND, WITHOUT_DOUBT = 0.75, 0.9, 0.95


def _paused_ms(case: Case) -> list[float]:
    return [pause.dry_ns / 1e6 for pause in case.measured.dry]


def _goes_on(case: Case) -> float:
    """The odds that the sound goes on after these pauses, as a natural logarithm."""
    return sum(pause.grounds.goes_on for pause in case.measured.dry)


def judge_underrun(case: Case) -> float:
    if sum(_paused_ms(case)) < LEAST_MS or is_each_frame_late(case.measured):
        return 0.0
    goes_on = _goes_on(case)
    if goes_on >= NO_DOUBT:
        return WITHOUT_DOUBT
    return BY_SOUND if goes_on >= GOES_ON else BY_NUMBERS


def underrun(case: Case) -> Evidence:
    paused = _paused_ms(case)
    return {
        "pauses": len(paused),
        "longest_ms": tenths(max(paused, default=0.0)),
        "total_ms": tenths(sum(paused)),
        "missing_by_number": 0,
        "sound_goes_on": True if _goes_on(case) >= GOES_ON else None,
    }


def ran_dry(case: Case) -> Words:
    """Where the sound shows it; of these pauses only, as audio may be missing in others."""
    if _goes_on(case) < GOES_ON:
        return NO_WORDS
    count = len(case.measured.dry)
    times, them = ("once", "it") if count == 1 else (f"{count} times", "them")
    return Words(
        f"the sender ran dry {times}: nothing was lost in {them}, the sound goes on where it had "
        "stopped"
    )


def is_underrun_grave(case: Case) -> bool:
    return case.measured.share(sum(_paused_ms(case))) > GRAVE_PAUSES


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.UNDERRUN,
        severity=WARNING,
        title="the sender paused: by its RTP numbers and timestamps nothing was lost on the way",
        rests_on="gaps without a catch-up, whole RTP numbers, sound that goes on as it had stopped",
        judge=judge_underrun,
        prove=underrun,
        remedy="look at what feeds the sender: it ran dry (speech that is made too slowly, a busy "
        "machine); let it send silence meanwhile, and keep 100 ms ahead",
        specify=ran_dry,
        symptom="choppy",
        explains=frozenset((FindingId.JITTER,)),
        grave=is_underrun_grave,
    ),
)
