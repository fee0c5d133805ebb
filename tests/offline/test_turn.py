"""RTP in TURN's channels and indications is the RTP that it holds."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.support.hextext import vector
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.turn import without_turn

RTP = vector("rtp-deployed")[3]


def channel_data(packet: bytes, number: int = 0x4001) -> bytes:
    """RFC 8656 12.4; over UDP it need not be filled up."""
    return struct.pack(">HH", number, len(packet)) + packet


def indication(packet: bytes, method: int = 0x0017) -> bytes:
    """RFC 8656 11.6: where it comes from (XOR-PEER-ADDRESS), then the data, to whole words."""
    peer = struct.pack(">HHBBHI", 0x0012, 8, 0, 1, 0x1234, 0x21120000)
    data = struct.pack(">HH", 0x0013, len(packet)) + packet + bytes(-len(packet) % 4)
    return struct.pack(">HHI", method, len(peer + data), 0x2112A442) + bytes(12) + peer + data


def opened(*messages: bytes) -> list[bytes]:
    found = without_turn(from_messages([TimedMessage(data) for data in messages]))
    return [found.message(n) for n in range(len(found))]


@pytest.mark.parametrize(
    "wrapped",
    [
        channel_data(RTP),
        channel_data(RTP) + bytes(3),
        channel_data(RTP, 0x4FFF),
        indication(RTP),
        indication(RTP[:-1], 0x0016),
    ],
)
def test_what_is_relayed_is_what_was_wrapped_up(wrapped: bytes) -> None:
    (found,) = opened(wrapped)
    assert RTP.startswith(found)
    assert len(found) >= len(RTP) - 1


def test_what_holds_no_rtp_stays_as_it_is() -> None:
    others = [
        RTP,
        channel_data(b"\x16\xfe\xfd" + bytes(40)),  # DTLS
        channel_data(RTP)[:-1],  # shorter than it says
        indication(b"hello, this is no RTP"),
        struct.pack(">HHI", 0x0017, 0, 0x2112A442) + bytes(12),  # no data
        b"\x40",
        b"",
    ]
    assert opened(*others) == others


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_are_taken(messages: list[bytes]) -> None:
    found = opened(channel_data(RTP), *messages)
    assert found[0] == RTP
    for was, now in zip(messages, found[1:], strict=True):
        assert now in was


def test_a_relayed_stream_is_diagnosed(tmp_path: Path) -> None:
    packets = [
        channel_data(packet) if n % 2 else indication(packet)
        for n, packet in enumerate(vector("rtp-deployed"))
    ]
    framed = [f.ethernet(f.ipv4(f.udp(packet))) for packet in packets]
    path = tmp_path / "a.pcap"
    path.write_bytes(f.pcap([(n * 20_000_000, frame) for n, frame in enumerate(framed)]))
    found = diagnose_file(str(path))
    assert found.summary["metrics"]["frames"] == len(packets)
    assert found.summary["metrics"]["sequence"]["missing"] == 0
    assert found.summary["verdict"] == "ok"
