"""What the fuzzer runs: for each reader of outside bytes, what holds whatever they are.

A target takes bytes and returns; only the exceptions that its reader documents are caught. The
first byte often chooses a variant, so that a corpus needs one file a case.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np

from voipbin_cli.analysis.dissect import dissect
from voipbin_cli.analysis.facts.due import Spec
from voipbin_cli.analysis.facts.frames import Message, from_messages
from voipbin_cli.analysis.validation import Validator
from voipbin_cli.capture.reader import Capture
from voipbin_cli.capture.rtpdump import RtpDumpReader
from voipbin_cli.codec import audiosocket, chan_websocket, rtp
from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Direction, Encapsulation, unpack
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.media.wav_pipe import WavPipe
from voipbin_cli.session import dumps
from voipbin_cli.session.streams import StreamFinder
from voipbin_cli.transport.refusal import refusal
from voipbin_cli.transport.targets import parse_target

Target = Callable[[bytes], None]

_ENCAPSULATIONS = tuple(Encapsulation)
_SPECS = tuple(Spec)
_MAX_MESSAGES = 300


def _chosen(data: bytes) -> tuple[int, bytes]:
    return (data[0] if data else 0), data[1:]


def _messages(data: bytes) -> list[bytes]:
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
    for number, body_part in enumerate(_messages(body)):
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
    messages = [Message(part, n * 5_000_000) for n, part in enumerate(_messages(body))]
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
    """A capture is refused or read to its end, in columns and one by one alike."""
    try:
        packets = [packet.data for packet in Capture(io.BytesIO(data)).packets()]
    except DecodeError:
        return
    opened = Capture(io.BytesIO(data))
    columns = []
    finder = StreamFinder(lambda: Validator(Encapsulation.RTP, is_datagrams=True), Direction.IN)
    for chunk in opened.chunks():
        columns += [
            chunk.data[at : at + size]
            for at, size in zip(chunk.offset.tolist(), chunk.length_bytes.tolist(), strict=True)
        ]
        assert np.all(chunk.length_bytes >= 0)
        list(finder.add(chunk, opened.flows))
    list(finder.finish())
    assert columns == packets


def own_capture(data: bytes) -> None:
    """The records of a capture of ours come in the order of their times."""
    try:
        opened = Capture(io.BytesIO(data))
    except DecodeError:
        return
    if opened.meta is not None:
        list(opened.records())


def rtpdump(data: bytes) -> None:
    """An rtpdump is refused or read to its end."""
    try:
        for packet in RtpDumpReader(io.BytesIO(data)).packets():
            assert len(packet.data) <= 65535
    except DecodeError:
        return


def bare_dump(data: bytes) -> None:
    """No byte of a dump is lost."""
    first, body = _chosen(data)
    peek = first * 16
    for cut in (dumps.audiosocket_frames, dumps.sln_frames):
        pieces = cut(io.BytesIO(body[peek:]), body[:peek])
        got = b"".join(frames.message(n) for frames in pieces for n in range(len(frames)))
        assert got == (body if peek or not body else b"")


def hex_text(data: bytes) -> None:
    """Hex text is read or refused."""
    try:
        list(dumps.hex_messages(io.BytesIO(data)))
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
        pipe = WavPipe(io.BytesIO(data))
    except UsageError:
        return
    while len(pipe.read(1024)):
        pass


def refusal_body(data: bytes) -> None:
    """Any HTTP refusal becomes an error in one printable line."""
    first, body = _chosen(data)
    error = refusal(400 + first % 200, {"Retry-After": body[:20].decode("latin-1")}, body)
    assert error.message.isprintable()


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
        own_capture,
        rtpdump,
        bare_dump,
        hex_text,
        control_text,
        wav_stream,
        refusal_body,
        target_text,
    )
}
