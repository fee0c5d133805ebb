"""Both channels of a stereo recording as a conversation: one clock, and what stands at its places.

Which channel is whose the file does not say, so nobody's answers are called slow; an echo of either
in the other is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.conversation.conversation import THEIR_VOICE, Conversation, Talk
from voipbin_cli.analysis.conversation.echo import Echo, EchoFold
from voipbin_cli.analysis.conversation.turns import tell_turns
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES

# Nearer than any echo, and as loud: both channels hold the same sound.
_SAME_MS, _SAME_DB = 5.0, -10.0


@dataclass(frozen=True, slots=True)
class RecordedTalk:
    """`talk` has the first channel for the caller; `back` tells what comes back in the second.

    `are_same`: the channels hold one sound, and no two sides.
    """

    talk: Talk | None = None
    back: Talk | None = None
    are_same: bool = False


class RecordedTalkFold:
    """Takes both channels side by side, as int16 at 8 kHz."""

    def __init__(self) -> None:
        self._talk = Conversation(is_recorded=True)
        self._back = EchoFold()
        self._rest = np.empty((0, 2), np.int16)
        self._frames = 0

    def add(self, first: Samples, second: Samples) -> None:
        """Take as much of both."""
        both = np.concatenate([self._rest, np.stack([first, second], axis=1)])
        count = len(both) // FRAME_SAMPLES
        whole, self._rest = both[: count * FRAME_SAMPLES], both[count * FRAME_SAMPLES :]
        if not count:
            return
        begins = (self._frames + np.arange(count)) * FRAME_NS
        one, other = np.ascontiguousarray(whole[:, 0]), np.ascontiguousarray(whole[:, 1])
        # What is received comes when it is full.
        self._talk.receive(begins + FRAME_NS, one)
        self._talk.send(begins, other)
        self._back.add(one, other)
        self._frames += count

    def finish(self) -> None:
        """The recording is over."""
        self._talk.finish()

    def result(self) -> RecordedTalk:
        """What it comes to, complete after `finish`."""
        talk, echo = self._talk.result(), self._back.result()
        if _is_same(echo) or (talk is not None and _is_same(talk.echo)):
            return RecordedTalk(are_same=True)
        if echo is None:
            return RecordedTalk(talk)
        heard_back = replace(talk, untold=THEIR_VOICE) if talk is not None else None
        return RecordedTalk(heard_back, Talk(tell_turns((), ()), echo))


def _is_same(echo: Echo | None) -> bool:
    return echo is not None and echo.delay_ms < _SAME_MS and echo.level_db > _SAME_DB
