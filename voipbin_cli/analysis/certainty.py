"""When a cause is certain enough to stop listening: it has been the first one for a while.

What the bytes are does not become something else, and what the API says is so. What happened in
the course of a stream may yet be outdone by something graver, so that it is listened to for longer.
What time alone can tell (a silence that may end, a clock, a conversation) is never certain early.
"""

from __future__ import annotations

from collections.abc import Sequence

from voipbin_cli.analysis.findings.row import Finding
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.finding_ids import FindingId

# How often it is asked: a diagnosis of what came so far costs about 3 ms.
LOOK_S = 0.5
# Over the simulator's scenarios the first cause changed no more after so long.
STEADY_S, EVENTFUL_S = 1.0, 3.0
SURE = 0.95

_STEADY = frozenset(
    (
        FindingId.MUTED,
        FindingId.ENCAPSULATION_MISMATCH,
        FindingId.NOT_AUDIO,
        FindingId.MISALIGNED,
        FindingId.BYTE_ORDER,
        FindingId.CODEC_MISMATCH,
    )
)
_NEVER = frozenset(
    (
        FindingId.NO_AUDIO,
        FindingId.SILENCE,
        FindingId.LOW_LEVEL,
        FindingId.LOCAL_LAG,
        FindingId.CONNECTION_LOST,
        FindingId.CLOCK_DRIFT,
        FindingId.ECHO,
        FindingId.SLOW_RESPONSE,
        FindingId.SLOW_BARGE_IN,
        FindingId.TALK_OVER,
        FindingId.DEAD_AIR,
    )
)


class Certainty:
    """Follows the first cause from look to look."""

    def __init__(self) -> None:
        self._cause: tuple[object, ...] = ()
        self._since_s = 0.0

    def is_sure(self, seconds: float, findings: Sequence[Finding]) -> bool:
        """Whether no more need be heard, `seconds` after the first frame; `findings` as sorted."""
        first = next((one for one in findings if one.severity is not Severity.INFO), None)
        if first is None or first.id in _NEVER or first.confidence < SURE:
            self._cause = ()
            return False
        cause = (first.id, first.direction)
        if cause != self._cause:
            self._cause, self._since_s = cause, seconds
        return seconds - self._since_s >= (STEADY_S if first.id in _STEADY else EVENTFUL_S)
