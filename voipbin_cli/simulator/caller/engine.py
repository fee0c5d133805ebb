"""The caller: what he says in each 20 ms, by his script and by what he has heard until then.

Pure: no clock, no socket. Times are instants of the call; the frame `number` is spoken from
`number` * 20 ms on, and decided at that instant. So he reacts as fast as he can hear.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.conversation.turns import MS, Span
from voipbin_cli.analysis.farend.far_end import FIRST_TICK_NS
from voipbin_cli.codec.codecs import FRAME_SAMPLES
from voipbin_cli.simulator.caller.ear import Ear
from voipbin_cli.simulator.caller.script import (
    BeSilent,
    HangUp,
    Interrupt,
    PressDigits,
    Row,
    Say,
    SayNothing,
    WaitForBegin,
    WaitForEnd,
    row_name,
)
from voipbin_cli.simulator.caller.voices import NS_PER_SAMPLE, Pcm, Sound, Voices

_FRAME_BYTES = 2 * FRAME_SAMPLES
_SILENT = bytes(_FRAME_BYTES)
_KEPT_FRAMES = 100
# An echo comes after a second at most.
_KEPT_SAMPLES = 9600
# Of one key 100 ms of tone and 100 ms of rest.
_KEY_SAMPLES = 1600
# The phone plays half a frame behind the far end's frames.
_PLAYED_SAMPLES = FIRST_TICK_NS // NS_PER_SAMPLE


@dataclass(slots=True)
class DoneRow:
    """A row as it went; instants in samples of the call. `spoken` is what of it was speech."""

    number: int
    row: Row
    began: int
    ended: int | None = None
    timed_out: bool = False
    spoken: tuple[tuple[int, int], ...] = ()

    @property
    def name(self) -> str:
        """What it is called in files."""
        return row_name(self.row)


class _Advance(NamedTuple):
    """Until when the row lasts, within this frame; whether it is over then."""

    until: int
    is_over: bool = False


class ScriptedCaller:
    """One caller in one call.

    Where keys are told of beside the sound, `on_key(key)` is called at the end of each, and there
    is silence in the sound. `seed` is the call's own, beside the script's.
    """

    def __init__(
        self,
        voices: Voices,
        *,
        seed: int = 0,
        on_key: Callable[[str], None] | None = None,
    ) -> None:
        self.ear = Ear()
        self.done: list[DoneRow] = []
        self.hung_up = False
        self.samples = 0
        self._handset = voices.script.handset
        self._noise = voices.noise
        self._on_key = on_key
        self._rng = random.Random(f"{voices.script.seed}/{seed}")
        self._left = deque(enumerate([*voices.rows] * voices.script.times))
        self._frames: dict[int, bytes] = {}
        self._now: DoneRow | None = None
        self._sound: Sound = Sound(np.empty(0, np.int16))
        self._starts: int | None = None
        self._ticks = 0
        self._played = bytearray()
        self._played_from = 0
        frames = len(voices.noise) // _FRAME_BYTES
        self._noise_offset = FRAME_SAMPLES * self._rng.randrange(max(1, frames))

    # What is said

    def frame(self, number: int) -> bytes:
        """The frame of 20 ms that begins at `number` * 20 ms: s16le, 8 kHz, 320 bytes.

        Frames are made in their order; of those that were asked for before, the last are kept.
        """
        while self.samples <= number * FRAME_SAMPLES:
            at = self.samples // FRAME_SAMPLES
            self._frames[at] = self._speak()
            self._frames.pop(at - _KEPT_FRAMES, None)
        return self._frames.get(number, _SILENT)

    def _speak(self) -> bytes:
        at, self.samples = self.samples, self.samples + FRAME_SAMPLES
        said: Pcm | None = None
        muted = True
        while at < self.samples and not self.hung_up:
            if self._now is None and not self._begin(at):
                break
            assert self._now is not None
            row = self._now.row
            until, is_over = _HANDLERS[type(row)](self, row, at)
            piece = self._piece(at, until)
            if piece is not None:
                said = np.zeros(FRAME_SAMPLES, np.int16) if said is None else said
                place = at - (self.samples - FRAME_SAMPLES)
                said[place : place + len(piece)] = piece
            muted = muted and isinstance(row, BeSilent)
            at = until
            if is_over:
                self._end(at)
        return _SILENT if muted and not self.hung_up else self._at_the_phone(said)

    def _begin(self, at: int) -> bool:
        """Go on with the next row; without one he hangs up."""
        if not self._left:
            self.hung_up = True
            return False
        number, (row, self._sound) = self._left.popleft()
        self._starts = None
        self._now = DoneRow(number, row, at)
        self.done.append(self._now)
        return True

    def _end(self, at: int) -> None:
        assert self._now is not None
        self._now.ended = at
        self._now = None

    def _piece(self, at: int, until: int) -> Pcm | None:
        """What of the row's sound is heard from `at` to `until`."""
        if self._starts is None or not len(self._sound.pcm) or self._is_signalled:
            return None
        return self._sound.pcm[at - self._starts : until - self._starts]

    @property
    def _is_signalled(self) -> bool:
        return self._on_key is not None and isinstance(self._now and self._now.row, PressDigits)

    # The rows: until when each lasts, at most to the end of the frame

    def _say(self, _row: Say, at: int) -> _Advance:
        if self._starts is None:
            self._start_sound(at)
        assert self._starts is not None
        return self._for(self._starts + len(self._sound.pcm))

    def _start_sound(self, at: int) -> None:
        assert self._now is not None
        self._starts = at
        self._now.spoken = tuple((at + a, at + b) for a, b in self._sound.spoken)

    def _press(self, row: PressDigits, at: int) -> _Advance:
        if self._starts is None:
            self._starts = at
        advance = self._for(self._starts + len(self._sound.pcm))
        if self._on_key is not None:
            before, after = ((one - self._starts) // _KEY_SAMPLES for one in (at, advance.until))
            for key in row.digits[before:after]:
                self._on_key(key)
        return advance

    def _pause(self, row: SayNothing | BeSilent, _at: int) -> _Advance:
        assert self._now is not None
        return self._for(self._now.began + round(row.seconds * 8000))

    def _for(self, due: int) -> _Advance:
        return _Advance(min(due, self.samples), due <= self.samples)

    def _await_begin(self, row: WaitForBegin, at: int) -> _Advance:
        assert self._now is not None
        since_ns, now_ns = self._now.began * NS_PER_SAMPLE, at * NS_PER_SAMPLE
        if self.ear.begun(since_ns, now_ns):
            return _Advance(at, True)
        return self._no_longer_than(row.timeout_s)

    def _await_end(self, row: WaitForEnd, at: int) -> _Advance:
        assert self._now is not None
        if self.ear.has_ended(self._now.began * NS_PER_SAMPLE, at * NS_PER_SAMPLE):
            return _Advance(at, True)
        return self._no_longer_than(row.timeout_s)

    def _no_longer_than(self, timeout_s: float) -> _Advance:
        assert self._now is not None
        advance = self._for(self._now.began + round(timeout_s * 8000))
        self._now.timed_out = advance.is_over
        return advance

    def _interrupt(self, row: Interrupt, at: int) -> _Advance:
        """He speaks at the sample at which the bot has spoken for long enough."""
        assert self._now is not None
        if self._starts is None:
            bot = self.ear.begun(self._now.began * NS_PER_SAMPLE, at * NS_PER_SAMPLE)
            if bot is None:
                advance = self._no_longer_than(row.timeout_s)
                if not advance.is_over:
                    return advance
                due = advance.until
            else:
                due = (bot.from_ns + round(row.after_ms * MS)) // NS_PER_SAMPLE
            if due > at:
                return _Advance(min(due, self.samples))
            self._start_sound(at)
        assert self._starts is not None
        return self._for(self._starts + len(self._sound.pcm))

    def _hang_up(self, _row: HangUp, at: int) -> _Advance:
        self.hung_up = True
        return _Advance(at, True)

    # The phone and the room

    def hear(self, pcm: bytes) -> None:
        """Take the next 20 ms that the phone played: s16le, 8 kHz, 320 bytes."""
        self.frame(self._ticks)
        self._ticks += 1
        if self._handset.echo_delay_ms is not None:
            self._played += pcm
            surplus = len(self._played) - 2 * _KEPT_SAMPLES
            if surplus > 0:
                del self._played[:surplus]
                self._played_from += surplus // 2

    def _at_the_phone(self, said: Pcm | None) -> bytes:
        """What was said, with the room's noise and the echo, over the phone's own leg."""
        loss_percent = self._handset.loss_percent
        if loss_percent and self._rng.random() * 100 < loss_percent:
            return _SILENT
        noise, echo = self._noise_now(), self._echo_now()
        if said is None and echo is None:
            return noise
        mixed = np.frombuffer(noise, "<i2").astype(np.int32)
        for part in (said, echo):
            if part is not None:
                mixed += part
        return np.clip(mixed, -32768, 32767).astype("<i2").tobytes()

    def _noise_now(self) -> bytes:
        if not self._noise:
            return _SILENT
        at = 2 * (self.samples + self._noise_offset) % len(self._noise)
        return self._noise[at : at + _FRAME_BYTES]

    def _echo_now(self) -> NDArray[np.int32] | None:
        delay_ms = self._handset.echo_delay_ms
        if delay_ms is None:
            return None
        begins = self.samples - FRAME_SAMPLES - round(delay_ms * 8) - _PLAYED_SAMPLES
        at = begins - self._played_from
        if at < 0:
            return None
        pcm = np.frombuffer(self._played, "<i2")[at : at + FRAME_SAMPLES]
        echo = np.zeros(FRAME_SAMPLES, np.int32)
        echo[: len(pcm)] = np.rint(pcm * 10 ** (self._handset.echo_db / 20))
        return echo

    # What came of it

    @property
    def spoken(self) -> list[Span]:
        """When he spoke, in ns of the call."""
        every = [piece for row in self.done for piece in row.spoken if piece[0] < self.samples]
        return [Span(a * NS_PER_SAMPLE, min(b, self.samples) * NS_PER_SAMPLE) for a, b in every]

    @property
    def pressed(self) -> str:
        """The keys that he pressed."""
        return "".join(row.row.digits for row in self.done if isinstance(row.row, PressDigits))


_HANDLERS: Mapping[type[Row], Callable[[ScriptedCaller, Any, int], _Advance]] = {
    Say: ScriptedCaller._say,
    WaitForBegin: ScriptedCaller._await_begin,
    WaitForEnd: ScriptedCaller._await_end,
    SayNothing: ScriptedCaller._pause,
    BeSilent: ScriptedCaller._pause,
    Interrupt: ScriptedCaller._interrupt,
    PressDigits: ScriptedCaller._press,
    HangUp: ScriptedCaller._hang_up,
}
