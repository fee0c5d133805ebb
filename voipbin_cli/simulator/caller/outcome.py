"""What one call came to: one object for the command's JSON, for Python and for tables of load."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.conversation.sent_track import Utterance
from voipbin_cli.analysis.conversation.turns import MS, Span, Turns, tell_turns
from voipbin_cli.analysis.farend.far_end import Heard
from voipbin_cli.simulator.caller.engine import DoneRow, ScriptedCaller
from voipbin_cli.simulator.caller.voices import NS_PER_SAMPLE

# Later than this the caller's own frames say more of this machine than of the bot.
RELIABLE_MS = 10.0
_SAMPLES_PER_MS = MS // NS_PER_SAMPLE


@dataclass(frozen=True, slots=True)
class Lateness:
    """How late this machine sent the caller's frames, in ms; None where it sent none."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, late_ms: Sequence[float]) -> Lateness:
        """Of some frames."""
        import numpy as np

        if not len(late_ms):
            return cls()
        p50, p99 = np.percentile(late_ms, [50, 99])
        return cls(float(p50), float(p99), float(max(late_ms)))

    @property
    def is_reliable(self) -> bool:
        """Whether times that were measured here are the bot's: 99 of 100 frames were on time."""
        return self.p99 is not None and self.p99 <= RELIABLE_MS

    def as_fields(self) -> dict[str, float | None]:
        """As JSON values."""
        every = (("p50", self.p50), ("p99", self.p99), ("max", self.max))
        return {name: None if value is None else round(value, 2) for name, value in every}


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What came of one row, in ms of the call.

    `response_ms`: from the end of what the caller said to the bot's first sounding message;
    `barge_in_ms`: from the caller's onset to the bot's last sound. None: the bot did neither.
    `timed_out`: the bot was waited for in vain.
    """

    row: int
    name: str
    began_ms: float
    ended_ms: float
    timed_out: bool = False
    response_ms: float | None = None
    barge_in_ms: float | None = None

    def as_fields(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "row": self.row,
            "do": self.name,
            "began_ms": _rounded(self.began_ms),
            "ended_ms": _rounded(self.ended_ms),
            "timed_out": self.timed_out,
            "response_ms": _rounded(self.response_ms),
            "barge_in_ms": _rounded(self.barge_in_ms),
        }


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """One call. `bot` is when the bot sounded at the phone, in ms; `ended_by` who ended the call.

    `heard_pcm` is what the phone heard, s16le at 8 kHz from the call's start, where it was kept.
    """

    call: str
    duration_ms: float
    ended_by: str
    rows: tuple[RowOutcome, ...]
    bot: tuple[tuple[float, float], ...]
    talk: Talk
    heard: Heard
    lateness: Lateness
    pressed: str = ""
    heard_pcm: bytes = b""

    @property
    def response_ms(self) -> tuple[float, ...]:
        """From the end of the caller's speech to the bot's first sounding message, each time."""
        return self.talk.turns.response

    @property
    def barge_in_ms(self) -> tuple[float, ...]:
        """From the caller's onset while the bot sounds to the bot's last sound, each time."""
        return self.talk.turns.barge_in

    @property
    def timeouts(self) -> int:
        """How often the bot was waited for in vain."""
        return sum(row.timed_out for row in self.rows)

    @property
    def is_reliable(self) -> bool:
        """Whether this machine was fast enough for what was measured to be the bot's."""
        return self.lateness.is_reliable

    def as_fields(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "call": self.call,
            "duration_seconds": round(self.duration_ms / 1000, 3),
            "ended_by": self.ended_by,
            "rows": [row.as_fields() for row in self.rows],
            "bot_ms": [[_rounded(a), _rounded(b)] for a, b in self.bot],
            "conversation": self.talk.as_fields(),
            "heard": self.heard.as_fields(),
            "digits_pressed": self.pressed,
            "timeouts": self.timeouts,
            "send_error_ms": self.lateness.as_fields(),
            "is_reliable": self.is_reliable,
        }


def outcome_record(outcome: CallOutcome) -> dict[str, Any]:
    """The whole of it as JSON values, for another process; `outcome_from` makes it anew."""
    return {
        **asdict(outcome),
        "talk": asdict(outcome.talk),
        "heard": outcome.heard._asdict(),
        "heard_pcm": base64.b64encode(outcome.heard_pcm).decode("ascii"),
    }


def outcome_from(record: Mapping[str, Any]) -> CallOutcome:
    """Take a record of our own apart."""
    talk = record["talk"]
    turns: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in zip(Turns._fields, talk["turns"], strict=True)
    }
    spans = {name: tuple(Span(*one) for one in talk[name]) for name in ("caller", "ours")}
    return CallOutcome(
        **{
            **record,
            "rows": tuple(RowOutcome(**row) for row in record["rows"]),
            "bot": tuple((from_ms, until_ms) for from_ms, until_ms in record["bot"]),
            "talk": Talk(**{**talk, "turns": Turns(**turns), **spans}),
            "heard": Heard(**record["heard"]),
            "lateness": Lateness(**record["lateness"]),
            "heard_pcm": base64.b64decode(record["heard_pcm"]),
        }
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _row(done: DoneRow, number: int, bot: Sequence[Utterance], last: int) -> RowOutcome:
    """One row, by the same judge as the whole call."""
    spans = [Span(a * NS_PER_SAMPLE, b * NS_PER_SAMPLE) for a, b in done.spoken]
    turns = tell_turns(spans, bot) if spans else None
    ended = last if done.ended is None else done.ended
    return RowOutcome(
        row=number,
        name=done.name,
        began_ms=done.began / _SAMPLES_PER_MS,
        ended_ms=ended / _SAMPLES_PER_MS,
        timed_out=done.timed_out,
        response_ms=_last(turns.response) if turns else None,
        barge_in_ms=_last(turns.barge_in) if turns else None,
    )


def _last(values: Sequence[float]) -> float | None:
    return values[-1] if values else None


def _until_next(rows: Sequence[DoneRow], at: int, bot: Sequence[Utterance]) -> list[Utterance]:
    """The bot's utterances before the caller speaks again: what comes then answers another row."""
    later = [row.spoken[0][0] for row in rows[at + 1 :] if row.spoken]
    until_ns = later[0] * NS_PER_SAMPLE if later else None
    return [one for one in bot if until_ns is None or one.sent_ns < until_ns]


def outcome_of(
    caller: ScriptedCaller,
    *,
    call: str,
    ended_by: str,
    heard: Heard,
    lateness: Lateness,
    heard_pcm: bytes = b"",
) -> CallOutcome:
    """Put together what a caller did and heard."""
    bot, last_ns = caller.ear.utterances, caller.samples * NS_PER_SAMPLE
    spoken = caller.spoken
    turns: Turns = tell_turns(spoken, bot, last_ns=last_ns)
    ours = tuple(Span(one.from_ns, one.until_ns) for one in bot)
    rows = tuple(
        _row(row, row.number + 1, _until_next(caller.done, at, bot), caller.samples)
        for at, row in enumerate(caller.done)
    )
    return CallOutcome(
        call=call,
        duration_ms=last_ns / MS,
        ended_by=ended_by,
        rows=rows,
        bot=tuple((one.from_ns / MS, one.until_ns / MS) for one in bot),
        talk=Talk(turns, None, uncertainty_ms=20.0, caller=tuple(spoken), ours=ours),
        heard=heard,
        lateness=lateness,
        pressed=caller.pressed,
        heard_pcm=heard_pcm,
    )
