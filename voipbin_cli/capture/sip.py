"""A SIP call with late offer, made up so that Wireshark knows what the RTP payload types mean.

Wireshark computes no jitter for a dynamic payload type whose clock it was not told. Each end's
SDP says what that end receives, so the two directions may use one payload type for two things,
as the platform's bridge does: INVITE, 200 OK with what is received here, ACK with what is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from voipbin_cli.capture.datagrams import FAR, NEAR, Port

ENCODINGS: Mapping[str, str] = {
    "mulaw": "PCMU",
    "alaw": "PCMA",
    "s16be": "L16",
    # RFC 3551 knows no little-endian linear audio; Wireshark takes the clock of unknown names.
    "s16le": "X-S16LE",
}
"""Codec names of this program to encoding names of SDP."""

_CALL_ID = "media-stream@voipbin.invalid"


def invite(sequence: int) -> bytes:
    """The far end calls, leaving the offer to us (RFC 3261, 13.2.1)."""
    return _message("INVITE sip:near@voipbin.invalid SIP/2.0", f"{sequence} INVITE", b"")


def ok(sequence: int, payload_type: int, codec: str, clock_hz: int) -> bytes:
    """Our answer: what is received here."""
    body = _sdp(NEAR, payload_type, codec, clock_hz)
    return _message("SIP/2.0 200 OK", f"{sequence} INVITE", body)


def ack(sequence: int, payload_type: int, codec: str, clock_hz: int) -> bytes:
    """The far end's acknowledgement: what it receives."""
    body = _sdp(FAR, payload_type, codec, clock_hz)
    return _message("ACK sip:near@voipbin.invalid SIP/2.0", f"{sequence} ACK", body)


def _sdp(address: IPv4Address, payload_type: int, codec: str, clock_hz: int) -> bytes:
    lines = (
        "v=0",
        f"o=voipbin 0 0 IN IP4 {address}",
        "s=media stream",
        f"c=IN IP4 {address}",
        "t=0 0",
        f"m=audio {Port.RTP.value} RTP/AVP {payload_type}",
        f"a=rtpmap:{payload_type} {ENCODINGS[codec]}/{clock_hz}",
        "a=ptime:20",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def _message(start: str, sequence: str, body: bytes) -> bytes:
    lines = [
        start,
        f"Via: SIP/2.0/UDP {FAR};branch=z9hG4bK{sequence.partition(' ')[0]}",
        "From: <sip:far@voipbin.invalid>;tag=far",
        "To: <sip:near@voipbin.invalid>;tag=near",
        f"Call-ID: {_CALL_ID}",
        f"CSeq: {sequence}",
        "Max-Forwards: 70",
        "Subject: made up by voipbin to name the payload types",
    ]
    if body:
        lines.append("Content-Type: application/sdp")
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
