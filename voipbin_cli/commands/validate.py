"""`voipbin stream validate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.commands.bare_id import or_conference
from voipbin_cli.commands.options import OUTPUT, LiveOptions, overwrite_option
from voipbin_cli.commands.values import choice
from voipbin_cli.render.validation_output import Document, ValidationOutput

if TYPE_CHECKING:
    from voipbin_cli.analysis.validation.scope import Scope
    from voipbin_cli.analysis.validation.tally import Group
    from voipbin_cli.commands.options import OutputOptions
    from voipbin_cli.render.live_view import Lines
    from voipbin_cli.render.outlet import Outlet
    from voipbin_cli.session.proxy_validation import JudgedClient, ProxyValidation
    from voipbin_cli.session.session import Session
    from voipbin_cli.session.validate import LiveValidation
    from voipbin_cli.transport.targets import Target

JUDGING = "Judging"
RULES = "Rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidateOptions:
    """What is judged, against what, and how that is told."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="TARGET|FILE",
            help="A TARGET as in record; or a file, - for standard input: a capture (pcap, "
            "pcapng, snoop), an rtpdump, a stream of AudioSocket frames, raw samples with -e sln.",
            show_default=False,
        ),
    ] = ""
    spec: Annotated[
        Spec,
        choice(
            "--spec",
            among=Spec,
            help="Measure against the documents, against what the platform's servers were "
            "observed to send and take, or against what the stream itself shows.",
            rich_help_panel=JUDGING,
        ),
    ] = Spec.AUTO
    direction: Annotated[
        Direction | None,
        choice(
            "--direction",
            among=Direction,
            help="Judge only what is received (in) or sent (out); of a dump, what it is.",
            rich_help_panel=JUDGING,
            show_default="both; of a dump in",
        ),
    ] = None
    hex_: Annotated[
        bool,
        typer.Option(
            "--hex",
            help="The input is hex text, a frame a line: explain each field of it.",
            rich_help_panel=JUDGING,
        ),
    ] = False
    proxy: Annotated[
        int | None,
        typer.Option(
            help="Listen on this port of this machine, forward to TARGET, and judge both "
            "directions of whoever connects.",
            metavar="PORT",
            min=0,
            max=65535,
            rich_help_panel=JUDGING,
            show_default=False,
        ),
    ] = None
    heard: Annotated[
        str | None,
        typer.Option(
            help="With --proxy: write what the first client sends as the callee hears it, gaps "
            "and flushes included.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    overwrite: Annotated[bool, overwrite_option(OUTPUT)] = False
    max_frames: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many frames of each direction.",
            metavar="N",
            min=1,
            rich_help_panel=JUDGING,
            show_default=False,
        ),
    ] = None
    max_violations: Annotated[
        int,
        typer.Option(
            help="With --json, list so many violations of a rule in each direction; further "
            "ones are counted only.",
            metavar="N",
            min=0,
            rich_help_panel=OUTPUT,
        ),
    ] = 1000
    document: Annotated[
        Document | None,
        choice(
            "--format",
            among=Document,
            help="Write a document for CI instead of words.",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None
    list_rules: Annotated[
        bool, typer.Option("--list-rules", help="Name the rules.", rich_help_panel=RULES)
    ] = False
    explain: Annotated[
        str | None,
        typer.Option(
            help="Say all there is to know of one rule.",
            metavar="RULE",
            rich_help_panel=RULES,
            show_default=False,
        ),
    ] = None
    live: LiveOptions = field(default_factory=LiveOptions)


@or_conference("source")
def validate(options: ValidateOptions) -> None:
    """Check every frame of a stream, a capture or a dump against its encapsulation.

    Names the frame, the field, the clause, and what the far end does with it. Exits
    with 6 when the far end would drop a frame, end the stream or play noise.

    Examples:

        voipbin stream validate sim -d 5

        voipbin stream record sim -d 5 --capture call.pcapng; voipbin stream validate call.pcapng

        echo 80600001000000a000000000ffff | voipbin stream validate - -e rtp --hex

        voipbin stream validate sim --proxy 8080
    """
    import sys

    from voipbin_cli.analysis.severity import Severity
    from voipbin_cli.errors import ExitStatus, UsageError

    as_json = options.live.out.json
    if as_json and options.document:
        raise UsageError("--json and --format both want stdout", hint="leave one of them out")
    if options.list_rules:
        from voipbin_cli.render.rules import show_rules

        return show_rules(as_json=as_json)
    if options.explain is not None:
        from voipbin_cli.render.rules import explain_rule

        return explain_rule(options.explain, as_json=as_json)
    found = _judged(options)
    if any(group.first.severity is Severity.ERROR for group in found):
        sys.exit(ExitStatus.FOUND)
    return None


def _judged(options: ValidateOptions) -> Sequence[Group]:
    """Judge what was named, tell the result, and return what was found."""
    from voipbin_cli.analysis.validation.listing import Listing
    from voipbin_cli.analysis.validation.scope import Scope
    from voipbin_cli.errors import ConnectionFailed, IsConference, NothingToJudge, Refused

    live, scope = options.live, Scope(options.spec, options.direction, options.max_frames)
    output = ValidationOutput(
        as_json=live.out.json,
        document=options.document,
        quiet=live.out.quiet,
        listing=Listing(options.max_violations),
    )
    try:
        return _told(options, scope, output)
    except IsConference:
        raise  # no result yet
    except (ConnectionFailed, NothingToJudge, Refused) as error:
        output.failed(options.source, error)
        raise


def _told(options: ValidateOptions, scope: Scope, output: ValidationOutput) -> Sequence[Group]:
    from voipbin_cli.commands.refused_options import refuse_live_options
    from voipbin_cli.commands.target import chosen_source, chosen_target
    from voipbin_cli.errors import UsageError

    live = options.live
    if options.heard is not None and options.proxy is None:
        raise UsageError(
            "--heard is for --proxy", hint="voipbin stream diagnose CAPTURE --heard FILE"
        )
    if options.proxy is not None:
        target = chosen_target(options.source, live.api)
        return _of_proxy(target, options.proxy, options, scope, output)
    if options.hex_:
        refuse_live_options(live, "hex text")
        return _of_hex(options.source, options, scope, output)
    source = chosen_source(options.source, live.api, stdin=True)
    if isinstance(source, str):
        refuse_live_options(live, source)
        return _of_file(source, options, scope, output)
    return _of_stream(source, options, scope, output)


def _of_file(
    path: str, options: ValidateOptions, scope: Scope, output: ValidationOutput
) -> Sequence[Group]:
    from voipbin_cli.offline.validate import FileValidation
    from voipbin_cli.render.problems import say

    validation = FileValidation(path, scope, options.live.encapsulation)
    for part, stream in validation.parts():
        output.part(part, stream)
    if validation.truncated:
        say(f"warning: {path} ends inside of a record: what comes before that was judged")
    if not output.quiet and not output.as_json:
        for sentence in validation.remarks:
            say(sentence)
    output.streams(validation.stream_summaries)
    output.summary(validation.summary)
    output.result(path, validation.summary, validation.groups)
    return validation.groups


def _of_hex(
    path: str, options: ValidateOptions, scope: Scope, output: ValidationOutput
) -> Sequence[Group]:
    from voipbin_cli.codec.encapsulation import Encapsulation
    from voipbin_cli.errors import UsageError
    from voipbin_cli.offline.hex_text import ExplainedMessage, HexValidation
    from voipbin_cli.render.problems import say

    if not path:
        raise UsageError("--hex without a file", hint="- is standard input")
    validation = HexValidation(path, scope, options.live.encapsulation or Encapsulation.RTP)
    for step in validation.steps():
        if isinstance(step, ExplainedMessage):
            output.frame(step)
        else:
            output.part(step)
    if validation.explained < validation.frames and not output.quiet:
        say(f"the first {validation.explained} of {validation.frames} frames are explained")
    output.summary(validation.summary)
    output.result(path, validation.summary, validation.groups)
    return validation.groups


def _of_stream(
    target: Target, options: ValidateOptions, scope: Scope, output: ValidationOutput
) -> Sequence[Group]:
    """Judge a live stream until it ends."""
    from voipbin_cli.commands.live import teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.public.checker import checking
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.validating import FoundLines, validation_line

    live, outlets = options.live, standard_outlets()
    output = replace(output, emit=outlets[0].emit)
    with opened_target(target, live) as stream:
        session, judge = checking(
            stream,
            teller(live.out, outlets),
            scope,
            output.part,
            duration_s=live.duration,
            capture=live.capture,
            overwrite=options.overwrite,
        )
        lines = FoundLines(lambda: validation_line(stream.label, session.status()), judge.groups)
        return _run(session, judge, lines, stream.label, output, live.out, outlets)


def _of_proxy(
    target: Target, port: int, options: ValidateOptions, scope: Scope, output: ValidationOutput
) -> Sequence[Group]:
    """Judge the streams of all who connect to `port` of this machine, until Ctrl-C."""
    from voipbin_cli.commands.live import teller
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.media.kept_sound import KeptSound
    from voipbin_cli.render.outlet import standard_outlets
    from voipbin_cli.render.validating import ProxyLines, headlines_by_client, listening
    from voipbin_cli.session.proxy_validation import ProxyValidation
    from voipbin_cli.session.session import SessionRequest

    live, outlets = options.live, standard_outlets()
    output = replace(output, emit=outlets[0].emit)
    with opened_target(target, live) as stream:
        request = SessionRequest(stream, live.duration, live.capture, options.overwrite)
        told = teller(live.out, outlets)
        tell = listening(told, quiet=not live.out.is_chatty)
        heard = None
        if options.heard:
            heard = KeptSound(options.heard, capture=live.capture, overwrite=options.overwrite)
        proxy = ProxyValidation(
            request, tell, port=port, scope=scope, on_part=output.part_of_client, heard=heard
        )
        lines = ProxyLines(
            stream.label,
            proxy.status,
            proxy.looks,
            lambda: headlines_by_client(proxy.by_client()),
        )
        return _run(
            proxy, proxy, lines, stream.label, output, live.out, outlets, clients=proxy.by_client
        )


def _run(
    session: Session | ProxyValidation,
    judge: LiveValidation | ProxyValidation,
    lines: Lines,
    label: str,
    output: ValidationOutput,
    out: OutputOptions,
    outlets: tuple[Outlet, Outlet],
    clients: Callable[[], Sequence[JudgedClient]] = tuple,
) -> Sequence[Group]:
    """Run it to its end, tell what was judged whatever ended it, and return what was found."""
    from voipbin_cli.commands.live import run_live
    from voipbin_cli.render.validating import done_line

    try:
        run_live(session, lines, done_line, out, outlets=outlets)
    finally:
        # What we sent ourselves to keep a far end awake is no result.
        if judge.has_heard:
            output.result(label, judge.judged(), judge.groups(), clients())
    return judge.groups()
