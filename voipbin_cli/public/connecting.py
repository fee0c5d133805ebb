"""How the library reaches a stream: the options that its live functions share."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict, TypeVar, Unpack

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.environment import user_environment
from voipbin_cli.errors import UsageError
from voipbin_cli.public.opened_stream import opened_stream
from voipbin_cli.public.runs import entered_aside, log
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.transport.credentials import Auth
from voipbin_cli.transport.targets import parse_target_not_file

Word = TypeVar("Word", bound=StrEnum)


class Connecting(TypedDict, total=False):
    """How to reach a stream: what every live function takes beside its own.

    Attributes:
        encapsulation: rtp, sln or audiosocket; None is what the TARGET says, else rtp.
        api_url: the API's address; None: VOIPBIN_API_URL, the profile, the public one.
        token: a token; None: the environment, then the profile.
        accesskey: an access key in place of a token.
        profile: a profile of `voipbin login`.
        auth: how the credential travels: query (unless it is given) or header.
        ca_file: certificates to trust in place of the system's (PEM).
        insecure: leave the certificate unchecked.
        connect_timeout: seconds that an attempt to connect may take, 10 unless it is given.
        reconnect: connect again when the link breaks, as it does unless it is False.
        keepalive: send silence so that the far end starts and stays, as it does unless it is False.
        give_up_after: seconds for which a lost link is tried again, 60 unless it is given.
    """

    encapsulation: str | None
    api_url: str | None
    token: str | None
    accesskey: str | None
    profile: str | None
    auth: str
    ca_file: str | None
    insecure: bool
    connect_timeout: float
    reconnect: bool
    keepalive: bool
    give_up_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """The same, checked: it is the `Access` and the `Manner` of a stream."""

    encapsulation: Encapsulation | None = None
    api_url: str | None = None
    profile: str | None = None
    auth: Auth = Auth.QUERY
    ca_file: str | None = None
    insecure: bool = False
    connect_timeout: float = 10.0
    reconnect: bool = True
    keepalive: bool = True
    give_up_after: float = 60.0
    environ: Mapping[str, str] | None = None


def chosen(**connecting: Unpack[Connecting]) -> _Chosen:
    """Return what was asked for. Raises UsageError for a word that is none of those there are."""
    options: dict[str, Any] = dict(connecting)
    asked, auth = options.pop("encapsulation", None), options.pop("auth", Auth.QUERY)
    token, key = options.pop("token", None), options.pop("accesskey", None)
    return _Chosen(
        encapsulation=None if asked is None else one_of(Encapsulation, asked, "encapsulation"),
        auth=one_of(Auth, auth, "auth"),
        environ=_with_credential(token, key),
        **options,
    )


def one_of(words: type[Word], asked: str, what: str) -> Word:
    """Return the member of `words` that `asked` is. Raises UsageError where it is none."""
    try:
        return words(asked)
    except ValueError:
        raise UsageError(
            f"{what}={asked!r} is none that there is", hint=f"one of {', '.join(words)}"
        ) from None


def _with_credential(token: str | None, key: str | None) -> Mapping[str, str] | None:
    """The user's environment with this credential in place of every other."""
    if token is None and key is None:
        return None
    if token is not None and key is not None:
        raise UsageError("token and accesskey are both given", hint="give one of them")
    given = {"VOIPBIN_TOKEN": token or "", "VOIPBIN_ACCESSKEY": key or ""}
    return {**user_environment(), **given}


@asynccontextmanager
async def connected(target: str, **connecting: Unpack[Connecting]) -> AsyncIterator[LiveRequest]:
    """Yield what to listen to: the stream that `target` names.

    Raises UsageError for what is no TARGET, Refused without a credential that may be good.
    """
    wanted = chosen(**connecting)
    parsed = parse_target_not_file(str(target))
    opening = opened_stream(parsed, wanted, wanted, log.warning, wanted.environ)
    async with entered_aside(opening) as request:
        yield request
