"""What the phone hears of what is sent, message by message: the far queue on a clock of its own."""

from __future__ import annotations

from typing import Any, NamedTuple

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.farend.far_queue import CALL, FarLevel, QueueRule
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES

# The far end plays half a frame after the first one came: it keeps a clock of its own, and in the
# mean a frame waits for half of its period.
FIRST_TICK_NS = FRAME_NS // 2
# A wait is short where it is no longer, or than the message before it plays. Whoever pauses for
# longer may have had nothing to say; unless most of what was due meanwhile then comes at once.
SHORT_WAIT_NS = 100_000_000
AT_ONCE_NS = 5_000_000


class Heard(NamedTuple):
    """What became of what was sent, in ms of audio.

    `fed_ms` came to the far end as audio, `heard_ms` of it was played, `lost_ms` thrown away in
    `flushes`. `holes` are gaps of `holes_ms` in all that the sender's waits tore into sound,
    `longest_hole_ms` the longest of them; pauses between what it has to say are none.
    """

    fed_ms: float = 0.0
    heard_ms: float = 0.0
    lost_ms: float = 0.0
    flushes: int = 0
    holes: int = 0
    holes_ms: float = 0.0
    longest_hole_ms: float = 0.0

    @property
    def share(self) -> float | None:
        """Of the time that the sound takes, how much the phone hears; None where none was sent."""
        due_ms = self.fed_ms + self.holes_ms
        return self.heard_ms / due_ms if due_ms else None

    @property
    def hole_share(self) -> float:
        """Of the time that the sound takes, how much the phone hears as holes."""
        due_ms = self.heard_ms + self.holes_ms
        return self.holes_ms / due_ms if due_ms else 0.0

    def as_fields(self) -> dict[str, Any] | None:
        """As JSON values; None where no audio came to it."""
        if self.share is None:
            return None
        return {"heard_share": round(self.share, 4)} | {
            name: round(value, 1) for name, value in self._asdict().items()
        }


class _LongGap(NamedTuple):
    """Nothing to play for `length_ns`; then `came_ns` of sound came at once, until `latest_ns`."""

    length_ns: int
    latest_ns: int
    came_ns: int


class FarEnd:
    """Feeds a far queue with columns of messages, and plays it as time passes.

    `rule` says how much may wait there. Sums go on over connections, each of which has a queue of
    its own.
    """

    def __init__(self, rule: QueueRule = CALL) -> None:
        self.rule = rule
        self._past = Heard()
        self._begin()

    def _begin(self) -> None:
        self._level = FarLevel(self.rule)
        self._tick_ns: int | None = None
        self._gap_ticks = 0
        self._last_ns = 0
        self._was_still = True
        self._holes: list[int] = []
        self._long: _LongGap | None = None

    def add(self, time_ns: Ints, samples: Ints, is_still: Mask) -> None:
        """Take messages that came at `time_ns` with so many samples, 0 for what is not played."""
        rows = zip(time_ns.tolist(), samples.tolist(), is_still.tolist(), strict=True)
        for at_ns, count, still in rows:
            if count > 0:
                self._play_until(at_ns)
                self._level.feed(count)
                self._end_gap(at_ns, still)
                self._last_ns = count * FRAME_NS // FRAME_SAMPLES
                if self._long is not None:
                    self._catch_up(at_ns, self._last_ns)

    def _play_until(self, at_ns: int) -> None:
        if self._tick_ns is None:
            self._tick_ns = at_ns + FIRST_TICK_NS
        if at_ns >= self._tick_ns:
            ticks = (at_ns - self._tick_ns) // FRAME_NS + 1
            self._tick_ns += ticks * FRAME_NS
            self._gap_ticks += ticks - self._level.play(ticks)

    def _end_gap(self, at_ns: int, still: bool) -> None:
        """Note the gap that a message ended, where it is heard as a hole."""
        gap_ns, self._gap_ticks = self._gap_ticks * FRAME_NS, 0
        if gap_ns and not (still and self._was_still):
            if gap_ns <= max(SHORT_WAIT_NS, self._last_ns):
                self._holes.append(gap_ns // 1_000_000)
            else:
                self._long = _LongGap(gap_ns, at_ns, 0)
        self._was_still = still

    def _catch_up(self, at_ns: int, played_ns: int) -> None:
        """Count what comes at once after a long gap."""
        assert self._long is not None
        gap_ns, latest_ns, came_ns = self._long
        if at_ns - latest_ns > AT_ONCE_NS:
            self._long = None
        elif 2 * (came_ns + played_ns) >= gap_ns:
            self._holes.append(gap_ns // 1_000_000)
            self._long = None
        else:
            self._long = _LongGap(gap_ns, at_ns, came_ns + played_ns)

    def flush(self, at_ns: int) -> None:
        """Throw away what waits at that time; the sender asked for it."""
        self._play_until(at_ns)
        self._level.flush()

    def restart(self) -> None:
        """Begin a new queue: another connection."""
        self._past = self.result()
        self._begin()

    def result(self) -> Heard:
        """What was heard so far, all that waits now included."""
        level, past = self._level, self._past
        waiting = level.waiting - level.waiting % FRAME_SAMPLES
        return Heard(
            past.fed_ms + level.fed / 8,
            past.heard_ms + (level.heard + waiting) / 8,
            past.lost_ms + level.lost / 8,
            past.flushes + level.flushes,
            past.holes + len(self._holes),
            past.holes_ms + sum(self._holes),
            max(past.longest_hole_ms, *self._holes, 0.0),
        )
