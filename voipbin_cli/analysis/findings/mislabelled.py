"""What a stream says of itself and does not keep: harmless, and told as such."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import INFO, Case, Evidence, FindingRow
from voipbin_cli.analysis.findings.signalled import is_as_labelled
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import PCMA, PCMU
from voipbin_cli.finding_ids import FindingId

LEAST_FRAMES = 10


def judge_timestamp_rate(case: Case) -> float:
    measured = case.measured
    if measured.is_datagrams:
        is_g711 = bool(measured.labels) and measured.labels[0][0] in (PCMU, PCMA)
        is_known = is_g711 and measured.is_settled and measured.stamped.steps >= LEAST_FRAMES
        return 0.95 if is_known and measured.stamped.hz != SAMPLE_RATE_HZ else 0.0
    clock_hz = measured.clock_hz
    if clock_hz is None or measured.frames < LEAST_FRAMES:
        return 0.0
    return 0.95 if clock_hz != SAMPLE_RATE_HZ else 0.0


def timestamp_rate(case: Case) -> Evidence:
    """A clock of 0 Hz stands still, one of null goes on by no steady rate."""
    measured = case.measured
    clock_hz = measured.stamped.hz if measured.is_datagrams else measured.clock_hz
    return {"clock_hz": clock_hz, "due": SAMPLE_RATE_HZ}


def judge_label(case: Case) -> float:
    measured = case.measured
    if measured.reading is None or not measured.labels or not measured.is_settled:
        return 0.0
    if any(is_as_labelled(measured, change) for change in measured.changes):
        return 0.0
    label, read = measured.labels[0][0], measured.reading.codec
    if measured.encapsulation is Encapsulation.RTP:
        static = {PCMU: Codec.MULAW, PCMA: Codec.ALAW}.get(label)
        wrong = static is not read if static else label < 96 and not measured.is_datagrams
    else:
        wrong = label >= 0 and (label != 0x10 or read is not Codec.S16LE)
    return 0.9 if wrong else 0.0


def label(case: Case) -> Evidence:
    measured = case.measured
    number = measured.labels[0][0]
    is_rtp = measured.encapsulation is Encapsulation.RTP
    name = {"payload_type": number} if is_rtp else {"kind": f"{number:02x}"}
    found = str(measured.reading) if measured.reading else None
    return {**name, "payload": found}


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.TIMESTAMP_RATE,
        severity=INFO,
        title="RTP timestamps do not count samples at 8 kHz",
        rests_on="how far timestamps go in a second of arrivals",
        judge=judge_timestamp_rate,
        prove=timestamp_rate,
        remedy="harmless here: take the clock named in the evidence when jitter is computed, and "
        "none where it is 0 Hz or null; a sender should add the samples of each frame to its "
        "timestamp",
    ),
    FindingRow(
        id=FindingId.PAYLOAD_LABEL,
        severity=INFO,
        title="the label does not say what the payload is",
        rests_on="the payload type or AudioSocket kind against what the payload is found to be",
        judge=judge_label,
        prove=label,
        remedy="harmless here: decode by what the payload is, never by its payload type or kind",
    ),
)
