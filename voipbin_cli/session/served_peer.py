"""One peer of `serve`: what is played to it, on a grid of its own, and what it sends."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from voipbin_cli.codec import audiosocket, chan_websocket
from voipbin_cli.codec.audiosocket import Kind
from voipbin_cli.codec.chan_websocket import CommandName, ControlEvent, ControlEventName
from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec, decode
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Encapsulation, Unit
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.errors import DecodeError
from voipbin_cli.events import Tell
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS, Pacer
from voipbin_cli.session.recording_file import AudioFile, name_of_now
from voipbin_cli.session.send_form import FormChoice
from voipbin_cli.session.sender import Sender, Voice
from voipbin_cli.text import printable
from voipbin_cli.transport.connection import ConnectionEnded, Message
from voipbin_cli.transport.websocket_server import Peer

FRAME_BYTES = 2 * FRAME_SAMPLES
# MEDIA_START is the first thing chan_websocket says. Others say nothing at all; who asked for its
# subprotocol is waited for longer (asterisk/asterisk#1712).
START_PATIENCE_S = 0.2
SUBPROTOCOL_PATIENCE_S = 5.0
# What a peer may be ahead of time in its recording: networks catch up, and clocks differ.
AHEAD_S = 10
LEFT_FREE_BYTES = 128 << 20
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What is played to each peer, `loop` times (0: for ever), and how.

    `pcm` is s16le at 8 kHz; `record` a directory for what peers send, or None.
    """

    pcm: memoryview
    encapsulation: Encapsulation
    loop: int = 0
    lead_ms: int = DEFAULT_LEAD_MS
    payload: Codec | None = None
    payload_type: int | None = None
    record: Path | None = None


class Looped:
    """A source (`sender.Source`): the same audio again and again, shared by all who play it."""

    def __init__(self, pcm: memoryview, loop: int) -> None:
        self._pcm = pcm
        self._left = loop or -1
        self._at = 0

    @property
    def is_over(self) -> bool:
        """Whether it was played as often as asked."""
        return self._left == 0

    def next_frame(self) -> bytes | None:
        """Return the next frame; one that ends the audio goes on with its start."""
        frame = bytearray()
        while len(frame) < FRAME_BYTES and self._left:
            piece = self._pcm[self._at : self._at + FRAME_BYTES - len(frame)]
            frame += piece
            self._at += len(piece)
            if self._at >= len(self._pcm):
                self._at, self._left = 0, self._left - 1
        return bytes(frame.ljust(FRAME_BYTES, b"\0")) if frame else None


class _PausableWire:
    """The wire of a peer that may ask for a pause: what is held back is not piled up."""

    def __init__(self, peer: Peer) -> None:
        self.is_off = False
        self._peer = peer

    @property
    def unsent_bytes(self) -> int:
        return 1 << 30 if self.is_off else self._peer.unsent_bytes

    def send_nowait(self, data: bytes, /) -> object:
        return self._peer.send_nowait(data)


class ServedPeer:
    """One peer: plays to it, and takes what it sends."""

    def __init__(self, peer: Peer, number: int, request: ServeRequest, tell: Tell) -> None:
        self.peer = peer
        self.number = number
        self.start: ControlEvent | None = None
        self._request = request
        self._tell = tell
        self._wire = _PausableWire(peer)
        self._listener = MessageDecoder(request.encapsulation)
        self._choice = FormChoice(
            request.encapsulation,
            self._listener.decoder,
            payload=request.payload,
            payload_type=request.payload_type,
        )
        self._source = Looped(request.pcm, request.loop)
        self.sender = self._make_sender(request.encapsulation, self._choice.form)
        self._started = asyncio.Event()
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._began_ns = time.monotonic_ns()
        self._file: AudioFile | None = None
        self._is_unfit = False
        self._kept_samples = 0
        self._is_dropping = False

    def _make_sender(self, encapsulation: Encapsulation, form: Callable[[], SendForm]) -> Sender:
        return Sender(
            self._source,
            Voice(encapsulation, Random()),
            Pacer(self._request.lead_ms * 1_000_000),
            form=form,
            is_ready=self._is_ready,
        )

    def _is_ready(self) -> bool:
        waited_ns = time.monotonic_ns() - self._began_ns
        return self.start is not None or self._choice.is_ready(waited_ns)

    # Playing

    async def run(self) -> None:
        """Play until the audio or the peer ends."""
        speaking = asyncio.ensure_future(self._speak())
        listening = asyncio.ensure_future(self._listen())
        try:
            await asyncio.wait({speaking, listening}, return_when=asyncio.FIRST_COMPLETED)
            self._take_leave()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            await _end(speaking, listening)
            self._keep(self._listener.finish())
            if self._file is not None:
                self._file.finish()
                for message in self._file.warnings():
                    self.tell("warning", {"message": f"{self.name}: {message}"})

    async def _speak(self) -> None:
        patience_s = SUBPROTOCOL_PATIENCE_S if self.peer.is_chan_websocket else START_PATIENCE_S
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._started.wait(), patience_s)
        self.sender.begin(self._wire, time.monotonic_ns())
        self._tick()
        await self._over

    def _tick(self) -> None:
        """Send what is due, and come again: a timer costs a tenth of a task's wake-up."""
        try:
            due_ns = self.sender.tick(time.monotonic_ns())
        except ConnectionEnded:
            due_ns = None
        except Exception as error:
            self._over.set_exception(error)
            return
        if due_ns is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(due_ns / 1e9, self._tick)
        elif not self._over.done():
            self._over.set_result(None)

    def _take_leave(self) -> None:
        if self.start is not None:
            self._command(CommandName.HANGUP)

    # Listening

    async def _listen(self) -> None:
        async for message in self.peer.messages():
            if isinstance(message.data, str):
                self._take_control(message.data)
            elif self.start is not None:
                self._take_media(message.arrival_ns, message.data)
            else:
                self._take_frame(message)
            if self._is_unfit:
                return

    def _take_frame(self, message: Message) -> None:
        self._tell_kinds(message.data)
        self._keep(self._listener.take_messages([message]))

    def _tell_kinds(self, data: bytes | str) -> None:
        """AudioSocket says more than audio."""
        if self._request.encapsulation is not Encapsulation.AUDIOSOCKET or isinstance(data, str):
            return
        kind, payload = data[:1], data[audiosocket.HEADER_BYTES :]
        if kind == bytes([Kind.DTMF]):
            self.tell("dtmf", {"digit": printable(payload.decode("latin-1"), 8)})
        elif kind == bytes([Kind.ERROR]):
            self.tell("warning", {"message": f"{self.name} reports error {payload[:4].hex()}"})

    def _take_media(self, at_ns: int, data: bytes) -> None:
        codec = self.start.codec if self.start else None
        if codec is not None and data:
            pcm = decode(codec, data)
            self._keep([AudioFrame(pcm, at_ns, Unit(data, None, None), codec, SAMPLE_RATE_HZ)])

    def _keep(self, frames: list[AudioFrame]) -> None:
        if self._request.record is None or not frames or not self._may_keep(frames):
            return
        if self._file is None:
            name = _NOT_IN_FILE_NAMES.sub("-", self.peer.identity or self.peer.name)
            path = self._request.record / name_of_now(f"peer-{self.number}-{name}")
            self._file = AudioFile(str(path))
            self.tell("recording", {"output": str(path)})
        self._file.hear_frames(frames)

    def _may_keep(self, frames: list[AudioFrame]) -> bool:
        """Whether a stranger's audio goes to the disk: as much as time passes, while there is room.

        Who sends faster than anybody speaks would fill it.
        """
        assert self._request.record is not None
        samples = sum(len(frame.pcm) // 2 for frame in frames)
        elapsed_s = (time.monotonic_ns() - self._began_ns) / 1e9
        if (self._kept_samples + samples) / SAMPLE_RATE_HZ > elapsed_s + AHEAD_S:
            self._drop(f"it sends more than {AHEAD_S} s ahead of time, and that is not recorded")
            return False
        if shutil.disk_usage(self._request.record).free < LEFT_FREE_BYTES:
            self._drop(f"less than {LEFT_FREE_BYTES >> 20} MiB are free, so it is not recorded")
            return False
        self._kept_samples += samples
        return True

    def _drop(self, why: str) -> None:
        if not self._is_dropping:
            self._is_dropping = True
            self.tell("warning", {"message": f"{self.name}: {why}"})

    # Asterisk's control messages

    def _take_control(self, text: str) -> None:
        try:
            event = chan_websocket.parse_event(text)
        except DecodeError as problem:
            said = printable(text, 80)
            self.tell("warning", {"message": f"{self.name} says {said!r}: {problem.message}"})
            return
        if event.name == ControlEventName.MEDIA_START and self.start is None:
            self._begin_media(event)
        elif event.name in (ControlEventName.MEDIA_XOFF, ControlEventName.MEDIA_XON):
            self._wire.is_off = event.name == ControlEventName.MEDIA_XOFF
            self.tell("flow", {"paused": self._wire.is_off})
        elif event.name == ControlEventName.DTMF_END:
            self.tell("dtmf", {"digit": printable(event.fields.get("digit", ""), 8)})
        else:
            fields = {key: printable(value, 80) for key, value in event.fields.items()}
            self.tell("control", {"name": printable(event.name, 80), "fields": fields})

    def _begin_media(self, event: ControlEvent) -> None:
        """From here on the media is bare: no header of any encapsulation."""
        self.start, codec = event, event.codec
        if codec is None:
            asked = printable(event.fields.get("format", ""), 40)
            message = f"{self.name} wants {asked}, which is not 8 kHz: ulaw, alaw and slin are"
            self.tell("warning", {"message": message})
            self._is_unfit = True
            return
        size = FRAME_SAMPLES * codec.sample_bytes
        form = SendForm(codec, None, size, 1.0, "as MEDIA_START says")
        # What was sent in another form until now is not gone back to.
        earlier, self.sender = self.sender, self._make_sender(Encapsulation.SLN, lambda: form)
        if earlier.frames_sent:
            self.sender.begin(self._wire, time.monotonic_ns())
        channel = printable(event.fields.get("channel", ""), 80)
        self.tell("media-start", {"format": codec.value, "channel": channel})
        self._command(CommandName.ANSWER)
        self._started.set()

    def _command(self, name: CommandName) -> None:
        assert self.start is not None
        with contextlib.suppress(ConnectionEnded):
            self.peer.send_nowait(chan_websocket.build_command(name, is_json=self.start.is_json))

    # Telling

    @property
    def name(self) -> str:
        """What it is called in words."""
        return f"peer {self.number}"

    def tell(self, event: str, fields: dict[str, Any]) -> None:
        """Tell what this peer did."""
        self._tell(event, {"peer": self.number, **fields})


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel what still runs; raise what went wrong."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
