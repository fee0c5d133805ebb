"""`voipbin login`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voipbin_cli.commands.options import ApiOptions, JsonOption
from voipbin_cli.errors import UsageError

if TYPE_CHECKING:
    from voipbin_cli.transport.api import Api
    from voipbin_cli.transport.credentials import Credential
    from voipbin_cli.transport.endpoint import Endpoint
    from voipbin_cli.transport.profiles import Profile

CREDENTIAL = "Credential"


class Way(StrEnum):
    """What a login starts from."""

    TOKEN = "a token"
    ACCESSKEY = "an access key"
    PASSWORD = "user name and password"


_QUESTIONS = {Way.TOKEN: "Token", Way.ACCESSKEY: "Access key", Way.PASSWORD: "Password"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginOptions:
    """What to log in with, and where; left open, it is asked for."""

    token_stdin: Annotated[
        bool,
        typer.Option("--token-stdin", help="Read a token from stdin.", rich_help_panel=CREDENTIAL),
    ] = False
    accesskey_stdin: Annotated[
        bool,
        typer.Option(
            "--accesskey-stdin", help="Read an access key from stdin.", rich_help_panel=CREDENTIAL
        ),
    ] = False
    username: Annotated[
        str | None,
        typer.Option(
            "--username",
            "-u",
            help="Log in as this user; the password is asked for.",
            metavar="USER",
            rich_help_panel=CREDENTIAL,
            show_default=False,
        ),
    ] = None
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the password of --username from stdin.",
            rich_help_panel=CREDENTIAL,
        ),
    ] = False
    json: JsonOption = False
    api: ApiOptions = field(default_factory=ApiOptions)

    @property
    def way(self) -> Way | None:
        """What was asked for; None where that was left open.

        Raises:
            UsageError: flags that do not go together.
        """
        flags = {
            Way.TOKEN: self.token_stdin,
            Way.ACCESSKEY: self.accesskey_stdin,
            Way.PASSWORD: self.password_stdin or self.username is not None,
        }
        asked = [way for way, is_asked in flags.items() if is_asked]
        if len(asked) > 1:
            raise UsageError("several ways to log in at once", hint="choose one of them")
        if self.password_stdin and self.username is None:
            raise UsageError("whose password is it?", hint="give --username too")
        return asked[0] if asked else None

    @property
    def from_stdin(self) -> bool:
        """Whether stdin holds the secret."""
        return self.token_stdin or self.accesskey_stdin or self.password_stdin


def login(options: LoginOptions) -> None:
    """Store a credential, once the API has accepted it.

    Without options it asks for one: a token, an access key, or user name and password. The secret
    goes into the system's keyring or, where there is none, into a file that only you can read.
    --profile and --api-url keep several accounts apart; the last one logged in is the current one.

    Examples:

        voipbin login

        voipbin login --profile lab --api-url http://127.0.0.1:8080/v1.0

        voipbin login --token-stdin < token.txt
    """
    import time
    from dataclasses import replace

    from voipbin_cli.commands.prompts import ask_text
    from voipbin_cli.environment import user_environment
    from voipbin_cli.public.access import refuse_expired
    from voipbin_cli.render.jsonl import emit
    from voipbin_cli.render.problems import say
    from voipbin_cli.transport.api import ask_endpoint
    from voipbin_cli.transport.profiles import DEFAULT_PROFILE, Profile, ProfileStore

    way, username, timeout_s = options.way, options.username, options.api.connect_timeout
    store = ProfileStore.of_user(user_environment())
    name = options.api.profile or DEFAULT_PROFILE
    endpoint = _endpoint(options.api, store.address(name))
    for warning in endpoint.warnings():
        say(f"warning: {warning}")
    if way is None:
        way = _chosen_way(endpoint)
        username = ask_text("User name") if way is Way.PASSWORD else None
    secret = _secret(way, from_stdin=options.from_stdin)
    credential = _credential(way, secret, username or "", endpoint, timeout_s)
    refuse_expired(credential, time.time())
    ask_endpoint(replace(endpoint, credential=credential), _try_out, timeout_s=timeout_s)
    profile = Profile(name, credential.kind, credential.secret, endpoint.api_url, username)
    where = store.with_keyring().save(profile)
    _report(profile, credential, where)
    if options.json:
        emit("summary", _fields(profile, credential, where))


def _endpoint(api: ApiOptions, kept: str | None) -> Endpoint:
    """The address to log in to; whatever credential is lying about has no part in this."""
    from pathlib import Path

    from voipbin_cli.transport.endpoint import DEFAULT_API_URL, Endpoint

    return Endpoint(
        api.api_url or kept or DEFAULT_API_URL,
        None,
        api.auth,
        Path(api.ca_file) if api.ca_file else None,
        api.insecure,
    )


def _chosen_way(endpoint: Endpoint) -> Way:
    from voipbin_cli.commands.prompts import pick, refuse_without_terminal
    from voipbin_cli.render.problems import say

    refuse_without_terminal()
    say(f"logging in to {endpoint.api_url} with")
    return list(Way)[pick("Which", list(Way))]


def _secret(way: Way, *, from_stdin: bool) -> str:
    from voipbin_cli.commands.prompts import ask_secret, read_secret
    from voipbin_cli.environment import note_secret

    secret = read_secret() if from_stdin else ask_secret(_QUESTIONS[way])
    note_secret(secret)
    return secret


def _credential(
    way: Way, secret: str, username: str, endpoint: Endpoint, timeout_s: float
) -> Credential:
    from voipbin_cli.transport.api import ask_endpoint
    from voipbin_cli.transport.credentials import Credential, CredentialKind, may_be_secret

    if way is Way.PASSWORD:
        secret = ask_endpoint(
            endpoint, lambda api: api.login(username, secret), timeout_s=timeout_s
        )
    if not may_be_secret(secret):
        raise UsageError(
            "that can be no credential: empty, too long, or not plain ASCII",
            hint="copy it again, and only it",
        )
    kind = CredentialKind.ACCESSKEY if way is Way.ACCESSKEY else CredentialKind.TOKEN
    return Credential(kind, secret, "login")


async def _try_out(api: Api) -> None:
    """Ask the smallest question that takes a valid credential."""
    async for _ in api.list_calls(limit=1):
        return


def _report(profile: Profile, credential: Credential, where: str) -> None:
    from voipbin_cli.commands.api import warn_of_overrides
    from voipbin_cli.render.problems import say
    from voipbin_cli.text import utc_text

    until = utc_text(credential.expires_at) if credential.expires_at is not None else ""
    ending = f", good until {until}" if until else ""
    say(f"{profile.api_url} accepts the {profile.kind}{ending}")
    say(f"profile {profile.name} is now the current one; its secret is in {where}")
    warn_of_overrides()


def _fields(profile: Profile, credential: Credential, where: str) -> dict[str, Any]:
    """What is stored, and never the secret. `expires_at` is in Unix seconds, or null."""
    return {
        "profile": profile.name,
        "api_url": profile.api_url,
        "kind": str(profile.kind),
        "expires_at": credential.expires_at,
        "kept_in": where,
    }
