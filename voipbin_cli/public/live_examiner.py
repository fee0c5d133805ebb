"""`diagnose` on a live stream."""

from __future__ import annotations

import os
from typing import Unpack

from voipbin_cli.clock import unix_offset_ns
from voipbin_cli.events import Tell
from voipbin_cli.public.connecting import Connecting, connected
from voipbin_cli.public.examiner import Diagnosis, Shown
from voipbin_cli.public.runs import run_to_end, told
from voipbin_cli.session.diagnose import LiveDiagnosis, diagnose_session
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.session import Session, SessionRequest

LISTENS_S = 30.0
"""For how long a live stream is listened to, where nobody says."""


def examining(
    stream: LiveRequest,
    tell: Tell,
    *,
    duration_s: float | None = LISTENS_S,
    capture: str | None = None,
    overwrite: bool = False,
    until_sure: bool = False,
    is_timed: bool = True,
) -> tuple[Session, LiveDiagnosis]:
    """Return the session that diagnoses `stream`, and what it has found so far.

    `is_timed`: the duration was asked for.
    """
    examination = LiveDiagnosis(stream, tell, until_sure=until_sure)
    request = SessionRequest(stream, duration_s, capture, overwrite)
    return diagnose_session(request, tell, examination, is_timed=is_timed), examination


def examined(stream: LiveRequest, examination: LiveDiagnosis) -> Diagnosis:
    """Return what a run that is over came to."""
    fold = examination.diagnosis
    steps = [step.as_fields() for step in examination.steps]
    return Diagnosis(
        fold.summary(stream.label), Shown(fold.stream, steps, offset_ns=unix_offset_ns())
    )


async def diagnose_stream(
    target: str,
    *,
    duration_s: float = LISTENS_S,
    until_sure: bool = False,
    capture: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_event: Tell | None = None,
    **connecting: Unpack[Connecting],
) -> Diagnosis:
    """Find out what is wrong with a live stream; what is refused or lost is a finding.

    Args:
        target: a call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO].
        duration_s: how long to listen.
        until_sure: stop as soon as the cause is certain.
        capture: write every message, both ways, with its time (pcapng).
        overwrite: replace it where it exists.
        on_event: called as `on_event(name, fields)` with what `--json` tells meanwhile.
        connecting: how to reach it (`Connecting`).

    Raises:
        UsageError: no TARGET, or a capture that exists or cannot be written.
        MachineError: the disk is full, or the like.

    Example:
        >>> import asyncio
        >>> from voipbin_cli import diagnose_stream
        >>> diagnosis = asyncio.run(diagnose_stream("sim:muted", duration_s=0.6))
        >>> diagnosis.is_ok, diagnosis.found("muted").title
        (False, 'the API says that the call is muted')
    """
    async with connected(target, **connecting) as stream:
        session, examination = examining(
            stream,
            told(on_event),
            duration_s=duration_s,
            capture=None if capture is None else os.fspath(capture),
            overwrite=overwrite,
            until_sure=until_sure,
        )
        await run_to_end(session)
        return examined(stream, examination)
