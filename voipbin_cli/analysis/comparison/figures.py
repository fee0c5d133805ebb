"""Which figures of two runs are compared: a row is a figure, its uncertainty, and what is better.

Each is read from the fields of a summary, as `--json` has them; nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from voipbin_cli.analysis.comparison.interval import Interval, rate, share, within
from voipbin_cli.analysis.emodel import assess
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.documents import LARGEST_NUMBER, is_number
from voipbin_cli.finding_ids import FindingId

Fields = Mapping[str, Any]
NOT_TOLD = "it is not told of {run}"
# clock_drift_uncertainty_ppm is half a 95 % interval.
_99_OF_95 = 2.576 / 1.96
_CONCEALED = "packet loss concealment: G.711 appendix I"


class FigureId(StrEnum):
    """As `id` in JSON."""

    LOSS = "loss"
    STALLS = "stalls"
    LATE = "late"
    JITTER = "jitter"
    DRIFT = "drift"
    LEVEL = "level"
    MOS = "mos"
    HOLES = "holes"
    RESPONSE = "response"
    BARGE_IN = "barge-in"


class Untold(Exception):
    """Why a figure cannot be compared."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `read` gives the figure of one direction's `metrics`, or of the whole summary.

    `least` is what nobody would notice: less than that is no change. `better` is -1 where less is
    better, 1 where more is, 0 where it is neither. `is_of_both`: of both directions together.
    """

    id: FigureId
    unit: str
    least: float
    better: int
    read: Callable[[Fields], Interval]
    is_of_both: bool = False
    findings: frozenset[FindingId] = frozenset()


def mapping(value: Any) -> Fields:
    """Return an object of a summary that anybody may have written; empty for none."""
    return value if isinstance(value, Mapping) else {}


def _number(value: Any, why: str = NOT_TOLD) -> float:
    if not is_number(value):
        raise Untold(why)
    return float(value)


def _count(value: Any, most: float = LARGEST_NUMBER) -> float:
    count = _number(value)
    if not 0 <= count <= most:
        raise Untold(NOT_TOLD)
    return count


def _time(value: Any) -> float:
    if not (time := _count(value)):
        raise Untold("{run} is too short")
    return time


def _run_length(value: Any) -> float:
    return max(1.0, _number(value)) if value is not None else 1.0


def _part(fields: Fields, name: str) -> Fields:
    part = fields.get(name)
    if not isinstance(part, Mapping):
        raise Untold(NOT_TOLD)
    return part


def _loss(metrics: Fields) -> Interval:
    """Of what a listener missed, in percent."""
    bursts = _part(metrics, "bursts")
    frames = _time(bursts.get("frames"))
    lost = _count(bursts.get("lost"), frames)
    found = share(lost, int(frames), _run_length(bursts.get("mean_run_frames")))
    return Interval(*(100 * value for value in found))


def _late(metrics: Fields) -> Interval:
    """Of what a buffer of 60 ms would drop, in percent."""
    buffer = _part(_part(metrics, "buffers"), "fixed_60_ms")
    frames = _time(buffer.get("frames"))
    late, runs = _count(buffer.get("late"), frames), _count(buffer.get("late_runs"))
    found = share(late, int(frames), late / runs if runs else 1.0)
    return Interval(*(100 * value for value in found))


def _stalls(metrics: Fields) -> Interval:
    count = _count(_part(metrics, "stalls").get("count"))
    return rate(int(count), _time(metrics.get("duration_seconds")) / 60)


def _jitter(metrics: Fields) -> Interval:
    """This machine's own lateness is in it, and says nothing of the stream."""
    jitter = _part(metrics, "interarrival_jitter_ms")
    mean = _number(jitter.get("mean"))
    known = _number(jitter.get("uncertainty"), "{run} is too short to tell how sure it is")
    own = mapping(metrics.get("local_lag_ms")).get("p99")
    return within(mean, known + (_number(own) if own is not None else 0.0))


def _drift(metrics: Fields) -> Interval:
    known = _number(metrics.get("clock_drift_uncertainty_ppm"))
    return within(_number(metrics.get("clock_drift_ppm")), _99_OF_95 * known)


def _level(metrics: Fields) -> Interval:
    level = _part(metrics, "level_dbfs")
    rms = _number(level.get("rms"))
    return within(
        rms, _number(level.get("uncertainty_db"), "{run} is too short to tell how sure it is")
    )


def _mos(metrics: Fields) -> Interval:
    """What the losses that it rests on leave open of it."""
    quality, loss = _part(metrics, "mos"), _loss(metrics)
    value = _number(quality.get("value"), f"{{run}}: {quality.get('reason') or 'no score'}")
    runs = _part(metrics, "bursts").get("mean_run_frames")
    length = None if runs is None else _run_length(runs)
    assumed = quality.get("assumptions")
    is_concealed = isinstance(assumed, list) and _CONCEALED in assumed

    def score(percent: float) -> float:
        scored = assess(
            percent / 100,
            mean_burst_frames=length,
            listening_only=True,
            concealment=is_concealed,
        )
        return float(scored.value or 0.0)

    at = score(loss.value)
    return Interval(value, value - (at - score(loss.high)), value + (score(loss.low) - at))


def _holes(summary: Fields) -> Interval:
    """Gaps in what the phone hears of us, a minute."""
    heard = _part(summary, "far_end")
    return rate(int(_count(heard.get("holes"))), _time(heard.get("fed_ms")) / 60_000)


def _median(name: str) -> Callable[[Fields], Interval]:
    def read(summary: Fields) -> Interval:
        talk = _part(summary, "conversation")
        times = talk.get(name)
        if not isinstance(times, Mapping):
            raise Untold(str(talk.get("untold") or "it never happened in {run}"))
        why = "it happened too seldom in {run} (8 times are needed)"
        low, high = (_number(times.get(end), why) for end in ("p50_low", "p50_high"))
        apart = _number(talk.get("uncertainty_ms"))
        return Interval(_number(times.get("p50")), low - apart, high + apart)

    return read


FIGURES = (
    Figure(
        FigureId.LOSS,
        "%",
        0.1,
        -1,
        _loss,
        findings=frozenset((FindingId.LOST_AUDIO, FindingId.SEQUENCE)),
    ),
    Figure(
        FigureId.STALLS,
        "/min",
        0.0,
        -1,
        _stalls,
        findings=frozenset((FindingId.NETWORK_STALL,)),
    ),
    Figure(FigureId.LATE, "%", 0.5, -1, _late, findings=frozenset((FindingId.JITTER,))),
    # An ear and a buffer of 60 ms notice nothing of 2 ms.
    Figure(FigureId.JITTER, "ms", 2.0, -1, _jitter),
    Figure(FigureId.DRIFT, "ppm", 20.0, 0, _drift, findings=frozenset((FindingId.CLOCK_DRIFT,))),
    # One is the least difference of level that is heard.
    Figure(FigureId.LEVEL, "dB", 1.0, 0, _level, findings=frozenset((FindingId.LOW_LEVEL,))),
    Figure(FigureId.MOS, "MOS", 0.1, 1, _mos),
    Figure(FigureId.HOLES, "/min", 0.0, -1, _holes, is_of_both=True),
    Figure(
        FigureId.RESPONSE,
        "ms",
        20.0,
        -1,
        _median("response_ms"),
        is_of_both=True,
        findings=frozenset((FindingId.SLOW_RESPONSE,)),
    ),
    Figure(
        FigureId.BARGE_IN,
        "ms",
        20.0,
        -1,
        _median("barge_in_ms"),
        is_of_both=True,
        findings=frozenset((FindingId.SLOW_BARGE_IN,)),
    ),
)
METRICS_OF = {Direction.IN: "metrics", Direction.OUT: "metrics_sent"}
