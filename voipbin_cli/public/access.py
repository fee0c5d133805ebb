"""Which API is asked, with which credential, and what cannot work from the start."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from voipbin_cli.environment import user_environment
from voipbin_cli.errors import Refused
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import span_text
from voipbin_cli.transport.credentials import Auth, Credential
from voipbin_cli.transport.endpoint import Endpoint, find_endpoint
from voipbin_cli.transport.targets import Target, TargetKind

HOW_TO_LOG_IN = "voipbin login, or set VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY"


class Access(Protocol):
    """Which API, and how to prove who is asking."""

    @property
    def api_url(self) -> str | None:
        """The API's address; None for that of the environment or the profile."""

    @property
    def profile(self) -> str | None:
        """A profile of `voipbin login`."""

    @property
    def auth(self) -> Auth:
        """How the credential travels."""

    @property
    def ca_file(self) -> str | None:
        """Certificates to trust in place of the system's."""

    @property
    def insecure(self) -> bool:
        """Whether to leave the certificate unchecked."""

    @property
    def connect_timeout(self) -> float:
        """Seconds that an attempt to connect may take."""


def api_endpoint(access: Access, environ: Mapping[str, str] | None = None) -> Endpoint:
    """Return the endpoint that `access`, environment and profiles name.

    `environ` is the user's environment, unless another is given.
    """
    return find_endpoint(
        user_environment() if environ is None else environ,
        api_url=access.api_url,
        profile=access.profile,
        auth=access.auth,
        ca_file=Path(access.ca_file) if access.ca_file else None,
        insecure=access.insecure,
    )


def refuse_expired(credential: Credential | None, now_s: float) -> None:
    """Raise Refused for a token that is past its own `exp`: the API would say no more than 401."""
    if credential is None or credential.expires_at is None or credential.expires_at > now_s:
        return
    ago = span_text(now_s - credential.expires_at)
    raise Refused(
        f"the token (from {credential.source}) expired {ago} ago",
        hint=f"get a new one: {HOW_TO_LOG_IN}; if it should be good, check this machine's clock",
        finding=FindingId.AUTH,
    )


def require_credential(endpoint: Endpoint) -> None:
    """Raise Refused when there is nothing to show to the API, or only what has expired."""
    if endpoint.credential is None:
        raise Refused("no credential was found", hint=HOW_TO_LOG_IN, finding=FindingId.AUTH)
    refuse_expired(endpoint.credential, time.time())


def check_credential(endpoint: Endpoint, target: Target) -> None:
    """`require_credential` for a target; a URL may do without one, but not with an expired one."""
    if target.kind is not TargetKind.URL:
        require_credential(endpoint)
    elif own := endpoint.rest_of(target):
        refuse_expired(own.credential, time.time())
