"""The score of a stream: from what was missed and nothing else, and none where it would mislead."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter
from random import Random

import pytest

from tests.corpus.runs import START_NS, Run, arrivals, diagnosed, fold
from tests.corpus.sounds import talker
from tests.corpus.wires import FORMS, RTP_FORMS, Form, Packet, packed, packets, payloads
from tests.support.spread import spread
from voipbin_cli.analysis import emodel
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.emodel import Quality
from voipbin_cli.analysis.findings.unscored import REASONS
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation

CLEAN = 4.4093  # R 93.2
NAMES = attrgetter("name")


def _packets(form: Form, seconds: float = 20.0, seed: int = 1) -> list[Packet]:
    rng = Random(seed)
    return packets(form, payloads(form, talker("en-us", seconds, seed)), rng)


def _told(form: Form, sent: list[Packet]) -> StreamDiagnosis:
    stream = StreamFold(form.encapsulation)
    got = [
        TimedMessage(packed(form.encapsulation, p), START_NS + round(p.time_s * 1e9)) for p in sent
    ]
    stream.add(from_messages(got))
    stream.flush()
    return diagnose(stream)


def _score(loss: float, mean_run: float) -> float:
    value = emodel.assess(loss, mean_burst_frames=mean_run, listening_only=True).value
    assert value is not None
    return value


@pytest.mark.parametrize("form", RTP_FORMS, ids=NAMES)
@pytest.mark.parametrize("apart", [4, 10, 50])
def test_packets_out_of_order_are_heard(form: Form, apart: int) -> None:
    sent = _packets(form)
    for n in range(20, len(sent) - 1, apart):
        sent[n], sent[n + 1] = sent[n + 1], sent[n]
    times = sorted(p.time_s for p in sent)
    swapped = [replace(p, time_s=t) for t, p in zip(times, sent, strict=True)]
    assert _told(form, swapped).measured.quality.value == pytest.approx(CLEAN, abs=5e-4)


@pytest.mark.parametrize("form", RTP_FORMS, ids=NAMES)
@pytest.mark.parametrize("run", [1, 3, 8])
def test_losses_by_number_score_as_they_fell(form: Form, run: int) -> None:
    """So many frames in a row of each 100: the mean run and the share are as they were made."""
    sent = _packets(form)
    kept = [p for n, p in enumerate(sent) if n % 100 not in range(40, 40 + run)]
    told = _told(form, kept).measured.quality
    share = (len(sent) - len(kept)) / len(sent)
    assert told.value == pytest.approx(_score(share, run), abs=0.01)


@pytest.mark.parametrize(("form", "frames"), spread(FORMS, [5, 10, 20]))
def test_late_frames_score_in_the_runs_in_which_they_were_late(form: Form, frames: int) -> None:
    """A stall each 5 s: what the buffer drops of it comes in one run."""
    sent = _packets(form, 40.0)
    held = [
        replace(p, time_s=max(p.time_s, (n - n % 250 + 100 + frames) * 0.02))
        if 100 <= n % 250 < 100 + frames
        else p
        for n, p in enumerate(sent)
    ]
    measured = _told(form, held).measured
    late = measured.buffers["adaptive"]
    assert measured.bursts.lost == late.late
    if late.late:
        assert measured.bursts.mean_run_frames is not None
        assert measured.bursts.mean_run_frames > 1
        mean_run = measured.bursts.mean_run_frames
        assert measured.quality.value == pytest.approx(_score(late.late_ratio, mean_run), abs=5e-4)


@pytest.mark.parametrize(("form", "run"), spread(FORMS, [1, 3]))
def test_holes_from_upstream_score_by_their_runs(form: Form, run: int) -> None:
    """Zeros in so many frames of each 25 where there is speech: BurstR is that of the runs."""
    rng = Random(2)
    samples = talker("en-us", 30.0, 2).copy()
    for at in range(160 * 25, len(samples) - 8000, 160 * 25):
        samples[at : at + 160 * run] = 0
    measured = _told(form, packets(form, payloads(form, samples), rng)).measured
    assert measured.holes.lost_ms > 0
    assert measured.bursts.lost == pytest.approx(measured.holes.lost_ms / 20, abs=1)
    assert measured.bursts.mean_run_frames == pytest.approx(run, rel=0.15)


SCORED = ["clean", "stall", "lost-audio", "jitter", "clipping", "noise", "clock-drift"]


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
@pytest.mark.parametrize("scenario", SCORED)
def test_what_is_understood_is_scored(scenario: str, encapsulation: Encapsulation) -> None:
    told = diagnosed(Run(scenario, scenario, frozenset(), encapsulation)).measured.quality
    assert told.value is not None
    assert told.reason is None


UNSCORED = ["byte-order", "misaligned", "codec-mismatch", "codec-change", "wrong-rate"]


@pytest.mark.parametrize("encapsulation", list(Encapsulation))
@pytest.mark.parametrize("scenario", UNSCORED)
def test_what_nobody_understands_has_no_score_but_a_reason(
    scenario: str, encapsulation: Encapsulation
) -> None:
    told = diagnosed(Run(scenario, scenario, frozenset(), encapsulation))
    mos = told.as_fields()["metrics"]["mos"]
    assert (mos["value"], mos["r_factor"]) == (None, None)
    assert mos["reason"] in REASONS.values()


def test_nothing_at_all_has_no_score() -> None:
    stream = StreamFold(Encapsulation.RTP)
    stream.flush()
    assert diagnose(stream).measured.quality.value is None
    assert stream.measured().quality.reason == "no audio came"


def test_the_sleep_of_this_machine_is_in_no_score() -> None:
    run = Run(
        "lag", "clean", frozenset(), seconds=20.0, lag=tuple((t, 400.0) for t in range(2, 18))
    )
    told = diagnose(fold(run, arrivals(run))).measured
    assert told.quality.value == pytest.approx(CLEAN, abs=5e-4)


def test_a_reason_takes_the_score_away() -> None:
    told = Quality(4.0, 80.0, "model", ("assumed",)).untold("why")
    assert told == (None, None, "model", ("assumed",), "why")
