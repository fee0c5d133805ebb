"""RTP packets without a network around them: an rtpdump file, or one packet alone."""

from __future__ import annotations

from collections.abc import Iterator

from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.capture.rtpdump_reader import RtpDumpReader
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
