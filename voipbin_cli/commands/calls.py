"""`voipbin calls`."""

from __future__ import annotations

from typing import Annotated

import typer

from voipbin_cli.commands.choices import one_of
from voipbin_cli.commands.options import ApiOptions, JsonOption, takes
from voipbin_cli.render.help import Commands

LISTING = "Listing"
STATUSES = ("dialing", "ringing", "progressing", "terminating", "canceling", "hangup")

LimitOption = Annotated[
    int,
    typer.Option(help="Show this many at most.", min=1, metavar="N", rich_help_panel=LISTING),
]

app = Commands(help="Which calls there are.")


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
    """List calls: those in progress first, then the newest.

    Examples:

        voipbin calls list

        voipbin calls list --status progressing --json
    """
    from voipbin_cli.commands.lookups import CALLS, show_list

    show_list(CALLS, api, status=status, limit=limit, as_json=json)


@app.command()
@takes(ApiOptions)
def show(
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="Its UUID.")],
    api: ApiOptions,
    json: JsonOption = False,
) -> None:
    """Show one call, and whether its media stream can be opened now.

    Examples:

        voipbin calls show f87e72db-5c7d-510e-8194-3aaa6f6fcaba
    """
    from voipbin_cli.commands.lookups import CALLS, show_one

    show_one(CALLS, api, call_id, as_json=json)
