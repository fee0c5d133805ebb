"""Where a credential comes from: the environment, profiles, the official client, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voipbin_cli.documents import is_text, of_shape
from voipbin_cli.errors import UsageError
from voipbin_cli.transport.credentials import Credential, CredentialKind, may_be_secret
from voipbin_cli.transport.profiles import ProfileStore

_FILE_LIMIT_BYTES = 1024 * 1024


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
        store = ProfileStore.of_user(environ)
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
    except Exception:  # of a tag with a wrong value the library raises what it likes
        # The parser's own words quote the file, and with it the key.
        problem = "is not YAML"
    if problem:
        raise UsageError(
            f"{path}: {problem}",
            hint="repair it, or set VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY, which come before it",
        )
    told = _mapping(document)
    current = told.get("current_profile", "default")
    chosen = _mapping(_mapping(told.get("profiles")).get(current) if is_text(current) else None)
    chosen = of_shape(chosen, {"access_key": is_text, "api_url": is_text})
    key, api_url = (chosen.get("access_key") or "").strip(), chosen.get("api_url") or None
    return Credential(CredentialKind.ACCESSKEY, key, str(path), api_url) if key else None


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _checked(credential: Credential) -> Credential:
    if not may_be_secret(credential.secret):
        raise UsageError(
            f"the credential of {credential.source} can be none: "
            "empty, too long, or not plain ASCII",
            hint="copy it again: letters, digits and . _ - only",
        )
    return credential
