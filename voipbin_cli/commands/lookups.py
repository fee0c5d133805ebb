"""What `calls` and `conferences` do: list, or show one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from voipbin_cli.commands.api import ask
from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.errors import UsageError
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.phone_leg import show_leg
from voipbin_cli.render.problems import say
from voipbin_cli.render.resource_tables import (
    show_calls,
    show_conferences,
    show_state,
    state_fields,
)
from voipbin_cli.text import is_uuid, printable
from voipbin_cli.transport.api import PAGE_SIZE, Api
from voipbin_cli.transport.phone_leg import ToldLeg, told_leg

# Looking for a status goes through this many of the newest at most: ten pages.
SEARCHED = 10 * PAGE_SIZE


@dataclass(frozen=True, slots=True)
class Lookup:
    """A sort of thing that can be looked up."""

    name: str
    plural: str
    list: Callable[..., AsyncIterator[Any]]
    get: Callable[[Api, str], Awaitable[Any]]
    show: Callable[[Sequence[Any], datetime], None]


CALLS = Lookup("call", "calls", Api.list_calls, Api.get_call, show_calls)
CONFERENCES = Lookup(
    "conference", "conferences", Api.list_conferences, Api.get_conference, show_conferences
)


async def find(
    api: Api, kind: Lookup, *, status: str | None, limit: int, searched: int = SEARCHED
) -> tuple[list[Any], bool]:
    """Return at most `limit` rows, those in progress first; and whether there may be more.

    Without a `status` the newest page is looked at, with one the newest `searched` rows.
    """
    looked_at = searched if status else max(limit, PAGE_SIZE)
    rows, seen = [], 0
    async for row in kind.list(api, limit=looked_at):
        seen += 1
        if status in (None, row.status):
            rows.append(row)
        if status and len(rows) == limit:
            return rows, True
    # A stable sort: among equals the newest stays first.
    rows.sort(key=lambda row: not row.is_progressing)
    return rows[:limit], seen == looked_at or len(rows) > limit


def show_list(
    kind: Lookup, options: ApiOptions, *, status: str | None, limit: int, as_json: bool
) -> None:
    """Print the rows as a table, or as events and a summary."""
    rows, more = ask(options, lambda api: find(api, kind, status=status, limit=limit))
    if as_json:
        for row in rows:
            emit(kind.name, state_fields(row))
        progressing = sum(row.is_progressing for row in rows)
        emit("summary", {"count": len(rows), "progressing": progressing, "more": more})
    elif rows:
        kind.show(rows, datetime.now(UTC))
        if more:
            say(f"there may be more {kind.plural}: --limit and --status say which")
    else:
        say(f"there are no {kind.plural}" + (f" with status {status}" if status else ""))


def show_one(kind: Lookup, options: ApiOptions, identifier: str, *, as_json: bool) -> None:
    """Print one call or conference and whether a media stream can be opened."""
    wanted = checked_id(kind, identifier)
    state, leg = ask(options, lambda api: _with_leg(api, kind, wanted))
    if as_json:
        emit("summary", state_fields(state) | (leg.as_fields() if leg else {}))
    else:
        show_state(state, datetime.now(UTC))
        if leg is not None:
            show_leg(leg)


async def _with_leg(api: Api, kind: Lookup, wanted: str) -> tuple[Any, ToldLeg | None]:
    """Return what was asked for and, of a call that is over, how the phone's leg fared."""
    state = await kind.get(api, wanted)
    if kind is not CALLS or not state.is_over:
        return state, None
    return state, await told_leg(api, wanted)


def checked_id(kind: Lookup, text: str) -> str:
    """Return the UUID in `text`, which may be written as a TARGET is: call/UUID.

    Raises:
        UsageError: it is none.
    """
    identifier = text.strip().lower().removeprefix(f"{kind.name}/")
    if not is_uuid(identifier):
        raise UsageError(
            f"not a {kind.name}'s id: {printable(text, 80)}",
            hint=f"`voipbin {kind.plural} list` shows them",
        )
    return identifier
