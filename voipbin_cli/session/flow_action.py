"""The flow action that makes the platform connect to `serve`, as its documents write it."""

from __future__ import annotations

from typing import Any

from voipbin_cli.codec.encapsulation import Encapsulation

CONNECTION_ID = "ID-OF-THE-CONNECTION"


def listening_fields(
    encapsulation: Encapsulation,
    host: str,
    port: int,
    *,
    bare: str = "",
    is_tls: bool,
    token: str | None,
) -> dict[str, Any]:
    """Return where to connect to, and the flow actions that make the platform do so.

    `bare` is `tcp` or `udp` where no WebSocket is around the frames.
    `action` is the documented form, `action_deployed` the one that works where Asterisk's
    chan_websocket is behind it, None where they are the same. That one takes no URL: it wants the
    id of a websocket connection that is configured there, for which CONNECTION_ID stands.
    """
    shown = "your-server" if host in ("0.0.0.0", "::", "") else host
    address = f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"
    deployed = {"connection_type": "client", "format": "ulaw"}
    if bare:
        option = {"external_host": address, "encapsulation": encapsulation.value}
        action = _action(option | {"transport": bare} | deployed)
        return {"address": address, "action": action, "action_deployed": None}
    url = f"{'wss' if is_tls else 'ws'}://{address}/{token or 'audio'}"
    named = {"external_host": CONNECTION_ID, "encapsulation": "none", "transport": "websocket"}
    return {
        "address": url,
        "action": _action({"url": url, "encapsulation": encapsulation.value}),
        "action_deployed": _action(named | deployed),
    }


def _action(option: dict[str, str]) -> dict[str, Any]:
    return {"type": "external_media_start", "option": option}
