"""Credentials: where they come from, in the order that the contract names."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voipbin_cli.environment import note_secret
from voipbin_cli.errors import UsageError

if TYPE_CHECKING:
    from voipbin_cli.transport.profiles import ProfileStore

_FILE_LIMIT_BYTES = 1024 * 1024
_TOKEN_LIMIT = 16 * 1024


class CredentialKind(StrEnum):
    """The name under which the API takes a credential; the wrong one is a 401."""

    TOKEN = "token"
    ACCESSKEY = "accesskey"


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
        claims: Any = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        value = claims["exp"] if isinstance(claims, dict) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return None
        seconds = float(value)
    except (ValueError, KeyError, OverflowError, RecursionError):
        return None
    return seconds if math.isfinite(seconds) else None


def find_credential(
    environ: Mapping[str, str],
    profile: str | None = None,
    *,
    store: ProfileStore | None = None,
    home: Path | None = None,
) -> Credential | None:
    """The first of: VOIPBIN_TOKEN, VOIPBIN_ACCESSKEY, the profile, VN_ACCESS_KEY, ~/.vn.

    `profile` (else VOIPBIN_PROFILE, else the store's current one) chooses among what
    `voipbin login` kept.

    Raises:
        UsageError: the profile asked for does not exist, or a secret cannot be one.
    """
    for variable, kind in (
        ("VOIPBIN_TOKEN", CredentialKind.TOKEN),
        ("VOIPBIN_ACCESSKEY", CredentialKind.ACCESSKEY),
    ):
        if secret := environ.get(variable, "").strip():
            return _checked(Credential(kind, secret, variable))
    if stored := _from_store(environ, profile, store):
        return _checked(stored)
    if secret := environ.get("VN_ACCESS_KEY", "").strip():
        return _checked(Credential(CredentialKind.ACCESSKEY, secret, "VN_ACCESS_KEY"))
    official = _official_client((home or Path.home()) / ".vn" / "config.yaml")
    return _checked(official) if official else None


def _from_store(
    environ: Mapping[str, str], name: str | None, store: ProfileStore | None
) -> Credential | None:
    name = name or environ.get("VOIPBIN_PROFILE") or None
    if store is None:
        from voipbin_cli.transport.profiles import ProfileStore as Store

        store = Store.of_user(environ)
    profile = store.load(name)
    if profile is None:
        if name is not None:
            raise UsageError(
                f"there is no profile {name!r}", hint=f"`voipbin login --profile {name}` makes it"
            )
        return None
    source = f"profile {profile.name}"
    return Credential(profile.kind, profile.secret, source, profile.api_url)


def _official_client(path: Path) -> Credential | None:
    """The official client's current profile: `profiles.NAME.access_key` and `.api_url`."""
    import yaml

    problem = ""
    document: Any = None
    try:
        with path.open("rb") as file:
            document = yaml.safe_load(file.read(_FILE_LIMIT_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        problem = exc.strerror or "cannot be read"
    except (yaml.YAMLError, ValueError, RecursionError):
        # The parser's own words quote the file, and with it the key.
        problem = "is not YAML"
    if problem:
        raise UsageError(
            f"{path}: {problem}",
            hint="repair it, or set VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY, which come before it",
        )
    profiles = document.get("profiles") if isinstance(document, dict) else None
    current = document.get("current_profile", "default") if isinstance(document, dict) else None
    chosen = profiles.get(current) if isinstance(profiles, dict) else None
    if not isinstance(chosen, dict) or not isinstance(chosen.get("access_key"), str):
        return None
    key, api_url = chosen["access_key"].strip(), chosen.get("api_url")
    where = api_url if isinstance(api_url, str) and api_url else None
    return Credential(CredentialKind.ACCESSKEY, key, str(path), where) if key else None


def _checked(credential: Credential) -> Credential:
    if not may_be_secret(credential.secret):
        raise UsageError(
            f"the credential of {credential.source} can be none: "
            "empty, too long, or not plain ASCII",
            hint="copy it again: letters, digits and . _ - only",
        )
    return credential
