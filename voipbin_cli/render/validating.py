"""How a live validation looks: where it is, and what was found so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rich.text import Text

from voipbin_cli.analysis.conversation.limits import DEFAULT_LIMITS
from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.events import Tell
from voipbin_cli.render.live_view import clock_text, state_line, terminal_columns
from voipbin_cli.render.problems import say
from voipbin_cli.render.talking import TalkLines
from voipbin_cli.render.violations import headline
from voipbin_cli.session.proxy_validation import JudgedClient
from voipbin_cli.session.relayed_clients import ProxyStatus
from voipbin_cli.session.session import SessionStatus
from voipbin_cli.text import printable

_MOST_FOUND = 8
# Each takes five lines of a terminal.
_MOST_CLIENTS = 3


class FoundLines:
    """A first line that says where a run is, and what was found so far under it."""

    def __init__(self, first: Callable[[], Text], found: Callable[[], Sequence[Group]]) -> None:
        self._first = first
        self._found = found

    def __call__(self) -> list[Text]:
        return [self._first(), *headlines(self._found())]


def headlines(found: Sequence[Group]) -> list[Text]:
    """The first of what was found, a line each."""
    return [headline(group) for group in found[:_MOST_FOUND]]


def headlines_by_client(clients: Sequence[JudgedClient]) -> list[Text]:
    """The same of a proxy's clients; where there are several, each line says whose it is."""
    if len(clients) < 2:
        return headlines([group for client in clients for group in client.groups])
    found = [
        Text.assemble((f"  client {client.number}  ", "bold"), headline(group))
        for client in clients
        for group in client.groups
    ]
    return found[:_MOST_FOUND]


def validation_line(target: str, status: SessionStatus) -> Text:
    """Where a live validation is."""
    shown = printable(target, 48)
    return state_line(status, f"{shown}  {status.frames} frames  {status.form}")


class ProxyLines:
    """Who is connected to a proxy, and how it stands with each of them; then what `found` says.

    `looks` are those of its session, by the clients' numbers.
    """

    def __init__(
        self,
        target: str,
        status: Callable[[], ProxyStatus],
        looks: Callable[[], Mapping[int, TalkGlance]],
        found: Callable[[], Sequence[Text]] = list,
        slow_ms: float = DEFAULT_LIMITS.slow_response_ms,
    ) -> None:
        self._target = printable(target, 41)
        self._status = status
        self._looks = looks
        self._found = found
        self._slow_ms = slow_ms
        self._talks: dict[int, TalkLines] = {}

    def __call__(self) -> list[Text]:
        columns, looks = terminal_columns(), self._looks()
        lines = [_proxy_line(self._target, self._status())]
        for number, glance in list(looks.items())[-_MOST_CLIENTS:]:
            if len(looks) > 1:
                lines.append(Text(f"  client {number}", "bold"))
            talk = self._talks.setdefault(number, TalkLines("client speaks", self._slow_ms))
            lines += talk.lines(glance, columns)
        if len(looks) > _MOST_CLIENTS:
            lines.append(Text(f"  and {len(looks) - _MOST_CLIENTS} more clients", "dim"))
        return [*lines, *self._found()]


def _proxy_line(target: str, status: ProxyStatus) -> Text:
    host = urlsplit(status.address).netloc
    return Text.assemble(
        (f"● {status.clients} connected", "bold green" if status.clients else "dim"),
        f"  {clock_text(status.elapsed_s)}  {host} → {target}",
    )


def done_line(summary: dict[str, Any]) -> str:
    """Return one sentence for the end of a run."""
    return f"judged {summary['frames']} frames"


def listening(tell: Tell, *, quiet: bool) -> Tell:
    """Return `tell` that says on stderr where to connect."""

    def told(event: str, fields: dict[str, Any]) -> None:
        if event == "listening" and not quiet:
            say(f"point your client at {fields['address']}; Ctrl-C ends it")
        tell(event, fields)

    return told
