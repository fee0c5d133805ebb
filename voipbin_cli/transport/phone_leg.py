"""How the phone's leg of a call fared, by the platform's own count, or why nobody says so."""

from __future__ import annotations

from typing import Any, NamedTuple

from voipbin_cli.errors import VoipbinError
from voipbin_cli.transport.api import Api
from voipbin_cli.transport.resources import PhoneLeg

RIGHT = "that takes the rights of an admin or manager of the customer (HTTP 403)"
HOW_TO_CAPTURE = (
    "the platform captures sound only where that was switched on before the call: "
    'PUT /customer/metadata {"rtp_debug": true}, or of a single number; then call again'
)
_NO_FIGURES = "the platform counted none: they come with the BYE of a call that had sound"


class ToldLeg(NamedTuple):
    """The phone's leg; where there is none, `untold` says why."""

    leg: PhoneLeg | None
    untold: str = ""

    def as_fields(self) -> dict[str, Any]:
        """Return it for scripts: one of the two is null."""
        leg = self.leg.as_fields() if self.leg else None
        return {"phone_leg": leg, "phone_leg_untold": self.untold or None}


async def told_leg(api: Api, call_id: str) -> ToldLeg:
    """Ask about the phone's leg of a call. What goes wrong is an answer, too."""
    try:
        leg = await api.get_phone_leg(call_id)
    except VoipbinError as error:
        refused = error.details.get("http_status") == 403
        return ToldLeg(None, RIGHT if refused else error.message)
    return ToldLeg(leg, "" if leg else _NO_FIGURES)
