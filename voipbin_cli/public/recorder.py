"""`record`: a call or conference into a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Unpack

from voipbin_cli.events import Tell
from voipbin_cli.public.connecting import Connecting, connected
from voipbin_cli.public.runs import plain, run_to_end, told
from voipbin_cli.public.summary import Summary
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.record import record_session
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.session import Session, SessionRequest


class Recorded(Summary):
    """What a recording came to; the fields are those of `voipbin stream record --json`."""

    @property
    def output(self) -> str | None:
        """The file; None where nothing came to keep."""
        output: str | None = self["output"]
        return output

    @property
    def audio_seconds(self) -> float:
        """How much was recorded."""
        seconds: float = self["audio_seconds"]
        return seconds


def recording(
    stream: LiveRequest,
    output: str,
    tell: Tell,
    *,
    duration_s: float | None = None,
    capture: str | None = None,
    overwrite: bool = False,
    fill: bool = True,
    both: bool = False,
    hearers: Sequence[Hearer] = (),
) -> tuple[Session, AudioFile]:
    """Return the session that records `stream`, and the file that it is kept in.

    Raises UsageError and MachineError for a file that could not be written.
    """
    file = AudioFile(output, overwrite=overwrite, fill=fill, capture=capture, both=both)
    request = SessionRequest(stream, duration_s, capture, overwrite)
    return record_session(request, tell, file, hearers), file


async def record_stream(
    target: str,
    output: str | os.PathLike[str],
    *,
    duration_s: float | None = None,
    capture: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    fill: bool = True,
    both: bool = False,
    on_event: Tell | None = None,
    **connecting: Unpack[Connecting],
) -> Recorded:
    """Record a call or conference to a file: `record` blocks, `await record_stream` does not.

    Args:
        target: a call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO].
        output: the file; its suffix says the format: wav, flac, ogg, raw, …
        duration_s: stop after so many seconds of audio; None is the call's end.
        capture: write every message, both ways, with its time (pcapng).
        overwrite: replace a file that exists.
        fill: put silence where audio was lost, so that the file keeps the call's clock.
        both: stereo: left what is received, right what is sent.
        on_event: called as `on_event(name, fields)` with what `--json` tells meanwhile.
        connecting: how to reach it (`Connecting`).

    Raises:
        UsageError: no TARGET, or a file that exists or cannot be written.
        Refused: no credential, or the API says no.
        ConnectionFailed: no connection, a lost one that was not won back, or no audio.
        MachineError: the disk is full, or the like.

    Example:
        >>> from voipbin_cli import record
        >>> recorded = record("sim", "call.wav", duration_s=0.5)
        >>> recorded.output, recorded.audio_seconds
        ('call.wav', 0.5)
    """
    async with connected(target, **connecting) as stream:
        session, _ = recording(
            stream,
            os.fspath(output),
            told(on_event),
            duration_s=duration_s,
            capture=None if capture is None else os.fspath(capture),
            overwrite=overwrite,
            fill=fill,
            both=both,
        )
        return Recorded(await run_to_end(session))


record = plain(record_stream, "record")
