"""Opening the WebSocket (RFC 6455 section 4.1), and every way in which that fails told apart."""

from __future__ import annotations

import logging
import re
import ssl as ssl_module
from collections.abc import Callable, Mapping
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

from websockets import exceptions
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from voipbin_cli import USER_AGENT
from voipbin_cli.errors import ConnectionFailed, UsageError, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import printable
from voipbin_cli.transport.addresses import authority, is_loopback, secrets_of
from voipbin_cli.transport.channel import Clock, MessageChannel
from voipbin_cli.transport.network_failure import explain, failed, timed_out
from voipbin_cli.transport.refusal import refusal
from voipbin_cli.transport.websocket_framing import Framing

_STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3})(?: ([^\r\n]*))?")
_NO_WEBSOCKET = "check the URL: something else than a media stream listens there"

# The library writes the request, query and headers and all, to its log at DEBUG, and at ERROR
# tracebacks in whose words it may stand. Its logger here is at neither, whatever the root's is.
_LOGGER = logging.getLogger("voipbin.websocket")
_LOGGER.setLevel(logging.CRITICAL)


class _Connect(connect):
    """The library's connecting, without redirects."""

    # RFC 6455 4.1: "the server might redirect the client using a 3xx status code (but clients are
    # not required to follow them)". Our credential is in the request, and must not go elsewhere.

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def open_channel(
    url: str,
    *,
    headers: Mapping[str, str],
    ssl: ssl_module.SSLContext | None,
    connect_timeout: float,
    clock: Clock,
    max_size: int,
) -> MessageChannel:
    """Connect to `url` and upgrade.

    Raises:
        UsageError: `url` or the proxy setting makes no sense.
        Refused, ConnectionFailed: see refusal.py and network_failure.py. Nothing of the
            libraries' exceptions, which hold the URL with its credential, hangs on them.
    """
    where = authority(url)
    made: list[MessageChannel] = []

    def create(protocol: ClientProtocol, **limits: Any) -> ClientConnection:
        made.append(MessageChannel(protocol, clock=clock, framing=Framing(max_size), **limits))
        return made[-1]

    failure: VoipbinError
    try:
        await _connect(url, headers, ssl, connect_timeout, create, max_size)
        return made[-1]
    except (OSError, EOFError, exceptions.WebSocketException, ValueError, ImportError) as exc:
        reached = bool(made) and hasattr(made[-1], "transport")
        head = made[-1].head if made else b""
        failure = _explain(exc, where, reached, head, connect_timeout, secrets_of(url, headers))
    # Outside of the except clause: the library's exception is not even its context.
    raise failure


async def _connect(
    url: str,
    headers: Mapping[str, str],
    ssl: ssl_module.SSLContext | None,
    connect_timeout: float,
    create: Callable[..., ClientConnection],
    max_size: int,
) -> None:
    secure = url.lower().startswith("wss:")
    options: dict[str, Any] = {"ssl": ssl} if secure and ssl is not None else {}
    await _Connect(
        url,
        # The platform negotiates none.
        compression=None,
        additional_headers=dict(headers),
        user_agent_header=USER_AGENT,
        proxy=_proxy_towards(url),
        open_timeout=connect_timeout,
        # MessageChannel sends the pings, as it times them.
        ping_interval=None,
        max_size=max_size,
        logger=_LOGGER,
        create_connection=cast("type[ClientConnection]", create),
        **options,
    )


def _proxy_towards(url: str) -> str | None:
    """The proxy that the environment names for `url`, by the variables that the API obeys, too.

    The library looks at none of ALL_PROXY; and what has no scheme is HTTP's (curl(1), --proxy).
    """
    uri = parse_uri(url)
    if is_loopback(uri.host) or proxy_bypass(f"{uri.host}:{uri.port}"):
        return None
    proxy = get_proxy(uri) or getproxies().get("all") or None
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _explain(
    exc: Exception,
    where: str,
    reached: bool,
    head: bytes,
    connect_timeout: float,
    secrets: tuple[str, ...],
) -> VoipbinError:
    # RFC 6455 4.1: "If the status code received from the server is not 101, the client handles the
    # response per HTTP [RFC2616] procedures"; refusal.py does.
    if isinstance(exc, exceptions.InvalidStatus):
        response = exc.response
        headers = dict(response.headers.raw_items())
        return refusal(response.status_code, headers, bytes(response.body or b""), secrets=secrets)
    if isinstance(exc, (exceptions.InvalidURI, UnicodeError)):
        return UsageError("the URL is not one of a WebSocket", hint="ws://… or wss://host[:port]/…")
    if isinstance(exc, (exceptions.ProxyError, exceptions.InvalidProxy, ImportError)):
        return _proxy(exc)
    if status := _STATUS_LINE.match(head):
        if int(status[1]) != 101:
            # The rest never came, or is HTTP/1.0, which the library does not read.
            return refusal(int(status[1]), secrets=secrets)
        # 4.1, points 2 to 6: Upgrade, Connection and Sec-WebSocket-Accept have to be right, and
        # only what was asked for may be chosen; else the connection fails.
        return failed(
            f"{where} answered 101 but not as a WebSocket server must ({_upgrade_fault(exc)})",
            _NO_WEBSOCKET,
        )
    if head:
        said = printable(head.decode("latin-1"), 40, *secrets)
        return failed(f"{where} does not speak HTTP: it sent “{said}”", _NO_WEBSOCKET)
    return _unanswered(exc, where, reached, connect_timeout)


def _unanswered(
    exc: Exception, where: str, reached: bool, connect_timeout: float
) -> ConnectionFailed:
    timeout = isinstance(exc, TimeoutError) and getattr(exc, "errno", None) is None
    if timeout and reached:
        return failed(
            f"{where} took the connection but did not answer within {connect_timeout:g} s",
            f"{_NO_WEBSOCKET}; --connect-timeout waits longer",
        )
    if timeout:
        return timed_out(where, connect_timeout)
    if isinstance(exc, exceptions.InvalidMessage):
        return failed(
            f"{where} closed the connection without an answer",
            "check the port, and whether the server wants TLS (https://, wss://)",
        )
    return explain(exc, where)


def _upgrade_fault(exc: Exception) -> str:
    if isinstance(exc, TimeoutError):
        return "the answer never ended"
    if isinstance(exc, exceptions.NegotiationError):
        return "an extension or subprotocol that was not asked for"
    if isinstance(exc, exceptions.InvalidHeader):
        return f"{printable(exc.name, 60)} is missing or wrong"
    return "the answer is malformed or too large"


def _proxy(exc: Exception) -> VoipbinError:
    settings = "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY in the environment choose the proxy"
    if isinstance(exc, exceptions.InvalidProxyStatus):
        status = exc.response.status_code
        return ConnectionFailed(
            f"the proxy answered HTTP {status}", hint=settings, finding=FindingId.CANNOT_CONNECT
        )
    if isinstance(exc, ImportError):
        return UsageError(
            "a SOCKS proxy needs the package python-socks", hint=f"pip install it, or: {settings}"
        )
    if isinstance(exc, exceptions.InvalidProxy):
        return UsageError("the proxy setting is not a proxy's address", hint=settings)
    return failed("the proxy did not answer as a proxy must", settings)
