"""How a session of the library runs: awaited to its end, or blocking for who has no event loop."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, ParamSpec, Protocol, TypeVar

from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.transport.event_loop import run

T = TypeVar("T")
P = ParamSpec("P")

log = logging.getLogger("voipbin_cli")


class LiveSession(Protocol):
    """A session that runs one stream: record, tap, diagnose, …"""

    @property
    def is_unfinished(self) -> bool:
        """Whether Ctrl-C now would cut short what was asked for."""

    async def run(self) -> Close:
        """Run until the stream ends."""

    def stop(self, cause: Cause) -> None:
        """End it in order. The first cause counts."""

    def problem(self, close: Close) -> VoipbinError | None:
        """Return what a run that ended in order did not achieve."""

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary."""


async def run_to_end(session: LiveSession) -> dict[str, Any]:
    """Run `session` and return the fields of its summary.

    A task that is cancelled ends the stream in order: what was recorded is whole.
    Raises VoipbinError for what the run did not achieve.
    """
    running = asyncio.ensure_future(session.run())
    try:
        close = await asyncio.shield(running)
    except asyncio.CancelledError:
        session.stop(Cause.INTERRUPTED)
        await asyncio.wait([running])
        raise
    problem = session.problem(close)
    if problem is not None:
        raise problem
    return session.summary(close)


def plain(coroutine: Callable[P, Coroutine[Any, Any, T]], name: str) -> Callable[P, T]:
    """Return `coroutine` as the function `name`, which blocks until the result is there."""

    @functools.wraps(coroutine)
    def blocking(*args: P.args, **kwargs: P.kwargs) -> T:
        return run_blocking(coroutine(*args, **kwargs), name, coroutine.__name__)

    blocking.__name__ = blocking.__qualname__ = name
    return blocking


def run_blocking(work: Coroutine[Any, Any, T], name: str, awaited: str) -> T:
    """Run `work` to its end. Raises UsageError inside a running event loop, which it would block.

    `name` is what was called, `awaited` the coroutine to call there.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run(work)
    work.close()
    raise UsageError(
        f"{name}() would block the event loop that runs here", hint=f"await {awaited}() instead"
    )


@asynccontextmanager
async def entered_aside(context: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave what blocks (a child process that starts) without holding up the loop."""
    value = await asyncio.to_thread(context.__enter__)
    try:
        yield value
    except BaseException as error:
        if not await asyncio.to_thread(context.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        await asyncio.to_thread(context.__exit__, None, None, None)


def logged(event: str, fields: dict[str, Any]) -> None:
    """Hear the events of a run for whoever wants none of them: they go into the log."""
    if event == "warning":
        log.warning("%s", fields["message"])
    else:
        log.debug("%s %s", event, fields)


def told(on_event: Tell | None) -> Tell:
    """Return what hears the events of a run: what the caller gave, else the log."""
    return on_event or logged
