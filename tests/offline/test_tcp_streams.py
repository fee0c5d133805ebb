"""Media in TCP: what was captured where a program ran is judged as a live run is."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from websockets.frames import Frame, Opcode

from tests.capture import frames as f
from tests.capture.support import vector
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.errors import NothingToJudge
from voipbin_cli.offline.both_ways import parse_end
from voipbin_cli.offline.diagnose import FileDiagnosis, diagnose_file
from voipbin_cli.offline.validate import FileValidation
from voipbin_cli.simulator.talker import speech

pytestmark = pytest.mark.slow

MS = 1_000_000
SYN, ACK = 0x02, 0x10
HERE, THERE = "192.0.2.1", "198.51.100.1"
PATH = "/v1.0/calls/5c1f2a04-3b9e-4a44-9f0a-0d6f1f0c9a11/media_stream"
SECRET = "eyJhbGciOiJIUzI1NiJ9.c2VjcmV0LXNlY3JldA.c2VjcmV0LXNlY3JldC1zZWNyZXQ"

Packet = tuple[int, bytes]


class Wire:
    """Both directions of one connection, written segment by segment."""

    def __init__(self, client_port: int = 40000) -> None:
        self._port = client_port
        self._next = {True: 1000, False: 5000}
        self.packets: list[Packet] = []

    def say(self, time_ns: int, data: bytes, *, client: bool, flags: int = 0x18) -> None:
        ports = (self._port, 80) if client else (80, self._port)
        ends = (HERE, THERE) if client else (THERE, HERE)
        segment = f.tcp(
            data, sequence=self._next[client], ack=self._next[not client], flags=flags, ports=ports
        )
        self._next[client] += len(data) + bool(flags & SYN)
        packet = f.ipv4(segment, protocol=6, source=ends[0], destination=ends[1])
        self.packets.append((time_ns, packet))

    def open(self, time_ns: int = 0) -> None:
        self.say(time_ns, b"", client=True, flags=SYN)
        self.say(time_ns + MS, b"", client=False, flags=SYN | ACK)

    def capture(self, path: Path) -> str:
        path.write_bytes(f.pcap(self.packets, link_type=101, nano=True))
        return str(path)


def request(encapsulation: str = "", path: str = PATH, **headers: str) -> bytes:
    query = f"?token={SECRET}" + (f"&encapsulation={encapsulation}" if encapsulation else "")
    lines = {"Host": "api.example", "Upgrade": "websocket", "Connection": "Upgrade", **headers}
    named = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"GET {path}{query} HTTP/1.1\r\n{named}\r\n".encode()


ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


def frame(data: bytes, *, client: bool, opcode: Opcode = Opcode.BINARY) -> bytes:
    """By the library's hand; a client masks (RFC 6455 5.1)."""
    return Frame(opcode, data).serialize(mask=client)


def websocket(head: Iterable[tuple[bytes, bool]], name: str, *, from_client: bool = False) -> Wire:
    """One second of the platform's messages in a connection."""
    wire = Wire()
    wire.open()
    for data, client in head:
        wire.say(2 * MS, data, client=client)
    for time_ns, message in vector(name):
        wire.say(time_ns, frame(message, client=from_client), client=from_client)
    return wire


def told(diagnosis: FileDiagnosis) -> tuple[str, int, str]:
    fields = diagnosis.summary
    return fields["encapsulation"], fields["metrics"]["frames"], fields["verdict"]


@pytest.mark.parametrize(
    ("name", "encapsulation"),
    [("rtp-deployed", "rtp"), ("sln-linear", "sln"), ("audiosocket-deployed", "audiosocket")],
)
def test_the_request_tells_target_and_encapsulation(
    tmp_path: Path, name: str, encapsulation: str
) -> None:
    wire = websocket([(request(encapsulation), True), (ANSWER, False)], name)
    diagnosis = diagnose_file(wire.capture(tmp_path / "a.pcap"))
    assert told(diagnosis) == (encapsulation, 50, "ok")
    assert PATH in diagnosis.streams[0].name
    assert SECRET not in diagnosis.streams[0].name
    assert f"/{diagnosis.streams[0].call.replace('call/', 'calls/')}/" in PATH
    assert diagnosis.passed_over == {}


@pytest.mark.parametrize("name", ["rtp-linear", "sln-deployed", "audiosocket-linear"])
@pytest.mark.parametrize("seen", ["all but the encapsulation", "the answer", "frames alone"])
def test_without_a_request_the_messages_tell(tmp_path: Path, name: str, seen: str) -> None:
    heads = {
        "all but the encapsulation": [(request(), True), (ANSWER, False)],
        "the answer": [(ANSWER, False)],
        "frames alone": [],
    }
    wire = websocket(heads[seen], name)
    if seen != "all but the encapsulation":
        wire.packets = wire.packets[2:]  # no SYN
    found = told(diagnose_file(wire.capture(tmp_path / "a.pcap")))
    assert found == (name.split("-", maxsplit=1)[0], 50, "ok")


def test_both_directions_are_judged(tmp_path: Path) -> None:
    wire = websocket([(request("sln"), True), (ANSWER, False)], "sln-deployed")
    for n in range(20):
        wire.say(vector_start() + n * 20 * MS, frame(bytes(160), client=True), client=True)
    wire.packets.sort(key=lambda packet: packet[0])
    validation = FileValidation(wire.capture(tmp_path / "a.pcap"))
    for _ in validation.parts():
        pass
    (stream,) = validation.streams
    assert dict(stream.fold.frames) == {Direction.IN: 50, Direction.OUT: 20}


def vector_start() -> int:
    return next(vector("sln-deployed"))[0]


def test_asterisk_connects_to_the_program_that_it_talks_to(tmp_path: Path) -> None:
    head = request(path="/", Sec_WebSocket_Protocol="media")
    wire = websocket([(head, True), (ANSWER, False)], "sln-deployed", from_client=True)
    assert told(diagnose_file(wire.capture(tmp_path / "a.pcap"))) == ("sln", 50, "ok")


def audiosocket() -> Iterator[tuple[int, bytes]]:
    yield 2 * MS, b"\x01\x00\x10" + bytes(range(16))
    yield from vector("audiosocket-linear")


def framed_rtp() -> Iterator[tuple[int, bytes]]:
    """RFC 4571 2"""
    for time_ns, packet in vector("rtp-deployed"):
        yield time_ns, struct.pack(">H", len(packet)) + packet


def interleaved_rtp() -> Iterator[tuple[int, bytes]]:
    """RFC 7826 14"""
    yield 2 * MS, b"SETUP rtsp://camera/audio RTSP/1.0\r\nCSeq: 3\r\n\r\n"
    for time_ns, packet in vector("rtp-deployed"):
        yield time_ns, struct.pack(">BBH", 0x24, 0, len(packet)) + packet


@pytest.mark.parametrize(
    ("messages", "encapsulation"),
    [(audiosocket, "audiosocket"), (framed_rtp, "rtp"), (interleaved_rtp, "rtp")],
)
@pytest.mark.parametrize("cut", [1 << 20, 100, 7])
def test_other_media_in_tcp(tmp_path: Path, messages: object, encapsulation: str, cut: int) -> None:
    wire = Wire()
    wire.open()
    for time_ns, data in messages():  # type: ignore[operator]
        for at in range(0, len(data), cut):
            wire.say(time_ns, data[at : at + cut], client=True)
    validation = FileValidation(wire.capture(tmp_path / "a.pcap"))
    for _ in validation.parts():
        pass
    (stream,) = validation.streams
    assert stream.fold.frames[Direction.IN] == 50
    assert stream.fold.summary()["encapsulation"] == encapsulation
    assert validation.summary["encapsulation"] == encapsulation


def both_ways_framed(path: Path) -> str:
    """One connection of RFC 4571, in which both sides send mu-law."""
    wire = Wire()
    wire.open()
    for (time_ns, packet), (_, other) in zip(
        vector("rtp-deployed"), vector("rtp-deployed"), strict=True
    ):
        for data, is_client in ((packet, True), (other[:8] + bytes([9] * 4) + other[12:], False)):
            wire.say(time_ns, struct.pack(">H", len(data)) + data, client=is_client)
    return wire.capture(path)


def test_neither_side_of_framed_rtp_is_the_platforms(tmp_path: Path) -> None:
    """RFC 4571 says nothing of who is whose: each direction is a stream, by the rules of phones."""
    path = both_ways_framed(tmp_path / "a.pcap")
    diagnosis = diagnose_file(path)
    assert sorted(stream.name for stream in diagnosis.streams) == [
        f"{HERE}:40000 > {THERE}:80 ssrc 0x00000000 (TCP)",
        f"{THERE}:80 > {HERE}:40000 ssrc 0x09090909 (TCP)",
    ]
    for stream in diagnosis.streams:
        fields = stream.as_fields()
        assert (fields["direction"], fields["metrics"]["frames"]) == (None, 50)
        assert fields["metrics_sent"] is None
        assert fields["far_end"] is None
        assert fields["tcp"]["from_client"]["retransmissions"] == 0
    ours = diagnose_file(path, ours=parse_end(HERE))
    assert {stream.direction for stream in ours.streams} == set(Direction)
    assert ours.passed_over == {}


def test_rtsp_describes_what_it_carries(tmp_path: Path) -> None:
    """RFC 7826 13.2 and 14; two media, whose first packet is of the second channel pair."""
    sdp = (
        b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
        b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        b"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n"
    )
    wire = Wire()
    wire.open()
    wire.say(2 * MS, b"DESCRIBE rtsp://camera/ RTSP/1.0\r\nCSeq: 2\r\n\r\n", client=True)
    wire.say(3 * MS, sdp, client=False)
    for n in range(60):
        for channel, kind, step in ((2, 97, 960), (0, 96, 3000)):
            packet = struct.pack(">BBHII", 0x80, kind, n, n * step, kind) + bytes([n] * 80)
            framed = struct.pack(">BBH", 0x24, channel, len(packet)) + packet
            wire.say((20 * n + 4) * MS, framed, client=False)
    diagnosis = diagnose_file(wire.capture(tmp_path / "a.pcap"))
    codecs = [stream.fold.told.codec for stream in diagnosis.streams]
    assert {codec.name for codec in codecs if codec} == {"H264", "opus"}


def test_tcp_says_why_a_stream_stalled(tmp_path: Path) -> None:
    """A segment is lost: what follows it waits until it is sent again."""
    wire = websocket([(request("rtp"), True), (ANSWER, False)], "rtp-deployed")
    lost = 30
    _, packet = wire.packets.pop(lost)
    wire.packets.insert(lost + 12, (wire.packets[lost + 11][0] + MS, packet))
    diagnosis = diagnose_file(wire.capture(tmp_path / "a.pcap"))
    fields = diagnosis.streams[0].as_fields()
    assert fields["metrics"]["frames"] == 50
    assert fields["metrics"]["stalls"]["count"] == 1
    assert fields["tcp"]["from_server"]["reordered"] == 12
    assert fields["metrics"]["lost_audio_ms"] == 0


def test_what_the_capture_missed_is_told(tmp_path: Path) -> None:
    wire = websocket([(request("rtp"), True), (ANSWER, False)], "rtp-deployed")
    del wire.packets[30]
    wire.say(wire.packets[-1][0] + MS, b"", client=True)  # acknowledges all of it
    fields = diagnose_file(wire.capture(tmp_path / "a.pcap")).streams[0].as_fields()
    assert fields["metrics"]["frames"] == 49
    assert fields["tcp"]["from_server"]["missing_bytes"] == 4 + 172


def test_encryption_compression_and_refusals_are_named(tmp_path: Path) -> None:
    tls, squeezed, refused = Wire(1), Wire(2), Wire(3)
    tls.open()
    tls.say(2 * MS, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", client=True)
    for wire, answer in (
        (squeezed, ANSWER[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        (refused, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
    ):
        wire.open()
        wire.say(2 * MS, request("rtp"), client=True)
        wire.say(3 * MS, answer, client=False)
    tls.packets += squeezed.packets + refused.packets
    with pytest.raises(NothingToJudge) as caught:
        diagnose_file(tls.capture(tmp_path / "a.pcap"))
    for word in ("TLS", "permessage-deflate", "403 Forbidden", "TCP"):
        assert word in caught.value.message
    assert "--capture" in caught.value.hint


def test_other_traffic_is_no_media(tmp_path: Path) -> None:
    wire = Wire()
    wire.open()
    wire.say(2 * MS, b"GET / HTTP/1.1\r\nHost: example\r\n\r\n", client=True)
    wire.say(3 * MS, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", client=False)
    ssh = Wire(5)
    ssh.say(0, b"SSH-2.0-OpenSSH_9.2\r\n", client=True)
    wire.packets += ssh.packets
    with pytest.raises(NothingToJudge, match="5 packets passed over: 5 TCP") as caught:
        diagnose_file(wire.capture(tmp_path / "a.pcap"))
    assert "not read" not in caught.value.message


def test_what_is_framed_alike_is_no_rtp(tmp_path: Path) -> None:
    """RFC 1035 4.2.2: messages of DNS in TCP have a length before them, and any identifier."""
    wire = Wire()
    wire.open()
    for n, name in enumerate((0x8012, 0x9AF3, 0x8013)):
        message = struct.pack(">HHHHHH", name, 0x0120, 1, 0, 0, n) + bytes(40)
        wire.say((2 + n) * MS, struct.pack(">H", len(message)) + message, client=True)
    with pytest.raises(NothingToJudge, match="5 TCP"):
        diagnose_file(wire.capture(tmp_path / "a.pcap"))


@pytest.mark.parametrize(
    ("answer", "messages", "why"),
    [
        (ANSWER, [random.Random(n).randbytes(400 + 97 * n) for n in range(6)], "no media"),
        (ANSWER[:-2] + b"Sec-WebSocket-Protocol: v1.kernel\r\n\r\n", [bytes(160)] * 6, "v1.kernel"),
    ],
)  # fmt: skip
def test_a_websocket_of_something_else_is_not_judged(
    tmp_path: Path, answer: bytes, messages: list[bytes], why: str
) -> None:
    wire = Wire()
    wire.open()
    wire.say(2 * MS, request(path="/v1/events"), client=True)
    wire.say(3 * MS, answer, client=False)
    for n, message in enumerate(messages):
        wire.say((4 + n) * MS, frame(message, client=False), client=False)
    with pytest.raises(NothingToJudge, match=f"1 connection not read: a WebSocket of .*{why}"):
        diagnose_file(wire.capture(tmp_path / "a.pcap"))


def test_framed_rtp_is_judged_as_phones_speak_it(tmp_path: Path) -> None:
    """In A-law, and from one side alone: neither is wrong there."""
    wire = Wire()
    wire.open()
    payload = encode(Codec.ALAW, speech(3, 1.0).tobytes())
    for n in range(50):
        head = struct.pack(">BBHII", 0x80, 8, n, 160 * n, 7)
        data = head + payload[160 * n : 160 * n + 160]
        wire.say((2 + 20 * n) * MS, struct.pack(">H", len(data)) + data, client=True)
    fields = diagnose_file(wire.capture(tmp_path / "a.pcap")).summary
    assert (fields["codec"], fields["verdict"], fields["findings"]) == ("alaw", "ok", [])
