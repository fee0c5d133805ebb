"""Rules on AudioSocket: kind, big-endian length, payload."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask, equal, unequal
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import (
    AUDIOSOCKET,
    ERROR,
    RECEIVED,
    SENT,
    WARNING,
    Rule,
    always,
)
from voipbin_cli.analysis.validation.rules.sln import is_harmless_size, off_size
from voipbin_cli.codec.audiosocket import HEADER_BYTES, Kind

PROTOCOL = "Asterisk AudioSocket protocol"
ENDS = "the far end takes it for the end: the stream is closed (1006)"
# The protocol's, and two more that the far end was observed to end the stream at.
_KNOWN_KINDS = [*(int(kind) for kind in Kind), 0x04, 0x19]


def _is_header_cut(facts: BlockFacts) -> Mask:
    size = facts.messages.size
    short = (size > 0) & (size < HEADER_BYTES) & ~facts.messages.is_text
    return short & ~facts.audiosocket.is_rest


def _is_trailing(facts: BlockFacts) -> Mask:
    frames = facts.audiosocket
    return (frames.frame_count > 0) & (frames.rest_bytes > 0) & ~frames.is_rest & ~frames.is_swapped


def _is_other_kind(facts: BlockFacts) -> Mask:
    known = np.isin(facts.audiosocket.kind, _KNOWN_KINDS)
    is_hangup = equal(facts.audiosocket.kind, Kind.HANGUP)
    return facts.audiosocket.is_frame & ~facts.audiosocket.is_sound_kind & known & ~is_hangup


def _is_unknown_kind(facts: BlockFacts) -> Mask:
    return facts.audiosocket.is_frame & ~np.isin(facts.audiosocket.kind, _KNOWN_KINDS)


def _is_hangup(facts: BlockFacts) -> Mask:
    """The last frame may be one: so a call ends that is over."""
    is_hangup = (facts.audiosocket.frame_count > 0) & equal(facts.audiosocket.kind, Kind.HANGUP)
    if facts.is_end:
        is_hangup[-1:] = False
    return is_hangup


def _is_other_rate(facts: BlockFacts) -> Mask:
    return facts.audiosocket.is_sound_kind & unequal(facts.audiosocket.kind, Kind.PCM_8K)


RULES = (
    Rule(
        id=RuleId.AUDIOSOCKET_TRUNCATED,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": header",
        sentence="A frame has a header of 3 bytes.",
        message="{messages.size} bytes, the header alone has 3",
        consequence="the far end waits for the rest, and ends the stream after a few ms",
        predicate=_is_header_cut,
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_BARE_AUDIO,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": header",
        sentence="Audio comes with a header in front of it.",
        message="{messages.size} bytes with no AudioSocket header: raw audio?",
        consequence="samples are read as kind and length: the stream ends (1006)",
        predicate=lambda facts: facts.audiosocket.is_bare,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_LENGTH_ORDER,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": length, big-endian",
        sentence="The length is big-endian.",
        message="the length reads {audiosocket.declared}, and {audiosocket.declared_little} in "
        "little-endian order, which follow",
        consequence="bytes out of step, then the stream ends (1006)",
        predicate=lambda facts: facts.audiosocket.is_swapped,
        field="length",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_LENGTH,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": length",
        sentence="The length is that of the payload which follows in the message.",
        message="the length reads {audiosocket.declared}, {audiosocket.follows} bytes follow",
        consequence="bytes out of step, then the stream ends (1006)",
        predicate=lambda facts: facts.audiosocket.is_short,
        field="length",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_TRAILING,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": length",
        sentence="Nothing but whole frames is in a message.",
        message="{audiosocket.rest_bytes} bytes after the last whole frame",
        consequence="they are taken for the next header: bytes out of step, then the end (1006)",
        predicate=_is_trailing,
        field="rest",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_SPLIT,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause="VoIPBIN media stream: one binary message carries one unit",
        sentence="A frame is not split over two messages.",
        message="{messages.size} bytes: the rest of the frame in the message before",
        consequence="with 8 ms or more between the two the stream ends (1006)",
        predicate=lambda facts: facts.audiosocket.is_rest,
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_JOINED,
        severities=always(WARNING),
        encapsulations=AUDIOSOCKET,
        clause="VoIPBIN media stream: one binary message carries one unit",
        sentence="A message holds one frame.",
        message="{audiosocket.frame_count} frames in one message",
        consequence="all of it is heard; a reader that takes a message for a frame plays headers",
        predicate=lambda facts: facts.audiosocket.frame_count > 1,
        field="rest",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_EMPTY,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": length",
        sentence="Audio has a payload.",
        message="audio of length 0",
        consequence=ENDS,
        predicate=lambda facts: facts.audiosocket.is_sound_kind & (facts.payload.size == 0),
        field="length",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_HANGUP,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": kind 00",
        sentence="No hangup is sent in mid-stream.",
        message="kind 00, hangup",
        consequence=ENDS,
        predicate=_is_hangup,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_KIND,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        directions=SENT,
        clause=PROTOCOL + ": kinds",
        sentence="Audio alone is sent, as kind 10.",
        message="kind {audiosocket.kind_hex} is no audio",
        consequence=ENDS,
        predicate=_is_other_kind,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_KIND_RECEIVED,
        severities=always(WARNING),
        encapsulations=AUDIOSOCKET,
        directions=RECEIVED,
        clause=PROTOCOL + ": kinds",
        sentence="The platform sends audio alone, as kind 10.",
        message="kind {audiosocket.kind_hex} is no audio",
        consequence="a reader that does not look at the kind plays it as a click",
        predicate=_is_other_kind,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_UNKNOWN_KIND,
        severities=always(ERROR),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": kinds",
        sentence="The kind is one that the protocol has.",
        message="kind {audiosocket.kind_hex}, {audiosocket.declared} bytes: "
        "the protocol has no such kind",
        consequence="what the far end does with it is documented nowhere; at 04 and 19, which it "
        "does not know either, it was seen to end the stream (1006)",
        predicate=_is_unknown_kind,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_RATE,
        severities=always(WARNING),
        encapsulations=AUDIOSOCKET,
        clause=PROTOCOL + ": kinds 10 to 18",
        sentence="The kind is 10: 8 kHz.",
        message="kind {audiosocket.kind_hex} says {audiosocket.rate_hz} Hz",
        consequence="it is taken as audio of that rate: too fast and too high if it is 8 kHz",
        predicate=_is_other_rate,
        field="kind",
    ),
    Rule(
        id=RuleId.AUDIOSOCKET_FRAME_SIZE,
        severities=always(WARNING),
        encapsulations=AUDIOSOCKET,
        clause="VoIPBIN media stream: AudioSocket frames of 20 ms",
        sentence="A frame holds 20 ms of audio: 320 bytes linear, 160 of G.711, at 8 kHz.",
        message="{payload.size} bytes of payload, {audio.frame_bytes} are due",
        consequence="it is heard; pacing and buffers that count frames go wrong",
        predicate=lambda facts: off_size(facts) & facts.audiosocket.is_sound_kind,
        mild=is_harmless_size,
        field="length",
    ),
)
