"""What every command that speaks into a call does, while it listens: send, on time, to the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.codec.pcm import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec
from voipbin_cli.session.listening import ListeningSession, ListenRequest, ListenStatus, Tell
from voipbin_cli.session.live import Cause, Close
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS, Pacer
from voipbin_cli.session.punctual import sleep_until
from voipbin_cli.session.sender import Sender, Source, Voice
from voipbin_cli.session.sendform import FormChoice
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message

# What is sent before the far end plays piles up there; but some stay mute until they get something.
FAR_END_PATIENCE_S = 0.1
# Frames come and are played on the far end's 20 ms; ours go out in between, so that neither the
# work on one that came delays one that goes, nor a hair decides which tick it is played in.
PHASE_NS = 5_000_000
GUESS = "nothing was heard that tells what the far end takes"
_CODEC_NAMES = {Codec.MULAW: "mu-law", Codec.ALAW: "A-law", Codec.S16LE: "16-bit PCM"}


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """How to send. `payload` and `payload_type` are None where the fingerprint decides."""

    lead_ms: int = DEFAULT_LEAD_MS
    payload: Codec | None = None
    payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class SpeakStatus(ListenStatus):
    """Where a stream is in both directions. `sending` is what is sent, in words.

    `total_s` is how much there is to say, None where that is not known.
    """

    sending: str
    spoken_s: float
    total_s: float | None
    late_frames: int


class SpeakingSession(ListeningSession):
    """Hears a stream and says `source` into it.

    Ends the stream once everything was said. Keep-alive silence is not sent beside it: there is
    always something to send.
    """

    def __init__(
        self,
        request: ListenRequest,
        tell: Tell,
        source: Source,
        speak: SpeakRequest,
        *,
        total_s: float | None = None,
        rng: Random | None = None,
        sleep: Callable[[int], Awaitable[None]] = sleep_until,
        **edges: Any,
    ) -> None:
        super().__init__(request, tell, rng=rng, **edges)
        encapsulation = request.live.encapsulation
        self.choice = FormChoice(
            encapsulation,
            self.listener.decoder,
            payload=speak.payload,
            payload_type=speak.payload_type,
        )
        self.sender = Sender(
            source,
            Voice(encapsulation, rng),
            Pacer(speak.lead_ms * 1_000_000),
            form=self.choice.form,
            is_ready=self._is_ready,
            on_sent=self._sent,
        )
        self.total_s = total_s
        self._sleep = sleep
        self._opened_ns = 0
        self._connection: MediaConnection | None = None
        self._connected = asyncio.Event()
        self._far_end_is_up = asyncio.Event()
        self._told: tuple[Codec, int | None] | None = None

    # The run

    async def run(self) -> Close:
        """Listen and speak until everything was said or the stream ends; return how it ended.

        Raises VoipbinError as ListeningSession does, and what the source raises.
        """
        speaking = asyncio.ensure_future(self._speak())
        try:
            return await super().run()
        finally:
            speaking.cancel()
            await asyncio.wait([speaking])
            if not speaking.cancelled():
                speaking.result()

    async def _speak(self) -> None:
        try:
            while not await self._say_on_this_connection():
                self._connected.clear()
        finally:
            self.stream.stop(Cause.DURATION)

    async def _say_on_this_connection(self) -> bool:
        """Send until the end of the source (True) or of the connection (False)."""
        await self._connected.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._far_end_is_up.wait(), FAR_END_PATIENCE_S)
        assert self._connection is not None
        start_ns = self.clock() + PHASE_NS
        self.sender.begin(self._connection, start_ns)
        due_ns: int | None = start_ns
        try:
            while due_ns is not None:
                await self._sleep(due_ns)
                due_ns = self.sender.tick(self.clock())
        except ConnectionEnded:
            return False
        return True

    # What the stream tells

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Go on speaking where the last connection broke off, once the far end is up."""
        super().opened(at_ns, connection)
        self._opened_ns, self._connection = at_ns, connection
        self.choice.restart()
        self._far_end_is_up.clear()
        self._connected.set()

    def received(self, messages: Sequence[Message]) -> None:
        """Decode what has come; the first of it shows that the far end is up."""
        super().received(messages)
        self._far_end_is_up.set()

    def silent_message(self) -> bytes | None:
        """Return None: what is sent is on a grid, and nothing may come between."""
        return None

    # What the sender asks and tells

    def _is_ready(self) -> bool:
        ready = self.choice.is_ready(self.clock() - self._opened_ns)
        if ready:
            self._tell_sending(self.choice.form())
        return ready

    def _tell_sending(self, form: SendForm) -> None:
        sending = (form.codec, form.payload_type)
        if sending == self._told:
            return
        self._told = sending
        self.tell("sending", {**_form_fields(form), "reason": form.reason})
        if self.choice.is_guess:
            self.tell("warning", {"message": f"{GUESS}; sending {describe(form)}"})

    def _sent(self, at_ns: int, message: bytes) -> None:
        self.stream.frames_sent += 1
        self.logbook.sent(at_ns, message)

    # What it came to

    @property
    def spoken_s(self) -> float:
        """Seconds of the source that were sent."""
        return self.sender.source_frames * FRAME_SAMPLES / SAMPLE_RATE_HZ

    def status(self) -> SpeakStatus:
        """Return where both directions are now."""
        listening = super().status()
        form = self.sender.voice.form
        return SpeakStatus(
            **{name: getattr(listening, name) for name in ListenStatus.__slots__},
            sending=describe(form) if form is not None and self._told else "",
            spoken_s=self.spoken_s,
            total_s=self.total_s,
            late_frames=self.sender.pacer.late_frames,
        )

    def summary(self, close: Close) -> dict[str, Any]:
        """Return the fields of the summary that both directions have."""
        form, pacer = self.sender.voice.form, self.sender.pacer
        return super().summary(close) | {
            "codec_sent": form.codec.value if form else None,
            "payload_type_sent": form.payload_type if form else None,
            "spoken_seconds": round(self.spoken_s, 3),
            "send_error_ms": pacer.errors.as_fields(),
            "max_lead_ms": round(pacer.max_lead_ns / 1e6, 3),
            "late_frames": pacer.late_frames,
            "delayed_seconds": round(pacer.delayed_ns / 1e9, 3),
        }


def _form_fields(form: SendForm) -> dict[str, Any]:
    return {"codec_sent": form.codec.value, "payload_type_sent": form.payload_type}


def describe(form: SendForm) -> str:
    """Return what is sent in words: `16-bit PCM, payload type 96`."""
    name = _CODEC_NAMES.get(form.codec, form.codec.value)
    return name if form.payload_type is None else f"{name}, payload type {form.payload_type}"
