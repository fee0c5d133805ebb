"""The capture of a run: every message and everything the run knew beside it, as it happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from voipbin_cli.capture.captured import CaptureEventName, CaptureMeta
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.received_form import ReceivedForm
from voipbin_cli.errors import VoipbinError
from voipbin_cli.media.audio_writer import AppendFile, open_new
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.session.live import Close, LiveRequest
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message

_DETAILS = ("http_status", "reason", "request_id", "retry_after", "call_status")


def refusal_fields(error: VoipbinError) -> dict[str, Any]:
    """An error as a finding and its details; empty for one that is none."""
    finding = error.details.get("finding")
    if finding is None:
        return {}
    details = {name: error.details[name] for name in _DETAILS if name in error.details}
    return {"finding": finding, "details": {"message": error.message, **details}}


class Logbook:
    """Writes a capture to `path`, through a writer thread; without a path it does nothing.

    Times come as the run's clock has them (monotonic, ns) and are written as Unix time, with the
    offset between the two taken once: a clock set back in mid-run moves no packet.
    """

    def __init__(
        self,
        path: str | None,
        request: LiveRequest,
        *,
        overwrite: bool = False,
        clock: Callable[[], int] = time.monotonic_ns,
        unix_clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._offset_ns = unix_clock() - clock()
        self._is_rtp = request.encapsulation is Encapsulation.RTP
        self._disk: BackgroundWriter | None = None
        self._writer: PcapngWriter | None = None
        self._connections = 0
        self._round_trips_told = 0
        self._connection: MediaConnection | None = None
        if path is not None:
            self._disk = BackgroundWriter(AppendFile(open_new(path, overwrite=overwrite)))
            meta = CaptureMeta(request.encapsulation, request.label)
            self._writer = PcapngWriter(self._disk, meta)
            self._disk.drain()  # killed at any time from here on, it leaves a capture that opens

    @property
    def full(self) -> bool:
        """The disk is so far behind that whoever reads the stream has to wait."""
        return self._disk is not None and self._disk.full

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """A connection is up."""
        self._connection, self._round_trips_told = connection, 0
        self._event(at_ns, CaptureEventName.OPEN, connection=self._connections)
        self._connections += 1

    def received(self, message: Message) -> None:
        """A message has come."""
        if self._writer is not None:
            time_ns = message.arrival_ns + self._offset_ns
            self._writer.message(time_ns, Direction.IN, message.data)

    def sent(self, at_ns: int, message: bytes) -> None:
        """A message was sent."""
        if self._writer is not None:
            self._writer.message(at_ns + self._offset_ns, Direction.OUT, message)

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """A connection is gone, and another one is tried."""
        self._tell_round_trips(at_ns)
        self._event(
            at_ns,
            CaptureEventName.CLOSE,
            connection=self._connections - 1,
            code=ended.code,
            reason=ended.reason,
            abrupt=ended.abrupt,
            cause="network",
        )

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """This process woke up late."""
        self._event(at_ns, CaptureEventName.LOCAL_LAG, ms=[round(late_ns / 1e6, 3)])

    def told(self, at_ns: int, fields: Mapping[str, object]) -> None:
        """What the API said of the call."""
        self._event(at_ns, CaptureEventName.API, **fields)

    def failed(self, at_ns: int, error: VoipbinError) -> None:
        """There was no connection, or no other one; a diagnosis has an id for the reason."""
        if fields := refusal_fields(error):
            self._event(at_ns, CaptureEventName.API, **fields)

    def decided(self, at_ns: int, verdict: ReceivedForm) -> None:
        """What the stream speaks is known, or known better."""
        self._event(at_ns, CaptureEventName.DIALECT, **asdict(verdict))

    def described(self, at_ns: int, verdict: ReceivedForm, payload_type: int) -> None:
        """Let Wireshark know what the payload type of what is received means."""
        if self._writer is not None and self._is_rtp and verdict.timestamp_hz is not None:
            self._writer.describe_media(
                at_ns + self._offset_ns,
                Direction.IN,
                payload_type=payload_type,
                codec=verdict.codec.value,
                clock_hz=verdict.timestamp_hz,
            )

    def ended(self, at_ns: int, close: Close) -> None:
        """The run is over, in order."""
        self._tell_round_trips(at_ns)
        if close.error is not None:
            self.failed(at_ns, close.error)
        fields = close.as_fields() | {"connection": self._connections - 1}
        self._event(at_ns, CaptureEventName.CLOSE, **fields)
        self._event(at_ns, CaptureEventName.END, cause=close.cause.value)

    def finish(self) -> None:
        """Put everything on the disk. Raises MachineError as the disk does."""
        if self._writer is not None:
            self._writer.close()

    def _tell_round_trips(self, at_ns: int) -> None:
        if self._connection is not None:
            trips_ms = [round(ms, 3) for ms in self._connection.rtts_ms[self._round_trips_told :]]
            self._round_trips_told += len(trips_ms)
            if trips_ms:
                self._event(at_ns, CaptureEventName.RTT, ms=trips_ms)

    def _event(self, at_ns: int, name: CaptureEventName, **fields: object) -> None:
        if self._writer is not None:
            self._writer.event(at_ns + self._offset_ns, name.value, fields)
