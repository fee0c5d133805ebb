"""TARGET, as every live command takes it: a call, a conference, a URL or the simulator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from voipbin_cli.errors import UsageError
from voipbin_cli.text import UUID_PATTERN, is_uuid, printable
from voipbin_cli.transport.addresses import CREDENTIAL_FIELDS, url_fault
from voipbin_cli.transport.secret_masking import bare_url

DEFAULT_SCENARIO = "clean"
FORMS = "give a call's UUID, call/UUID, conference/UUID, a ws:// or wss:// URL, or sim[:SCENARIO]"
_STREAM_PATH = re.compile(rf"/(call|conference)s/({UUID_PATTERN})/media_stream/?$", re.IGNORECASE)
# <call-id>, {call_id}, as documents have it.
_PLACE_HOLDER = re.compile(r"[/=](?:<[\w-]+>|\{[\w-]+\}|%3C[\w-]+%3E)", re.IGNORECASE)
# sim,jitter and the like, which are no beginning of a UUID.
_SCENARIO = re.compile(r"sim\W", re.IGNORECASE)
_WEBSOCKET = {"http": "ws", "https": "wss"}
_NOT_IN_FILE_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_STEM_LIMIT = 80


class TargetKind(StrEnum):
    """What a target names."""

    CALL = "call"
    CONFERENCE = "conference"
    URL = "url"
    SIM = "sim"


@dataclass(frozen=True, slots=True, repr=False)
class Target:
    """A parsed TARGET.

    `value` is the UUID in lower case, the URL as it was given, or the scenario's name. `options`
    are the simulator's `key=value`s, or the URL's query but for its credentials. `is_bare`: an id
    was given alone; it is taken for a call's.
    """

    kind: TargetKind
    value: str
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    is_bare: bool = field(default=False, compare=False)

    def __repr__(self) -> str:
        return f"Target({self.label!r})"

    @property
    def label(self) -> str:
        """What may be shown anywhere: no query, no user, no credential."""
        if self.kind is TargetKind.URL:
            return bare_url(self.value)
        if self.kind is TargetKind.SIM:
            return ",".join([f"sim:{self.value}", *(f"{k}={v}" for k, v in self.options.items())])
        return f"{self.kind}/{self.value}"

    @property
    def file_stem(self) -> str:
        """The start of a file name: `call-<id>`, `conference-<id>`, `sim-<scenario>`, a host."""
        resource = self.resource
        if resource is not None:
            return f"{resource[0]}-{resource[1]}"
        host = urlsplit(self.value).hostname if self.kind is TargetKind.URL else self.value
        prefix = "stream" if self.kind is TargetKind.URL else "sim"
        return f"{prefix}-{_NOT_IN_FILE_NAMES.sub('-', host or '')}"[:_STEM_LIMIT]

    @property
    def resource(self) -> tuple[TargetKind, str] | None:
        """(call or conference, its id) where the target or its URL's path says so."""
        if self.kind in (TargetKind.CALL, TargetKind.CONFERENCE):
            return self.kind, self.value
        if self.kind is TargetKind.SIM:
            return None
        found = _STREAM_PATH.search(urlsplit(self.value).path)
        return (TargetKind(found[1].lower()), found[2].lower()) if found else None


def parse_target(text: str) -> Target:
    """Parse a TARGET.

    Raises:
        UsageError: it has none of the forms of FORMS.
    """
    text = text.strip()
    scheme, separator, _ = text.partition("://")
    if separator:
        return _url(text, scheme.lower())
    if text == "sim" or text.startswith("sim:"):
        return _simulator(text.partition(":")[2])
    kind, slash, identifier = text.rpartition("/")
    if not slash:
        kind = TargetKind.CALL
    if kind not in (TargetKind.CALL, TargetKind.CONFERENCE):
        raise UsageError(f"not a TARGET: {printable(text, 80)}", hint=FORMS)
    if slash and not identifier:
        raise UsageError(f"not a TARGET: the id after `{kind}/` is missing", hint=FORMS)
    if not is_uuid(identifier.lower()):
        shown = printable(identifier, 80) or "nothing"
        if _SCENARIO.match(text):
            raise UsageError(
                f"not a TARGET: {shown}", hint="a simulated call is sim, or sim:SCENARIO"
            )
        raise UsageError(
            f"not a TARGET: {shown} is not a UUID",
            hint=f"{FORMS}; a UUID looks like 5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90",
        )
    return Target(TargetKind(kind), identifier.lower(), is_bare=not slash)


def parse_target_not_file(text: str) -> Target:
    """Parse what may be a file as well, and is none that exists.

    Raises:
        UsageError: it is no TARGET either.
    """
    text = text.strip()
    try:
        return parse_target(text)
    except UsageError as error:
        if "://" in text or text.startswith("sim:"):
            raise  # that is no file's name, and the error says what is wrong with it
        shown = printable(text, 80)
        is_name = "." in text or "/" in text.removeprefix("call/").removeprefix("conference/")
        hint = "there is no such file: check the name, and the directory" if is_name else error.hint
        raise UsageError(f"{shown} is neither a file nor a TARGET", hint=hint) from None


def _url(text: str, scheme: str) -> Target:
    if _PLACE_HOLDER.search(text):
        raise UsageError(
            f"not a TARGET: {bare_url(text)} is an example, with a name where a value belongs",
            hint="put your own there, or give the bare id of a call: `voipbin calls list`",
        )
    if scheme in _WEBSOCKET and _is_stream(text):
        # As the documents write a stream's address.
        text = _WEBSOCKET[scheme] + text[len(scheme) :]
    elif scheme in _WEBSOCKET:
        raise UsageError(
            f"not a TARGET: {bare_url(text)} is no address of a stream",
            hint="a stream's ends in /media_stream; the API's own goes to --api-url",
        )
    elif scheme not in _WEBSOCKET.values():
        raise UsageError(f"not a TARGET: {bare_url(text)}", hint=FORMS)
    if fault := url_fault(text):
        raise UsageError(f"not a TARGET: the URL {fault}", hint="wss://host[:port]/…")
    query = dict(parse_qsl(urlsplit(text).query, keep_blank_values=True))
    options = {name: value for name, value in query.items() if name not in CREDENTIAL_FIELDS}
    return Target(TargetKind.URL, text, MappingProxyType(options))


def _is_stream(url: str) -> bool:
    return url.partition("?")[0].rstrip("/").endswith("/media_stream")


def _simulator(text: str) -> Target:
    scenario, *pairs = text.split(",")
    options: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"not a TARGET: {printable(pair, 80) or 'an empty option'} is not key=value",
                hint="sim:SCENARIO,key=value,… such as sim:jitter,dialect=linear,seed=7",
            )
        options[name.strip()] = value.strip()
    return Target(TargetKind.SIM, scenario.strip() or DEFAULT_SCENARIO, MappingProxyType(options))
