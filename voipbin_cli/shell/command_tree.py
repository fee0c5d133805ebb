"""The whole tool as data: the source of all that is generated."""

from __future__ import annotations

from dataclasses import replace

from voipbin_cli.render.tree import Command, describe


def typed_tree() -> Command:
    """Return what can be typed: every command, also by its short form."""
    from voipbin_cli.main import app

    root = command_tree()
    short = [describe(command.loaded(), (name,)) for name, command in app.short_forms.items()]
    return replace(root, commands=(*root.commands, *short))


def command_tree() -> Command:
    """Return voipbin and everything below it."""
    from voipbin_cli.main import app

    return describe(app.loaded())
