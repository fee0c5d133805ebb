"""Where a score of the delivery would mislead: nobody understands, or judged, the sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from voipbin_cli.analysis.emodel import Quality
from voipbin_cli.analysis.findings.row import Finding
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.finding_ids import FindingId

# The E-model knows losses and delay of sound that is as it was spoken, and nothing else.
REASONS: Mapping[FindingId, str] = MappingProxyType(
    {
        FindingId.NO_AUDIO: "no audio came",
        FindingId.ENCAPSULATION_MISMATCH: "the messages are of another encapsulation",
        FindingId.NOT_AUDIO: "the payload is no audio",
        FindingId.BYTE_ORDER: "the samples are byte-swapped: nobody understands them",
        FindingId.MISALIGNED: "the samples are shifted by a byte: nobody understands them",
        FindingId.CODEC_MISMATCH: "the codec is none that is due: nobody understands the sound",
        FindingId.WRONG_RATE: "the sound is of another sample rate: nobody understands it",
        FindingId.SENDER_PACE: "the sender's pace is wrong: a listener hears gaps or misses sound, "
        "and no packet is lost",
        FindingId.UNDERRUN: "the sender paused where it should not, and no packet is lost",
    }
)


def scored(quality: Quality, findings: Iterable[Finding]) -> Quality:
    """The score, or the reason for none: of the first finding that has one, and is no mere info."""
    graver = (found for found in findings if found.severity is not Severity.INFO)
    reason = next((REASONS[found.id] for found in graver if found.id in REASONS), None)
    return quality if reason is None else quality.untold(reason)
