"""What `diagnose` promises, on a slice of the corpus that nothing was tuned by."""

from __future__ import annotations

import pytest

from tests.corpus import kinds
from tests.corpus.__main__ import healthy, single_faults
from tests.corpus.judging import calibration, of_stream

SEEDS = range(9001, 9003)
# One in so many, so that it takes seconds, and of each seed others.
FAULTS_STEP, HEALTHY_STEP = 9, 17
RIGHT, RIGHT_OF_ARRIVALS = 0.97, 0.99


@pytest.mark.slow
def test_the_first_finding_is_right_nothing_is_alarmed_and_confidence_is_kept() -> None:
    faults, quiet = single_faults(SEEDS, FAULTS_STEP), healthy(SEEDS, HEALTHY_STEP)
    misses = [str(outcome) for outcome in faults if not outcome.is_right]
    assert len(misses) <= (1 - RIGHT) * len(faults), "\n".join(misses)
    arrivals = [outcome for outcome in faults if outcome.subject in ("arrival", "rtp")]
    late = [str(outcome) for outcome in arrivals if not outcome.is_right]
    assert len(late) <= (1 - RIGHT_OF_ARRIVALS) * len(arrivals), "\n".join(late)
    assert [str(outcome) for outcome in quiet if not outcome.is_right] == []
    bands = [band for band in calibration([*faults, *quiet]) if band.told >= 30]
    assert bands
    assert [str(band) for band in bands if not band.is_calibrated] == []
    assert len(faults) >= 50
    assert len(quiet) >= 25


def test_what_hides_the_other_by_nature_is_told_and_the_other_is_not() -> None:
    for stream, hidden in kinds.hidden(range(1, 2)):
        outcome = of_stream(stream)
        assert outcome.first in stream.all_of[0], outcome
        assert not hidden - stream.all_of[0] & {f.id.value for f in outcome.told}, outcome
