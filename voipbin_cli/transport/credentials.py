"""What a credential is, what may be said about it, and when it expires."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from enum import StrEnum

from voipbin_cli.documents import is_number, json_object
from voipbin_cli.environment import note_secret

_TOKEN_LIMIT = 16 * 1024


class CredentialKind(StrEnum):
    """The name under which the API takes a credential; the wrong one is a 401."""

    TOKEN = "token"
    ACCESSKEY = "accesskey"


class Auth(StrEnum):
    """How the credential travels. The API documents the query; a header stays out of logs."""

    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A secret with what may be said about it; its repr and str never show the secret."""

    kind: CredentialKind
    secret: str
    source: str
    api_url: str | None = None

    def __post_init__(self) -> None:
        note_secret(self.secret)

    def __repr__(self) -> str:
        return f"Credential({self.kind}, from {self.source})"

    @property
    def expires_at(self) -> float | None:
        """Seconds since 1970 at which a token expires by its own word; None where it has none."""
        return expires_at(self.secret) if self.kind is CredentialKind.TOKEN else None


def may_be_secret(text: str) -> bool:
    """Printable ASCII and not over 16 KiB: a line break would add a header of its own."""
    return 0 < len(text) <= _TOKEN_LIMIT and text.isascii() and text.isprintable()


def expires_at(token: str) -> float | None:
    """`exp` of a JWT (RFC 7519 section 4.1.4), its signature unverified; None when unreadable."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _TOKEN_LIMIT:
        return None
    try:
        claims = json_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    value = claims.get("exp")
    return float(value) if is_number(value) else None
