from __future__ import annotations

from ipaddress import ip_address

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from tests.capture.support import opened, packets_of
from tests.capture.tshark import fields
from voipbin_cli.capture.layers import Layer
from voipbin_cli.capture.packets import PacketReader
from voipbin_cli.capture.records import RecordChunk

pytestmark = pytest.mark.slow

IP4 = f.ipv4(f.udp(b"hello"))
IP6 = f.ipv6(f.udp(b"hello six"))

LINKS = {
    "ethernet": (1, f.ethernet(IP4)),
    "ethernet-ipv6": (1, f.ethernet(IP6, 0x86DD)),
    "vlan": (1, f.vlan(IP4)),
    "two vlan tags": (1, f.double_vlan(IP6, 0x86DD)),
    "linux cooked": (113, f.cooked(IP4)),
    "linux cooked 2": (276, f.cooked2(IP4)),
    "nflog": (239, f.nflog(IP4)),
    "raw": (101, IP4),
    "raw-ipv6": (101, IP6),
    "ipv4": (228, IP4),
    "ipv6": (229, IP6),
    "null": (0, b"\x02\0\0\0" + IP4),
    "loop": (108, b"\0\0\0\x02" + IP4),
    "ip options": (1, f.ethernet(f.ipv4(f.udp(b"opt"), options=b"\x01" * 8))),
    "ethernet padding": (1, f.ethernet(IP4) + bytes(20)),
    "hop-by-hop": (101, f.ipv6(f.hop_by_hop(f.udp(b"hop"), units=2), following=0)),
    "two extensions": (
        101,
        f.ipv6(f.hop_by_hop(f.hop_by_hop(f.udp(b"two")), following=60), following=0),
    ),
    "empty payload": (101, f.ipv4(f.udp(b""))),
}


def read(data):
    return packets_of(opened(data))


@pytest.mark.parametrize(("link_type", "frame"), LINKS.values(), ids=LINKS)
def test_payload_and_ends_are_those_that_tshark_finds(tmp_path, link_type, frame):
    data = f.pcap([(1_500_000_000, frame)], link_type=link_type, nano=True)
    (packet,) = read(data)
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    names = ("ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport")
    ((src4, src6, sport, dst4, dst6, dport, payload, length),) = fields(
        path, *names, "udp.payload", "udp.length"
    )
    assert packet.data.hex() == payload
    assert packet.wire_bytes == int(length) - 8
    assert packet.flow.source == ip_address(src4 or src6)
    assert packet.flow.destination == ip_address(dst4 or dst6)
    assert (packet.flow.source_port, packet.flow.destination_port) == (int(sport), int(dport))
    assert packet.time_ns == 1_500_000_000


PASSED_OVER = {
    "tcp": (Layer.TCP, f.ipv4(b"x" * 30, protocol=6)),
    "first fragment": (Layer.FRAGMENT, f.ipv4(f.udp(b"frag"), fragment=0x2000)),
    "later fragment": (Layer.FRAGMENT, f.ipv4(f.udp(b"later on"), fragment=3)),
    "ipv6 fragment": (
        Layer.FRAGMENT,
        f.ipv6(b"\x11\0\0\x01\0\0\0\0" + f.udp(b"x"), following=44),
    ),
    "ipv6 tcp": (Layer.TCP, f.ipv6(b"x" * 30, following=6)),
    "icmp": (Layer.ICMP, f.ipv4(bytes(8), protocol=1)),
    "ospf": (Layer.OTHER, f.ipv4(bytes(8), protocol=89)),
    "header length too small": (Layer.CUT, b"\x44" + f.ipv4(f.udp(b"x"))[1:]),
    "cut ip header": (Layer.CUT, f.ipv4(f.udp(b"x"))[:19]),
    "cut ipv6 header": (Layer.CUT, f.ipv6(f.udp(b"x"))[:39]),
    "cut udp header": (Layer.CUT, f.ipv4(f.udp(b""))[:27]),
    "udp length below eight": (Layer.CUT, f.ipv4(f.udp(b"x", length=7))),
    "version 5": (Layer.OTHER, b"\x55" + bytes(40)),
    "nothing": (Layer.CUT, b""),
}


@pytest.mark.parametrize(("layer", "frame"), PASSED_OVER.values(), ids=PASSED_OVER)
def test_what_is_no_whole_datagram_is_counted_and_passed_over(layer, frame):
    capture = opened(f.pcap([(0, frame), (1, IP4)], link_type=101))
    assert [packet.data for packet in packets_of(capture)] == [b"hello"]
    assert capture.passed_over == {layer: 1}
    assert not capture.truncated


def test_unknown_link_types_and_ethertypes_are_passed_over():
    arp = opened(f.pcap([(0, f.ethernet(bytes(28), 0x0806))]))
    assert packets_of(arp) == []
    wifi = opened(f.pcap([(0, bytes(100))], link_type=105))
    assert packets_of(wifi) == []
    ethercat = opened(f.pcap([(0, f.ethernet(bytes(28), 0x88A4)), (1, bytes(5))]))
    assert packets_of(ethercat) == []
    assert (arp.passed_over, wifi.passed_over) == ({Layer.ARP: 1}, {Layer.WIFI: 1})
    assert ethercat.passed_over == {Layer.OTHER: 1, Layer.CUT: 1}


def test_a_snap_length_leaves_the_wire_length():
    frame = f.ethernet(f.ipv4(f.udp(bytes(160))))
    (packet,) = read(f.pcap([(0, frame)], snaplen=100))
    # 100 bytes kept, less 14 Ethernet, 20 IP, 8 UDP.
    assert (len(packet.data), packet.wire_bytes) == (58, 160)


def test_segmentation_offload_writes_a_total_length_of_zero():
    (packet,) = read(f.pcap([(0, f.ipv4(f.udp(b"x" * 9), total=0))], link_type=101))
    assert packet.data == b"x" * 9


def test_ipv4_and_ipv6_keep_their_order():
    both = [(n, (IP4, IP6)[n % 3 == 0]) for n in range(10)]
    packets = read(f.pcap(both, link_type=101, nano=True))
    assert [packet.time_ns for packet in packets] == list(range(10))
    assert [len(packet.data) for packet in packets] == [9, 5, 5] * 3 + [9]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 9, 51, 101, 105, 113, 219, 228, 229, 239, 276, 999]),
            st.binary(max_size=90),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_any_bytes_are_some_packets_or_none(records):
    data = b"".join(frame for _, frame in records)
    sizes = np.array([len(frame) for _, frame in records], np.int64)
    chunk = RecordChunk(
        data=data,
        time_ns=np.arange(len(records), dtype=np.int64),
        start=np.cumsum(sizes) - sizes,
        captured_bytes=sizes,
        link_type=np.array([link_type for link_type, _ in records], np.int64),
        direction=np.zeros(len(records), np.int8),
    )
    reader = PacketReader([chunk])
    for packet in packets_of(reader):
        assert packet.data in records[packet.time_ns][1]
        assert 0 <= len(packet.data) <= packet.wire_bytes
