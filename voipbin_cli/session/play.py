"""`play`: files, standard input and tones into a call, whole, on time, and whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voipbin_cli.errors import ConnectionFailed, UsageError, VoipbinError
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.feed import Feed
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.sending import Sending
from voipbin_cli.session.session import Goal, Session, SessionRequest
from voipbin_cli.session.talk_judging import TalkJudging


class SendAll(Goal):
    """To send all of a source, `total_s` seconds of it or None where that is not known.

    `damages` says of each of its files that held less than it promised, how much was there.
    """

    def __init__(
        self,
        sending: Sending,
        total_s: float | None = None,
        damages: Mapping[str, str] | None = None,
    ) -> None:
        self._sending = sending
        self._total_s = total_s
        self._damages = {} if damages is None else damages

    def is_unfinished(self, session: Session) -> bool:
        """Whether Ctrl-C now cuts short what was asked for."""
        return not self._sending.is_all_sent

    def problem(self, session: Session, close: Close) -> VoipbinError | None:
        """Return that the call ended before everything was sent, or that a file was not whole."""
        ended_here = close.cause in (Cause.DURATION, Cause.INTERRUPTED)
        if close.error or ended_here:
            return close.error
        if self._sending.is_all_sent:
            return self._not_whole()
        of_all = f" of {self._total_s:.2f} s" if self._total_s else ""
        return ConnectionFailed(
            f"the call ended when {self._sending.spoken_s:.2f} s{of_all} were sent",
            hint="the far end hung up, or the link broke: voipbin stream diagnose says more",
        )

    def _not_whole(self) -> VoipbinError | None:
        """What there was has been played: that the files held less is said at the end."""
        if not self._damages:
            return None
        return UsageError(
            "; ".join(self._damages.values()),
            hint="what is there was played; make or fetch the file again",
        )

    def summary(self, session: Session, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        kept_nothing = {"filled_seconds": 0.0, "output": None}
        fields = super().summary(session, close)
        damaged = {"damaged": list(self._damages.values())} if self._damages else {}
        return {"all_sent": self._sending.is_all_sent, **damaged, **kept_nothing, **fields}


def play_session(
    request: SessionRequest,
    tell: Tell,
    feed: Feed,
    sending: Sending,
    *,
    total_s: float | None = None,
    damages: Mapping[str, str] | None = None,
    file: AudioFile | None = None,
    judging: TalkJudging | None = None,
    **edges: Any,
) -> Session:
    """Return a session that plays `feed` by `sending`, `total_s` long; keeps what comes in `file`.

    `judging` judges what is sent; `damages` fills while its files are read, as `Outgoing` has it.
    `edges` are the clock and the like of `Session`.
    """
    others = [hearer for hearer in (file, judging) if hearer is not None]
    hearers = [feed, *others]
    goal = SendAll(sending, total_s, damages)
    return Session(request, tell, hearers, source=sending, goal=goal, **edges)
