"""Rules on messages as such, in any encapsulation."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import (
    AUDIOSOCKET,
    ERROR,
    INFO,
    RECEIVED,
    RTP,
    SENT,
    WARNING,
    Rule,
    always,
)

ONE_UNIT = "VoIPBIN media stream: one binary message carries one unit"


def _is_none(facts: BlockFacts) -> Mask:
    return np.full(len(facts.messages), facts.is_none)


RULES = (
    Rule(
        id=RuleId.MESSAGE_TEXT,
        severities=always(ERROR),
        directions=SENT,
        clause="VoIPBIN media stream: binary messages; RFC 6455 5.6",
        sentence="Audio travels in binary messages.",
        message="a text message of {messages.size} bytes",
        consequence="the far end ignores text in silence: nothing of it is heard",
        predicate=lambda facts: facts.messages.is_text,
    ),
    Rule(
        id=RuleId.MESSAGE_TEXT_RECEIVED,
        severities=always(WARNING),
        directions=RECEIVED,
        clause="VoIPBIN media stream: binary messages; RFC 6455 5.6",
        sentence="The platform sends no text messages.",
        message="a text message of {messages.size} bytes",
        consequence="a reader that takes every message for audio fails on it",
        predicate=lambda facts: facts.messages.is_text,
    ),
    Rule(
        id=RuleId.MESSAGE_EMPTY,
        severities=always(WARNING),
        encapsulations=RTP + AUDIOSOCKET,
        clause=ONE_UNIT,
        sentence="No message is empty.",
        message="an empty message",
        consequence="the far end ignores it in silence",
        predicate=lambda facts: facts.messages.is_empty,
    ),
    Rule(
        id=RuleId.MESSAGE_NONE,
        severities=always(INFO),
        directions=SENT,
        clause="VoIPBIN media stream: sending and receiving",
        sentence="Who is connected sends something.",
        message="nothing was sent: the phone hears nothing of this client",
        consequence="none for one who only listens; but some far ends send nothing either before "
        "they have heard something (asterisk/asterisk#2089): send silence",
        predicate=_is_none,
    ),
)
