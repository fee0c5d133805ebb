"""Which pauses without a catch-up were a sender that waited, and in which audio is missing.

The last word on pauses (`pauses`), once all of the sound is known. The RTP numbers have to be
whole, as a packet that is missing is lost. The platform's bridge makes its numbers itself, so that
they are whole whatever was lost before it: on its socket the sound has to say that it went on.
Packets over UDP have their sender's own numbers, and those are enough.
"""

from __future__ import annotations

from collections.abc import Mapping

from voipbin_cli.analysis.pauses import Pause

# In natural logarithms. The sound of 1 loss in 120 seemed to go on at odds of e^2, of none at
# e^2.5 (12 to 1), and of half of the pauses in which a sender waited. It is cut at e^-3, 1 to 20.
GOES_ON, IS_CUT = 2.5, -3.0
# Both happened where each has three seams that are as clear as a seam can be (e^3), and so large a
# share of all that is told. Of losses of 20 ms one seam in three tells the wrong thing, as a whole
# number of the voice's periods may be missing: a quarter of what is told then.
_OF_BOTH, _SHARE_OF_BOTH = 9.0, 0.4


def told_apart(
    pauses: tuple[Pause, ...], goes_on: Mapping[int, float], *, is_numbered_by_sender: bool
) -> tuple[Pause, ...]:
    """The same pauses of a stream whose numbers are whole; what is lost in each, or only waited.

    `goes_on` is how much more likely it is that the sound went on after a pause than that a part
    of it is missing, by the frame after it, as a natural logarithm; 0 where nothing tells.
    """
    odds = {pause.frame: goes_on.get(pause.frame, 0.0) for pause in pauses if pause.lost_ns}
    least = IS_CUT if is_numbered_by_sender else GOES_ON
    for_dry = sum(value for value in odds.values() if value > 0)
    for_lost = -sum(value for value in odds.values() if value < 0)
    weaker = min(for_dry, for_lost)
    is_both = weaker >= max(_OF_BOTH, _SHARE_OF_BOTH * (for_dry + for_lost))
    is_dry = for_dry - for_lost > least

    def judged(pause: Pause) -> Pause:
        if pause.frame not in odds:
            return pause
        value = odds[pause.frame]
        grounds = pause.grounds._replace(goes_on=value)
        if (value > 0) if is_both and value else is_dry:
            return pause._replace(lost_ns=0, dry_ns=pause.lost_ns, grounds=grounds)
        return pause._replace(grounds=grounds)

    return tuple(map(judged, pauses))
