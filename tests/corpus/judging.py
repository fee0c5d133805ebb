"""What a diagnosis told of labelled streams, counted: root causes, alarms, and how sure it was."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tests.corpus.runs import CHUNK, MS, SECOND, Run, diagnosed
from tests.corpus.wires import START_NS, Stream
from voipbin_cli.analysis.diagnosis import diagnose
from voipbin_cli.analysis.findings import Circumstances, Finding
from voipbin_cli.analysis.messages import from_messages
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold

# Lower bounds of confidence: what is told in a band has to be right as often as its bounds say.
BANDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
TOLERANCE = 0.05


@dataclass(frozen=True)
class Outcome:
    """What was told of one stream; `expected` empty where nothing is wrong with it."""

    label: str
    kind: str
    subject: str
    expected: frozenset[str]
    all_of: tuple[frozenset[str], ...]
    told: tuple[Finding, ...]

    @property
    def alarms(self) -> tuple[Finding, ...]:
        """What a person would be worried by."""
        return tuple(f for f in self.told if f.severity is not Severity.INFO)

    @property
    def first(self) -> str:
        """The root cause; where all are infos, one that was expected goes before the others."""
        if self.alarms or not self.told:
            return self.alarms[0].id if self.alarms else "-"
        ids = [finding.id for finding in self.told]
        return next((name for name in ids if name in self.expected), ids[0])

    @property
    def is_right(self) -> bool:
        """The first that is told is true, or nothing is where nothing is wrong."""
        return self.first in self.expected if self.expected else not self.alarms

    @property
    def names_all(self) -> bool:
        """Each fault is told in some place."""
        ids = {finding.id.value for finding in self.told}
        return all(ids & names for names in self.all_of)

    def __str__(self) -> str:
        told = ", ".join(f"{f.id} {f.confidence:.2f} {dict(f.evidence)}" for f in self.told[:3])
        return f"{self.label}: wanted {sorted(self.expected) or 'nothing'}, got {told or 'nothing'}"


def of_stream(stream: Stream) -> Outcome:
    """Lead a stream through the folds as a live run does."""
    fold = StreamFold(stream.encapsulation)
    for at_s, late_ms in stream.lag:
        fold.lagged(START_NS + int(at_s * SECOND + late_ms * MS), int(late_ms * MS))
    for at in range(0, len(stream.messages), 100 * CHUNK):
        fold.add(from_messages(list(stream.messages[at : at + 100 * CHUNK])))
    fold.flush()
    told = diagnose(fold, Circumstances()).findings
    return Outcome(stream.label, stream.kind, stream.subject, stream.expected, stream.all_of, told)


def of_run(run: Run) -> Outcome:
    """The same of the simulator's."""
    kind = "|".join(sorted(run.expected)) or "healthy"
    label = f"{run.label} {run.encapsulation}"
    return Outcome(label, kind, "simulator", run.expected, (), diagnosed(run).findings)


def matrix(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """A line for each kind: how many were right, and what the others were taken for."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.kind].append(outcome)
    for kind, those in kinds.items():
        right = sum(outcome.is_right for outcome in those)
        wrong = Counter(outcome.first for outcome in those if not outcome.is_right)
        others = ", ".join(f"{count} {name}" for name, count in wrong.most_common())
        yield f"{kind:<32} {right:4} of {len(those):4}  {others}".rstrip()


class Band(NamedTuple):
    """Findings told with a confidence from `low` to `high`: how many, and how many were right."""

    low: float
    high: float
    told: int
    right: int

    @property
    def is_calibrated(self) -> bool:
        """As often right as was said, or nearly; one in twenty too few to tell by counts too."""
        if self.told < 20:
            return True
        share = self.right / self.told
        return self.low - TOLERANCE <= share

    def __str__(self) -> str:
        share = f"{self.right / self.told:7.1%}" if self.told else "      -"
        return f"{self.low:4.0%} to {self.high:4.0%}  {self.told:6} told  {share} right"


def calibration(outcomes: Iterable[Outcome]) -> list[Band]:
    """The first finding of each stream that raises an alarm, by how sure it was told."""
    firsts = [(o.alarms[0].confidence, o.is_right) for o in outcomes if o.alarms]
    highs = (*BANDS[1:], 1.0)
    bands = []
    for low, high in zip(BANDS, highs, strict=True):
        inside = [right for sure, right in firsts if low <= sure < high or sure == high == 1.0]
        bands.append(Band(low, high, len(inside), sum(inside)))
    return bands
