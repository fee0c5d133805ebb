"""How a diagnosis looks: the figures, what was found, and last the verdict and what to do."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.playout.target_delay import POLICIES
from voipbin_cli.render.comparison import show_comparison
from voipbin_cli.render.evidence import evidence_text
from voipbin_cli.render.stdout_console import stdout_console
from voipbin_cli.text import printable

VERDICTS = {
    "ok": ("bold green", "nothing is wrong"),
    "degraded": ("bold yellow", "it works, and not well"),
    "bad": ("bold red", "it cannot be used as it is"),
}
_VERDICTS = {"error": "bad", "warning": "degraded", "info": "ok"}
_OF_NEITHER = "the call"
SEVERITIES = {"error": "bold red", "warning": "bold yellow", "info": "cyan"}


def show_diagnosis(summary: Mapping[str, Any], *, is_verbose: bool = False) -> None:
    """From what is least to what counts: the last line says what to do, the one above whose side.

    Of all figures only what is in a sentence is told; `is_verbose` tells all of them.
    """
    out = stdout_console()
    if is_verbose:
        _show_figures(summary, out)
    if summary.get("conversation"):
        out.print(Text("the conversation", "bold"))
        out.print(conversation_table(summary["conversation"]))
        out.print(Text(conversation_text(summary["conversation"])))
        out.print()
    infos = [f for f in summary["findings"] if f["severity"] == "info"]
    root, *others = [f for f in summary["findings"] if f["severity"] != "info"] or [None]
    if infos and not is_verbose:
        out.print(Text(noted_text(infos), "dim"))
    out.print(Text(measured_text(summary), "dim"))
    if summary.get("metrics_sent"):
        out.print(verdict_lines(summary))
    if root is not None:
        out.print()
    for finding in [*(infos if is_verbose else ()), *reversed(others)]:
        _show_finding(finding, out)
    _show_verdict(summary, root, out)
    if summary.get("comparison"):
        show_comparison(summary["comparison"])
    sys.stdout.flush()


def show_judged(summary: Mapping[str, Any]) -> None:
    """What a run that sends came to, on stderr: the conversation, each direction, what to do."""
    out = Console(stderr=True, highlight=False)
    if summary.get("conversation"):
        out.print(conversation_table(summary["conversation"]))
        out.print(Text(conversation_text(summary["conversation"])))
    if (heard := summary["far_end"]) is not None:
        out.print(Text(f"what was sent: {heard_text(heard)}"))
    out.print(verdict_lines(summary))
    root = next((f for f in summary["findings"] if f["severity"] != "info"), None)
    if root is not None:
        _show_verdict(summary, root, out)


def _show_verdict(summary: Mapping[str, Any], root: Mapping[str, Any] | None, out: Console) -> None:
    """What was seen of the root cause; the verdict in a line; whose side it is, and what to do."""
    style, words = VERDICTS[summary["verdict"]]
    if root is None:
        if summary["metrics"]["silence_ratio"] is None:
            words = "delivery is fine; what it sounds like cannot be told"
        out.print(Text.assemble((f"{summary['verdict']}: ", style), words))
        return
    if seen := evidence_text(root["id"], root["evidence"]):
        _show_rows(out, ("evidence", seen))
    cause = f"{root['title']} ({root['id']}, {root['confidence']:.0%} sure)"
    out.print(Text.assemble((f"{summary['verdict']}: ", style), cause))
    _show_rows(out, ("side", Side(root["side"]).words), ("remedy", root["remedy"]))


def _show_finding(finding: Mapping[str, Any], out: Console) -> None:
    """One that is not the root cause."""
    style = SEVERITIES[finding["severity"]]
    way = {"out": " (sent)"}.get(finding.get("direction", ""), "")
    head = f"{way}  {finding['title']}, {finding['confidence']:.0%} sure"
    out.print(Text.assemble((f"{finding['severity']} {finding['id']}", style), head))
    seen = evidence_text(finding["id"], finding["evidence"])
    told = (("evidence", seen),) if seen else ()
    side = ("side", Side(finding["side"]).words)
    _show_rows(out, *told, side, ("remedy", finding["remedy"]))
    out.print()


def _show_rows(out: Console, *rows: tuple[str, str]) -> None:
    """Names, and words that wrap beside them; elsewhere than on a terminal each is a line."""
    for name, words in rows:
        head = f"  {name:<8}  "
        first, *more = wrap(words, max(20, out.width - len(head))) or [""]
        out.print(Text.assemble((head, "dim"), first))
        for line in more:
            out.print(Text(" " * len(head) + line))


def _show_figures(summary: Mapping[str, Any], out: Console) -> None:
    """All that was measured, of each direction."""
    if summary["metrics"]["frames"]:
        out.print(figures_table(summary["metrics"]))
        out.print(Text(counts_text(summary["metrics"])))
        out.print(Text(quality_text(summary["metrics"]["mos"]), "dim"))
        out.print()
    if summary.get("metrics_sent"):
        _show_sent(summary, out)
        out.print()


def noted_text(infos: Sequence[Mapping[str, Any]]) -> str:
    """What does no harm, in a line: the ids, each with the first that there is to say of it."""
    told = []
    for finding in infos:
        seen = evidence_text(finding["id"], finding["evidence"]).partition("; ")[0]
        told.append(f"{finding['id']} ({seen})" if seen else str(finding["id"]))
    return f"noted: {', '.join(told)}"


def measured_text(summary: Mapping[str, Any]) -> str:
    """How much was measured, its score, and how much of what was sent the phone heard."""
    metrics = summary["metrics"]
    quality = metrics["mos"]
    score = (
        f"no MOS: {quality['reason']}"
        if quality["value"] is None
        else f"MOS {quality['value']:.2f}"
    )
    parts = [f"{metrics['duration_seconds']:.1f} s, {metrics['frames']} frames", score]
    if summary.get("clients", 1) > 1:
        parts.insert(0, f"client {summary['client']}, the worst of {summary['clients']}")
    if summary.get("recording"):
        parts.append(recording_text(summary["recording"]))
    if (heard := summary.get("far_end")) is not None:
        parts.append(heard_text(heard))
    if end := ended_text(summary.get("close")):
        parts.append(end)
    return "; ".join(parts)


def ended_text(close: Mapping[str, Any] | None) -> str:
    """What ended a stream before its time, where that was in order."""
    if close is None:
        return ""
    if close["cause"] == "call-ended":
        return "the call ended"
    return f"the far end closed the stream ({close['code']})" if close["cause"] == "peer" else ""


def recording_text(recording: Mapping[str, Any]) -> str:
    """What a recording is stored as, at which rate it was judged, and the digits in it."""
    rate_hz, judged_hz = recording["sample_rate_hz"], recording["judged_at_hz"]
    channels, judged = recording["channels"], recording["channels_judged"]
    parts = [f"{recording['coding']}, {rate_hz} Hz, {channels} channel{'s' * (channels != 1)}"]
    if rate_hz != judged_hz:
        parts.append(f"judged at {judged_hz} Hz, level and clipping at its own rate")
    if judged > 1:
        parts.append("channel 1 taken for what was received, channel 2 for what was sent")
    if channels > judged:
        parts.append(f"{channels - judged} more not judged")
    for number, digits in enumerate(recording["digits"], 1):
        if digits:
            parts.append(f"digits in channel {number}: {digits}")
    return "; ".join(parts)


def verdict_lines(summary: Mapping[str, Any]) -> Text:
    """A line each for what was received and what was sent, and for what is wrong with neither.

    The verdict is that of the gravest finding; what is only told is no part of it.
    """
    lines = []
    for words, found in by_direction(summary).items():
        graver = [f for f in found if f["severity"] != "info"]
        if words == _OF_NEITHER and not graver:
            continue
        verdict = _VERDICTS[graver[0]["severity"]] if graver else "ok"
        ids = f": {', '.join(f['id'] for f in graver)}" if graver else ""
        lines.append(Text.assemble(f"{words:<8}  ", (verdict, VERDICTS[verdict][0]), ids))
    return Text("\n").join(lines)


def by_direction(summary: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """The findings of what is received and of what is sent, where it is judged, and of neither."""
    ways = {
        way: words
        for way, words, measured in (("in", "received", "metrics"), ("out", "sent", "metrics_sent"))
        if summary.get(measured)
    }
    found: dict[str, list[Mapping[str, Any]]] = {words: [] for words in ways.values()}
    for finding in summary["findings"]:
        found.setdefault(ways.get(finding.get("direction", ""), _OF_NEITHER), []).append(finding)
    return found


def _show_sent(summary: Mapping[str, Any], out: Console) -> None:
    """The figures of what was sent, and what the phone heard of it."""
    sent = summary["metrics_sent"]
    out.print(Text("what was sent", "bold"))
    out.print(figures_table(sent))
    out.print(Text(counts_text(sent)))
    if (heard := summary["far_end"]) is not None:
        out.print(Text(heard_text(heard)))
    out.print(Text(quality_text(sent["mos"]), "dim"))


def conversation_table(talk: Mapping[str, Any]) -> Table:
    """Who spoke when, a row a figure; `-` where it cannot be told or never happened."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column(f"ms, ± {talk['uncertainty_ms']:.0f}", no_wrap=True)
    for name in ("min", "p50", "p95", "max"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in conversation_rows(talk):
        table.add_row(*row)
    return table


def conversation_rows(talk: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of name, min, p50, p95, max."""
    ends = talk.get("between")
    answers, yields = ("we answer", "we yield")
    if ends:
        answers, yields = (printable(f"{ends['answers']} {does}") for does in ("answers", "yields"))
    return [
        (title, *(_figure((talk[name] or {}).get(n)) for n in ("min", "p50", "p95", "max")))
        for title, name in ((f"until {answers}", "response_ms"), (f"until {yields}", "barge_in_ms"))
    ]


def conversation_text(talk: Mapping[str, Any]) -> str:
    """What is counted of it, in words."""
    air, echo = talk["dead_air_ms"], talk["echo"]
    parts = [f"dead air {air['total']:.0f} ms, the longest {air['longest']:.0f} ms"]
    if talk["turns"] is not None:
        parts.insert(0, f"{talk['turns']} turns")
        parts.append(f"broke off for nobody {talk['false_barge_ins']} times")
    if talk["talk_over_ms"] is not None:
        parts.append(f"both spoke for {talk['talk_over_ms']:.0f} ms")
    if echo is not None:
        parts.append(f"echo after {echo['delay_ms']:.0f} ms, {echo['level_db']:.0f} dB")
    if talk["untold"]:
        parts.append(talk["untold"])
    return "; ".join(parts)


def heard_text(heard: Mapping[str, Any]) -> str:
    """What the phone heard, in a line."""
    parts = [f"the phone hears {heard['heard_share']:.1%} of it"]
    if heard["holes"]:
        parts.append(f"{heard['holes']} holes, {heard['holes_ms']:.0f} ms in all")
    if heard["flushes"]:
        parts.append(f"{heard['lost_ms']:.0f} ms thrown away, the queue being too full")
    return "; ".join(parts)


def figure_rows(metrics: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Rows of name, min, avg, p95, max, last; `-` where there is no such figure."""
    interval = metrics["frame_interval_ms"] or {}
    jitter = metrics["interarrival_jitter_ms"]
    trips = metrics["rtt_ms"] or {}
    lag, stalls = metrics["local_lag_ms"], metrics["stalls"]
    level = metrics["level_dbfs"]
    clock_hz = metrics["jitter_clock_hz"]
    clock = "no clock" if clock_hz is None else f"{clock_hz} Hz"
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
    rows = figure_rows(metrics)
    if metrics["stalls"]["count"] is None:  # a recording holds no times
        rows = [row for row in rows if set(row[1:]) != {"-"}]
    for row in rows:
        table.add_row(*row)
    return table


def counts_text(metrics: Mapping[str, Any]) -> str:
    """What was counted, in words."""
    sequence = metrics["sequence"]
    drift = metrics["clock_drift_ppm"]
    parts = [
        f"{metrics['frames']} frames in {metrics['duration_seconds']:.1f} s",
    ]
    if metrics["lost_audio_ms"] is not None:
        parts.append(f"lost audio {metrics['lost_audio_ms']:.0f} ms")
    if metrics["silence_ratio"] is not None:
        parts.append(f"lost upstream {metrics['upstream_loss_ms']:.0f} ms")
        parts.append(f"silence {metrics['silence_ratio']:.0%}")
    if sequence is not None:
        counts = ", ".join(f"{sequence[n]} {n}" for n in ("missing", "duplicate", "reordered"))
        parts.append(f"sequence: {counts}")
    if drift is not None:
        parts.append(f"drift {drift:+.0f} ± {metrics['clock_drift_uncertainty_ppm']:.0f} ppm")
    buffers = metrics["buffers"] or {}
    names = [policy.name for policy in POLICIES if policy.name in buffers]
    parts += [f"{name}: {buffers[name]['late_ratio']:.1%} late" for name in names]
    return "; ".join(parts)


def quality_text(quality: Mapping[str, Any]) -> str:
    """The score with its model, as one never goes without the other."""
    assumed = "; ".join(quality["assumptions"])
    if quality["value"] is None:
        return f"No MOS: {quality['reason']}"
    return (
        f"MOS {quality['value']:.2f} (R {quality['r_factor']:.1f}, {quality['model']}: {assumed})"
    )


def show_streams(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Several streams of a capture, or clients of a proxy, one line each, the worst first."""
    has_ways = any(fields.get("direction") for _, fields in rows)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    ways = ("direction",) if has_ways else ()
    for name in ("stream", "frames", *ways, "verdict", "findings"):
        table.add_column(name)
    for name, fields in rows:
        style = VERDICTS[fields["verdict"]][0]
        found = ", ".join(finding["id"] for finding in fields["findings"]) or "-"
        frames = str(fields["metrics"]["frames"])
        way = (fields.get("direction") or "-",) if has_ways else ()
        verdict = Text(fields["verdict"], style)
        table.add_row(Text(printable(name)), frames, *way, verdict, found)
    stdout_console().print(table, "")
