"""How a validation is told: JSON Lines, a document for CI, or words."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from voipbin_cli.render.jsonl import emit

if TYPE_CHECKING:
    from voipbin_cli.analysis.validation.judge import Part
    from voipbin_cli.analysis.validation.listing import Listing
    from voipbin_cli.analysis.validation.tally import Group
    from voipbin_cli.errors import VoipbinError
    from voipbin_cli.offline.hex_text import ExplainedMessage
    from voipbin_cli.offline.validate import JudgedStream
    from voipbin_cli.session.proxy_validation import JudgedClient


class Document(StrEnum):
    """A document that a CI system reads: SARIF 2.1.0, or JUnit's XML."""

    SARIF = "sarif"
    JUNIT = "junit"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationOutput:
    """JSON Lines, or a document, or words; `quiet`: no words; `listing`: which are told singly.

    `emit` prints a single broken rule: while a stream runs it must not wait for a reader.
    """

    as_json: bool
    document: Document | None
    quiet: bool
    listing: Listing
    emit: Callable[[str, dict[str, Any]], None] = emit

    @property
    def _in_words(self) -> bool:
        return not (self.as_json or self.document or self.quiet)

    def part(self, part: Part, stream: JudgedStream | None = None) -> None:
        """Tell of each broken rule that is listed, where someone reads that."""
        self._violations(part, {"stream": stream.name} if stream else {})

    def part_of_client(self, part: Part, client: int) -> None:
        """The same of one of a proxy's clients, by its number."""
        self._violations(part, {"client": client})

    def _violations(self, part: Part, more: Mapping[str, Any]) -> None:
        if self.as_json:
            for violation in self.listing.violations(part):
                self.emit("violation", {**violation.as_fields(), **more})

    def frame(self, message: ExplainedMessage) -> None:
        """Tell what each byte of a message means."""
        from voipbin_cli.render.violations import field_fields, show_fields

        if self.as_json:
            fields = [field_fields(field) for field in message.fields]
            emit("frame", {"frame": message.number, "fields": fields})
        elif self._in_words:
            show_fields(message.fields, message.data)

    def streams(self, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Tell of each stream of a capture that holds several."""
        if self.as_json:
            for name, fields in rows:
                emit("stream", {"stream": name} | fields)
        elif len(rows) > 1 and self._in_words:
            from voipbin_cli.render.violations import show_streams

            show_streams(rows)

    def summary(self, summary: dict[str, Any]) -> None:
        """Tell scripts what it all came to."""
        if self.as_json:
            emit("summary", summary)

    def failed(self, source: str, error: VoipbinError) -> None:
        """Tell CI that there was nothing to judge, and why."""
        if self.document is Document.SARIF:
            from voipbin_cli.render.sarif import failed_sarif

            sys.stdout.write(failed_sarif(source, error) + "\n")
        elif self.document is Document.JUNIT:
            from voipbin_cli.render.junit import failed_junit

            sys.stdout.write(failed_junit(source, error) + "\n")
        sys.stdout.flush()

    def result(
        self,
        source: str,
        summary: dict[str, Any],
        groups: Sequence[Group],
        clients: Sequence[JudgedClient] = (),
    ) -> None:
        """Tell people, or CI, what it all came to; people of each of several `clients`."""
        if self.document is Document.SARIF:
            from voipbin_cli.render.sarif import to_sarif

            sys.stdout.write(to_sarif(source, summary, groups) + "\n")
        elif self.document is Document.JUNIT:
            from voipbin_cli.render.junit import to_junit

            sys.stdout.write(to_junit(source, summary, groups) + "\n")
        elif self._in_words and len(clients) > 1:
            from voipbin_cli.render.violations import show_clients

            show_clients(clients)
        elif self._in_words:
            from voipbin_cli.render.violations import show_report

            show_report(summary, groups)
        sys.stdout.flush()
