"""The report of a diagnosis: one HTML file that needs nothing else, to attach to a ticket."""

from __future__ import annotations

import html
import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata, resources
from string import Template
from typing import Any

from voipbin_cli import __version__
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.plots import BothTracks, plot_data
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.render.comparison import (
    HEAD,
    comparison_line,
    comparison_notes,
    comparison_rows,
)
from voipbin_cli.render.diagnosis import (
    VERDICTS,
    conversation_rows,
    conversation_text,
    counts_text,
    figure_rows,
    heard_text,
    quality_text,
)
from voipbin_cli.render.evidence import evidence_text
from voipbin_cli.text import printable

_RATE_HZ = 8000
# What could identify a person, a call or a machine: ids, addresses, SIP URIs, telephone numbers.
_PRIVATE = (
    re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"),
    re.compile(r"(?<![\w:])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}(?![\w:])"),
    re.compile(r"\bsips?:[^\s;>]+"),
    re.compile(r"(?<![\w.])\+?\d(?:[\s()-]?\d){6,14}(?!\w|\.\d)"),
)
# Support cannot look anything up without it, and it names no person.
_KEPT_KEYS = frozenset(("request_id",))


def check_report(path: str) -> None:
    """Raise for a report that exists, or could not be written, before anything else is done."""
    from voipbin_cli.media.audio_writer import refuse_directory

    refuse_directory(path)
    if os.path.exists(path):
        raise UsageError(f"{path} exists", hint="give the report another name, or remove it")
    directory = os.path.dirname(path) or "."
    if not os.access(directory, os.W_OK):
        raise MachineError(f"cannot write {path}", hint=f"is {directory} a directory of yours?")


def write_report(
    path: str,
    summary: Mapping[str, Any],
    fold: StreamFold,
    steps: Sequence[Mapping[str, Any]],
    both: BothTracks | None = None,
    *,
    offset_ns: int = 0,
    with_numbers: bool,
) -> None:
    """Write the report. Raises MachineError where that is impossible."""
    try:
        text = to_html(summary, fold, steps, both, offset_ns=offset_ns, with_numbers=with_numbers)
        with open(path, "x", encoding="utf-8") as file:  # it was not there when the run began
            file.write(text)
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror}") from error


def show_report(
    summary: Mapping[str, Any],
    fold: StreamFold,
    steps: Sequence[Mapping[str, Any]],
    both: BothTracks | None = None,
    *,
    offset_ns: int = 0,
    with_numbers: bool,
) -> None:
    """Write the report to stdout."""
    sys.stdout.write(
        to_html(summary, fold, steps, both, offset_ns=offset_ns, with_numbers=with_numbers)
    )


def without_numbers(value: Any) -> Any:
    """The same value with ids, telephone numbers and addresses left out of its texts."""
    if isinstance(value, str):
        for pattern in _PRIVATE:
            value = pattern.sub("…", value)
        return value
    if isinstance(value, Mapping):
        return {k: v if k in _KEPT_KEYS else without_numbers(v) for k, v in value.items()}
    return [without_numbers(inner) for inner in value] if isinstance(value, list) else value


def to_html(
    summary: Mapping[str, Any],
    fold: StreamFold,
    steps: Sequence[Mapping[str, Any]],
    both: BothTracks | None = None,
    *,
    offset_ns: int = 0,
    with_numbers: bool = False,
    now: datetime | None = None,
) -> str:
    """Return the whole file. Without `with_numbers` it names no call, person or address.

    `offset_ns` makes Unix time of the times of `fold`.
    """
    told: Any = summary if with_numbers else without_numbers(dict(summary))
    taken: Any = list(steps) if with_numbers else without_numbers(list(steps))
    measured = fold.measured()
    moment = f"{now or datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    template = Template(resources.files("voipbin_cli.render").joinpath("report.html").read_text())
    target = _text(told["target"] or "a capture")
    return template.substitute(
        title=f"voipbin diagnosis: {_text(told['verdict'])}",
        verdict=_text(told["verdict"]),
        headline=_headline(told),
        about=f"{target}; {_text(told['encapsulation'])}, {_text(told['codec'] or 'no codec')}"
        f" ({_text(told['dialect'] or 'no known dialect')}); made {moment}",
        findings="".join(map(_finding, told["findings"])) or "<p>Nothing is wrong.</p>",
        figures=_figures(told["metrics"]),
        counts=_text(counts_text(told["metrics"])),
        quality=_text(quality_text(told["metrics"]["mos"])),
        kept=_kept(fold),
        steps=_steps(taken),
        environment=_environment(),
        conversation=_conversation(told),
        comparison=_comparison(told.get("comparison")),
        data=_script(plot_data(fold, measured, both, offset_ns)),
    )


def _text(value: object) -> str:
    return html.escape(printable(str(value), 2000))


def _headline(summary: Mapping[str, Any]) -> str:
    grave = [finding for finding in summary["findings"] if finding["severity"] != "info"]
    words = grave[0]["title"] if grave else VERDICTS[summary["verdict"]][1]
    return _text(words[:1].upper() + words[1:] + ".")


def _terms(facts: Mapping[str, Any]) -> str:
    return "".join(
        f"<dt>{_text(name.replace('_', ' '))}</dt><dd>{_text(value)}</dd>"
        for name, value in facts.items()
        if value is not None
    )


def _way(finding: Mapping[str, Any]) -> str:
    return " (of what is sent)" if finding.get("direction") == "out" else ""


def _finding(finding: Mapping[str, Any]) -> str:
    return (
        f'<div class="finding {_text(finding["severity"])}">'
        f"<h3>{_text(finding['severity'])}: {_text(finding['id'])}{_way(finding)}</h3>"
        f"<p>{_text(finding['title'])}; {finding['confidence']:.0%} sure.</p>"
        f"<p>{_text(evidence_text(finding['id'], finding['evidence']))}</p>"
        f"<p><b>Whose side:</b> {_text(Side(finding['side']).words)}.<br>"
        f"<b>Remedy:</b> {_text(finding['remedy'])}.</p>"
        f"<details><summary>Figures</summary><dl>{_terms(finding['evidence'])}</dl></details></div>"
    )


def _figures(metrics: Mapping[str, Any]) -> str:
    return _table(("", "min", "avg", "p95", "max", "last"), figure_rows(metrics))


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _conversation(summary: Mapping[str, Any]) -> str:
    """What the phone heard, and who spoke when, where both directions are there."""
    words, talk, heard = "", summary.get("conversation"), summary.get("far_end")
    if talk is not None:
        names = (f"ms, ± {talk['uncertainty_ms']:.0f}", "min", "p50", "p95", "max")
        words += _table(names, conversation_rows(talk))
        words += f'<p class="dim">{_text(conversation_text(talk))}</p>'
    if heard is not None:
        words += f'<p class="dim">{_text(heard_text(heard))}</p>'
    return words


def _comparison(comparison: Mapping[str, Any] | None) -> str:
    """What changed since an earlier run: the line, the figures of both, what is not compared."""
    if comparison is None:
        return ""
    words = f"<p>{_text(comparison_line(comparison))}.</p>"
    words += _table(HEAD, comparison_rows(comparison)) if comparison["figures"] else ""
    notes = "".join(f"<br>{_text(note)}" for note in comparison_notes(comparison))
    return f'<section><h2>Compared</h2>{words}<p class="dim">{notes}</p></section>'


def _steps(steps: Sequence[Mapping[str, Any]]) -> str:
    if not steps:
        return "<p>Read from a capture.</p>"
    rows = "".join(
        f"<tr><td>{_text(step['step'])}</td><td>{'ok' if step['passed'] else 'failed'}</td>"
        f"<td>{step['ms']:.1f} ms</td><td>{_text(step['detail'])}</td></tr>"
        for step in steps
    )
    return f'<table class="words">{rows}</table>'


def _environment() -> str:
    facts = {
        "voipbin": __version__,
        "Python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "numpy": metadata.version("numpy"),
    }
    rows = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts.items()
    )
    return f"<dl>{rows}</dl>"


def _kept(fold: StreamFold) -> str:
    kept_s = fold.sound.audio.size / _RATE_HZ
    whole_s = fold.sound.samples / _RATE_HZ
    return f"The first {kept_s:.0f} of {whole_s:.0f} s." if kept_s < whole_s - 1 else ""


def _script(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element that it stands in."""
    return json.dumps(data, allow_nan=False).replace("<", "\\u003c")
