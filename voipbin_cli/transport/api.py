"""The REST API around the streams: calls, conferences, login, the platform's own capture."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit

import httpx2

from voipbin_cli import USER_AGENT
from voipbin_cli.documents import read_json
from voipbin_cli.errors import ConnectionFailed, Refused, UsageError, VoipbinError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.transport.addresses import authority, is_loopback
from voipbin_cli.transport.credentials import may_be_secret
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.event_loop import run
from voipbin_cli.transport.network_failure import explain, failed, timed_out
from voipbin_cli.transport.refusal import html_page, refusal
from voipbin_cli.transport.resources import CallState, ConferenceState, PhoneLeg, ResourceState
from voipbin_cli.transport.secret_masking import mask_http_logging
from voipbin_cli.transport.targets import Target, TargetKind

T = TypeVar("T")

TIMEOUT_S = 10.0
BODY_LIMIT_BYTES = 4 * 1024 * 1024
PCAP_LIMIT_BYTES = 1024 * 1024 * 1024
PAGE_SIZE = 100
_PAGES_LIMIT = 1000


def _unused_context() -> ssl.SSLContext:
    """For an address without TLS: nothing to load, and nothing trusted should it be used after all.

    httpx2 would load the system's certificates at every start.
    """
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes
    size_bytes: int


class Probe(NamedTuple):
    """One small request: its error if it was refused, how long it took, and the server's clock.

    `server_time_s` is Unix time from the answer's Date header, which counts whole seconds
    (RFC 9110 section 6.6.1); None where there is none.
    """

    error: VoipbinError | None
    round_trip_s: float
    server_time_s: float | None


# It holds every SIP message of the call.
ANALYSIS_LIMIT_BYTES = 16 * 1024 * 1024


class Api:
    """A client of one endpoint; an asynchronous context manager.

    Redirects are not followed: the credential stays with the address it was meant for. Every
    method raises Refused, ConnectionFailed or UsageError, with no secret in them.
    """

    def __init__(self, endpoint: Endpoint, *, timeout: float = TIMEOUT_S) -> None:
        mask_http_logging()
        self._endpoint = endpoint
        self._timeout_s = timeout
        self._where = authority(endpoint.api_url)
        try:
            self._client = httpx2.AsyncClient(
                timeout=timeout,
                follow_redirects=False,
                # A proxy has no business between this machine and itself.
                trust_env=not is_loopback(urlsplit(endpoint.api_url).hostname),
                verify=endpoint.ssl_context() or _unused_context(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError, httpx2.InvalidURL):
            problem = True
        else:
            problem = False
        if problem:
            raise UsageError(
                "the proxy setting cannot be used",
                hint="check HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment (SOCKS needs "
                "the package socksio)",
            )

    async def __aenter__(self) -> Api:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.aclose()

    async def get_call(self, call_id: str) -> CallState:
        """`GET /calls/{id}`."""
        return CallState.from_json(await self._get(f"/calls/{call_id}"))

    async def get_conference(self, conference_id: str) -> ConferenceState:
        """`GET /conferences/{id}`."""
        return ConferenceState.from_json(await self._get(f"/conferences/{conference_id}"))

    async def get_state(self, target: Target) -> ResourceState | None:
        """The call or conference that a target names; None where it names neither."""
        if target.resource is None:
            return None
        kind, identifier = target.resource
        if kind is TargetKind.CALL:
            return await self.get_call(identifier)
        return await self.get_conference(identifier)

    async def list_calls(self, *, limit: int | None = None) -> AsyncIterator[CallState]:
        """The newest calls first, page after page, `limit` of them at most."""
        async for row in self._list("/calls", limit):
            yield CallState.from_json(row)

    async def list_conferences(self, *, limit: int | None = None) -> AsyncIterator[ConferenceState]:
        """As `list_calls`, of conferences."""
        async for row in self._list("/conferences", limit):
            yield ConferenceState.from_json(row)

    async def probe(self) -> Probe:
        """Ask the smallest question that takes a valid credential; being refused is an answer.

        Raises:
            ConnectionFailed: there was no answer at all.
        """
        started_s = time.monotonic()
        url = f"{self._endpoint.api_url}/calls"
        answer = await self._send("GET", url, query={"page_size": "1"})
        round_trip_s = time.monotonic() - started_s
        error = None
        if answer.status != 200:
            secrets = self._endpoint.secrets
            error = refusal(answer.status, answer.headers, answer.body, secrets=secrets)
        return Probe(error, round_trip_s, _unix_time(answer.headers.get("date")))

    async def login(self, username: str, password: str) -> str:
        """`POST /auth/login`, which is not under `/v1.0`; returns the token.

        Raises:
            Refused: username or password is wrong (the API says a bare 400).
        """
        parts = urlsplit(self._endpoint.api_url)
        url = urlunsplit((parts.scheme, parts.netloc, "/auth/login", "", ""))
        content = json.dumps({"username": username, "password": password})
        answer = await self._send("POST", url, content=content, credential=False)
        if answer.status in (400, 401):
            raise Refused(
                "the API does not know this username with this password",
                hint="check both; the account's administrator can reset the password",
                http_status=answer.status,
                finding=FindingId.AUTH,
            )
        if answer.status != 200:
            raise refusal(answer.status, answer.headers, answer.body, secrets=(password,))
        token = self._document(answer).get("token")
        if not isinstance(token, str) or not may_be_secret(token):
            raise self._nonsense("a login without a token that could be one")
        return token

    async def get_pcap(
        self,
        call_id: str,
        write: Callable[[bytes], object],
        *,
        limit_bytes: int = PCAP_LIMIT_BYTES,
    ) -> int:
        """`GET /timelines/calls/{id}/pcap`, given to `write` piece by piece; returns its size.

        Over `limit_bytes` that is a ConnectionFailed. What `write` raises comes through.
        """
        url = f"{self._endpoint.api_url}/timelines/calls/{call_id}/pcap"
        return (await self._checked("GET", url, sink=write, limit_bytes=limit_bytes)).size_bytes

    async def get_phone_leg(self, call_id: str) -> PhoneLeg | None:
        """`GET /timelines/calls/{id}/sip-analysis`: what it says of the phone's RTP.

        None where it says nothing, as it does until the BYE. It takes the rights of an admin or
        manager of the customer: without them it is Refused with 403.
        """
        url = f"{self._endpoint.api_url}/timelines/calls/{call_id}/sip-analysis"
        answer = await self._checked("GET", url, limit_bytes=ANALYSIS_LIMIT_BYTES)
        return PhoneLeg.from_json(self._document(answer))

    async def get_rtp_debug(self) -> bool | None:
        """`GET /customer`: whether RTP of the customer's calls is captured; None: it does not say.

        Older servers keep `metadata` to themselves. A single number may have it on nevertheless.
        """
        metadata = (await self._get("/customer")).get("metadata")
        told = metadata.get("rtp_debug") if isinstance(metadata, dict) else None
        return told if isinstance(told, bool) else None

    async def _list(self, path: str, limit: int | None) -> AsyncIterator[object]:
        token, given = "", 0
        for _ in range(_PAGES_LIMIT):
            query = {"page_size": str(min(limit or PAGE_SIZE, PAGE_SIZE))}
            page = await self._get(path, query | ({"page_token": token} if token else {}))
            rows, following = page.get("result"), page.get("next_page_token")
            for row in rows if isinstance(rows, list) else []:
                yield row
                given += 1
                if given == limit:
                    return
            # A server that gives the same page for ever must not be followed for ever.
            if not isinstance(following, str) or following in ("", token):
                return
            if not _is_unicode(following):
                raise self._nonsense("a page token that is no text")
            token = following

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return self._document(
            await self._checked("GET", self._endpoint.api_url + path, query=query)
        )

    async def _checked(self, method: str, url: str, **options: Any) -> _Answer:
        """`_send`, with every status but 200 raised."""
        answer = await self._send(method, url, **options)
        if answer.status != 200:
            secrets = self._endpoint.secrets
            raise refusal(answer.status, answer.headers, answer.body, secrets=secrets)
        return answer

    def _document(self, answer: _Answer) -> dict[str, Any]:
        try:
            document = read_json(answer.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            page = html_page(answer.headers, answer.body, *self._endpoint.secrets)
            raise self._nonsense(page or "no JSON object")
        return document

    def _nonsense(self, what: str) -> ConnectionFailed:
        return failed(f"{self._where} answered {what}", "check that --api-url is the API's")

    async def _send(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        content: str | None = None,
        credential: bool = True,
        sink: Callable[[bytes], object] | None = None,
        limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> _Answer:
        """One request. The body of a 200 goes to `sink` where there is one, else into the answer.

        What is kept in memory is bounded, and so is the time it takes; what `sink` raises is not
        caught.
        """
        body = bytearray()
        size = 0
        failure: VoipbinError
        try:
            request = self._request(method, url, query, content, credential)
            async with asyncio.timeout(None if sink else self._timeout_s):
                response = await self._client.send(request, stream=True)
                try:
                    is_wanted = response.status_code == 200
                    take = sink if sink is not None and is_wanted else body.extend
                    # Raw: a compressed answer, never asked for, could be any size unpacked.
                    async for chunk in response.aiter_raw():
                        size += len(chunk)
                        if size > (limit_bytes if is_wanted else BODY_LIMIT_BYTES):
                            break
                        take(chunk)
                    else:
                        return _Answer(response.status_code, response.headers, bytes(body), size)
                finally:
                    await response.aclose()
            failure = self._nonsense(f"more than {limit_bytes} bytes")
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as exc:
            failure = self._explain(exc)
        # Outside of the except clause: httpx2's exception holds the request, and it the secret.
        raise failure

    def _request(
        self,
        method: str,
        url: str,
        query: Mapping[str, str] | None,
        content: str | None,
        credential: bool,
    ) -> httpx2.Request:
        headers = {"Content-Type": "application/json"} if content is not None else {}
        fields = dict(query or {})
        if credential:
            headers |= self._endpoint.headers
            fields |= self._endpoint.query
        return self._client.build_request(
            method, url, params=fields or None, content=content, headers=headers
        )

    def _explain(self, exc: Exception) -> ConnectionFailed:
        if isinstance(exc, (httpx2.TimeoutException, TimeoutError)):
            return timed_out(self._where, self._timeout_s)
        if isinstance(exc, httpx2.ProxyError):
            return failed(
                "the proxy did not let the request through",
                "check HTTPS_PROXY, ALL_PROXY and NO_PROXY in the environment",
            )
        if isinstance(exc, (httpx2.RemoteProtocolError, httpx2.DecodingError)):
            return failed(
                f"{self._where} does not answer as an HTTP server must",
                "check the address (--api-url)",
            )
        return explain(exc, self._where)


def _is_unicode(text: str) -> bool:
    """JSON may hold half of a surrogate pair (RFC 8259 section 8.2), which no URL can."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _unix_time(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None


def ask_endpoint(
    endpoint: Endpoint, question: Callable[[Api], Awaitable[T]], *, timeout_s: float
) -> T:
    """Return what `question` finds out from the API at `endpoint`, in an event loop of its own."""

    async def asking() -> T:
        async with Api(endpoint, timeout=timeout_s) as api:
            return await question(api)

    return run(asking())
