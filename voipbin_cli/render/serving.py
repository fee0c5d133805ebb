"""How serving looks: what to paste into a flow, who comes and goes, and one line at the end."""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol

from rich.text import Text

from voipbin_cli.events import Tell
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.outlet import Outlet
from voipbin_cli.text import printable


class ServingStatus(Protocol):
    """What the view shows of a server."""

    @property
    def connected(self) -> int:
        """Peers that are there now."""

    @property
    def sent_now(self) -> int:
        """Frames sent so far."""


class ServingLine:
    """One line: how many peers listen, and how many frames they were sent."""

    def __init__(self, serving: ServingStatus) -> None:
        self._serving = serving

    def __call__(self) -> list[Text]:
        serving = self._serving
        style = "bold green" if serving.connected else "dim"
        sent = f"  {serving.sent_now} frames sent"
        return [Text.assemble((f"● {serving.connected} connected", style), sent)]


def show_listening(fields: dict[str, Any], *, as_json: bool, quiet: bool) -> None:
    """Print the flow action on stdout, and everything else beside it."""
    if as_json:
        emit("listening", fields)
        return
    if not quiet:
        _say_whole(f"listening on {fields['address']}")
        if fields["action_deployed"] is not None:
            other = json.dumps(fields["action_deployed"])
            _say_whole(
                f"the servers as they are take no address there, but the id of a websocket "
                f"connection to {fields['address']} that is configured on them: {other}"
            )
            _say_whole(
                "what needs no such connection: --transport udp (RTP, the platform's own choice) "
                "or --transport tcp (AudioSocket)"
            )
    sys.stdout.write(json.dumps(fields["action"]) + "\n")
    sys.stdout.flush()


def _say_whole(text: str) -> None:
    """Say what is there to be pasted, the token in it: masked it would be of no use."""
    sys.stderr.write(f"voipbin: {text}\n")


def telling_peers(
    outlets: tuple[Outlet, Outlet], *, as_json: bool, quiet: bool, verbose: bool
) -> Tell:
    """Return what a server tells its events to: `outlets`, which wait for no reader."""
    lines, words = outlets

    def tell(event: str, fields: dict[str, Any]) -> None:
        if as_json:
            lines.emit(event, fields)
        elif not quiet and (verbose or event != "control"):
            words.say(event_line(event, fields))

    return tell


def event_line(event: str, fields: dict[str, Any]) -> str:
    """Return one line about what a peer did."""
    if event == "warning":
        return f"warning: {fields['message']}"
    shown = {name: value for name, value in fields.items() if name != "peer" and value}
    words = ", ".join(f"{name} {_value(value)}" for name, value in shown.items())
    return f"peer {fields['peer']} {event}" + (f": {words}" if words else "")


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name} {inner}" for name, inner in value.items())
    return printable(str(value), 120)


def done_line(summary: dict[str, Any]) -> str:
    """Return one sentence about a server's life."""
    error, peers = summary["send_error_ms"], summary["peers"]
    if not peers:
        return "nobody connected"
    parts = [f"{peers} peer{'s' * (peers > 1)} heard {summary['audio_seconds']:.2f} s in all"]
    if error:
        parts.append(f"off the grid by {error['p99']:.1f} ms at most in 99 % of the frames")
    if summary["late_frames"]:
        parts.append(f"{summary['late_frames']} late")
    return "; ".join(parts)
