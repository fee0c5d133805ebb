"""RTP over UDP: who sends is a peer, known by its address, and is answered while it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

from voipbin_cli.codec import rtp
from voipbin_cli.codec.packet_order import InOrder
from voipbin_cli.errors import DecodeError
from voipbin_cli.transport.channel import Message
from voipbin_cli.transport.connection import ConnectionEnded
from voipbin_cli.transport.listening import cannot_listen
from voipbin_cli.transport.websocket_server import Handler, Server, address_of

# Addresses can be made up, in UDP, and each of them costs a stream.
MAX_PEERS = 100
SILENCE_S = 10.0
# What a packet is answered with, at the most: 50 packets. Whoever makes up the address of a victim
# gets no more sent there than so many times what it sends itself.
ANSWER_NS = 1_000_000_000
# RFC 5761 4: of what shares a port with RTP, the second byte of RTCP is 192 to 223.
_RTCP = range(192, 224)
_INBOX_MESSAGES = 512
_HELD_BACK_BYTES = 1 << 30
_SWEEP_S = 1.0


class UdpPeer:
    """A peer over UDP; its messages are RTP packets in order, each of them once.

    It is `gone` once nothing came for SILENCE_S. `send(data)` sends a packet to it.
    """

    is_chan_websocket = False
    identity = ""

    def __init__(
        self, name: str, send: Callable[[bytes], object], clock: Callable[[], int]
    ) -> None:
        self.name = name
        self.is_closed = False
        self._send = send
        self._clock = clock
        self._order: InOrder[bytes] = InOrder()
        self._inbox: asyncio.Queue[Message | None] = asyncio.Queue()
        self._heard_ns = self._answered_until_ns = clock()

    def hear(self, packet: rtp.RtpPacket, data: bytes) -> None:
        """Take what it sent, and be ready to answer for another while."""
        now_ns = self._heard_ns = self._clock()
        credit_ns = max(self._answered_until_ns, now_ns) + ANSWER_NS
        self._answered_until_ns = min(credit_ns, now_ns + round(SILENCE_S * 1e9))
        if self.is_closed or self._inbox.qsize() >= _INBOX_MESSAGES:
            return
        for ready in self._order.add(packet.ssrc, packet.sequence_number, data):
            self._inbox.put_nowait(Message(now_ns, ready))

    @property
    def is_gone(self) -> bool:
        """Whether it has been silent for too long."""
        return self._clock() - self._heard_ns > SILENCE_S * 1e9

    def end(self) -> None:
        """Let `messages` end behind what has come."""
        for ready in self._order.flush():
            self._inbox.put_nowait(Message(self._heard_ns, ready))
        self._inbox.put_nowait(None)

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._clock() < self._answered_until_ns else _HELD_BACK_BYTES

    def send_nowait(self, data: bytes | str, /) -> None:
        if self.is_closed:
            raise ConnectionEnded(1006, "", abrupt=True)
        self._send(data if isinstance(data, bytes) else data.encode())

    async def messages(self) -> AsyncIterator[Message]:
        while (message := await self._inbox.get()) is not None:
            yield message

    async def close(self) -> None:
        """Send no more; UDP has no end that could be told."""
        self.is_closed = True


class _UdpServer(asyncio.DatagramProtocol):
    """Peers by their addresses. One that was served to the end is deaf until it falls silent."""

    def __init__(
        self,
        handler: Handler,
        max_peers: int,
        turned_away: Callable[[str], None],
        clock: Callable[[], int],
    ) -> None:
        self._handler = handler
        self._max_peers = max_peers
        self._turned_away = turned_away
        self._clock = clock
        self._peers: dict[object, UdpPeer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(
                lambda: self, local_addr=(host, port)
            )
        except OSError as error:
            raise cannot_listen(host, port, error) from error
        self.port = self._transport.get_extra_info("sockname")[1]
        self._sweep()

    def datagram_received(self, data: bytes, addr: tuple[object, ...]) -> None:
        try:
            packet = rtp.parse(data)
        except DecodeError as problem:
            if addr not in self._peers:
                self._turned_away(f"{address_of(addr)} sends no RTP: {problem.message}")
            return
        if data[1] in _RTCP:
            return
        peer = self._peers.get(addr) or self._newcomer(addr)
        if peer is not None:
            peer.hear(packet, data)

    def _newcomer(self, addr: tuple[object, ...]) -> UdpPeer | None:
        if len(self._peers) >= self._max_peers:
            self._turned_away(f"{address_of(addr)}: {self._max_peers} peers are there already")
            return None
        transport = self._transport
        peer = UdpPeer(address_of(addr), lambda data: transport.sendto(data, addr), self._clock)
        self._peers[addr] = peer
        task = asyncio.ensure_future(self._handler(peer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return peer

    def _sweep(self) -> None:
        """Take leave of who has fallen silent."""
        for addr, peer in tuple(self._peers.items()):
            if peer.is_gone:
                peer.end()
                del self._peers[addr]
        self._sweeping = asyncio.get_running_loop().call_later(_SWEEP_S, self._sweep)

    async def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._transport.close()


async def serve_rtp(
    handler: Handler,
    host: str,
    port: int,
    *,
    max_peers: int = MAX_PEERS,
    turned_away: Callable[[str], None] = lambda why: None,
    clock: Callable[[], int] = time.monotonic_ns,
) -> Server:
    """Listen for RTP over UDP; `handler(peer)` runs for each address that a packet came from.

    `turned_away(why)` hears of strangers: who sends no RTP, and who comes when there are
    `max_peers`. Nothing is sent to an address that sent no RTP. Raises MachineError when the port
    cannot be had.
    """
    server = _UdpServer(handler, max_peers, turned_away, clock)
    await server.start(host, port)
    return server
