"""The UDP datagrams that stand for WebSocket messages in a capture, checksums included.

All addresses are for documentation (RFC 5737, RFC 7042): nothing here was ever on a network.
What a datagram means follows from its destination port, its direction from its addresses (and
from the flags of its block).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

MAX_PAYLOAD_BYTES = 65_535 - 20 - 8
"""The most that UDP over IPv4 carries (RFC 768, RFC 791)."""

FAR = IPv4Address("192.0.2.1")
NEAR = IPv4Address("198.51.100.1")
LOG = IPv4Address("203.0.113.1")

SENDER_PORT = 5006
_PORTS_A_CLIENT = 2  # as RTP and RTCP take them (RFC 3550, 11)
MAX_CLIENTS = 4096

EVENT_PREFIX = b"<134>voipbin: "
"""Before the JSON of an event: facility local0, severity informational (RFC 3164, 4.1.1)."""
PART_COMMENT = "voipbin part {} of {}"
"""Comment on each packet of a message that is too long for one."""


class Port(IntEnum):
    """Destination ports. The sender's port of a message is `SENDER_PORT`, and of a proxy's further
    clients one behind it.
    """

    RTP = 5004
    """The registered port of RTP (RFC 3551, 8): a binary message of an RTP stream."""
    BINARY = 40_004
    """A binary message of another encapsulation."""
    TEXT = 40_006
    """A text message."""
    EVENT = 514
    """Syslog: an event, so that Wireshark shows its words in the packet list."""
    SIP = 5060


_MAC = {
    FAR: bytes.fromhex("00005e005301"),
    NEAR: bytes.fromhex("00005e005302"),
    LOG: bytes.fromhex("00005e005303"),
}
_ETHERNET_IPV4 = b"\x08\x00\x45\x00"
_ID_DONT_FRAGMENT_TTL_UDP = bytes.fromhex("0000 4000 40 11")
_HEADERS = struct.Struct(">16sH6sH12sHH")
HEADERS_BYTES = _HEADERS.size
"""Ethernet 14, IPv4 20, UDP 8."""


def sender_port(client: int) -> int:
    """Of which client of a proxy messages are shows in the port that they come from."""
    return SENDER_PORT + _PORTS_A_CLIENT * (client % MAX_CLIENTS)


def client_of(port: int) -> int:
    """The number of the client whose sender's port that is; 0 for a port of no client."""
    client, rest = divmod(port - SENDER_PORT, _PORTS_A_CLIENT)
    return client if not rest and 0 <= client < MAX_CLIENTS else 0


@dataclass(frozen=True, slots=True)
class FlowHeaders:
    """The constant parts of one flow's headers, and their sums for the checksums."""

    ethernet: bytes
    ends: bytes
    ip_sum: int
    udp_sum: int

    def headers(self, payload: bytes) -> bytes:
        """Ethernet, IPv4 and UDP headers in front of `payload` (at most MAX_PAYLOAD_BYTES)."""
        udp_bytes = 8 + len(payload)
        ip_bytes = 20 + udp_bytes
        # RFC 1071: the ones' complement sum of 16-bit words is the number modulo 65535,
        # because 65536 = 1 (mod 65535). The UDP length counts twice: pseudo-header and header.
        ip_checksum = 0xFFFF - ((self.ip_sum + ip_bytes - 1) % 0xFFFF + 1)
        number = int.from_bytes(payload, "big") << (8 if len(payload) & 1 else 0)
        # RFC 768: a checksum of zero is sent as all ones, since zero means "none".
        checksum = 0xFFFF - (self.udp_sum + 2 * udp_bytes + number) % 0xFFFF
        return _HEADERS.pack(
            self.ethernet,
            ip_bytes,
            _ID_DONT_FRAGMENT_TTL_UDP,
            ip_checksum,
            self.ends,
            udp_bytes,
            checksum,
        )


def channel(
    source: IPv4Address, source_port: int, destination: IPv4Address, destination_port: int
) -> FlowHeaders:
    """The flow between these ends."""
    addresses = source.packed + destination.packed
    ports = struct.pack(">HH", source_port, destination_port)
    fixed = _ETHERNET_IPV4[2:] + _ID_DONT_FRAGMENT_TTL_UDP + addresses
    pseudo = addresses + ports + b"\0\x11"
    return FlowHeaders(
        ethernet=_MAC[destination] + _MAC[source] + _ETHERNET_IPV4,
        ends=addresses + ports,
        ip_sum=int.from_bytes(fixed, "big"),
        udp_sum=int.from_bytes(pseudo, "big"),
    )
