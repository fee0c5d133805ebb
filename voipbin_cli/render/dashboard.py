"""How a diagnosis looks while it listens: the steps of the way there, then a dashboard."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from rich.text import Text

from voipbin_cli.analysis.diagnosis import StreamDiagnosis
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.events import Tell
from voipbin_cli.render.diagnosis import VERDICTS
from voipbin_cli.render.live_view import BARS, Meter, latest_level_dbfs, level_text, state_line
from voipbin_cli.render.outlet import Outlet
from voipbin_cli.session.diagnose import LiveDiagnosis
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable

SPARK_WIDTH = 40
_GAP_TOP_MS, _JITTER_TOP_MS = 120.0, 30.0


class Sparkline:
    """The latest values as bars, the newest at the right; `top` and more is a full one."""

    def __init__(self, top: float, warn: float) -> None:
        self._top, self._warn = top, warn
        self.values: deque[float] = deque([0.0] * SPARK_WIDTH, maxlen=SPARK_WIDTH)

    def text(self) -> Text:
        """The bars, red from `warn` on."""
        line = Text()
        for value in self.values:
            step = min(len(BARS) - 1, round(value / self._top * (len(BARS) - 1)))
            line.append(BARS[step], "red" if value >= self._warn else "cyan")
        return line


class DiagnosisLines:
    """The dashboard: state, level, gaps, jitter, a buffer, what happened, the cause so far."""

    def __init__(
        self,
        target: str,
        status: Callable[[], SessionStatus],
        diagnosis: LiveDiagnosis,
        duration_s: float | None,
    ) -> None:
        self._target = printable(target, 40)
        self._status = status
        self._diagnosis = diagnosis
        self._duration_s = duration_s
        self._meter = Meter()
        self._gaps = Sparkline(_GAP_TOP_MS, 60.0)
        self._jitter = Sparkline(_JITTER_TOP_MS, 20.0)

    def __call__(self) -> list[Text]:
        status = self._status()
        stream = self._diagnosis.measuring.look()
        glance = stream.glance()
        level = latest_level_dbfs(status)
        self._meter.add_level(level)
        recent = stream.trace.latest_gaps(SPARK_WIDTH)
        self._gaps.values = deque([0.0] * (SPARK_WIDTH - len(recent)) + recent, SPARK_WIDTH)
        self._jitter.values.append(glance.jitter_ms or 0.0)
        lines = [
            state_line(status, f"{self._target}  {glance.frames} frames"),
            _row("level", self._meter.__rich__(), level_text(level)),
            _row("gaps", self._gaps.text(), f"{recent[-1] if recent else 0:.0f} ms at most"),
            _row("jitter", self._jitter.text(), _milliseconds(glance.jitter_ms)),
            Text(
                f"  buffer   60 ms would drop {glance.late_ratio:.1%}; "
                f"adaptive holds {glance.delay_ms:.0f} ms  {status.form}",
                "dim",
            ),
        ]
        latest = self._diagnosis.events[-3:]
        lines += [Text(f"  {printable(event, 76)}", "yellow") for event in latest]
        return [*lines, so_far_line(self._diagnosis.look()), self._time_left(status)]

    def _time_left(self, status: SessionStatus) -> Text:
        left = ""
        if self._duration_s is not None:
            left = f"{max(0.0, self._duration_s - status.elapsed_s):.0f} s left; "
        return Text(f"  {left}Enter or Ctrl-C: verdict now", "dim")


def so_far_line(diagnosis: StreamDiagnosis | None) -> Text:
    """The cause as far as it can be told by now."""
    if diagnosis is None:
        return Text("  so far   too little to tell", "dim")
    graver = (found for found in diagnosis.findings if found.severity is not Severity.INFO)
    first = next(graver, None)
    style = VERDICTS[diagnosis.verdict.value][0]
    if first is None:
        return Text.assemble("  so far   ", ("nothing is wrong", style))
    words = printable(first.title, 50)
    return Text.assemble("  so far   ", (first.id.value, style), f"  {words}")


def _row(name: str, bars: Text, words: str) -> Text:
    return Text.assemble(f"  {name:<8} ", bars, f"  {words}")


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def step_line(fields: Mapping[str, Any]) -> str:
    """One step of the preflight, as it passes."""
    mark = "ok" if fields["passed"] else "FAILED"
    return f"{fields['step']:<12} {mark:<6} {fields['ms']:8.1f} ms  {printable(fields['detail'])}"


def done_line(summary: Mapping[str, Any]) -> str:
    """One sentence for the end of a run."""
    metrics = summary.get("metrics")
    return f"measured {metrics['duration_seconds']:.1f} s" if metrics else "measured nothing"


def telling_steps(tell: Tell, words: Outlet, *, as_json: bool, quiet: bool) -> Tell:
    """Return `tell` that shows people each step as it passes."""

    def told(event: str, fields: dict[str, Any]) -> None:
        if event != "step" or as_json:
            tell(event, fields)
        elif not quiet:
            words.write_line(step_line(fields))

    return told
