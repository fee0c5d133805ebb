"""What `voipbin simulate` prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from voipbin_cli.render.jsonl import emit
from voipbin_cli.simulator.scenario import Scenario


def show_scenarios(rows: Iterable[Scenario], *, as_json: bool) -> None:
    """Print one line a scenario: name, what is wrong, what a diagnosis should find."""
    if as_json:
        for row in rows:
            emit("scenario", {"name": row.name, "summary": row.summary, "finding": row.finding})
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SCENARIO", style="cyan", no_wrap=True)
    table.add_column("WHAT IS WRONG")
    table.add_column("FINDING", style="dim", no_wrap=True)
    for row in rows:
        table.add_row(row.name, row.summary, row.finding or "")
    Console().print(table)


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
