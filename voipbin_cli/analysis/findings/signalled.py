"""What the sender does on purpose, and says in its packets: no fault, and good to know."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from voipbin_cli.analysis.arrivals.arrival_log import Begins
from voipbin_cli.analysis.findings.row import INFO, Case, Evidence, FindingRow, tenths
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.sound.codec_judge import BLOCK_FRAMES, Change
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.payload_types import PCMA, PCMU, lookup
from voipbin_cli.finding_ids import FindingId

_NAMES = {
    Begins.SOURCE: "ssrc",
    Begins.SEQUENCE: "sequence",
    Begins.TIMESTAMP: "timestamp",
    Begins.LABEL: "payload_type",
}
_LABELLED = {PCMU: Codec.MULAW, PCMA: Codec.ALAW}
_TOLD = 5


def is_as_labelled(measured: Measured, change: Change) -> bool:
    """Whether the payload type changed, too, and names what the payload is from then on."""
    labels = [one for one in measured.said.restarts if one.what is Begins.LABEL]
    before = [one for one in labels if one.frame < change.frame + BLOCK_FRAMES]
    return bool(before) and _LABELLED.get(before[-1].after) is change.after.codec


class Misnamed(NamedTuple):
    """A payload type that names a codec, and holds another one from `frame` on."""

    label: int
    codec: Codec
    frame: int = 0


def misnamed(measured: Measured) -> Misnamed | None:
    """What a phone's packets name (RFC 3551 table 4) where they hold another codec.

    Whoever receives them decodes by that name. Of the platform's bridge no label says what it is,
    and who reads it knows. Where the payload type changes and the codec does not, sound has to
    have been heard since.
    """
    made = measured.fingerprint
    is_of_bridge = made is not None and made.is_bridge
    if not measured.is_datagrams or not measured.is_settled or is_of_bridge:
        return None
    if measured.reading is None or measured.changes or not measured.labels:
        return None
    named = _latest_name(measured)
    return None if named is None or named.codec is measured.reading.codec else named


def _latest_name(measured: Measured) -> Misnamed | None:
    changes = [one for one in measured.said.restarts if one.what is Begins.LABEL]
    label, frame = (changes[-1].after, changes[-1].frame) if changes else (measured.labels[0][0], 0)
    if label not in _LABELLED or (changes and measured.heard_at < frame + BLOCK_FRAMES):
        return None
    return Misnamed(label, _LABELLED[label], frame)


def judge_restart(case: Case) -> float:
    return 0.95 if case.measured.said.restarts else 0.0


def restart(case: Case) -> Evidence:
    said = case.measured.said
    kinds = Counter(
        name for one in said.restarts for what, name in _NAMES.items() if one.what & what
    )
    told: Evidence = {
        "restarts": len({one.frame for one in said.restarts}),
        **kinds,
        "first_frame": said.restarts[0].frame,
    }
    labels = [one for one in said.restarts if one.what is Begins.LABEL]
    if labels:
        told["codecs"] = [
            {"frame": one.frame, "from": _name(one.before), "to": _name(one.after)}
            for one in labels[:_TOLD]
        ]
    return told


def restarted_as(case: Case) -> Words:
    """Not as the label says, where that is known to be wrong."""
    named = misnamed(case.measured)
    if named is None or not named.frame:
        return NO_WORDS
    return Words("the payload type changes, and the codec does not", "see codec-mismatch")


def _name(label: int) -> str:
    """A payload type in words."""
    known = lookup(label)
    return f"{label} ({known.name})" if known else str(label)


def judge_events(case: Case) -> float:
    return 0.99 if case.measured.said.events else 0.0


def events(case: Case) -> Evidence:
    told = case.measured.said.events
    assert told is not None
    evidence: Evidence = {
        "digits": told.digits,
        "events": len(told.digits) + len(told.others),
        "packets": told.packets,
        "longest_ms": tenths(told.longest_ms),
    }
    if told.others:
        evidence["other_events"] = list(told.others[:_TOLD])
    return evidence


def _silences_ms(case: Case) -> list[float]:
    """Pauses that are meant, but for those in which a key was pressed."""
    measured = case.measured
    meant = (p for p in measured.paused(PauseKind.MEANT) if p.frame not in measured.said.keyed)
    return [pause.meant_ns / 1e6 for pause in meant]


def judge_suppression(case: Case) -> float:
    return 0.95 if case.measured.said.noises or _silences_ms(case) else 0.0


def suppression(case: Case) -> Evidence:
    measured = case.measured
    meant = _silences_ms(case)
    return {
        "pauses": len(meant),
        "longest_ms": tenths(max(meant, default=0.0)),
        "total_ms": tenths(sum(meant)),
        "share": round(min(1.0, measured.share(sum(meant))), 4),
        "comfort_noise_packets": measured.said.noises,
    }


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.STREAM_RESTART,
        severity=INFO,
        title="the stream begins anew, or changes its codec as its label says",
        rests_on="SSRC, sequence, timestamp and payload type, from packet to packet",
        judge=judge_restart,
        prove=restart,
        specify=restarted_as,
        remedy="harmless to who goes by the SSRC: begin anew with numbers and timestamps where it "
        "changes, and decode by the payload type of each packet",
    ),
    FindingRow(
        id=FindingId.TELEPHONE_EVENTS,
        severity=INFO,
        title="digits come as telephone events (RFC 4733)",
        rests_on="packets of RFC 4733, each event counted once",
        judge=judge_events,
        prove=events,
        remedy="harmless: read the digits from the packets of that payload type, and do not play "
        "those",
    ),
    FindingRow(
        id=FindingId.SILENCE_SUPPRESSION,
        severity=INFO,
        title="the sender sends nothing while nobody speaks",
        rests_on="comfort noise (RFC 3389), the marker, timestamps that jump with the clock",
        judge=judge_suppression,
        prove=suppression,
        remedy="harmless: play silence or comfort noise in these pauses; none of the audio is lost",
    ),
)
