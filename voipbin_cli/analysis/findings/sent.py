"""What is wrong with what is sent: the rows of what is received, and what its sender has to do.

Sound and payload are judged alike in both directions. When frames come is judged by what the phone
hears of it: nothing lies between a sender and its own messages that could hold them back, so a
late one is the sender's own, and so is an empty queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from voipbin_cli.analysis.farend.far_end import Heard
from voipbin_cli.analysis.findings import arrival, artefacts, holes, pace, payload, signalled, sound
from voipbin_cli.analysis.findings.row import (
    ALL_AUDIO,
    ERROR,
    TIMING,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    sure,
)
from voipbin_cli.analysis.sent import SentSide
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec
from voipbin_cli.finding_ids import FindingId

# A hole of 20 ms each five seconds, and a few of them, or one of a stall.
HOLES_SHARE, CERTAIN_SHARE = 0.004, 0.02
LEAST_HOLES, LONG_HOLE_MS = 3, 80.0
# What a lead costs once, at the start, is 100 ms in a conference and 520 in a call.
LOST_MS, LOST_SHARE = 80.0, 0.005
# From here on a warning is an error.
GRAVE_SHARE = 0.02

_ABSOLUTE = (
    "send by absolute deadlines: frame n is due at start + n x 20 ms, so sleep until then "
    "(time.sleep(max(0, start + n * 0.02 - time.monotonic()))) and never 0.02 s after each frame"
)
_COUNT = "count each packet that you send: the sequence number goes up by one, in one place"
_AHEAD = (
    "pace by samples: of n samples sent the next is due at start + n / 8000 s; send 20 ms then, "
    "20 to 60 ms ahead and never the whole of a sentence at once"
)


def _sent(case: Case) -> SentSide:
    assert case.sent is not None
    return case.sent


def _heard(case: Case) -> Heard:
    return _sent(case).heard


def heard(case: Case) -> Evidence:
    """What the phone hears, as evidence."""
    told = _heard(case)
    return {
        "heard_share": None if told.share is None else round(told.share, 4),
        "holes": told.holes,
        "holes_share": round(told.hole_share, 4),
        "longest_hole_ms": round(told.longest_hole_ms),
        **(
            {"thrown_away_ms": round(told.lost_ms), "flushes": told.flushes} if told.lost_ms else {}
        ),
    }


# What the far end takes


def judge_refused(case: Case) -> float:
    """RTP whose payload type is not the one that the far end sends, and takes."""
    sent = _sent(case)
    if sent.accepted is None or sent.accepted.payload_type is None or not sent.measured.labels:
        return 0.0
    label, frames = sent.measured.labels[0]
    is_taken = label == sent.accepted.payload_type or 2 * frames < sent.measured.frames
    return 0.0 if is_taken else max(0.5, sent.accepted.confidence)


def refused(case: Case) -> Evidence:
    sent = _sent(case)
    assert sent.accepted is not None
    return {
        "payload_type": sent.measured.labels[0][0],
        "due": sent.accepted.payload_type,
        "because": sent.accepted.reason,
    }


def refused_as(case: Case) -> Words:
    told = refused(case)
    return Words(
        f"the far end drops every packet without a word: payload type {told['payload_type']}, and "
        f"it takes {told['due']}",
        f"send payload type {told['due']}, the one of the packets that are received",
    )


def judge_codec(case: Case) -> float:
    """Another codec than the one that the far end takes, whatever it sends itself."""
    sent, measured = _sent(case), case.measured
    if measured.malformed * 2 > measured.messages:
        return 0.9
    if measured.foreign or measured.changes:
        return 0.95
    if sent.accepted is None or measured.reading is None or not measured.is_settled:
        return 0.0
    codec, due = measured.reading.codec, sent.accepted.codec
    is_other = codec is not due and not (codec is Codec.S16BE and due is Codec.S16LE)
    return 0.97 * (sent.accepted.confidence >= 0.8) if is_other else 0.0


def codec(case: Case) -> Evidence:
    accepted = _sent(case).accepted
    return payload.codec(case) | ({"due": accepted.codec.value} if accepted else {})


def codec_as(case: Case) -> Words:
    """What it is, and what it is heard as."""
    measured, accepted = case.measured, _sent(case).accepted
    if measured.foreign or accepted is None or measured.reading is None:
        return payload.codec_as(case)
    found, due = measured.reading.codec, accepted.codec
    if found is due:
        return NO_WORDS
    return Words(
        f"what is sent is {found.value}, and the far end plays it as {due.value}: loud noise",
        f"encode once, into {due.value}: what is received and what has to be sent are not the same "
        "codec on this platform",
    )


# When it comes


def judge_pace(case: Case) -> float:
    """A timer that is wrong, or so much ahead that the far end throws it away."""
    return max(pace.judge_pace(case), _judge_flushed(case))


def _judge_flushed(case: Case) -> float:
    return 0.95 if _is_flushed(case) and not _is_flushed_by_copies(case) else 0.0


def _is_flushed(case: Case) -> bool:
    told = _heard(case)
    return told.lost_ms >= LOST_MS and told.lost_ms >= LOST_SHARE * told.fed_ms


def _is_flushed_by_copies(case: Case) -> bool:
    """What overflows the far end is sent again, and the rest would have been in time."""
    told = _heard(case)
    copied = pace.copied_share(case.measured)
    return _is_flushed(case) and copied >= pace.COPIED * told.lost_ms / told.fed_ms


def is_sent_twice(case: Case) -> bool:
    """So much is sent again that the far end throws sound away."""
    return artefacts.is_each_frame_twice(case) or _is_flushed_by_copies(case)


def is_sequence_grave(case: Case) -> bool:
    return arrival.is_sequence_grave(case) or _is_flushed_by_copies(case)


def sequenced_as(case: Case) -> Words:
    """Packets that are sent again are told as that: the far end plays both."""
    told = case.measured.reception
    if told is None or not _is_flushed_by_copies(case):
        return Words(arrival.sequenced_as(case).title, _COUNT)
    return Words(
        f"packets are sent twice: of {case.measured.frames} {told.duplicate} have the number of "
        "one that was sent before",
        "send each packet once: take it out of the queue as you send it, and start one sender only",
    )


def pace_evidence(case: Case) -> Evidence:
    return (pace.pace(case) if case.measured.mean_hz else {}) | heard(case)


def paced_as(case: Case) -> Words:
    told = _heard(case)
    if _judge_flushed(case):
        share = told.lost_ms / told.fed_ms
        return Words(
            f"sent too far ahead of its time: the far end's queue overflows, and {share:.0%} of "
            "the sound is thrown away",
            _AHEAD,
        )
    words, surplus = pace.paced_as(case).title, _surplus(case)
    if surplus <= 0:
        return Words(f"{words}; the phone hears {told.hole_share:.0%} holes")
    waits_ms = _sent(case).queue.capacity_ms
    return Words(
        f"{words}; the far end's queue grows by {1000 * surplus:.0f} ms a second, and is thrown "
        f"away whole each time that more than {waits_ms} ms wait: about every "
        f"{waits_ms / 1000 / surplus:.0f} s"
    )


def _surplus(case: Case) -> float:
    """How much more sound than time there is, negative where there is less."""
    return (case.measured.mean_hz or 0.0) / SAMPLE_RATE_HZ - 1


def is_pace_grave(case: Case) -> bool:
    told = _heard(case)
    return told.hole_share > GRAVE_SHARE or _judge_flushed(case) > 0 or pace.is_pace_grave(case)


def judge_underrun(case: Case) -> float:
    """Holes that the phone hears, of waits that add up or of stalls."""
    told = _heard(case)
    if _is_flushed_by_copies(case):
        return 0.0  # an overflow leaves a hole
    if told.holes < LEAST_HOLES and told.longest_hole_ms < LONG_HOLE_MS:
        return 0.0
    return sure(told.hole_share, HOLES_SHARE, CERTAIN_SHARE)


def ran_dry(case: Case) -> Words:
    told = _heard(case)
    return Words(
        f"the phone hears {told.holes} hole{'s' * (told.holes > 1)} in what is sent, "
        f"{told.hole_share:.1%} of the sound: the sender was late"
    )


def is_underrun_grave(case: Case) -> bool:
    return _heard(case).hole_share > GRAVE_SHARE


# The sound


def judge_silence(case: Case) -> float:
    """Nothing but silence, at the pace of speech; a bot that listens for a while is none."""
    is_judged = holes.judge_silence(case) > 0
    return 0.99 if is_judged and holes.is_silent(case) else 0.0


def _titled(words: Callable[[Case], Words], remedy: str) -> Callable[[Case], Words]:
    """The words of a row, but for the remedy."""
    return lambda case: Words(words(case).title, remedy)


def _same(row: FindingRow, remedy: str = "") -> FindingRow:
    """A row of what is received, with the remedy of who sends."""
    if not remedy:
        return row
    return replace(row, remedy=remedy, specify=_titled(row.specify, remedy))


_BY_ID = {
    row.id: row
    for row in (*payload.ROWS, *arrival.ROWS, *artefacts.ROWS, *sound.ROWS, *signalled.ROWS)
}

ROWS: tuple[FindingRow, ...] = (
    replace(
        _BY_ID[FindingId.ENCAPSULATION_MISMATCH],
        remedy="ask for the encapsulation that you send (-e, encapsulation= in the URL), or send "
        "the one that you asked for, each frame with one header",
    ),
    replace(_BY_ID[FindingId.NOT_AUDIO], explains=_BY_ID[FindingId.NOT_AUDIO].explains | TIMING),
    FindingRow(
        id=FindingId.PAYLOAD_LABEL,
        severity=ERROR,
        title="the far end drops every packet without a word: it takes another payload type",
        judge=judge_refused,
        prove=refused,
        specify=refused_as,
        remedy="send the payload type of the packets that are received",
        symptom="cannot send audio",
        explains=TIMING,
    ),
    _same(
        _BY_ID[FindingId.WRONG_RATE],
        "resample to 8 kHz with a low-pass before you send, once for the stream as a whole and not "
        "chunk by chunk",
    ),
    _same(
        _BY_ID[FindingId.MISALIGNED],
        "carry the odd byte over to the next message: send len(buffer) & ~1 bytes and keep the "
        "rest",
    ),
    _same(_BY_ID[FindingId.BYTE_ORDER], "send little-endian samples: array.byteswap(), or '<i2'"),
    replace(
        _BY_ID[FindingId.CODEC_MISMATCH],
        judge=judge_codec,
        prove=codec,
        specify=codec_as,
        symptom="cannot send audio: it must match the encapsulation",
        # Samples of another width play for another time.
        explains=ALL_AUDIO,
    ),
    replace(
        _BY_ID[FindingId.FRAME_SIZE],
        severity=WARNING,
        remedy="the far end takes any size that its queue holds: cut into 20 ms (320 bytes of "
        "linear, 160 of mu-law) and the lead stays small",
        mild=lambda _case: True,
    ),
    FindingRow(
        id=FindingId.SENDER_PACE,
        severity=WARNING,
        title="frames are not sent when they are due",
        judge=judge_pace,
        prove=pace_evidence,
        specify=paced_as,
        remedy=_ABSOLUTE,
        symptom="choppy",
        explains=frozenset((FindingId.UNDERRUN,)),
        grave=is_pace_grave,
    ),
    FindingRow(
        id=FindingId.UNDERRUN,
        severity=WARNING,
        title="the phone hears holes in what is sent: the sender was late",
        judge=judge_underrun,
        prove=heard,
        specify=ran_dry,
        remedy=f"{_ABSOLUTE}; keep 20 to 60 ms ahead, and do what takes time beside the sending",
        symptom="choppy",
        grave=is_underrun_grave,
    ),
    replace(
        _BY_ID[FindingId.SEQUENCE],
        remedy=_COUNT,
        specify=sequenced_as,
        grave=is_sequence_grave,
    ),
    _same(
        holes.UPSTREAM_LOSS,
        "zeros are cut into what you send: carry the rest of a chunk over to the next frame and "
        "pad none, and send silence only where nobody speaks",
    ),
    replace(
        _same(
            _BY_ID[FindingId.REPEATED_AUDIO],
            "a buffer is sent twice: take each piece out of the queue as you send it",
        ),
        grave=is_sent_twice,
    ),
    _same(
        _BY_ID[FindingId.HUM],
        "the tone is in the sound that you send: look at the recording or the microphone it is "
        "made from",
    ),
    _same(
        _BY_ID[FindingId.CLICKS],
        "work on the stream as a whole: keep the state of resampler, fade and filter from chunk to "
        "chunk, carry the odd byte over to the next message, and drop nothing between them",
    ),
    _same(
        _BY_ID[FindingId.CLIPPING],
        "lower the gain before you send, and clip to -32768 and 32767 where samples are added or "
        "amplified",
    ),
    _same(
        _BY_ID[FindingId.DC_OFFSET],
        "take the mean out before you send: a high-pass filter; unsigned samples want 128 "
        "subtracted",
    ),
    _same(
        _BY_ID[FindingId.NOISE],
        "the noise is in the sound that you send: look at its source, at gains, and at samples "
        "that are decoded as what they are not",
    ),
    _same(
        _BY_ID[FindingId.LOW_LEVEL],
        "raise the gain before you send: speech is about -26 dBFS",
    ),
    replace(
        holes.SILENCE,
        title="every frame that is sent is silent: the caller hears nothing",
        judge=judge_silence,
        specify=lambda _case: NO_WORDS,
        mild=lambda _case: False,
        remedy="look where the sound is made: the program sends zeros, steadily; the bot never "
        "spoke, or its sound goes elsewhere",
        symptom="cannot send audio",
    ),
)
"""In the order of causes. What says nothing of a sender is not among them: a link that stalls,
this machine's lag, what a label means to whoever reads it."""
