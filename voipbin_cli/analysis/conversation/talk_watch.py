"""Both directions of a stream as they are now, for who watches them while it runs."""

from __future__ import annotations

from collections import deque
from math import log10
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.conversation.sent_track import PAUSE_NS, SentTrack
from voipbin_cli.analysis.conversation.turns import MS, Span, tell_turns
from voipbin_cli.analysis.conversation.voice_activity import VoiceFold
from voipbin_cli.analysis.farend.far_queue import CALL, QueueRule

# So many of the latest turns of each side say how soon the latest answers came.
_LATEST = 32
# Messages a second are those of the last two seconds.
_RATE_NS = 2_000_000_000
# Who does not look for so long is not waited for: a second of messages.
_AT_ONCE = 50
SILENT_DBFS = float("-inf")


class TalkGlance(NamedTuple):
    """What is seen at one look; nothing has come yet where it is as it stands here.

    Levels are in dBFS, of all sound since the look before, None where no message was.
    `responses_ms` are the latest answers to the caller, the oldest first; `*_hz` messages a
    second; `queued_ms` waits at the far end. `is_mix`: several parties are in what is received,
    and who of them speaks, or is answered, is not known. `is_taken`: the far end takes what is
    sent now as sound.
    """

    received_dbfs: float | None = None
    sent_dbfs: float | None = None
    caller_speaks: bool = False
    we_sound: bool = False
    responses_ms: tuple[float, ...] = ()
    received_hz: float = 0.0
    sent_hz: float = 0.0
    queued_ms: float = 0.0
    is_mix: bool = False
    is_taken: bool = True


class TalkWatch:
    """Follows both tracks of one stream, message by message; `look` says how it stands.

    The voice judge, the far queue and the turns are those of a conversation that is over; here
    nothing waits for what comes after it, so a stall may date a word by its own length too early.
    `rule` is that of the far queue. Times are of one clock, in nanoseconds; sound is at 8 kHz.
    """

    def __init__(self, rule: QueueRule = CALL) -> None:
        self._voice, self._track = VoiceFold(), SentTrack(rule, at_once=True)
        self._heard, self._said = _Side(), _Side()
        self._heard_samples = self._heard_until_ns = 0
        self._caller: deque[Span] = deque(maxlen=_LATEST)
        self._speaks_from_ns: int | None = None
        self._is_taken = True

    def receive(self, at_ns: int, samples: Samples) -> None:
        """Take the sound of a message that came at `at_ns`, when it was full."""
        self._heard.add(at_ns, samples)
        self._heard_until_ns = at_ns
        if len(self._heard.waiting) >= _AT_ONCE:
            self._listen()

    def send(self, at_ns: int, samples: Samples) -> None:
        """Take what the far end makes of a message that was sent at `at_ns`; maybe no sample."""
        self._said.add(at_ns, samples)
        self._is_taken = bool(len(samples))
        for _ in self._track.add(np.array([at_ns]), samples):
            pass  # the sound itself is for an echo's judge
        if len(self._said.waiting) >= _AT_ONCE:
            self._said.take()

    def look(self, now_ns: int, *, is_mix: bool = False) -> TalkGlance:
        """How it stands now, and how loud it was since the last look."""
        self._listen()
        self._said.take()
        latest = self._track.utterances[-1:]
        return TalkGlance(
            self._heard.level_dbfs(),
            self._said.level_dbfs(),
            self._voice.speaking,
            bool(latest) and latest[0].until_ns + PAUSE_NS > now_ns >= latest[0].from_ns,
            () if is_mix else self._responses(now_ns),
            self._heard.rate_hz(now_ns),
            self._said.rate_hz(now_ns),
            self._track.waiting_ms(now_ns),
            is_mix,
            self._is_taken,
        )

    def _listen(self) -> None:
        """Find out who began and ceased to speak in what waits."""
        samples = self._heard.take()
        self._heard_samples += len(samples)
        for event in self._voice.add(samples):
            back_ms = self._heard_samples * 1000 // 8000 - event.at_ms
            at_ns = self._heard_until_ns - back_ms * MS
            if event.speaking:
                self._speaks_from_ns = at_ns
                continue
            assert self._speaks_from_ns is not None
            if at_ns > self._speaks_from_ns:
                self._caller.append(Span(self._speaks_from_ns, at_ns))
            self._speaks_from_ns = None

    def _responses(self, now_ns: int) -> tuple[float, ...]:
        caller = list(self._caller)
        if self._speaks_from_ns is not None:
            caller.append(Span(self._speaks_from_ns, now_ns))
        return tell_turns(caller, self._track.utterances[-_LATEST:]).response


class _Side:
    """What of one direction waits for a look, how loud it was since the last, and how fast."""

    def __init__(self) -> None:
        self.waiting: list[Samples] = []
        self._energy = 0.0
        self._samples = self._messages = 0
        self._times_ns: deque[int] = deque(maxlen=1000)

    def add(self, at_ns: int, samples: Samples) -> None:
        self.waiting.append(samples)
        self._times_ns.append(at_ns)
        self._messages += 1

    def take(self) -> Samples:
        """All that waits; it counts for the level."""
        if not self.waiting:
            return np.empty(0, np.int16)
        samples = np.concatenate(self.waiting)
        self.waiting.clear()
        self._energy += float(np.square(samples, dtype=np.float64).sum())
        self._samples += len(samples)
        return samples

    def level_dbfs(self) -> float | None:
        """Of all that was taken since this was asked last; None where no message was."""
        energy, samples, messages = self._energy, self._samples, self._messages
        self._energy, self._samples, self._messages = 0.0, 0, 0
        if not messages:
            return None
        return 10 * log10(energy / samples / 32768**2) if energy else SILENT_DBFS

    def rate_hz(self, now_ns: int) -> float:
        """Messages a second, by the last two seconds."""
        times_ns = self._times_ns
        while times_ns and times_ns[0] <= now_ns - _RATE_NS:
            times_ns.popleft()
        return len(times_ns) * 1e9 / _RATE_NS
