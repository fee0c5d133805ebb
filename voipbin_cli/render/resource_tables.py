"""Calls and conferences as tables and pages: which there are, and whether one can be heard now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.render.times import ago_text
from voipbin_cli.transport.resources import CallState, ConferenceState, ResourceState

STATUS_STYLES = {"progressing": "bold green", "ringing": "yellow", "dialing": "yellow"}
ROOMY = 100
_LATEST = ("tm_hangup", "tm_end", "tm_progressing", "tm_ringing", "tm_create")
_DIRECTIONS = {"incoming": "in", "outgoing": "out"}
_MAY_BE_CUT = ("FROM", "TO", "NAME")
_MUTES = {"in": "what it hears", "out": "what it says", "both": "both ways"}


class Outlook(NamedTuple):
    """Whether a media stream can be opened now, and why (not), in words."""

    possible: bool
    words: str


def since(state: ResourceState) -> str:
    """Return the timestamp of the latest thing that happened; empty where the API has none."""
    return next((text for name in _LATEST if (text := getattr(state, name, ""))), "")


def outlook(state: ResourceState) -> Outlook:
    """Say whether a media stream can be opened now, and why not."""
    what = "conference" if isinstance(state, ConferenceState) else "call"
    if not state.is_progressing:
        return Outlook(False, f"no media stream can be opened: {_obstacle(what, state)}")
    if isinstance(state, CallState) and state.mute_direction:
        muted = _MUTES.get(state.mute_direction, state.mute_direction)
        return Outlook(True, f"a media stream can be opened, but the call is muted ({muted})")
    if isinstance(state, ConferenceState) and state.members == 1:
        return Outlook(
            True,
            "a media stream can be opened; with one member it is silent until that one speaks",
        )
    return Outlook(True, "a media stream can be opened")


def _obstacle(what: str, state: ResourceState) -> str:
    if state.is_over:
        reason = getattr(state, "hangup_reason", "")
        side = getattr(state, "hangup_by", "")
        detail = ", ".join(part for part in (side and f"by {side}", reason) if part)
        return f"the {what} is over" + (f" ({detail})" if detail else "")
    return f"the {what} is {state.status or 'in no known state'}, and has media once progressing"


def state_fields(state: ResourceState) -> dict[str, Any]:
    """Return what scripts get of a call or conference."""
    possible, words = outlook(state)
    return asdict(state) | {"since": since(state), "streamable": possible, "outlook": words}


def show_calls(calls: Sequence[CallState], now: datetime) -> None:
    """Print one line a call."""
    columns: dict[str, Callable[[CallState], str]] = {
        "ID": lambda call: call.id,
        "FROM": lambda call: call.source,
        "TO": lambda call: call.destination,
        "DIR": lambda call: _DIRECTIONS.get(call.direction, call.direction),
        "STATUS": lambda call: call.status,
        "SINCE": lambda call: ago_text(since(call), now),
    }
    _show(calls, columns)


def show_conferences(conferences: Sequence[ConferenceState], now: datetime) -> None:
    """Print one line a conference."""
    columns: dict[str, Callable[[ConferenceState], str]] = {
        "ID": lambda conference: conference.id,
        "NAME": lambda conference: conference.name,
        "MEMBERS": lambda conference: str(conference.members),
        "STATUS": lambda conference: conference.status,
        "SINCE": lambda conference: ago_text(since(conference), now),
    }
    _show(conferences, columns)


def _show(rows: Sequence[Any], columns: Mapping[str, Callable[[Any], str]]) -> None:
    console = stdout_console()
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        padding=(0, 2 if console.width >= ROOMY else 1, 0, 0),
    )
    cells = [[cell(row) for cell in columns.values()] for row in rows]
    for name, texts in zip(columns, zip(*cells, strict=True), strict=True):
        # Ids are for copying, so they are never cut: on a narrow terminal other columns are.
        whole = None if name in _MAY_BE_CUT else max(map(cell_len, (name, *texts)))
        table.add_column(name, no_wrap=True, min_width=whole)
    for row, line in zip(rows, cells, strict=True):
        table.add_row(*map(Text, line), style=STATUS_STYLES.get(row.status, "dim"))
    console.print(table)


def choice_text(state: ResourceState, now: datetime) -> str:
    """Return one line to choose a call or conference by."""
    age = ago_text(since(state), now)
    if isinstance(state, ConferenceState):
        members = "1 member" if state.members == 1 else f"{state.members} members"
        parts = ["conference", state.name, members, age]
    else:
        parts = [getattr(state, "source", ""), "→", getattr(state, "destination", ""), age]
    return f"{state.id}  {' '.join(part for part in parts if part)}"


def show_state(state: ResourceState, now: datetime) -> None:
    """Print all that is known of one call or conference, then whether it can be heard now."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in asdict(state).items():
        if value not in ("", None):
            table.add_row(_label(name), Text(_value(name, str(value), now)))
    console = stdout_console()
    console.print(table)
    possible, words = outlook(state)
    console.print(Text(words, "bold green" if possible else "bold yellow"))


def _label(name: str) -> str:
    return name.removeprefix("tm_").replace("_", " ")


def _value(name: str, value: str, now: datetime) -> str:
    ago = ago_text(value, now) if name.startswith("tm_") else ""
    return f"{value}  ({ago} ago)" if ago else value
