"""SIP messages in TCP: cut at their lengths, and read for their descriptions."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture import frames as f
from voipbin_cli.capture.tcp import Run
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.sip_bytes import SipBytes, looks_like_sip

SDP = (
    b"v=0\r\no=- 0 0 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"
    b"m=audio 5004 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n"
)
INVITE = (
    b"INVITE sip:b@example.invalid SIP/2.0\r\nCall-ID: one\r\n"
    b"Content-Length: %d\r\n\r\n" % len(SDP) + SDP
)
OK = b"SIP/2.0 200 OK\r\nCall-ID: one\r\nl: 0\r\n\r\n"


def cut(pieces: list[bytes]) -> list[bytes]:
    side = SipBytes()
    return [message for piece in pieces for message in side.add(Run(0, piece, False))]


@given(st.lists(st.integers(1, 2 * len(INVITE)), max_size=5))
def test_messages_are_cut_at_their_lengths_however_they_came(places: list[int]) -> None:
    whole = INVITE + b"\r\n\r\n" + OK + INVITE
    edges = [0, *sorted(place for place in places if place < len(whole)), len(whole)]
    pieces = [whole[start:stop] for start, stop in itertools.pairwise(edges)]
    assert cut(pieces) == [INVITE, OK, INVITE]


def test_after_a_gap_it_goes_on_with_the_next_message() -> None:
    side = SipBytes()
    assert list(side.add(Run(0, INVITE[:-20], False))) == []
    found = list(side.add(Run(0, INVITE[-9:] + OK, True)))
    assert found[-1].endswith(OK)
    assert list(side.add(Run(0, INVITE, False))) == [INVITE]


@pytest.mark.parametrize(
    ("first", "is_sip"),
    [(INVITE, True), (OK, True), (b"\r\n\r\n" + OK, True), (b"GET / HTTP/1.1\r\n", False)],
)
def test_what_begins_like_sip(first: bytes, is_sip: bool) -> None:
    assert looks_like_sip(first) is is_sip


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(data: bytes) -> None:
    assert sum(map(len, cut([data]))) <= len(data)


def test_a_description_in_tcp_names_the_codec_of_rtp_in_udp(tmp_path: Path) -> None:
    ports = {"ports": (40000, 5060)}
    segments = [
        f.tcp(sequence=1, flags=0x02, **ports),
        f.tcp(INVITE[:100], sequence=2, **ports),
        f.tcp(INVITE[100:], sequence=102, **ports),
    ]
    media = [
        f.udp(struct.pack(">BBHII", 0x80, 97, n, n * 960, 7) + bytes([n % 251] * 80))
        for n in range(100)
    ]
    packets = [f.ipv4(one, protocol=6) for one in segments] + [f.ipv4(one) for one in media]
    path = tmp_path / "call.pcap"
    path.write_bytes(
        f.pcap([(n * 20_000_000, f.ethernet(packet)) for n, packet in enumerate(packets)])
    )
    (told,) = diagnose_file(str(path)).summary["findings"]
    assert told["id"] == "unjudged-codec"
    assert (told["evidence"]["codec"], told["evidence"]["by"]) == ("opus", "SDP")
