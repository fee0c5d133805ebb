"""What `login` and `logout` do: take a secret without showing it, try it, keep it, forget it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from voipbin_cli.commands.api import ask_endpoint, refuse_expired
from voipbin_cli.commands.options import ApiOptions
from voipbin_cli.commands.prompts import ask_secret, ask_text, is_interactive, pick, read_secret
from voipbin_cli.environment import note_secret, user_environment
from voipbin_cli.errors import UsageError
from voipbin_cli.render.problems import say
from voipbin_cli.render.times import utc_text
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.credentials import Credential, CredentialKind, may_be_secret
from voipbin_cli.transport.endpoint import DEFAULT_API_URL, Auth, Endpoint
from voipbin_cli.transport.profiles import DEFAULT_PROFILE, Profile, ProfileStore

OVERRIDES = ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY")


class Way(StrEnum):
    """What a login starts from."""

    TOKEN = "a token"
    ACCESSKEY = "an access key"
    PASSWORD = "user name and password"


_QUESTIONS = {Way.TOKEN: "Token", Way.ACCESSKEY: "Access key", Way.PASSWORD: "Password"}


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in; `username` belongs to a password."""

    way: Way
    username: str | None = None
    from_stdin: bool = False


def login_of(
    *, token_stdin: bool, accesskey_stdin: bool, username: str | None, password_stdin: bool
) -> Login | None:
    """Return what the flags ask for; None when they leave it open.

    Raises:
        UsageError: flags that do not go together.
    """
    if token_stdin + accesskey_stdin + (password_stdin or username is not None) > 1:
        raise UsageError("several ways to log in at once", hint="choose one of them")
    if token_stdin or accesskey_stdin:
        return Login(Way.TOKEN if token_stdin else Way.ACCESSKEY, from_stdin=True)
    if username is not None:
        return Login(Way.PASSWORD, username, password_stdin)
    if password_stdin:
        raise UsageError("whose password is it?", hint="give --username too")
    return None


def log_in(api: ApiOptions, login: Login | None) -> None:
    """Take a credential, try it, store it. A bad one raises before anything is stored."""
    store = ProfileStore.of_user(user_environment())
    name = api.profile or DEFAULT_PROFILE
    endpoint = _endpoint(api, store.address(name))
    for warning in endpoint.warnings():
        say(f"warning: {warning}")
    login = login or _interview(endpoint)
    credential = _credential(login, _secret(login), endpoint, api.connect_timeout)
    refuse_expired(credential, time.time())
    ask_endpoint(replace(endpoint, credential=credential), _try_out, timeout_s=api.connect_timeout)
    profile = Profile(name, credential.kind, credential.secret, endpoint.api_url, login.username)
    _report(profile, credential, store.with_keyring().save(profile))


def log_out(name: str | None) -> None:
    """Forget a profile, the current one unless it is named."""
    store = ProfileStore.of_user(user_environment())
    forgotten = store.delete(name)
    if forgotten is None and name is not None:
        kept = ", ".join(store.names) or "none at all"
        raise UsageError(f"there is no profile {name!r}", hint=f"there is: {kept}")
    say(f"profile {forgotten} is forgotten" if forgotten else "no profile is stored")
    _warn_of_overrides()


def _endpoint(api: ApiOptions, kept: str | None) -> Endpoint:
    """The address to log in to; whatever credential is lying about has no part in this."""
    return Endpoint(
        api.api_url or kept or DEFAULT_API_URL,
        None,
        Auth(api.auth),
        Path(api.ca_file) if api.ca_file else None,
        api.insecure,
    )


def _interview(endpoint: Endpoint) -> Login:
    if not is_interactive():
        raise UsageError(
            "there is no terminal to ask on",
            hint="use --token-stdin, --accesskey-stdin, or --username with --password-stdin",
        )
    say(f"logging in to {endpoint.api_url} with")
    way = list(Way)[pick("Which", list(Way))]
    return Login(way, ask_text("User name") if way is Way.PASSWORD else None)


def _secret(login: Login) -> str:
    secret = read_secret() if login.from_stdin else ask_secret(_QUESTIONS[login.way])
    note_secret(secret)
    return secret


def _credential(login: Login, secret: str, endpoint: Endpoint, timeout_s: float) -> Credential:
    if login.way is Way.PASSWORD:
        username = login.username or ""
        secret = ask_endpoint(
            endpoint, lambda api: api.login(username, secret), timeout_s=timeout_s
        )
    if not may_be_secret(secret):
        raise UsageError(
            "that can be no credential: empty, too long, or not plain ASCII",
            hint="copy it again, and only it",
        )
    kind = CredentialKind.ACCESSKEY if login.way is Way.ACCESSKEY else CredentialKind.TOKEN
    return Credential(kind, secret, "login")


async def _try_out(api: Api) -> None:
    """Ask the smallest question that takes a valid credential."""
    async for _ in api.list_calls(limit=1):
        return


def _report(profile: Profile, credential: Credential, where: str) -> None:
    until = utc_text(credential.expires_at) if credential.expires_at is not None else ""
    ending = f", good until {until}" if until else ""
    say(f"{profile.api_url} accepts the {profile.kind}{ending}")
    say(f"profile {profile.name} is now the current one; its secret is in {where}")
    _warn_of_overrides()


def _warn_of_overrides() -> None:
    for variable in OVERRIDES:
        if user_environment().get(variable, "").strip():
            say(f"warning: {variable} is set, and comes before every profile")
