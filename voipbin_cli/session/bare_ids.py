"""An id that was given alone: a call's, or where there is no such call a conference's."""

from __future__ import annotations

from voipbin_cli.errors import IsConference, Refused, VoipbinError
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.targets import Target

_NOT_FOUND = 404


async def as_it_is(error: VoipbinError, target: Target, endpoint: Endpoint | None) -> VoipbinError:
    """Return what to raise where a stream was refused: IsConference, or `error`, which says more.

    The API is asked once more, and only where it knows no call of a bare id.
    """
    if not target.is_bare or endpoint is None or not _is_not_found(error):
        return error
    from voipbin_cli.transport.api import Api  # a third of the start-up, rarely needed

    try:
        async with Api(endpoint) as api:
            await api.get_conference(target.value)
    except VoipbinError as other:
        if _is_not_found(other):
            error.message += "; no conference has this id either"
        else:
            error.hint += f"; a conference is written conference/{target.value}"
        return error
    return IsConference(target.value)


def _is_not_found(error: VoipbinError) -> bool:
    details = error.details
    is_there = isinstance(error, Refused) and details.get("reason") != "ROUTE_NOT_FOUND"
    return is_there and details.get("http_status") == _NOT_FOUND
