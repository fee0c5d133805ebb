"""`voipbin logout`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from voipbin_cli.commands.options import JsonOption


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutOptions:
    """Which credential is forgotten."""

    profile: Annotated[
        str | None,
        typer.Option(
            help="The profile to forget.",
            metavar="PROFILE",
            envvar="VOIPBIN_PROFILE",
            show_default="the current one",
        ),
    ] = None
    json: JsonOption = False


def logout(options: LogoutOptions) -> None:
    """Forget a stored credential.

    Examples:

        voipbin logout

        voipbin logout --profile lab
    """
    from voipbin_cli.commands.api import warn_of_overrides
    from voipbin_cli.environment import user_environment
    from voipbin_cli.errors import UsageError
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.transport.profiles import ProfileStore

    store = ProfileStore.of_user(user_environment())
    forgotten = store.delete(options.profile)
    if forgotten is None and options.profile is not None:
        kept = ", ".join(store.names)
        raise UsageError(
            f"there is no profile {options.profile!r}",
            hint=f"kept are: {kept}" if kept else "no profile is kept: nothing is to be forgotten",
        )
    if options.json:
        emit("summary", {"forgotten": forgotten})
    say(f"profile {forgotten} is forgotten" if forgotten else "no profile is stored")
    warn_of_overrides()
