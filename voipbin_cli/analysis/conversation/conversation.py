"""The conversation of a call: what comes of both tracks, on one clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from voipbin_cli.analysis.columns import Ints, Samples
from voipbin_cli.analysis.conversation.echo import Echo, EchoFold
from voipbin_cli.analysis.conversation.levels import LevelTrack
from voipbin_cli.analysis.conversation.received_track import ReceivedTrack, TimedSound
from voipbin_cli.analysis.conversation.sent_track import SentTrack, Utterance
from voipbin_cli.analysis.conversation.side_by_side import SideBySide
from voipbin_cli.analysis.conversation.turns import (
    MS,
    Span,
    Turns,
    median_interval,
    spread,
    tell_turns,
)
from voipbin_cli.analysis.conversation.voice_activity import Spoken, VoiceFold
from voipbin_cli.analysis.farend.far_end import FIRST_TICK_NS
from voipbin_cli.analysis.farend.far_queue import CALL, QueueRule
from voipbin_cli.codec.codecs import FRAME_NS, SAMPLE_RATE_HZ

# A frame waits for half of the far end's period until it is heard, and what comes back is sent on
# when a frame of it is full: an echo takes so much longer for us than it does at the phone.
_FRAMED_NS = FIRST_TICK_NS + FRAME_NS
# Speech that lies within our own, later by the echo's delay give or take so much, is the echo.
_ECHO_NS = 150 * MS
# So much of what is received waits for us to make a sound, ten minutes; without that there is no
# conversation, and nothing to look for.
_WAITING_SAMPLES = 600 * SAMPLE_RATE_HZ
# So much has to be said at once before two are taken for not listening to each other.
_APART_MS = 3000.0

MIX = "several parties are in the mix: whose speech it is cannot be told"
MUSIC = "most of what is received is music, or voices of many: who speaks cannot be told"
APART = "both speak as if the other were not there: nobody answers anybody"
THEIR_VOICE = "the caller's voice comes back in ours: when we speak cannot be told"
OWN_VOICE = "our own voice comes back as loud as speech: who speaks while we do cannot be told"


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: `caller` and `ours` are who sounds when.

    `untold` says why who answered whom, or who interrupted, is not told.
    """

    turns: Turns
    echo: Echo | None
    untold: str = ""
    uncertainty_ms: float = 40.0
    caller: tuple[Span, ...] = ()
    ours: tuple[Span, ...] = ()

    @property
    def knows_turns(self) -> bool:
        """Who answers whom can be told."""
        return self.untold in ("", OWN_VOICE)

    @property
    def knows_overlap(self) -> bool:
        """Whose speech it is can be told even while we speak."""
        return self.untold in ("", APART)

    def as_fields(self) -> dict[str, Any]:
        """The `conversation` of a summary."""
        told, knows = self.turns, self.knows_turns
        return {
            "turns": told.turns if knows else None,
            "response_ms": _spread(told.response) if knows else None,
            "barge_in_ms": None if self.untold else _spread(told.barge_in),
            "false_barge_ins": told.false_barge_ins if knows else None,
            "talk_over_ms": round(told.talk_over_ms, 1) if self.knows_overlap else None,
            "dead_air_ms": {
                "total": round(told.dead_air_total_ms, 1),
                "longest": round(told.dead_air_longest_ms, 1),
            },
            "echo": _echo(self.echo),
            "uncertainty_ms": self.uncertainty_ms,
            "untold": self.untold or None,
        }


def _spread(values: Sequence[float]) -> dict[str, float | None] | None:
    told = spread(values)
    if told is None:
        return None
    low, high = median_interval(values)
    fields = {**told._asdict(), "p50_low": low, "p50_high": high}
    rounded = {name: None if ms is None else round(ms, 1) for name, ms in fields.items()}
    return rounded | {"times": len(values)}


def _echo(echo: Echo | None) -> dict[str, float] | None:
    return {name: round(value, 1) for name, value in echo._asdict().items()} if echo else None


class Conversation:
    """Listens to both tracks of one stream, however many messages come at a time.

    `rule` is that of the far queue. Times are of one clock, in nanoseconds. `is_recorded`: both
    tracks are there as they sounded, and nothing waited.
    """

    def __init__(self, rule: QueueRule = CALL, *, is_recorded: bool = False) -> None:
        self._received, self._sent = ReceivedTrack(), SentTrack(rule, is_recorded=is_recorded)
        self._framed_ns = 0 if is_recorded else _FRAMED_NS
        self._voice, self._levels, self._echo = VoiceFold(), LevelTrack(), EchoFold()
        self._both = SideBySide(self._echo)
        self._from_ns: int | None = None
        self._last_ns = 0
        self._waiting: deque[tuple[Ints, Samples]] = deque()
        self._waiting_samples = 0

    def receive(self, time_ns: Ints, samples: Samples) -> None:
        """Take messages of one length each that came at `time_ns`: int16 at 8 kHz."""
        self._last_ns = max(self._last_ns, int(time_ns[-1]))
        self._waiting.append((time_ns, samples))
        self._waiting_samples += len(samples)
        if self._sent.has_sounded:
            self._catch_up()
        while self._waiting_samples > _WAITING_SAMPLES:
            self._waiting_samples -= len(self._waiting.popleft()[1])

    def send(self, time_ns: Ints, samples: Samples) -> None:
        """Take messages of one length each that were sent at `time_ns`."""
        self._last_ns = max(self._last_ns, int(time_ns[-1]))
        self._play(self._sent.add(time_ns, samples))

    def finish(self) -> None:
        """The stream is over."""
        if not self._sent.has_sounded:
            return
        self._catch_up()
        self._hear(self._received.finish())
        self._play(self._sent.finish())
        self._voice.finish()

    def result(self, *, is_mix: bool = False) -> Talk | None:
        """What it comes to, complete after `finish`; None where one side never made a sound.

        `is_mix`: several parties are in what is received.
        """
        spans, ours = self._voice.spans, self._sent.utterances
        if not spans or not ours:
            return None
        echo = self._echo.result()
        talker = [one for one in spans if not self._is_music(one)]
        untold = MIX if is_mix else MUSIC if 2 * _length_ms(talker) < _length_ms(spans) else ""
        caller = [self._span(one.start_ms, one.end_ms) for one in talker]
        if echo is not None and not untold:
            delay_ns = round(echo.delay_ms * MS) - self._framed_ns
            spoken = [span for span in caller if not _is_echo(span, ours, delay_ns)]
            untold = OWN_VOICE if len(spoken) < len(caller) else ""
            caller = spoken
        sounds = [self._span(*each) for each in self._levels.sounding_ms]
        turns = tell_turns(caller, ours, sounds, self._last_ns)
        if not untold and turns.talk_over_ms >= _APART_MS and not turns.is_exchange:
            untold = APART
        sounding = tuple(Span(one.from_ns, one.until_ns) for one in ours)
        return Talk(turns, echo, untold, self._voice.uncertainty_ms, tuple(caller), sounding)

    def _catch_up(self) -> None:
        while self._waiting:
            self._hear(self._received.add(*self._waiting.popleft()))
        self._waiting_samples = 0

    def _is_music(self, one: Spoken) -> bool:
        return one.is_music or self._levels.sounds_on_around(one.start_ms, one.end_ms)

    def _span(self, start_ms: int, end_ms: int) -> Span:
        assert self._from_ns is not None
        return Span(self._from_ns + start_ms * MS, self._from_ns + end_ms * MS)

    def _hear(self, pieces: Iterable[TimedSound]) -> None:
        for piece in pieces:
            if self._from_ns is None:
                self._from_ns = piece.at_ns
            self._voice.add(piece.samples)
            self._levels.add(piece.samples)
            self._both.add(1, piece._replace(at_ns=piece.at_ns + self._framed_ns))

    def _play(self, pieces: Iterable[TimedSound]) -> None:
        for piece in pieces:
            self._both.add(0, piece)


def _length_ms(spans: Sequence[Spoken]) -> int:
    return sum(span.end_ms - span.start_ms for span in spans)


def _is_echo(span: Span, ours: Sequence[Utterance], delay_ns: int) -> bool:
    return any(
        one.from_ns + delay_ns - _ECHO_NS <= span.from_ns
        and span.until_ns <= one.until_ns + delay_ns + _ECHO_NS
        for one in ours
    )
