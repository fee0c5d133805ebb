"""The TARGET of a command: what it names, and how it is chosen when left out."""

from __future__ import annotations

import os

from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.errors import UsageError
from voipbin_cli.text import printable
from voipbin_cli.transport.targets import Target, parse_target, parse_target_not_file

STDIN = "-"


def chosen_target(text: str, api: ApiOptions) -> Target:
    """Return what `text` names; whoever gave none, an empty `text`, is asked.

    Raises:
        UsageError: it is no TARGET, or there is nobody to ask.
        Refused: nothing is in progress that could be offered.
    """
    if not text:
        return _picked(api)
    if os.path.isfile(text):
        raise UsageError(
            f"TARGET is missing: {printable(text, 80)} is a file",
            hint="TARGET comes first, such as a call's id, or sim for a simulated call; "
            "`voipbin stream diagnose FILE` judges a file",
        )
    return parse_target(text)


def chosen_source(text: str, api: ApiOptions, *, stdin: bool = False) -> str | Target:
    """Return what may be a file as well: its path where it exists, else a TARGET.

    `stdin` says whether - is a file. Raises as `chosen_target` does.
    """
    if not text:
        return _picked(api, or_file=True)
    if os.path.exists(text) or (stdin and text == STDIN):
        return text
    return parse_target_not_file(text)


def _picked(api: ApiOptions, *, or_file: bool = False) -> Target:
    # What asks the API and the user is loaded for those alone who name nothing.
    from voipbin_cli.commands.in_progress import picked_target

    return picked_target(api, or_file=or_file)
