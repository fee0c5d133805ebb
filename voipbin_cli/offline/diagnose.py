"""`diagnose` on a capture: our own tells a live run over again, any other its RTP streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

from voipbin_cli.analysis.diagnosis import (
    KEPT_ROWS,
    KEPT_SAMPLES,
    Diagnosis,
    DiagnosisFold,
    diagnose,
)
from voipbin_cli.analysis.messages import Messages, from_columns, from_messages
from voipbin_cli.analysis.messages import TimedMessage as Row
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.capture.messages import MessageChunk
from voipbin_cli.capture.reader import Capture, open_capture
from voipbin_cli.capture.records import (
    CapturedEvent,
    CapturedMessage,
    CaptureEventName,
    CaptureMeta,
)
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.payload_types import lookup
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline.sdp import Sessions
from voipbin_cli.offline.streams import CapturedStream, StreamFinder
from voipbin_cli.offline.worker import Worker

_IN = 1


class FileDiagnosis:
    """Diagnoses a capture. `streams` are those of a capture of UDP, each with its own folds.

    `truncated`: the file ends inside of a record; what comes before it counts.
    """

    def __init__(self, path: str, encapsulation: Encapsulation | None = None) -> None:
        self.path = path
        self.truncated = False
        self.story: DiagnosisFold | None = None
        self.target: str | None = None
        self.streams: list[tuple[str, StreamFold]] = []
        self._encapsulation = encapsulation
        self._aside = Worker()

    def run(self) -> None:
        """Read it all. Raises UsageError for what cannot be read, or holds no stream."""
        try:
            with open_capture(self.path) as capture:
                self._read(capture)
                self.truncated = capture.truncated
                self._aside.finish()
        except DecodeError as error:
            raise UsageError(
                f"cannot read {self.path}: {error.message}",
                hint="captures are pcap or pcapng; validate takes dumps, too",
            ) from error
        if self.story is None and not self.streams:
            raise UsageError(
                f"{self.path} holds no RTP stream",
                hint="captures are of RTP over UDP, or made with --capture",
            )

    def diagnoses(self) -> list[tuple[str, Diagnosis]]:
        """Of each stream of UDP, the worst first; its name beside it."""
        found = [(name, diagnose(fold)) for name, fold in self.streams]
        return sorted(found, key=lambda row: _rank(row[1]))

    def worst(self) -> tuple[StreamFold, Diagnosis]:
        """The stream that has to be looked at first."""
        if self.story is not None:
            return self.story.stream, self.story.diagnosis()
        rows = [(fold, diagnose(fold)) for _, fold in self.streams]
        return min(rows, key=lambda row: _rank(row[1]))

    def summary(self) -> dict[str, Any]:
        """Return the fields of the summary: of the worst stream where there are several."""
        if self.story is not None:
            return self.story.summary(self.target)
        _, diagnosis = self.worst()
        return {"target": None, **diagnosis.as_fields(), "streams": len(self.streams)}

    def _read(self, capture: Capture) -> None:
        if capture.meta is None:
            self._read_datagrams(capture)
        else:
            self._read_messages(capture, capture.meta)

    def _fold(self, encapsulation: Encapsulation, **options: Any) -> StreamFold:
        return StreamFold(
            encapsulation,
            keep_samples=KEPT_SAMPLES,
            keep_rows=KEPT_ROWS,
            aside=self._aside,
            **options,
        )

    # Our own

    def _read_messages(self, capture: Capture, meta: CaptureMeta) -> None:
        self.target = meta.target
        encapsulation = self._encapsulation or meta.encapsulation
        fold = self._fold(encapsulation)
        self.story = DiagnosisFold(fold)
        retold = _Retold(self.story)
        for chunk in capture.message_chunks():
            for part in _in_order(chunk):
                if isinstance(part, CapturedEvent):
                    retold.event(part)
                else:
                    fold.add(part)
        fold.flush()

    # Others'

    def _read_datagrams(self, capture: Capture) -> None:
        sessions = Sessions()

        def make() -> Validator:
            # The finder asks no more of what judges a stream than these two methods.
            return cast(Validator, _UdpStream(sessions, self._fold))

        finder = StreamFinder(make, Direction.IN)
        for chunk in capture.chunks():
            sessions.read(chunk)
            _exhaust(finder.add(chunk, capture.flows))
        _exhaust(finder.finish())
        self.streams = [(stream.name, _fold_of(stream)) for stream in finder.streams]


class _Retold:
    """Events of a capture, as the live run had them."""

    def __init__(self, story: DiagnosisFold) -> None:
        self._story = story

    def event(self, event: CapturedEvent) -> None:
        """Take one."""
        story, fields = self._story, event.fields
        match event.name:
            case CaptureEventName.OPEN:
                story.opened()
            case CaptureEventName.CLOSE:
                self._closed(event)
            case CaptureEventName.RTT:
                story.stream.round_trips(_numbers(fields.get("ms")))
            case CaptureEventName.LOCAL_LAG:
                for late_ms in _numbers(fields.get("ms")):
                    story.lagged(event.time_ns, late_ms)
            case CaptureEventName.API:
                story.told(fields)

    def _closed(self, event: CapturedEvent) -> None:
        if "abrupt" in event.fields:  # another connection was tried
            self._story.stream.broke(event.time_ns)
        else:
            names = ("code", "reason", "cause")
            self._story.stream.flush()
            self._story.closed(event.time_ns, {name: event.fields.get(name) for name in names})


class _UdpStream:
    """One stream over UDP, begun when its first packet is here to say what it is."""

    def __init__(self, sessions: Sessions, make: Callable[..., StreamFold]) -> None:
        self._sessions = sessions
        self._make = make
        self.fold: StreamFold | None = None

    def add(self, _direction: Direction, frames: Messages) -> Iterable[Any]:
        """Take packets in order."""
        if self.fold is None and len(frames):
            payload_type = frames.message(0)[1] & 0x7F
            clock_hz = self._sessions.clock_hz(payload_type) or _static_hz(payload_type)
            self.fold = self._make(Encapsulation.RTP, is_datagrams=True, clock_hz=clock_hz)
        if self.fold is not None:
            self.fold.add(frames)
        return ()

    def finish(self) -> Iterable[Any]:
        """The capture is over."""
        if self.fold is not None:
            self.fold.flush()
        return ()


def _fold_of(stream: CapturedStream) -> StreamFold:
    fold = cast(Any, stream.validator).fold
    assert isinstance(fold, StreamFold)
    return fold


def _static_hz(payload_type: int) -> int | None:
    known = lookup(payload_type)
    return known.clock_hz if known else None


def _in_order(chunk: MessageChunk) -> Iterator[Messages | CapturedEvent]:
    """What was received and what happened, in file order."""
    start = 0
    for position, record in chunk.others:
        stop = int(chunk.position.searchsorted(position))
        yield _received(chunk, start, stop)
        start = stop
        if isinstance(record, CapturedEvent):
            yield record
        elif record.direction is Direction.IN:
            yield _single(record)
    yield _received(chunk, start, len(chunk.position))


def _received(chunk: MessageChunk, start: int, stop: int) -> Messages:
    mine = start + (chunk.direction[start:stop] == _IN).nonzero()[0]
    return from_columns(
        chunk.data, chunk.offset[mine], chunk.length_bytes[mine], time_ns=chunk.time_ns[mine]
    )


def _single(message: CapturedMessage) -> Messages:
    return from_messages([Row(message.data, message.time_ns)])


def _numbers(values: Any) -> list[float]:
    """The numbers in what a file calls a list of them."""
    listed = values if isinstance(values, list) else []
    return [float(value) for value in listed if isinstance(value, (int, float))]


def _rank(diagnosis: Diagnosis) -> tuple[int, int]:
    ranks = [-finding.severity.rank for finding in diagnosis.findings]
    return min(ranks, default=1), -diagnosis.measured.frames


def _exhaust(parts: Iterator[Any]) -> None:
    for _ in parts:
        pass
