"""`voipbin stream validate`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.choices import one_of
from voipbin_cli.commands.options import OUTPUT, LiveOptions, takes

JUDGING = "Judging"
RULES = "Rules"


@takes(LiveOptions)
def validate(
    live: LiveOptions,
    source: Annotated[
        str,
        typer.Argument(
            metavar="TARGET|FILE",
            help="A TARGET as in record; or a file, - for standard input: a capture (pcap, "
            "pcapng), an rtpdump, raw samples, a stream of AudioSocket frames.",
            default_factory=str,
            show_default=False,
        ),
    ],
    spec: Annotated[
        str,
        typer.Option(
            help="Measure against the documents, against what the platform's servers were "
            "observed to send and take, or against what the stream itself shows.",
            metavar="auto|documented|deployed",
            parser=one_of("specification", ("auto", "documented", "deployed")),
            rich_help_panel=JUDGING,
        ),
    ] = "auto",
    direction: Annotated[
        str | None,
        typer.Option(
            help="Judge only what is received (in) or sent (out); of a dump, what it is.",
            metavar="in|out",
            parser=one_of("direction", ("in", "out")),
            rich_help_panel=JUDGING,
            show_default="both; of a dump in",
        ),
    ] = None,
    hex_: Annotated[
        bool,
        typer.Option(
            "--hex",
            help="The input is hex text, a frame a line: explain each field of it.",
            rich_help_panel=JUDGING,
        ),
    ] = False,
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
    ] = None,
    max_frames: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many frames of each direction.",
            metavar="N",
            min=1,
            rich_help_panel=JUDGING,
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="Write a document for CI instead of words.",
            metavar="sarif|junit",
            parser=one_of("format", ("sarif", "junit")),
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    list_rules: Annotated[
        bool, typer.Option("--list-rules", help="Name the rules.", rich_help_panel=RULES)
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            help="Say all there is to know of one rule.",
            metavar="RULE",
            rich_help_panel=RULES,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check every frame of a stream, a capture or a dump against its encapsulation.

    Names the frame, the field, the clause, and what the far end does with it. Exits
    with 6 when the far end would drop a frame, end the stream or play noise.

    Examples:

        voipbin stream validate sim -d 5

        voipbin stream record sim -d 5 --capture call.pcapng; voipbin stream validate call.pcapng

        echo 80600001000000a000000000ffff | voipbin stream validate - -e rtp --hex

        voipbin stream validate sim --proxy 8080
    """
    from voipbin_cli.analysis.validation.due import Spec
    from voipbin_cli.analysis.validation.measure import Measure
    from voipbin_cli.codec.encapsulation import Direction, Encapsulation
    from voipbin_cli.commands import validating
    from voipbin_cli.errors import UsageError
    from voipbin_cli.transport.targets import check_file_or_target

    output = validating.Output(live.json, format_, live.quiet)
    if live.json and format_:
        raise UsageError("--json and --format both want stdout", hint="leave one of them out")
    if list_rules:
        return validating.list_rules(as_json=live.json)
    if explain is not None:
        return validating.explain(explain, as_json=live.json)
    measure = Measure(Spec(spec), Direction(direction) if direction else None, max_frames)
    encapsulation = Encapsulation(live.encapsulation) if live.encapsulation else None
    if not source:
        from voipbin_cli.commands.choose import choose_target

        source = choose_target(live)
    if hex_:
        return validating.validate_hex(source, measure, encapsulation, output)
    if proxy is None and validating.is_file(source):
        return validating.validate_file(source, measure, encapsulation, output)
    check_file_or_target(source)
    if proxy is not None:
        return validating.validate_proxy(source, proxy, live, measure, output)
    return validating.validate_live(source, live, measure, output)
