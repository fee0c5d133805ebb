"""What is sent, measured like what is received, and given to a far end that plays it."""

from __future__ import annotations

from dataclasses import dataclass

from voipbin_cli.analysis.emodel import Quality, assess
from voipbin_cli.analysis.farend.far_end import FarEnd, Heard
from voipbin_cli.analysis.farend.far_queue import CALL, QueueRule
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.farend.played import played_samples
from voipbin_cli.analysis.headers import read_headers
from voipbin_cli.analysis.messages import EMPTY, Messages, joined
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.validation.facts.payload import PayloadFacts
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm, send_form

# Sent frames that wait for the first received one, which tells what the far end takes: a minute.
_MAX_WAITING = 3000
# Silence that is less of the time keeps a far end awake, and is nobody's speech.
_SPARSE = 0.5
_SILENT_SHARE = 0.999


@dataclass(frozen=True, slots=True)
class SentSide:
    """What was measured of what was sent, what the far end takes, and what the phone heard of it
    by way of a far end whose `queue` holds so much.

    `accepted` is None where nothing tells what the far end takes: RTP of which none was received.
    """

    measured: Measured
    accepted: SendForm | None
    heard: Heard
    queue: QueueRule = CALL

    @property
    def quality(self) -> Quality:
        """The score of what the phone hears: there is no buffer, and no concealment."""
        share, quality = self.heard.share, self.measured.quality
        if quality.value is None or share is None:
            return quality
        return assess(1 - share, listening_only=True, concealment=False)


class SentFold:
    """Measures what is sent into one stream; `received` is what comes out of it meanwhile.

    `stream` measures it as it would what is received, `queue` is how much may wait at the far end,
    `heard` gets the sound as the phone does.
    """

    def __init__(self, stream: StreamFold, received: StreamFold, queue: QueueRule = CALL) -> None:
        self.stream = stream
        self._received = received
        self.heard: HeardSound | None = None
        self.queue = queue
        self._far_end = FarEnd(queue)
        self._waiting = EMPTY

    def add(self, frames: Messages) -> None:
        """Take messages, in the order in which they were sent."""
        self.stream.add(frames)
        self._waiting = joined(self._waiting, frames)
        if self.accepted is not None or len(self._waiting) > _MAX_WAITING:
            self._play()
        else:
            self._waiting = self._waiting.compact()

    def reopened(self) -> None:
        """Another connection is up, to a far end with a queue of its own."""
        self._play()
        self._far_end.restart()
        if self.heard is not None:
            self.heard.restart()
        self.stream.reopened()

    def flush(self) -> None:
        """Let nothing wait any longer."""
        self._play()
        if self.heard is not None:
            self.heard.finish()
        self.stream.flush()

    @property
    def accepted(self) -> SendForm | None:
        """What the far end takes, by what it sends."""
        encapsulation, fingerprint = self.stream.encapsulation, self._received.fingerprint
        if encapsulation is Encapsulation.RTP and fingerprint is None:
            return None
        return send_form(encapsulation, fingerprint)

    def _play(self) -> None:
        frames, self._waiting = self._waiting, EMPTY
        if not len(frames):
            return
        form = self.accepted or send_form(self.stream.encapsulation)
        headers = read_headers(self.stream.encapsulation, frames)
        types = () if form.payload_type is None else (form.payload_type,)
        played = played_samples(headers, form.codec.sample_bytes, types)
        self._far_end.add(frames.time_ns, played, PayloadFacts(headers).is_still)
        if self.heard is not None:
            self.heard.add(frames, form)

    def result(self) -> SentSide | None:
        """What it came to; None where nobody said anything.

        Silence now and then, whoever sends it, keeps a far end awake and is not judged.
        """
        measured = self.stream.measured(may_be_silent=True)
        if not measured.messages or _is_keepalive(measured):
            return None
        return SentSide(measured, self.accepted, self._far_end.result(), self.queue)


def _is_keepalive(measured: Measured) -> bool:
    still = measured.stillness
    if not measured.frames or not still.frames or still.still < _SILENT_SHARE * still.frames:
        return False
    sent_s = measured.frames * (measured.frame_ms or 20.0) / 1000
    return sent_s < max(1.0, _SPARSE * measured.duration_s)
