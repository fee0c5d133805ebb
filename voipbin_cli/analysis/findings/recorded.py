"""What is wrong with a recording: the rows of the sound, and of what its bytes really are.

When frames came a recording does not tell, and no row asks.
"""

from __future__ import annotations

from dataclasses import replace

from voipbin_cli.analysis.findings import artefacts, conversation, holes, payload, sound
from voipbin_cli.analysis.findings.row import ALL_AUDIO, Case, Evidence, FindingRow
from voipbin_cli.analysis.words import Words
from voipbin_cli.finding_ids import FindingId

_WORDS = {
    "mulaw": "mu-law",
    "alaw": "A-law",
    "s16le": "16-bit little-endian samples",
    "s16be": "16-bit big-endian samples",
    "u8": "unsigned 8-bit samples",
    "s8": "signed 8-bit samples",
}


def judge_codec(case: Case) -> float:
    """The bytes are none of what the header says, or become something else on the way."""
    measured = case.measured
    if measured.foreign or measured.changes:
        return 0.95
    if case.declared is None or measured.reading is None or not measured.is_settled:
        return 0.0
    return 0.97 if measured.reading.codec.value != case.declared else 0.0


def codec(case: Case) -> Evidence:
    """What was found, and what the file says."""
    return {**payload.codec(case), "due": case.declared}


def codec_as(case: Case) -> Words:
    """Both by their names."""
    measured, declared = case.measured, case.declared
    if measured.foreign or measured.changes or measured.reading is None or declared is None:
        return payload.codec_as(case)
    found = _WORDS[measured.reading.codec.value]
    return Words(f"the file says {_WORDS[declared]}, and its bytes are {found}")


def silence_as(case: Case) -> Words:
    """The words for a stream, without those about its delivery."""
    words = holes.word_silence(case)
    return words._replace(title=words.title.removeprefix("delivery is fine, but "))


_PAYLOAD = {row.id: row for row in payload.ROWS}

ROWS: tuple[FindingRow, ...] = (
    _PAYLOAD[FindingId.NOT_AUDIO],
    _PAYLOAD[FindingId.MISALIGNED],
    _PAYLOAD[FindingId.BYTE_ORDER],
    replace(
        _PAYLOAD[FindingId.CODEC_MISMATCH],
        title="the bytes are not what the file says that they are",
        judge=judge_codec,
        prove=codec,
        specify=codec_as,
        remedy="write the samples in the coding that the header names, or name the one that they "
        "are in: what made the file took one for the other",
        explains=ALL_AUDIO,
    ),
    replace(
        holes.UPSTREAM_LOSS,
        title="holes are cut into the speech: they were there when it was recorded",
        remedy="look at the network of the leg that was recorded; a capture of it tells when",
    ),
    *artefacts.ROWS,
    *sound.ROWS,
    replace(holes.SILENCE, specify=silence_as, title="nothing but silence"),
)

_TALK = {row.id: row for row in conversation.ROWS}


def _echo_of(sent: int, received: int) -> FindingRow:
    """An echo of one channel in the other."""

    def specify(case: Case) -> Words:
        words = conversation.word_echo(case)
        came = f"what is in channel {sent} comes back in channel {received}"
        return words._replace(title=words.title.replace("what was sent comes back", came))

    def prove(case: Case) -> Evidence:
        told = conversation.prove_echo(case)
        return {name: told[name] for name in ("delay_ms", "level_db")} | {"in_channel": received}

    return replace(_TALK[FindingId.ECHO], specify=specify, prove=prove)


OF_BOTH: tuple[FindingRow, ...] = (
    _echo_of(2, 1),
    _TALK[FindingId.TALK_OVER],
    _TALK[FindingId.DEAD_AIR],
)
BACK: tuple[FindingRow, ...] = (_echo_of(1, 2),)
"""Of both channels together. Whose they are a file does not say: nobody is called slow."""
