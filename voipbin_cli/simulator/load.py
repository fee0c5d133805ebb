"""Many scripted calls at once: how a bot fares by how many there are, and whether it was the bot.

Each of N lines begins when the ramp says so, and calls again when its call is over, until the last
line's first call is: so all N are there at once for as long as a call takes. First calls go to
their end; who calls again then is hung up.
"""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from voipbin_cli.analysis.conversation.turns import MS, Spread, spread
from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.simulator.caller.outcome import CallOutcome, Lateness

_MOST_ROWS = 10
# Fewer answers say little of a percentile.
_ENOUGH = 5
_RETRY_S = 1.0
SECOND_NS = 1_000_000_000


class PlacedCall(NamedTuple):
    """One call that is over: when its clock began, and how late each of its frames went out."""

    began_ns: int
    outcome: CallOutcome
    late_ms: array[float]


HangUpCall = Callable[[], None]
Begun = Callable[[HangUpCall], None]


class Exchangeable(Protocol):
    """Where calls come from: we call a server, or clients come to us."""

    async def place(self, begun: Begun) -> PlacedCall:
        """Go through one call; `begun(hang_up)` is called when it is up.

        Raises VoipbinError where there is none.
        """

    def hang_up_all(self) -> None:
        """End every call."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What ends a run: `measure.statistic` over `most`."""

    measure: str
    statistic: str
    most: float

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Read `response_ms.p95=1500`. Raises UsageError."""
        name, _, value = text.partition("=")
        measure, _, statistic = name.partition(".")
        try:
            most = float(value)
        except ValueError:
            most = -1.0
        if measure not in MEASURES or statistic not in Spread._fields or not 0 <= most < 1e9:
            hint = f"{' or '.join(MEASURES)}, then one of {', '.join(Spread._fields)}"
            raise UsageError(f"{text!r} is no limit", hint=f"response_ms.p95=1500: {hint}")
        return cls(measure, statistic, most)


MEASURES = ("response_ms", "barge_in_ms")


@dataclass(frozen=True, slots=True)
class LoadRow:
    """What was measured while so many calls went on at once, `calls_from` to `calls_to`."""

    calls_from: int
    calls_to: int
    calls: int
    failed: int
    responses: int
    response_ms: Spread | None
    barge_in_ms: Spread | None
    holes_per_minute: float | None
    heard_share: float | None
    timeouts: int
    lateness: Lateness

    @property
    def is_reliable(self) -> bool:
        """Whether this machine was fast enough for what was measured to be the bot's."""
        return self.lateness.is_reliable

    def breaks(self, limit: Limit) -> bool:
        """Whether it is over the limit, by enough answers, on a machine that was fast enough."""
        values: Spread | None = getattr(self, limit.measure)
        if values is None or self.responses < _ENOUGH or not self.is_reliable:
            return False
        return bool(getattr(values, limit.statistic) > limit.most)

    def as_fields(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "calls_from": self.calls_from,
            "calls_to": self.calls_to,
            "calls": self.calls,
            "failed": self.failed,
            "responses": self.responses,
            "response_ms": _rounded(self.response_ms),
            "barge_in_ms": _rounded(self.barge_in_ms),
            "holes_per_minute": _short(self.holes_per_minute, 2),
            "heard_share": _short(self.heard_share, 4),
            "timeouts": self.timeouts,
            "send_error_ms": self.lateness.as_fields(),
            "is_reliable": self.is_reliable,
        }


def _rounded(values: Spread | None) -> dict[str, float] | None:
    return {name: round(ms, 1) for name, ms in values._asdict().items()} if values else None


def _short(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


@dataclass(frozen=True, slots=True)
class LoadOutcome:
    """A whole run: a row for each range of calls at once.

    `own_limit` is how many calls this machine was found to carry before it began; `broke_at` the
    range in which the limit was broken, None where it held.
    """

    rows: tuple[LoadRow, ...]
    most_at_once: int
    own_limit: int | None = None
    limit: Limit | None = None
    broke_at: LoadRow | None = None
    failures: tuple[str, ...] = ()
    outcomes: tuple[CallOutcome, ...] = field(default=(), repr=False)

    @property
    def is_reliable(self) -> bool:
        """Whether every row is."""
        return all(row.is_reliable for row in self.rows)

    @property
    def slow_from(self) -> int | None:
        """From how many calls at once this machine was the slow one; None: never."""
        return next((row.calls_from for row in self.rows if not row.is_reliable), None)

    def as_fields(self) -> dict[str, Any]:
        """As JSON values."""
        limit = self.limit
        return {
            "load": [row.as_fields() for row in self.rows],
            "calls_at_once": self.most_at_once,
            "calls": len(self.outcomes),
            "failed": len(self.failures),
            "failures": sorted(set(self.failures))[:10],
            "own_limit_calls": self.own_limit,
            "slow_from_calls": self.slow_from,
            "until": None if limit is None else f"{limit.measure}.{limit.statistic}={limit.most:g}",
            "broke_at_calls": self.broke_at.calls_from if self.broke_at else None,
            "is_reliable": self.is_reliable,
        }


class LoadRun:
    """Places calls on `lines` lines, `ramp` more of them each second.

    `clock` is monotonic, in ns, and the event loop's own.
    """

    def __init__(
        self,
        source: Exchangeable,
        lines: int,
        ramp: float,
        *,
        clock: Callable[[], int],
        limit: Limit | None = None,
        own_limit: int | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._source, self._lines, self._ramp = source, lines, ramp
        self._limit, self._own_limit = limit, own_limit
        self._clock, self._sleep = clock, sleep
        self._changes: list[tuple[int, int]] = [(0, 0)]
        self._placed: list[PlacedCall] = []
        self._failures: list[tuple[int, str]] = []
        self._again: list[HangUpCall] = []
        self._is_over = False
        self._broke_at: LoadRow | None = None

    @property
    def now(self) -> int:
        """How many calls go on now."""
        return self._changes[-1][1]

    @property
    def finished(self) -> int:
        """How many calls are over."""
        return len(self._placed)

    async def run(self) -> LoadOutcome:
        """Place the calls; return what came of them.

        Raises:
            VoipbinError: not one call came up.
        """
        lines = [asyncio.create_task(self._line(number)) for number in range(self._lines)]
        try:
            for done in asyncio.as_completed(lines):
                await done
        finally:
            for line in lines:
                line.cancel()
            await asyncio.gather(*lines, return_exceptions=True)
        return self.outcome()

    def stop(self) -> None:
        """Place no more calls, and end those that go on."""
        self._is_over = True
        self._source.hang_up_all()

    async def _line(self, number: int) -> None:
        await self._sleep(number / self._ramp)
        is_again = False
        while not self._is_over:
            await self._one(is_again)
            is_again = True
            if number == self._lines - 1:
                self._finish()

    def _finish(self) -> None:
        self._is_over = True
        for hang_up in tuple(self._again):
            hang_up()

    async def _one(self, is_again: bool) -> None:
        is_up = False

        def begun(hang_up: HangUpCall) -> None:
            nonlocal is_up
            is_up = True
            self._count(1)
            if is_again:
                self._again.append(hang_up)

        try:
            self._placed.append(await self._source.place(begun))
            self._look()
        except VoipbinError as error:
            if not self._placed and not self.now and not is_up:
                raise  # nobody is there at all
            self._failures.append((self.now, error.message))
            await self._sleep(_RETRY_S)
        finally:
            if is_up:
                self._count(-1)

    def _count(self, step: int) -> None:
        self._changes.append((self._clock(), self.now + step))

    def _look(self) -> None:
        if self._limit is None or self._is_over:
            return
        broken = [row for row in self._rows() if row.breaks(self._limit)]
        if broken:
            self._broke_at = broken[0]
            self.stop()

    # What came of it

    def outcome(self) -> LoadOutcome:
        """What was measured so far."""
        rows = self._rows()
        if self._limit is not None:
            self._broke_at = next((row for row in rows if row.breaks(self._limit)), None)
        return LoadOutcome(
            rows=tuple(rows),
            most_at_once=max(count for _, count in self._changes),
            own_limit=self._own_limit,
            limit=self._limit,
            broke_at=self._broke_at,
            failures=tuple(message for _, message in self._failures),
            outcomes=tuple(one.outcome for one in self._placed),
        )

    def _rows(self) -> list[LoadRow]:
        """A row for each range; what was measured counts where it happened."""
        edges = _edges(self._lines)
        measured = _Measured(self._changes, edges)
        for one in self._placed:
            measured.add(one)
        return [
            measured.row(place, low, high, sum(low <= count <= high for count, _ in self._failures))
            for place, (low, high) in enumerate(edges)
            if measured.has(place)
        ]


def _edges(lines: int) -> list[tuple[int, int]]:
    """At most ten ranges from one call to all."""
    rows = min(_MOST_ROWS, lines)
    highs = [-(-lines * (n + 1) // rows) for n in range(rows)]
    return [(low + 1, high) for low, high in zip([0, *highs[:-1]], highs, strict=True)]


class _Measured:
    """What was measured, by the range of calls that went on at once just then."""

    def __init__(
        self, changes: Sequence[tuple[int, int]], edges: Sequence[tuple[int, int]]
    ) -> None:
        self._times = np.array([at_ns for at_ns, _ in changes])
        self._counts = np.array([count for _, count in changes])
        self._highs = [high for _, high in edges]
        rows = len(edges)
        self._responses: list[list[float]] = [[] for _ in range(rows)]
        self._barge_ins: list[list[float]] = [[] for _ in range(rows)]
        self._late: list[list[Any]] = [[] for _ in range(rows)]
        self._calls: list[list[CallOutcome]] = [[] for _ in range(rows)]

    def _places(self, times_ns: Any) -> Any:
        counts = self._counts[np.searchsorted(self._times, times_ns, side="right") - 1]
        return np.minimum(np.searchsorted(self._highs, counts), len(self._highs) - 1)

    def add(self, one: PlacedCall) -> None:
        outcome = one.outcome
        late = np.frombuffer(one.late_ms, np.float32)
        places = self._places(one.began_ns + np.arange(len(late)) * FRAME_NS)
        for place in np.unique(places).tolist():
            self._late[place].append(late[places == place])
        # What has no moment of its own counts where the call spent most of its time.
        if len(places):
            self._calls[int(np.bincount(places).argmax())].append(outcome)
        for row in outcome.rows:
            self._note(self._responses, one.began_ns, row.ended_ms, row.response_ms)
            self._note(self._barge_ins, one.began_ns, row.began_ms, row.barge_in_ms)

    def _note(
        self, into: list[list[float]], began_ns: int, at_ms: float, value: float | None
    ) -> None:
        if value is not None:
            into[int(self._places(began_ns + round(at_ms * MS)))].append(value)

    def has(self, place: int) -> bool:
        return bool(self._late[place] or self._responses[place])

    def row(self, place: int, low: int, high: int, failed: int) -> LoadRow:
        calls = self._calls[place]
        minutes = sum(call.duration_ms for call in calls) / 60_000
        due_ms = sum(call.heard.fed_ms + call.heard.holes_ms for call in calls)
        late = np.concatenate(self._late[place]) if self._late[place] else np.empty(0)
        return LoadRow(
            calls_from=low,
            calls_to=high,
            calls=len(calls),
            failed=failed,
            responses=len(self._responses[place]),
            response_ms=spread(self._responses[place]),
            barge_in_ms=spread(self._barge_ins[place]),
            holes_per_minute=sum(c.heard.holes for c in calls) / minutes if minutes else None,
            heard_share=sum(c.heard.heard_ms for c in calls) / due_ms if due_ms else None,
            timeouts=sum(call.timeouts for call in calls),
            lateness=Lateness.of(late.tolist()),
        )
