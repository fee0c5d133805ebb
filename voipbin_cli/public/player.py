"""`play`: files and digits into a call."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Unpack

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.events import Tell
from voipbin_cli.public.connecting import Connecting, connected, one_of
from voipbin_cli.public.runs import plain, run_to_end, told
from voipbin_cli.public.summary import Summary
from voipbin_cli.session.feed import Feed
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS
from voipbin_cli.session.play import play_session
from voipbin_cli.session.played_audio import Outgoing, open_outgoing
from voipbin_cli.session.recording_file import optional_file
from voipbin_cli.session.sending import Sending, SpeakRequest
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.session.talk_judging import TalkJudging


class Played(Summary):
    """What playing came to; the fields are those of `voipbin stream play --json`."""

    @property
    def all_sent(self) -> bool:
        """Whether everything was sent."""
        return bool(self["all_sent"])

    @property
    def send_error_ms(self) -> dict[str, float]:
        """How late frames went out, against the grid of 20 ms: p50, p99, max."""
        errors: dict[str, float] = self["send_error_ms"]
        return errors


def playing(
    stream: LiveRequest,
    outgoing: Outgoing,
    tell: Tell,
    *,
    speak: SpeakRequest,
    duration_s: float | None = None,
    capture: str | None = None,
    record: str | None = None,
    overwrite: bool = False,
    both: bool = False,
) -> tuple[Session, Sending]:
    """Return the session that plays `outgoing` into `stream`, and what sends it.

    `tell` hears of what is doubtful about it. Raises UsageError and MachineError for a recording
    that could not be written.
    """
    for doubt in outgoing.doubts:
        tell("warning", {"message": doubt})
    file = optional_file(record, overwrite=overwrite, capture=capture, both=both)
    feed = Feed(outgoing.blocks)
    sending = Sending(feed, speak, stream.encapsulation, tell)
    session = play_session(
        SessionRequest(stream, duration_s, capture, overwrite),
        tell,
        feed,
        sending,
        total_s=outgoing.seconds,
        damages=outgoing.damages,
        file=file,
        judging=TalkJudging(stream, is_talk=False),
    )
    return session, sending


async def play_stream(
    target: str,
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    *,
    dtmf: str | None = None,
    loop: int = 1,
    gain_db: float = 0.0,
    duration_s: float | None = None,
    record: str | os.PathLike[str] | None = None,
    both: bool = False,
    capture: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    lead_ms: int = DEFAULT_LEAD_MS,
    payload: str | None = None,
    payload_type: int | None = None,
    on_event: Tell | None = None,
    **connecting: Unpack[Connecting],
) -> Played:
    """Play files or digits into a call: `play` blocks, `await play_stream` does not.

    Args:
        target: a call's id, conference/ID, a ws:// or wss:// address, or sim[:SCENARIO].
        files: one audio file or several, of any kind, rate and number of channels.
        dtmf: digits to send as tones before them: 0-9, A-D, * and #; a comma is half a second.
        loop: how often the files are played; 0 is until the call ends.
        gain_db: louder, or softer where it is negative.
        duration_s: stop after so many seconds.
        record: a file for what comes back meanwhile; `both` adds what is sent, on the right.
        capture: write every message, both ways, with its time (pcapng).
        overwrite: replace files that exist.
        lead_ms: how far ahead of real time to send, the frame just sent included, 0 to 80.
        payload: mulaw or s16le, what RTP carries; None is what the far end takes.
        payload_type: the number it has there; None is the far end's.
        on_event: called as `on_event(name, fields)` with what `--json` tells meanwhile.
        connecting: how to reach it (`Connecting`).

    Raises:
        UsageError: no TARGET, or a file that cannot be played or written.
        Refused: no credential, or the API says no.
        ConnectionFailed: no connection, or the call ended before everything was sent.
        MachineError: the disk is full, or the like.

    Example:
        >>> from voipbin_cli import play
        >>> play("sim", dtmf="1#").all_sent
        True
    """
    named = [files] if isinstance(files, (str, os.PathLike)) else files
    outgoing = open_outgoing([os.fspath(f) for f in named], dtmf=dtmf, loop=loop, gain_db=gain_db)
    codec = None if payload is None else one_of(Codec, payload, "payload")
    places: dict[str, Any] = {"record": record, "capture": capture}
    async with connected(target, **connecting) as stream:
        session, _ = playing(
            stream,
            outgoing,
            told(on_event),
            speak=SpeakRequest(lead_ms, codec, payload_type),
            duration_s=duration_s,
            overwrite=overwrite,
            both=both,
            **{name: None if path is None else os.fspath(path) for name, path in places.items()},
        )
        return Played(await run_to_end(session))


play = plain(play_stream, "play")
