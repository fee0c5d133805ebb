"""Rules on when messages come; they need a source with times."""

from __future__ import annotations

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.farend.far_queue import CALL, CONFERENCE
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import (
    ERROR,
    INFO,
    RECEIVED,
    SENT,
    WARNING,
    Rule,
    always,
)

# What the far queues hold, and half a frame for a clock that is not exact: audio comes in frames.
CONFERENCE_LEAD_MS = CONFERENCE.capacity_ms + 10.0
CALL_LEAD_MS = CALL.capacity_ms + 10.0
GAP_RECEIVED_MS = 60.0
DRY_MS = 20.0
BURST = 3
PACING = "VoIPBIN media stream: 20 ms of audio every 20 ms"


def _is_far_ahead(facts: BlockFacts) -> Mask:
    return facts.pacing.lead_ms > CALL_LEAD_MS


def _is_ahead(facts: BlockFacts) -> Mask:
    return (facts.pacing.lead_ms > CONFERENCE_LEAD_MS) & ~_is_far_ahead(facts)


RULES = (
    Rule(
        id=RuleId.PACING_LEAD,
        severities=always(WARNING),
        directions=SENT,
        clause=PACING,
        sentence="The end of what is sent is at most 80 ms ahead of its time.",
        message="{pacing.lead_ms:.0f} ms ahead of its time at its end",
        consequence="a conference flushes its whole queue: that much audio is not heard",
        predicate=_is_ahead,
    ),
    Rule(
        id=RuleId.PACING_OVERFLOW,
        severities=always(ERROR),
        directions=SENT,
        clause=PACING,
        sentence="The end of what is sent is never more than 500 ms ahead of its time.",
        message="{pacing.lead_ms:.0f} ms ahead of its time at its end",
        consequence="the far end flushes its whole queue: that much audio is not heard",
        predicate=_is_far_ahead,
    ),
    Rule(
        id=RuleId.PACING_SLOW,
        severities=always(ERROR),
        directions=SENT,
        clause=PACING,
        sentence="What is sent keeps up with its time: deadlines add up, waits do not.",
        message="{pacing.slow_share:.1%} of the sound is holes: {pacing.frames_a_second:.1f} "
        "frames of 20 ms a second, over the last seconds",
        consequence="an empty queue is heard as a gap at once: count deadlines from the start "
        "(start + n x 20 ms), and never sleep 20 ms after each frame",
        predicate=lambda facts: facts.pacing.is_slow,
    ),
    Rule(
        id=RuleId.PACING_GAP,
        severities=always(WARNING),
        directions=SENT,
        clause=PACING,
        sentence="Sound has no pauses of its own making.",
        message="nothing was there to play for {pacing.dry_ms:.0f} ms in the midst of sound",
        consequence="an empty queue is heard as a gap at once: there is no concealment",
        predicate=lambda facts: (facts.pacing.dry_ms > DRY_MS) & facts.pacing.is_cut,
    ),
    Rule(
        id=RuleId.PACING_GAP_RECEIVED,
        severities=always(INFO),
        directions=RECEIVED,
        clause=PACING,
        sentence="A frame comes every 20 ms.",
        message="{pacing.gap_ms:.0f} ms since the frame before",
        consequence="a buffer of less than that runs dry: `voipbin stream diagnose` tells why",
        predicate=lambda facts: facts.pacing.gap_ms > GAP_RECEIVED_MS,
    ),
    Rule(
        id=RuleId.PACING_BURST,
        severities=always(INFO),
        clause=PACING,
        sentence="Frames come one by one.",
        message="{pacing.quick} frames at once after another",
        consequence="they wait in a queue; too many of them are flushed",
        predicate=lambda facts: facts.pacing.quick >= BURST,
    ),
)
