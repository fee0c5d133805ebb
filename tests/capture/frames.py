"""Frames put together by hand, from the RFCs, and files around them."""

from __future__ import annotations

import struct
from ipaddress import ip_address


def udp(payload, *, ports=(5006, 5004), length=None):
    return struct.pack(">HHHH", *ports, length or 8 + len(payload), 0) + payload


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
