"""Rules on RTP packets: RFC 3550 and 3551, and what the platform makes of them."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.validation.due import DEPLOYED_PAYLOAD_TYPE, DOCUMENTED_PAYLOAD_TYPE
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import (
    ERROR,
    INFO,
    RECEIVED,
    SENT,
    WARNING,
    Rule,
    Severities,
    always,
)
from voipbin_cli.analysis.validation.rules.sln import is_harmless_size, off_size
from voipbin_cli.codec.audiosocket import MAX_PAYLOAD_BYTES
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

DROPPED = "it is dropped without a word, and its audio with it"
PLATFORM = "VoIPBIN media stream: RTP"


def _is_other_type(facts: BlockFacts) -> Mask:
    return facts.rtp.is_packet & ~np.isin(facts.rtp.payload_type, list(facts.due.payload_types))


def _is_unknown_type(facts: BlockFacts) -> Mask:
    if facts.due.is_datagrams:
        return np.zeros(len(facts.messages), bool)
    known = (DOCUMENTED_PAYLOAD_TYPE, DEPLOYED_PAYLOAD_TYPE)
    other = facts.rtp.is_packet & ~np.isin(facts.rtp.payload_type, known)
    return other & ~facts.rtp.is_aside & ~facts.sequence.is_relabelled


def _is_off_the_clock(facts: BlockFacts) -> Mask:
    """No silence that was meant: that is a jump ahead by as much as the time that passed."""
    passed = facts.pacing.gap_ms * SAMPLE_RATE_HZ / 1000
    silence = (facts.clock.step > facts.clock.due) & (2 * passed >= facts.clock.step)
    return facts.clock.is_off & ~silence


def _is_fixed_start(facts: BlockFacts) -> Mask:
    return facts.sequence.is_fixed_start & facts.due.random_start


_HEADER = (
    Rule(
        id=RuleId.RTP_TRUNCATED,
        severities=always(ERROR),
        clause="RFC 3550 5.1",
        sentence="A packet has a header of at least 12 bytes.",
        message="{messages.size} bytes, the header alone has 12",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_short,
    ),
    Rule(
        id=RuleId.RTP_BARE_AUDIO,
        severities=always(ERROR),
        clause="RFC 3550 5.1",
        sentence="Audio comes with an RTP header in front of it.",
        message="{messages.size} bytes with no RTP header: raw audio?",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_bare,
        field="version",
    ),
    Rule(
        id=RuleId.RTP_VERSION,
        severities=always(ERROR),
        clause="RFC 3550 5.1, A.1",
        sentence="The version is 2.",
        message="version {rtp.version}, it is 2 in RTP",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_other_version,
        field="version",
    ),
    Rule(
        id=RuleId.RTP_CSRC_TRUNCATED,
        severities=always(ERROR),
        clause="RFC 3550 5.1",
        sentence="The contributing sources that CC counts are all there.",
        message="{rtp.csrc_count} contributing sources end at byte {rtp.csrc_end}, the packet at "
        "{messages.size}",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_csrc_cut,
        field="csrc_count",
    ),
    Rule(
        id=RuleId.RTP_EXTENSION_TRUNCATED,
        severities=always(ERROR),
        clause="RFC 3550 5.3.1",
        sentence="A header extension is as long as its length field says.",
        message="the header extension ends at byte {rtp.header_end}, the packet at {messages.size}",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_extension_cut,
        field="extension",
    ),
    Rule(
        id=RuleId.RTP_PADDING_INVALID,
        severities=always(ERROR),
        clause="RFC 3550 5.1, A.1",
        sentence="The last byte of a padded packet counts its padding, itself included.",
        message="padding of {rtp.padding_bytes} bytes cannot be in {messages.size}",
        consequence=DROPPED,
        predicate=lambda facts: facts.rtp.is_padding_wrong,
        field="padding",
    ),
    Rule(
        id=RuleId.RTP_RTCP,
        severities=always(WARNING),
        clause="RFC 3551 6; RFC 5761 4",
        sentence="RTCP does not travel in the media stream.",
        message="an RTCP packet (reads as payload type {rtp.payload_type} with the marker)",
        consequence="it is dropped without a word",
        predicate=lambda facts: facts.rtp.is_rtcp,
        field="payload_type",
    ),
    Rule(
        id=RuleId.RTP_PADDING,
        severities=Severities(None, WARNING, INFO),
        clause=f"RFC 3550 5.1; {PLATFORM}",
        sentence="The platform's packets have no padding.",
        message="{rtp.padding_bytes} bytes of padding",
        consequence="a reader that does not look at the P bit plays the padding as sound",
        predicate=lambda facts: facts.rtp.is_packet & facts.rtp.has_padding,
        field="padding",
    ),
    Rule(
        id=RuleId.RTP_EXTENSION,
        severities=Severities(None, WARNING, INFO),
        clause=f"RFC 3550 5.3.1; {PLATFORM}",
        sentence="The platform's packets have no header extension.",
        message="a header extension; the payload begins at byte {rtp.header_end}",
        consequence="a reader that takes off twelve bytes plays the extension as sound",
        predicate=lambda facts: facts.rtp.is_packet & facts.rtp.has_extension,
        field="extension",
    ),
    Rule(
        id=RuleId.RTP_CSRC,
        severities=Severities(None, WARNING, INFO),
        clause=f"RFC 3550 5.1; {PLATFORM}",
        sentence="The platform's packets have no contributing sources.",
        message="{rtp.csrc_count} contributing sources",
        consequence="a reader that takes off twelve bytes plays the list as sound",
        predicate=lambda facts: facts.rtp.is_packet & (facts.rtp.csrc_count > 0),
        field="csrc_count",
    ),
    Rule(
        id=RuleId.RTP_MARKER,
        severities=Severities(None, WARNING, INFO),
        clause=f"RFC 3551 4.1; {PLATFORM}",
        sentence="The marker begins a talkspurt; the platform, which sends silence, sets none.",
        message="the marker is set",
        consequence="none; a reader that takes the second byte for the type alone reads 224 for 96",
        predicate=lambda facts: facts.rtp.is_packet & facts.rtp.marker,
        field="marker",
    ),
)

_PAYLOAD = (
    Rule(
        id=RuleId.RTP_PAYLOAD_TYPE,
        severities=Severities(ERROR, ERROR, INFO),
        directions=RECEIVED,
        clause=f"RFC 3551 6, RFC 3550 5.1; {PLATFORM}",
        sentence="What is received has payload type 0 by the documents, 96 as observed.",
        message="payload type {rtp.type_words}, {due.says} {due.payload_type_names}",
        consequence="a receiver ignores payload types that it does not know (RFC 3550 5.1)",
        predicate=_is_other_type,
        field="payload_type",
    ),
    Rule(
        id=RuleId.RTP_PAYLOAD_TYPE_UNKNOWN,
        severities=Severities(None, None, WARNING),
        directions=RECEIVED,
        clause=f"RFC 3551 6; {PLATFORM}",
        sentence="No form of the platform has another payload type than 0 and 96.",
        message="payload type {rtp.type_words} is neither 0 nor 96",
        consequence="a reader that believes the label decodes the payload as something else",
        predicate=_is_unknown_type,
        field="payload_type",
    ),
    Rule(
        id=RuleId.RTP_PAYLOAD_TYPE_REFUSED,
        severities=always(ERROR),
        directions=SENT,
        clause=f"RFC 3550 5.1; {PLATFORM}",
        sentence="What is sent has the payload type that the far end takes.",
        message="payload type {rtp.type_words}, the far end takes {due.payload_type_names}",
        consequence=DROPPED,
        predicate=_is_other_type,
        field="payload_type",
    ),
    Rule(
        id=RuleId.RTP_PAYLOAD_TYPE_CHANGED,
        severities=Severities(WARNING, WARNING, INFO),
        clause="RFC 3550 5.1",
        sentence="The payload type stays the same.",
        message="payload type {rtp.type_words} after another one",
        consequence="a reader that decided on the first packet decodes the others wrong",
        predicate=lambda facts: facts.sequence.is_other_type,
        field="payload_type",
    ),
    Rule(
        id=RuleId.RTP_EMPTY,
        severities=always(ERROR),
        clause=f"RFC 3550 5.1; {PLATFORM}",
        sentence="A packet has a payload.",
        message="a header and no payload",
        consequence="the far end takes it for the end: the stream is closed (1006)",
        predicate=lambda facts: facts.rtp.is_packet & (facts.payload.size == 0),
        field="payload",
    ),
    Rule(
        id=RuleId.RTP_OVERSIZED,
        severities=always(ERROR),
        clause="AudioSocket: the length field has 16 bits, and the platform puts payloads into it",
        sentence="A payload has at most 65,535 bytes.",
        message="{payload.size} bytes of payload, at most 65535 are taken",
        consequence="the platform's server process dies of it, and all its calls with it",
        predicate=lambda facts: facts.payload.size > MAX_PAYLOAD_BYTES,
        field="payload",
    ),
    Rule(
        id=RuleId.RTP_FRAME_SIZE,
        severities=always(WARNING),
        clause=f"RFC 3551 4.2; {PLATFORM}, 172-byte packets of PCMU",
        sentence="A packet holds 20 ms of audio: 160 bytes of mu-law, 320 linear.",
        message="{payload.size} bytes of payload, {audio.frame_bytes} are due",
        consequence="it is heard; pacing and buffers that count packets go wrong",
        predicate=lambda facts: off_size(facts) & facts.rtp.is_packet,
        mild=is_harmless_size,
        field="payload",
    ),
)

_SEQUENCE = (
    Rule(
        id=RuleId.RTP_SEQUENCE_MISSING,
        severities=always(WARNING),
        clause="RFC 3550 5.1, A.3",
        sentence="The sequence number is one more in each packet.",
        message="{sequence.missing} packets missing before number {rtp.sequence_number}",
        consequence="their audio is not heard; on a WebSocket nothing gets lost on the way",
        predicate=lambda facts: facts.sequence.missing > 0,
        field="sequence_number",
    ),
    Rule(
        id=RuleId.RTP_SEQUENCE_DUPLICATE,
        severities=always(WARNING),
        clause="RFC 3550 5.1, A.1",
        sentence="The sequence number is one more in each packet.",
        message="number {rtp.sequence_number} once more",
        consequence="a jitter buffer drops it, anything else plays it twice",
        predicate=lambda facts: facts.sequence.is_duplicate,
        field="sequence_number",
    ),
    Rule(
        id=RuleId.RTP_SEQUENCE_REORDERED,
        severities=always(WARNING),
        clause="RFC 3550 5.1, A.1",
        sentence="The sequence number is one more in each packet.",
        message="number {rtp.sequence_number} after a higher one",
        consequence="without a jitter buffer it is played out of order",
        predicate=lambda facts: facts.sequence.is_reordered,
        field="sequence_number",
    ),
    Rule(
        id=RuleId.RTP_SEQUENCE_JUMP,
        severities=always(WARNING),
        clause="RFC 3550 A.1",
        sentence="The sequence number does not jump.",
        message="number {rtp.sequence_number} is far from the one before",
        consequence="a receiver waits for a second such packet, then begins anew",
        predicate=lambda facts: facts.sequence.is_jump,
        field="sequence_number",
    ),
    Rule(
        id=RuleId.RTP_SSRC_CHANGED,
        severities=always(WARNING),
        clause="RFC 3550 3, 8",
        sentence="One stream has one synchronization source.",
        message="another source, {rtp.ssrc:#010x}",
        consequence="a receiver takes it for another stream and begins anew, or ignores it",
        predicate=lambda facts: facts.sequence.is_new_source,
        field="ssrc",
    ),
    Rule(
        id=RuleId.RTP_FIXED_START,
        severities=Severities(WARNING, None, INFO),
        clause="RFC 3550 5.1",
        sentence="Sequence number, timestamp and SSRC begin at random.",
        message="the stream begins with number {rtp.sequence_number} and SSRC 0",
        consequence="harmless where nothing is encrypted: VoIPBIN's own bridge begins like this",
        predicate=_is_fixed_start,
        field="ssrc",
    ),
)

_CLOCK = (
    Rule(
        id=RuleId.RTP_TIMESTAMP_BYTES,
        severities=Severities(WARNING, WARNING, INFO),
        clause="RFC 3550 5.1, RFC 3551 4.1",
        sentence="The timestamp counts samples.",
        message="the timestamp advances by {clock.step}, for {clock.due} samples: it counts bytes",
        consequence="it is heard; jitter worked out at 8 kHz is nonsense",
        predicate=lambda facts: facts.clock.is_counting_bytes,
        field="timestamp",
    ),
    Rule(
        id=RuleId.RTP_TIMESTAMP_STEP,
        severities=always(WARNING),
        clause="RFC 3550 5.1, RFC 3551 4.1",
        sentence="The timestamp counts samples at 8 kHz.",
        message="the timestamp advances by {clock.step}, {clock.due} samples went before",
        consequence="a jitter buffer plays it at the wrong time, or drops it",
        predicate=_is_off_the_clock,
        field="timestamp",
    ),
)

RULES = _HEADER + _PAYLOAD + _SEQUENCE + _CLOCK
