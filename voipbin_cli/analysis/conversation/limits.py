"""From where on a conversation is none that people are used to."""

from __future__ import annotations

from typing import NamedTuple


class TalkLimits(NamedTuple):
    """Up to here it is all right; each may be set by whoever asks.

    Responses: people answer each other within 200 ms (Stivers et al., PNAS 106, 2009) and take
    700 ms and more for trouble (Roberts and Francis, JASA 133, 2013); to a bot three times that is
    granted. Barge-in: of two who speak at once one stops within a beat or two, less than a second
    (Schegloff, Language in Society 29, 2000). Talk-over: of the time in which people speak they do
    so together for 4 % (Levinson and Torreira, Frontiers in Psychology 6, 2015); five times as much
    is granted. Dead air: no standard has a figure; telephone menus take five seconds of silence for
    no answer (the default of Twilio's Gather).
    """

    slow_response_ms: float = 2000.0
    slow_barge_in_ms: float = 1000.0
    talk_over_share: float = 0.2
    dead_air_ms: float = 5000.0


DEFAULT_LIMITS = TalkLimits()
