"""What `voipbin stream diagnose` does once its options are read."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from voipbin_cli.analysis.diagnosis import Diagnosis
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.errors import ExitStatus, MachineError, UsageError
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.problems import say

LIVE_DURATION_S = 30.0

Tell = Callable[[str, dict[str, Any]], None]


def diagnose_live(
    target: str, live: LiveOptions, report: str | None, *, with_numbers: bool
) -> None:
    """Diagnose a live stream; exits with 6 where an error was found."""
    from voipbin_cli.commands.live import opened_target, run_live
    from voipbin_cli.render.diagnosis import DiagnosisLines, done_line
    from voipbin_cli.session.diagnose import LiveDiagnosis
    from voipbin_cli.session.listening import ListenRequest

    live = replace(live, duration=live.duration or LIVE_DURATION_S)
    sessions: list[LiveDiagnosis] = []
    with opened_target(target, live) as stream:
        request = ListenRequest(stream, live.duration, live.capture)

        def make(tell: Tell) -> LiveDiagnosis:
            sessions.append(LiveDiagnosis(request, _telling_steps(tell, live)))
            return sessions[0]

        try:
            run_live(live, make, lambda status: DiagnosisLines(stream.label, status), done_line)
        finally:
            for session in sessions:
                if session.story.close is not None:
                    summary = session.story.summary(stream.label)
                    steps = [step.as_fields() for step in session.steps]
                    _tell(summary, live)
                    _write(report, summary, session.fold, steps, with_numbers=with_numbers)
    _exit(sessions[0].diagnosis())


def _telling_steps(tell: Tell, live: LiveOptions) -> Tell:
    """Show each step as it passes; other events go where they always go."""
    from voipbin_cli.render.diagnosis import step_line

    def told(event: str, fields: dict[str, Any]) -> None:
        if event == "step" and not live.json:
            if not live.quiet:
                sys.stderr.write(f"{step_line(fields)}\n")
            return
        tell(event, fields)

    return told


def diagnose_file(
    path: str, live: LiveOptions, report: str | None, *, with_numbers: bool, shown: str = ""
) -> None:
    """Diagnose a capture; exits with 6 where an error was found."""
    from voipbin_cli.offline import diagnose as offline

    encapsulation = Encapsulation(live.encapsulation) if live.encapsulation else None
    diagnosis = offline.diagnose_file(path, encapsulation)
    if diagnosis.truncated:
        say(f"warning: {shown or path} ends inside of a record: what comes before it counts")
    streams = () if diagnosis.is_own else diagnosis.streams
    rows = [(stream.name, stream.diagnosis.as_fields()) for stream in streams]
    summary = diagnosis.summary
    if live.json:
        for name, fields in rows:
            emit("stream", {"stream": name, **fields})
        emit("summary", summary)
    elif len(rows) > 1 and not live.quiet:
        from voipbin_cli.render.diagnosis import show_streams
        from voipbin_cli.render.stdout_console import stdout_console

        show_streams(rows, stdout_console())
    _tell(summary, live)
    worst = diagnosis.worst
    _write(report, summary, worst.fold, [], with_numbers=with_numbers)
    _exit(worst.diagnosis)


def diagnose_pcap(
    target: str, live: LiveOptions, report: str | None, *, with_numbers: bool
) -> None:
    """Diagnose what the platform itself captured of a call that is over."""
    import asyncio

    from voipbin_cli.transport.targets import TargetKind, parse_target

    call = parse_target(target)
    if call.kind is not TargetKind.CALL:
        raise UsageError("--pcap is for a call", hint="voipbin stream diagnose --pcap call/UUID")
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        asyncio.run(_fetch(call.value, live, file))
        file.flush()
        diagnose_file(file.name, live, report, with_numbers=with_numbers, shown="the capture")


async def _fetch(call_id: str, live: LiveOptions, file: Any) -> None:
    from voipbin_cli.commands.api import api_endpoint, require_credential
    from voipbin_cli.transport.api import Api

    endpoint = api_endpoint(live)
    require_credential(endpoint)
    for warning in endpoint.warnings():
        say(f"warning: {warning}")
    async with Api(endpoint, timeout=live.connect_timeout) as api:
        await api.get_pcap(call_id, file.write)


def check_report(report: str | None) -> None:
    """Raise for a report that exists, or could not be written, before anything else is done."""
    if report is None:
        return
    if os.path.exists(report):
        raise UsageError(f"{report} exists", hint="give the report another name, or remove it")
    directory = os.path.dirname(report) or "."
    if not os.access(directory, os.W_OK):
        raise MachineError(f"cannot write {report}", hint=f"is {directory} a directory of yours?")


def _tell(summary: Mapping[str, Any], live: LiveOptions) -> None:
    if not live.json and not live.quiet:
        from voipbin_cli.render.diagnosis import show_diagnosis
        from voipbin_cli.render.stdout_console import stdout_console

        show_diagnosis(summary, stdout_console())
        sys.stdout.flush()


def _write(
    report: str | None,
    summary: Mapping[str, Any],
    fold: StreamFold,
    steps: list[dict[str, Any]],
    *,
    with_numbers: bool,
) -> None:
    if report is None:
        return
    from voipbin_cli.render.report import to_html

    try:
        html = to_html(summary, fold, steps, with_numbers=with_numbers)
        Path(report).write_text(html, encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot write {report}: {error.strerror}") from error


def _exit(diagnosis: Diagnosis) -> None:
    if diagnosis.has_errors:
        sys.exit(ExitStatus.FOUND)
