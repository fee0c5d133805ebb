"""How long to wait before the next attempt: exponential, with full jitter, and with an end."""

from __future__ import annotations

from random import Random

FLOOR_S = 0.2
CEILING_S = 10.0


# RFC 6455 7.2.3: "The first reconnect attempt SHOULD be delayed by a random amount of time", later
# ones by increasingly longer times, such as by "truncated binary exponential backoff".
class Backoff:
    """Delays of an outage, and of those that follow it soon; `reset` once a stream held.

    Attempt n waits a random time between `floor_s` and `floor_s` · 2ⁿ, at most `ceiling_s`: many
    clients cut off by one restart do not come back in step.
    """

    def __init__(
        self,
        rng: Random,
        *,
        floor_s: float = FLOOR_S,
        ceiling_s: float = CEILING_S,
        give_up_after_s: float | None = None,
    ) -> None:
        self._rng = rng
        self._floor_s = floor_s
        self._ceiling_s = ceiling_s
        self._give_up_after_s = give_up_after_s
        self.attempts = 0

    def reset(self) -> None:
        """Start over from the floor: the outages are past."""
        self.attempts = 0

    def next_delay(self, elapsed_s: float, retry_after: float | None = None) -> float | None:
        """Seconds until the next attempt, or None when it is time to give up.

        `elapsed_s` is how long there was no stream, in all since the last `reset`. A server's
        `retry_after` (seconds) is never undercut, even where it exceeds the ceiling; when it
        reaches past the end, that is the end.
        """
        self.attempts += 1
        # Not above 2 ** 64, which is past any ceiling: a float overflows at 2 ** 1024.
        upper_s = min(self._ceiling_s, self._floor_s * 2.0 ** min(self.attempts, 64))
        delay_s = self._rng.uniform(min(self._floor_s, upper_s), upper_s)
        # RFC 9110 10.2.3: Retry-After says how long one "ought to wait before making a follow-up
        # request".
        delay_s = max(delay_s, retry_after or 0.0)
        if self._give_up_after_s is not None and elapsed_s + delay_s > self._give_up_after_s:
            return None
        return delay_s
