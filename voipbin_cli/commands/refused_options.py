"""Options that a live stream alone heeds: beside a file they are refused, and not passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING

from voipbin_cli.errors import UsageError

if TYPE_CHECKING:
    from voipbin_cli.commands.options import ApiOptions, LiveOptions

_OF_FILES_TOO = {"api", "encapsulation", "out"}
# The environment may have set them, for all commands.
_OF_ENVIRONMENT = {"api_url", "profile"}


def refuse_live_options(live: LiveOptions, what: str, *, asks_api: bool = False) -> None:
    """Raise UsageError for an option that says something of a stream which `what` is not.

    `asks_api`: the API is asked all the same, so that its options count.
    """
    given = [*_given(live, _OF_FILES_TOO)]
    if not asks_api:
        given += _given(live.api, _OF_ENVIRONMENT)
    if given:
        raise UsageError(
            f"{given[0]} is for a live stream, and {what} is none", hint="leave it out"
        )


def _given(options: LiveOptions | ApiOptions, others: set[str]) -> Iterator[str]:
    """The flags of those that are not as they are by default."""
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name not in others and value != field.default:
            no = "no-" if value is False else ""
            yield f"--{no}{field.name.replace('_', '-')}"
