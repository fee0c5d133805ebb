"""A diagnosis as an object, and that of a file; it loads nothing that a live stream needs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.farend.heard_clip import HeardClip
from voipbin_cli.analysis.findings import Finding, Side, Verdict
from voipbin_cli.analysis.plots import BothTracks
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.offline.both_ways import End, parse_end
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.public.summary import Summary


@dataclass(frozen=True, slots=True)
class Shown:
    """What a report shows beside the summary: the stream that was measured, and the way to it.

    `offset_ns` makes Unix time of the stream's times; a capture's are that already.
    """

    fold: StreamFold
    steps: Sequence[Mapping[str, Any]] = ()
    both: BothTracks | None = None
    offset_ns: int = 0


class Diagnosis(Summary):
    """What is wrong, and how sure that is; the fields are those of `diagnose --json`.

    `streams` are the name and the fields of each stream of a capture that holds several. `remarks`
    says what else a file holds, a sentence each; `is_cut`: it ends inside of a record.
    """

    def __init__(
        self,
        fields: Mapping[str, Any],
        shown: Shown,
        *,
        streams: Sequence[tuple[str, Mapping[str, Any]]] = (),
        remarks: Sequence[str] = (),
        is_cut: bool = False,
    ) -> None:
        super().__init__(fields)
        self.shown = shown
        self.streams = tuple(streams)
        self.remarks = tuple(remarks)
        self.is_cut = is_cut

    @property
    def verdict(self) -> Verdict:
        """`ok`, `degraded` or `bad`."""
        return Verdict(self["verdict"])

    @property
    def is_ok(self) -> bool:
        """Whether nothing is wrong that does any harm."""
        return self.verdict is Verdict.OK

    @property
    def has_errors(self) -> bool:
        """Whether a script has to stop here: a finding of severity error."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found, the most important first."""
        return tuple(map(_finding, self["findings"]))

    @property
    def metrics(self) -> Mapping[str, Any]:
        """The figures of what was received."""
        metrics: Mapping[str, Any] = self["metrics"]
        return metrics

    @property
    def metrics_sent(self) -> Mapping[str, Any] | None:
        """The same of what was sent; None where nothing was."""
        return self.fields.get("metrics_sent")

    @property
    def conversation(self) -> Mapping[str, Any] | None:
        """Turns, response times, interruptions; None where not both sides sound."""
        return self.fields.get("conversation")

    def found(self, finding_id: str) -> Finding | None:
        """Return the finding of this id, None where there is none."""
        return next((each for each in self.findings if each.id == finding_id), None)

    def write_report(self, path: str | os.PathLike[str], *, with_numbers: bool = False) -> None:
        """Write all of it into one HTML file: plots, spectrogram, the sound.

        `with_numbers` leaves ids and addresses in it.
        Raises UsageError for a file that exists, MachineError for one that cannot be written.
        """
        from voipbin_cli.render.report import check_report, write_report

        check_report(os.fspath(path))
        shown = self.shown
        write_report(
            os.fspath(path),
            self.fields,
            shown.fold,
            shown.steps,
            shown.both,
            offset_ns=shown.offset_ns,
            with_numbers=with_numbers,
        )


def _finding(fields: Mapping[str, Any]) -> Finding:
    """Return a finding from its JSON fields."""
    direction = fields.get("direction")
    return Finding(
        **{
            **fields,
            "id": FindingId(fields["id"]),
            "severity": Severity(fields["severity"]),
            "side": Side(fields["side"]),
            "direction": None if direction is None else Direction(direction),
        }
    )


def examined_file(
    path: str,
    *,
    encapsulation: Encapsulation | None = None,
    heard: Callable[[bytes], None] | None = None,
    keylog: str | None = None,
    limits: TalkLimits = DEFAULT_LIMITS,
    ours: End | None = None,
    keeps_sound: bool = True,
) -> Diagnosis:
    """Diagnose a capture, an rtpdump or a recording; arguments and errors are `diagnose_file`'s.

    `keeps_sound`: what the phone heard is kept for a report.
    """
    clip = HeardClip(heard)
    listener = clip.write if keeps_sound else heard
    found = diagnose_file(path, encapsulation, listener, keylog, limits, ours)
    worst = found.worst
    both = BothTracks(worst.sending, worst.diagnosis.talk, clip.pcm)
    streams = () if found.is_own else found.streams
    return Diagnosis(
        found.summary,
        Shown(worst.fold, both=both),
        streams=[(stream.name, stream.as_fields()) for stream in streams],
        remarks=tuple(found.remarks),
        is_cut=found.truncated,
    )


def our_end(text: str) -> End:
    """Return whose packets were sent by us. Raises UsageError for what is no address."""
    try:
        return parse_end(text)
    except ValueError:
        raise UsageError(
            f"--ours wants an address, not {text}",
            hint="--ours 192.0.2.1, --ours 192.0.2.1:4000, --ours [2001:db8::1]:4000",
        ) from None
