"""How both directions of a stream look while it runs: how loud each is, who speaks, what waits."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS
from voipbin_cli.analysis.conversation.talk_watch import SILENT_DBFS, TalkGlance
from voipbin_cli.render.live_view import BARS, Meter, level_text

_NAME = 10
# `-23 dBFS  caller speaks` stands at the right of a meter, whatever a terminal is wide.
_WORDS = 26
_LEAST_METER, _MOST_METER = 10, 80


class TalkLines:
    """Four lines: what is received, what is sent, how soon answers came, how fast it goes.

    Answers of `slow_ms` and more are full bars, and red. `ours` is what speaks at this end.
    """

    def __init__(
        self, ours: str = "we speak", slow_ms: float = DEFAULT_LIMITS.slow_response_ms
    ) -> None:
        self._ours = ours
        self._slow_ms = slow_ms
        self._received, self._sent = Meter(_MOST_METER), Meter(_MOST_METER)

    def lines(self, glance: TalkGlance, columns: int) -> list[Text]:
        """How it stands, in a terminal of so many columns."""
        self._received.add_level(_level(glance.received_dbfs))
        self._sent.add_level(_level(glance.sent_dbfs))
        width = max(_LEAST_METER, min(_MOST_METER, columns - _NAME - _WORDS - 4))
        caller = "somebody speaks" if glance.is_mix else "caller speaks"
        return [
            _row("received", self._received.latest(width), _heard(glance, caller)),
            _row("sent", self._sent.latest(width), _said(glance, self._ours)),
            _row("answers", self._bars(glance.responses_ms[-width:], width), _answers(glance)),
            Text(f"  {'frames':<{_NAME}}{_pace(glance)}", "dim"),
        ]

    def _bars(self, responses_ms: Sequence[float], width: int) -> Text:
        bars = Text(" " * (width - len(responses_ms)))
        for ms in responses_ms:
            share = min(1.0, ms / self._slow_ms) if self._slow_ms else 1.0
            # The shortest answer is a bar, too.
            step = max(1, round(share * (len(BARS) - 1)))
            bars.append(BARS[step], "red" if ms >= self._slow_ms else "cyan")
        return bars


def _row(name: str, bars: Text, words: Text) -> Text:
    return Text.assemble(f"  {name:<{_NAME}}", bars, "  ", words)


def _level(dbfs: float | None) -> float:
    return SILENT_DBFS if dbfs is None else dbfs


def _heard(glance: TalkGlance, caller: str) -> Text:
    return _loud(glance.received_dbfs, caller if glance.caller_speaks else "")


def _said(glance: TalkGlance, ours: str) -> Text:
    if glance.sent_hz and not glance.is_taken:
        return Text("not taken by the far end", "yellow")
    return _loud(glance.sent_dbfs, ours if glance.we_sound else "")


def _loud(dbfs: float | None, who: str) -> Text:
    level = "nothing" if dbfs is None else level_text(dbfs)
    return Text.assemble(f"{level:<9} ", (who, "bold green"))


def _answers(glance: TalkGlance) -> Text:
    if glance.is_mix:
        return Text("not told of a mix", "dim")
    if not glance.responses_ms:
        return Text("none yet", "dim")
    return Text(f"{glance.responses_ms[-1]:.0f} ms")


def _pace(glance: TalkGlance) -> str:
    return (
        f"{glance.received_hz:.0f} in, {glance.sent_hz:.0f} out a second; "
        f"far end: {glance.queued_ms:.0f} ms queued"
    )
