"""What the rows of a dataset say together: how bad, of what, since when, on which trunk.

The unit of a share is the stream, of a trend the day: streams of one day share its troubles, so
that the spread from day to day, and not the number of streams, says how sure a change is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from typing import Any

from voipbin_cli.archive.queries import QueryResult, Tables

# Each gives rows in the order in which they are to be read.
SECTIONS: Mapping[str, tuple[str, str]] = {
    "findings": (
        "What was found",
        """SELECT finding, any_value(severity) AS severity,
            count(DISTINCT (file_id, stream)) AS streams,
            round(count(DISTINCT (file_id, stream)) / (SELECT count(*) FROM streams), 4) AS share,
            round(median(confidence), 2) AS confidence
        FROM findings WHERE severity != 'info' GROUP BY finding ORDER BY streams DESC, finding""",
    ),
    "days": (
        "By day (UTC)",
        """SELECT day, count(*) AS streams, count_if(verdict = 'bad') AS bad,
            round(count_if(verdict = 'bad') / count(*), 4) AS bad_share,
            round(median(mos), 2) AS mos_p50, round(quantile_cont(mos, 0.1), 2) AS mos_p10
        FROM streams WHERE day != 'unknown' GROUP BY day ORDER BY day""",
    ),
    "hours": (
        "By hour of the day (UTC)",
        """SELECT hour(started) AS hour, count(*) AS streams, count_if(verdict = 'bad') AS bad,
            round(count_if(verdict = 'bad') / count(*), 4) AS bad_share,
            round(median(mos), 2) AS mos_p50
        FROM streams WHERE started IS NOT NULL GROUP BY 1 ORDER BY 1""",
    ),
    "senders": (
        "By who sent (trunk, phone, bot)",
        """SELECT source_host AS sender, count(*) AS streams, count_if(verdict = 'bad') AS bad,
            round(count_if(verdict = 'bad') / count(*), 4) AS bad_share,
            mode(finding) FILTER (verdict != 'ok') AS most_often, round(median(mos), 2) AS mos_p50
        FROM streams WHERE source_host IS NOT NULL
        GROUP BY 1 ORDER BY bad DESC, bad_share DESC, sender LIMIT 20""",
    ),
    "codecs": (
        "By codec",
        """SELECT coalesce(codec, 'unheard or unknown') AS codec, count(*) AS streams,
            count_if(verdict = 'bad') AS bad,
            round(count_if(verdict = 'bad') / count(*), 4) AS bad_share,
            round(median(mos), 2) AS mos_p50
        FROM streams GROUP BY 1 ORDER BY streams DESC, codec""",
    ),
    "figures": (
        "Figures of all streams",
        """SELECT figure, round(p[1], 4) AS p1, round(p[2], 4) AS p10, round(p[3], 4) AS p50,
            round(p[4], 4) AS p90, round(p[5], 4) AS p99
        FROM (UNPIVOT (SELECT quantile_cont(columns(
                ['mos', 'loss_ratio', 'jitter_mean_ms', 'longest_stall_ms', 'lost_audio_ms',
                 'upstream_loss_ms', 'level_dbfs', 'response_p50_ms']), [0.01, 0.1, 0.5, 0.9, 0.99])
            FROM streams) ON COLUMNS(*) INTO NAME figure VALUE p)""",
    ),
    "worst": (
        "The worst streams",
        """SELECT file, stream, call_id, strftime(started, '%Y-%m-%d %H:%M:%S') AS started, finding,
            round(confidence, 2) AS confidence, round(mos, 2) AS mos,
            round(duration_seconds, 1) AS seconds
        FROM streams WHERE verdict = 'bad'
        ORDER BY confidence * duration_seconds * (5 - coalesce(mos, 1)) DESC, file, stream
        LIMIT 20""",
    ),
    "unread": (
        "Files that were not read",
        """SELECT status, count(*) AS files, any_value(file) AS one_of_them, any_value(why) AS why
        FROM files WHERE why IS NOT NULL GROUP BY status ORDER BY files DESC""",
    ),
}
_TOTALS = """SELECT count(*) AS streams, count(DISTINCT file_id) AS files,
        strftime(min(started), '%Y-%m-%dT%H:%M:%SZ') AS first,
        strftime(max(started), '%Y-%m-%dT%H:%M:%SZ') AS last,
        round(coalesce(sum(duration_seconds), 0) / 3600, 2) AS hours,
        count_if(verdict = 'ok') AS ok, count_if(verdict = 'degraded') AS degraded,
        count_if(verdict = 'bad') AS bad
    FROM streams"""
# A trend compares the last seven days that there are with the four weeks before them.
_RECENT_DAYS, _BEFORE_DAYS = 7, 28
# With fewer days before, nobody knows how much one day differs from another.
_LEAST_DAYS = 5
_SIGMAS = 1.96


@dataclass(frozen=True, slots=True)
class Trend:
    """The share of bad streams in the last days, and in the weeks before them.

    `change` is the difference, and lies within `uncertainty` of it with 95 %; both None where too
    few days are there to know.
    """

    recent_share: float | None
    before_share: float | None
    change: float | None
    uncertainty: float | None

    @property
    def is_change(self) -> bool:
        """Whether it is more than days differ from each other."""
        if self.change is None or self.uncertainty is None:
            return False
        return abs(self.change) > self.uncertainty

    def as_fields(self) -> dict[str, Any]:
        """The fields of the JSON."""
        named = {name: getattr(self, name) for name in self.__slots__}
        rounded = {name: None if at is None else round(at, 4) for name, at in named.items()}
        return {**rounded, "is_change": self.is_change}


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """The totals, the trend, and the rows of each section."""

    totals: dict[str, Any]
    trend: Trend
    sections: Mapping[str, QueryResult]

    def as_fields(self) -> dict[str, Any]:
        """The fields of the summary."""
        rows = {name: list(result.as_fields()) for name, result in self.sections.items()}
        return {"totals": self.totals, "trend": self.trend.as_fields(), **rows}


def archive_report(tables: Tables) -> ArchiveReport:
    """Ask a dataset all that a report tells."""
    (totals,) = tables.ask(_TOTALS).as_fields()
    sections = {name: tables.ask(sql) for name, (_, sql) in SECTIONS.items()}
    return ArchiveReport(totals, trend(list(sections["days"].as_fields())), sections)


def trend(days: Sequence[Mapping[str, Any]]) -> Trend:
    """How the last week differs from the four before it; `days` have day, streams and bad.

    The two shares are compared as binomial counts whose variance is multiplied by how much more
    the days before differ from each other than chance would have it (a quasi-binomial model:
    McCullagh and Nelder, Generalized Linear Models, 4.5).
    """
    counts = {date.fromisoformat(row["day"]): (row["bad"], row["streams"]) for row in days}
    if not counts:
        return Trend(None, None, None, None)
    split = max(counts) - timedelta(days=_RECENT_DAYS)
    first = split - timedelta(days=_BEFORE_DAYS)
    recent = [count for day, count in counts.items() if day > split]
    before = [count for day, count in counts.items() if first < day <= split]
    recent_share, before_share = _share(recent), _share(before)
    if recent_share is None or before_share is None or len(before) < _LEAST_DAYS:
        return Trend(recent_share, before_share, None, None)
    bad, streams = (sum(column) for column in zip(*recent, *before, strict=True))
    # Agresti and Coull's two more of each keep a share of nothing from being certain.
    pooled = (bad + 2) / (streams + 4)
    variance = pooled * (1 - pooled)
    spread = sum((bad - n * before_share) ** 2 / n for bad, n in before) / variance
    dispersion = max(1.0, spread / (len(before) - 1))
    sizes = sum(1 / sum(n for _, n in part) for part in (recent, before))
    uncertainty = _SIGMAS * sqrt(dispersion * variance * sizes)
    return Trend(recent_share, before_share, recent_share - before_share, uncertainty)


def _share(counts: Sequence[tuple[int, int]]) -> float | None:
    return sum(bad for bad, _ in counts) / sum(n for _, n in counts) if counts else None
