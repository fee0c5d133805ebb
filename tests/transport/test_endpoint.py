"""URLs, the credential's place in them, and TLS options."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.transport.credentials import Auth, Credential, CredentialKind
from voipbin_cli.transport.endpoint import (
    DEFAULT_API_URL,
    Endpoint,
    find_endpoint,
    stream_encapsulation,
)
from voipbin_cli.transport.profiles import Profile, ProfileStore
from voipbin_cli.transport.targets import parse_target

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
TOKEN = Credential(CredentialKind.TOKEN, "t0p/s+cret", "test")
KEY = Credential(CredentialKind.ACCESSKEY, "k3y", "test")


def test_a_calls_stream_is_where_the_contract_says() -> None:
    url = Endpoint(credential=TOKEN).stream_url(parse_target(CALL), Encapsulation.SLN)
    assert url == (
        f"wss://api.voipbin.net/v1.0/calls/{CALL}/media_stream"
        "?encapsulation=sln&token=t0p%2Fs%2Bcret"
    )


def test_a_conferences_stream_on_a_plain_api_with_an_access_key() -> None:
    endpoint = Endpoint("http://127.0.0.1:8000/v1.0/", KEY)
    target = parse_target(f"conference/{CALL}")
    assert endpoint.stream_url(target, Encapsulation.AUDIOSOCKET) == (
        f"ws://127.0.0.1:8000/v1.0/conferences/{CALL}/media_stream"
        "?encapsulation=audiosocket&accesskey=k3y"
    )


@pytest.mark.parametrize(
    ("credential", "headers"),
    [
        (TOKEN, {"Authorization": "Bearer t0p/s+cret"}),
        (KEY, {"Cookie": "accesskey=k3y"}),
        (None, {}),
    ],
)
def test_in_a_header_the_credential_is_not_in_the_query(
    credential: Credential | None, headers: dict[str, str]
) -> None:
    endpoint = Endpoint(credential=credential, auth=Auth.HEADER)
    target = parse_target(CALL)
    assert endpoint.stream_headers(target) == headers
    query = urlsplit(endpoint.stream_url(target, Encapsulation.RTP)).query
    assert parse_qs(query) == {"encapsulation": ["rtp"]}


def test_a_url_target_stays_as_it_stands_and_gets_no_credential_of_ours() -> None:
    for auth in Auth:
        endpoint = Endpoint(credential=TOKEN, auth=auth)
        for url in ("ws://h/x", "wss://h:1/x?a=b%20c&token=theirs&encapsulation=rtp#f"):
            target = parse_target(url)
            assert endpoint.stream_url(target, Encapsulation.RTP) == url
            assert endpoint.stream_headers(target) == {}


def test_an_encapsulation_in_the_url_counts_unless_another_is_asked_for() -> None:
    target = parse_target("ws://h/x?encapsulation=sln&token=theirs")
    assert stream_encapsulation(target, None) is Encapsulation.SLN
    asked = stream_encapsulation(target, Encapsulation.AUDIOSOCKET)
    assert asked is Encapsulation.AUDIOSOCKET
    url = Endpoint().stream_url(target, asked)
    assert url == "ws://h/x?encapsulation=audiosocket&token=theirs"


@pytest.mark.parametrize("text", [CALL, f"conference/{CALL}", "sim", "ws://h/x"])
def test_rtp_is_what_is_spoken_where_nobody_says(text: str) -> None:
    assert stream_encapsulation(parse_target(text), None) is Encapsulation.RTP


def test_an_encapsulation_that_does_not_exist_is_told_before_it_stays_mute() -> None:
    with pytest.raises(UsageError, match="'opus', which does not exist"):
        stream_encapsulation(parse_target("ws://h/x?encapsulation=opus"), None)


def test_the_simulator_has_no_url_before_it_runs() -> None:
    with pytest.raises(UsageError):
        Endpoint().stream_url(parse_target("sim"), Encapsulation.RTP)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.voipbin.net",
        "ws://h/v1.0",
        "https:///v1.0",
        "https://h:port/",
        "https://user:t0psecret@h/v1.0",
        "https://h/v1.0?token=t0psecret",
    ],
)
def test_an_address_that_is_no_apis_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint(url)
    assert "t0psecret" not in caught.value.message
    assert caught.value.hint


def test_the_address_comes_from_option_environment_profile_then_default(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path / "config", None)
    store.save(Profile("p", CredentialKind.TOKEN, "stored", "https://profile.example/v1.0"))
    environ = {"VOIPBIN_API_URL": "https://environment.example/v1.0"}
    option = "https://option.example/v1.0/"

    def address(environ: dict[str, str], **options: str) -> str:
        return find_endpoint(environ, store=store, home=tmp_path, **options).api_url  # type: ignore[arg-type]

    assert address(environ, api_url=option) == "https://option.example/v1.0"
    assert address(environ) == "https://environment.example/v1.0"
    assert address({}) == "https://profile.example/v1.0"
    store.delete()
    assert address({}) == DEFAULT_API_URL


def test_the_api_behind_a_stream_url_is_asked_with_the_urls_own_credential() -> None:
    ours = Endpoint(credential=TOKEN, auth=Auth.HEADER)
    target = parse_target(f"wss://u:p@h:9/base/v1.0/calls/{CALL}/media_stream?accesskey=theirs")
    endpoint = ours.rest_of(target)
    assert endpoint is not None
    assert endpoint.api_url == "https://h:9/base/v1.0"
    assert endpoint.query == {"accesskey": "theirs"}
    assert ours.rest_of(parse_target(CALL)) is ours
    assert ours.rest_of(parse_target("ws://h/echo")) is None


def test_what_must_be_known_before_anything_is_sent() -> None:
    call = parse_target(CALL)
    assert Endpoint(credential=TOKEN).warnings(call) == ()
    assert "not checked" in Endpoint(credential=TOKEN, insecure=True).warnings(call)[0]
    plain = Endpoint("http://far.example/v1.0", TOKEN, insecure=True)
    assert plain.warnings(call) == ("the credential travels unencrypted to far.example",)
    assert Endpoint("http://127.0.0.1/v1.0", TOKEN).warnings(call) == ()
    assert Endpoint("http://far.example/v1.0").warnings(call) == ()
    # Ours does not go to a URL target; what counts is what the URL brings.
    assert plain.warnings(parse_target("ws://other.example/x")) == ()
    assert plain.warnings(parse_target("ws://other.example/x?token=abcd")) == (
        "the credential travels unencrypted to other.example",
    )


def test_an_endpoint_shows_no_secret() -> None:
    assert "t0p" not in repr(Endpoint(credential=TOKEN))


def test_no_tls_needs_no_context(tmp_path: Path) -> None:
    assert Endpoint("http://h/v1.0").ssl_context() is None
    assert Endpoint().ssl_context("ws://h/") is None
    assert Endpoint("http://h/v1.0").ssl_context("wss://h/") is not None


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_ca_file_without_a_certificate_is_wrong_usage(
    content: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="--ca-file"):
        Endpoint(ca_file=path).ssl_context()


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_a_trust_store_of_the_environment_without_a_certificate_is_wrong_usage(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        Endpoint().ssl_context()
