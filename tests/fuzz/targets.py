"""What the fuzzer runs: for each reader of outside bytes, what holds whatever they are.

A target takes bytes and returns; only the exceptions that its reader documents are caught. The
first byte often chooses a variant, so that a corpus needs one file a case.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import math
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import astuple
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import numpy as np

from tests.capture.frames import pcap
from tests.support.channels import MAX_SIZE, LibraryAlone, heard
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.dissect import dissect
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedEvent, CaptureEventName
from voipbin_cli.capture.packets import Flow
from voipbin_cli.capture.rtpdump_reader import RtpDumpReader
from voipbin_cli.capture.tcp import Run
from voipbin_cli.capture.window import Window
from voipbin_cli.codec import audiosocket, chan_websocket, rtp
from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Direction, Encapsulation, unpack
from voipbin_cli.errors import ConnectionFailed, DecodeError, NothingToJudge, UsageError
from voipbin_cli.media.audio_source import BLOCK_BYTES, AudioSource
from voipbin_cli.media.wav_reader import WavReader
from voipbin_cli.offline.audiosocket_stream import audiosocket_frames
from voipbin_cli.offline.bare_samples import sample_frames
from voipbin_cli.offline.compressed import decompressed
from voipbin_cli.offline.file_kind import sniff
from voipbin_cli.offline.hex_text import hex_messages
from voipbin_cli.offline.own_capture import steps
from voipbin_cli.offline.recordings import diagnose_recording
from voipbin_cli.offline.session_descriptions import SessionDescriptions, described
from voipbin_cli.offline.sip_bytes import SipBytes
from voipbin_cli.offline.streams import StreamFinder
from voipbin_cli.offline.tcp_media import recognised
from voipbin_cli.offline.tcp_streams import TcpStreamFinder
from voipbin_cli.offline.turn import without_turn
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.refusal import refusal
from voipbin_cli.transport.resources import ResourceState
from voipbin_cli.transport.targets import parse_target
from voipbin_cli.transport.websocket_framing import Framing

Target = Callable[[bytes], None]

_ENCAPSULATIONS = tuple(Encapsulation)
_SPECS = tuple(Spec)
_MAX_MESSAGES = 300
_MEMORY = Path("/dev/shm")
_MAX_BLOCKS = 300
# A sample a second is made 8000 of, and soxr gives out a thousand at once: 130 MB at any length.
_MAX_AUDIO_BYTES = 160 << 20
# Ethernet, loopback, raw IP, Linux cooked (both), PPP, PPPoE, MPLS, radiotap.
LINK_TYPES = (1, 0, 101, 113, 276, 9, 51, 219, 127)
_MAX_TURNS = 40
# AudioSocket's header is made anew.
_MADE_BYTES = 3
_MAX_PIECES, _PIECE_BYTES = 16, 1 << 20
# 500 characters, of which each may become \U0001d173.
_MAX_TEXT = 5000


def _chosen(data: bytes) -> tuple[int, bytes]:
    return (data[0] if data else 0), data[1:]


def _window(data: bytes, first_bytes: int) -> Window:
    """A window that shows so many bytes at first, and all of them later."""
    window = Window(io.BytesIO(data))
    window.data = data[:first_bytes]
    return window


def taken_apart(data: bytes) -> list[bytes]:
    """Messages out of bytes: each has its length, one byte, in front; 255 repeats what follows."""
    messages = []
    while data and len(messages) < _MAX_MESSAGES:
        count, size = 1, data[0]
        if size == 255 and len(data) > 2:
            count, size, data = data[1], data[2], data[2:]
        messages += [data[1 : 1 + size]] * count
        data = data[1 + size :]
    return messages[:_MAX_MESSAGES]


def rtp_packet(data: bytes) -> None:
    """A packet that is read is built again, byte for byte but for its padding."""
    try:
        packet = rtp.parse(data)
    except DecodeError:
        return
    built = rtp.build(packet)
    body = len(data) - packet.padding_bytes
    assert built[:body] == data[:body]
    assert rtp.parse(built) == packet


def audiosocket_message(data: bytes) -> None:
    """Frames of a message are those of a byte stream, and are built again byte for byte."""
    try:
        frames = audiosocket.parse_message(data)
    except DecodeError:
        return
    assert b"".join(audiosocket.build(*frame) for frame in frames) == data
    assert tuple(audiosocket.StreamDecoder().feed(data)) == frames


def audiosocket_stream(data: bytes) -> None:
    """However a stream is cut, its frames are the same."""
    first, body = _chosen(data)
    cut = first * len(body) // 255
    decoder = audiosocket.StreamDecoder()
    frames = decoder.feed(body[:cut]) + decoder.feed(body[cut:])
    whole = audiosocket.StreamDecoder()
    assert frames == whole.feed(body)
    assert decoder.pending_bytes == whole.pending_bytes <= 65538


def message(data: bytes) -> None:
    """One message of any encapsulation is taken apart or refused, and always explained."""
    first, body = _chosen(data)
    encapsulation = _ENCAPSULATIONS[first % 3]
    fields = dissect(encapsulation, body)
    assert {at for field in fields for at in range(field.start, field.end)} == set(range(len(body)))
    try:
        unpack(encapsulation, body)
    except DecodeError:
        return


def decoder(data: bytes) -> None:
    """No frame is lost in the decoder, whatever came between."""
    first, body = _chosen(data)
    taken = FrameDecoder(_ENCAPSULATIONS[first % 3])
    released = 0
    for number, body_part in enumerate(taken_apart(body)):
        try:
            released += len(taken.feed(body_part, number))
        except DecodeError:
            continue
        assert taken.held <= 25
    released += len(taken.flush())
    assert taken.held == 0
    assert taken.verdict is None or 0 <= taken.verdict.confidence <= 1


def validator(data: bytes) -> None:
    """A stream is judged alike at once and one by one, and every message can be put in words."""
    first, body = _chosen(data)
    encapsulation, spec = _ENCAPSULATIONS[first % 3], _SPECS[first // 3 % 3]
    direction = Direction.OUT if first & 0x80 else Direction.IN
    messages = [TimedMessage(part, n * 5_000_000) for n, part in enumerate(taken_apart(body))]
    found = []
    for step in (len(messages) or 1, 1):
        judged = Validator(encapsulation, spec)
        parts = []
        for start in range(0, len(messages), step):
            parts += judged.add(direction, from_messages(messages[start : start + step]))
        parts += judged.finish()
        found.append([violation for part in parts for violation in part.violations()])
        assert sum(judged.frames.values()) == len(messages)
    assert found[0] == found[1]


def capture(data: bytes) -> None:
    """A capture is refused or read to its end, each packet lies in it, and streams are judged."""
    try:
        opened = Capture(Window(io.BytesIO(data)))
    except DecodeError:
        return
    finder = StreamFinder(lambda *_: Validator(Encapsulation.RTP, is_datagrams=True))
    tcp = TcpStreamFinder(lambda media: Validator(media.encapsulation), lambda *_: None)
    for chunk in opened.chunks():
        assert np.all(chunk.length_bytes >= 0)
        assert np.all(chunk.offset + chunk.length_bytes <= len(chunk.data))
        assert np.all(chunk.flow < len(opened.flows))
        for stream, messages in finder.add(chunk, opened.flows):
            list(stream.fold.add(Direction.IN, messages))
        for connection, direction, messages in tcp.add(chunk):
            list(connection.fold.add(direction, messages))
    for stream, messages in finder.finish():
        list(stream.fold.add(Direction.IN, messages))
    for stream in finder.streams:
        list(stream.fold.finish())


def wrapped_packets(data: bytes) -> None:
    """Whatever stands around packets: links, tunnels, fragments and mirrors come to an end."""
    first, body = _chosen(data)
    frames = [(n * 20_000_000, frame) for n, frame in enumerate(taken_apart(body))]
    capture(pcap(frames, link_type=LINK_TYPES[first % len(LINK_TYPES)]))


def media_in_tcp(data: bytes) -> None:
    """However the bytes of a connection came, they hold the same messages, and no more than that.

    The client and the server speak in turn.
    """
    first, body = _chosen(data)
    turns = taken_apart(body)[:_MAX_TURNS]
    if not turns:
        return
    found = [_messages_in(turns, size) for size in (max(map(len, turns)) + 1, first + 16)]
    assert found[0] == found[1]
    assert sum(map(len, found[0])) <= sum(map(len, turns)) + _MADE_BYTES * len(found[0])


def _messages_in(turns: list[bytes], size: int) -> list[bytes | str]:
    media = recognised(turns[0], is_from_client=True)
    found: list[bytes | str] = []
    for n, turn in enumerate(turns if media is not None else []):
        for at in range(0, len(turn), size):
            run = Run(n, turn[at : at + size], False)
            found += [m.data for _, m in media.add(run, is_from_client=n % 2 == 0)]
    return found


def session_description(data: bytes) -> None:
    """What a SIP message describes can be asked for at any time, and its numbers are numbers."""
    descriptions = SessionDescriptions()
    for n, message in enumerate(data.split(b"\0")[:_MAX_TURNS]):
        descriptions.take(n * 10**9, message)
        for media in described(message):
            assert 0 <= media.port <= 65535
            assert all(0 <= number <= 127 for number in media.types)
            flow = Flow("192.0.2.1", 4000, str(media.address), media.port)
            descriptions.of(flow, n * 10**9)


def compressed(data: bytes) -> None:
    """What is compressed is read to its end, or to where it is damaged, piece by piece."""
    file = decompressed(io.BufferedReader(io.BytesIO(data)))
    for _ in range(_MAX_PIECES):
        piece = file.read(_PIECE_BYTES)
        assert len(piece) <= _PIECE_BYTES
        if not piece:
            return


def own_capture(data: bytes) -> None:
    """A capture of ours is walked through to its end, and each message lies in it."""
    try:
        opened = Capture(Window(io.BytesIO(data)))
    except DecodeError:
        return
    if opened.meta is None:
        return
    for step in steps(opened, tuple(CaptureEventName)):
        if not isinstance(step, CapturedEvent):
            assert len(step.messages)
            assert np.all(step.messages.offset + step.messages.length <= len(step.messages.data))


def rtpdump(data: bytes) -> None:
    """An rtpdump is refused or read to its end."""
    try:
        for packet in RtpDumpReader(Window(io.BytesIO(data))).packets():
            assert len(packet.data) <= 65535
    except DecodeError:
        return


def bare_dump(data: bytes) -> None:
    """A dump is of one kind or another, and no byte of it is lost."""
    first, body = _chosen(data)
    first_bytes = first * 16 or 1
    sniff(body)
    for cut in (audiosocket_frames, sample_frames):
        pieces = cut(_window(body, first_bytes))
        got = b"".join(frames.message(n) for frames in pieces for n in range(len(frames)))
        assert got == body


def hex_text(data: bytes) -> None:
    """Hex text is read or refused."""
    try:
        list(hex_messages(io.BytesIO(data)))
    except UsageError:
        return


def control_text(data: bytes) -> None:
    """Asterisk's control messages are read or refused."""
    try:
        chan_websocket.parse_event(data.decode("utf-8", "replace"))
    except DecodeError:
        return


def wav_stream(data: bytes) -> None:
    """A WAV on standard input is refused or read to its end."""
    try:
        pipe = WavReader(io.BytesIO(data))
    except UsageError:
        return
    while len(pipe.read(1024)):
        pass


def wav_file(data: bytes) -> None:
    """A sound file is refused or played, in whole blocks, no longer than it said, in little memory.

    A header may claim a sample a second, which makes hours of a small file: its beginning does.
    """
    with TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as directory:
        path = Path(directory, "any.wav")
        path.write_bytes(data)
        tracemalloc.start()
        try:
            source = AudioSource([str(path)])
            sizes = [len(block) for block in itertools.islice(source.blocks(), _MAX_BLOCKS)]
            _, most_bytes = tracemalloc.get_traced_memory()
        except UsageError:
            return
        finally:
            tracemalloc.stop()
    assert set(sizes) <= {BLOCK_BYTES}
    assert source.duration_s is None or len(sizes) <= math.ceil(source.duration_s * 50) + 1
    assert most_bytes < _MAX_AUDIO_BYTES


_BARE = ("", ".ulaw", ".alaw", ".sln", ".sln16", ".gsm")


def recording(data: bytes) -> None:
    """A sound file, or bare codes by their suffix, is refused or judged, without any time."""
    first, body = _chosen(data)
    with TemporaryDirectory(dir=_MEMORY) as directory:
        path = Path(directory) / f"call{_BARE[first % len(_BARE)]}"
        path.write_bytes(body)
        try:
            summary = diagnose_recording(str(path)).summary
        except (UsageError, NothingToJudge):
            return
    assert summary["metrics"]["mos"]["value"] is None
    assert not any((summary["metrics"]["frame_interval_ms"] or {}).values())


def sip_stream(data: bytes) -> None:
    """SIP in TCP is cut into the same messages however it came, and none is made up."""
    first, body = _chosen(data)
    whole, cut = SipBytes(), SipBytes()
    messages = list(whole.add(Run(0, body, False)))
    pieces = [body[at : at + first + 1] for at in range(0, len(body), first + 1)]
    assert [m for piece in pieces for m in cut.add(Run(0, piece, False))] == messages
    assert all(message in body for message in messages)


def relayed_packet(data: bytes) -> None:
    """What is taken out of TURN is a part of it, and a packet of RTP's version."""
    found = without_turn(from_messages([TimedMessage(data)])).message(0)
    assert found in data
    assert found == data or found[0] >> 6 == 2


def rest_document(data: bytes) -> None:
    """Whatever the API says of calls and conferences becomes printable lines, or one error."""
    first, body = _chosen(data)
    try:
        states = asyncio.run(_asked(first, body))
    except ConnectionFailed:
        return
    for value in itertools.chain.from_iterable(map(astuple, states)):
        assert isinstance(value, int) or (value.isprintable() and len(value) <= _MAX_TEXT)


class _Answers(httpx2.AsyncBaseTransport):
    """Answers every request, without a network, with the same body."""

    body = b""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=httpx2.ByteStream(self.body))


_ANSWERS = _Answers()


@cache
def _answered_api() -> Api:
    api = Api(Endpoint("http://localhost/v1.0"))
    api._client = httpx2.AsyncClient(transport=_ANSWERS)
    return api


async def _asked(first: int, body: bytes) -> list[ResourceState]:
    api, _ANSWERS.body = _answered_api(), body
    match first % 4:
        case 0:
            return [await api.get_call("1")]
        case 1:
            return [await api.get_conference("1")]
        case 2:
            return [call async for call in api.list_calls()]
        case _:
            return [conference async for conference in api.list_conferences()]


def refusal_body(data: bytes) -> None:
    """Any HTTP refusal becomes an error in one printable line."""
    first, body = _chosen(data)
    error = refusal(400 + first % 200, {"Retry-After": body[:20].decode("latin-1")}, body)
    assert error.message.isprintable()


def websocket_frames(data: bytes) -> None:
    """With the plain frames taken out ahead of the library the same is heard as without."""
    size, data = _chosen(data)
    pieces = [data[at : at + size + 1] for at in range(0, len(data), size + 1)]
    assert heard(pieces, Framing(MAX_SIZE)) == heard(pieces, LibraryAlone(MAX_SIZE))


def target_text(data: bytes) -> None:
    """A TARGET is one or is none, and its label is printable."""
    try:
        target = parse_target(data.decode("utf-8", "replace"))
    except UsageError:
        return
    assert target.file_stem


TARGETS: Mapping[str, Target] = {
    target.__name__: target
    for target in (
        rtp_packet,
        audiosocket_message,
        audiosocket_stream,
        message,
        decoder,
        validator,
        capture,
        wrapped_packets,
        media_in_tcp,
        session_description,
        compressed,
        own_capture,
        rtpdump,
        bare_dump,
        hex_text,
        control_text,
        wav_stream,
        wav_file,
        recording,
        sip_stream,
        relayed_packet,
        rest_document,
        refusal_body,
        target_text,
        websocket_frames,
    )
}
