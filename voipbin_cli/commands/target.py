"""The TARGET of a command: what it names, how it is chosen when left out, how it is opened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from voipbin_cli.commands.api import api_endpoint, ask, check_credential
from voipbin_cli.commands.lookups import CALLS, CONFERENCES, find
from voipbin_cli.commands.options import ApiOptions, LiveOptions
from voipbin_cli.commands.prompts import is_interactive, pick
from voipbin_cli.errors import Refused, UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.problems import say
from voipbin_cli.render.resource_tables import choice_text
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Endpoint, stream_encapsulation
from voipbin_cli.transport.resources import ConferenceState, ResourceState
from voipbin_cli.transport.targets import (
    FORMS,
    Target,
    TargetKind,
    parse_target,
    parse_target_not_file,
)

OFFERED = 30
STDIN = "-"


def chosen_target(text: str, api: ApiOptions) -> Target:
    """Return what `text` names; whoever gave none, an empty `text`, is asked.

    Raises:
        UsageError: it is no TARGET, or there is nobody to ask.
        Refused: nothing is in progress that could be offered.
    """
    return parse_target(text) if text else _asked(api)


def chosen_source(text: str, api: ApiOptions, *, stdin: bool = False) -> str | Target:
    """Return what may be a file as well: its path where it exists, else a TARGET.

    `stdin` says whether - is a file. Raises as `chosen_target` does.
    """
    if not text:
        return _asked(api)
    if os.path.exists(text) or (stdin and text == STDIN):
        return text
    return parse_target_not_file(text)


def _asked(api: ApiOptions) -> Target:
    """Let the user pick one of the calls and conferences in progress."""
    if not is_interactive():
        raise UsageError("TARGET is missing", hint=FORMS)
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


@contextmanager
def opened_target(target: Target, live: LiveOptions) -> Iterator[LiveRequest]:
    """Yield what to listen to; the simulator of a `sim` target runs as long as the block does."""
    encapsulation = stream_encapsulation(target, live.encapsulation)
    with _endpoint(target, live.api) as (endpoint, inner):
        yield LiveRequest(
            target=inner,
            label=target.label,
            endpoint=endpoint,
            encapsulation=encapsulation,
            reconnect=live.reconnect,
            keepalive=live.keepalive,
            connect_timeout_s=live.api.connect_timeout,
            give_up_after_s=live.give_up_after,
        )


@contextmanager
def _endpoint(target: Target, api: ApiOptions) -> Iterator[tuple[Endpoint, Target]]:
    """Yield the API to ask and the target as that API knows it."""
    if target.kind is not TargetKind.SIM:
        endpoint = api_endpoint(api)
        check_credential(endpoint, target)
        for warning in endpoint.warnings(target):
            say(f"warning: {warning}")
        yield endpoint, target
        return
    with EmbeddedSimulator(target.value, target.options) as simulator:
        credential = Credential(CredentialKind.TOKEN, simulator.token, "the simulator")
        endpoint = Endpoint(simulator.api_url, credential, api.auth)
        yield endpoint, parse_target(f"{simulator.kind}/{simulator.target_id}")
