"""What is sent to an address: no more than it earned by what it sent itself."""

from __future__ import annotations

import asyncio

import pytest

from voipbin_cli.codec import rtp
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.udp_server import SILENCE_S, UdpPeer

S = 1_000_000_000


class Scene:
    """A peer, the time and what was sent to it."""

    def __init__(self) -> None:
        self.now_ns = 5 * S
        self.sent: list[bytes] = []
        self.peer = UdpPeer("a phone", self.sent.append, lambda: self.now_ns)
        self.heard = 0

    def hear(self) -> None:
        packet = rtp.RtpPacket(
            payload_type=0, sequence_number=self.heard, timestamp=0, ssrc=1, payload=b"x"
        )
        self.peer.hear(packet, rtp.build(packet))
        self.heard += 1

    def answered_s(self) -> float:
        """For how many tenths of a second from now on it is answered, in seconds."""
        began_ns, tenths = self.now_ns, 0
        while not self.peer.unsent_bytes:
            tenths += 1
            self.now_ns = began_ns + tenths * S // 10
        self.now_ns = began_ns
        return tenths / 10


def test_a_packet_buys_a_second_and_no_more_than_the_silence_that_ends_it() -> None:
    scene = Scene()
    assert scene.answered_s() == 0
    scene.hear()
    assert scene.answered_s() == 1
    for _ in range(100):
        scene.hear()
    assert scene.answered_s() == SILENCE_S


def test_one_packet_in_ten_seconds_keeps_no_stream_alive() -> None:
    scene, answered_s = Scene(), 0.0
    for _ in range(10):
        scene.hear()
        answered_s += scene.answered_s()
        scene.now_ns += round(SILENCE_S * S)
    assert answered_s == 10


def test_silence_ends_it_and_what_was_held_back_comes_before() -> None:
    async def run() -> list[bytes | str]:
        scene = Scene()
        scene.hear()
        scene.heard += 1
        scene.hear()
        assert not scene.peer.is_gone
        scene.now_ns += round(SILENCE_S * S) + 1
        assert scene.peer.is_gone
        scene.peer.end()
        return [message.data async for message in scene.peer.messages()]

    assert len(asyncio.run(run())) == 2


def test_nothing_is_sent_to_who_was_served_to_the_end() -> None:
    scene = Scene()
    asyncio.run(scene.peer.close())
    with pytest.raises(ConnectionEnded):
        scene.peer.send_nowait(b"late")
    assert scene.sent == []
