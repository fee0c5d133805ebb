from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.capture import frames as f
from tests.capture.support import opened, packets_of
from tests.capture.tshark import fields
from voipbin_cli.capture.layers import Layer

pytestmark = pytest.mark.slow

IP4 = f.ipv4(f.udp(b"hello"))
IP6 = f.ipv6(f.udp(b"hello six"))
INNER = f.ethernet(IP4)
OUTER = {"source": "10.0.0.1", "destination": "10.0.0.2"}


def over_udp(datagram):
    return f.ethernet(f.ipv4(datagram, **OUTER))


def over_gre(packet):
    return f.ethernet(f.ipv4(packet, protocol=47, **OUTER))


TUNNELS = {
    "ip in ip": f.ethernet(f.ipv4(IP4, protocol=4, **OUTER)),
    "6in4": f.ethernet(f.ipv4(IP6, protocol=41, **OUTER)),
    "ip in ipv6": f.ethernet(f.ipv6(IP4, following=4), 0x86DD),
    "gre": over_gre(f.gre(IP4)),
    "gre of ipv6": over_gre(f.gre(IP6, 0x86DD)),
    "gre with a key": over_gre(f.gre(IP4, flags=0x2000, fields=bytes(4))),
    "gre with all": over_gre(f.gre(IP4, flags=0x3000, fields=bytes(8))),
    "gre of ethernet": over_gre(f.gre(INNER, 0x6558)),
    "erspan 1": over_gre(f.gre(INNER, 0x88BE)),
    "erspan 2": over_gre(
        f.gre(bytes.fromhex("1001000000000000") + INNER, 0x88BE, flags=0x1000, fields=bytes(4))
    ),
    "erspan 3": over_gre(
        f.gre(bytes.fromhex("2001" + "00" * 10) + INNER, 0x22EB, flags=0x1000, fields=bytes(4))
    ),
    "vxlan": over_udp(f.vxlan(INNER)),
    "vxlan of a vlan": over_udp(f.vxlan(f.vlan(IP6, 0x86DD))),
    "geneve": over_udp(f.geneve(INNER)),
    "geneve with options": over_udp(f.geneve(INNER, options=b"\x01\x02\x03\x01" + bytes(4))),
    "geneve of ip": over_udp(f.geneve(IP4, 0x0800)),
    "gtp": over_udp(f.gtp_u(IP4)),
    "gtp with a sequence number": over_udp(f.gtp_u(IP4, flags=0x32, rest=bytes(4))),
    "gtp with an extension": over_udp(
        # TS 29.281 5.2: the next type, a PDU session container of one word, no further one.
        f.gtp_u(IP6, flags=0x34, rest=b"\0\0\0\x85" + b"\x01\x10\x05\x00")
    ),
    "tzsp": over_udp(f.tzsp(INNER)),
    "mpls": f.ethernet(f.mpls(IP4), 0x8847),
    "three labels": f.ethernet(f.mpls(IP6, labels=3), 0x8847),
    "pppoe": f.ethernet(f.pppoe(IP4), 0x8864),
    "pppoe of ipv6": f.ethernet(f.pppoe(IP6, 0x0057), 0x8864),
    "vxlan in gre": over_gre(f.gre(f.ipv4(f.vxlan(INNER), **OUTER))),
}
NAMES = ("ip.src", "ipv6.src", "udp.srcport", "ip.dst", "ipv6.dst", "udp.dstport", "udp.length")


@pytest.mark.parametrize("frame", TUNNELS.values(), ids=TUNNELS)
def test_what_a_tunnel_carries_is_what_tshark_finds_in_it(tmp_path, frame):
    data = f.pcap([(0, frame)])
    capture = opened(data)
    (packet,) = packets_of(capture)
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    # Of each field the innermost, which is the last.
    (row,) = fields(path, *NAMES, options=("-E", "occurrence=l"))
    src4, src6, sport, dst4, dst6, dport, length = row
    is_v6 = packet.flow.source.version == 6
    assert packet.flow.source == ip_address(src6 if is_v6 else src4)
    assert packet.flow.destination == ip_address(dst6 if is_v6 else dst4)
    assert (packet.flow.source_port, packet.flow.destination_port) == (int(sport), int(dport))
    assert packet.data in (b"hello", b"hello six")
    assert len(packet.data) == int(length) - 8
    assert capture.passed_over == {}


@pytest.mark.parametrize(
    ("port", "payload"),
    [
        (4789, b"\x80\x00" + bytes(170)),
        (6081, b"\x80\x00" + bytes(170)),
        (2152, b"\x80\x00" + bytes(170)),
        (37008, b"\x80\x00" + bytes(170)),
        (9060, b"\x80\x00" + bytes(170)),
        (4789, b""),
    ],
)
def test_rtp_at_a_tunnel_s_port_is_no_tunnel(port, payload):
    frame = f.ipv4(f.udp(payload, ports=(5000, port)))
    (packet,) = packets_of(opened(f.pcap([(0, frame)], link_type=101)))
    assert packet.data == payload


@pytest.mark.parametrize("source", ["192.0.2.1", "2001:db8::9"])
def test_what_a_probe_passes_on_has_the_ends_that_it_tells(source):
    destination = "198.51.100.1" if "." in source else "2001:db8::8"
    frame = over_udp(f.hep(b"\x80payload", source=source, destination=destination))
    (packet,) = packets_of(opened(f.pcap([(0, frame)])))
    assert packet.data == b"\x80payload"
    assert str(packet.flow.source) == source
    assert str(packet.flow.destination) == destination
    assert packet.flow[1::2] == (5006, 5004)


def test_a_damaged_packet_of_a_probe_is_counted():
    whole = over_udp(f.hep(b"x"))
    for end in range(43, len(whole)):
        capture = opened(f.pcap([(0, whole[:end])]))
        assert packets_of(capture) == []
        assert sum(capture.passed_over.values()) == 1


def test_tunnels_without_an_end_come_to_nothing():
    packet = IP4
    for _ in range(60):
        packet = f.ipv4(packet, protocol=4, **OUTER)
    capture = opened(f.pcap([(0, packet)], link_type=101))
    assert packets_of(capture) == []
    assert capture.passed_over == {Layer.CUT: 1}
