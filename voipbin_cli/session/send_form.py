"""What to send: as the user fixed it, or as the fingerprint of what is received says."""

from __future__ import annotations

import dataclasses

from voipbin_cli.codec.codecs import FRAME_SAMPLES, Codec
from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.errors import UsageError

# Audible frames wait this long for the far end to show what it is.
PATIENCE_NS = 500_000_000
_STATIC_PAYLOAD_TYPE = {Codec.MULAW: 0, Codec.S16LE: 96}


def check_choice(
    encapsulation: Encapsulation, payload: Codec | None, payload_type: int | None
) -> None:
    """Raise UsageError where something is fixed that leaves no choice."""
    if encapsulation is not Encapsulation.RTP and (payload or payload_type is not None):
        raise UsageError(
            f"{encapsulation} is linear in every dialect: there is no payload to choose",
            hint="--payload and --payload-type are for -e rtp",
        )


class FormChoice:
    """Chooses the form of what is sent.

    `payload` and `payload_type` are what the user fixed, None where it is for the fingerprint to
    say. Raises UsageError where they make no sense.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        decoder: FrameDecoder,
        *,
        payload: Codec | None = None,
        payload_type: int | None = None,
    ) -> None:
        check_choice(encapsulation, payload, payload_type)
        self._decoder = decoder
        self._payload = payload
        self._payload_type = payload_type
        self._known: SendForm | None = None
        self._is_heard = False
        self._is_fixed = encapsulation is not Encapsulation.RTP or (
            payload is not None and payload_type is not None
        )

    def restart(self) -> None:
        """Begin a new connection: what was known stays known until something is heard."""
        self._is_heard = False

    @property
    def is_heard(self) -> bool:
        """Whether this connection has brought anything to judge by."""
        self._is_heard = self._is_heard or self._decoder.verdict is not None
        return self._is_heard

    def is_ready(self, waited_ns: int) -> bool:
        """Whether sound may be sent, `waited_ns` after the connection came up."""
        return self._is_fixed or self.is_heard or waited_ns >= PATIENCE_NS

    @property
    def is_guess(self) -> bool:
        """Whether it rests on nothing: nobody fixed it, and nothing was heard on any connection."""
        return not (self._is_fixed or self.is_heard or self._known)

    def form(self) -> SendForm:
        """Return what to send now."""
        if self.is_heard:
            self._known = self._decoder.send_form
        found = self._known or self._decoder.send_form
        if self._payload is None and self._payload_type is None:
            return found
        return self._as_fixed(found)

    def _as_fixed(self, found: SendForm) -> SendForm:
        codec = self._payload or found.codec
        payload_type = self._payload_type
        if payload_type is None:
            payload_type = found.payload_type if self._known else _STATIC_PAYLOAD_TYPE[codec]
        fixed = [
            *(["--payload"] if self._payload else []),
            *(["--payload-type"] if self._payload_type is not None else []),
        ]
        return dataclasses.replace(
            found,
            codec=codec,
            payload_type=payload_type,
            frame_bytes=FRAME_SAMPLES * codec.sample_bytes,
            reason=f"{' and '.join(fixed)} given; {found.reason}",
        )
