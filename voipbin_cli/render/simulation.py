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


def show_ready(ready: Mapping[str, Any], *, as_json: bool) -> None:
    """Print how to reach the simulator, as commands to paste."""
    if as_json:
        emit("ready", {name: value for name, value in ready.items() if name != "event"})
        return
    call, conferences = ready["call_id"], ready["conference_ids"]
    alone = f"  (of one member: {conferences[-1]})" if len(conferences) > 1 else ""
    sys.stdout.write(
        f"simulating {ready['scenario']} on {ready['api_url']}; Ctrl-C ends it\n\n"
        f"  export VOIPBIN_API_URL={ready['api_url']}\n"
        f"  export VOIPBIN_TOKEN={ready['token']}\n"
        f"  voipbin stream record call/{call}\n"
        f"  voipbin stream record conference/{conferences[0]}{alone}\n"
    )
    sys.stdout.flush()
