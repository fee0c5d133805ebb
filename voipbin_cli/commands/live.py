"""What every live command does with its session: show it, run it, stop it, summarise it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from voipbin_cli.commands.options import OutputOptions
from voipbin_cli.commands.signals import STREAM_SIGNALS, stopping_on
from voipbin_cli.errors import ExitStatus
from voipbin_cli.events import Tell
from voipbin_cli.public.runs import LiveSession
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.keyboard import KeyBindings, keys_read
from voipbin_cli.render.live_view import Lines, LiveView, is_terminal
from voipbin_cli.render.outlet import Outlet, finish_output
from voipbin_cli.render.problems import say
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.standard_streams import bound_waits
from voipbin_cli.transport.event_loop import run


def teller(out: OutputOptions, outlets: tuple[Outlet, Outlet]) -> Tell:
    """Return what a session tells its events to: they are printed as `out` asks.

    `outlets`, for stdout and stderr, wait for no reader.
    """
    lines, words = outlets

    def tell(event: str, fields: dict[str, Any]) -> None:
        if out.json:
            lines.emit(event, fields)
        if event == "warning" and not out.quiet:
            words.say(f"warning: {fields['message']}")
        elif out.verbose:
            words.say(f"{event}: " + ", ".join(f"{name} {value}" for name, value in fields.items()))

    return tell


def run_live(
    session: LiveSession,
    lines: Lines,
    done_line: Callable[[dict[str, Any]], str],
    out: OutputOptions,
    *,
    keys: KeyBindings | None = None,
    plain_every_s: float | None = None,
    outlets: tuple[Outlet, Outlet],
    leaves_file: bool = False,
    streams: Callable[[], Sequence[tuple[str, dict[str, Any]]]] = tuple,
    show_end: Callable[[dict[str, Any]], None] = lambda summary: None,
    complete: Callable[[dict[str, Any]], dict[str, Any]] = lambda summary: summary,
) -> None:
    """Run a session with its view and its summary; exit as the contract says.

    `outlets` are finished before the summary is told; `streams`, where there are several, come
    before it in JSON Lines. `show_end` shows people in a terminal more
    than one line of how it was.
    `keys` says what the keys of a terminal do; without a terminal the view says a line every
    `plain_every_s`, if that is given. Where it `leaves_file` the last line is said without a
    terminal, too, as nothing else says where that is. `complete` may tell more before the summary,
    and returns it with what else it is to hold.
    """
    bound_waits()
    view = LiveView(lines, wanted=out.is_chatty, plain_every_s=plain_every_s)
    try:
        close = run(_run(session, view, keys if keys and out.is_chatty else {}))
    finally:
        finish_output(*outlets)
    summary = complete(session.summary(close))
    if out.json:
        for name, fields in streams():
            emit("stream", {"stream": name, **fields})
        emit("summary", summary)
    elif out.is_chatty and (leaves_file or is_terminal()):
        say(done_line(summary))
        if is_terminal():
            show_end(summary)
    _end(session, close)


async def _run(session: LiveSession, view: LiveView, keys: KeyBindings) -> Close:
    stop = partial(session.stop, Cause.INTERRUPTED)
    with stopping_on(STREAM_SIGNALS, stop), keys_read(keys):
        async with view:
            return await session.run()


def _end(session: LiveSession, close: Close) -> None:
    """Raise what the end amounts to; return where it was a good one."""
    if close.cause is Cause.INTERRUPTED and session.is_unfinished:
        sys.exit(ExitStatus.INTERRUPTED)
    problem = session.problem(close)
    if problem is not None:
        raise problem
