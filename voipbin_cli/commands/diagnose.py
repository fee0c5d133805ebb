"""`voipbin stream diagnose`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.options import OUTPUT, LiveOptions, takes

DIAGNOSING = "Diagnosing"


@takes(LiveOptions)
def diagnose(
    live: LiveOptions,
    source: Annotated[
        str,
        typer.Argument(
            metavar="TARGET|CAPTURE",
            help="A TARGET as in record; or a capture: pcap or pcapng, anyone's or by --capture.",
            default_factory=str,
            show_default=False,
        ),
    ],
    report: Annotated[
        str | None,
        typer.Option(
            help="Write it all into one HTML file: plots, spectrogram, the sound.",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
        ),
    ] = None,
    with_numbers: Annotated[
        bool,
        typer.Option(
            "--with-numbers",
            help="Leave ids and addresses in the report.",
            rich_help_panel=OUTPUT,
        ),
    ] = False,
    pcap: Annotated[
        bool,
        typer.Option(
            "--pcap",
            help="Diagnose the platform's own capture of a call that is over.",
            rich_help_panel=DIAGNOSING,
        ),
    ] = False,
) -> None:
    """Find out what is wrong with a stream, and the fix.

    Takes the way to it step by step, listens for 30 seconds (-d for another time), and
    names the root cause with its evidence. Exits with 6 when something is seriously wrong.

    Examples:

        voipbin stream diagnose sim:stall -d 10

        voipbin stream diagnose sim:upstream-loss -d 10 --report ticket.html

        voipbin stream record sim:jitter -d 10 --capture c.pcapng; voipbin stream diagnose c.pcapng
    """
    import os

    from voipbin_cli.commands import diagnosing
    from voipbin_cli.transport.targets import check_file_or_target

    diagnosing.check_report(report)
    if not source:
        from voipbin_cli.commands.choose import choose_target

        source = choose_target(live)
    if pcap:
        return diagnosing.diagnose_pcap(source, live, report, with_numbers=with_numbers)
    if os.path.exists(source):
        return diagnosing.diagnose_file(source, live, report, with_numbers=with_numbers)
    check_file_or_target(source)
    return diagnosing.diagnose_live(source, live, report, with_numbers=with_numbers)
