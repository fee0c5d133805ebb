"""Which pauses without a catch-up were a sender that waited, and in which audio is missing.

The last word on pauses (`pauses`), once all of the sound is known. The RTP numbers have to be
whole, as a packet that is missing is lost. The platform's bridge makes its numbers itself, so that
they are whole whatever was lost before it: there the sound has to say clearly that it went on.
Numbers that begin at random, as RFC 3550 has them, are a sender's own more often, and those of
packets over UDP are enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from voipbin_cli.analysis.pauses import Pause


class Numbers(Enum):
    """Who may have given the RTP numbers; how likely the sound has to go on, as a logarithm.

    Of 180 streams with losses 6 seemed to go on at e^2.5 (12 to 1), none at e^4 (50 to 1); of those
    whose sender waited one in three and one in seven. Sound is cut at e^-3 (1 to 20).
    """

    BY_BRIDGE = 4.0
    AT_RANDOM = 2.5
    BY_SENDER = -3.0


GOES_ON = Numbers.AT_RANDOM.value
# Both happened where each has three seams that are as clear as a seam can be (e^3), and so large a
# share of all that is told. Of losses of 20 ms one seam in three tells the wrong thing, as a whole
# number of the voice's periods may be missing: a quarter of what is told then.
_OF_BOTH, _SHARE_OF_BOTH = 9.0, 0.45


def told_apart(
    pauses: tuple[Pause, ...], goes_on: Mapping[int, float], numbers: Numbers
) -> tuple[Pause, ...]:
    """The same pauses of a stream whose numbers are whole; what is lost in each, or only waited.

    `goes_on` is how much more likely it is that the sound went on after a pause than that a part
    of it is missing, by the frame after it, as a natural logarithm; 0 where nothing tells.
    """
    odds = {pause.frame: goes_on.get(pause.frame, 0.0) for pause in pauses if pause.lost_ns}
    for_dry = sum(value for value in odds.values() if value > 0)
    for_lost = -sum(value for value in odds.values() if value < 0)
    weaker = min(for_dry, for_lost)
    is_both = weaker >= max(_OF_BOTH, _SHARE_OF_BOTH * (for_dry + for_lost))
    is_dry = for_dry - for_lost > numbers.value

    def judged(pause: Pause) -> Pause:
        if pause.frame not in odds:
            return pause
        value = odds[pause.frame]
        grounds = pause.grounds._replace(goes_on=value)
        if (value > 0) if is_both and value else is_dry:
            return pause._replace(lost_ns=0, dry_ns=pause.lost_ns, grounds=grounds)
        return pause._replace(grounds=grounds)

    return tuple(map(judged, pauses))
