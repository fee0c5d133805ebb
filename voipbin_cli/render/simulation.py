"""What `voipbin simulate` prints."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from voipbin_cli.simulator.scenario import Scenario


def scenario_table(rows: Iterable[Scenario]) -> None:
    """Print one line a scenario: name, what is wrong, what a diagnosis should find."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SCENARIO", style="cyan", no_wrap=True)
    table.add_column("WHAT IS WRONG")
    table.add_column("FINDING", style="dim", no_wrap=True)
    for row in rows:
        table.add_row(row.name, row.summary, row.finding or "")
    Console().print(table)


def welcome(ready: Mapping[str, Any]) -> None:
    """Print how to reach the simulator, as commands to paste."""
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
