"""What the bytes are: the codec, the rate, the order, and frames of another size."""

from __future__ import annotations

from voipbin_cli.analysis.findings.pace import due_hz, is_counted, other_rate_hz
from voipbin_cli.analysis.findings.row import (
    ALL_AUDIO,
    ERROR,
    LABELS,
    SIGNAL,
    SIGNALLED,
    TIMING,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    sure,
    tenths,
)
from voipbin_cli.analysis.findings.signalled import is_as_labelled, misnamed
from voipbin_cli.analysis.metrics import Measured, change_fields
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.codecs import (
    FRAME_SAMPLES,
    HARMLESS_MS,
    IRREGULAR_RATIO,
    SAMPLE_RATE_HZ,
    Codec,
)
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.payload_types import L16, PCMA, PCMU
from voipbin_cli.codec.text_look import text_look
from voipbin_cli.finding_ids import FindingId


def judge_encapsulation(case: Case) -> float:
    framing = case.measured.framing
    return 0.97 if framing and framing.found else 0.0


def encapsulation(case: Case) -> Evidence:
    measured = case.measured
    assert measured.framing
    assert measured.framing.found
    inside = {"inside": measured.encapsulation.value} if measured.framing.is_inside else {}
    return {
        "found": measured.framing.found.value,
        "asked_for": measured.encapsulation.value,
        **inside,
        "malformed_messages": measured.malformed,
    }


def encapsulation_as(case: Case) -> Words:
    """Which one it is, and where."""
    measured = case.measured
    if measured.framing is None or measured.framing.found is None:
        return NO_WORDS
    found = _ENCAPSULATIONS[measured.framing.found]
    asked = _ENCAPSULATIONS[measured.encapsulation]
    if measured.framing.is_inside:
        return Words(
            f"each frame of {asked} holds another frame with a header: {found}",
            "give each frame one header: send the samples and not a packet as payload",
        )
    return Words(f"the messages are {found}, and {asked} was asked for")


def explains_of_headers(case: Case) -> frozenset[FindingId]:
    """What is told by fields of headers that are none."""
    misread = SIGNALLED | {FindingId.SEQUENCE} | TIMING
    return misread if case.measured.has_misread_headers else frozenset()


_ENCAPSULATIONS = {
    Encapsulation.RTP: "RTP",
    Encapsulation.SLN: "SLN (bare samples)",
    Encapsulation.AUDIOSOCKET: "AudioSocket",
}


def judge_not_audio(case: Case) -> float:
    measured = case.measured
    is_found = measured.file_headers or measured.is_text or measured.is_only_text
    return 0.98 if is_found else 0.0


def not_audio(case: Case) -> Evidence:
    measured = case.measured
    if measured.is_only_text:
        return {
            "found": text_look(measured.first_text or ""),
            "where": "text messages",
            "messages": measured.messages,
            "text_messages": measured.texts,
        }
    headers = measured.file_headers
    if headers is None:
        whole = measured.framing.text if measured.framing else None
        return {"found": whole or measured.text, "where": "message" if whole else "payload"}
    return {"found": headers.name, "first_frame": headers.frame, "frames": headers.frames}


def not_audio_as(case: Case) -> Words:
    """Text in place of binary messages comes of another protocol than this one."""
    if not case.measured.is_only_text:
        return NO_WORDS
    look = text_look(case.measured.first_text or "")
    return Words(
        f"text messages came and no audio; they look like {look}",
        "send audio in binary messages, one frame in each: JSON around it and base64 belong to "
        "other media stream protocols; or connect to the address that sends audio",
    )


# Where each frame comes twice half of all sound is a copy, less what pauses hide of it.
REPEATS_SHARE = 0.2


def judge_wrong_rate(case: Case) -> float:
    rate_hz = other_rate_hz(case.measured)
    if rate_hz is None or not is_counted(case.measured):
        return 0.0
    if not case.measured.is_settled and not case.measured.told.is_l16:
        return 0.0
    if case.measured.repeats.share > REPEATS_SHARE:
        return 0.0  # frames that come twice are too many, at the right rate
    return sure(abs(rate_hz / due_hz(case.measured) - 1), 0.0, 0.25)


def wrong_rate(case: Case) -> Evidence:
    measured, due = case.measured, due_hz(case.measured)
    scale = due / SAMPLE_RATE_HZ
    return {
        "samples_per_second": round((measured.samples_hz or 0.0) * scale),
        "sample_rate_hz": other_rate_hz(measured),
        "due": due,
        "frame_samples": round((measured.frame_samples or 0) * scale),
        "frame_interval_ms": tenths(measured.intervals.p50 if measured.intervals else 0.0),
    }


def rated_as(case: Case) -> Words:
    """Of L16 it is the label that is wrong, or the sender's rate."""
    told = case.measured.told
    if not told.is_l16 or told.codec is None:
        return NO_WORDS
    return Words(
        f"samples come at {other_rate_hz(case.measured)} Hz, and {told.by} says {told.codec.words}",
        "at the sender: label the samples as what they are (L16 at 8000 Hz has a dynamic payload "
        "type, named in SDP), or resample them to what the label says",
    )


def explains_of_rate(case: Case) -> frozenset[FindingId]:
    """L16 that was made into 8 kHz from a wrong rate sounds like nothing."""
    return SIGNAL | {FindingId.CODEC_MISMATCH} if case.measured.told.is_l16 else frozenset()


def judge_misaligned(case: Case) -> float:
    measured = case.measured
    is_shifted = measured.reading is not None and measured.reading.shifted
    now = measured.is_settled and (is_shifted or measured.split_at is not None)
    return 0.95 if now or any(change.after.shifted for change in measured.changes) else 0.0


def misaligned(case: Case) -> Evidence:
    measured = case.measured
    begins = [change.frame for change in measured.changes if change.after.shifted]
    if measured.split_at is not None:
        begins.append(measured.split_at)
    return {"from_frame": min(begins, default=0)}


def judge_byte_order(case: Case) -> float:
    measured = case.measured
    if measured.reading is None or not measured.is_settled:
        return 0.0
    if measured.is_datagrams:
        return 0.97 if _is_swapped_l16(measured) else 0.0
    return 0.97 if measured.reading.codec is Codec.S16BE else 0.0


def _is_swapped_l16(measured: Measured) -> bool:
    """RFC 3551 4.5.11: on a phone's leg L16 is big-endian, where a label or SDP says so."""
    named = measured.told.codec
    is_l16 = named is not None and named.name.upper() == "L16"
    return is_l16 and measured.reading is not None and measured.reading.codec is Codec.S16LE


def order(case: Case) -> Evidence:
    told = codec(case)
    return told | {"due": Codec.S16BE.value} if case.measured.is_datagrams else told


def ordered_as(case: Case) -> Words:
    """In RTP of phones it is the other order that is due."""
    if not case.measured.is_datagrams:
        return NO_WORDS
    return Words(
        f"samples are byte-swapped: little-endian, and {case.measured.told.by} says L16",
        "at the sender: swap the bytes, L16 is big-endian in RTP (RFC 3551 4.5.11)",
    )


def judge_codec_mismatch(case: Case) -> float:
    measured = case.measured
    if measured.malformed * 2 > measured.messages:
        return 0.9
    if measured.foreign:
        return 0.0 if measured.is_datagrams and not _is_labelled_here(measured) else 0.95
    if any(not is_as_labelled(measured, change) for change in measured.changes):
        return 0.95
    if misnamed(measured):
        return 0.97
    if measured.is_datagrams or measured.reading is None or not measured.is_settled:
        return 0.0
    return 0.97 if measured.reading.codec is Codec.ALAW and not measured.changes else 0.0


def _is_labelled_here(measured: Measured) -> bool:
    """Whether a phone's packets say that they are G.711 or linear (RFC 3551 table 4)."""
    return bool(measured.labels) and measured.labels[0][0] in (PCMU, PCMA, *L16)


def _found(measured: Measured) -> Evidence:
    foreign = measured.foreign
    if foreign is None:
        return {"found": str(measured.reading) if measured.reading else None}
    if foreign.format is Format.UNKNOWN:
        return {"found": None, "says": "no codec that this tool knows"}
    which = {"which": foreign.which} if foreign.which else {}
    return {"found": foreign.format.value, **which}


def codec(case: Case) -> Evidence:
    measured = case.measured
    named = misnamed(measured)
    told: Evidence = {**_found(measured), "due": named.codec.value if named else "mulaw or s16le"}
    if named:
        told["payload_type"] = named.label
    if named and named.frame:
        told["from_frame"] = named.frame
    if measured.changes:
        told["changes"] = [change_fields(change) for change in measured.changes[:5]]
    if measured.malformed:
        told["malformed_messages"] = measured.malformed
    return told


def codec_as(case: Case) -> Words:
    """What it is, by its name."""
    foreign = case.measured.foreign
    if foreign is None:
        return _misnamed_as(case.measured)
    told = case.measured.told
    if foreign.format is Format.UNKNOWN and told.is_l16 and told.codec is not None:
        return Words(
            f"{told.by} says {told.codec.words}, and read as that the payload is noise",
            "at the sender: L16 is big-endian in RTP (RFC 3551 4.5.11); label what is no L16 as "
            "what it is",
        )
    if foreign.format is Format.UNKNOWN:
        return Words(
            "the payload is in no codec that this tool knows: encrypted, compressed, or no audio",
            "send mu-law or 16-bit little-endian samples at 8 kHz; decrypt and decode before",
        )
    which = f" ({foreign.which})" if foreign.which else ""
    return Words(
        f"the audio is {foreign.format.words}{which}; mu-law or 16-bit linear mono is due",
        _REMEDIES.get(foreign.format, "decode it before, and send mu-law or 16-bit samples"),
    )


def _misnamed_as(measured: Measured) -> Words:
    named = misnamed(measured)
    if named is None:
        return _A_LAW if _is_alaw(measured) else NO_WORDS
    return Words(
        f"the payload is {measured.reading}, and payload type {named.label} says {named.codec}: "
        "who goes by it hears loud noise",
        "at the sender: label the packets as what they hold (RFC 3551: 0 is mu-law, 8 is A-law), "
        "or encode what the label says",
    )


def _is_alaw(measured: Measured) -> bool:
    reading = measured.reading
    return reading is not None and reading.codec is Codec.ALAW and not measured.changes


_A_LAW = Words("the audio is A-law; VoIPBIN sends mu-law or 16-bit linear")
_REMEDIES = {
    Format.U8: "subtract 128 from each byte and multiply it by 256: 16-bit little-endian is due",
    Format.S8: "multiply each sample by 256: 16-bit little-endian is due",
    Format.U16LE: "subtract 32768 from each sample: signed 16-bit little-endian is due",
    Format.U16BE: "swap the bytes and subtract 32768: signed 16-bit little-endian is due",
    Format.S24LE: "leave the lowest of three bytes out: 16-bit little-endian is due",
    Format.S24BE: "send the first two of three bytes, swapped: 16-bit little-endian is due",
    Format.S32LE: "leave the lower two of four bytes out: 16-bit little-endian is due",
    Format.S32BE: "send the first two of four bytes, swapped: 16-bit little-endian is due",
    **dict.fromkeys(
        (Format.F32LE, Format.F32BE, Format.F64LE, Format.F64BE),
        "multiply each sample by 32767, round, clip and send it as 16-bit little-endian",
    ),
    Format.STEREO: "send one channel, or the mean of both",
    Format.MULAW_TWICE: "encode once: what comes out of the encoder is what has to be sent",
    Format.MULAW_AS_ALAW: "decode with the mu-law table: the codes are mu-law",
    Format.ALAW_AS_MULAW: "decode with the A-law table: the codes are A-law",
    Format.MULAW_INVERTED: "invert all bits of each byte, or leave out what inverted them",
    Format.ALAW_INVERTED: "invert each second bit and no more: XOR 0x55, as G.711 has it",
}


def judge_frame_size(case: Case) -> float:
    measured = case.measured
    if measured.frame_samples is None or measured.frames < 5:
        return 0.0
    if not measured.is_sound_known:
        return 0.0  # how long a frame plays is not known
    is_irregular = measured.other_sizes_ratio > IRREGULAR_RATIO
    # A phone may change its ptime, and end a talkspurt early.
    if measured.is_datagrams and (is_irregular or not is_counted(measured)):
        return 0.0
    return 0.97 if is_irregular or measured.frame_samples != FRAME_SAMPLES else 0.0


def frame_size(case: Case) -> Evidence:
    measured = case.measured
    least, most = measured.frame_range_samples
    irregular = measured.other_sizes_ratio > IRREGULAR_RATIO
    return {
        "frame_ms": measured.frame_ms,
        **({"least_ms": least / 8, "most_ms": most / 8} if irregular else {}),
        "due_ms": 20,
        "frame_interval_ms": tenths(measured.intervals.p50 if measured.intervals else 0.0),
    }


def is_regular_size(case: Case) -> bool:
    """Each frame as long as the other, of a whole number of ms that any buffer takes up."""
    measured = case.measured
    return measured.other_sizes_ratio <= IRREGULAR_RATIO and measured.frame_ms in HARMLESS_MS


def sized_as(case: Case) -> Words:
    if not is_regular_size(case):
        return NO_WORDS
    return Words(
        remedy="harmless: take any size and re-frame; a sender does best with steady 20 ms chunks"
    )


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.ENCAPSULATION_MISMATCH,
        severity=ERROR,
        title="the messages are in another encapsulation than the one asked for",
        rests_on="headers that hold in message after message, and are of another encapsulation",
        judge=judge_encapsulation,
        prove=encapsulation,
        specify=encapsulation_as,
        remedy="ask for the encapsulation that is sent (-e, encapsulation= in the URL), or send "
        "the one that was asked for, each frame with one header",
        symptom="no audio received: check the encapsulation",
        explains=ALL_AUDIO
        | {
            FindingId.NOT_AUDIO,
            FindingId.CODEC_MISMATCH,
            FindingId.BYTE_ORDER,
            FindingId.MISALIGNED,
        },
        explains_here=explains_of_headers,
    ),
    FindingRow(
        id=FindingId.NOT_AUDIO,
        severity=ERROR,
        title="the payload is not audio",
        rests_on="the marks of file formats, and bytes that are text",
        judge=judge_not_audio,
        prove=not_audio,
        remedy="send samples only: parse a file's header and send what comes after it, and no text",
        specify=not_audio_as,
        symptom="poor quality: check the audio format",
        explains=SIGNAL
        | LABELS
        | {
            FindingId.CODEC_MISMATCH,
            FindingId.BYTE_ORDER,
            FindingId.MISALIGNED,
            FindingId.WRONG_RATE,
            FindingId.SENDER_PACE,
        },
        explains_here=explains_of_headers,
    ),
    FindingRow(
        id=FindingId.WRONG_RATE,
        severity=ERROR,
        title="the audio is not sampled at 8000 Hz",
        rests_on="samples a second by the arrivals, and near a rate that exists",
        judge=judge_wrong_rate,
        prove=wrong_rate,
        remedy="resample to 8 kHz with a low-pass before it is sent",
        symptom="poor quality: check the audio format",
        explains=TIMING
        | LABELS
        | {FindingId.FRAME_SIZE, FindingId.CLIPPING, FindingId.UPSTREAM_LOSS},
        explains_here=explains_of_rate,
        specify=rated_as,
    ),
    FindingRow(
        id=FindingId.MISALIGNED,
        severity=ERROR,
        title="samples are shifted by a byte",
        rests_on="which reading of the bytes sounds like speech, and from which frame on",
        judge=judge_misaligned,
        prove=misaligned,
        remedy="send an even number of bytes in each frame: carry an odd byte over to the next "
        "one; never pad or drop one in mid-stream",
        symptom="poor quality: check the audio format",
        explains=SIGNAL | LABELS | {FindingId.BYTE_ORDER, FindingId.CODEC_MISMATCH},
    ),
    FindingRow(
        id=FindingId.BYTE_ORDER,
        severity=ERROR,
        title="samples are byte-swapped",
        rests_on="which order of the bytes sounds like speech",
        judge=judge_byte_order,
        prove=order,
        specify=ordered_as,
        remedy="this platform's linear audio is little-endian, in RTP too: swap the bytes",
        symptom="poor quality: check the audio format",
        explains=LABELS | {FindingId.CODEC_MISMATCH},
    ),
    FindingRow(
        id=FindingId.CODEC_MISMATCH,
        severity=ERROR,
        title="the audio is in another codec than is due, or changes its codec",
        rests_on="which of the codecs and formats explains the bytes, in blocks of half a second",
        judge=judge_codec_mismatch,
        prove=codec,
        specify=codec_as,
        remedy="send what the encapsulation takes: mu-law or little-endian linear, and stay with "
        "it",
        symptom="poor quality: check the audio format",
        explains=LABELS | {FindingId.NOISE, FindingId.SENDER_PACE},
    ),
    FindingRow(
        id=FindingId.FRAME_SIZE,
        severity=WARNING,
        title="frames are not 20 ms long",
        rests_on="the samples in each frame: all of one length of 10 to 60 whole ms are an info",
        judge=judge_frame_size,
        prove=frame_size,
        remedy="send steady 20 ms chunks; on this side take any size and re-frame",
        symptom="choppy",
        explains=frozenset((FindingId.JITTER,)),
        specify=sized_as,
        mild=is_regular_size,
    ),
)
