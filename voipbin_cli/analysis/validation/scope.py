"""What of a stream is judged, and against what."""

from __future__ import annotations

from dataclasses import dataclass

from voipbin_cli.analysis.farend.far_queue import queue_of
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation


@dataclass(frozen=True, slots=True)
class Scope:
    """What is judged, and against what. `direction` None: both, of a dump what is received."""

    spec: Spec = Spec.AUTO
    direction: Direction | None = None
    max_frames: int | None = None

    def validator(
        self,
        encapsulation: Encapsulation,
        target: str | None = None,
        heard: HeardSound | None = None,
        **manner: bool,
    ) -> Validator:
        """Return a fresh one, of a stream of `target`; `heard` gets the sound as the phone does."""
        directions = (self.direction,) if self.direction else tuple(Direction)
        return Validator(
            encapsulation,
            self.spec,
            directions=directions,
            max_frames=self.max_frames,
            queue=queue_of(target),
            heard=heard,
            **manner,
        )
