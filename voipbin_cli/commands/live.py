"""What every live command does around its session: resolve TARGET, run, stop, tell, summarise."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.text import Text

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.commands.api import api_endpoint, check_credential
from voipbin_cli.commands.choose import choose_target
from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.errors import ExitStatus, VoipbinError
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.keys import KeyBindings, keys_read
from voipbin_cli.render.live_view import LiveView, is_terminal
from voipbin_cli.render.problems import say
from voipbin_cli.session.live import Cause, Close, LiveRequest, LiveStream
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Auth, Endpoint, stream_encapsulation
from voipbin_cli.transport.event_loop import run
from voipbin_cli.transport.targets import Target, TargetKind, parse_target

Tell = Callable[[str, dict[str, Any]], None]

ENDING_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


class LiveSession(Protocol):
    """A session that runs one stream: record, tap, diagnose, …"""

    stream: LiveStream

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now would cut short what was asked for."""

    async def run(self) -> Close:
        """Run until the stream ends."""

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what a run that ended in order did not achieve."""

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary."""

    def status(self) -> Any:
        """Return what a view shows."""


@contextmanager
def opened_target(text: str, live: LiveOptions) -> Iterator[LiveRequest]:
    """Yield what to listen to; the simulator of a `sim` target runs as long as the block does.

    Whoever gave no target, an empty `text`, is asked.
    """
    target = parse_target(text or choose_target(live))
    encapsulation = stream_encapsulation(
        target, Encapsulation(live.encapsulation) if live.encapsulation else None
    )
    if target.kind is not TargetKind.SIM:
        endpoint = api_endpoint(live)
        check_credential(endpoint, target)
        for warning in endpoint.warnings(target):
            say(f"warning: {warning}")
        yield _request(target, target.label, endpoint, encapsulation, live)
        return
    with EmbeddedSimulator(target.value, target.options) as simulator:
        credential = Credential(CredentialKind.TOKEN, simulator.token, "the simulator")
        endpoint = Endpoint(simulator.api_url, credential, Auth(live.auth))
        inner = parse_target(f"{simulator.kind}/{simulator.target_id}")
        yield _request(inner, target.label, endpoint, encapsulation, live)


def _request(
    target: Target, label: str, endpoint: Endpoint, encapsulation: Encapsulation, live: LiveOptions
) -> LiveRequest:
    return LiveRequest(
        target=target,
        label=label,
        endpoint=endpoint,
        encapsulation=encapsulation,
        reconnect=live.reconnect,
        keepalive=live.keepalive,
        connect_timeout_s=live.connect_timeout,
        give_up_after_s=live.give_up_after,
    )


def default_name(text: str, suffix: str) -> str:
    """Return `call-<id>-<UTC>.wav`, as the time is now."""
    return f"{parse_target(text).file_stem}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.{suffix}"


def run_live(
    live: LiveOptions,
    make_session: Callable[[Tell], LiveSession],
    make_lines: Callable[[Callable[[], Any]], Callable[[], list[Text]]],
    done_line: Callable[[dict[str, Any]], str],
    *,
    keys: Callable[[Any], KeyBindings] | None = None,
    plain_every_s: float | None = None,
) -> None:
    """Run one session with its view, its events and its summary; exit as the contract says.

    `keys(session)` says what the keys of a terminal do; without a terminal the view says a line
    every `plain_every_s`, if that is given.
    """
    session = make_session(_teller(live))
    lines = make_lines(session.status)
    view_wanted = not live.quiet and not live.json
    view = LiveView(lines, wanted=view_wanted, plain_every_s=plain_every_s)
    bindings = keys(session) if keys is not None and view_wanted else {}
    close = run(_run(session, view, bindings))
    summary = session.summary(close)
    if live.json:
        emit("summary", summary)
    elif view_wanted and is_terminal():
        say(done_line(summary))
    _end(session, close)


def _teller(live: LiveOptions) -> Tell:
    def tell(event: str, fields: dict[str, Any]) -> None:
        if live.json:
            emit(event, fields)
        if event == "warning" and not live.quiet:
            say(f"warning: {fields['message']}")
        elif live.verbose:
            say(f"{event}: " + ", ".join(f"{name} {value}" for name, value in fields.items()))

    return tell


async def _run(session: LiveSession, view: LiveView, bindings: KeyBindings) -> Close:
    with _stopping_on_signals(session.stream), keys_read(bindings):
        async with view:
            return await session.run()


@contextmanager
def _stopping_on_signals(stream: LiveStream) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the stream in order; the second one kills."""
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(stream.stop, Cause.INTERRUPTED)

    for name in ENDING_SIGNALS:
        # Windows has no SIGHUP.
        if number := getattr(signal, name, None):
            before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(session: LiveSession, close: Close) -> None:
    """Raise what the end amounts to; return where it was a good one."""
    if close.error is not None:
        raise close.error
    if close.cause is Cause.INTERRUPTED and session.is_unfinished:
        sys.exit(ExitStatus.INTERRUPTED)
    problem = session.problem(close)
    if problem is not None:
        raise problem
