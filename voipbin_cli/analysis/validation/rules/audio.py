"""Rules on what the payload is, whatever carries it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from voipbin_cli.analysis.columns import Mask, equal, unequal
from voipbin_cli.analysis.validation.facts.audio import (
    FOREIGN,
    MISALIGNED,
    code_of,
    code_of_foreign,
)
from voipbin_cli.analysis.validation.facts.block import BlockFacts
from voipbin_cli.analysis.validation.rules.identifiers import RuleId
from voipbin_cli.analysis.validation.rules.rule import (
    ERROR,
    INFO,
    RECEIVED,
    Rule,
    Severities,
    always,
)
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.payload_types import FIVE_MS_BYTES, PCMA, SRTP_TAG_BYTES

CODEC_TABLE = "VoIPBIN media stream: the codec of each encapsulation, received and sent"
G711, L16 = f"ITU-T G.711; {CODEC_TABLE}", f"RFC 3551 4.5.11; {CODEC_TABLE}"


def _sounds_like(facts: BlockFacts, code: int) -> Mask:
    """Frames of sound, heard to be of this codec."""
    return equal(facts.audio.codec, code) & ~facts.payload.is_still & ~facts.payload.is_words


def _heard_as(codec: Codec) -> Callable[[BlockFacts], Mask]:
    def predicate(facts: BlockFacts) -> Mask:
        sounds = _sounds_like(facts, code_of(codec))
        if facts.due.goes_by_label:
            return sounds & (facts.named > 0) & unequal(facts.named, code_of(codec))
        return sounds & (codec not in facts.due.codecs)

    return predicate


def _is_alaw(facts: BlockFacts) -> Mask:
    """A-law; not where the payload type of what is received has changed to say so."""
    alaw = _heard_as(Codec.ALAW)(facts)
    if facts.due.encapsulation is not Encapsulation.RTP or facts.due.direction is not Direction.IN:
        return alaw
    return alaw & ~(facts.sequence.is_relabelled & equal(facts.rtp.payload_type, PCMA))


def _is_undocumented(facts: BlockFacts) -> Mask:
    known = facts.due.codecs - {facts.due.documented_codec}
    if facts.due.is_datagrams:
        return np.zeros(len(facts.messages), bool)
    codes = [code_of(codec) for codec in known]
    return np.isin(facts.audio.codec, codes) & ~facts.payload.is_still


def _is_odd(facts: BlockFacts) -> Mask:
    return facts.audio.is_linear_due & facts.payload.is_audio & equal(facts.payload.size % 2, 1)


def _is_foreign(facts: BlockFacts) -> Mask:
    """None of the codecs, whatever is due; of a phone's packets many others are."""
    sounds = ~facts.payload.is_still & ~facts.payload.is_words & facts.payload.is_audio
    found: Mask = (facts.audio.codec >= FOREIGN) & sounds
    if not facts.due.is_datagrams:
        return found
    sealed = np.isin(facts.payload.size % FIVE_MS_BYTES, SRTP_TAG_BYTES)
    sealed &= equal(facts.audio.codec, code_of_foreign(Format.UNKNOWN))
    return found & (facts.named > 0) & ~sealed


def _is_of_another_rate(facts: BlockFacts) -> Mask:
    """By the arrivals, where it is known how long each message plays: by the sound, or as L16."""
    audio = facts.audio
    is_l16 = unequal(facts.payload.rate_hz, SAMPLE_RATE_HZ) & facts.due.goes_by_label
    is_counted = equal(audio.heard_bytes, audio.sample_bytes) | is_l16
    return facts.rate.is_other & is_counted & facts.due.is_heard


RULES = (
    Rule(
        id=RuleId.AUDIO_MULAW,
        severities=always(ERROR),
        clause=G711,
        sentence="Where linear audio is due, no mu-law comes.",
        message="this sounds like mu-law, {audio.due_names} is due",
        consequence="it is played as loud noise, about half as long as the speech",
        predicate=_heard_as(Codec.MULAW),
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_ALAW,
        severities=always(ERROR),
        clause=G711,
        sentence="A-law is no codec of the platform's streams.",
        message="this sounds like A-law, {audio.due_names} is due",
        consequence="read as mu-law it is loud and distorted, read as linear it is noise",
        predicate=_is_alaw,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_LINEAR,
        severities=always(ERROR),
        clause=L16,
        sentence="Where mu-law is due, no linear audio comes.",
        message="this sounds like 16-bit linear audio, {audio.due_names} is due",
        consequence="it is played as noise, twice as long as the speech",
        predicate=_heard_as(Codec.S16LE),
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_BYTE_ORDER,
        severities=always(ERROR),
        clause=L16,
        sentence="Linear audio is little-endian on this platform, in RTP too.",
        message="this sounds like big-endian samples, {audio.due_names} is due",
        consequence="it is played as white noise",
        predicate=_heard_as(Codec.S16BE),
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_MISALIGNED,
        severities=always(ERROR),
        clause=L16,
        sentence="Each frame begins with the first byte of a sample.",
        message="the samples are shifted by a byte",
        consequence="it is played as noise from here on",
        predicate=lambda facts: _sounds_like(facts, MISALIGNED),
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_FOREIGN,
        severities=always(ERROR),
        clause=CODEC_TABLE,
        sentence="The payload is mu-law or linear audio of 16 bits and one channel.",
        message="this looks like {audio.found}; {audio.due_names} is due",
        consequence="it is played as noise",
        predicate=_is_foreign,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_ODD_BYTES,
        severities=always(ERROR),
        clause=L16,
        sentence="Linear audio has two bytes a sample.",
        message="{payload.size} bytes end in half a sample",
        consequence="the last byte is lost; where the stream goes on with its other half, "
        "everything after it is noise",
        predicate=_is_odd,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_WAV_HEADER,
        severities=always(ERROR),
        clause="Multimedia Programming Interface 1.0: RIFF WAVE; " + CODEC_TABLE,
        sentence="The payload is samples, without the header of the file they came from.",
        message="the header of a WAV file, or another part of one, in the audio",
        consequence="the header is played: a click, and samples out of step where it is odd",
        predicate=lambda facts: facts.payload.is_of_wav,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_FILE,
        severities=always(ERROR),
        clause=CODEC_TABLE,
        sentence="The payload is samples, not a compressed file.",
        message="the payload begins as a file does (Ogg, FLAC, MP3, …)",
        consequence="it is played as noise",
        predicate=lambda facts: facts.payload.is_of_file,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_WORDS,
        severities=always(ERROR),
        clause=CODEC_TABLE,
        sentence="The payload is samples, not text.",
        message="the payload is text (JSON, base64, …)",
        consequence="it is played as noise: send the bytes themselves, in binary messages",
        predicate=lambda facts: facts.payload.is_words,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_SAMPLE_RATE,
        severities=always(ERROR),
        clause="RFC 3551 4.5; VoIPBIN media stream: 8 kHz",
        sentence="As many samples come in a second as are due: 8000, or those of the label.",
        message="{rate.found_hz} samples a second came for the last seconds, {payload.rate_hz} are "
        "due",
        consequence="played at the rate that is due it has another pitch and length, and what is "
        "too much is thrown away: resample with a low-pass. If it is of the right rate, and sent "
        "too fast, pace it",
        predicate=_is_of_another_rate,
        field="payload",
    ),
    Rule(
        id=RuleId.AUDIO_UNDOCUMENTED,
        severities=Severities(None, None, INFO),
        directions=RECEIVED,
        clause=CODEC_TABLE,
        sentence="The documents say mu-law in RTP, linear audio in SLN and AudioSocket.",
        message="this is {audio.found}, the documents say {due.documented_codec_name}",
        consequence="none for a reader that decides by size and sound; noise for one that "
        "goes by the documents",
        predicate=_is_undocumented,
        field="payload",
    ),
)
