"""Host, port and secrets of a URL."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from voipbin_cli.errors import UsageError
from voipbin_cli.text import printable

CREDENTIAL_FIELDS = frozenset(("token", "accesskey"))


def authority(url: str) -> str:
    """`host:port` of a URL, printable, its port made explicit.

    Raises:
        UsageError: there is no host, or the port is no number.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme in ("wss", "https") else 80)
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        raise UsageError("the URL has no host, or a port that is none", hint="wss://host[:port]/…")
    return printable(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")


def url_fault(url: str) -> str:
    """Say why a URL leads nowhere; empty for one that may lead somewhere. It shows no secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return "cannot be read: brackets are for IPv6 addresses alone"
    if not host:
        return "has no host"
    port = parts.netloc.rpartition("@")[2].rpartition(":")[2]
    try:
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        is_port = False
    if not is_port:
        return f"has the port '{printable(port, 20)}'; ports are numbers from 1 to 65535"
    if any(char.isspace() or not char.isprintable() for char in url):
        return "has a space or an invisible character in it"
    return ""


def is_loopback(host: str | None) -> bool:
    """Whether `host` is this machine, to which no proxy leads."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def reach_warning(host: str) -> str:
    """Say who cannot reach what listens on `host`; empty where that may be anybody."""
    if is_loopback(host):
        return (
            f"{host} is this machine alone, which the platform cannot reach: give --host 0.0.0.0 "
            "behind a public address, or lead a tunnel here"
        )
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ""
    if address.is_unspecified or address.is_global:
        return ""
    return f"{host} is no public address: a platform outside of its network cannot reach it"


def secrets_of(url: str, headers: Mapping[str, str]) -> tuple[str, ...]:
    """The credentials that a request carries, for masking what comes back."""
    query = [value for name, value in parse_qsl(urlsplit(url).query) if name in CREDENTIAL_FIELDS]
    carried = [
        re.split(r"[ =]", value, maxsplit=1)[-1]
        for name, value in headers.items()
        if name.lower() in ("authorization", "cookie")
    ]
    return tuple(query + carried)
