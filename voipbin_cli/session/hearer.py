"""What takes part in a session: it hears what it cares for, and adds to the summary."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from voipbin_cli.codec.dialect import AudioFrame, FrameDecoder
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.codec.received_form import ReceivedForm
from voipbin_cli.errors import MachineError, VoipbinError
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message, Pings


def why_left_behind(error: MachineError | BrokenPipeError) -> MachineError:
    """Return what a run that goes on without one of its files says at its end."""
    if isinstance(error, MachineError):
        return error
    return MachineError(
        "what read from a pipe of ours is gone", hint="have it read to the end, or write to a file"
    )


class Joined(Protocol):
    """What a hearer may know of the session that it takes part in, and do to it."""

    @property
    def decoder(self) -> FrameDecoder:
        """What decodes the stream, and knows what the far end takes."""

    @property
    def sent_form(self) -> SendForm | None:
        """The form of what was sent last, None while nothing was."""

    @property
    def stopped_by(self) -> Cause | None:
        """What it was stopped for, None when nobody asked it to stop."""

    @property
    def duration_s(self) -> float | None:
        """How long it is wanted, None to its end."""

    def stop(self, cause: Cause) -> None:
        """End the stream as soon as what has arrived is handed over. The first cause counts."""

    def sent(self, at_ns: int, message: bytes) -> None:
        """Count a message that went out, and let everyone hear it."""

    def api_told(self, fields: dict[str, Any]) -> None:
        """Let every hearer know what the API has said about the call."""


class Hearer:
    """One listener of a stream; what it does not care for it leaves as it is here: nothing.

    Messages and frames come all that there are at a time, once a wake-up. Nothing may block, but
    `finish`. Times are in nanoseconds of the session's clock.
    """

    session: Joined

    is_file = False
    """It writes a file, without which the others can go on."""
    is_worth_a_run = True
    """It alone would be a reason to go on."""

    def joined(self, session: Joined) -> None:
        """Take part in this session."""
        self.session = session

    def beside(self) -> AbstractAsyncContextManager[None]:
        """Return what is entered before the stream begins, and left once all was finished."""
        return nullcontext()

    @property
    def full(self) -> bool:
        """Whether the stream has to wait: TCP holds the far end back meanwhile."""
        return False

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """A connection is up."""

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Messages have come, in order, of any kind."""

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Frames were decoded, in order, at 8 kHz; `tag` is the arrival in ns."""

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        """A message has been sent, silence that keeps the far end awake included."""

    def hear_sent_text(self, at_ns: int, text: str) -> None:
        """A text message has been sent: a client of a proxy may do so."""

    def hear_pings(self, at_ns: int, pings: Pings) -> None:
        """What the pings of a connection tell, told when it is over."""

    def form_known(self, at_ns: int, form: ReceivedForm, payload_type: int | None) -> None:
        """What the stream speaks is known, or known better."""

    def api_told(self, at_ns: int, fields: dict[str, Any]) -> None:
        """The API has said something about the call."""

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """The connection is gone, and another one is tried."""

    def connection_over(self) -> None:
        """All frames of a lost connection were heard; the next ones come from another."""

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Time passes, whether or not anything comes; this tick was due `late_ns` ago."""

    def warnings(self) -> list[str]:
        """Return what the user has to know now, each sentence once."""
        return []

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        """There was no connection, or this machine cannot go on."""

    def one_closed(self, at_ns: int, fields: dict[str, Any]) -> None:
        """One connection of several is over, as `fields` say."""

    def ended(self, at_ns: int, close: Close) -> None:
        """The stream is over; a last few frames may follow."""

    def finish(self) -> None:
        """Finish files and devices: everything was heard."""

    def summary(self) -> dict[str, Any]:
        """Return the fields that it adds to the summary."""
        return {}
