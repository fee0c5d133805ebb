"""Frames put together by hand, from the RFCs, and files around them."""

from __future__ import annotations

import struct
from ipaddress import ip_address


def udp(payload, *, ports=(5006, 5004), length=None):
    return struct.pack(">HHHH", *ports, length or 8 + len(payload), 0) + payload


def tcp(payload=b"", *, sequence=0, ack=0, flags=0x18, ports=(40000, 80), window=500, options=b""):
    """RFC 9293 3.1; flags are ACK and PSH unless told."""
    head = (5 + len(options) // 4) << 12 | flags
    fields = (*ports, sequence & 0xFFFFFFFF, ack & 0xFFFFFFFF, head, window, 0, 0)
    return struct.pack(">HHIIHHHH", *fields) + options + payload


def ipv4(inner, *, source="192.0.2.1", destination="198.51.100.1", protocol=17, fragment=0,
         options=b"", total=None):  # fmt: skip
    head = 20 + len(options)
    size = head + len(inner) if total is None else total
    return (
        struct.pack(">BBHHHBBH", 0x40 | head // 4, 0, size, 0, fragment, 64, protocol, 0)
        + ip_address(source).packed
        + ip_address(destination).packed
        + options
        + inner
    )


def ipv6(inner, *, source="2001:db8::1", destination="2001:db8::2", following=17):
    head = struct.pack(">IHBB", 6 << 28, len(inner), following, 64)
    return head + ip_address(source).packed + ip_address(destination).packed + inner


def hop_by_hop(inner, following=17, units=1):
    return bytes([following, units - 1]) + b"\x01" + bytes([8 * units - 4]) + bytes(
        8 * units - 4
    ) + inner  # fmt: skip


def ethernet(inner, kind=0x0800):
    return bytes(12) + struct.pack(">H", kind) + inner


def vlan(inner, kind=0x0800):
    return ethernet(struct.pack(">HH", 7, kind) + inner, 0x8100)


def double_vlan(inner, kind=0x0800):
    return ethernet(struct.pack(">HHHH", 7, 0x8100, 8, kind) + inner, 0x88A8)


def cooked(inner, kind=0x0800):
    """LINKTYPE_LINUX_SLL"""
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), kind) + inner


def cooked2(inner, kind=0x0800):
    """LINKTYPE_LINUX_SLL2"""
    return struct.pack(">HHIHBB8s", kind, 0, 1, 1, 0, 6, bytes(8)) + inner


def nflog(inner):
    """LINKTYPE_NFLOG: a header, the packet's own attribute, a prefix of odd length, the packet."""
    attributes = ((1, b"\x08\0\1\0"), (10, b"a\0\0"), (9, inner))
    padded = (
        struct.pack("<HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
        for kind, value in attributes
    )
    return b"\x02\0\0\0" + b"".join(padded)


def gre(inner, kind=0x0800, *, flags=0, fields=b""):
    """RFC 2784; `fields` are the checksum, key and sequence number that the flags promise."""
    return struct.pack(">HH", flags, kind) + fields + inner


def vxlan(inner):
    return udp(b"\x08\0\0\0\0\0\x2a\0" + inner, ports=(40000, 4789))


def geneve(inner, kind=0x6558, options=b""):
    head = struct.pack(">BBHI", len(options) // 4, 0, kind, 42 << 8)
    return udp(head + options + inner, ports=(40000, 6081))


def gtp_u(inner, *, flags=0x30, rest=b""):
    head = struct.pack(">BBHI", flags, 255, len(rest) + len(inner), 7)
    return udp(head + rest + inner, ports=(2152, 2152))


def tzsp(inner, tags=b"\x00\x0a\x01\xc4\x01"):
    return udp(b"\x01\x00\x00\x01" + tags + inner, ports=(40000, 37008))


def mpls(inner, labels=1):
    entries = [(16 + n) << 12 | (n == labels - 1) << 8 | 64 for n in range(labels)]
    return struct.pack(f">{labels}I", *entries) + inner


def pppoe(inner, protocol=0x0021):
    return struct.pack(">BBHHH", 0x11, 0, 5, len(inner) + 2, protocol) + inner


def hep(payload, *, source="192.0.2.1", destination="198.51.100.1", ports=(5006, 5004)):
    """Version 3, as probes write it: the payload as the last of its chunks."""
    four = ip_address(source).version == 4
    kinds = (3, 4) if four else (5, 6)
    values = [
        (1, b"\x02" if four else b"\x0a"),
        (2, b"\x11"),
        (kinds[0], ip_address(source).packed),
        (kinds[1], ip_address(destination).packed),
        (7, struct.pack(">H", ports[0])),
        (8, struct.pack(">H", ports[1])),
        (11, b"\x04"),
        (15, payload),
    ]
    chunks = b"".join(struct.pack(">HHH", 0, k, 6 + len(value)) + value for k, value in values)
    return udp(b"HEP3" + struct.pack(">H", 6 + len(chunks)) + chunks, ports=(40000, 9060))


def fragments(packet, size):
    """An IPv4 packet in pieces of so many bytes of payload, a multiple of eight (RFC 791 3.2)."""
    header, payload = packet[:20], packet[20:]
    pieces = []
    for at in range(0, len(payload), size):
        piece = payload[at : at + size]
        more = 0x2000 if at + size < len(payload) else 0
        pieces.append(
            header[:2]
            + struct.pack(">HHH", 20 + len(piece), 77, more | at // 8)
            + header[8:]
            + piece
        )
    return pieces


def pcap(frames, *, link_type=1, order="<", nano=False, snaplen=262_144, original=None):
    """Classic pcap; `frames` are (time_ns, bytes)."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    data = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, link_type)
    for time_ns, frame in frames:
        seconds, rest = divmod(time_ns, 1_000_000_000)
        kept = frame[:snaplen]
        head = (seconds, rest if nano else rest // 1000, len(kept), original or len(frame))
        data += struct.pack(order + "IIII", *head) + kept
    return data


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(kind, body, order="<"):
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order="<", options=b""):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options, order)


def interface(link_type=1, order="<", options=b""):
    return block(1, struct.pack(order + "HHI", link_type, 0, 0) + options, order)


def enhanced(stamp, frame, *, number=0, order="<", options=b""):
    head = (number, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
    body = struct.pack(order + "IIIII", *head) + frame + bytes(-len(frame) % 4) + options
    return block(6, body, order)
