"""What session descriptions (SDP) in SIP messages say of the media that comes to each end.

RFC 3264: each end says where it listens, and what each payload type stands for in what it is sent.
So a packet is explained by the description of the end that it goes to, the latest at that time;
where a capture lacks that one, by its sender's, as an answer uses the numbers of its offer (6.1).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import numpy as np

from voipbin_cli.capture.packets import Address, Flow, PacketChunk
from voipbin_cli.codec.payload_types import PayloadType, lookup

# RFC 8866 5.14: m=<media> <port>[/<number of ports>] <proto> <fmt> …
_MEDIA = re.compile(rb"(\w{1,20}) (\d{1,5})(?:/\d+)? ([\w/]{1,40})((?: [\w*.-]{1,20})*)")
# 5.7: c=IN IP4|IP6 <address>[/<ttl>]
_CONNECTION = re.compile(rb"IN IP[46] ([^\s/]{1,80})")
# RFC 3550 5.1: seven bits.
_MAX_TYPE = 127
# 6.6: a=rtpmap:<payload type> <encoding name>/<clock rate>[/<encoding parameters>]
_RTPMAP = re.compile(rb"rtpmap:(\d{1,3}) ([\w.-]{1,40})/(\d{4,6})(?:/(\d{1,2}))?")
# RFC 8839 5.1: component 1 is RTP.
_CANDIDATE = re.compile(rb"candidate:\S{1,40} 1 (?i:udp) \d+ (\S{1,80}) (\d{1,5})")
# RFC 3261 7.1 and 7.2: both the request line and the status line name the version.
_SIP_VERSION = b"SIP/2.0"
_FIRST_LINE_BYTES = 200
# 7.3.3: "i" is the compact form of Call-ID.
_CALL_ID = re.compile(rb"^(?:Call-ID|i)[ \t]*:[ \t]*(\S{1,200})", re.MULTILINE | re.IGNORECASE)
# A description alone has a version, an origin, a name and a time: less is none.
_LEAST_BYTES = 64
_MAX_MESSAGES = 10_000
# Media may come before the description that explains it: an answer in the ACK, early media.
_EARLY_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class DescribedMedia:
    """One m= line: where an end listens, and for what.

    `address` is None where the description has none that is a number.
    """

    call: bytes
    address: Address | None
    port: int
    profile: str
    types: Mapping[int, PayloadType]

    @property
    def is_encrypted(self) -> bool:
        """RTP/SAVP (RFC 3711), RTP/SAVPF (RFC 5124), and both over DTLS (RFC 5764)."""
        return "SAVP" in self.profile


class SessionDescriptions:
    """All descriptions of a capture, by the ends that they are of."""

    def __init__(self) -> None:
        # In the order of the file; None: the call is over.
        self._told: dict[int, list[tuple[int, DescribedMedia | None, DescribedMedia]]] = (
            defaultdict(list)
        )
        self._calls: dict[bytes, list[DescribedMedia]] = defaultdict(list)
        self._of_connections: dict[Flow, DescribedMedia] = {}
        self._looked = 0

    # In

    def read(self, chunk: PacketChunk) -> None:
        """Look for descriptions among packets that begin with a letter: SIP's do."""
        if self._looked >= _MAX_MESSAGES:
            return
        first = chunk.octets[np.minimum(chunk.offset, len(chunk.data) - 1)]
        text = (first >= ord("A")) & (first <= ord("Z")) & (chunk.length_bytes >= _LEAST_BYTES)
        for n in np.flatnonzero(text)[: _MAX_MESSAGES - self._looked].tolist():
            self._looked += 1
            start = int(chunk.offset[n])
            message = chunk.data[start : start + int(chunk.length_bytes[n])]
            self.take(int(chunk.time_ns[n]), message)

    def take(self, at_ns: int, message: bytes) -> None:
        """Take a SIP message that came so; what is none is passed over."""
        if _SIP_VERSION not in message[:_FIRST_LINE_BYTES]:
            return
        found = _CALL_ID.search(message)
        call = found[1] if found else b""
        if message.startswith(b"BYE "):
            for media in self._calls.pop(call, []):
                self._told[media.port].append((at_ns, None, media))
        for media in described(message, call):
            self._told[media.port].append((at_ns, media, media))
            self._calls[call].append(media)

    def of_connection(self, message: bytes, flow: Flow) -> None:
        """Take what describes the media in a connection, of which `flow` is a direction.

        There the numbers alone count: RTSP's descriptions have no ports. Media that share one and
        mean different things by it stay unnamed.
        """
        types: dict[int, PayloadType] = {}
        for told in _media_types(message):
            clash = {number for number in told if types.get(number, told[number]) != told[number]}
            types = {n: kind for n, kind in (types | told).items() if n not in clash}
        self._of_connections[flow] = DescribedMedia(b"", None, 0, "RTP/AVP/TCP", types)

    # Out

    def of(self, flow: Flow, at_ns: int) -> list[DescribedMedia]:
        """What describes packets of this flow at this time, the better first."""
        if (told := self._of_connections.get(flow)) is not None:
            return [told]
        to = self._latest(flow.destination, flow.destination_port, at_ns)
        by = self._latest(flow.source, flow.source_port, at_ns)
        # Behind a NAT or a relay the addresses are others, but both ports of one call say enough.
        return [media for media in (to, by) if media] or self._by_ports(flow, at_ns)

    def _latest(self, address: Address, port: int, at_ns: int) -> DescribedMedia | None:
        told = [
            (when, media)
            for when, media, of in self._told.get(port, [])
            if of.address in (address, None) and when <= at_ns + _EARLY_NS
        ]
        before = [media for when, media in told if when <= at_ns]
        if before and before[-1] is not None:
            return before[-1]
        return next((media for when, media in told if when > at_ns and media), None)

    def _by_ports(self, flow: Flow, at_ns: int) -> list[DescribedMedia]:
        for to in self._at_port(flow.destination_port, at_ns):
            for by in self._at_port(flow.source_port, at_ns):
                if to.call == by.call and (to.address, to.port) != (by.address, by.port):
                    return [to, by]
        return []

    def _at_port(self, port: int, at_ns: int) -> Iterator[DescribedMedia]:
        ends = {of.address for _, _, of in self._told.get(port, []) if of.address}
        found = (self._latest(address, port, at_ns) for address in ends)
        return (media for media in found if media)


def described(message: bytes, call: bytes = b"") -> Iterator[DescribedMedia]:
    """The media that the description in a SIP message offers or accepts."""
    session, *sections = re.split(rb"^m=", message, flags=re.MULTILINE)
    common = _address(session)
    for section in sections:
        head = _MEDIA.match(section)
        if head is None or not 0 < int(head[2]) < 1 << 16:  # RFC 3264 6: port 0 rejects a stream
            continue
        profile, types = head[3].decode("ascii"), _types(head, section)
        address = _address(section) or common
        if address is not None and address.is_unspecified:
            continue  # RFC 3264 8.4: on hold, nothing comes to it
        yield DescribedMedia(call, address, int(head[2]), profile, types)
        for told in _CANDIDATE.finditer(section):
            candidate = _number(told[1])
            if candidate is not None and int(told[2]) < 1 << 16:
                yield DescribedMedia(call, candidate, int(told[2]), profile, types)


def _media_types(message: bytes) -> Iterator[dict[int, PayloadType]]:
    for section in re.split(rb"^m=", message, flags=re.MULTILINE)[1:]:
        if (head := _MEDIA.match(section)) is not None:
            yield _types(head, section)


def _types(head: re.Match[bytes], section: bytes) -> dict[int, PayloadType]:
    """What each number on an m= line stands for: by its rtpmap, else by RFC 3551."""
    is_audio = head[1] == b"audio"
    types = {}
    for told in head[4].split():
        known = lookup(int(told)) if told.isdigit() else None
        if known is not None:
            types[known.number] = known
    for found in _RTPMAP.finditer(section):
        channels = int(found[4] or 1) if is_audio else None
        number = int(found[1])
        if number <= _MAX_TYPE:
            types[number] = PayloadType(number, found[2].decode("ascii"), int(found[3]), channels)
    return types


def _address(lines: bytes) -> Address | None:
    for line in lines.splitlines():
        found = _CONNECTION.match(line, 2) if line.startswith(b"c=") else None
        if found is not None:
            return _number(found[1])
    return None


def _number(told: bytes) -> Address | None:
    try:
        return ip_address(told.decode("ascii"))
    except (ValueError, UnicodeDecodeError):
        return None
