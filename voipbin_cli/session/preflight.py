"""The way to a stream, step by step and timed: name, TCP, TLS, API, the call's own state."""

from __future__ import annotations

import asyncio
import contextlib
import ssl as ssl_module
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from voipbin_cli.clock import now_ns
from voipbin_cli.errors import VoipbinError
from voipbin_cli.session.bare_ids import as_it_is
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.transport.addresses import authority, is_loopback
from voipbin_cli.transport.network_failure import explain, timed_out
from voipbin_cli.transport.refusal import is_final
from voipbin_cli.transport.resources import (
    CallState,
    ConferenceState,
    ResourceState,
    not_progressing,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that was taken. `detail` says in words what was found."""

    name: str
    passed: bool
    took_ms: float
    detail: str

    def as_fields(self) -> dict[str, Any]:
        """The fields of a `step` event."""
        return {
            "step": self.name,
            "passed": self.passed,
            "ms": round(self.took_ms, 1),
            "detail": self.detail,
        }


class Preflight:
    """Takes the steps in order and tells each; the first that fails ends it.

    But for the look-up of the call, where the API did not itself say no: a server may have streams
    and no API, or one that is down. What the stream is, the stream's own answer tells then.
    `refused` is what became of such a look-up. `error` is what failed, `state` the call or
    conference as the API has it, None where it cannot be asked. Through a proxy the first three
    steps are the proxy's, and left out.
    """

    def __init__(
        self,
        request: LiveRequest,
        told: Callable[[Step], None],
        *,
        clock: Callable[[], int] = now_ns,
    ) -> None:
        self._request = request
        self._told = told
        self._clock = clock
        self._url = request.endpoint.stream_url(request.target, request.encapsulation)
        self._where = authority(self._url)
        self._address: str = ""
        self.state: ResourceState | None = None
        self.error: VoipbinError | None = None
        self.refused: VoipbinError | None = None

    async def run(self) -> bool:
        """Return whether everything passed."""
        steps: list[tuple[str, Callable[[], Awaitable[str]]]] = []
        if not self._is_proxied:
            steps += [("name", self._resolve), ("tcp", self._connect)]
            if self._is_tls:
                steps.append(("tls", self._secure))
        for name, take in steps:
            self.error = await self._take(name, take)
            if self.error is not None:
                return False
        if self._request.endpoint.rest_of(self._request.target) is None:
            return True
        self.refused = await self._take("api", self._ask)
        if self.refused is None:
            self.error = await self._take("call", self._look)
        elif is_final(self.refused):
            self.error = self.refused
        return self.error is None

    @property
    def _host(self) -> str:
        return urlsplit(self._url).hostname or ""

    @property
    def _port(self) -> int:
        parts = urlsplit(self._url)
        return parts.port or (443 if self._is_tls else 80)

    @property
    def _is_tls(self) -> bool:
        return urlsplit(self._url).scheme.lower() == "wss"

    @property
    def _is_proxied(self) -> bool:
        if is_loopback(self._host) or urllib.request.proxy_bypass(self._host):
            return False
        proxies = urllib.request.getproxies()
        return any(name in proxies for name in ("https" if self._is_tls else "http", "all"))

    async def _take(self, name: str, take: Callable[[], Awaitable[str]]) -> VoipbinError | None:
        """Take one step and tell it; return what it failed of."""
        begun_ns = self._clock()
        failure: VoipbinError | None = None
        try:
            async with asyncio.timeout(self._request.connect_timeout_s):
                detail = await take()
        except VoipbinError as error:
            failure = error
        except TimeoutError:
            failure = timed_out(self._where, self._request.connect_timeout_s)
        except OSError as error:
            failure = explain(error, self._where)
        took_ms = (self._clock() - begun_ns) / 1e6
        words = failure.message if failure else detail
        self._told(Step(name, failure is None, took_ms, words))
        return failure

    async def _resolve(self) -> str:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=1)  # SOCK_STREAM
        self._address = str(found[0][4][0])
        return self._address

    async def _connect(self) -> str:
        _, writer = await asyncio.open_connection(self._host, self._port)
        await _close(writer)
        return self._where

    async def _secure(self) -> str:
        context = self._request.endpoint.ssl_context(self._url)
        assert context is not None
        _, writer = await asyncio.open_connection(
            self._host, self._port, ssl=context, server_hostname=self._host
        )
        try:
            return _certificate_text(writer.get_extra_info("ssl_object"))
        finally:
            await _close(writer)

    async def _ask(self) -> str:
        from voipbin_cli.transport.api import Api  # a third of the start-up

        endpoint = self._request.endpoint.rest_of(self._request.target)
        assert endpoint is not None
        async with Api(endpoint, timeout=self._request.connect_timeout_s) as api:
            try:
                self.state = await api.get_state(self._request.target)
            except VoipbinError as error:
                raise await as_it_is(error, self._request.target, endpoint) from None
        kind = endpoint.credential.kind.value if endpoint.credential else "no credential"
        return f"the {kind} is accepted" if endpoint.credential else "no credential was asked for"

    async def _look(self) -> str:
        state = self.state
        if state is None:
            return "not known"
        if not state.is_progressing:
            raise not_progressing(state)
        return f"{state.status}{_more(state)}"


def _more(state: ResourceState) -> str:
    if isinstance(state, CallState) and state.mute_direction:
        return f", muted ({state.mute_direction})"
    if isinstance(state, ConferenceState):
        return f", {state.members} in it"
    return ""


def _certificate_text(connection: ssl_module.SSLObject | None) -> str:
    """Protocol, cipher, and how long the certificate is good."""
    if connection is None:
        return "secured"
    certificate: Any = connection.getpeercert() or {}
    words = f"{connection.version()}"
    if until := certificate.get("notAfter"):
        expires = datetime.fromtimestamp(ssl_module.cert_time_to_seconds(until), UTC)
        words += f", certificate good until {expires:%Y-%m-%d}"
    return words


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
