"""What a session says into its stream while it listens: sent on time, to the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from voipbin_cli.clock import now_ns
from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.events import Tell
from voipbin_cli.session.ending import Cause
from voipbin_cli.session.hearer import Hearer, Joined
from voipbin_cli.session.pacer import DEFAULT_LEAD_MS, Pacer
from voipbin_cli.session.punctual_sleep import sleep_until
from voipbin_cli.session.send_form import FormChoice, check_choice
from voipbin_cli.session.sender import Sender, Source, Voice
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection, Message

# What is sent before the far end plays piles up there; but some stay mute until they get something.
FAR_END_PATIENCE_S = 0.1
# The far end sends and plays on its own grid of 20 ms, and its first frame starts ours. Ours go out
# 5 ms after its: then the decoding of what came delays nothing that goes, and a frame that is a
# millisecond early or late is still played in the same 20 ms there.
PHASE_NS = 5_000_000
GUESS = "nothing was heard that tells what the far end takes"
CODEC_NAMES = {
    Codec.MULAW: "mu-law",
    Codec.ALAW: "A-law",
    Codec.S16LE: "16-bit PCM",
    Codec.S16BE: "16-bit PCM, big-endian",
}


@dataclass(frozen=True, slots=True)
class SpeakRequest:
    """How to send. `payload` and `payload_type` are None where the fingerprint decides."""

    lead_ms: int = DEFAULT_LEAD_MS
    payload: Codec | None = None
    payload_type: int | None = None


class Sending(Hearer):
    """Says `source` into a session's stream, on each of its connections, and ends it after that.

    `tell` hears of the form that was chosen. Raises UsageError where `speak` fixes what leaves no
    choice.
    """

    def __init__(
        self,
        source: Source,
        speak: SpeakRequest,
        encapsulation: Encapsulation,
        tell: Tell,
        *,
        clock: Callable[[], int] = now_ns,
        sleep: Callable[[int], Awaitable[None]] = sleep_until,
        rng: Random | None = None,
    ) -> None:
        check_choice(encapsulation, speak.payload, speak.payload_type)
        self.sender = Sender(
            source,
            Voice(encapsulation, rng),
            Pacer(speak.lead_ms * 1_000_000),
            form=lambda: self._choice.form(),
            is_ready=self._is_ready,
            on_sent=lambda at_ns, message: self.session.sent(at_ns, message),
        )
        self._speak_request = speak
        self._encapsulation = encapsulation
        self._tell = tell
        self._clock = clock
        self._sleep = sleep
        self._opened_ns = 0
        self._connection: MediaConnection | None = None
        self._connected = asyncio.Event()
        self._far_end_is_up = asyncio.Event()
        self._told: tuple[Codec, int | None] | None = None

    def joined(self, session: Joined) -> None:
        """Choose what to send by what this session receives."""
        super().joined(session)
        speak = self._speak_request
        self._choice = FormChoice(
            self._encapsulation,
            session.decoder,
            payload=speak.payload,
            payload_type=speak.payload_type,
        )

    # The run

    @contextlib.asynccontextmanager
    async def beside(self) -> AsyncIterator[None]:
        """Speak until everything was said. Raises what the source raises."""
        speaking = asyncio.ensure_future(self._speak())
        try:
            yield
        finally:
            speaking.cancel()
            await asyncio.wait([speaking])
            if not speaking.cancelled():
                speaking.result()

    async def _speak(self) -> None:
        try:
            while not await self._say_on_this_connection():
                self._connected.clear()
        except Exception:
            self.session.stop(Cause.INTERRUPTED)
            raise
        self.session.stop(Cause.FINISHED)

    async def _say_on_this_connection(self) -> bool:
        """Send until the end of the source (True) or of the connection (False)."""
        await self._connected.wait()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._far_end_is_up.wait(), FAR_END_PATIENCE_S)
        assert self._connection is not None
        start_ns = self._clock() + PHASE_NS
        self.sender.begin(self._connection, start_ns)
        due_ns: int | None = start_ns
        try:
            while due_ns is not None:
                await self._sleep(due_ns)
                due_ns = self.sender.tick(self._clock())
        except ConnectionEnded:
            return False
        return True

    # What the stream tells

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Go on speaking where the last connection broke off, once the far end is up."""
        self._opened_ns, self._connection = at_ns, connection
        self._choice.restart()
        self._far_end_is_up.clear()
        self._connected.set()

    def hear_messages(self, messages: Sequence[Message]) -> None:
        """The first of them shows that the far end is up."""
        self._far_end_is_up.set()

    # What the sender asks

    def _is_ready(self) -> bool:
        ready = self._choice.is_ready(self._clock() - self._opened_ns)
        if ready:
            self._tell_form(self._choice.form())
        return ready

    def _tell_form(self, form: SendForm) -> None:
        sending = (form.codec, form.payload_type)
        if sending == self._told:
            return
        self._told = sending
        fields = {"codec_sent": form.codec.value, "payload_type_sent": form.payload_type}
        self._tell("sending", {**fields, "reason": form.reason})
        if self._choice.is_guess:
            self._tell("warning", {"message": f"{GUESS}; sending {describe(form)}"})

    # What it came to

    @property
    def is_all_sent(self) -> bool:
        """Whether the last frame of the source has gone out."""
        return self.sender.is_source_sent

    @property
    def spoken_s(self) -> float:
        """Seconds of the source that were sent."""
        return self.sender.source_frames * FRAME_SAMPLES / SAMPLE_RATE_HZ

    @property
    def late_frames(self) -> int:
        """Frames that came so late that all after them were delayed."""
        return self.sender.pacer.late_frames

    @property
    def form_in_words(self) -> str:
        """What is sent; empty until it was chosen."""
        form = self.sender.voice.form
        return describe(form) if form is not None and self._told else ""

    def summary(self) -> dict[str, Any]:
        """Return what was sent, in which form and how punctually."""
        form, pacer = self.sender.voice.form, self.sender.pacer
        return {
            "codec_sent": form.codec.value if form else None,
            "payload_type_sent": form.payload_type if form else None,
            "spoken_seconds": round(self.spoken_s, 3),
            "send_error_ms": pacer.errors.as_fields(),
            "max_lead_ms": round(pacer.max_lead_ns / 1e6, 3),
            "late_frames": pacer.late_frames,
            "delayed_seconds": round(pacer.delayed_ns / 1e9, 3),
        }


def describe(form: SendForm) -> str:
    """Return what is sent in words: `16-bit PCM, payload type 96`."""
    name = CODEC_NAMES[form.codec]
    return name if form.payload_type is None else f"{name}, payload type {form.payload_type}"
