"""`validate` of a file: every message of a capture or a dump, judged by the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any, TypeAlias

from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group, Tally
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedEvent, CaptureEventName, CaptureMeta
from voipbin_cli.capture.packets import Flow
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import NothingToJudge
from voipbin_cli.offline.audiosocket_stream import audiosocket_frames, holds_frames
from voipbin_cli.offline.bare_samples import sample_frames
from voipbin_cli.offline.file_kind import FileKind
from voipbin_cli.offline.named_codecs import told_of
from voipbin_cli.offline.neighbours import PacketKind
from voipbin_cli.offline.own_capture import is_reconnection, steps
from voipbin_cli.offline.passed_over import (
    CUT,
    beside_fields,
    how_to_read,
    in_words,
    remarks,
    unread,
    without_media,
)
from voipbin_cli.offline.rtp_dumps import rtpdump_packets, single_packet
from voipbin_cli.offline.session_descriptions import SessionDescriptions
from voipbin_cli.offline.source import (
    CAPTURES,
    Hints,
    OpenedFile,
    opened,
    refuse,
    refuse_encapsulation,
    source_name,
)
from voipbin_cli.offline.streams import CapturedStream, StreamFinder
from voipbin_cli.offline.tcp_media import Media
from voipbin_cli.offline.tcp_streams import TCP, TcpStream, TcpStreamFinder

JudgedStream: TypeAlias = CapturedStream[Validator] | TcpStream[Validator]
Judged: TypeAlias = tuple[Part, JudgedStream | None]

_FILES = f"{CAPTURES}; dumps are rtpdump or AudioSocket frames"
_HINTS = Hints(
    known=_FILES,
    dump=_FILES,
    bare=f"{_FILES}; bare sound is taken with -e sln, hex text with --hex",
)
# What a dump of each kind carries, where nobody says.
_CARRIED = {
    FileKind.AUDIOSOCKET: Encapsulation.AUDIOSOCKET,
    FileKind.RTP_PACKET: Encapsulation.RTP,
}


def validate_file(
    path: str, scope: Scope | None = None, encapsulation: Encapsulation | None = None
) -> FileValidation:
    """Judge a capture, a dump or standard input (`-`) from its beginning to its end.

    Raises UsageError for what cannot be read, NothingToJudge for what holds no frame.
    """
    validation = FileValidation(path, scope, encapsulation)
    for _ in validation.parts():
        pass
    return validation


class FileValidation:
    """Judges a capture, a dump or standard input (`-`), part by part.

    `streams` are those of a capture of a network, empty otherwise. `truncated`: the file ends in a
    record; `passed_over`: how many of its packets hold no media, by what they are; `unread`: which
    connections could not be read, and why. All of it is known when `parts` is through.
    """

    def __init__(
        self,
        path: str,
        scope: Scope | None = None,
        encapsulation: Encapsulation | None = None,
    ) -> None:
        self.path = path
        self.streams: list[JudgedStream] = []
        self.truncated = False
        self.passed_over: dict[str, int] = {}
        self.unread: list[str] = []
        self._scope = scope or Scope()
        self._encapsulation = encapsulation
        self._validator: Validator | None = None
        self._others: list[Validator] = []
        self._target: str | None = None

    def parts(self) -> Iterator[Judged]:
        """Yield all that is judged, and the stream where there are several; to be asked once.

        Raises UsageError for what cannot be read, NothingToJudge where there is no frame.
        """
        with opened(self.path, hint=_FILES, hint_if_damaged=_FILES) as source:
            yield from self._judge(source)
        if not self.frames:
            raise NothingToJudge(
                "; ".join(
                    [
                        f"{source_name(self.path)} holds no frame to judge",
                        *self.truncated * [CUT],
                        *self.unread,
                    ]
                )
                + in_words(self.passed_over, "; "),
                hint=how_to_read(self.unread, is_cut=self.truncated),
            )

    @property
    def frames(self) -> int:
        """How many were judged, of all streams."""
        return sum(sum(validator.frames.values()) for validator in self._validators())

    @property
    def summary(self) -> dict[str, Any]:
        """The fields of the summary."""
        if self._validator is not None and not self._others:
            return {"target": self._target, **self._validator.summary()}
        if self._validator is not None:
            return self._summary_of_clients(self._validator)
        return {
            "target": None,
            "encapsulation": self._first_encapsulation.value,
            "spec": self._scope.spec.value if self.streams else None,
            "frames": self.frames,
            "streams": len(self.streams),
            "passed_over": self.passed_over,
            **self._tally().as_fields(),
        }

    @property
    def _first_encapsulation(self) -> Encapsulation:
        """Of the first stream: those of one capture are hardly ever of several."""
        found = next(self._validators(), None)
        return found.encapsulation if found else Encapsulation.RTP

    def _summary_of_clients(self, first: Validator) -> dict[str, Any]:
        """Of a proxy's clients together, as a live run tells it."""
        came, went = (
            sum(each.frames[way] for each in self._validators())
            for way in (Direction.IN, Direction.OUT)
        )
        return {
            "target": self._target,
            **first.summary(),
            "frames": came + went,
            "frames_received": came,
            "frames_sent": went,
            "clients": 1 + len(self._others),
            **self._tally().as_fields(),
        }

    @property
    def stream_summaries(self) -> list[tuple[str, dict[str, Any]]]:
        """The name of each stream of a capture of a network, and the fields of its summary."""
        return [(stream.name, _summary(stream)) for stream in self.streams]

    @property
    def remarks(self) -> Iterator[str]:
        """What else the file holds, a sentence each."""
        return remarks(self.stream_summaries, self.unread, self.passed_over)

    @property
    def groups(self) -> list[Group]:
        """What was found, of all streams together."""
        return self._tally().groups

    def _tally(self) -> Tally:
        """The counts of all streams; each rule has its first message in the first of them."""
        tally = Tally()
        for validator in self._validators():
            tally.include(validator.tally)
        return tally

    def _validators(self) -> Iterator[Validator]:
        if self._validator is not None:
            yield self._validator
        yield from self._others
        for stream in self.streams:
            yield stream.fold

    def _judge(self, source: OpenedFile) -> Iterator[Judged]:
        if source.kind is FileKind.CAPTURE:
            yield from self._judge_capture(Capture(source.window))
        elif source.kind is FileKind.RTPDUMP:
            yield from self._judge_frames(Encapsulation.RTP, rtpdump_packets(source.window))
        else:
            yield from self._judge_bare(source)

    # Dumps

    def _judge_bare(self, source: OpenedFile) -> Iterator[Judged]:
        encapsulation = self._encapsulation or _CARRIED.get(source.kind)
        if encapsulation is None:
            refuse(self.path, source, _HINTS)
        window = source.window
        if encapsulation is Encapsulation.RTP:
            return self._judge_frames(encapsulation, single_packet(window))
        if encapsulation is Encapsulation.AUDIOSOCKET and holds_frames(source.head):
            return self._judge_frames(encapsulation, audiosocket_frames(window))
        # Samples, where frames are due as well: each piece of them breaks the rule then.
        return self._judge_frames(encapsulation, sample_frames(window), has_boundaries=False)

    def _judge_frames(
        self, encapsulation: Encapsulation, pieces: Iterable[Messages], **manner: bool
    ) -> Iterator[Judged]:
        validator = self._begin(encapsulation, **manner)
        direction = self._scope.direction or Direction.IN
        for frames in pieces:
            yield from _alone(validator.add(direction, frames))
            if validator.is_full:
                break
        yield from _alone(validator.finish())

    # Captures

    def _judge_capture(self, capture: Capture) -> Iterator[Judged]:
        if capture.meta is not None:
            yield from self._judge_messages(capture, capture.meta)
        else:
            refuse_encapsulation(self.path, self._encapsulation)
            yield from self._judge_streams(capture)
        self.truncated = capture.truncated

    def _judge_messages(self, capture: Capture, meta: CaptureMeta) -> Iterator[Judged]:
        """Judge a run, or the clients of a proxy, each on its own."""
        self._target = meta.target
        encapsulation = self._encapsulation or meta.encapsulation
        clients = {0: self._begin(encapsulation, is_two_way=True)}
        for step in steps(capture, (CaptureEventName.OPEN,)):
            if not isinstance(step, CapturedEvent):
                if step.client not in clients:
                    clients[step.client] = self._further(encapsulation)
                judging = clients[step.client]
                yield from _alone(judging.add(step.direction, step.messages))
            elif is_reconnection(step):
                yield from _alone(clients[0].finish())
            if all(validator.is_full for validator in clients.values()):
                break
        for validator in clients.values():
            yield from _alone(validator.finish())

    def _further(self, encapsulation: Encapsulation) -> Validator:
        """The judge of a further client."""
        further = self._scope.validator(encapsulation, self._target, is_two_way=True)
        self._others.append(further)
        return further

    def _judge_streams(self, capture: Capture) -> Iterator[Judged]:
        direction = self._scope.direction or Direction.IN
        descriptions = SessionDescriptions()
        tcp = TcpStreamFinder(self._tcp_validator, on_sip=descriptions.take)
        finder = StreamFinder(partial(self._stream_validator, descriptions))
        framed = StreamFinder(partial(self._framed_validator, tcp, descriptions), TCP)
        self.streams = []
        for chunk in capture.chunks():
            descriptions.read(chunk)
            # TCP first: it may carry the descriptions of what UDP does.
            for media, way, messages in tcp.add(chunk):
                yield from _of(media, media.fold.add(way, messages))
            found = finder.add(chunk, capture.flows)
            if (packets := tcp.take_packets()) is not None:
                found = chain(found, framed.add(packets, tcp.flows))
            for stream, messages in found:
                yield from _of(stream, stream.fold.add(direction, messages))
            self.streams = [*finder.streams, *framed.streams, *tcp.streams]
        for stream, messages in chain(finder.finish(), framed.finish()):
            yield from _of(stream, stream.fold.add(direction, messages))
        self.streams = [*finder.streams, *framed.streams, *tcp.streams]
        for each in self.streams:
            yield from _of(each, each.fold.finish())
        self.passed_over = without_media(capture, (finder, framed), tcp)
        self.unread = unread(tcp.notes)

    def _stream_validator(
        self,
        descriptions: SessionDescriptions,
        flow: Flow,
        first: Messages,
        beside: Mapping[PacketKind, int],
    ) -> Validator:
        told = told_of(flow, first, beside, descriptions)
        return self._scope.validator(Encapsulation.RTP, is_datagrams=True, is_heard=told.is_heard)

    def _framed_validator(
        self,
        tcp: TcpStreamFinder[Validator],
        descriptions: SessionDescriptions,
        flow: Flow,
        first: Messages,
        beside: Mapping[PacketKind, int],
    ) -> Validator:
        if description := tcp.description(flow):
            descriptions.of_connection(description, flow)
        return self._stream_validator(descriptions, flow, first, beside)

    def _tcp_validator(self, media: Media) -> Validator:
        return self._scope.validator(media.encapsulation, is_two_way=True)

    def _begin(self, encapsulation: Encapsulation, **manner: bool) -> Validator:
        self._validator = self._scope.validator(encapsulation, self._target, None, **manner)
        return self._validator


def _of(stream: JudgedStream, parts: Iterable[Part]) -> Iterator[Judged]:
    return ((part, stream) for part in parts)


def _summary(stream: JudgedStream) -> dict[str, Any]:
    fields = stream.fold.summary()
    if isinstance(stream, TcpStream):
        return fields
    return fields | beside_fields(stream.twice, stream.neighbours)


def _alone(parts: Iterable[Part]) -> Iterator[Judged]:
    """Parts of a file that holds one stream."""
    return ((part, None) for part in parts)
