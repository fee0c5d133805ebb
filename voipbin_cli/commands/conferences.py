"""`voipbin conferences`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.calls import LISTING, LimitOption
from voipbin_cli.commands.choices import one_of
from voipbin_cli.commands.options import ApiOptions, JsonOption, takes
from voipbin_cli.render.help import Commands

STATUSES = ("starting", "progressing", "terminating", "terminated")

app = Commands(help="Which conferences there are.")


@app.command("list")
@takes(ApiOptions)
def list_(
    api: ApiOptions,
    status: Annotated[
        str | None,
        typer.Option(
            help="Only those in this state.",
            metavar="|".join(STATUSES),
            parser=one_of("status", STATUSES),
            rich_help_panel=LISTING,
            show_default=False,
        ),
    ] = None,
    limit: LimitOption = 50,
    json: JsonOption = False,
) -> None:
    """List conferences: those in progress first, then the newest.

    Examples:

        voipbin conferences list

        voipbin conferences list --status progressing --json
    """
    from voipbin_cli.commands.lookups import CONFERENCES, show_list

    show_list(CONFERENCES, api, status=status, limit=limit, as_json=json)


@app.command()
@takes(ApiOptions)
def show(
    conference_id: Annotated[str, typer.Argument(metavar="CONFERENCE_ID", help="Its UUID.")],
    api: ApiOptions,
    json: JsonOption = False,
) -> None:
    """Show one conference, and whether its media stream can be opened now.

    Examples:

        voipbin conferences show 8627a367-94f9-510c-9b91-4bdb3f89f02c
    """
    from voipbin_cli.commands.lookups import CONFERENCES, show_one

    show_one(CONFERENCES, api, conference_id, as_json=json)
