"""Streams whose delivery can be told and whose sound cannot: cut, encrypted, in another codec."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import (
    INFO,
    LABELS,
    SIGNAL,
    TIMING,
    Case,
    Evidence,
    FindingRow,
)
from voipbin_cli.analysis.pauses import Pause
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.formats import Format
from voipbin_cli.finding_ids import FindingId

# Whatever looks into the payload.
_OF_PAYLOADS = (
    SIGNAL
    | LABELS
    | {
        FindingId.NOT_AUDIO,
        FindingId.WRONG_RATE,
        FindingId.MISALIGNED,
        FindingId.BYTE_ORDER,
        FindingId.CODEC_MISMATCH,
        FindingId.FRAME_SIZE,
        FindingId.REPEATED_AUDIO,
        FindingId.CLICKS,
        FindingId.HUM,
    }
)
# The last message of a key exchange goes ahead of the pause that it makes.
KEYS_AHEAD_NS = 100_000_000
_NO_FIDELITY = "pace, jitter and losses are told; sound and MOS are not"
_WITH_G722 = (
    "pace, jitter and losses are told; what is not encrypted is heard with "
    "pip install 'voipbin[g722]'"
)


def judge_cut(case: Case) -> float:
    return 0.99 if _is_of_heads(case) or case.around.is_cut else 0.0


def _is_of_heads(case: Case) -> bool:
    return case.measured.told.kept_bytes is not None


def cut(case: Case) -> Evidence:
    kept: Evidence = {"kept_bytes": case.measured.told.kept_bytes} if _is_of_heads(case) else {}
    return {**kept, "packets": case.measured.frames}


def explains_cut(case: Case) -> frozenset[FindingId]:
    """What is asked of the payloads, where only heads are there."""
    return _OF_PAYLOADS | explains_video(case) if _is_of_heads(case) else explains_video(case)


def cut_as(case: Case) -> Words:
    if not _is_of_heads(case):
        return Words(
            "the capture is cut: it ends inside of a record",
            "what comes before it counts; copy the capture once more when what writes it has ended",
        )
    kept = case.measured.told.kept_bytes
    return Words(f"the capture is cut: it holds the first {kept} bytes of each packet's payload")


def judge_encrypted(case: Case) -> float:
    measured = case.measured
    if measured.told.encrypted_by:
        return 0.97
    return 0.8 if measured.is_sealed_g711 else 0.0


def encrypted(case: Case) -> Evidence:
    measured = case.measured
    codec = measured.told.codec
    by = measured.told.encrypted_by or "packets as long as G.711 and an authentication tag"
    return {"by": by, "codec": codec.name if codec else None, "frame_ms": measured.frame_ms}


def judge_unjudged(case: Case) -> float:
    measured = case.measured
    if measured.told.encrypted_by:
        return 0.0
    codec = measured.told.codec
    if codec is not None and not measured.told.is_decoded:
        return 0.97
    return 0.9 if measured.is_unnamed_codec else 0.0


def unjudged(case: Case) -> Evidence:
    measured, codec = case.measured, case.measured.told.codec
    if codec is None:
        return {"found": _found(case), "frame_ms": measured.frame_ms}
    return {
        "codec": codec.name,
        "clock_hz": codec.clock_hz,
        "by": measured.told.by,
        "frame_ms": measured.frame_ms,
    }


def _found(case: Case) -> str | None:
    foreign = case.measured.foreign
    return None if foreign is None or foreign.format is Format.UNKNOWN else foreign.format.value


def unjudged_as(case: Case) -> Words:
    """The name, where there is one."""
    measured, codec = case.measured, case.measured.told.codec
    if codec is not None:
        rate = "" if codec.clock_hz == SAMPLE_RATE_HZ else f" at {codec.clock_hz} Hz"
        is_of_extra = codec.name.upper() == "G722" and not measured.told.is_transcoded
        return Words(
            f"{codec.name}{rate}: this tool measures its delivery, not its content",
            _WITH_G722 if is_of_extra else "",
        )
    if measured.is_video:
        return Words("by its clock of 90 kHz this is video: its delivery is measured, no pictures")
    found = _found(case)
    if found:
        return Words(f"by its bytes this is {found}: its delivery is measured, not its sound")
    return NO_WORDS


def explains_video(case: Case) -> frozenset[FindingId]:
    """Pictures come when there is something to show, their packets in bursts: no pace is due."""
    return TIMING if case.measured.is_video else frozenset()


def explains_of_keys(case: Case) -> frozenset[FindingId]:
    """Media may stop while keys are agreed on (RFC 6189 4.7, RFC 5763 5): no fault of a network."""
    losses = case.measured.losses
    is_keyed = losses and all(_is_of_keys(case, pause) for pause in losses)
    of_keys = {FindingId.LOST_AUDIO, FindingId.UNDERRUN} if is_keyed else frozenset[FindingId]()
    # The digits of telephone events are encrypted, too (RFC 3711 3.1: the header is not).
    return explains_video(case) | of_keys | {FindingId.TELEPHONE_EVENTS}


def _is_of_keys(case: Case, pause: Pause) -> bool:
    began_ns = pause.at_ns - pause.length_ns - KEYS_AHEAD_NS
    return any(began_ns <= at_ns <= pause.at_ns for at_ns in case.measured.told.keyed_ns)


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.CAPTURE_CUT,
        severity=INFO,
        title="the capture holds only the head of each packet",
        rests_on="lengths of packets in the capture against those on the wire",
        judge=judge_cut,
        prove=cut,
        remedy=f"{_NO_FIDELITY}; to have them, capture whole packets: tcpdump -s 0, or no limit "
        "on packets in Wireshark",
        specify=cut_as,
        explains_here=explains_cut,
    ),
    FindingRow(
        id=FindingId.ENCRYPTED,
        severity=INFO,
        title="the payload is encrypted: delivery is measured, sound is not",
        rests_on="SDP, DTLS or ZRTP in the same flow, or packets as long as G.711 and a tag",
        judge=judge_encrypted,
        prove=encrypted,
        remedy=f"{_NO_FIDELITY}; to have them, capture where it is decrypted: at the media server, "
        "behind the session border controller",
        explains=_OF_PAYLOADS,
        explains_here=explains_of_keys,
    ),
    FindingRow(
        id=FindingId.UNJUDGED_CODEC,
        severity=INFO,
        title="a codec that this tool does not decode, or encryption: only delivery is measured",
        rests_on="the payload type, the session description, or bytes that no codec explains",
        judge=judge_unjudged,
        prove=unjudged,
        remedy=f"{_NO_FIDELITY}; to have them, capture a leg in G.711, or the media stream itself",
        specify=unjudged_as,
        explains=_OF_PAYLOADS,
        explains_here=explains_video,
    ),
)
