"""A command that is given an id alone goes on with the conference that has it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.errors import IsConference

T = TypeVar("T")


def or_conference(
    field: str, *, unless: Callable[[Any], bool] = lambda options: False
) -> Callable[[Callable[[Any], T]], Callable[[Any], T]]:
    """Return what makes a command run again where its `field`, a bare id, is a conference's.

    Nothing was heard or sent until then. What uses up something before the connection, standard
    input or a program, cannot run again: `unless` says of which options that is true.
    """

    def decorated(command: Callable[[Any], T]) -> Callable[[Any], T]:
        @functools.wraps(command)
        def run(options: Any) -> T:
            try:
                return command(options)
            except IsConference as found:
                if unless(options):
                    raise
                _say(found, options.live)
                return command(replace(options, **{field: found.target}, **_again(options)))

        return run

    return decorated


def _say(found: IsConference, live: LiveOptions) -> None:
    from voipbin_cli.render.problems import say

    if not live.out.quiet:
        say(f"{found.message}; going on with {found.target}")


def _again(options: Any) -> dict[str, bool]:
    """The capture of the attempt holds nothing, and whether others are replaced was checked."""
    return {"overwrite": True} if options.live.capture is not None else {}
