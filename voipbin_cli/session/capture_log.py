"""The capture of a run: every message and everything the run knew beside it, as it happens."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from voipbin_cli.capture.captured import CaptureEventName, CaptureMeta
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.clock import now_ns
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.received_form import ReceivedForm
from voipbin_cli.errors import VoipbinError
from voipbin_cli.media.audio_writer import open_bytes
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.media.kept_file import Moved
from voipbin_cli.session.ending import Close
from voipbin_cli.session.hearer import Hearer
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.text import mask
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message, Pings

# An event loop's timers are exact to some milliseconds: epoll_wait counts in whole ones, and other
# callbacks come first. Less than 10 ms late says nothing about this machine.
WORTH_NOTING_NS = 10_000_000
_DETAILS = (
    "http_status",
    "reason",
    "request_id",
    "retry_after",
    "call_status",
    "hangup_by",
    "hangup_reason",
    "outage_s",
    "last_attempt",
)


def refusal_fields(error: VoipbinError) -> dict[str, Any]:
    """An error as a finding, in words and with details; empty for one that is none."""
    finding = error.details.get("finding")
    if finding is None:
        return {}
    details = {name: error.details[name] for name in _DETAILS if name in error.details}
    words = {"cause": error.details.get("cause", ""), "remedy": error.hint}
    return {"finding": finding, **words, "details": {"message": error.message, **details}}


def closing_fields(ended: ConnectionEnded | Close) -> dict[str, Any]:
    """How a connection ended, as a diagnosis is told it."""
    return {
        "code": ended.code,
        "reason": ended.reason,
        "lasted_s": ended.lasted_s,
        "local": ended.local,
        **(
            {"token_expires_at": ended.token_expires_at, "token_left_s": ended.token_left_s}
            if ended.token_left_s is not None
            else {}
        ),
    }


def _kept(data: bytes | str) -> bytes | str:
    """Return a message as it is kept: a server may say back in text what it was given."""
    return mask(data) if isinstance(data, str) else data


class CaptureLog(Hearer):
    """Writes a capture to `path`, through a writer thread.

    Times come as the run's clock has them (monotonic, ns) and are written as Unix time, with the
    offset between the two taken once: a clock set back in mid-run moves no packet.
    """

    is_file = True

    def __init__(
        self,
        path: str,
        request: LiveRequest,
        *,
        overwrite: bool = False,
        clock: Callable[[], int] = now_ns,
        unix_clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._offset_ns = unix_clock() - clock()
        self._is_rtp = request.encapsulation is Encapsulation.RTP
        self._connections = 0
        self._client: int | None = None
        self._is_closed = False
        self._moves: deque[Moved] = deque()
        file = open_bytes(path, overwrite=overwrite, moved=self._moves.append)
        self._disk = BackgroundWriter(file)
        self._writer = PcapngWriter(self._disk, CaptureMeta(request.encapsulation, request.label))
        if file.filesystem is not None:
            self._disk.drain()  # killed at any time from here on, it leaves a capture that opens

    @property
    def full(self) -> bool:
        """The disk is so far behind that whoever reads the stream has to wait."""
        return self._disk.full

    def of_client(self, number: int) -> None:
        """What is told from here on is of this client of a proxy, until another one is named."""
        self._client = number

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Note that a connection is up."""
        self._event(at_ns, CaptureEventName.OPEN, connection=self._connections)
        self._connections += 1
        self._is_closed = False

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """Write what has come."""
        for message in messages:
            time_ns = message.arrival_ns + self._offset_ns
            self._writer.message(time_ns, Direction.IN, _kept(message.data), self._client or 0)

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        """Write what was sent."""
        time_ns = at_ns + self._offset_ns
        self._writer.message(time_ns, Direction.OUT, message, self._client or 0)

    def hear_sent_text(self, at_ns: int, text: str) -> None:
        """Write a text message that was sent."""
        time_ns = at_ns + self._offset_ns
        self._writer.message(time_ns, Direction.OUT, _kept(text), self._client or 0)

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """Note that it is gone."""
        self._event(
            at_ns,
            CaptureEventName.CLOSE,
            connection=self._connections - 1,
            **closing_fields(ended),
            abrupt=ended.abrupt,
            cause="network",
        )

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Note this machine's own lateness beside the arrivals."""
        if late_ns >= WORTH_NOTING_NS:
            self._client = None  # of all of them
            self._event(at_ns, CaptureEventName.LOCAL_LAG, ms=[round(late_ns / 1e6, 3)])

    def api_told(self, at_ns: int, fields: dict[str, Any]) -> None:
        """Note what the API said of the call."""
        self._event(at_ns, CaptureEventName.API, **fields)

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        """Note the reason, where a diagnosis has an id for it."""
        if fields := refusal_fields(error):
            self._event(at_ns, CaptureEventName.API, **fields)

    def hear_pings(self, at_ns: int, pings: Pings) -> None:
        """Note what the pings tell."""
        self._event(at_ns, CaptureEventName.RTT, **pings._asdict())

    def form_known(self, at_ns: int, form: ReceivedForm, payload_type: int | None) -> None:
        """Note what the stream speaks, and let Wireshark know what its payload type means."""
        self._event(at_ns, CaptureEventName.DIALECT, **asdict(form))
        if self._is_rtp and payload_type is not None and form.timestamp_hz is not None:
            self._writer.describe_media(
                at_ns + self._offset_ns,
                Direction.IN,
                payload_type=payload_type,
                codec=form.codec.value,
                clock_hz=form.timestamp_hz,
            )

    def one_closed(self, at_ns: int, fields: dict[str, Any]) -> None:
        """Note how one connection of several ended, as `fields` say; the run goes on."""
        self._event(at_ns, CaptureEventName.CLOSE, connection=self._connections - 1, **fields)
        self._is_closed = True

    def ended(self, at_ns: int, close: Close) -> None:
        """Note how the stream ended."""
        if close.error is not None:
            self.failed(at_ns, close.error)
        fields = close.as_fields() | closing_fields(close)
        fields["connection"] = self._connections - 1
        self._client = None
        if not self._is_closed:
            self._event(at_ns, CaptureEventName.CLOSE, **fields)
        self._event(at_ns, CaptureEventName.END, cause=close.cause.value)

    def warnings(self) -> list[str]:
        """Return where the file went."""
        told = []
        while self._moves:
            told.append(self._moves.popleft().message)
        return told

    def finish(self) -> None:
        """Put everything on the disk. Raises MachineError as the disk does."""
        self._writer.close()

    def _event(self, at_ns: int, name: CaptureEventName, **fields: object) -> None:
        client = {} if self._client is None else {"client": self._client}
        self._writer.event(at_ns + self._offset_ns, name.value, client | fields)
