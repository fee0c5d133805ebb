"""RTP packets without a network around them: an rtpdump file, or one packet alone."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from itertools import islice

import numpy as np

from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.capture.packets import Flow, PacketChunk
from voipbin_cli.capture.rtpdump_reader import DumpedPacket, RtpDumpReader
from voipbin_cli.capture.window import Window
from voipbin_cli.errors import UsageError

# So many at once, which is enough for columns to be worth it.
_PACKETS = 1000
# RFC 3550 5.1 and 5.3.1: a header, 15 CSRCs, an extension of 65,535 words; then the longest
# payload that is judged, and the most padding that one octet counts.
_MAX_PACKET_BYTES = 12 + 15 * 4 + 4 + 0xFFFF * 4 + 0xFFFF + 0xFF


def rtpdump_packets(window: Window) -> Iterator[Messages]:
    """The packets of an rtpdump file, RTCP left out."""
    held: list[TimedMessage] = []
    for packet in RtpDumpReader(window).packets():
        if packet.is_rtcp:
            continue
        held.append(TimedMessage(packet.data, packet.time_ns, packet.wire_bytes))
        if len(held) == _PACKETS:
            yield from_messages(held)
            held = []
    yield from_messages(held)


class RtpDump:
    """An rtpdump file as a capture has its packets, all of them of one flow.

    To be read once by `chunks`; `truncated` and `passed_over` are known then.
    """

    too_many_flows = 0

    def __init__(self, window: Window) -> None:
        self._reader = RtpDumpReader(window)
        self._rtcp = 0
        self.flows = [_flow(self._reader.source)]

    @property
    def truncated(self) -> bool:
        """The file ends inside a record."""
        return self._reader.truncated

    @property
    def passed_over(self) -> dict[str, int]:
        """How many packets are RTCP."""
        return {"RTCP": self._rtcp} if self._rtcp else {}

    def chunks(self) -> Iterator[PacketChunk]:
        """The packets as columns, piece by piece, in file order."""
        packets = self._reader.packets()
        while piece := list(islice(packets, _PACKETS)):
            rtp = [packet for packet in piece if not packet.is_rtcp]
            self._rtcp += len(piece) - len(rtp)
            yield _chunk(rtp)


def _flow(told: str) -> Flow:
    """To the end that the first line names, "192.0.2.1/5004"; who sends it does not say."""
    address, _, port = told.partition("/")
    nowhere = IPv4Address(0)
    try:
        return Flow(nowhere, 0, ip_address(address), int(port) & 0xFFFF)
    except ValueError:
        return Flow(nowhere, 0, nowhere, 0)


def _chunk(packets: list[DumpedPacket]) -> PacketChunk:
    length = np.array([len(packet.data) for packet in packets], np.int64)
    wire = np.array([packet.wire_bytes for packet in packets], np.int64)
    return PacketChunk(
        data=b"".join(packet.data for packet in packets),
        time_ns=np.array([packet.time_ns for packet in packets], np.int64),
        direction=np.zeros(len(packets), np.int8),
        flow=np.zeros(len(packets), np.int32),
        offset=np.cumsum(length) - length,
        length_bytes=length,
        wire_bytes=np.maximum(wire, length),
        comments={},
    )


def single_packet(window: Window) -> Iterator[Messages]:
    """All bytes as one packet. Raises UsageError for more than one packet can have."""
    while len(window.data) <= _MAX_PACKET_BYTES and not window.at_end:
        window.advance(0)
    if len(window.data) > _MAX_PACKET_BYTES:
        raise UsageError(
            "RTP packets one after the other have no boundaries",
            hint="give an rtpdump (#!rtpplay1.0), pcap or pcapng file; -e says what else it is",
        )
    yield from_messages([TimedMessage(window.data)])
