"""What a command that asks the API does first: find the endpoint, warn, refuse what cannot work."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.environment import user_environment
from voipbin_cli.errors import Refused
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.problems import say
from voipbin_cli.text import span_text
from voipbin_cli.transport.api import Api, ask_endpoint
from voipbin_cli.transport.credentials import Credential
from voipbin_cli.transport.endpoint import Endpoint, find_endpoint
from voipbin_cli.transport.targets import Target, TargetKind

T = TypeVar("T")

# What holds a credential and comes before every profile.
OVERRIDES = ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY")
HOW_TO_LOG_IN = "voipbin login, or set VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY"


def api_endpoint(options: ApiOptions) -> Endpoint:
    """Return the endpoint that options, environment and profiles name."""
    return find_endpoint(
        user_environment(),
        api_url=options.api_url,
        profile=options.profile,
        auth=options.auth,
        ca_file=Path(options.ca_file) if options.ca_file else None,
        insecure=options.insecure,
    )


def refuse_expired(credential: Credential | None, now_s: float) -> None:
    """Raise Refused for a token that is past its own `exp`: the API would say no more than 401."""
    if credential is None or credential.expires_at is None or credential.expires_at > now_s:
        return
    ago = span_text(now_s - credential.expires_at)
    raise Refused(
        f"the token (from {credential.source}) expired {ago} ago",
        hint=f"get a new one: {HOW_TO_LOG_IN}; if it should be good, check this machine's clock",
        finding=FindingId.AUTH,
    )


def require_credential(endpoint: Endpoint) -> None:
    """Raise Refused when there is nothing to show to the API, or only what has expired."""
    if endpoint.credential is None:
        raise Refused("no credential was found", hint=HOW_TO_LOG_IN, finding=FindingId.AUTH)
    refuse_expired(endpoint.credential, time.time())


def check_credential(endpoint: Endpoint, target: Target) -> None:
    """`require_credential` for a target; a URL may do without one, but not with an expired one."""
    if target.kind is not TargetKind.URL:
        require_credential(endpoint)
    elif own := endpoint.rest_of(target):
        refuse_expired(own.credential, time.time())


def ask(options: ApiOptions, question: Callable[[Api], Awaitable[T]]) -> T:
    """Return what `question` finds out from the API that `options` name."""
    endpoint = api_endpoint(options)
    require_credential(endpoint)
    for warning in endpoint.warnings():
        say(f"warning: {warning}")
    return ask_endpoint(endpoint, question, timeout_s=options.connect_timeout)


def warn_of_overrides() -> None:
    """Say which variables come before the profiles that were just changed."""
    for variable in OVERRIDES:
        if user_environment().get(variable, "").strip():
            say(f"warning: {variable} is set, and comes before every profile")
