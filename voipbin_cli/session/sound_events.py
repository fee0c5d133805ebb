"""What is said in what is heard: digits pressed, speech that starts and ends."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.conversation.voice_activity import VoiceFold
from voipbin_cli.analysis.sound.dtmf import DtmfFold
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.events import Tell
from voipbin_cli.session.hearer import Hearer


class SoundEvents(Hearer):
    """Tells `dtmf` {digit, at_ms} and, if `speech` is wanted, `speech` {speaking, at_ms}.

    Times count the audio that was heard, from its start.
    """

    is_worth_a_run = False

    def __init__(self, tell: Tell, *, speech: bool = True) -> None:
        self._tell = tell
        self._digits = DtmfFold()
        self._voice = VoiceFold() if speech else None

    def hear_frames(self, frames: list[AudioFrame]) -> None:
        """Look for both in frames of any size."""
        pcm = b"".join(frame.pcm for frame in frames)
        samples = np.frombuffer(pcm, "<i2").astype(np.int16, copy=False)
        for digit in self._digits.add(samples):
            self._tell("dtmf", {"digit": digit.symbol, "at_ms": round(digit.start_ms)})
        for event in self._voice.add(samples) if self._voice else ():
            self._tell("speech", {"speaking": event.speaking, "at_ms": event.at_ms})
