"""Rules on SLN: bare samples, one message a frame."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask, equal, unequal
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import ERROR, SLN, WARNING, Rule, always
from voipbin_cli.codec.audiosocket import MAX_PAYLOAD_BYTES
from voipbin_cli.codec.codecs import FRAME_SAMPLES, HARMLESS_MS
from voipbin_cli.codec.encapsulation import Direction

SLN_FORM = "VoIPBIN media stream: SLN is bare 8 kHz mono samples, 20 ms a message"


def off_size(facts: BlockFacts) -> Mask:
    """Not 20 ms, by the samples that are due."""
    payload, sample_bytes = facts.payload, facts.audio.sample_bytes
    if not facts.due.has_boundaries:
        return np.zeros(len(facts.messages), bool)
    due = FRAME_SAMPLES * np.where(sample_bytes > 0, sample_bytes, 2) * payload.rate_hz // 8000
    differs = unequal(payload.size, due)
    if facts.due.is_datagrams:
        # RFC 3551 4.2: a phone's packets may be of any ptime.
        return payload.is_audio & (sample_bytes > 0) & differs & ~_is_whole_ms(facts)
    # Where nothing is known of the codec yet, it is 20 ms of neither.
    unlike = unequal(payload.size, due // 2) & differs
    is_off: Mask = np.where(sample_bytes > 0, differs, unlike)
    return payload.is_audio & is_off


def is_harmless_size(facts: BlockFacts) -> Mask:
    """Steady frames of whole ms that any buffer takes up; what is sent may be of any size.

    The documents say 20 ms, and who asks for those is told.
    """
    if facts.due.spec is Spec.DOCUMENTED:
        return np.zeros(len(facts.messages), bool)
    if facts.due.direction is Direction.OUT:
        return np.ones(len(facts.messages), bool)
    return _is_whole_ms(facts) & ~facts.payload.is_irregular


def _is_whole_ms(facts: BlockFacts) -> Mask:
    payload, sample_bytes = facts.payload, facts.audio.sample_bytes
    ms, rest = np.divmod(payload.size * 1000, np.maximum(sample_bytes * payload.rate_hz, 1))
    return np.isin(ms, HARMLESS_MS) & equal(rest, 0) & (sample_bytes > 0)


def _has_rtp_header(facts: BlockFacts) -> Mask:
    """V=2 and nothing else, of a platform's type, in front of a whole frame."""
    messages = facts.messages
    first, second = messages.octet(0), messages.octet(1) & 0x7F
    framed = np.isin(messages.size, (12 + 160, 12 + 320))
    return framed & ~messages.is_text & equal(first, 0x80) & np.isin(second, (0, 8, 96))


def _has_audiosocket_header(facts: BlockFacts) -> Mask:
    """Kind 10 and the length of what follows."""
    messages = facts.messages
    fits = equal(messages.word(1), messages.size - 3)
    return fits & equal(messages.octet(0), 0x10) & (messages.size > 3) & ~messages.is_text


RULES = (
    Rule(
        id=RuleId.SLN_EMPTY,
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="A message holds at least one sample.",
        message="an empty message",
        consequence="the far end takes it for the end: the stream is closed (1006)",
        predicate=lambda facts: facts.messages.is_empty,
    ),
    Rule(
        id=RuleId.SLN_OVERSIZED,
        severities=always(ERROR),
        encapsulations=SLN,
        clause="AudioSocket: the length field has 16 bits, and the platform puts SLN into it",
        sentence="A message has at most 65,535 bytes.",
        message="{messages.size} bytes, at most 65535 are taken",
        consequence="the platform's server process dies of it, and all its calls with it",
        predicate=lambda facts: (facts.messages.size > MAX_PAYLOAD_BYTES) & ~facts.messages.is_text,
    ),
    Rule(
        id=RuleId.SLN_FRAME_SIZE,
        severities=always(WARNING),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="A message holds 20 ms of audio: 320 bytes linear, 160 of G.711.",
        message="{messages.size} bytes, {audio.frame_bytes} are due",
        consequence="it is heard; pacing and buffers that count messages go wrong",
        predicate=off_size,
        mild=is_harmless_size,
    ),
    Rule(
        id=RuleId.SLN_RTP_HEADER,
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="SLN has no header.",
        message="{messages.size} bytes that begin as an RTP packet does",
        consequence="twelve bytes of header are played as noise before each frame",
        predicate=_has_rtp_header,
    ),
    Rule(
        id=RuleId.SLN_AUDIOSOCKET_HEADER,
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="SLN has no header.",
        message="{messages.size} bytes that begin as an AudioSocket frame does",
        consequence="three bytes of header shift the samples: every frame is noise",
        predicate=_has_audiosocket_header,
    ),
)
