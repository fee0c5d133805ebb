"""Every way in which a connection does not come to be, and that no secret gets out on the way."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.aio import run
from tests.support.certificates import Authority, Certificate
from tests.support.peer import NEVER_ANSWER, Answer, Fin, Peer, Send, envelope
from voipbin_cli.errors import ConnectionFailed, ExitStatus, Refused, UsageError, VoipbinError
from voipbin_cli.transport.connection import open_connection
from voipbin_cli.transport.endpoint import Endpoint

SECRET = "eyJhbGciOi.s3cr3t/payload+.sig"
CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
PATH = f"/v1.0/calls/{CALL}/media_stream?token=eyJhbGciOi.s3cr3t%2Fpayload%2B.sig"


def failure(url: str, *, timeout: float = 10.0, endpoint: Endpoint | None = None) -> VoipbinError:
    """The error of opening `url`, after a look for the secret in all that it carries."""

    async def main() -> None:
        context = endpoint.ssl_context(url) if endpoint else None
        connection = await open_connection(
            url,
            headers={"Authorization": f"Bearer {SECRET}"},
            ssl=context,
            connect_timeout=timeout,
        )
        await connection.close()

    with pytest.raises(VoipbinError) as caught:
        run(main())
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + repr(error) + repr(error.details)
    assert "s3cr3t" not in shown + error.message + error.hint
    assert error.__context__ is None
    assert error.__cause__ is None
    assert error.hint
    return error


# HTTP answers


@pytest.mark.parametrize(
    ("status", "exit_status", "finding"),
    [
        (400, ExitStatus.CONNECTION, "cannot-connect"),
        (401, ExitStatus.REFUSED, "auth"),
        (403, ExitStatus.REFUSED, "forbidden"),
        (404, ExitStatus.REFUSED, "not-found"),
        (409, ExitStatus.REFUSED, "call-not-progressing"),
        (429, ExitStatus.REFUSED, "rate-limited"),
        (500, ExitStatus.CONNECTION, "cannot-connect"),
        (503, ExitStatus.CONNECTION, "cannot-connect"),
    ],
)
def test_a_refusal_keeps_what_the_server_said(
    status: int, exit_status: ExitStatus, finding: str
) -> None:
    answer = envelope(status, "SOME_REASON", "words of the server", "req-4711")
    with Peer(upgrade=answer) as peer:
        error = failure(peer.url(PATH))
    assert error.status is exit_status
    assert error.details.pop("cause")
    assert error.details == {
        "http_status": status,
        "reason": "SOME_REASON",
        "request_id": "req-4711",
        "finding": finding,
    }
    assert error.message == (
        f"the server answered HTTP {status} SOME_REASON: words of the server (request req-4711)"
    )


def test_retry_after_is_kept_and_told() -> None:
    with Peer(upgrade=envelope(429, "RATE_LIMIT_EXCEEDED", "slow", "r", Retry_After="7")) as peer:
        error = failure(peer.url(PATH))
    assert error.details["retry_after"] == 7.0
    assert error.hint == "try again in 7 s"


@pytest.mark.parametrize("status", [401, 404, 502])
def test_a_status_without_a_body_is_enough(status: int) -> None:
    with Peer(upgrade=Answer(status)) as peer:
        error = failure(peer.url(PATH))
    assert error.details["http_status"] == status
    assert "reason" not in error.details


def test_a_status_whose_body_never_ends_is_still_told() -> None:
    raw = b"HTTP/1.1 403 Forbidden\r\n\r\n{"
    with Peer(upgrade=Answer(raw=raw, hold=True)) as peer:
        error = failure(peer.url(PATH), timeout=0.3)
    assert isinstance(error, Refused)
    assert error.details["http_status"] == 403


def test_an_answer_in_http_1_0_is_understood() -> None:
    with Peer(upgrade=Answer(raw=b"HTTP/1.0 404 Not Found\r\n\r\n")) as peer:
        assert failure(peer.url(PATH)).details["http_status"] == 404


def test_a_server_that_repeats_the_credential_does_not_get_it_printed() -> None:
    answer = envelope(401, "INVALID_CREDENTIALS", f"{SECRET} is wrong: token={SECRET}", SECRET)
    with Peer(upgrade=answer) as peer:
        error = failure(peer.url(PATH))
    assert error.message.startswith("the server answered HTTP 401 INVALID_CREDENTIALS: *** is")


def test_terminal_sequences_in_an_envelope_are_escaped() -> None:
    with Peer(upgrade=envelope(403, "\x1b[2J", "a\nb\u202e" + "x" * 9999, "r\x07")) as peer:
        error = failure(peer.url(PATH))
    assert error.message.isprintable()
    assert len(error.message) < 1000


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff\xfe", b"null", b'{"error": []}', b"<htm"])
def test_a_body_that_is_no_envelope_does_no_harm(body: bytes) -> None:
    with Peer(upgrade=Answer(404, {"Content-Type": "application/json"}, body)) as peer:
        error = failure(peer.url(PATH))
    assert error.details.pop("cause")
    assert error.details == {"http_status": 404, "finding": "not-found"}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_nothing_follows_it(status: int) -> None:
    with Peer([Send(b"x")]) as other:
        location = other.url("/taken?token=" + SECRET)
        with Peer(upgrade=Answer(status, {"Location": location})) as peer:
            error = failure(peer.url(PATH))
        assert other.connections == 0
    assert isinstance(error, ConnectionFailed)
    assert f"redirects (HTTP {status}) to ws://127.0.0.1:{other.port}/taken" in error.message


def test_a_redirect_on_the_same_server_is_refused_too() -> None:
    with Peer(upgrade=Answer(307, {"Location": "/elsewhere"})) as peer:
        failure(peer.url(PATH))
        assert len(peer.requests) == 1


# Servers that are none


@pytest.mark.parametrize(
    ("upgrade", "message"),
    [
        (Answer(200, body=b"<html>hello</html>"), "answered HTTP 200 OK"),
        (
            Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n", hold=True),
            "does not speak HTTP: it sent “SSH-2.0",
        ),
        (Answer(raw=b"\x00\x01\x02\xff" * 9000), "does not speak HTTP"),
        (
            Answer(raw=b"HTTP/1.1 101 Switching Protocols\r\n\r\n"),
            "(Connection is missing or wrong)",
        ),
        (
            Answer(
                101,
                {
                    "Upgrade": "websocket",
                    "Connection": "Upgrade",
                    "Sec-WebSocket-Accept": "d2hhdGV2ZXI=",
                },
            ),
            "(Sec-WebSocket-Accept is missing or wrong)",
        ),
        (
            Answer(raw=b"HTTP/1.1 101 X\r\n" + b"A: b\r\n" * 5000 + b"\r\n"),
            "(the answer is malformed or too large)",
        ),
        (Answer(raw=b"HTTP/1.1 101 X\r\nUpgrade:", hold=True), "(the answer never ended)"),
    ],
)
def test_a_server_that_is_no_websocket_server_is_named_so(upgrade: Answer, message: str) -> None:
    with Peer(upgrade=upgrade) as peer:
        error = failure(peer.url(PATH), timeout=0.5)
    assert isinstance(error, ConnectionFailed)
    assert message in error.message


def test_an_extension_that_was_not_offered_is_refused() -> None:
    peer = Peer(extra_headers={"Sec-WebSocket-Extensions": "permessage-deflate"})
    with peer:
        error = failure(peer.url(PATH))
        assert "sec-websocket-extensions" not in peer.requests[0].headers
    assert "an extension or subprotocol that was not asked for" in error.message


def test_a_server_that_hangs_up_at_once() -> None:
    with Peer(close_on_accept=True) as peer:
        error = failure(peer.url(PATH))
    assert "closed the connection without an answer" in error.message or "cut" in error.hint


def test_a_server_that_takes_the_connection_and_says_nothing() -> None:
    with Peer(upgrade=NEVER_ANSWER) as peer:
        error = failure(peer.url(PATH), timeout=0.2)
    assert "took the connection but did not answer within 0.2 s" in error.message
    assert "--connect-timeout" in error.hint


# The way there


def test_a_port_where_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        assert (
            failure(f"ws://{host}:{port}{PATH}").message == f"{host}:{port} refused the connection"
        )


def test_a_name_that_does_not_exist() -> None:
    error = failure(f"ws://no-such-host.invalid{PATH}")
    assert error.message in (
        "no such host: no-such-host.invalid",
        "the name no-such-host.invalid could not be looked up",
    )


def test_no_answer_at_all_is_a_timeout() -> None:
    # A listener whose queue is full drops further SYNs (Linux).
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        error = failure(f"ws://127.0.0.1:{address[1]}{PATH}", timeout=0.3)
        for sock in waiting:
            sock.close()
    assert "within 0.3 s" in error.message


@pytest.mark.parametrize("url", ["ws://", "ws://:80/", "ws://host:99999/", "ws://a..b/"])
def test_a_url_without_a_host_is_wrong_usage(url: str) -> None:
    assert isinstance(failure(url), UsageError)


def test_a_cancelled_connection_leaves_no_socket_open() -> None:
    async def main(url: str) -> None:
        opening = asyncio.ensure_future(open_connection(url))
        await asyncio.to_thread(peer.wait_for, lambda p: p.requests)
        opening.cancel()
        await asyncio.wait([opening])
        await asyncio.to_thread(peer.wait_for, lambda p: p.gone == 1)

    with Peer(upgrade=NEVER_ANSWER) as peer:
        run(main(peer.url(PATH)))


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue("good")


def trusting(ca: Path | None, *, insecure: bool = False) -> Endpoint:
    return Endpoint("https://localhost/v1.0", ca_file=ca, insecure=insecure)


@pytest.fixture
def tls_peer(good: Certificate) -> Iterator[Peer]:
    with Peer([Send(b"secret audio"), Fin()], tls=good.server_context) as peer:
        yield peer


def hear(peer: Peer, endpoint: Endpoint) -> list[bytes | str]:
    async def main() -> list[bytes | str]:
        url = peer.url(PATH, host="localhost")
        async with await open_connection(url, ssl=endpoint.ssl_context(url)) as connection:
            return [message.data for message in await connection.receive()]

    return run(main())


def test_a_ca_file_makes_its_certificates_trusted(tls_peer: Peer, authority: Authority) -> None:
    assert hear(tls_peer, trusting(authority.ca.cert)) == [b"secret audio"]


def test_the_systems_trust_store_is_what_counts_without_a_ca_file(
    tls_peer: Peer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "authority that this machine does not know" in tls_failure(tls_peer, trusting(None))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca.cert))
    assert hear(tls_peer, trusting(None)) == [b"secret audio"]


def test_an_authority_without_a_key_usage_is_trusted_on_every_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, has_no_key_usage=True)
    with Peer([Send(b"x"), Fin()], tls=authority.issue("server").server_context) as peer:
        assert hear(peer, trusting(authority.ca.cert)) == [b"x"]
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca.cert))
        assert hear(peer, trusting(None)) == [b"x"]


def test_a_certificate_whose_key_must_not_sign_makes_nothing_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.ca = authority.self_signed("ca", "CA:TRUE", "keyUsage=critical,digitalSignature")
    with Peer([Send(b"x"), Fin()], tls=authority.issue("server").server_context) as peer:
        assert "TLS: the certificate of" in tls_failure(peer, trusting(authority.ca.cert))


def test_a_servers_own_certificate_can_be_trusted_without_its_authority(
    tls_peer: Peer, good: Certificate
) -> None:
    assert hear(tls_peer, trusting(good.cert)) == [b"secret audio"]


def test_insecure_connects_to_any_certificate(authority: Authority) -> None:
    certificate = authority.issue("insecure", names="DNS:other.invalid", expired=True)
    with Peer([Send(b"x"), Fin()], tls=certificate.server_context) as peer:
        assert hear(peer, trusting(None, insecure=True)) == [b"x"]


def tls_failure(peer: Peer, endpoint: Endpoint) -> str:
    error = failure(peer.url(PATH, host="localhost"), endpoint=endpoint)
    assert isinstance(error, ConnectionFailed)
    assert error.details["finding"] == "tls"
    return f"{error.message}; {error.hint}"


def test_an_expired_certificate(authority: Authority) -> None:
    certificate = authority.issue("expired", expired=True)
    with Peer(tls=certificate.server_context) as peer:
        said = tls_failure(peer, trusting(authority.ca.cert))
    assert "has expired" in said
    assert "clock" in said
    assert "--insecure" in said


def test_a_self_signed_certificate(authority: Authority) -> None:
    certificate = authority.self_signed("alone")
    with Peer(tls=certificate.server_context) as peer:
        said = tls_failure(peer, trusting(authority.ca.cert))
        assert "is self-signed" in said
        assert "--ca-file" in said
        assert "--insecure" in said
    with Peer([Send(b"x"), Fin()], tls=certificate.server_context) as peer:
        assert hear(peer, trusting(certificate.cert)) == [b"x"]


def test_a_certificate_for_another_name(authority: Authority) -> None:
    certificate = authority.issue("other", names="DNS:other.invalid")
    with Peer(tls=certificate.server_context) as peer:
        said = tls_failure(peer, trusting(authority.ca.cert))
        assert "is for another name; check the host name in the address" in said
        url = peer.url(PATH)  # by address
        error = failure(url, endpoint=trusting(authority.ca.cert))
        assert "is for another name" in error.message


def test_tls_towards_a_server_without_it() -> None:
    with Peer(greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as peer:
        error = failure(f"wss://127.0.0.1:{peer.port}{PATH}", endpoint=trusting(None))
    assert error.message == f"TLS: 127.0.0.1:{peer.port} does not speak TLS"
    assert "ws://" in error.hint


def test_no_tls_towards_a_server_that_wants_it(tls_peer: Peer) -> None:
    error = failure(tls_peer.url(PATH).replace("wss://", "ws://"))
    assert "wss://" in error.hint or "something else" in error.hint


# Proxies


@pytest.mark.parametrize(
    ("variable", "scheme"), [("HTTP_PROXY", "http://"), ("ALL_PROXY", "http://"), ("ALL_PROXY", "")]
)
def test_the_environments_proxy_is_used_but_not_towards_this_machine(
    variable: str, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Peer(routes={("CONNECT", "far.invalid:80"): Answer(407)}) as proxy, Peer([Fin()]) as near:
        monkeypatch.setenv(variable, f"{scheme}user:pr0xypass@127.0.0.1:{proxy.port}")
        error = failure(f"ws://far.invalid{PATH}")
        assert error.message == "the proxy answered HTTP 407"
        assert "s3cr3t" not in repr(proxy.requests)
        before = proxy.connections

        async def main() -> None:
            await (await open_connection(near.url(PATH))).close()

        run(main())
        assert (proxy.connections, near.upgrades) == (before, 1)


@pytest.mark.parametrize("proxy", ["gopher://user:pr0xypass@h", "http://user:pr0xypass@h/path"])
def test_a_proxy_setting_that_is_none_is_named_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    error = failure(f"ws://far.invalid{PATH}")
    assert isinstance(error, UsageError)
    assert "pr0xypass" not in error.message + error.hint


# Logging


def test_the_log_at_its_most_verbose_holds_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("websockets", "websockets.client", "asyncio"):
        caplog.set_level(logging.DEBUG, logger=name)

    async def main(url: str) -> None:
        headers = {"Authorization": f"Bearer {SECRET}"}
        async with await open_connection(url, headers=headers) as connection:
            await connection.receive()

    with Peer([Send(b"x"), Fin()]) as peer:
        run(main(peer.url(PATH)))
        assert peer.requests[0].headers["authorization"] == f"Bearer {SECRET}"
        assert "s3cr3t" in peer.requests[0].target
    assert "s3cr3t" not in caplog.text


def test_the_request_asks_for_the_path_and_query_as_they_stand() -> None:
    with Peer([Fin()]) as peer:

        async def main() -> None:
            await (await open_connection(peer.url(PATH))).close()

        run(main())
        assert peer.requests[0].target == PATH
        assert peer.requests[0].headers["user-agent"].startswith("voipbin/")
