"""How a diagnosis looks: a dashboard while it listens, then the verdict, findings and figures."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voipbin_cli.events import Tell
from voipbin_cli.render.live_view import BARS, Meter, latest_level_dbfs, level_text, state_line
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.session.diagnose import LiveDiagnosis
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable

SPARK_WIDTH = 40
VERDICTS = {
    "ok": ("bold green", "nothing is wrong"),
    "degraded": ("bold yellow", "it works, and not well"),
    "bad": ("bold red", "it cannot be used as it is"),
}
SEVERITIES = {"error": "bold red", "warning": "bold yellow", "info": "cyan"}
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
    """The dashboard: state, level, gaps, jitter, what a buffer would do, what happened."""

    def __init__(
        self, target: str, status: Callable[[], SessionStatus], diagnosis: LiveDiagnosis
    ) -> None:
        self._target = printable(target, 40)
        self._status = status
        self._diagnosis = diagnosis
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
        return lines + [Text(f"  {printable(event, 76)}", "yellow") for event in latest]


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
    return f"measured {summary['metrics']['duration_seconds']:.1f} s"


def telling_steps(tell: Tell, *, as_json: bool, quiet: bool) -> Tell:
    """Return `tell` that shows people each step as it passes."""

    def told(event: str, fields: dict[str, Any]) -> None:
        if event != "step" or as_json:
            tell(event, fields)
        elif not quiet:
            sys.stderr.write(f"{step_line(fields)}\n")

    return told


def show_diagnosis(summary: Mapping[str, Any]) -> None:
    """The verdict in a line, the findings with evidence and remedy, the table of figures."""
    out = stdout_console()
    style, words = VERDICTS[summary["verdict"]]
    if summary["verdict"] == "ok" and summary["metrics"]["silence_ratio"] is None:
        words = "delivery is fine; what it sounds like cannot be told"
    first = next(iter(summary["findings"]), None)
    cause = first["title"] if first and first["severity"] != "info" else words
    name = f" ({first['id']})" if first and first["severity"] != "info" else ""
    out.print(Text.assemble((f"{summary['verdict']}: ", style), f"{cause}{name}"))
    for finding in summary["findings"]:
        _show_finding(finding, out)
    if summary["metrics"]["frames"]:
        out.print()
        out.print(figures_table(summary["metrics"]))
        out.print(Text(counts_text(summary["metrics"])))
        out.print(Text(quality_text(summary["metrics"]["mos"]), "dim"))
    sys.stdout.flush()


def _show_finding(finding: Mapping[str, Any], out: Console) -> None:
    style = SEVERITIES[finding["severity"]]
    out.print()
    head = f"  {finding['title']}, {finding['confidence']:.0%} sure"
    out.print(Text.assemble((f"{finding['severity']} {finding['id']}", style), head))
    if finding["evidence"]:
        out.print(Text(f"  evidence: {evidence_text(finding['evidence'])}"))
    out.print(Text(f"  remedy: {finding['remedy']}"))


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """Evidence in a line: names and values."""
    return ", ".join(
        f"{name.replace('_', ' ')} {printable(str(value), 160)}"
        for name, value in evidence.items()
        if value is not None
    )


def figure_rows(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of name, min, avg, p95, max, last; `-` where there is no such figure."""
    interval = metrics["frame_interval_ms"] or {}
    jitter = metrics["interarrival_jitter_ms"]
    trips = metrics["rtt_ms"] or {}
    lag, stalls = metrics["local_lag_ms"], metrics["stalls"]
    level = metrics["level_dbfs"]
    clock_hz = metrics["jitter_clock_hz"]
    clock = "its clock stands still" if clock_hz is None else f"{clock_hz} Hz"
    names = ("min", "mean", "p95", "max", "last")
    return [
        ("frame interval ms", *(_figure(interval.get(name)) for name in names)),
        (f"jitter ms ({clock})", *(_figure(jitter.get(n)) for n in names)),
        ("round trip ms", "-", _figure(trips.get("p50")), "-", _figure(trips.get("p99")), "-"),
        ("own lateness ms", "-", "-", "-", _figure(lag["max"]), "-"),
        ("stall ms", "-", "-", "-", _figure(stalls["longest_ms"]), "-"),
        ("level dBFS", "-", _figure(level["rms"]), "-", _figure(level["peak"]), "-"),
    ]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def figures_table(metrics: Mapping[str, Any]) -> Table:
    """The figures as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("", no_wrap=True)
    for name in ("min", "avg", "p95", "max", "last"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in figure_rows(metrics):
        table.add_row(*row)
    return table


def counts_text(metrics: Mapping[str, Any]) -> str:
    """What was counted, in words."""
    sequence = metrics["sequence"]
    drift = metrics["clock_drift_ppm"]
    parts = [
        f"{metrics['frames']} frames in {metrics['duration_seconds']:.1f} s",
        f"lost audio {metrics['lost_audio_ms']:.0f} ms",
    ]
    if metrics["silence_ratio"] is not None:
        parts.append(f"lost upstream {metrics['upstream_loss_ms']:.0f} ms")
        parts.append(f"silence {metrics['silence_ratio']:.0%}")
    if sequence is not None:
        counts = ", ".join(f"{sequence[n]} {n}" for n in ("missing", "duplicate", "reordered"))
        parts.append(f"sequence: {counts}")
    if drift is not None:
        parts.append(f"drift {drift:+.0f} ± {metrics['clock_drift_uncertainty_ppm']:.0f} ppm")
    buffers = metrics["buffers"] or {}
    parts += [f"{name}: {row['late_ratio']:.1%} late" for name, row in buffers.items()]
    return "; ".join(parts)


def quality_text(quality: Mapping[str, Any]) -> str:
    """The score with its model, as one never goes without the other."""
    assumed = "; ".join(quality["assumptions"])
    if quality["value"] is None:
        return f"MOS not told: {quality['reason']}"
    return (
        f"MOS {quality['value']:.2f} (R {quality['r_factor']:.1f}, {quality['model']}: {assumed})"
    )


def show_streams(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Several streams of a capture, one line each, the worst first."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("stream", "frames", "verdict", "findings"):
        table.add_column(name)
    for name, fields in rows:
        style = VERDICTS[fields["verdict"]][0]
        found = ", ".join(finding["id"] for finding in fields["findings"]) or "-"
        frames = str(fields["metrics"]["frames"])
        table.add_row(Text(printable(name)), frames, Text(fields["verdict"], style), found)
    stdout_console().print(table, "")
