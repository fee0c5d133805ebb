"""`voipbin stream diagnose`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voipbin_cli.commands.bare_id import or_conference
from voipbin_cli.commands.options import OUTPUT, LiveOptions, OutputOptions, overwrite_option

if TYPE_CHECKING:
    from voipbin_cli.analysis.conversation.limits import TalkLimits
    from voipbin_cli.offline.both_ways import End
    from voipbin_cli.public.examiner import Diagnosis
    from voipbin_cli.session.live import LiveRequest
    from voipbin_cli.transport.api import Api
    from voipbin_cli.transport.phone_leg import ToldLeg
    from voipbin_cli.transport.targets import Target

DIAGNOSING = "Diagnosing"
FINDINGS = "Findings"
CONVERSATION = "Conversation (where both directions are there)"
STDOUT = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseOptions:
    """What is diagnosed, and where the report goes."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="TARGET|CAPTURE",
            help="A TARGET as in record; a capture: pcap, pcapng or snoop, anyone's or by "
            "--capture, compressed (gzip, zstd, lz4) or not; an rtpdump; or a recording: wav, "
            "flac, ogg, mp3, or bare by its suffix (.ulaw, .alaw, .sln, .gsm, .g722).",
            show_default=False,
        ),
    ] = ""
    report: Annotated[
        str | None,
        typer.Option(
            help="Write it all into one HTML file (- is stdout): plots, spectrogram, the sound; of "
            "both directions where they are there.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    ticket: Annotated[
        bool,
        typer.Option(
            "--ticket",
            help="Print a block to paste into a ticket (Markdown); with -q that alone.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    compare: Annotated[
        str | None,
        typer.Option(
            help="Put it beside an earlier run, and say what changed beyond its uncertainty: a "
            "capture, a recording, or what --json printed of one.",
            metavar="FILE",
            rich_help_panel=DIAGNOSING,
            show_default=False,
        ),
    ] = None
    with_numbers: Annotated[
        bool,
        typer.Option(
            "--with-numbers",
            help="Include ids and addresses in the report.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    heard: Annotated[
        str | None,
        typer.Option(
            help="Write what was sent as the callee heard it, gaps and flushes included.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(OUTPUT)] = False
    keylog: Annotated[
        str | None,
        typer.Option(
            help="Decrypt wss in a capture with the TLS keys in this file (SSLKEYLOGFILE); tshark "
            "does it, and has to be installed.",
            metavar="FILE",
            rich_help_panel=DIAGNOSING,
            show_default=False,
        ),
    ] = None
    proxy: Annotated[
        int | None,
        typer.Option(
            help="Listen on this port of this machine, forward to TARGET, and diagnose both "
            "directions of whoever connects.",
            metavar="PORT",
            min=0,
            max=65535,
            rich_help_panel=DIAGNOSING,
            show_default=False,
        ),
    ] = None
    ours: Annotated[
        str | None,
        typer.Option(
            help="In a capture of a network, which side is ours: what comes from this address was "
            "sent, what goes to it received.",
            metavar="ADDRESS[:PORT]",
            rich_help_panel=CONVERSATION,
            show_default=False,
        ),
    ] = None
    pcap: Annotated[
        bool,
        typer.Option(
            "--pcap",
            help="Diagnose the platform's own capture of a call that is over.",
            rich_help_panel=DIAGNOSING,
        ),
    ] = False
    until_sure: Annotated[
        bool | None,
        typer.Option(
            "--until-sure/--no-until-sure",
            help="Stop as soon as the cause is certain; of itself in a terminal, without -d.",
            rich_help_panel=DIAGNOSING,
            show_default=False,
        ),
    ] = None
    list_findings: Annotated[
        bool, typer.Option("--list-findings", help="Name the findings.", rich_help_panel=FINDINGS)
    ] = False
    explain: Annotated[
        str | None,
        typer.Option(
            help="Say all there is to know of one finding.",
            metavar="FINDING",
            rich_help_panel=FINDINGS,
            show_default=False,
        ),
    ] = None
    slow_response: Annotated[
        float,
        typer.Option(
            help="From where on answers to the caller are slow, as half of them are.",
            metavar="MS",
            min=0,
            rich_help_panel=CONVERSATION,
        ),
    ] = 2000.0
    slow_barge_in: Annotated[
        float,
        typer.Option(
            help="From where on it takes long to fall silent when the caller interrupts.",
            metavar="MS",
            min=0,
            rich_help_panel=CONVERSATION,
        ),
    ] = 1000.0
    talk_over: Annotated[
        float,
        typer.Option(
            help="How much of the speech, in percent, may be at the same time.",
            metavar="PERCENT",
            min=0,
            max=100,
            rich_help_panel=CONVERSATION,
        ),
    ] = 20.0
    dead_air: Annotated[
        float,
        typer.Option(
            help="For how long nobody may speak.",
            metavar="MS",
            min=0,
            rich_help_panel=CONVERSATION,
        ),
    ] = 5000.0
    live: LiveOptions = field(default_factory=LiveOptions)

    @property
    def ends_when_sure(self) -> bool:
        """Whether a run ends with the certainty: where somebody watches who set no time."""
        if self.until_sure is not None:
            return self.until_sure
        from voipbin_cli.render.live_view import is_terminal

        return self.live.duration is None and self.live.out.is_chatty and is_terminal()

    @property
    def limits(self) -> TalkLimits:
        """Those of a conversation, where both directions are there."""
        from voipbin_cli.analysis.conversation.limits import TalkLimits

        return TalkLimits(
            self.slow_response, self.slow_barge_in, self.talk_over / 100, self.dead_air
        )

    def beside_earlier(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Return what adds the comparison to a summary. The earlier run is read at once."""
        if self.compare is None:
            return dict
        from voipbin_cli.analysis.comparison.comparison import compare
        from voipbin_cli.offline.earlier_run import earlier_summary

        name, before = self.compare, earlier_summary(self.compare, self.limits)
        return lambda after: {**after, "comparison": compare(before, after).as_fields(name)}

    @property
    def our_end(self) -> End | None:
        """Whose packets were sent by us. Raises UsageError for what is no address."""
        from voipbin_cli.public.examiner import our_end

        return None if self.ours is None else our_end(self.ours)


@or_conference("source")
def diagnose(options: DiagnoseOptions) -> None:
    """Find out what is wrong with a stream, and the fix.

    Takes the way to it step by step, listens for 30 seconds (-d for another time; in a terminal
    until the cause is certain, or Enter is pressed), and names the root cause with its evidence.
    Exits with 6 when something is seriously wrong.

    Examples:

        voipbin stream diagnose sim:stall -d 10

        voipbin stream diagnose sim:upstream-loss -d 10 --report ticket.html

        voipbin stream record sim:jitter -d 10 --capture c.pcapng; voipbin stream diagnose c.pcapng

        voipbin stream diagnose sim --proxy 8080 -d 60

        voipbin stream diagnose sim -d 10 --compare before.json
    """
    import sys

    from voipbin_cli.commands.refused_options import refuse_live_options
    from voipbin_cli.commands.target import chosen_source, chosen_target
    from voipbin_cli.errors import ExitStatus, UsageError

    as_json = options.live.out.json
    if options.list_findings:
        from voipbin_cli.render.findings import show_findings

        return show_findings(as_json=as_json)
    if options.explain is not None:
        from voipbin_cli.render.findings import explain_finding

        return explain_finding(options.explain, as_json=as_json)
    if options.with_numbers and options.report is None:
        raise UsageError("--with-numbers is of a report", hint="--report FILE.html writes one")
    _check_stdout(options)
    if options.report == STDOUT:
        out = replace(options.live.out, quiet=True)
        options = replace(options, live=replace(options.live, out=out))
    elif options.report is not None:
        from voipbin_cli.media.audio_writer import check_apart
        from voipbin_cli.render.report import check_report

        check_report(options.report)
        check_apart([options.live.capture, options.heard, options.report])
    _check_heard(options)
    _check_until_sure(options)
    _check_of_capture("--keylog", options.keylog, options)
    _check_of_capture("--ours", options.ours, options)
    api = options.live.api
    if options.pcap:
        refuse_live_options(options.live, "a call that is over", asks_api=True)
        diagnosis = _of_platform_capture(chosen_target(options.source, api), options)
    elif options.proxy is not None:
        diagnosis = _of_proxy(chosen_target(options.source, api), options.proxy, options)
    elif isinstance(source := chosen_source(options.source, api), str):
        refuse_live_options(options.live, source)
        diagnosis = _of_file(source, options)
    else:
        diagnosis = _of_stream(source, options)
    if diagnosis.has_errors:
        sys.exit(ExitStatus.FOUND)
    return None


def _check_stdout(options: DiagnoseOptions) -> None:
    """Only one thing can be data on stdout."""
    from voipbin_cli.errors import UsageError

    wanted = {
        "--json": options.live.out.json,
        "--ticket": options.ticket,
        "--report -": options.report == STDOUT,
    }
    first, *others = [name for name, is_wanted in wanted.items() if is_wanted] or [""]
    if others:
        raise UsageError(
            f"{first} and {others[0]} both want stdout",
            hint="leave out one of them; --report FILE.html writes into a file",
        )


def _check_heard(options: DiagnoseOptions) -> None:
    """The callee's sound is that of a sender: in a capture, or behind a proxy."""
    from voipbin_cli.commands.target import chosen_source
    from voipbin_cli.errors import UsageError

    if options.heard is None or options.pcap or options.proxy is not None:
        return
    if not isinstance(chosen_source(options.source, options.live.api), str):
        raise UsageError(
            "--heard wants to know what somebody sends",
            hint="give a CAPTURE of both directions, or --proxy",
        )


def _check_until_sure(options: DiagnoseOptions) -> None:
    """What is over is read whole, and a proxy's clients come and go."""
    from voipbin_cli.commands.target import chosen_source
    from voipbin_cli.errors import UsageError

    if options.until_sure is None:
        return
    if options.proxy is not None:
        raise UsageError("--until-sure is not for --proxy", hint="leave it out; -d sets a time")
    if options.pcap or isinstance(chosen_source(options.source, options.live.api), str):
        raise UsageError(
            "--until-sure is for a live stream", hint="leave it out: what is over is read whole"
        )


def _check_of_capture(flag: str, value: str | None, options: DiagnoseOptions) -> None:
    """Refuse what a run has no use for: it knows its own side, and its messages in the clear."""
    from voipbin_cli.commands.target import chosen_source
    from voipbin_cli.errors import UsageError

    if value is None:
        return
    is_run = options.proxy is not None or (options.pcap and flag != "--ours")
    if is_run or (
        not options.pcap and not isinstance(chosen_source(options.source, options.live.api), str)
    ):
        raise UsageError(f"{flag} is for a capture", hint="give the name of a capture file")


def _of_stream(target: Target, options: DiagnoseOptions) -> Diagnosis:
    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.public.live_examiner import LISTENS_S, examined, examining
    from voipbin_cli.render.dashboard import DiagnosisLines, done_line, telling_steps
    from voipbin_cli.render.diagnosis import show_diagnosis
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.session.ending import Cause

    out, outlets = options.live.out, standard_outlets()
    compared = options.beside_earlier()
    begun = datetime.now(UTC)
    with opened_target(target, options.live) as stream:
        duration_s = options.live.duration or LISTENS_S
        session, examination = examining(
            stream,
            telling_steps(teller(out, outlets), outlets[1], as_json=out.json, quiet=out.quiet),
            duration_s=duration_s,
            capture=options.live.capture,
            overwrite=options.overwrite,
            until_sure=options.ends_when_sure,
            is_timed=options.live.duration is not None,
        )
        lines = DiagnosisLines(stream.label, session.status, examination, duration_s)
        keys = {"\n": partial(session.stop, Cause.FINISHED)}
        diagnosis: Diagnosis | None = None
        fold = examination.diagnosis

        def complete(summary: dict[str, Any]) -> dict[str, Any]:
            if examination.is_call_over:
                _tell_leg(stream, [found["id"] for found in summary["findings"]], out)
            return compared(summary)

        try:
            run_live(session, lines, done_line, out, keys=keys, outlets=outlets, complete=complete)
        finally:
            if fold.close is not None:
                diagnosis = examined(stream, examination)
                diagnosis = diagnosis.with_fields(compared(diagnosis.fields))
                if out.is_chatty:
                    show_diagnosis(diagnosis.fields, is_verbose=out.verbose)
                _report(options, diagnosis, begun=begun)
    assert diagnosis is not None, "a run that did not come to an end ends with an error"
    return diagnosis


def _tell_leg(stream: LiveRequest, findings: Sequence[str], out: OutputOptions) -> None:
    """Tell how the phone's leg of a call fared that is over: the BYE brings its figures."""
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.phone_leg import leg_text
    from voipbin_cli.render.problems import say
    from voipbin_cli.transport.api import ask_endpoint
    from voipbin_cli.transport.phone_leg import told_leg
    from voipbin_cli.transport.targets import TargetKind

    endpoint, resource = stream.endpoint.rest_of(stream.target), stream.target.resource
    if endpoint is None or resource is None or resource[0] is not TargetKind.CALL:
        return
    timeout_s = stream.connect_timeout_s
    leg = ask_endpoint(endpoint, lambda api: told_leg(api, resource[1]), timeout_s=timeout_s)
    if out.json:
        emit("phone-leg", leg.as_fields())
    elif out.is_chatty:
        say(leg_text(leg, findings))


def _of_proxy(target: Target, port: int, options: DiagnoseOptions) -> Diagnosis:
    """Diagnose the streams of all who connect to `port` of this machine, until Ctrl-C or -d."""
    from voipbin_cli.analysis.farend.heard_clip import HeardClip
    from voipbin_cli.analysis.plots import BothTracks
    from voipbin_cli.clock import unix_offset_ns
    from voipbin_cli.commands.hearing import hearing
    from voipbin_cli.commands.live import run_live, teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.public.examiner import Diagnosis, Shown
    from voipbin_cli.render.dashboard import done_line
    from voipbin_cli.render.diagnosis import show_diagnosis, show_streams
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.validating import ProxyLines, listening
    from voipbin_cli.session.proxy_diagnosis import ProxyDiagnosis
    from voipbin_cli.session.session import SessionRequest

    live, out, outlets = options.live, options.live.out, standard_outlets()
    compared = options.beside_earlier()
    begun = datetime.now(UTC)
    with (
        opened_target(target, live) as stream,
        hearing(options.heard, capture=live.capture, overwrite=options.overwrite) as heard,
    ):
        request = SessionRequest(stream, live.duration, live.capture, options.overwrite)
        tell = listening(teller(out, outlets), quiet=not out.is_chatty)
        clip = HeardClip(heard)
        listener = clip.write if options.report else heard
        diagnosis: Diagnosis | None = None
        proxy = ProxyDiagnosis(request, tell, port=port, heard=listener, limits=options.limits)
        try:
            run_live(
                proxy,
                ProxyLines(stream.label, proxy.status, proxy.looks, slow_ms=options.slow_response),
                done_line,
                out,
                outlets=outlets,
                streams=proxy.by_client,
                complete=lambda summary: compared(summary) if proxy.worst else summary,
            )
        finally:
            if (worst := proxy.worst) is not None and proxy.has_heard:
                summary = compared(proxy.diagnosed())
                if out.is_chatty:
                    if rows := proxy.by_client():
                        show_streams(rows)
                    show_diagnosis(summary, is_verbose=out.verbose)
                talk = worst.fold.diagnosis().talk
                both = BothTracks(worst.fold.sent, talk, clip.pcm)
                diagnosis = Diagnosis(
                    summary, Shown(worst.fold.stream, both=both, offset_ns=unix_offset_ns())
                )
                _report(options, diagnosis, begun=begun)
    assert diagnosis is not None, "a run that nobody took part in ends with an error"
    return diagnosis


def _of_file(path: str, options: DiagnoseOptions, shown: str = "") -> Diagnosis:
    from voipbin_cli.commands.hearing import hearing
    from voipbin_cli.public.examiner import examined_file
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say

    out = options.live.out
    compared = options.beside_earlier()
    with hearing(options.heard, overwrite=options.overwrite) as heard:
        diagnosis = examined_file(
            path,
            encapsulation=options.live.encapsulation,
            heard=heard,
            keylog=options.keylog,
            limits=options.limits,
            ours=options.our_end,
            keeps_sound=options.report is not None,
        )
    diagnosis = diagnosis.with_fields(compared(diagnosis.fields))
    if diagnosis.is_cut:
        say(f"warning: {shown or path} ends inside of a record: what comes before it counts")
    if out.json:
        for name, fields in diagnosis.streams:
            emit("stream", {"stream": name, **fields})
        emit("summary", dict(diagnosis.fields))
    elif out.is_chatty:
        from voipbin_cli.render.diagnosis import show_diagnosis, show_streams

        for sentence in diagnosis.remarks:
            say(sentence)
        if len(diagnosis.streams) > 1:
            show_streams(diagnosis.streams)
        show_diagnosis(diagnosis.fields, is_verbose=out.verbose)
    _report(options, diagnosis)
    return diagnosis


def _report(
    options: DiagnoseOptions, diagnosis: Diagnosis, *, begun: datetime | None = None
) -> None:
    """Write the report and the ticket, where they are wanted. `begun`: when a run was."""
    if options.ticket:
        from voipbin_cli.render.ticket import show_ticket

        last_ns = diagnosis.shown.fold.last_ns
        show_ticket(diagnosis.fields, last_ns, begun, is_alone=not options.live.out.is_chatty)
    if options.report is None:
        return
    numbers = options.with_numbers
    if options.report == STDOUT:
        from voipbin_cli.render.report import show_report

        shown = diagnosis.shown
        show_report(
            diagnosis.fields,
            shown.fold,
            shown.steps,
            shown.both,
            offset_ns=shown.offset_ns,
            with_numbers=numbers,
        )
        return
    diagnosis.write_report(options.report, with_numbers=numbers)
    if options.live.out.is_chatty:
        from voipbin_cli.render.problems import say

        say(f"the report is in {options.report}")


def _of_platform_capture(call: Target, options: DiagnoseOptions) -> Diagnosis:
    """Diagnose what the platform itself captured of a call that is over."""
    import tempfile

    from voipbin_cli.commands.api import ask
    from voipbin_cli.errors import NothingToJudge, UsageError
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.phone_leg import leg_text
    from voipbin_cli.render.problems import say
    from voipbin_cli.transport.phone_leg import HOW_TO_CAPTURE, told_leg
    from voipbin_cli.transport.targets import TargetKind

    if call.kind is not TargetKind.CALL:
        raise UsageError("--pcap is for a call", hint="voipbin stream diagnose --pcap call/UUID")
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:

        async def fetched(api: Api) -> ToldLeg:
            await api.get_pcap(call.value, file.write)
            return await told_leg(api, call.value)

        leg = ask(options.live.api, fetched)
        file.flush()
        if options.live.out.json:
            emit("phone-leg", leg.as_fields())
        elif options.live.out.is_chatty:
            say(leg_text(leg))
        try:
            return _of_file(file.name, options, shown="the capture")
        except NothingToJudge as error:
            error.hint = HOW_TO_CAPTURE
            raise
