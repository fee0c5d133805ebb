"""`diagnose` of a file: our own capture tells a live run over again, any other its RTP streams."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS, TalkLimits
from voipbin_cli.analysis.diagnosis import (
    KEPT_ROWS,
    KEPT_SAMPLES,
    DiagnosisFold,
    StreamDiagnosis,
    are_heard,
    diagnose,
)
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.findings import Circumstances, gravest_first, verdict
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.sent import SentFold
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import NOTHING, Told
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedEvent, CaptureEventName
from voipbin_cli.capture.packets import Flow
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import NothingToJudge
from voipbin_cli.media.sound_file import bare_form
from voipbin_cli.offline.both_ways import BothWays, End, Half, between, source_end
from voipbin_cli.offline.decryption import decrypted
from voipbin_cli.offline.file_kind import FileKind
from voipbin_cli.offline.named_codecs import encrypted_by, told_of
from voipbin_cli.offline.neighbours import PacketKind
from voipbin_cli.offline.own_capture import steps
from voipbin_cli.offline.passed_over import (
    CUT,
    PacketSource,
    beside_fields,
    how_to_read,
    in_words,
    remarks,
    transcoded_fields,
    unread,
    without_media,
)
from voipbin_cli.offline.rtp_dumps import RtpDump
from voipbin_cli.offline.session_descriptions import SessionDescriptions
from voipbin_cli.offline.source import CAPTURES, Hints, opened, refuse, refuse_encapsulation
from voipbin_cli.offline.streams import CapturedStream, StreamFinder
from voipbin_cli.offline.tcp_media import Media
from voipbin_cli.offline.tcp_streams import TCP, TcpStream, TcpStreamFinder
from voipbin_cli.offline.transcoding import transcoder
from voipbin_cli.offline.worker import Worker

_HINTS = Hints(
    known=CAPTURES,
    dump=f"voipbin stream validate judges dumps; {CAPTURES}",
    bare=f"{CAPTURES}; voipbin stream validate takes bare sound with -e sln, hex text with --hex",
)
_FIRST_CLIENT = 0
_RETOLD = (
    CaptureEventName.OPEN,
    CaptureEventName.CLOSE,
    CaptureEventName.RTT,
    CaptureEventName.LOCAL_LAG,
    CaptureEventName.API,
)


@dataclass(frozen=True, slots=True)
class DiagnosedStream:
    """One stream of a file. `name` is its ends and source, or the target of our own capture, or
    which client of a proxy it is of.

    `twice` counts packets that the capture holds a second time, `neighbours` those beside it in
    its flow that are no RTP.
    """

    name: str
    fold: StreamFold
    diagnosis: StreamDiagnosis
    tcp: Mapping[str, Any] | None = None
    """What TCP itself tells of it, where it came in TCP."""
    twice: int = 0
    neighbours: Mapping[str, int] = field(default_factory=dict)
    sending: SentFold | None = None
    """What was sent into it, where both directions are there."""
    direction: Direction | None = None
    """Which way its packets went, as seen from our side; None where nothing tells."""
    flow: Flow | None = None
    other: Flow | None = None
    """Between whom it goes, and the flow of the other way, where that is there, too."""
    call: str = ""
    """The call that it is of: a TARGET, or the Call-ID of SIP; empty where nothing tells."""

    @property
    def began_ns(self) -> int | None:
        """When its first frame came, Unix nanoseconds; None where that is not known."""
        return self.diagnosis.measured.began_ns or None

    def as_fields(self) -> dict[str, Any]:
        """The fields of its summary."""
        return {
            **self.diagnosis.as_fields(),
            **self._way_fields(),
            **({} if self.tcp is None else {"tcp": self.tcp}),
            **transcoded_fields(self.fold.told),
            **beside_fields(self.twice, self.neighbours),
        }

    def _way_fields(self) -> dict[str, Any]:
        """Which way it goes, its other way, and who answers whom in their conversation."""
        told: dict[str, Any] = {"direction": self.direction.value} if self.direction else {}
        if self.flow is None or self.other is None:
            return told
        told |= {"direction": told.get("direction"), "other_way": between(self.other)}
        if self.diagnosis.talk is not None:
            ends = {"caller": source_end(self.flow), "answers": source_end(self.other)}
            told["conversation"] = {**self.diagnosis.talk.as_fields(), "between": ends}
        return told


@dataclass(frozen=True, slots=True)
class FileDiagnosis:
    """What a file came to.

    `streams` has the worst first. `summary` are the fields of the summary: of the worst stream
    where there are several. `is_own`: a capture of a live run, which is one stream. `truncated`:
    the file ends inside of a record; what comes before it counts. `passed_over`: how many packets
    hold no media, by what they are; `unread` says which connections could not be read, and why.
    """

    streams: tuple[DiagnosedStream, ...]
    summary: dict[str, Any]
    is_own: bool
    truncated: bool
    passed_over: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    @property
    def remarks(self) -> Iterator[str]:
        """What else the file holds, a sentence each."""
        rows = [(stream.name, stream.as_fields()) for stream in self.streams]
        return remarks(rows, self.unread, self.passed_over)

    @property
    def worst(self) -> DiagnosedStream:
        """The stream that has to be looked at first."""
        return self.streams[0]


def diagnose_file(
    path: str,
    encapsulation: Encapsulation | None = None,
    heard: Callable[[bytes], None] | None = None,
    keylog: str | None = None,
    limits: TalkLimits = DEFAULT_LIMITS,
    ours: End | None = None,
) -> FileDiagnosis:
    """Diagnose a capture or an rtpdump, its sound included, or a recording.

    `encapsulation` is for our own captures, where they were made with a wrong one. `heard` gets
    what was sent as the phone does (s16le at 8 kHz), of the first stream that has it. `keylog` is
    a file of TLS keys, with which tshark decrypts what a capture holds of wss. `limits` are those
    of a conversation. `ours` is the end of the RTP streams in a capture of a network that is ours.
    Raises
    UsageError for what cannot be read, or is no capture of that encapsulation, NothingToJudge for
    what holds no stream.
    """
    with opened(path, hint="give the name of a capture", hint_if_damaged=CAPTURES) as source:
        is_bare = source.kind is FileKind.UNKNOWN and bare_form(path) is not None
        if source.kind is FileKind.RECORDING or (is_bare and source.head):
            return _of_recording(path, limits)
        if source.kind is FileKind.RTPDUMP:
            refuse_encapsulation(path, encapsulation)
            return _diagnose_streams(path, RtpDump(source.window), heard, limits, ours=ours)
        if source.kind is not FileKind.CAPTURE:
            refuse(path, source, _HINTS)
        capture = Capture(source.window)
        if capture.meta is None:
            refuse_encapsulation(path, encapsulation)
            return _diagnose_streams(path, capture, heard, limits, keylog, ours)
        target, used = capture.meta.target, encapsulation or capture.meta.encapsulation
        return _diagnose_run(path, target, used, capture, heard, limits)


def _of_recording(path: str, limits: TalkLimits) -> FileDiagnosis:
    # Resampling and the like are loaded for recordings alone.
    from voipbin_cli.offline.recordings import diagnose_recording

    recording = diagnose_recording(path, limits)
    stream = DiagnosedStream("", recording.fold, recording.diagnosis)
    missing = (recording.missing,) if recording.missing else ()
    return FileDiagnosis((stream,), recording.summary, True, False, unread=missing)


def _diagnose_run(
    path: str,
    target: str,
    encapsulation: Encapsulation,
    capture: Capture,
    heard: Callable[[bytes], None] | None,
    limits: TalkLimits,
) -> FileDiagnosis:
    """Tell a live run over again.

    Raises NothingToJudge where the capture ends before its first frame, and before the run did.
    """
    with Worker() as worker:
        runs: defaultdict[int, DiagnosisFold] = defaultdict(
            lambda: _both_ways(encapsulation, worker, limits, target)
        )
        _let_hear(runs[_FIRST_CLIENT], heard)
        for step in steps(capture, _RETOLD):
            if not isinstance(step, CapturedEvent):
                _add(runs[step.client], step.direction, step.messages)
                continue
            client = step.fields.get("client")
            for run in list(runs.values()) if client is None else [runs[client]]:
                _retell(run, step)
        for run in runs.values():
            run.flush()
    if not any(run.is_ended or _holds_frames(run) for run in runs.values()):
        raise NothingToJudge(
            f"{path} is cut: it ends before the first frame, and before its run did",
            hint=how_to_read((), is_cut=True),
        )
    for run in runs.values():
        run.is_cut = capture.truncated
    if len(runs) > 1:
        return _of_clients(target, runs, is_cut=capture.truncated)
    (run,) = runs.values()
    stream = DiagnosedStream(target, run.stream, run.diagnosis(), sending=run.sent, call=target)
    return FileDiagnosis((stream,), run.summary(target), True, capture.truncated)


def _holds_frames(run: DiagnosisFold) -> bool:
    return bool(run.stream.frames or (run.sent and run.sent.stream.frames))


def _of_clients(target: str, runs: Mapping[int, DiagnosisFold], *, is_cut: bool) -> FileDiagnosis:
    """Those of a proxy, each on its own, the worst first."""
    found = [
        (
            client,
            DiagnosedStream(
                f"client {client}", run.stream, run.diagnosis(), sending=run.sent, call=target
            ),
        )
        for client, run in sorted(runs.items())
    ]
    found.sort(key=lambda each: _rank(each[1]))
    worst = found[0][0]
    summary = runs[worst].summary(target) | {"clients": len(runs), "client": worst}
    return FileDiagnosis(tuple(stream for _, stream in found), summary, False, is_cut)


def _diagnose_streams(
    path: str,
    capture: PacketSource,
    heard: Callable[[bytes], None] | None,
    limits: TalkLimits,
    keylog: str | None = None,
    ours: End | None = None,
) -> FileDiagnosis:
    """Diagnose each RTP stream over UDP, and each media stream in TCP."""
    descriptions = SessionDescriptions()
    both = BothWays(ours)
    with Worker() as worker:
        make = partial(_udp_fold, capture, descriptions, both, worker)
        tcp: TcpStreamFinder[DiagnosisFold] = TcpStreamFinder(
            partial(_in_tcp, worker=worker, limits=limits), on_sip=descriptions.take
        )
        finder = StreamFinder(make)
        framed = StreamFinder(partial(_framed_fold, make, tcp, descriptions, both), TCP)
        finders = (finder, framed)
        for chunk in capture.chunks():
            descriptions.read(chunk)
            both.note(chunk, capture.flows)
            # TCP first: it may carry the descriptions of what UDP does.
            _add_all(tcp, tcp.add(chunk), heard)
            _add_framed(framed, tcp)
            for stream, messages in finder.add(chunk, capture.flows):
                stream.fold.add(messages)
        if keylog is not None:
            _add_all(tcp, tcp.add_decrypted(decrypted(path, keylog, tcp.encrypted)), heard)
            _add_framed(framed, tcp)
        for stream, messages in chain.from_iterable(each.finish() for each in finders):
            stream.fold.add(messages)
        of_phones, found_in_tcp = [*finder.streams, *framed.streams], tcp.streams
        for stream in of_phones:
            _tell_late(stream)
        for stream in of_phones:
            stream.fold.flush()
        both.finish()
        for each in found_in_tcp:
            each.fold.flush()
            each.fold.is_cut = capture.truncated
    is_cut = capture.truncated
    found = [
        *(
            _of_datagrams(each, both, limits, is_cut=is_cut, tcp=tcp if each.carrier else None)
            for each in of_phones
        ),
        *(
            DiagnosedStream(
                each.name,
                each.fold.stream,
                each.fold.diagnosis(),
                tcp=each.truth(),
                sending=each.fold.sent,
                flow=each.flow,
                call=each.call,
            )
            for each in found_in_tcp
        ),
    ]
    passed_over = without_media(capture, finders, tcp)
    if not found:
        raise NothingToJudge(
            "; ".join([f"{path} holds no RTP stream", *is_cut * [CUT], *unread(tcp.notes)])
            + in_words(passed_over, "; "),
            hint=how_to_read(tcp.notes, is_cut=is_cut),
        )
    found.sort(key=_rank)
    summary = {
        "target": None,
        **_fields_of_worst(found),
        "streams": len(found),
        "passed_over": passed_over,
    }
    return FileDiagnosis(
        tuple(found), summary, False, is_cut, passed_over, tuple(unread(tcp.notes))
    )


def _of_datagrams(
    stream: CapturedStream[StreamFold],
    both: BothWays,
    limits: TalkLimits,
    *,
    is_cut: bool,
    tcp: TcpStreamFinder[DiagnosisFold] | None,
) -> DiagnosedStream:
    """Diagnose it, and what it comes to with its other way; `tcp` where it came in that."""
    way, direction = both.of(stream.fold, stream.flow), both.direction(stream.flow)
    around = Circumstances(is_cut=is_cut, way=direction)
    talk = None
    if way is not None and direction is not Direction.OUT and _are_both_heard(way):
        talk = way.talk.result()
    return DiagnosedStream(
        stream.name,
        stream.fold,
        diagnose(stream.fold, around, limits=limits, talk=talk),
        tcp=tcp.truth(stream.flow) if tcp is not None else None,
        twice=stream.twice,
        neighbours=stream.neighbours,
        direction=direction,
        other=way.other.flow if way is not None and way.other is not None else None,
        flow=stream.flow,
        call=stream.fold.told.call,
    )


def _fields_of_worst(found: list[DiagnosedStream]) -> dict[str, Any]:
    """Those of the worst stream; of both ways together where it is known which is ours."""
    worst = found[0]
    other = next((each for each in found if each.other and each.other == worst.flow), None)
    if other is None or {worst.direction, other.direction} != set(Direction):
        return worst.as_fields()
    received, sent = (worst, other) if worst.direction is Direction.IN else (other, worst)
    findings = gravest_first(received.diagnosis.findings, sent.diagnosis.findings)
    fields = received.as_fields()
    del fields["direction"]
    return {
        **fields,
        "verdict": verdict(findings).value,
        "findings": [finding.as_fields() for finding in findings],
        "metrics_sent": sent.diagnosis.measured.as_fields(),
    }


def _are_both_heard(way: Half) -> bool:
    folds = (way.fold, *((way.other.fold,) if way.other else ()))
    return are_heard(*(fold.measured() for fold in folds))


def _new_fold(
    encapsulation: Encapsulation,
    worker: Worker,
    *,
    is_datagrams: bool = False,
    told: Told = NOTHING,
) -> StreamFold:
    is_made = told.is_transcoded and told.is_heard
    return StreamFold(
        encapsulation,
        is_datagrams=is_datagrams,
        told=told,
        transcode=transcoder(told.codec) if is_made else None,
        keep_samples=KEPT_SAMPLES,
        keep_rows=KEPT_ROWS,
        aside=worker,
    )


def _in_tcp(media: Media, worker: Worker, limits: TalkLimits) -> DiagnosisFold:
    return _both_ways(media.encapsulation, worker, limits)


def _both_ways(
    encapsulation: Encapsulation,
    worker: Worker,
    limits: TalkLimits,
    target: str | None = None,
) -> DiagnosisFold:
    """Folds of both directions of a stream."""
    received, sent = (_new_fold(encapsulation, worker) for _ in Direction)
    return DiagnosisFold(received, target, sent, limits)


def _let_hear(fold: DiagnosisFold, heard: Callable[[bytes], None] | None) -> None:
    """Give what was sent, as the phone gets it."""
    if heard is not None and fold.sent is not None and fold.sent.heard is None:
        sending = fold.sent
        sending.heard = HeardSound(sending.stream.encapsulation, heard, sending.queue)


def _add(fold: DiagnosisFold, direction: Direction, messages: Messages) -> None:
    if direction is Direction.IN:
        _note_cut(fold.stream, messages)
        fold.stream.add(messages)
    elif fold.sent is not None:
        _note_cut(fold.sent.stream, messages)
        fold.sent.add(messages)


def _note_cut(stream: StreamFold, messages: Messages) -> None:
    kept_bytes = messages.kept_bytes
    if kept_bytes is not None and stream.told.is_heard:
        stream.cut_to(kept_bytes)


def _add_all(
    tcp: TcpStreamFinder[DiagnosisFold],
    found: Iterator[tuple[TcpStream[DiagnosisFold], Direction, Messages]],
    heard: Callable[[bytes], None] | None,
) -> None:
    for media, direction, messages in found:
        if media is tcp.streams[0]:
            _let_hear(media.fold, heard)
        _add(media.fold, direction, messages)


def _udp_fold(
    capture: PacketSource,
    descriptions: SessionDescriptions,
    both: BothWays,
    worker: Worker,
    flow: Flow,
    first: Messages,
    beside: Mapping[PacketKind, int],
) -> StreamFold:
    told = told_of(flow, first, beside, descriptions)
    fold = _new_fold(Encapsulation.RTP, worker, is_datagrams=True, told=told)
    described = descriptions.of(flow, int(first.time_ns[0]))
    both.add(flow, fold, (media.call for media in described), capture.flows)
    return fold


def _framed_fold(
    make: Callable[[Flow, Messages, Mapping[PacketKind, int]], StreamFold],
    tcp: TcpStreamFinder[DiagnosisFold],
    descriptions: SessionDescriptions,
    both: BothWays,
    flow: Flow,
    first: Messages,
    beside: Mapping[PacketKind, int],
) -> StreamFold:
    """A fold as of UDP: what carries RTP between phones changes nothing about its sides."""
    if description := tcp.description(flow):
        descriptions.of_connection(description, flow)
    both.expect(flow.turned)
    return make(flow, first, beside)


def _add_framed(framed: StreamFinder[StreamFold], tcp: TcpStreamFinder[DiagnosisFold]) -> None:
    packets = tcp.take_packets()
    if packets is not None:
        for stream, messages in framed.add(packets, tcp.flows):
            stream.fold.add(messages)


def _tell_late(stream: CapturedStream[StreamFold]) -> None:
    """Keys may be agreed on while media flows already: in the clear at first, then encrypted."""
    fold = stream.fold
    by = fold.told.encrypted_by or encrypted_by(stream.beside)
    fold.told = replace(fold.told, encrypted_by=by, keyed_ns=stream.keyed_ns)


def _retell(run: DiagnosisFold, event: CapturedEvent) -> None:
    """Tell an event as the live run was told."""
    fields = event.fields
    match event.name:
        case CaptureEventName.OPEN:
            run.opened()
        case CaptureEventName.CLOSE if "abrupt" in fields:  # another connection was tried
            run.stream.broke(event.time_ns)
            run.ended(fields)
        case CaptureEventName.CLOSE:
            run.stream.flush()
            run.closed(event.time_ns, fields)
        case CaptureEventName.RTT:
            run.pinged(event.time_ns, fields)
        case CaptureEventName.LOCAL_LAG:
            for late_ms in _numbers(fields.get("ms")):
                run.lagged(event.time_ns, late_ms)
        case CaptureEventName.API:
            run.told(fields)


def _numbers(values: Any) -> Iterator[float]:
    """The numbers in what a file calls a list of them."""
    listed = values if isinstance(values, list) else []
    return (float(value) for value in listed if isinstance(value, (int, float)))


def _rank(stream: DiagnosedStream) -> tuple[int, int]:
    """Order by the gravest finding, then by the number of frames."""
    diagnosis = stream.diagnosis
    ranks = [-finding.severity.rank for finding in diagnosis.findings]
    return min(ranks, default=1), -diagnosis.measured.frames
