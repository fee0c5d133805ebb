"""`voipbin calls`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.options import LISTING, ApiOptions, JsonOption, LimitOption
from voipbin_cli.commands.values import choice
from voipbin_cli.transport.resources import CallStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ListCallsOptions:
    """Which calls are listed."""

    status: Annotated[
        CallStatus | None,
        choice(
            "--status",
            among=CallStatus,
            help="Only those in this state.",
            rich_help_panel=LISTING,
            show_default=False,
        ),
    ] = None
    limit: LimitOption = 50
    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)


def list_calls(options: ListCallsOptions) -> None:
    """List calls: those in progress first, then the newest.

    Examples:

        voipbin calls list

        voipbin calls list --status progressing --json
    """
    from voipbin_cli.commands.lookups import CALLS, show_list

    show_list(CALLS, options.api, status=options.status, limit=options.limit, as_json=options.json)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowCallOptions:
    """Which call is shown."""

    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="Its UUID.")]
    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)


def show_call(options: ShowCallOptions) -> None:
    """Show one call, and whether its media stream can be opened now.

    Examples:

        voipbin calls show f87e72db-5c7d-510e-8194-3aaa6f6fcaba
    """
    from voipbin_cli.commands.lookups import CALLS, show_one

    show_one(CALLS, options.api, options.call_id, as_json=options.json)
