"""Says audio into a stream: silence first, then frame by frame on the grid, then silence again."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES, encode
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.session.pacer import Pacer

SILENT_FRAME = bytes(2 * FRAME_SAMPLES)
# The far end's leg may come up after ours, and what is sent first waits in its queue.
FRAMES_BEFORE = 5
# More than any lead: the last word is heard before the connection is closed.
FRAMES_AFTER = 10
# What the socket has not taken is not sent ahead of either: it would arrive as a burst.
UNSENT_LIMIT_BYTES = 1024


class Wire(Protocol):
    """What takes the messages, at once."""

    @property
    def unsent_bytes(self) -> int:
        """What was given to it and has not gone out yet."""

    def send_nowait(self, data: bytes, /) -> object:
        """Send one message; whoever calls has looked at `unsent_bytes`. Raises ConnectionEnded."""


class Source(Protocol):
    """Where the audio comes from."""

    @property
    def is_over(self) -> bool:
        """Whether everything was handed out."""

    def next_frame(self) -> bytes | None:
        """Return the next 160 samples of s16le, None when there are none (yet)."""


class Voice:
    """Puts frames into messages of one form; a new form or connection is a new RTP source."""

    def __init__(self, encapsulation: Encapsulation, rng: Random | None = None) -> None:
        self.form: SendForm | None = None
        self._encapsulation = encapsulation
        self._rng = rng or Random()
        self._packer: Packer | None = None

    def restart(self) -> None:
        """Begin a new connection."""
        self._packer = None

    def message(self, form: SendForm, pcm: bytes, *, marker: bool = False) -> bytes:
        """Return the message for one frame of s16le in `form`."""
        if self._packer is None or not self._is_same(form):
            self._packer = self._new_packer(form)
        self.form = form
        return self._packer.pack(encode(form.codec, pcm), len(pcm) >> 1, marker=marker)

    def _new_packer(self, form: SendForm) -> Packer:
        if self._encapsulation is not Encapsulation.RTP:
            return Packer(self._encapsulation)
        # RFC 3550 5.1: the initial values of sequence number and timestamp SHOULD be random; the
        # SSRC should be chosen randomly.
        return Packer(
            self._encapsulation,
            payload_type=form.payload_type,
            ssrc=self._rng.getrandbits(32),
            sequence_number=self._rng.getrandbits(16),
            timestamp=self._rng.getrandbits(32),
        )

    def _is_same(self, form: SendForm) -> bool:
        """What else a form says, such as its reason, does not show in the packets."""
        before = self.form
        return before is not None and (before.codec, before.payload_type) == (
            form.codec,
            form.payload_type,
        )


class Sender:
    """Sends a source, and silence where there is nothing of it to send.

    On each connection FRAMES_BEFORE frames of silence come first, and as many more as it takes
    until `is_ready()`; the source then goes on where it was. After its end come FRAMES_AFTER.
    A frame counts as sent when the wire has taken it, and no frame of the source is ever lost
    here or sent twice. `form()` says what the far end takes; `on_sent(at_ns, message)` hears of
    every message.
    """

    def __init__(
        self,
        source: Source,
        voice: Voice,
        pacer: Pacer,
        *,
        form: Callable[[], SendForm],
        is_ready: Callable[[], bool] = lambda: True,
        on_sent: Callable[[int, bytes], None] = lambda at_ns, message: None,
    ) -> None:
        self.voice = voice
        self.pacer = pacer
        self.source_frames = 0
        self.silent_frames = 0
        self.is_speaking = False
        self._source = source
        self._form = form
        self._is_ready = is_ready
        self._on_sent = on_sent
        self._wire: Wire | None = None
        self._frame: bytes | None = None
        self._before = self._after = 0

    @property
    def frames_sent(self) -> int:
        """Frames of the source and of silence."""
        return self.source_frames + self.silent_frames

    @property
    def is_source_sent(self) -> bool:
        """Whether the last frame of the source has gone out."""
        return self._source.is_over and self._frame is None

    def begin(self, wire: Wire, now_ns: int) -> None:
        """Go on, on a new connection."""
        self._wire = wire
        self._before, self._after = FRAMES_BEFORE, FRAMES_AFTER
        self.is_speaking = False
        self.voice.restart()
        self.pacer.start(now_ns)

    def tick(self, now_ns: int) -> int | None:
        """Send what is due; return when to come again, None when everything has been sent.

        Raises ConnectionEnded, and whatever the source raises.
        """
        assert self._wire is not None
        while self.pacer.due_ns <= now_ns:
            if self._wire.unsent_bytes > UNSENT_LIMIT_BYTES:
                return now_ns + FRAME_NS // 4
            if not self._send_next(now_ns):
                return None
        return self.pacer.due_ns

    def _send_next(self, now_ns: int) -> bool:
        if self._before > 0 or not self._is_ready():
            self._before -= 1
            return self._send_silence(now_ns)
        if self._frame is None:
            self._frame = self._source.next_frame()
        if self._frame is not None:
            self._send(now_ns, self._frame, marker=not self.is_speaking)
            self._frame = None
            self.is_speaking = True
            self.source_frames += 1
            return True
        if not self._source.is_over:
            return self._send_silence(now_ns)
        self._after -= 1
        return self._after >= 0 and self._send_silence(now_ns)

    def _send_silence(self, now_ns: int) -> bool:
        self._send(now_ns, SILENT_FRAME, marker=False)
        self.is_speaking = False
        self.silent_frames += 1
        return True

    def _send(self, now_ns: int, pcm: bytes, *, marker: bool) -> None:
        assert self._wire is not None
        message = self.voice.message(self._form(), pcm, marker=marker)
        self._wire.send_nowait(message)
        self.pacer.sent(now_ns)
        self._on_sent(now_ns, message)
