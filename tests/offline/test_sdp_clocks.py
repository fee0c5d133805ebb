"""Clocks of payload types out of SIP messages among other packets."""

from __future__ import annotations

import pytest

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.capture.support import opened
from voipbin_cli.offline.sdp_clocks import SdpClocks

INVITE = b"INVITE sip:x@example.invalid SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"


def clocks(*payloads: bytes) -> SdpClocks:
    found = SdpClocks()
    frames = [(n, ethernet(ipv4(udp(payload)))) for n, payload in enumerate(payloads)]
    for chunk in opened(pcap(frames)).chunks():
        found.read(chunk)
    return found


def test_each_payload_type_has_the_clock_that_was_told_last() -> None:
    offer = INVITE + b"a=rtpmap:97 L16/16000\r\na=rtpmap:96 opus/48000/2\r\n"
    answer = b"SIP/2.0 200 OK\r\n\r\nv=0\r\ns=-\r\nt=0 0\r\n" + b"a=rtpmap:97 L16/44100\r\n" * 2
    found = clocks(offer, b"\x80" + bytes(171), answer)
    assert [found.clock_hz(n) for n in (97, 96, 98)] == [44_100, 48_000, None]


@pytest.mark.parametrize(
    "message",
    [
        b"GET / HTTP/1.1\r\n" * 4 + b"a=rtpmap:97 L16/16000\r\n",
        b"OPTIONS SIP/2.0\r\na=rtpmap:97 L16/16000\r\n",  # shorter than any description
        INVITE + b" a=rtpmap:97 L16/16000\r\n",
        INVITE + b"a=rtpmap:97 L16/99\r\n",
        b"\x80" + INVITE + b"a=rtpmap:97 L16/16000\r\n",
    ],
)
def test_what_is_no_description_tells_nothing(message: bytes) -> None:
    assert clocks(message).clock_hz(97) is None
