"""RTP of both ways of a call in a capture of a network: a conversation, and whose it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.conversation.scenes import Scene, scene
from tests.capture import frames as f
from tests.corpus.runs import START_NS
from tests.corpus.sounds import Pcm
from tests.corpus.wires import mulaw
from tests.support.cli import voipbin
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.offline.both_ways import End, parse_end
from voipbin_cli.offline.diagnose import FileDiagnosis, diagnose_file

CALLER, BOT = "192.0.2.1", "198.51.100.1"
PORTS = {CALLER: 4000, BOT: 5000}
MS = 1_000_000
TOLD = scene(5, turns=3)


def rtp(track: Pcm, ssrc: int, first: int) -> Iterator[tuple[int, bytes]]:
    """Packets of mu-law, each when it is full where `first` is 1, and as it begins where 0."""
    coded = bytes(mulaw(track))
    for n in range(len(coded) // 160):
        header = struct.pack("!BBHII", 0x80, 0, n, n * 160, ssrc)
        yield START_NS + (n + first) * 20 * MS, header + coded[n * 160 : n * 160 + 160]


def way(source: str, to: str, packets: Iterator[tuple[int, bytes]], port: int = 0) -> Any:
    ends = (port or PORTS[source], PORTS[to])
    for at_ns, data in packets:
        yield at_ns, f.ipv4(f.udp(data, ports=ends), source=source, destination=to)


def call(told: Scene = TOLD, bot_port: int = 0) -> Iterator[tuple[int, bytes]]:
    """What a caller and a bot send each other."""
    heard, said = rtp(told.received, 7, 1), rtp(told.sent, 9, 0)
    return merge(way(CALLER, BOT, heard), way(BOT, CALLER, said, bot_port))


def diagnosed(path: Path, data: bytes, ours: End | None = None) -> FileDiagnosis:
    path.write_bytes(data)
    return diagnose_file(str(path), ours=ours)


def plain(packets: Iterator[tuple[int, bytes]]) -> bytes:
    return f.pcap([(at_ns, f.ethernet(packet)) for at_ns, packet in packets])


def check_answers(talk: Any, told: Scene = TOLD) -> None:
    assert talk["response_ms"]["min"] == pytest.approx(min(told.responses), abs=20)
    assert talk["response_ms"]["max"] == pytest.approx(max(told.responses), abs=20)
    assert talk["turns"] == 2 * len(told.responses)


def test_where_nobody_says_whose_it_is_each_end_answers_the_other(tmp_path: Path) -> None:
    found = diagnosed(tmp_path / "a.pcap", plain(call()))
    by_source = {str(stream.flow and stream.flow.source): stream for stream in found.streams}
    heard, answers = by_source[CALLER].as_fields(), by_source[BOT].as_fields()
    assert heard["direction"] is answers["direction"] is None
    assert heard["conversation"]["between"] == {
        "caller": "192.0.2.1:4000",
        "answers": "198.51.100.1:5000",
    }
    check_answers(heard["conversation"])
    assert answers["conversation"]["between"]["caller"] == "198.51.100.1:5000"
    assert answers["other_way"] == "192.0.2.1:4000 > 198.51.100.1:5000"
    assert not {"slow-response", "slow-barge-in"} & {x["id"] for x in found.summary["findings"]}


def test_an_option_says_which_side_is_ours(tmp_path: Path) -> None:
    found = diagnosed(tmp_path / "a.pcap", plain(call()), parse_end(BOT))
    ways = {stream.flow and str(stream.flow.source): stream.direction for stream in found.streams}
    assert ways == {CALLER: Direction.IN, BOT: Direction.OUT}
    summary = found.summary
    check_answers(summary["conversation"])
    assert summary["metrics_sent"]["frames"] == len(TOLD.sent) // 160
    assert {finding.get("direction") for finding in summary["findings"]} <= {"in", "out", None}
    assert "direction" not in summary


def test_a_cooked_capture_of_the_bots_machine_says_so_itself(tmp_path: Path) -> None:
    frames = []
    for at_ns, packet in call():
        by_us = packet[12:16] == bytes([198, 51, 100, 1])
        cooked = f.cooked(packet)
        frames.append((at_ns, struct.pack("!H", 4 * by_us) + cooked[2:]))
    found = diagnosed(tmp_path / "a.pcap", f.pcap(frames, link_type=113))
    assert {stream.direction for stream in found.streams} == set(Direction)
    check_answers(found.summary["conversation"])


def test_streams_of_other_ports_are_no_conversation(tmp_path: Path) -> None:
    """What comes back from another port may be of another call, where no description says so."""
    found = diagnosed(tmp_path / "a.pcap", plain(call(bot_port=6000)))
    assert [stream.diagnosis.talk for stream in found.streams] == [None, None]
    assert found.summary["conversation"] is None


def invite(call_id: str, address: str, port: int, status: bytes) -> bytes:
    return (
        status + b"\r\nCall-ID: " + call_id.encode() + b"\r\n\r\n"
        b"v=0\r\no=- 1 1 IN IP4 %b\r\ns=-\r\nc=IN IP4 %b\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\n"
        % (address.encode(), address.encode(), port)
    )


def test_a_session_description_names_both_ends_whatever_they_send_from(tmp_path: Path) -> None:
    described = [
        (START_NS - n * MS, f.ipv4(f.udp(data, ports=(5060, 5060)), source=by, destination=to))
        for n, by, to, data in (
            (90, CALLER, BOT, invite("x", CALLER, 4000, b"INVITE sip:b@x SIP/2.0")),
            (50, BOT, CALLER, invite("x", BOT, 5000, b"SIP/2.0 200 OK")),
        )
    ]
    found = diagnosed(tmp_path / "a.pcap", plain(merge(described, call(bot_port=6000))))
    talks = [stream.diagnosis.talk for stream in found.streams]
    assert None not in talks


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("192.0.2.1", ("192.0.2.1", None)),
        ("192.0.2.1:4000", ("192.0.2.1", 4000)),
        ("2001:db8::1", ("2001:db8::1", None)),
        ("[2001:db8::1]:4000", ("2001:db8::1", 4000)),
    ],
)
def test_an_end_is_an_address_and_perhaps_a_port(text: str, end: tuple[str, int | None]) -> None:
    told = parse_end(text)
    assert (str(told.address), told.port) == end


@pytest.mark.parametrize("text", ["", "here", "192.0.2.1:x", "[::1", "1:2:3"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_end(text)


def test_a_run_knows_its_own_side(tmp_path: Path) -> None:
    refused = voipbin("stream", "diagnose", "sim", "--ours", BOT, cwd=tmp_path)
    assert refused.status == 2
    assert "--ours is for a capture" in refused.stderr
    path = tmp_path / "a.pcap"
    path.write_bytes(plain(call()))
    assert (
        "wants an address"
        in voipbin("stream", "diagnose", path, "--ours", "x", cwd=tmp_path).stderr
    )
    words = voipbin("stream", "diagnose", path, cwd=tmp_path).stdout.decode()
    assert "198.51.100.1:5000 answers" in words or "192.0.2.1:4000 answers" in words
