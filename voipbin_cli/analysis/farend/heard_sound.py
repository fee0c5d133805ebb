"""The sound as the phone gets it: what is sent, through the far end's intake and its queue."""

from __future__ import annotations

from collections.abc import Callable

from voipbin_cli.analysis.farend.far_end import FIRST_TICK_NS
from voipbin_cli.analysis.farend.far_queue import CALL, SILENT_TICK, FarQueue, QueueRule
from voipbin_cli.analysis.farend.intake import Accepted, Intake
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm

_MOST_TICKS = 500


class HeardSound:
    """Gives `write` s16le samples at 8 kHz, 20 ms at a time, from the first audio sent on.

    Where nothing waits to be played it is silence, as it is for the phone. After what ends a
    stream at the far end nothing is taken until `restart`. `began_ns` is when the first sample was
    heard.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        write: Callable[[bytes], None],
        queue: QueueRule = CALL,
    ) -> None:
        self._encapsulation = encapsulation
        self._write = write
        self._rule = queue
        self._queue = FarQueue(queue)
        self._intake: Intake | None = None
        self._tick_ns: int | None = None
        self.began_ns: int | None = None
        self._is_over = False

    def add(self, frames: Messages, form: SendForm) -> None:
        """Take messages of a sender whose far end takes `form`; those without a time are none."""
        if self._intake is None:
            accepted = Accepted(form.codec, form.payload_type or 0)
            self._intake = Intake(self._encapsulation, accepted)
        for n, (at_ns, is_text) in enumerate(
            zip(frames.time_ns.tolist(), frames.is_text.tolist(), strict=True)
        ):
            if at_ns >= 0 and not is_text and not self._is_over:
                self._take(self._intake, frames.message(n), at_ns)

    def _take(self, intake: Intake, message: bytes, at_ns: int) -> None:
        effect = intake.take_message(message, at_ns)
        if effect.pcm:
            self._play_until(at_ns)
            self._queue.feed(effect.pcm)
        self._is_over = bool(effect.ends)

    def _play_until(self, at_ns: int) -> None:
        if self._tick_ns is None:
            self._tick_ns = self.began_ns = at_ns + FIRST_TICK_NS
        while self._tick_ns <= at_ns:
            pcm = self._queue.play()
            left = min(_MOST_TICKS, (at_ns - self._tick_ns) // FRAME_NS + 1)
            ticks = 1 if pcm is not None else left
            self._write(pcm or SILENT_TICK * ticks)
            self._tick_ns += ticks * FRAME_NS

    def restart(self) -> None:
        """Begin with an empty queue: another connection, of the same call and on its clock."""
        self._play_out()
        self._queue, self._intake, self._is_over = FarQueue(self._rule), None, False

    def finish(self) -> None:
        """Play all that waits."""
        self._play_out()

    def _play_out(self) -> None:
        while (pcm := self._queue.play()) is not None:
            self._write(pcm)
            if self._tick_ns is not None:
                self._tick_ns += FRAME_NS
