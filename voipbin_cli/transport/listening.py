"""What all that listen share: why a port cannot be had, and which requests are of web pages."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from websockets.datastructures import Headers

from voipbin_cli.errors import MachineError
from voipbin_cli.text import printable
from voipbin_cli.transport.addresses import is_loopback

# The kernel keeps these for root, and for who has CAP_NET_BIND_SERVICE (ip(7)).
_FIRST_FREE_PORT = 1024
# accept(2): the limits of this process, of the system, and of its memory.
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# What the program has open beside its peers: modules, the audio, the event loop, what they log.
OWN_FILES = 32


def cannot_listen(
    host: str, port: int, error: OSError | OverflowError, *, option: str = "--port"
) -> MachineError:
    """Return what to tell when `port` on `host` cannot be had; `option` chooses another."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return MachineError(f"port {port} is in use", hint=f"choose another with {option}")
    if isinstance(error, socket.gaierror) or code == errno.EADDRNOTAVAIL:
        return MachineError(
            f"cannot listen on {host}:{port}: this machine has no such address",
            hint="give an address of this machine; --host 0.0.0.0 is every one of them",
        )
    if code == errno.EACCES and port < _FIRST_FREE_PORT:
        return MachineError(
            f"port {port} is kept for the system",
            hint=f"choose one of {_FIRST_FREE_PORT} or above with {option}",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return MachineError(
        f"cannot listen on {host}:{port}: {reason}", hint=f"choose another port with {option}"
    )


def most_peers(wanted: int, spare: int, files_each: int) -> int:
    """How many peers this process has files for, up to `wanted`, each of which takes `files_each`.

    `spare` more connections have to be told that there is no room. The soft limit of open files is
    raised towards the hard one (getrlimit(2)) as far as that takes.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    needed = OWN_FILES + wanted * files_each + spare
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < needed and soft != resource.RLIM_INFINITY:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    left = needed if soft == resource.RLIM_INFINITY else soft - OWN_FILES
    if left >= needed - OWN_FILES:
        return wanted
    many = (left - spare) // files_each
    # With few of them there are as many more connections, at the most.
    return many if many >= spare else max(1, left // (files_each + 1))


def tell_when_full(loop: asyncio.AbstractEventLoop, tell: Callable[[str], None]) -> None:
    """Say once in words that there is no file left for a connection; asyncio tries again by itself.

    It accepts a hundred at a time before any of them has a place or is sent away.
    """
    told: list[str] = []

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _FULL:
            loop.default_exception_handler(context)
        elif not told:
            told.append(f"connections wait: {error.strerror}")
            tell(told[0])

    loop.set_exception_handler(handle)


def foreign_page(headers: Headers, *, is_on_loopback: bool) -> str:
    """Return what says that a web page of another host may be behind a request; else nothing.

    Any page that a user of this machine looks at can open a WebSocket to it.
    """
    # RFC 6455 10.2: "Servers that are not intended to process input from any web page but only for
    # certain sites SHOULD verify the |Origin| field is an origin they expect."
    hosts = {_host(f"//{host}") for host in headers.get_all("Host")}
    for origin in headers.get_all("Origin"):
        host = _host(origin)
        # Some programs name in Origin what they connect to; no page of others has an address of
        # ours for its host, while a name may lead anywhere.
        if not is_loopback(host) and not (host in hosts and _is_address(host)):
            return f"a web page is behind it (Origin: {printable(origin, 80)})"
    # A name that leads here only since its page was loaded is its page's own host (DNS rebinding).
    # RFC 9110 7.2: "A user agent MUST generate a Host header field in a request".
    if is_on_loopback and not all(map(is_loopback, hosts)):
        said = ", ".join(headers.get_all("Host"))
        return f"it asks for another host (Host: {printable(said, 80)})"
    return ""


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_address(host: str | None) -> bool:
    try:
        return bool(ipaddress.ip_address(host or ""))
    except ValueError:
        return False
