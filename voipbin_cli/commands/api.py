"""What a command that asks the API does: find the endpoint, warn, ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.environment import user_environment
from voipbin_cli.public.access import api_endpoint, require_credential
from voipbin_cli.render.problems import say
from voipbin_cli.transport.api import Api, ask_endpoint

T = TypeVar("T")

# What holds a credential and comes before every profile.
OVERRIDES = ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY")


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
