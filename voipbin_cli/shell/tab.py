"""What TAB asks while a command is typed: ids of what is in progress, devices, profiles.

The completion scripts run `_VOIPBIN_COMPLETE=KIND voipbin CURRENT-WORD WORDS-BEFORE-IT...` and
read lines of `value TAB help`. Whatever goes wrong, there is no answer rather than a message, and
none takes longer than LIMIT_S.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, NoReturn

from voipbin_cli.environment import user_environment
from voipbin_cli.shell.command_line import LIMIT_S, CommandLine


class Completion(NamedTuple):
    """A word that the shell offers, with its help."""

    value: str
    help: str


def _targets(line: CommandLine) -> list[Completion]:
    """Calls by their bare id, unless `call/` was begun; conferences with their prefix."""
    from voipbin_cli.shell.in_progress import in_progress

    prefix = "call/" if line.current.startswith("call/") else ""
    return [
        Completion((prefix if found.kind == "call" else "conference/") + found.id, found.help)
        for found in in_progress(line)
    ]


def _calls(line: CommandLine) -> list[Completion]:
    from voipbin_cli.shell.in_progress import in_progress

    return [Completion(found.id, found.help) for found in in_progress(line) if found.kind == "call"]


def _conferences(line: CommandLine) -> list[Completion]:
    from voipbin_cli.shell.in_progress import in_progress

    return [
        Completion(found.id, found.help)
        for found in in_progress(line)
        if found.kind == "conference"
    ]


def _profiles(line: CommandLine) -> list[Completion]:
    from voipbin_cli.transport.profiles import ProfileStore

    store = ProfileStore.of_user(line.environ)
    return [Completion(name, store.address(name) or "") for name in store.names]


def _devices(_line: CommandLine) -> list[Completion]:
    from voipbin_cli.media.devices import list_devices

    return [
        Completion(str(device.number), device.name) for device in list_devices() if device.outputs
    ]


SOURCES: Mapping[str, Callable[[CommandLine], list[Completion]]] = {
    "targets": _targets,
    "calls": _calls,
    "conferences": _conferences,
    "devices": _devices,
    "profiles": _profiles,
}


def answer(kind: str, line: CommandLine, limit_s: float = LIMIT_S) -> list[Completion]:
    """Return what there is of `kind` that begins with the current word; nothing after `limit_s`."""
    rows: list[Completion] = []

    def look() -> None:
        # An error is not shown here: the command itself tells it, once it runs.
        with contextlib.suppress(BaseException):
            rows.extend(SOURCES[kind](line))

    # A daemon thread, as looking up a name cannot be cancelled: it may be left running.
    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(limit_s)
    return [row for row in tuple(rows) if row.value.startswith(line.current)]


def answer_and_exit(kind: str, arguments: Sequence[str]) -> NoReturn:
    """Answer and end the process, with whatever threads are left."""
    current, *words = arguments or [""]
    rows = answer(kind, CommandLine(current, words, user_environment()))
    text = "".join(f"{row.value}\t{' '.join(row.help.split())}\n" for row in rows)
    with contextlib.suppress(OSError):
        os.write(1, text.encode("utf-8", "replace"))
    os._exit(0)
