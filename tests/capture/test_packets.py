from __future__ import annotations

import numpy as np

from tests.capture import frames as f
from tests.capture.support import opened, packets_of, read_in_pieces
from voipbin_cli.capture.packets import MAX_FLOWS, PacketReader
from voipbin_cli.capture.records import RecordChunk


def test_flows_are_told_apart_by_all_four_ends():
    ends = [
        ("192.0.2.1", "198.51.100.1", (1, 2)),
        ("192.0.2.2", "198.51.100.1", (1, 2)),
        ("192.0.2.1", "198.51.100.2", (1, 2)),
        ("192.0.2.1", "198.51.100.1", (3, 2)),
        ("192.0.2.1", "198.51.100.1", (1, 4)),
        ("198.51.100.1", "192.0.2.1", (2, 1)),
    ] + [("203.0.113.9", "192.0.2.1", (n, n)) for n in range(1, 20)]
    records = [
        (n, f.ipv4(f.udp(b"", ports=ports), source=source, destination=destination))
        for n, (source, destination, ports) in enumerate(ends * 2)
    ]
    capture = opened(f.pcap(records, link_type=101))
    flows = [packet.flow for packet in packets_of(capture)]
    assert [(str(w.source), str(w.destination), w[1::2]) for w in flows] == ends * 2
    assert len(capture.flows) == len(ends)


def test_the_number_of_flows_is_bounded():
    count = MAX_FLOWS + 10
    frame = f.ipv4(f.udp(b"x"))
    table = np.tile(np.frombuffer(frame, np.uint8), (count, 1))
    table[:, 12:16] = np.arange(count, dtype=">u4").view(np.uint8).reshape(count, 4)
    records = RecordChunk(
        data=table.tobytes(),
        time_ns=np.zeros(count, np.int64),
        start=np.arange(count, dtype=np.int64) * len(frame),
        captured_bytes=np.full(count, len(frame), np.int64),
        link_type=np.full(count, 101, np.int64),
        direction=np.zeros(count, np.int8),
    )
    reader = PacketReader([records])
    assert sum(len(chunk) for chunk in reader.chunks()) == MAX_FLOWS
    assert len(reader.flows) == MAX_FLOWS
    assert reader.too_many_flows == 10


def test_a_flow_keeps_its_number_when_ipv6_comes_in(monkeypatch):
    read_in_pieces(monkeypatch, 400)
    four, six = f.ipv4(f.udp(b"four")), f.ipv6(f.udp(b"six"))
    records = [(n, frame) for n, frame in enumerate([four] * 20 + [six, four] * 10)]
    capture = opened(f.pcap(records, link_type=101))
    numbers = [number for chunk in capture.chunks() for number in chunk.flow.tolist()]
    assert numbers == [0] * 20 + [1, 0] * 10
    assert [str(flow.source) for flow in capture.flows] == ["192.0.2.1", "2001:db8::1"]
