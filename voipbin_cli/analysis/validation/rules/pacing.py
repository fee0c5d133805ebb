"""Rules on when messages come; they need a source with times."""

from __future__ import annotations

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.farend.far_queue import CONFERENCE
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

# Half a frame more than a far queue holds, for a clock that is not exact: audio comes in frames.
SLACK_MS = 10.0
GAP_RECEIVED_MS = 60.0
BURST = 3
PACING = "VoIPBIN media stream: 20 ms of audio every 20 ms"


def _is_far_ahead(facts: BlockFacts) -> Mask:
    return facts.pacing.lead_ms > facts.due.queue.capacity_ms + SLACK_MS


def _is_ahead(facts: BlockFacts) -> Mask:
    return (facts.pacing.lead_ms > CONFERENCE.capacity_ms + SLACK_MS) & ~_is_far_ahead(facts)


RULES = (
    Rule(
        id=RuleId.PACING_LEAD,
        severities=always(INFO),
        directions=SENT,
        clause=PACING,
        sentence="The end of what is sent is at most 80 ms ahead of its time.",
        message="{pacing.lead_ms:.0f} ms ahead of its time at its end",
        consequence="none in a call; a conference flushes its whole queue: that much audio is not "
        "heard",
        predicate=_is_ahead,
    ),
    Rule(
        id=RuleId.PACING_OVERFLOW,
        severities=always(ERROR),
        directions=SENT,
        clause=PACING,
        sentence="The end of what is sent is never further ahead of its time than the far queue "
        "holds: 500 ms in a call, 80 ms in a conference.",
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
        message="nothing was there to play for {pacing.waited_ms:.0f} ms",
        consequence="an empty queue is heard as silence at once: there is no concealment. Who "
        "sends only while there is sound does no harm by it",
        predicate=lambda facts: facts.pacing.has_waited,
        mild=lambda facts: facts.pacing.is_meant,
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
