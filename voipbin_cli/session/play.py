"""`play`: files, standard input and tones into a call, whole, on time, and whatever happens."""

from __future__ import annotations

from typing import Any

from voipbin_cli.errors import ConnectionFailed, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.feed import Feed
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.sending import Sending
from voipbin_cli.session.session import Goal, Session, SessionRequest


class SendAll(Goal):
    """To send all of a source, `total_s` seconds of it or None where that is not known."""

    def __init__(self, sending: Sending, total_s: float | None = None) -> None:
        self._sending = sending
        self._total_s = total_s

    def is_unfinished(self, session: Session) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return not self._sending.is_all_sent

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return that the call ended before everything was sent."""
        ended_here = close.cause in (Cause.DURATION, Cause.INTERRUPTED)
        if close.error or self._sending.is_all_sent or ended_here:
            return close.error
        of_all = f" of {self._total_s:.2f} s" if self._total_s else ""
        return ConnectionFailed(
            f"the call ended when {self._sending.spoken_s:.2f} s{of_all} were sent",
            hint="the far end hung up, or the link broke: voipbin stream diagnose says more",
        )

    def summary(self, session: Session, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        kept_nothing = {"filled_seconds": 0.0, "output": None}
        fields = super().summary(session, close)
        return {"all_sent": self._sending.is_all_sent, **kept_nothing, **fields}


def play_session(
    request: SessionRequest,
    tell: Tell,
    feed: Feed,
    sending: Sending,
    *,
    total_s: float | None = None,
    file: AudioFile | None = None,
    **edges: Any,
) -> Session:
    """Return a session that plays `feed` by `sending`, `total_s` long; keeps what comes in `file`.

    `edges` are the clock and the like of `Session`.
    """
    hearers = [feed] if file is None else [feed, file]
    return Session(request, tell, hearers, source=sending, goal=SendAll(sending, total_s), **edges)
