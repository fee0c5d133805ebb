"""What is told of a stream beside its packets: the codec's name, and why nobody can hear it."""

from __future__ import annotations

from dataclasses import dataclass

from voipbin_cli.codec.payload_types import PayloadType


@dataclass(frozen=True, slots=True)
class Told:
    """What a session description, a static payload type or a neighbour in the flow says.

    `codec` is what the payload type stands for, `by` who says so. `encrypted_by` says by what it
    is known that the payload is encrypted, empty where it is not, and `keyed_ns` when packets came
    that agree on keys: media may stop for that. `kept_bytes` is how much of a
    packet the capture holds, where it holds only the heads. `is_transcoded`: what is measured was
    made of the codec, as samples at 8 kHz. `call` is the Call-ID of the description (RFC 3261).
    """

    codec: PayloadType | None = None
    by: str = ""
    encrypted_by: str = ""
    keyed_ns: tuple[int, ...] = ()
    kept_bytes: int | None = None
    is_transcoded: bool = False
    call: str = ""

    @property
    def unheard_because(self) -> str:
        """Why the sound cannot be measured, as far as that is told; empty where it can be."""
        if self.kept_bytes is not None:
            return "the capture holds only the head of each packet"
        if self.encrypted_by:
            return "the payload is encrypted"
        if self.codec is not None and not self.is_decoded:
            return f"{self.codec.name} at {self.codec.clock_hz} Hz is not decoded here"
        return ""

    @property
    def is_decoded(self) -> bool:
        """Whether the codec is named, and its samples can be measured."""
        return self.codec is not None and (self.codec.is_decoded or self.is_transcoded)

    @property
    def is_heard(self) -> bool:
        """Whether the sound can be measured."""
        return not self.unheard_because

    @property
    def is_l16(self) -> bool:
        """The codec is linear samples at another rate than a call's, made into those of 8 kHz."""
        return self.is_transcoded and self.codec is not None and self.codec.name == "L16"

    @property
    def is_video(self) -> bool:
        """The packets are parts of pictures."""
        return self.codec is not None and self.codec.is_video

    @property
    def clock_hz(self) -> int | None:
        """What timestamps count in a second, None where nobody says."""
        return self.codec.clock_hz if self.codec else None


NOTHING = Told()
