"""Credentials stay what they are: secret, and good until they say."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.transport.credentials import Credential, CredentialKind, expires_at


def jwt(claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'HS256'})}.{part(claims)}.c2lnbmF0dXJl"


def test_a_credential_shows_where_it_is_from_and_nothing_else() -> None:
    credential = Credential(CredentialKind.TOKEN, "t0psecret", "VOIPBIN_TOKEN")
    for shown in (repr(credential), str(credential), f"{credential}", repr([credential])):
        assert "t0psecret" not in shown
        assert "VOIPBIN_TOKEN" in shown


def test_the_expiry_of_a_token_is_read_without_its_signature() -> None:
    token = jwt({"exp": 1_800_000_000, "id": "x"})
    assert Credential(CredentialKind.TOKEN, token, "").expires_at == 1_800_000_000.0
    assert Credential(CredentialKind.ACCESSKEY, token, "").expires_at is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c.d",
        "a.é.c",
        "a.%%%%.c",
        jwt([]),
        jwt({}),
        jwt({"exp": "soon"}),
        jwt({"exp": True}),
        jwt({"exp": None}),
        jwt({"exp": 10**400}),
        jwt({"exp": float("inf")}),
    ],
)
def test_a_token_without_a_readable_expiry_has_none(token: str) -> None:
    assert expires_at(token) is None


@given(st.text())
def test_no_token_raises(token: str) -> None:
    expires_at(token)
    expires_at(f"a.{token}.c")
