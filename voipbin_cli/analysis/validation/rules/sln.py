"""Rules on SLN: bare samples, one message a frame."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask, equal, unequal
from voipbin_cli.analysis.validation.facts.pacing import MAX_PAYLOAD_BYTES, BlockFacts
from voipbin_cli.analysis.validation.rules.row import ERROR, SLN, WARNING, Rule, always
from voipbin_cli.codec.pcm import FRAME_SAMPLES

SLN_FORM = "VoIPBIN media stream: SLN is bare 8 kHz mono samples, 20 ms a message"


def off_size(facts: BlockFacts) -> Mask:
    """Not 20 ms, by the samples that are due."""
    if not facts.due.has_boundaries:
        return np.zeros(len(facts.frames), bool)
    sample_bytes = np.where(facts.sample_bytes > 0, facts.sample_bytes, 2)
    due = FRAME_SAMPLES * sample_bytes * facts.rate_hz // 8000
    if facts.due.is_datagrams:
        return facts.is_audio & (facts.sample_bytes > 0) & unequal(facts.payload_bytes, due)
    # Where nothing is known of the codec yet, it is 20 ms of neither.
    differs = unequal(facts.payload_bytes, due)
    unlike = unequal(facts.payload_bytes, due // 2) & differs
    is_off: Mask = np.where(facts.sample_bytes > 0, differs, unlike)
    return facts.is_audio & is_off


def _has_rtp_header(facts: BlockFacts) -> Mask:
    """V=2 and nothing else, of a platform's type, in front of a whole frame."""
    first, second = facts.octet(0), facts.octet(1) & 0x7F
    framed = np.isin(facts.size, (12 + 160, 12 + 320))
    return framed & ~facts.is_text & equal(first, 0x80) & np.isin(second, (0, 8, 96))


def _has_audiosocket_header(facts: BlockFacts) -> Mask:
    """Kind 10 and the length of what follows."""
    fits = equal(facts.word(1), facts.size - 3)
    return fits & equal(facts.octet(0), 0x10) & (facts.size > 3) & ~facts.is_text


RULES = (
    Rule(
        id="sln-empty",
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="A message holds at least one sample.",
        message="an empty message",
        consequence="the far end takes it for the end: the stream is closed (1006)",
        predicate=lambda facts: facts.is_empty,
    ),
    Rule(
        id="sln-oversized",
        severities=always(ERROR),
        encapsulations=SLN,
        clause="AudioSocket: the length field has 16 bits, and the platform puts SLN into it",
        sentence="A message has at most 65,535 bytes.",
        message="{size} bytes, at most 65535 are taken",
        consequence="the platform's server process dies of it, and all its calls with it",
        predicate=lambda facts: (facts.size > MAX_PAYLOAD_BYTES) & ~facts.is_text,
    ),
    Rule(
        id="sln-frame-size",
        severities=always(WARNING),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="A message holds 20 ms of audio: 320 bytes linear, 160 of G.711.",
        message="{size} bytes, {due_bytes} are due",
        consequence="it is heard; pacing and buffers that count messages go wrong",
        predicate=off_size,
    ),
    Rule(
        id="sln-rtp-header",
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="SLN has no header.",
        message="{size} bytes that begin as an RTP packet does",
        consequence="twelve bytes of header are played as noise before each frame",
        predicate=_has_rtp_header,
    ),
    Rule(
        id="sln-audiosocket-header",
        severities=always(ERROR),
        encapsulations=SLN,
        clause=SLN_FORM,
        sentence="SLN has no header.",
        message="{size} bytes that begin as an AudioSocket frame does",
        consequence="three bytes of header shift the samples: every frame is noise",
        predicate=_has_audiosocket_header,
    ),
)
