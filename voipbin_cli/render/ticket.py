"""What is pasted into a ticket: Markdown, with all that whoever takes it over asks for first."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from voipbin_cli import __version__
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.plots import EARLIEST_NS
from voipbin_cli.events import time_text
from voipbin_cli.render.comparison import comparison_line
from voipbin_cli.render.diagnosis import VERDICTS, measured_text
from voipbin_cli.render.evidence import evidence_text
from voipbin_cli.text import printable

# What a customer can be told, who knows neither codecs nor us.
_CUSTOMER: Mapping[Side, str] = {
    Side.PROGRAM: "The fault that we see is in a program of ours; we are mending it.",
    Side.SETTINGS: "Your call is not at fault: we asked for it in a wrong way, and try again.",
    Side.MACHINE: "The computer that listened was too slow; your call may well be fine. We measure "
    "it again.",
    Side.LINK: "The sound is held up on the network between us and the telephone service. Nothing "
    "has to be done on your side.",
    Side.PLATFORM: "The fault is in the telephone service. We have reported it with the times and "
    "numbers that are needed.",
    Side.PHONE: "The sound was damaged already when it left the phone or its network. Please try "
    "another place, another network (a cable, another Wi-Fi) or another headset.",
    Side.UPSTREAM: "The sound was damaged before it reached us, in the telephone service or on the "
    "phone's side. We have reported it; a call from another phone or network would tell which.",
    Side.SENDER: "The sound was damaged where it was sent from. We are asking whoever runs that.",
    Side.NETWORK: "The sound is held up or lost on the network, before the place where it was "
    "measured.",
    Side.CAPTURE: "What we were given does not hold enough of the call to judge its sound. Please "
    "tell us when it happens again, so that we can measure it while it lasts.",
    Side.RECORDED: "The recording holds the fault. Please tell us when it happens again, so that "
    "we can measure the call while it lasts.",
    Side.CALL: "The equipment works: it is the call itself that is in this state.",
    Side.UNKNOWN: "We have seen the fault, and cannot yet tell where it comes from.",
}
_FINE = (
    "We have measured the call, and found nothing wrong in what can be measured. Please tell us "
    "when it happens again, so that we can measure it at that time."
)


class Listened(NamedTuple):
    """From when to when it was listened to."""

    begun: datetime
    ended: datetime


def ticket_text(summary: Mapping[str, Any], span: Listened | None) -> str:
    """Return the block to paste; `summary` is that of a diagnosis, `span` None where unknown."""
    graver = [f for f in summary["findings"] if f["severity"] != "info"]
    root = graver[0] if graver else None
    title = root["id"] if root else VERDICTS[summary["verdict"]][1]
    lines = [f"### VoIPBIN media stream: {summary['verdict']}, {title}", ""]
    lines += [f"- **{name}:** {words}" for name, words in _facts(summary, graver, span)]
    told = _CUSTOMER[Side(root["side"])] if root else _FINE
    lines += ["", f"**To tell the customer:** {told}", "", "**For support:**", ""]
    lines += [f"- {name}: {words}" for name, words in _for_support(summary)]
    return "\n".join(lines) + "\n"


def _facts(
    summary: Mapping[str, Any], graver: list[Mapping[str, Any]], span: Listened | None
) -> Iterator[tuple[str, str]]:
    yield "call", _code(summary["target"]) if summary["target"] else "the capture does not say"
    yield "time", f"{time_text(span.begun)} to {time_text(span.ended)} (UTC)" if span else "unknown"
    if graver:
        root, *others = graver
        yield "cause", f"{printable(root['title'])} ({root['id']}, {root['confidence']:.0%} sure)"
        yield "whose side", Side(root["side"]).words
        if seen := evidence_text(root["id"], root["evidence"]):
            yield "evidence", printable(seen)
        yield "remedy", printable(root["remedy"])
        if others:
            yield "also", ", ".join(f"{other['id']} ({other['severity']})" for other in others)
    yield "measured", measured_text(summary)
    if summary.get("comparison"):
        yield "compared", comparison_line(summary["comparison"])


def _for_support(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if ids := sorted(set(_request_ids(summary))):
        yield "request ids", ", ".join(map(_code, ids))
    names = ("encapsulation", "dialect", "codec")
    form = ", ".join(
        f"{name} {printable(summary[name], 80)}" for name in names if summary.get(name)
    )
    yield "stream", form or "unknown"
    if (close := summary.get("close")) is not None:
        reason = f" “{printable(close['reason'], 80)}”" if close["reason"] else ""
        code = f", close code {close['code']}" if close["code"] is not None else ""
        yield "end", f"{printable(close['cause'] or 'unknown', 80)}{code}{reason}"
    if reconnects := summary.get("reconnects"):
        yield "reconnects", str(reconnects)
    yield (
        "versions",
        (f"voipbin {__version__}, Python {platform.python_version()}, {platform.platform()}"),
    )


def _request_ids(value: Any) -> Iterator[str]:
    """Give those of the platform's refusals, wherever a finding holds them."""
    if isinstance(value, Mapping):
        if isinstance(found := value.get("request_id"), str):
            yield found
        for inner in value.values():
            yield from _request_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _request_ids(inner)


def _code(text: str) -> str:
    """Show a name that is not ours as it is, whatever Markdown would make of it."""
    return f"`{printable(text, 200).replace('`', chr(39))}`"


def show_ticket(
    summary: Mapping[str, Any],
    last_ns: int | None,
    begun: datetime | None,
    *,
    is_alone: bool,
) -> None:
    """Print the block, apart from what stands above it.

    Of a run `begun` is when it did; of a capture its own clock tells, by `last_ns`, the arrival of
    the last message.
    """
    if begun is not None:
        span: Listened | None = Listened(begun, datetime.now(UTC))
    elif last_ns is not None and last_ns >= EARLIEST_NS:
        ended = datetime.fromtimestamp(last_ns / 1e9, UTC)
        took = timedelta(seconds=summary["metrics"]["duration_seconds"])
        span = Listened(ended - took, ended)
    else:
        span = None
    sys.stdout.write(("" if is_alone else "\n") + ticket_text(summary, span))
