"""What is offered to whoever gives no TARGET: the calls and conferences in progress."""

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
from voipbin_cli.transport.targets import FORMS, Target, TargetKind

OFFERED = 30


def picked_target(api: ApiOptions, *, or_file: bool = False) -> Target:
    """Let the user pick one of the calls and conferences in progress.

    `or_file`: a file could have been named as well.

    Raises:
        UsageError: there is nobody to ask.
        Refused: nothing is in progress that could be offered.
    """
    if not is_interactive():
        hint = f"{FORMS}; or a file's name" if or_file else FORMS
        raise UsageError("TARGET is missing", hint=hint)
    found = ask(api, _in_progress)
    if not found:
        raise Refused(
            "no call and no conference is in progress",
            hint="sim as the TARGET is a simulated one",
            finding=FindingId.CALL_NOT_PROGRESSING,
        )
    say("no TARGET given; in progress are")
    now = datetime.now(UTC)
    return _target(found[pick("Which", [choice_text(state, now) for state in found])])


async def _in_progress(api: Api) -> list[ResourceState]:
    """Return the calls and the conferences in progress, calls first, the newest first."""
    (calls, _), (conferences, _) = await asyncio.gather(
        find(api, CALLS, status="progressing", limit=OFFERED),
        find(api, CONFERENCES, status="progressing", limit=OFFERED),
    )
    return [*calls, *conferences]


def _target(state: ResourceState) -> Target:
    is_conference = isinstance(state, ConferenceState)
    return Target(TargetKind.CONFERENCE if is_conference else TargetKind.CALL, state.id)
