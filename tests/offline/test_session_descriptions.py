"""Descriptions out of SIP messages: whose they are, for what, and from when on."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.capture.support import opened
from voipbin_cli.capture.packets import Flow
from voipbin_cli.offline.session_descriptions import SessionDescriptions, described

S = 1_000_000_000
A, B = "10.0.0.1", "10.0.0.2"
INVITE, OK, BYE = "INVITE sip:b@example.invalid", "SIP/2.0 200 OK", "BYE sip:b@example.invalid"


def message(
    start: str, *lines: str, call: str = "one", address: str | None = A, head: str = "Call-ID"
) -> bytes:
    version = "" if start.startswith("SIP/2.0") else " SIP/2.0"
    told = [f"{start}{version}", f"{head}: {call}", "CSeq: 1 INVITE", "Max-Forwards: 70", ""]
    session = ["v=0", "o=- 0 0 IN IP4 192.0.2.9", "s=-", "t=0 0"] if lines else []
    session += [f"c=IN IP4 {address}"] if lines and address else []
    return "\r\n".join([*told, *session, *lines, ""]).encode()


def descriptions(*told: tuple[float, bytes]) -> SessionDescriptions:
    found = SessionDescriptions()
    frames = [(round(at * S), ethernet(ipv4(udp(data, ports=(5060, 5060))))) for at, data in told]
    for chunk in opened(pcap(frames)).chunks():
        found.read(chunk)
    return found


def flow(source: str, source_port: int, destination: str, destination_port: int) -> Flow:
    return Flow(ip_address(source), source_port, ip_address(destination), destination_port)


def name(found: SessionDescriptions, of: Flow, number: int = 96, at: float = 10) -> str | None:
    media = found.of(of, round(at * S))
    types = [one.types[number] for one in media if number in one.types]
    return f"{types[0].name}/{types[0].clock_hz}" if types else None


def audio(port: int, codec: str, number: int = 96, profile: str = "RTP/AVP") -> tuple[str, str]:
    return f"m=audio {port} {profile} {number}", f"a=rtpmap:{number} {codec}"


OFFER = message(INVITE, *audio(4000, "opus/48000/2"))
ANSWER = message(OK, *audio(5000, "L16/16000"), address=B)


def test_a_packet_is_explained_by_the_end_that_it_goes_to() -> None:
    found = descriptions((1, OFFER), (2, ANSWER))
    assert name(found, flow(A, 4000, B, 5000)) == "L16/16000"
    assert name(found, flow(B, 5000, A, 4000)) == "opus/48000"
    # A sender may use another port than it listens at.
    assert name(found, flow(A, 9, B, 5000)) == "L16/16000"


def test_where_that_is_not_told_its_sender_explains_it() -> None:
    found = descriptions((1, OFFER))
    assert name(found, flow(A, 4000, B, 5000)) == "opus/48000"


def test_one_call_says_nothing_of_another() -> None:
    other = message(INVITE, *audio(6000, "L16/16000"), call="two", address="10.0.0.9")
    found = descriptions((1, OFFER), (1, other))
    assert name(found, flow(A, 4000, B, 5000)) == "opus/48000"
    assert name(found, flow("10.0.0.9", 6000, B, 7000)) == "L16/16000"
    assert name(found, flow("10.0.0.7", 4000, B, 7000)) is None
    assert name(found, flow("10.0.0.7", 9, B, 8000)) is None


def test_media_of_one_call_are_told_apart_by_their_ports() -> None:
    offer = message(INVITE, *audio(4000, "opus/48000/2"), "m=video 4002 RTP/AVP 96",
                    "a=rtpmap:96 VP8/90000")  # fmt: skip
    found = descriptions((1, offer))
    assert name(found, flow(B, 1, A, 4000)) == "opus/48000"
    assert name(found, flow(B, 1, A, 4002)) == "VP8/90000"
    assert found.of(flow(B, 1, A, 4002), 10 * S)[0].types[96].is_video


def test_a_later_offer_counts_from_then_on() -> None:
    found = descriptions((1, OFFER), (30, message(INVITE, *audio(4000, "PCMU/8000"))))
    assert name(found, flow(B, 1, A, 4000), at=29) == "opus/48000"
    assert name(found, flow(B, 1, A, 4000), at=31) == "PCMU/8000"


def test_an_answer_may_come_after_the_media_and_not_after_long() -> None:
    found = descriptions((14, OFFER))
    assert name(found, flow(B, 1, A, 4000), at=10) == "opus/48000"
    assert name(found, flow(B, 1, A, 4000), at=2) is None


def test_a_call_that_is_over_says_nothing_of_the_next_on_its_ports() -> None:
    found = descriptions((1, OFFER), (20, message(BYE)))
    assert name(found, flow(B, 1, A, 4000), at=19) == "opus/48000"
    assert name(found, flow(B, 1, A, 4000), at=21) is None
    other = descriptions((1, OFFER), (20, message(BYE, call="two")))
    assert name(other, flow(B, 1, A, 4000), at=21) == "opus/48000"


def test_behind_a_nat_both_ports_of_a_call_tell_it() -> None:
    found = descriptions((1, OFFER), (2, ANSWER))
    assert name(found, flow("192.0.2.1", 4000, "192.0.2.2", 5000)) == "L16/16000"
    assert name(found, flow("192.0.2.2", 5000, "192.0.2.1", 4000)) == "opus/48000"
    assert name(found, flow("192.0.2.1", 4000, "192.0.2.2", 5001)) is None
    two = descriptions((1, OFFER), (2, message(OK, *audio(5000, "L16/16000"), call="two")))
    assert name(two, flow("192.0.2.1", 4000, "192.0.2.2", 5000)) is None


def test_candidates_are_ends_as_well() -> None:
    offer = message(INVITE, *audio(9, "opus/48000/2", profile="UDP/TLS/RTP/SAVPF"),
                    "a=candidate:1 1 UDP 2130706431 192.0.2.7 40000 typ host",
                    "a=candidate:1 2 UDP 2130706430 192.0.2.7 40001 typ host",
                    "a=candidate:2 1 udp 1694498815 x.local 40002 typ host")  # fmt: skip
    found = descriptions((1, offer))
    assert name(found, flow(B, 1, "192.0.2.7", 40000)) == "opus/48000"
    assert name(found, flow(B, 1, "192.0.2.7", 40001)) is None
    assert found.of(flow(B, 1, "192.0.2.7", 40000), 10 * S)[0].is_encrypted


def test_each_media_has_its_own_address_where_it_says_one() -> None:
    offer = message(INVITE, *audio(4000, "opus/48000/2"), "c=IN IP4 192.0.2.8/127")
    found = descriptions((1, offer))
    assert name(found, flow(B, 1, "192.0.2.8", 4000)) == "opus/48000"
    assert name(found, flow(B, 1, A, 4000)) is None


def test_on_hold_what_was_told_before_stays() -> None:
    found = descriptions((1, OFFER), (5, message(INVITE, *audio(4000, "PCMU/8000"),
                                                 address="0.0.0.0")))  # fmt: skip
    assert name(found, flow(B, 1, A, 4000)) == "opus/48000"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("m=audio 4000 RTP/AVP 18 101", {18: "G729/8000"}),
        ("m=audio 4000/2 RTP/AVP 9", {9: "G722/8000"}),
        ("m=audio 0 RTP/AVP 0", None),
        ("m=audio 70000 RTP/AVP 0", None),
        ("m=audio RTP/AVP 0", None),
    ],
)
def test_static_numbers_need_no_name(line: str, told: dict[int, str] | None) -> None:
    media = list(described(message(INVITE, line)))
    found = [{n: f"{row.name}/{row.clock_hz}" for n, row in one.types.items()} for one in media]
    assert found == ([] if told is None else [told])


@pytest.mark.parametrize(
    ("profile", "is_encrypted"),
    [("RTP/AVP", False), ("RTP/AVPF", False), ("RTP/SAVP", True), ("RTP/SAVPF", True),
     ("UDP/TLS/RTP/SAVP", True)],
)  # fmt: skip
def test_the_profile_says_whether_it_is_encrypted(profile: str, is_encrypted: bool) -> None:
    (media,) = described(message(INVITE, *audio(4000, "PCMU/8000", 0, profile)))
    assert media.is_encrypted is is_encrypted


def test_the_compact_name_of_a_call_is_known() -> None:
    found = descriptions((1, OFFER), (20, message(BYE, head="i")))
    assert name(found, flow(B, 1, A, 4000), at=21) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n" * 4 + b"m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 L16/16000\r\n",
        b"OPTIONS SIP/2.0\r\nm=audio 4000 RTP/AVP 97\r\n",  # shorter than any description
        b"\x80" + OFFER,
        OFFER.replace(b"m=audio", b" m=audio"),
    ],
)
def test_what_is_no_description_tells_nothing(data: bytes) -> None:
    assert name(descriptions((1, data)), flow(B, 1, A, 4000)) is None
