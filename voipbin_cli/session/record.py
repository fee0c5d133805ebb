"""`record`: what a call or conference says, kept on the call's clock, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from voipbin_cli.events import Tell
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.session.session import Session, SessionRequest

# Nobody hears a recording as it is made: what comes in a fifth of a second is written at once,
# and time is looked at as often. Only a capture tells how late this process was, to a frame.
LINGER_S = 0.2
TICK_S = 0.2


def record_session(
    request: SessionRequest,
    tell: Tell,
    file: AudioFile,
    hearers: Sequence[Hearer] = (),
    **edges: Any,
) -> Session:
    """Return a session that keeps a stream in `file`, whose length counts for a duration.

    `hearers` hear it after the file, `edges` are the clock and the like of `Session`.
    """
    live = replace(request.live, linger_s=LINGER_S)
    if request.capture is None:
        live = replace(live, lag_interval_s=TICK_S)
    request = replace(request, live=live)
    return Session(request, tell, [file, *hearers], seconds=lambda: file.seconds, **edges)
