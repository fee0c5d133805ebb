"""`validate`: every frame of a stream, a capture or a dump against its encapsulation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Unpack

from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.events import Tell
from voipbin_cli.offline.validate import validate_file
from voipbin_cli.public.connecting import Connecting, chosen, connected, one_of
from voipbin_cli.public.runs import run_blocking, run_to_end, told
from voipbin_cli.public.summary import Summary
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.session.validate import LiveValidation, validate_session


class Validation(Summary):
    """What was checked; the fields are those of `voipbin stream validate --json`."""

    @property
    def is_ok(self) -> bool:
        """Whether no rule of severity error was broken."""
        return bool(self["result"] == "pass")

    @property
    def violations(self) -> tuple[Mapping[str, Any], ...]:
        """Each rule that was broken, the gravest first: rule, severity, count, first_frame, …"""
        return tuple(self["violations"])

    @property
    def frames(self) -> int:
        """How many frames were checked."""
        frames: int = self["frames"]
        return frames


def checking(
    stream: LiveRequest,
    tell: Tell,
    scope: Scope,
    on_part: Callable[[Part], None] = lambda _part: None,
    *,
    duration_s: float | None = None,
    capture: str | None = None,
    overwrite: bool = False,
) -> tuple[Session, LiveValidation]:
    """Return the session in which every message of `stream` is judged, and the judge.

    `on_part` hears of all that is judged.
    """
    request = SessionRequest(stream, duration_s, capture, overwrite)
    judge = LiveValidation(request, scope, on_part)
    return validate_session(request, tell, judge), judge


async def validate_stream(
    target: str,
    *,
    spec: str = "auto",
    direction: str | None = None,
    max_frames: int | None = None,
    duration_s: float | None = None,
    capture: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_event: Tell | None = None,
    **connecting: Unpack[Connecting],
) -> Validation:
    """Check every frame of a live stream.

    Args:
        target: a call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO].
        spec: what they are measured against: auto, documented or deployed.
        direction: in (what is received), out (what is sent), or None for both.
        max_frames: stop after so many.
        duration_s: stop after so many seconds; None is the call's end.
        capture: write every message, both ways, with its time (pcapng).
        overwrite: replace it where it exists.
        on_event: called as `on_event(name, fields)` with what `--json` tells meanwhile.
        connecting: how to reach it (`Connecting`).

    Raises:
        UsageError: no TARGET, or a capture that exists or cannot be written.
        Refused: no credential, or the API says no.
        ConnectionFailed: no connection, a lost one that was not won back, or no audio.

    Example:
        >>> import asyncio
        >>> from voipbin_cli import validate_stream
        >>> asyncio.run(validate_stream("sim", direction="in", max_frames=10)).is_ok
        True
    """
    async with connected(target, **connecting) as stream:
        session, _ = checking(
            stream,
            told(on_event),
            _scope(spec, direction, max_frames),
            duration_s=duration_s,
            capture=None if capture is None else os.fspath(capture),
            overwrite=overwrite,
        )
        return Validation(await run_to_end(session))


def validate(
    source: str | os.PathLike[str],
    *,
    spec: str = "auto",
    direction: str | None = None,
    max_frames: int | None = None,
    **live: Any,
) -> Validation:
    """Check every frame of a capture, a dump or a live stream; blocks until it is through.

    A path that exists is a file, anything else is a TARGET, for which `await validate_stream` is
    the coroutine.

    Args:
        source: a capture, a dump (rtpdump, AudioSocket frames, PCM with encapsulation="sln") or a
            TARGET.
        spec, direction, max_frames: as `validate_stream` has them.
        live: of a TARGET, as `validate_stream` has them; of a dump `encapsulation`.

    Raises:
        UsageError: what cannot be read.
        NothingToJudge: a file that holds no frame.

    Example:
        >>> from pathlib import Path
        >>> from voipbin_cli import validate
        >>> head = bytes.fromhex("80000001000000a012345678")
        >>> _ = Path("one.rtp").write_bytes(head + 160 * b"\\xff")
        >>> checked = validate("one.rtp", direction="out", spec="deployed")
        >>> checked.is_ok, str(checked.violations[0]["rule"])
        (False, 'rtp-payload-type-refused')
    """
    path = os.fspath(source)
    if not os.path.exists(path):
        work = validate_stream(path, spec=spec, direction=direction, max_frames=max_frames, **live)
        return run_blocking(work, "validate", "validate_stream")
    scope = _scope(spec, direction, max_frames)
    return Validation(validate_file(path, scope, chosen(**live).encapsulation).summary)


def _scope(spec: str, direction: str | None, max_frames: int | None) -> Scope:
    way = None if direction is None else one_of(Direction, direction, "direction")
    return Scope(one_of(Spec, spec, "spec"), way, max_frames)
