"""Audio that had waited before anybody came: it is all there at the start of a connection."""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Ints

# Frames that come this soon after the one before came together with it.
TOGETHER_NS = 2_000_000
# What had waited comes in pieces of what TCP has under way, a round trip apart: after so long
# without a frame that came together with another all of it is there.
_OVER_NS = 250_000_000


class BacklogFold:
    """How much more audio than time came while the first frames came together, in ns."""

    def __init__(self) -> None:
        self.backlog_ns = 0
        self._is_over = False
        self._first_ns: int | None = None
        self._last_ns = 0
        self._together_ns = 0  # when the latest frame came that came together with another
        self._audio_ns = 0

    def add(self, times_ns: Ints, own_ns: Ints) -> None:
        """Take frames in order of arrival: when they came, and their lengths."""
        if self._is_over or not len(times_ns):
            return
        if self._first_ns is None:
            self._first_ns = self._last_ns = self._together_ns = int(times_ns[0])
            self._audio_ns = -int(own_ns[0])
        together = np.diff(times_ns, prepend=self._last_ns) < TOGETHER_NS
        latest = np.maximum.accumulate(np.where(together, times_ns, self._together_ns))
        begun = times_ns - latest <= _OVER_NS
        count = len(begun) if begun.all() else int(begun.argmin())
        self._is_over = count < len(begun)
        ahead = self._audio_ns + np.cumsum(own_ns) - (times_ns - self._first_ns)
        if count:
            self.backlog_ns = max(self.backlog_ns, int(ahead[:count].max()))
            self._together_ns = int(latest[count - 1])
        self._audio_ns += int(own_ns.sum())
        self._last_ns = int(times_ns[-1])

    def restart(self) -> None:
        """The next frame is the first of another connection."""
        self._is_over, self._first_ns = False, None
