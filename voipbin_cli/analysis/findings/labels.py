"""What a stream says of itself and does not keep: harmless, and told as such."""

from __future__ import annotations

from voipbin_cli.analysis.findings.row import INFO, Case, Evidence, FindingRow
from voipbin_cli.analysis.metrics import reading_text
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import PCMA, PCMU
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ, Codec


def judge_timestamp_rate(facts: Case) -> float:
    measured = facts.measured
    clock_hz = measured.clock_hz
    if clock_hz is None or measured.is_datagrams or measured.frames < 10:
        return 0.0
    return 0.95 if clock_hz != SAMPLE_RATE_HZ else 0.0


def timestamp_rate(facts: Case) -> Evidence:
    return {"clock_hz": facts.measured.clock_hz, "due": SAMPLE_RATE_HZ}


def judge_label(facts: Case) -> float:
    measured = facts.measured
    if measured.reading is None or not measured.labels or not measured.is_settled:
        return 0.0
    label, read = measured.labels[0][0], measured.reading.codec
    if measured.encapsulation is Encapsulation.RTP:
        static = {PCMU: Codec.MULAW, PCMA: Codec.ALAW}.get(label)
        wrong = static is not read if static else label < 96 and not measured.is_datagrams
    else:
        wrong = label >= 0 and (label != 0x10 or read is not Codec.S16LE)
    return 0.9 if wrong else 0.0


def label(facts: Case) -> Evidence:
    measured = facts.measured
    number = measured.labels[0][0]
    is_rtp = measured.encapsulation is Encapsulation.RTP
    name = {"payload_type": number} if is_rtp else {"kind": f"{number:02x}"}
    found = reading_text(measured.reading) if measured.reading else None
    return {**name, "payload": found}


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        "timestamp-rate",
        INFO,
        "RTP timestamps do not count samples at 8 kHz",
        judge_timestamp_rate,
        timestamp_rate,
        "harmless here: take the clock named in the evidence when jitter is computed",
    ),
    FindingRow(
        "payload-label",
        INFO,
        "the label does not say what the payload is",
        judge_label,
        label,
        "harmless here: decode by what the payload is, never by its payload type or kind",
    ),
)
