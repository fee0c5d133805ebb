"""A TARGET opened: what to listen to, and the simulator that a `sim` target needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import Refused
from voipbin_cli.public.access import Access, api_endpoint, check_credential
from voipbin_cli.session.live import LiveRequest
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Endpoint, stream_encapsulation
from voipbin_cli.transport.targets import Target, TargetKind, parse_target

Warn = Callable[[str], None]


class Manner(Protocol):
    """How a stream is framed, and what becomes of it when the link breaks."""

    @property
    def encapsulation(self) -> Encapsulation | None:
        """None: what the TARGET says, else RTP."""

    @property
    def reconnect(self) -> bool:
        """Whether a lost link is tried again."""

    @property
    def keepalive(self) -> bool:
        """Whether silence is sent so that the far end starts and stays."""

    @property
    def give_up_after(self) -> float:
        """Seconds for which a lost link is tried again."""


@contextmanager
def opened_stream(
    target: Target,
    access: Access,
    manner: Manner,
    warn: Warn,
    environ: Mapping[str, str] | None = None,
) -> Iterator[LiveRequest]:
    """Yield what to listen to; the simulator of a `sim` target runs as long as the block does.

    `warn` hears what is doubtful about the way there. `environ` is the user's unless it is given.
    Raises UsageError and Refused for what cannot work.
    """
    encapsulation = stream_encapsulation(target, manner.encapsulation)
    with _hints_of(target), _endpoint(target, access, warn, environ) as (endpoint, inner):
        yield LiveRequest(
            target=inner,
            label=target.label,
            endpoint=endpoint,
            encapsulation=encapsulation,
            reconnect=manner.reconnect,
            keepalive=manner.keepalive,
            connect_timeout_s=access.connect_timeout,
            give_up_after_s=manner.give_up_after,
        )


@contextmanager
def _hints_of(target: Target) -> Iterator[None]:
    """Make what is advised fit the way in which the stream was named."""
    try:
        yield
    except Refused as error:
        if target.kind is TargetKind.URL and error.details.get("http_status") in (401, 403):
            error.hint = (
                "an address is used as it stands: the credential that counts is the token= or "
                "accesskey= in it; with the call's id as the TARGET yours is sent"
            )
        elif target.kind is TargetKind.URL:
            error.hint = error.hint.partition(" (--api-url)")[0]
        elif _is_no_call(target, error):
            error.hint += f"; a conference is written conference/{target.value}"
        raise


def _is_no_call(target: Target, error: Refused) -> bool:
    """Whether a call was named that there is not. Of a bare id the session has asked further."""
    is_call = target.kind is TargetKind.CALL and not target.is_bare
    return is_call and error.details.get("http_status") == 404


@contextmanager
def _endpoint(
    target: Target, access: Access, warn: Warn, environ: Mapping[str, str] | None
) -> Iterator[tuple[Endpoint, Target]]:
    """Yield the API to ask and the target as that API knows it."""
    if target.kind is not TargetKind.SIM:
        endpoint = api_endpoint(access, environ)
        check_credential(endpoint, target)
        for warning in endpoint.warnings(target):
            warn(warning)
        yield endpoint, target
        return
    with EmbeddedSimulator(target.value, target.options) as simulator:
        credential = Credential(CredentialKind.TOKEN, simulator.token, "the simulator")
        endpoint = Endpoint(simulator.api_url, credential, access.auth)
        yield endpoint, parse_target(f"{simulator.kind}/{simulator.target_id}")
