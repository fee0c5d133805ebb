"""Captures and dumps judged from their files; what a live run said, its capture says."""

from __future__ import annotations

import io
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.capture.support import START_NS, new_writer
from tests.capture.tshark import rtp_streams
from tests.support.hextext import message_bytes, vector
from tests.support.needs import need
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.judge import Violation
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.validate import FileValidation, JudgedStream, validate_file

FRAME_NS = 20_000_000


class Judged:
    """A finished validation of a file, with every single violation."""

    def __init__(
        self,
        path: Path | str,
        scope: Scope | None = None,
        encapsulation: Encapsulation | None = None,
    ) -> None:
        self.validation = FileValidation(str(path), scope, encapsulation)
        self.found: list[tuple[JudgedStream | None, Violation]] = [
            (stream, violation)
            for part, stream in self.validation.parts()
            for violation in part.violations()
        ]
        self.summary: dict[str, Any] = self.validation.summary

    def frames(self, rule: str) -> list[int]:
        return [violation.frame for _, violation in self.found if violation.rule.id == rule]

    @property
    def rules(self) -> dict[str, str]:
        return {v["rule"]: v["severity"] for v in self.summary["violations"]}


def capture(
    path: Path, encapsulation: str, messages: Iterator[tuple[Direction, bytes | str]]
) -> Path:
    """One of our own captures, a message each 20 ms."""
    writer, sink = new_writer(encapsulation)
    for n, (direction, message) in enumerate(messages):
        writer.message(START_NS + n * FRAME_NS, direction, message)
    writer.close()
    path.write_bytes(sink.data)
    return path


# Our own captures


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("dialect", ["deployed", "linear"])
def test_a_capture_of_what_the_platform_sends_passes(
    tmp_path: Path, encapsulation: Encapsulation, dialect: str
) -> None:
    messages = ((Direction.IN, data) for data in vector(f"{encapsulation}-{dialect}"))
    judged = Judged(capture(tmp_path / "c.pcapng", encapsulation, messages))
    assert judged.summary["result"] == "pass"
    assert set(judged.rules.values()) <= {"info"}
    assert judged.summary["frames"] == 50
    assert judged.summary["dialect"] == dialect
    assert judged.summary["target"] == "call/abc"


def test_both_directions_are_judged_and_numbered_apart(tmp_path: Path) -> None:
    def talk() -> Iterator[tuple[Direction, bytes | str]]:
        for n, data in enumerate(vector("sln-linear")):
            yield Direction.IN, data
            yield Direction.OUT, b"" if n == 7 else data
            if n == 9:
                yield Direction.OUT, "MARK"

    path = capture(tmp_path / "c.pcapng", "sln", talk())
    judged = Judged(path)
    assert judged.frames("sln-empty") == [7]
    assert judged.frames("message-text") == [10]
    assert (judged.summary["frames_received"], judged.summary["frames_sent"]) == (50, 51)
    assert {v.direction for _, v in judged.found} == {Direction.OUT}
    received = Judged(path, Scope(direction=Direction.IN))
    assert (received.summary["result"], received.summary["frames"]) == ("pass", 50)


def test_what_is_sent_is_measured_by_what_comes(tmp_path: Path) -> None:
    """The same mu-law, to a far end that is the platform's bridge and to one as documented."""
    header = message_bytes("8000 0001 00000000 1a2b3c4d")

    def talk(received: list[bytes]) -> Iterator[tuple[Direction, bytes | str]]:
        for n, data in enumerate(received):
            payload = vector("sln-deployed")[n]
            number = struct.pack("!HI", n, n * 160)
            yield Direction.IN, data
            yield Direction.OUT, header[:2] + number + header[8:] + payload

    bridge = vector("rtp-deployed")
    documented = [
        struct.pack("!BBHII", 0x80, 0, 900 + n, 7000 + n * 160, 0x0BADCAFE) + data[12:]
        for n, data in enumerate(bridge)
    ]
    judged = Judged(capture(tmp_path / "bridge.pcapng", "rtp", talk(bridge)))
    assert judged.rules["rtp-payload-type-refused"] == "error"
    assert judged.rules["audio-mulaw"] == "error"
    judged = Judged(capture(tmp_path / "documented.pcapng", "rtp", talk(documented)))
    assert judged.summary["violations"] == []


def test_another_connection_begins_its_sequence_anew(tmp_path: Path) -> None:
    writer, sink = new_writer("rtp")
    for connection in range(2):
        at = START_NS + connection * 100 * FRAME_NS
        writer.event(at, "open", {"connection": connection})
        for n, data in enumerate(vector("rtp-deployed")):
            writer.message(at + n * FRAME_NS, Direction.IN, data)
    writer.close()
    path = tmp_path / "c.pcapng"
    path.write_bytes(sink.data)
    judged = Judged(path)
    assert judged.frames("rtp-fixed-start") == [0, 50]
    assert set(judged.rules.values()) == {"info"}


def test_the_documents_are_another_measure(tmp_path: Path) -> None:
    messages = ((Direction.IN, data) for data in vector("rtp-deployed"))
    path = capture(tmp_path / "c.pcapng", "rtp", messages)
    judged = Judged(path, Scope(Spec.DOCUMENTED))
    assert judged.rules["rtp-payload-type"] == "error"
    assert Judged(path, Scope(Spec.DEPLOYED)).rules == {"message-none": "info"}


def test_a_capture_that_was_cut_off_says_so_and_gives_what_it_has(tmp_path: Path) -> None:
    messages = ((Direction.IN, data) for data in vector("rtp-deployed"))
    path = capture(tmp_path / "c.pcapng", "rtp", messages)
    path.write_bytes(path.read_bytes()[:-30])
    judged = Judged(path)
    assert judged.validation.truncated
    assert judged.summary["frames"] == 49


# RTP over UDP


def ip_packet(source: int, port: int, payload: bytes) -> bytes:
    udp = struct.pack("!HHHH", source, port, 8 + len(payload), 0) + payload
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
        bytes([192, 0, 2, 1]), bytes([198, 51, 100, 1]),
    )  # fmt: skip
    return ip + udp


def pcap(path: Path, packets: list[tuple[int, bytes]], snap_bytes: int = 65535) -> Path:
    """A classic pcap of raw IP (LINKTYPE_RAW 101)."""
    data = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    for time_ns, packet in packets:
        seconds, rest = divmod(START_NS + time_ns, 10**9)
        cut = packet[:snap_bytes]
        data += struct.pack("<IIII", seconds, rest, len(cut), len(packet)) + cut
    path.write_bytes(data)
    return path


def pcma(n: int, ssrc: int) -> bytes:
    return struct.pack("!BBHII", 0x80, 8, n, n * 160, ssrc) + b"\xd5" * 160


def test_streams_in_a_capture_are_found_by_themselves(tmp_path: Path) -> None:
    packets = []
    for n in range(60):
        packets.append((n * FRAME_NS, ip_packet(4000, 4002, pcma(65530 + n & 0xFFFF, 0xAAAA0001))))
        packets.append((n * FRAME_NS + 1, ip_packet(4002, 4000, vector("rtp-deployed")[n % 50])))
        packets.append(
            (
                n * FRAME_NS + 2,
                ip_packet(53, 53, struct.pack("!HHHHHH", 0x8001 + n, 256, 1, 0, 0, 0)),
            )
        )
        packets.append(
            (n * FRAME_NS + 3, ip_packet(4000, 4002, bytes.fromhex("80c80006") + bytes(24)))
        )
    path = pcap(tmp_path / "call.pcap", packets)
    judged = Judged(path)
    streams = judged.validation.streams
    assert [stream.ssrc for stream in streams] == [0xAAAA0001, 0]
    assert [stream.fold.summary()["frames"] for stream in streams] == [60, 60]
    assert judged.summary["streams"] == 2
    assert judged.frames("rtp-sequence-jump") == []
    reordered = [v.frame for s, v in judged.found if v.rule.id.startswith("rtp-sequence")]
    assert reordered == list(range(50, 60))  # the vector from its beginning once more
    by_tshark = {
        row["ssrc"]: int(row["packets"]) for row in rtp_streams(path, "-d", "udp.port==4000,rtp")
    }
    assert by_tshark["0xAAAA0001"] == 60


def test_what_is_no_rtp_in_the_flow_of_a_stream_is_judged_with_it(tmp_path: Path) -> None:
    packets = [(n * FRAME_NS, ip_packet(4000, 4002, pcma(n, 5))) for n in range(20)]
    packets.insert(7, (6 * FRAME_NS + 1, ip_packet(4000, 4002, b"\x40" + bytes(171))))
    judged = Judged(pcap(tmp_path / "call.pcap", packets))
    assert judged.frames("rtp-version") == [7]
    assert judged.summary["result"] == "fail"


@pytest.mark.parametrize(("size", "is_off"), [(240, False), (480, False), (40, True), (243, True)])
def test_a_phones_ptime_is_its_own(size: int, is_off: bool, tmp_path: Path) -> None:
    packets = [
        (n * size * 125_000, ip_packet(4000, 4002, pcma(n, 5)[:12] + b"\xd5" * size))
        for n in range(20)
    ]
    judged = Judged(pcap(tmp_path / "call.pcap", packets))
    assert ("rtp-frame-size" in judged.rules) is is_off


def test_a_snap_length_is_no_fault_of_the_sender(tmp_path: Path) -> None:
    packets = [(n * FRAME_NS, ip_packet(4000, 4002, pcma(n, 5))) for n in range(20)]
    judged = Judged(pcap(tmp_path / "call.pcap", packets, snap_bytes=60))
    assert judged.summary["result"] == "pass"
    assert judged.summary["frames"] == 20
    assert "rtp-frame-size" not in judged.rules


def test_what_an_outside_sender_makes_is_read_as_tshark_reads_it(tmp_path: Path) -> None:
    """ffmpeg shares no code with us: PCMU packets, whatever it thinks they should be."""
    import socket

    need("ffmpeg")
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    receiver.settimeout(1.0)
    subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "sine=440:duration=1",
         "-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw", "-f", "rtp",
         f"rtp://127.0.0.1:{receiver.getsockname()[1]}?pkt_size=172"],
        check=True, capture_output=True,
    )  # fmt: skip
    packets = []
    while True:
        try:
            data = receiver.recv(2048)
        except TimeoutError:
            break
        packets.append((len(packets) * FRAME_NS, ip_packet(5004, 5004, data)))
    path = pcap(tmp_path / "ffmpeg.pcap", packets)
    judged = Judged(path, Scope(Spec.DOCUMENTED))
    (row,) = rtp_streams(path, "-d", "udp.port==5004,rtp")
    (stream,) = judged.validation.streams
    assert int(row["packets"]) == judged.summary["frames"] > 30
    assert int(row["ssrc"], 16) == stream.ssrc
    errors = {rule for rule, severity in judged.rules.items() if severity == "error"}
    assert not errors


# Dumps


@pytest.mark.parametrize(
    ("name", "encapsulation"),
    [
        ("audiosocket-deployed", "audiosocket"),
        ("audiosocket-linear", "audiosocket"),
    ],
)
def test_a_dump_is_known_by_its_bytes(tmp_path: Path, name: str, encapsulation: str) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"".join(vector(name)))
    judged = Judged(path)
    assert judged.summary["encapsulation"] == encapsulation
    assert judged.summary["frames"] == 50
    assert judged.summary["result"] == "pass"


@pytest.mark.parametrize("name", ["sln-deployed", "sln-linear"])
def test_bare_samples_are_read_as_such_where_the_user_says_so(tmp_path: Path, name: str) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"".join(vector(name)))
    judged = Judged(path, encapsulation=Encapsulation.SLN)
    assert judged.summary["frames"] == 50
    assert judged.summary["result"] == "pass"
    with pytest.raises(UsageError, match="neither a capture nor a dump") as caught:
        Judged(path)
    assert "-e sln" in caught.value.hint


@pytest.mark.parametrize(
    ("head", "name"), [(b"\x89PNG\r\n\x1a\n", "a PNG picture"), (b"PK\3\4", "a ZIP archive")]
)
def test_a_file_of_another_kind_is_refused_by_name(tmp_path: Path, head: bytes, name: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(head + bytes(4000))
    with pytest.raises(UsageError, match=f"is {name}"):
        Judged(path)
    with pytest.raises(UsageError, match=f"is {name}"):
        diagnose_file(str(path))


def test_a_dump_of_what_is_sent_is_measured_by_what_the_far_end_takes(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"".join(vector("sln-deployed")))
    judged = Judged(path, Scope(direction=Direction.OUT), Encapsulation.SLN)
    assert judged.rules["audio-mulaw"] == "error"
    path.write_bytes(b"".join(vector("sln-linear")))
    assert (
        Judged(path, Scope(direction=Direction.OUT), Encapsulation.SLN).summary["violations"] == []
    )


def test_samples_where_audiosocket_is_due_break_one_rule_throughout(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"".join(vector("sln-linear")))
    judged = Judged(path, encapsulation=Encapsulation.AUDIOSOCKET)
    assert judged.frames("audiosocket-bare-audio") == list(range(50))


def test_a_wav_file_is_its_header_and_samples(tmp_path: Path) -> None:
    header = message_bytes(
        "52494646 24080000 57415645 666d7420 10000000 0100 0100 401f0000 803e0000 0200 1000 "
        "64617461 00080000"
    )
    path = tmp_path / "a.wav"
    path.write_bytes(header + b"".join(vector("sln-linear")))
    judged = Judged(path, encapsulation=Encapsulation.SLN)
    assert judged.frames("audio-wav-header") == [0]


def test_one_packet_alone_is_a_dump_too(tmp_path: Path) -> None:
    path = tmp_path / "packet"
    path.write_bytes(vector("rtp-linear")[3])
    assert Judged(path).summary["encapsulation"] == "rtp"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(UsageError, match="no boundaries"):
        Judged(path, encapsulation=Encapsulation.RTP)


def test_standard_input_is_read_like_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BufferedReader(io.BytesIO(b"".join(vector("audiosocket-linear"))))
    monkeypatch.setattr("voipbin_cli.offline.source.open_stdin", lambda: pipe)
    assert Judged("-").summary["frames"] == 50


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bytes.fromhex("4d3cb2a1"), "cannot read"),
        (b"#!rtpplay1.0 127.0.0.1/5004\n", "cannot read"),
    ],
)
def test_what_is_damaged_from_the_start_is_wrong_usage(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "nothing"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        Judged(path)


@pytest.mark.parametrize("make", [lambda p: p, lambda p: p / "missing"])
def test_what_cannot_be_read_is_wrong_usage(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        Judged(make(tmp_path))


def test_no_more_is_judged_than_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(b"".join(vector("audiosocket-linear")))
    assert Judged(path, Scope(max_frames=12)).summary["frames"] == 12


def test_a_file_can_be_judged_at_once(tmp_path: Path) -> None:
    messages = ((Direction.IN, data) for data in vector("rtp-deployed"))
    path = capture(tmp_path / "c.pcapng", "rtp", messages)
    assert validate_file(str(path)).summary == Judged(path).summary
    documented = validate_file(str(path), Scope(Spec.DOCUMENTED))
    assert documented.groups[0].rule.id == "rtp-payload-type"
