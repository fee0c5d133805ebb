"""Which call, when a stream command was given no TARGET: ask, where someone is there to answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from voipbin_cli.commands.api import ask
from voipbin_cli.commands.lookups import CALLS, CONFERENCES, find
from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.commands.prompts import is_interactive, pick
from voipbin_cli.errors import Refused, UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.problems import say
from voipbin_cli.render.resource_tables import choice_text
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.resources import ConferenceState, ResourceState
from voipbin_cli.transport.targets import FORMS

OFFERED = 30


def choose_target(options: ApiOptions) -> str:
    """Let the user pick one of the calls and conferences in progress; return it as a TARGET.

    Raises:
        UsageError: there is nobody to ask.
        Refused: nothing is in progress.
    """
    if not is_interactive():
        raise UsageError("TARGET is missing", hint=FORMS)
    found = ask(options, in_progress)
    if not found:
        raise Refused(
            "no call and no conference is in progress",
            hint="sim as the TARGET is a simulated one",
            finding=FindingId.CALL_NOT_PROGRESSING,
        )
    say("no TARGET given; in progress are")
    now = datetime.now(UTC)
    return target_text(found[pick("Which", [choice_text(state, now) for state in found])])


async def in_progress(api: Api) -> list[ResourceState]:
    """Return the calls and the conferences in progress, calls first, the newest first."""
    (calls, _), (conferences, _) = await asyncio.gather(
        find(api, CALLS, status="progressing", limit=OFFERED),
        find(api, CONFERENCES, status="progressing", limit=OFFERED),
    )
    return [*calls, *conferences]


def target_text(state: ResourceState) -> str:
    """Return the TARGET that names a call or conference."""
    return f"conference/{state.id}" if isinstance(state, ConferenceState) else state.id
