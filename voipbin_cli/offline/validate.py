"""`validate` of a file: every message of a capture or a dump, judged by the rules."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from voipbin_cli.analysis import messages as columns
from voipbin_cli.analysis.messages import Messages, from_columns, from_messages
from voipbin_cli.analysis.validation.measure import Measure
from voipbin_cli.analysis.validation.tally import Group, Tally
from voipbin_cli.analysis.validation.validator import Part, Validator
from voipbin_cli.capture.blocks import MAGIC as PCAPNG_MAGIC
from voipbin_cli.capture.messages import MessageChunk
from voipbin_cli.capture.pcap import MAGICS as PCAP_MAGICS
from voipbin_cli.capture.reader import Capture
from voipbin_cli.capture.records import (
    CapturedEvent,
    CapturedMessage,
    CaptureEventName,
    CaptureMeta,
)
from voipbin_cli.capture.rtpdump import MAGIC as RTPDUMP_MAGIC
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline import dumps
from voipbin_cli.offline.streams import CapturedStream, StreamFinder

if TYPE_CHECKING:
    from typing_extensions import Buffer

STDIN = "-"
_MAX_PACKET_BYTES = 12 + 15 * 4 + 4 + 0xFFFF * 4 + 0xFFFF + 0xFF
_WAYS = {1: Direction.IN, 2: Direction.OUT}

OnPart = Callable[[Part, CapturedStream | None], None]


class FileValidation:
    """Judges a capture, a dump, or standard input (`-`).

    `on_part(part, stream)` hears of all that is judged; `streams` are those of a capture of UDP,
    empty otherwise. `truncated`: the file ends inside of a record.
    """

    def __init__(
        self, path: str, measure: Measure, encapsulation: Encapsulation | None, on_part: OnPart
    ) -> None:
        self.path = path
        self.streams: list[CapturedStream] = []
        self.truncated = False
        self._measure = measure
        self._encapsulation = encapsulation
        self._on_part = on_part
        self._validator: Validator | None = None
        self._target: str | None = None

    def run(self) -> None:
        """Judge everything. Raises UsageError for what cannot be read or holds no frame."""
        if self.path == STDIN:
            self._judge(sys.stdin.buffer)
        else:
            with self._opened() as file:
                self._judge(file)
        if not self.frames:
            raise UsageError(
                f"{self._name} holds no frame to judge",
                hint="-e says which encapsulation it is; captures are of UDP, or by --capture",
            )

    def _opened(self) -> BinaryIO:
        try:
            return open(self.path, "rb")
        except OSError as error:
            raise UsageError(f"cannot read {self.path}: {error.strerror}") from error

    @property
    def frames(self) -> int:
        """How many were judged, of all streams."""
        return sum(sum(validator.frames.values()) for validator in self._validators())

    def summary(self) -> dict[str, Any]:
        """Return the fields of the summary."""
        if self._validator is not None:
            return {"target": self._target, **self._validator.summary()}
        return {"target": None, **_of_all(self.streams)}

    @property
    def groups(self) -> list[Group]:
        """What was found, of all streams together."""
        if self._validator is not None:
            return self._validator.tally.groups
        return _joined_tally(self.streams).groups

    @property
    def _name(self) -> str:
        return "standard input" if self.path == STDIN else self.path

    def _validators(self) -> Iterator[Validator]:
        if self._validator is not None:
            yield self._validator
        for stream in self.streams:
            yield stream.validator

    def _judge(self, file: BinaryIO) -> None:
        first = file.read(dumps.PEEK_BYTES)
        whole = cast(BinaryIO, io.BufferedReader(_Rejoined(first, file), 1 << 20))
        try:
            if first[:4] == PCAPNG_MAGIC or first[:4] in PCAP_MAGICS:
                self._judge_capture(Capture(whole))
            elif first.startswith(RTPDUMP_MAGIC):
                self._judge_frames(Encapsulation.RTP, dumps.rtpdump_frames(whole))
            else:
                self._judge_bare(first, file)
        except DecodeError as error:
            raise UsageError(f"cannot read {self._name}: {error.message}") from error

    # Dumps

    def _judge_bare(self, first: bytes, file: BinaryIO) -> None:
        encapsulation = self._encapsulation or _guess(first)
        if encapsulation is Encapsulation.RTP:
            self._judge_frames(encapsulation, dumps.single_frame(file, first, _MAX_PACKET_BYTES))
        elif encapsulation is Encapsulation.AUDIOSOCKET and dumps.holds_audiosocket(first):
            self._judge_frames(encapsulation, dumps.audiosocket_frames(file, first))
        else:
            # Samples, where frames are due as well: each piece of them breaks the rule then.
            pieces = dumps.sln_frames(file, first)
            self._judge_frames(encapsulation, pieces, has_boundaries=False)

    def _judge_frames(
        self, encapsulation: Encapsulation, pieces: Iterable[Messages], **manner: bool
    ) -> None:
        validator = self._begin(encapsulation, **manner)
        direction = self._measure.direction or Direction.IN
        for frames in pieces:
            self._tell(validator.add(direction, frames))
            if validator.is_full:
                break
        self._tell(validator.finish())

    # Captures

    def _judge_capture(self, capture: Capture) -> None:
        if capture.meta is not None:
            self._judge_messages(capture, capture.meta)
        else:
            self._judge_datagrams(capture)
        self.truncated = capture.truncated

    def _judge_messages(self, capture: Capture, meta: CaptureMeta) -> None:
        validator = self._begin(self._encapsulation or meta.encapsulation)
        self._target = meta.target
        for chunk in capture.message_chunks():
            for step in _steps(chunk, validator):
                self._tell(validator.finish() if step is None else validator.add(*step))
            if validator.is_full:
                break
        self._tell(validator.finish())

    def _judge_datagrams(self, capture: Capture) -> None:
        def make() -> Validator:
            return self._measure.validator(Encapsulation.RTP, is_datagrams=True)

        finder = StreamFinder(make, self._measure.direction or Direction.IN)
        self.streams = finder.streams
        for chunk in capture.chunks():
            self._tell_of_streams(finder.add(chunk, capture.flows))
        self._tell_of_streams(finder.finish())

    def _begin(self, encapsulation: Encapsulation, **manner: bool) -> Validator:
        self._validator = self._measure.validator(encapsulation, **manner)
        return self._validator

    def _tell(self, parts: Iterable[Part]) -> None:
        for part in parts:
            self._on_part(part, None)

    def _tell_of_streams(self, parts: Iterable[tuple[int, Part]]) -> None:
        for number, part in parts:
            self._on_part(part, self.streams[number])


class _Rejoined(io.RawIOBase):
    """A file whose beginning was read already."""

    def __init__(self, first: bytes, file: BinaryIO) -> None:
        self._first = first
        self._file = file

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read on."""
        room = memoryview(buffer)
        data = self._first[: len(room)] or self._file.read(len(room))
        self._first = self._first[len(room) :]
        room[: len(data)] = data
        return len(data)


def _guess(first: bytes) -> Encapsulation:
    """What bare bytes are, where nobody says: AudioSocket's frames, one packet, or samples."""
    if dumps.looks_like_audiosocket(first):
        return Encapsulation.AUDIOSOCKET
    if len(first) in (172, 332) and first[0] >> 6 == 2:
        return Encapsulation.RTP
    return Encapsulation.SLN


Step = tuple[Direction, Messages] | None


def _steps(chunk: MessageChunk, validator: Validator) -> Iterator[Step]:
    """The messages of a chunk by direction, in order where that matters; None: a new connection.

    Within a stretch the directions are apart: only while it is not known yet what the far end
    takes does what was sent come first, as far as it was.
    """
    others = [(at, record) for at, record in chunk.others if not _is_plain_event(record)]
    start = 0
    for position, record in others:
        stop = int(chunk.position.searchsorted(position))
        yield from _stretch(chunk, start, stop, validator)
        start = stop
        if isinstance(record, CapturedMessage):
            message = columns.TimedMessage(record.data, record.time_ns)
            yield record.direction, from_messages([message])
        else:
            yield None
    yield from _stretch(chunk, start, len(chunk.position), validator)


def _is_plain_event(record: CapturedMessage | CapturedEvent) -> bool:
    if isinstance(record, CapturedMessage):
        return False
    return record.name != CaptureEventName.OPEN or not record.fields.get("connection")


def _stretch(chunk: MessageChunk, start: int, stop: int, validator: Validator) -> Iterator[Step]:
    if start == stop:
        return
    frames = from_columns(
        chunk.data,
        chunk.offset[start:stop],
        chunk.length_bytes[start:stop],
        time_ns=chunk.time_ns[start:stop],
    )
    way = chunk.direction[start:stop]
    received = (way == 1).nonzero()[0]
    first = int(received[0]) if validator.is_waiting and len(received) else 0
    yield Direction.OUT, frames.part(0, first)
    rest, way = frames.part(first, len(frames)), way[first:]
    for code, direction in _WAYS.items():
        yield direction, rest.chosen(way == code)


def _of_all(streams: Sequence[CapturedStream]) -> dict[str, Any]:
    """The summary of several streams: frames added up, each rule with its first stream."""
    frames = sum(sum(stream.validator.frames.values()) for stream in streams)
    return {
        "encapsulation": Encapsulation.RTP.value,
        "spec": streams[0].validator.spec.value if streams else None,
        "frames": frames,
        "streams": len(streams),
        **_joined_tally(streams).as_fields(),
    }


def _joined_tally(streams: Sequence[CapturedStream]) -> Tally:
    tally = Tally()
    for stream in streams:
        tally.include(stream.validator.tally)
    return tally
