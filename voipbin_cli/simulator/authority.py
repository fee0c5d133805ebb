"""Who may do what: tokens that expire, access keys, and the 401 for mixing the two up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import NamedTuple

from voipbin_cli.simulator.http import Request
from voipbin_cli.simulator.scenario import Refusal

USERNAME = "simulator@example.com"
PASSWORD = "simulator"

_MISSING = Refusal(401, "AUTHENTICATION_REQUIRED", "Authentication is required.")
_INVALID = Refusal(401, "INVALID_CREDENTIALS", "The provided credentials are not valid.")


class Grant(NamedTuple):
    """What a credential is good for; `expires_s` is Unix time, None for access keys."""

    expires_s: float | None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authority:
    """Issues JWTs (HS256, RFC 7519) and one access key, and checks what a request brings."""

    def __init__(self, life_s: float) -> None:
        self.life_s = life_s
        self.access_key = secrets.token_urlsafe(24)
        self._secret = secrets.token_bytes(32)

    def _signature(self, signed: str) -> str:
        return _encode(hmac.new(self._secret, signed.encode("ascii"), hashlib.sha256).digest())

    def issue(self, now_s: float) -> str:
        """Return a token that is good until `now_s` + `life_s`."""
        header = _encode(b'{"alg":"HS256","typ":"JWT"}')
        claims = json.dumps({"iss": "simulator", "exp": int(now_s + self.life_s)})
        signed = f"{header}.{_encode(claims.encode())}"
        return f"{signed}.{self._signature(signed)}"

    def _check_token(self, token: str, now_s: float) -> Grant | Refusal:
        signed, _, signature = token.rpartition(".")
        try:
            if not hmac.compare_digest(self._signature(signed), signature):
                return _INVALID
            expires_s = float(json.loads(_decode(signed.partition(".")[2]))["exp"])
        except (ValueError, KeyError, TypeError):
            return _INVALID
        return Grant(expires_s) if now_s < expires_s else _INVALID

    def check(self, request: Request, now_s: float) -> Grant | Refusal:
        """A cookie wins over the query, the query over the header; a token over an access key."""
        cookies, query = request.cookies, request.query
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        token = cookies.get("token") or query.get("token")
        token = token or (bearer.strip() if scheme.lower() == "bearer" else "")
        if token:
            return self._check_token(token, now_s)
        key = cookies.get("accesskey") or query.get("accesskey")
        if not key:
            return _MISSING
        is_ours = hmac.compare_digest(key.encode(), self.access_key.encode())
        return Grant(None) if is_ours else _INVALID
