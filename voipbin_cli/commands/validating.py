"""What `voipbin stream validate` does once its options are read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from voipbin_cli.analysis.validation.measure import Measure
from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.analysis.validation.validator import Part
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.live import LiveSession, opened_target, run_live
from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.errors import ExitStatus, UsageError
from voipbin_cli.offline.hex_text import ExplainedMessage, HexValidation
from voipbin_cli.offline.source import STDIN
from voipbin_cli.offline.validate import FileValidation, JudgedStream
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.junit import to_junit
from voipbin_cli.render.problems import say
from voipbin_cli.render.sarif import to_sarif
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.render.validation import (
    ProxyLines,
    ValidationLines,
    explain_rule,
    field_fields,
    find_rules,
    listening,
    rule_fields,
    rule_table,
    show_fields,
    show_report,
    show_streams,
)
from voipbin_cli.session.listening import ListenRequest, Tell
from voipbin_cli.session.validate import LiveValidation
from voipbin_cli.text import did_you_mean, printable

DOCUMENTS: dict[str, Callable[[str, dict[str, Any], Sequence[Group]], str]] = {
    "sarif": to_sarif,
    "junit": to_junit,
}


@dataclass(frozen=True, slots=True)
class Output:
    """How to tell: JSON Lines, a document of `DOCUMENTS`, or in words; `quiet`: errors alone."""

    as_json: bool
    document: str | None
    quiet: bool

    def part(self, part: Part, stream: JudgedStream | None = None) -> None:
        """Tell of every single broken rule, where someone reads that."""
        if not self.as_json:
            return
        more = {"stream": stream.name} if stream else {}
        for violation in part.violations():
            emit("violation", violation.as_fields() | more)

    def result(self, source: str, summary: dict[str, Any], groups: Sequence[Group]) -> None:
        """Tell what it all came to; JSON has its summary from whoever runs it."""
        if self.document:
            sys.stdout.write(DOCUMENTS[self.document](source, summary, groups) + "\n")
        elif not self.as_json and not self.quiet:
            show_report(summary, groups, stdout_console())
        sys.stdout.flush()


def list_rules(*, as_json: bool) -> None:
    """Print every rule."""
    if not as_json:
        rule_table(find_rules(), stdout_console())
        return
    for rule in find_rules():
        emit("rule", rule_fields(rule))


def explain(name: str, *, as_json: bool) -> None:
    """Print all there is to know of one rule. Raises UsageError for one that is none."""
    rule = RULES.get(name.strip().lower())
    if rule is None:
        raise UsageError(
            f"no rule is called {printable(name, 60)!r}",
            hint=did_you_mean(name, RULES, "--list-rules names them"),
        )
    if as_json:
        emit("rule", rule_fields(rule))
    else:
        explain_rule(rule, stdout_console())


def is_file(source: str) -> bool:
    """Whether a source is a path that exists, or standard input."""
    return source == STDIN or os.path.exists(source)


def validate_file(
    path: str, measure: Measure, encapsulation: Encapsulation | None, output: Output
) -> None:
    """Judge a capture, a dump or standard input. Exits with 6 where an error was found."""
    validation = FileValidation(path, measure, encapsulation)
    for part, stream in validation.parts():
        output.part(part, stream)
    if validation.truncated:
        say(f"warning: {path} ends inside of a record: what comes before that was judged")
    rows = [(stream.name, stream.fold.summary()) for stream in validation.streams]
    summary = validation.summary
    if output.as_json:
        for name, fields in rows:
            emit("stream", {"stream": name} | fields)
        emit("summary", summary)
    elif len(rows) > 1 and not output.document and not output.quiet:
        show_streams(rows, stdout_console())
    output.result(path, summary, validation.groups)
    _exit(validation.groups)


def validate_hex(
    path: str, measure: Measure, encapsulation: Encapsulation | None, output: Output
) -> None:
    """Explain and judge messages that are written as hexadecimal text."""
    validation = HexValidation(path, measure, encapsulation or Encapsulation.RTP)
    for step in validation.steps():
        if not isinstance(step, ExplainedMessage):
            output.part(step, None)
        elif output.as_json:
            fields = [field_fields(field) for field in step.fields]
            emit("frame", {"frame": step.number, "fields": fields})
        elif not output.document and not output.quiet:
            show_fields(step.fields, step.data, stdout_console())
    summary = validation.summary
    if output.as_json:
        emit("summary", summary)
    output.result(path, summary, validation.groups)
    _exit(validation.groups)


def validate_live(target: str, live: LiveOptions, measure: Measure, output: Output) -> None:
    """Judge a live stream until it ends."""
    sessions: list[LiveValidation] = []
    with opened_target(target, live) as stream:
        request = ListenRequest(stream, live.duration, live.capture)

        def make(tell: Tell) -> LiveValidation:
            sessions.append(LiveValidation(request, tell, measure=measure, on_part=output.part))
            return sessions[0]

        try:
            run_live(
                live,
                make,
                lambda status: ValidationLines(stream.label, status, sessions[0].groups),
                _done_line,
            )
        finally:
            _tell_result(stream.label, sessions, output)
    _exit(sessions[0].groups())


def validate_proxy(
    target: str, port: int, live: LiveOptions, measure: Measure, output: Output
) -> None:
    """Relay between clients of this machine and a stream, and judge both directions."""
    from voipbin_cli.session.proxy import ProxyValidation

    sessions: list[ProxyValidation] = []
    with opened_target(target, live) as stream:
        request = ListenRequest(stream, live.duration, live.capture)

        def make(tell: Tell) -> LiveSession:
            told = listening(tell, quiet=live.quiet or live.json)
            sessions.append(
                ProxyValidation(request, told, port=port, measure=measure, on_part=output.part)
            )
            # It has no stream of its own, and is stopped as one is.
            return cast(LiveSession, sessions[0])

        try:
            run_live(
                live,
                make,
                lambda status: ProxyLines(stream.label, status, sessions[0].groups),
                _done_line,
            )
        finally:
            _tell_result(stream.label, sessions, output)
    _exit(sessions[0].groups())


def _done_line(summary: dict[str, Any]) -> str:
    return f"judged {summary['frames']} frames"


class _Judging(Protocol):
    """A session that judges."""

    def judged(self) -> dict[str, Any]:
        """Return the summary."""

    def groups(self) -> Sequence[Group]:
        """Return what was found."""


def _tell_result(label: str, sessions: Sequence[_Judging], output: Output) -> None:
    for session in sessions:
        if session.judged()["frames"]:
            output.result(label, session.judged(), session.groups())


def _exit(groups: Sequence[Group]) -> None:
    """Exit with 6 where a rule of severity error was broken."""
    if any(group.first.severity.value == "error" for group in groups):
        sys.exit(ExitStatus.FOUND)
