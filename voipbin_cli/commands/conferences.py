"""`voipbin conferences`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import typer

from voipbin_cli.commands.options import LISTING, ApiOptions, JsonOption, LimitOption
from voipbin_cli.commands.values import choice
from voipbin_cli.transport.resources import ConferenceStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ListConferencesOptions:
    """Which conferences are listed."""

    status: Annotated[
        ConferenceStatus | None,
        choice(
            "--status",
            among=ConferenceStatus,
            help="Only those in this state.",
            rich_help_panel=LISTING,
            show_default=False,
        ),
    ] = None
    limit: LimitOption = 50
    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)


def list_conferences(options: ListConferencesOptions) -> None:
    """List conferences: those in progress first, then the newest.

    Examples:

        voipbin conferences list

        voipbin conferences list --status progressing --json
    """
    from voipbin_cli.commands.lookups import CONFERENCES, show_list

    show_list(
        CONFERENCES, options.api, status=options.status, limit=options.limit, as_json=options.json
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowConferenceOptions:
    """Which conference is shown."""

    conference_id: Annotated[str, typer.Argument(metavar="CONFERENCE_ID", help="Its UUID.")]
    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)


def show_conference(options: ShowConferenceOptions) -> None:
    """Show one conference, and whether its media stream can be opened now.

    Examples:

        voipbin conferences show 8627a367-94f9-510c-9b91-4bdb3f89f02c
    """
    from voipbin_cli.commands.lookups import CONFERENCES, show_one

    show_one(CONFERENCES, options.api, options.conference_id, as_json=options.json)
