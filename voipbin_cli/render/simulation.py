"""What `voipbin simulate` prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from voipbin_cli.render.jsonl import emit, emit_list
from voipbin_cli.simulator.scenario import Scenario


def show_scenarios(rows: Iterable[Scenario], *, as_json: bool) -> None:
    """Print one line a scenario: name, what happens, what a diagnosis should find."""
    if as_json:
        emit_list("scenario", map(_fields, rows))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SCENARIO", style="cyan", no_wrap=True)
    table.add_column("WHAT HAPPENS")
    table.add_column("FINDING", style="dim", no_wrap=True)
    for row in rows:
        harmless = " (info)" if row.is_harmless else ""
        table.add_row(row.name, row.summary, f"{row.finding or ''}{harmless}")
    Console().print(table)


def _fields(row: Scenario) -> dict[str, Any]:
    told = {"name": row.name, "summary": row.summary, "finding": row.finding}
    return {**told, "harmless": row.is_harmless}


def show_ready(ready: Mapping[str, Any], *, as_json: bool, is_load: bool = False) -> None:
    """Print how to reach the simulator, as commands to paste.

    `is_load`: calls come up one after the other, and none is there yet.
    """
    if as_json:
        emit("ready", {name: value for name, value in ready.items() if name != "event"})
        return
    call, conferences = ready["call_id"], ready["conference_ids"]
    alone = f"  (of one member: {conferences[-1]})" if len(conferences) > 1 else ""
    sys.stdout.write(
        f"simulating {ready['scenario']} on {ready['api_url']}; Ctrl-C ends it\n\n"
        f"  export VOIPBIN_API_URL={ready['api_url']}\n"
        f"  export VOIPBIN_TOKEN={ready['token']}\n"
    )
    if is_load:
        sys.stdout.write("  voipbin calls list  # those that are progressing wait for the bot\n")
        sys.stdout.flush()
        return
    sys.stdout.write(
        f"  voipbin stream record call/{call}\n"
        f"  voipbin stream record conference/{conferences[0]}{alone}\n"
    )
    sys.stdout.flush()


def over_text(report: Mapping[str, Any], heard: str | None) -> str:
    """Return in a sentence what came of a simulation: who came, what was sent, what was heard."""
    streams = report["streams_joined"]
    parts = [f"{streams} stream{'s' * (streams != 1)} opened" if streams else "nobody came"]
    if report["sent"]:
        parts.append(f"{report['sent']} frames sent to them")
    if report["fed_ms"]:
        parts.append(
            f"{report['fed_ms'] / 1000:.2f} s of sound came back, of which the phone heard "
            f"{report['heard_ms'] / 1000:.2f} s"
        )
    if report["lost_ms"]:
        parts.append(f"{report['lost_ms'] / 1000:.2f} s were thrown away, the queue being too full")
    if report["dropped"]:
        parts.append(f"{report['dropped']} messages dropped without a word")
    if heard is not None:
        parts.append(f"what the phone heard is in {heard}")
    return "; ".join(parts)
