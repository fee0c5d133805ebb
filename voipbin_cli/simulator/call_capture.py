"""The platform's own capture of a call: a classic pcap with SIP, RTP and RTCP on Ethernet."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from voipbin_cli.codec.codecs import FRAME_SAMPLES, Codec, encode
from voipbin_cli.codec.rtp import RtpPacket, build
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.sources import SoundLoop

PHONE = ("192.0.2.10", 5060, 40000)
PLATFORM = ("198.51.100.20", 5060, 20000)
SECONDS = 10
_SSRC = 0x1D2C3B4A

Datagram = tuple[float, tuple[str, int], tuple[str, int], bytes]


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data[: len(data) & ~1]))
    total += data[-1] << 8 if len(data) & 1 else 0
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _ethernet(source: tuple[str, int], target: tuple[str, int], payload: bytes) -> bytes:
    """UDP (RFC 768) in IPv4 (RFC 791) in Ethernet."""
    addresses = b"".join(bytes(map(int, host.split("."))) for host, _ in (source, target))
    size = 8 + len(payload)
    udp = struct.pack("!HHHH", source[1], target[1], size, 0) + payload
    check = _checksum(addresses + struct.pack("!HH", 17, size) + udp) or 0xFFFF
    udp = udp[:6] + struct.pack("!H", check) + udp[8:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 64, 17, 0) + addresses
    head = head[:10] + struct.pack("!H", _checksum(head)) + head[12:]
    return bytes.fromhex("020000000002020000000001") + b"\x08\x00" + head + udp


def _sdp(host: str, port: int) -> str:
    return (
        f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
        f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
    )


def _sip(start: str, room: Room, sequence: str, body: str = "") -> bytes:
    """One SIP message (RFC 3261) of the call's dialog."""
    lines = [
        start,
        f"Via: SIP/2.0/UDP {PHONE[0]}:5060;branch=z9hG4bK-{sequence.replace(' ', '-')}",
        f"From: <sip:+15550100@{PHONE[0]}>;tag=phone",
        f"To: <sip:+15550101@{PLATFORM[0]}>;tag=platform",
        f"Call-ID: {room.id}@{PHONE[0]}",
        f"CSeq: {sequence}",
        "Max-Forwards: 70",
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("ascii")


def _signalling(room: Room) -> Iterator[Datagram]:
    phone, platform = (PHONE[0], PHONE[1]), (PLATFORM[0], PLATFORM[1])
    to = f"sip:+15550101@{PLATFORM[0]}"
    invite = _sip(f"INVITE {to} SIP/2.0", room, "1 INVITE", _sdp(PHONE[0], PHONE[2]))
    answer = _sip("SIP/2.0 200 OK", room, "1 INVITE", _sdp(PLATFORM[0], PLATFORM[2]))
    yield 0.0, phone, platform, invite
    yield 0.1, platform, phone, _sip("SIP/2.0 180 Ringing", room, "1 INVITE")
    yield 1.0, platform, phone, answer
    yield 1.02, phone, platform, _sip(f"ACK {to} SIP/2.0", room, "1 ACK")
    if room.is_over:
        end = 1.1 + SECONDS
        yield end, phone, platform, _sip(f"BYE {to} SIP/2.0", room, "2 BYE")
        yield end + 0.01, platform, phone, _sip("SIP/2.0 200 OK", room, "2 BYE")


def _media(sound: SoundLoop) -> Iterator[Datagram]:
    """The phone's RTP, and a sender report (RFC 3550 6.4.1) every five seconds."""
    for index in range(SECONDS * 50):
        packet = RtpPacket(
            payload_type=0,
            sequence_number=(65_500 + index) & 0xFFFF,  # across the wrap
            timestamp=index * FRAME_SAMPLES,
            ssrc=_SSRC,
            payload=encode(Codec.MULAW, sound.frame(index)),
        )
        at = 1.05 + index * 0.02
        yield at, (PHONE[0], PHONE[2]), (PLATFORM[0], PLATFORM[2]), build(packet)
        if index % 250 == 249:
            report = struct.pack(
                "!BBHIIIIII", 0x80, 200, 6, _SSRC, int(at), 0, packet.timestamp, index + 1,
                (index + 1) * FRAME_SAMPLES,
            )  # fmt: skip
            yield at, (PHONE[0], PHONE[2] + 1), (PLATFORM[0], PLATFORM[2] + 1), report


def call_pcap(room: Room, sound: SoundLoop) -> bytes:
    """Return the capture of the first seconds of `room`, microsecond times."""
    datagrams = sorted([*_signalling(room), *_media(sound)], key=lambda item: item[0])
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for at, source, target, payload in datagrams:
        frame = _ethernet(source, target, payload)
        at_us = round((room.created_s + at) * 1e6)
        out += [struct.pack("<IIII", *divmod(at_us, 1_000_000), len(frame), len(frame)), frame]
    return b"".join(out)
