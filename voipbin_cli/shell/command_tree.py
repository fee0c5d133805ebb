"""The whole tool as data: the source of all that is generated."""

from __future__ import annotations

from voipbin_cli.render.tree import Command, describe


def command_tree() -> Command:
    """Return voipbin and everything below it."""
    from voipbin_cli.main import app

    return describe(app.loaded())
