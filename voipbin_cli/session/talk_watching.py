"""Messages of both directions on their way to who watches them."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.conversation.talk_watch import TalkGlance, TalkWatch
from voipbin_cli.analysis.farend.far_queue import queue_of
from voipbin_cli.analysis.farend.intake import Accepted, Intake
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.transport.connection import Message

# What is received tells what the far end takes; what is sent waits for it, two seconds of messages
# at the most.
_MOST_WAITING = 100


class TalkWatching:
    """Decodes what is received, and makes of what is sent what the far end does.

    `label` names the target, whose far queue it is.
    """

    def __init__(self, encapsulation: Encapsulation, label: str) -> None:
        self._encapsulation = encapsulation
        self._is_mix = label.startswith("conference/")
        self._watch = TalkWatch(queue_of(label))
        self._received = MessageDecoder(encapsulation)
        self._intake: Intake | None = None
        self._is_known = False
        self._waiting: list[Message] = []

    def hear(self, direction: Direction, message: Message) -> None:
        """A message has come by."""
        if direction is Direction.IN:
            for frame in self._received.take_messages([message]):
                self._watch.receive(frame.tag, _samples(frame.pcm))
            return
        self._waiting.append(message)
        if self._is_heard or len(self._waiting) > _MOST_WAITING:
            self._take()

    def look(self, now_ns: int) -> TalkGlance:
        """How it stands."""
        if self._is_heard:
            self._take()
        return self._watch.look(now_ns, is_mix=self._is_mix)

    @property
    def _is_heard(self) -> bool:
        """Whether anything tells what the far end takes."""
        is_rtp = self._encapsulation is Encapsulation.RTP
        return not is_rtp or self._received.decoder.verdict is not None

    def _take(self) -> None:
        if self._intake is None or self._is_heard != self._is_known:
            form, self._is_known = self._received.decoder.send_form, self._is_heard
            self._intake = Intake(self._encapsulation, Accepted(form.codec, form.payload_type or 0))
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            pcm = b""
            if isinstance(message.data, bytes):
                pcm = self._intake.take_message(message.data, message.arrival_ns).pcm
            self._watch.send(message.arrival_ns, _samples(pcm))


def _samples(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
