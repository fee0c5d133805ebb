"""Every row of the table of findings at its thresholds: how sure, how grave, with what evidence."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest

from tests.corpus.runs import Run, arrivals, fold
from voipbin_cli.analysis.arrivals.arrival_log import Begins
from voipbin_cli.analysis.arrivals.drift import Drift
from voipbin_cli.analysis.arrivals.intervals import Intervals
from voipbin_cli.analysis.arrivals.numbering import Restart
from voipbin_cli.analysis.arrivals.own_lag import Lag, Trips
from voipbin_cli.analysis.arrivals.paces import Stamped
from voipbin_cli.analysis.arrivals.reception import Reception, SequenceFold
from voipbin_cli.analysis.closing import Closing
from voipbin_cli.analysis.findings import BY_ID, Circumstances, find, verdict
from voipbin_cli.analysis.findings.row import ALL_AUDIO, Case
from voipbin_cli.analysis.metrics import Measured, Outage
from voipbin_cli.analysis.pauses import Grounds, Pause
from voipbin_cli.analysis.playout.late_frames import Outcome
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.sound.clicks import Clicks
from voipbin_cli.analysis.sound.codec_judge import Change
from voipbin_cli.analysis.sound.file_headers import FileHeaders
from voipbin_cli.analysis.sound.holes import Holes
from voipbin_cli.analysis.sound.hum import Tone
from voipbin_cli.analysis.sound.noise_floor import NoiseFloor
from voipbin_cli.analysis.sound.repetition import Repeats
from voipbin_cli.analysis.sound.stillness import Stillness
from voipbin_cli.analysis.told import Told
from voipbin_cli.analysis.words import Words
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.examination import Found
from voipbin_cli.codec.fingerprint import Fingerprint
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.framing import OtherFraming
from voipbin_cli.codec.payload_types import PayloadType
from voipbin_cli.codec.reading import Reading
from voipbin_cli.finding_ids import FindingId

MS = 1_000_000
MULAW, LINEAR = Reading(Codec.MULAW), Reading(Codec.S16LE)
SHIFTED = Reading(Codec.S16LE, shifted=True)


@lru_cache
def _clean() -> Measured:
    """Ten seconds to the nanosecond of a healthy, deployed stream."""
    run = Run("", "clean", frozenset())
    whole = fold(run, arrivals(run), 500).measured()
    return replace(whole, began_ns=0, ended_ns=9_980 * MS, frame_ms=20.0, frames=500)


def facts(around: Circumstances | None = None, **changes: Any) -> Case:
    measured = _clean()
    signal = {name: changes.pop(name) for name in measured.signal._fields if name in changes}
    return Case(
        replace(measured, signal=measured.signal._replace(**signal), **changes),
        around or Circumstances(),
    )


def sure(finding: str, told: Case) -> float:
    return pytest.approx(BY_ID[finding].judge(told), abs=1e-9)  # type: ignore[no-any-return]


def evidence(finding: str, told: Case) -> dict[str, Any]:
    return BY_ID[finding].prove(told)


def stall(late_ms: float, burst: float = 1.0) -> Pause:
    grounds = Grounds(burst_frames=round(100 * burst), due_frames=100)
    return Pause(100, 0, int(late_ms * MS), late_ns=int(late_ms * MS), grounds=grounds)


def loss(lost_ms: float) -> Pause:
    return Pause(100, 0, int(lost_ms * MS), lost_ns=int(lost_ms * MS))


def own(ms: float) -> Pause:
    return Pause(100, 0, int(ms * MS), excused_ns=int(ms * MS))


def buffers(late_ratio: float) -> dict[str, Outcome]:
    late = round(1000 * late_ratio)
    return {
        "fixed 60 ms": Outcome(1000, late, late_ratio, 60.0),
        "fixed 120 ms": Outcome(1000, 30, 0.03006, 120.0),
        "fixed 200 ms": Outcome(1000, 2, 0.00204, 200.0),
        "adaptive": Outcome(1000, 1, 0.001, 123.46),
    }


# When the frames come


def numbers(missing: int, duplicate: int, reordered: int, expected: int) -> Case:
    none = dict.fromkeys(Reception._fields, 0)
    counts = {"missing": missing, "duplicate": duplicate, "reordered": reordered}
    return facts(reception=Reception(**none | counts | {"total_expected": expected}))


@pytest.mark.parametrize(
    ("counts", "confidence"),
    [
        ((1, 0, 0, 500), 0.0),  # one may be anything
        ((1, 1, 0, 2001), 0.0),  # under one in a thousand
        ((1, 1, 0, 2000), 0.5),
        ((4, 4, 3, 2000), 0.75),  # 0.0055 is half way between 0.001 and 0.01
        ((0, 0, 20, 2000), 1.0),
        ((500, 0, 0, 2000), 1.0),
    ],
)
def test_sequence(counts: tuple[int, int, int, int], confidence: float) -> None:
    assert sure("sequence", numbers(*counts)) == confidence


def test_sequence_without_numbers_and_without_packets() -> None:
    assert sure("sequence", facts(reception=None)) == 0
    assert not BY_ID["sequence"].grave(facts(reception=None))
    assert sure("sequence", numbers(2, 0, 0, 0)) == 1.0  # nothing expected, and yet


def test_sequence_tells_its_counts_and_is_grave_over_five_in_a_hundred() -> None:
    told = numbers(3, 2, 1, 1000)
    assert evidence("sequence", told) == {
        "expected": 1000,
        "missing": 3,
        "duplicate": 2,
        "reordered": 1,
    }
    assert not BY_ID["sequence"].grave(numbers(50, 0, 0, 1000))
    assert BY_ID["sequence"].grave(numbers(51, 0, 0, 1000))
    assert BY_ID["sequence"].grave(numbers(1, 0, 0, 0))


def test_sequence_numbers_none_of_which_follows_the_one_before() -> None:
    fold = SequenceFold()
    fold.add(range(0, 1000, 2))
    told = facts(reception=fold.result())
    assert sure("sequence", told) == 1.0
    assert evidence("sequence", told)["left_out_before_each"] == 1
    assert "in a row" in BY_ID["sequence"].specify(told).title
    # A frame each 40 ms with every second number: the others are of another source, or lost.
    slow = paced(4000.0, 40.0, reception=fold.result())
    assert sure("sender-pace", slow) == 0
    assert sure("sender-pace", paced(4000.0, 40.0)) == 1.0


@pytest.mark.parametrize(
    ("late_ms", "confidence"), [(79.9, 0.0), (80, 0.5), (140, 0.75), (200, 1.0), (3000, 1.0)]
)
def test_network_stall(late_ms: float, confidence: float) -> None:
    assert sure("network-stall", facts(pauses=(stall(61), stall(late_ms)))) == confidence


def test_pauses_that_did_not_end_in_a_burst_are_no_stalls() -> None:
    wander = stall(60, burst=0.49)
    assert sure("network-stall", facts(pauses=(stall(200), wander))) == 1.0
    assert sure("network-stall", facts(pauses=(stall(120), wander, wander))) != 0
    assert sure("network-stall", facts(pauses=(stall(119.9), wander, wander))) == 0
    assert sure("network-stall", facts(pauses=(wander,))) == 0
    # Under three frames, or half of it at once: no wandering.
    brief, burst = stall(59.9, burst=0.2), stall(100, burst=0.5)
    assert sure("network-stall", facts(pauses=(stall(200), brief, brief, burst))) == 1.0
    assert sure("network-stall", facts(pauses=())) == 0


def test_nothing_wanders_by_400_ms() -> None:
    assert sure("network-stall", facts(pauses=(stall(400, burst=0.0),))) == 1.0
    assert sure("network-stall", facts(pauses=(stall(399.9, burst=0.0),))) == 0


def test_network_stall_tells_what_was_late() -> None:
    told = facts(pauses=(stall(100.04), stall(250), stall(30)), buffers=buffers(0.12344))
    assert evidence("network-stall", told) == {
        "count": 2,
        "longest_ms": 250.0,
        "total_ms": 350.0,
        "late_in_60_ms_buffer": 0.1234,
        "late_in_200_ms_buffer": 0.002,
    }
    assert evidence("network-stall", facts(pauses=()))["longest_ms"] == 0.0


def flushed(period_ms: float, uneven_ms: float = 0.0, count: int = 10) -> tuple[Pause, ...]:
    """What came in a second was handed on in so many batches; each other one is uneven."""
    ends = [int((n * period_ms + n % 2 * uneven_ms) * MS) for n in range(count)]
    return tuple(stall(period_ms)._replace(at_ns=end) for end in ends)


def test_network_stall_tells_the_period_of_what_collects_frames() -> None:
    assert evidence("network-stall", facts(pauses=flushed(1000)))["period_ms"] == 1000
    uneven = evidence("network-stall", facts(pauses=flushed(1000, 90)))
    assert uneven["period_ms"] == pytest.approx(1000, rel=0.1)
    assert "period_ms" not in evidence("network-stall", facts(pauses=flushed(1000, 130)))
    # Six tenths of the ten seconds, and four times.
    assert evidence("network-stall", facts(pauses=flushed(1000, count=6)))["period_ms"] == 1000
    assert "period_ms" not in evidence("network-stall", facts(pauses=flushed(1000, count=5)))
    assert "period_ms" not in evidence("network-stall", facts(pauses=flushed(3000, count=3)))


def test_where_each_frame_is_late_its_pauses_are_no_stalls() -> None:
    late = (stall(200), stall(399.9))
    assert sure("network-stall", facts(pauses=late, calm_ratio=0.3)) == 1.0
    assert sure("network-stall", facts(pauses=late, calm_ratio=0.29)) == 0
    # Unless they are longer than chance makes them, or come by a timer.
    assert sure("network-stall", facts(pauses=(stall(400),), calm_ratio=0.0)) == 1.0
    assert sure("network-stall", facts(pauses=flushed(250, count=40), calm_ratio=0.0)) == 1.0


@pytest.mark.parametrize(
    ("backlog_ms", "confidence"), [(399.9, 0.0), (400, 0.5), (600, 0.75), (800, 1.0), (12_000, 1.0)]
)
def test_network_stall_tells_what_had_waited_before_the_start(
    backlog_ms: float, confidence: float
) -> None:
    told = facts(backlog_ms=backlog_ms)
    assert sure("network-stall", told) == confidence
    assert ("at_once_at_the_start_ms" in evidence("network-stall", told)) is (confidence > 0)
    # This machine was busy for as long when the stream began.
    assert sure("network-stall", facts(backlog_ms=backlog_ms, lag=Lag(0.0, backlog_ms / 2))) == 0


def test_network_stall_is_grave_where_a_fifth_of_the_time_was_late() -> None:
    assert not BY_ID["network-stall"].grave(facts(pauses=(stall(2000),)))
    assert BY_ID["network-stall"].grave(facts(pauses=(stall(1000), stall(1001))))


def starved(samples_hz: float, queued_ms: float) -> Case:
    return facts(samples_hz=samples_hz, trips=Trips(10, 1.0, 50.0, 200.0, queued_ms), pauses=())


def test_a_link_is_too_slow_where_pings_queue_as_well() -> None:
    assert sure("network-stall", starved(7759, 200)) == 0.95
    assert sure("network-stall", starved(7760, 200)) == 0  # 0.97 of 8000
    assert sure("network-stall", starved(7000, 199.9)) == 0
    assert sure("wrong-rate", starved(4000, 200)) == 0
    assert BY_ID["network-stall"].grave(starved(7000, 200))
    told = replace(starved(6000, 321.04).measured, frames=400)
    proof = evidence("network-stall", Case(told, Circumstances()))
    assert (proof["link_carries"], proof["pings_queued_ms"]) == (0.75, 321.0)
    assert proof["behind_ms"] == 2000.0  # 400 frames are 8 s


@pytest.mark.parametrize(("lost_ms", "confidence"), [(19, 0.0), (20, 0.5), (60, 0.75), (100, 1.0)])
def test_lost_audio(lost_ms: float, confidence: float) -> None:
    assert sure("lost-audio", facts(pauses=(loss(lost_ms), stall(70)))) == confidence


def test_lost_audio_tells_how_much_and_is_grave_over_five_in_a_hundred() -> None:
    told = facts(pauses=(loss(120), loss(380.04), stall(100)))
    assert evidence("lost-audio", told) == {
        "gaps": 2,
        "lost_ms": 500.0,
        "longest_ms": 380.0,
        "share": 0.05,
        "missing_by_number": 0,
    }
    assert evidence("lost-audio", facts(pauses=()))["longest_ms"] == 0.0
    assert sure("lost-audio", facts(pauses=())) == 0
    assert not BY_ID["lost-audio"].grave(facts(pauses=(loss(500),)))
    assert BY_ID["lost-audio"].grave(facts(pauses=(loss(501),)))


def wait(ms: float, goes_on: float = 0.0) -> Pause:
    """A pause in which the sender waited."""
    return Pause(100, 0, int(ms * MS), dry_ns=int(ms * MS), grounds=Grounds(goes_on=goes_on))


@pytest.mark.parametrize(
    ("goes_on", "confidence"), [(0.0, 0.75), (0.8, 0.75), (0.9, 0.9), (1.9, 0.9), (2.0, 0.95)]
)
def test_underrun_is_as_sure_as_the_sound(goes_on: float, confidence: float) -> None:
    # Three pauses: e^2.5 and e^6 in all are what it takes.
    told = facts(pauses=(wait(100, goes_on),) * 3)
    assert sure("underrun", told) == confidence
    assert evidence("underrun", told) == {
        "pauses": 3,
        "longest_ms": 100.0,
        "total_ms": 300.0,
        "missing_by_number": 0,
        "sound_goes_on": True if confidence > 0.75 else None,
    }


def test_underrun_is_grave_over_five_in_a_hundred() -> None:
    assert sure("underrun", facts(pauses=(wait(19.9),))) == sure("underrun", facts()) == 0
    assert not BY_ID["underrun"].grave(facts(pauses=(wait(500),)))
    assert BY_ID["underrun"].grave(facts(pauses=(wait(501),)))


def test_underrun_and_lost_audio_are_never_told_of_the_same_pause() -> None:
    told = facts(pauses=(wait(100, 3.0), wait(200, 3.0)))
    assert [finding.id for finding in find(told.measured, told.around)] == ["underrun"]
    both = facts(pauses=(wait(100, 3.0), loss(120), loss(80)))
    found = {finding.id: finding for finding in find(both.measured, both.around)}
    assert set(found) == {"underrun", "lost-audio"}
    assert found[FindingId.UNDERRUN].title.startswith(
        "the sender ran dry once: nothing was lost in it"
    )
    assert found[FindingId.UNDERRUN].evidence["total_ms"] == 100.0
    assert found[FindingId.LOST_AUDIO].evidence["lost_ms"] == both.measured.lost_ms == 200.0


def test_audio_that_was_lost_before_it_was_numbered_is_told_so() -> None:
    told = facts(pauses=(loss(200),))
    assert told.measured.has_whole_numbers
    assert "this link lost nothing" in BY_ID["lost-audio"].finding(told, 1.0).remedy
    unnumbered = facts(pauses=(loss(200),), reception=None)
    assert "this link" not in BY_ID["lost-audio"].finding(unnumbered, 1.0).remedy


@pytest.mark.parametrize(
    ("ratio", "confidence"), [(0.0199, 0.0), (0.02, 0.5), (0.06, 0.75), (0.1, 1.0)]
)
def test_jitter(ratio: float, confidence: float) -> None:
    assert sure("jitter", facts(buffers=buffers(ratio), calm_ratio=0.5)) == confidence


def test_no_jitter_where_the_frames_come_when_they_are_due() -> None:
    assert sure("jitter", facts(buffers=buffers(0.5), calm_ratio=0.98)) == 1.0
    assert sure("jitter", facts(buffers=buffers(0.5), calm_ratio=0.981)) == 0


def test_no_jitter_of_less_than_two_seconds() -> None:
    for ended_ms, is_told in ((1979, False), (1980, True)):
        told = facts(buffers=buffers(0.5), calm_ratio=0.5, ended_ns=ended_ms * MS)
        assert (sure("jitter", told) != 0) is is_told


def test_jitter_tells_what_buffers_would_have_made_of_it() -> None:
    jitter = _clean().jitter._replace(max_ms=17.26)
    assert evidence("jitter", facts(buffers=buffers(0.25), jitter=jitter)) == {
        "late_in_60_ms_buffer": 0.25,
        "late_in_120_ms_buffer": 0.0301,
        "late_in_200_ms_buffer": 0.002,
        "adaptive_delay_ms": 123.5,
        "interarrival_jitter_ms": 17.3,
    }
    untold = facts(buffers=buffers(0.25), jitter=jitter._replace(max_ms=None))
    assert evidence("jitter", untold)["interarrival_jitter_ms"] == 0.0


@pytest.mark.parametrize(
    ("ppm", "uncertainty_ppm", "confidence"),
    [
        (129.9, 10.0, 0.0),  # 100 and three times the uncertainty
        (130.0, 10.0, 0.575),
        (200.0, 33.0, 0.75),
        (-200.0, 33.0, 0.75),
        (-300.0, 10.0, 1.0),
        (1000.0, 10.0, 1.0),
        (1001.0, 10.0, 0.6),  # no crystal is so wrong, and 10 ms may be a queue that filled up
        (-3000.0, 10.0, 0.6),
        (6000.0, 10.0, 0.85),
        (10_000.0, 10.0, 0.85),
        (10_001.0, 10.0, 0.0),  # no clock is off by more than 1 %
        (-10_001.0, 10.0, 0.0),
        (None, None, 0.0),
        (500.0, None, 0.0),
    ],
)
def test_clock_drift(ppm: float | None, uncertainty_ppm: float | None, confidence: float) -> None:
    assert sure("clock-drift", facts(drift=Drift(ppm, uncertainty_ppm, 20, 10.0))) == confidence


def test_a_queue_that_fills_up_is_no_slow_clock() -> None:
    def drifting(ppm: float, queued_ms: float) -> Case:
        trips = Trips(10, 1.0, 2.0, 3.0, queued_ms)
        return facts(drift=Drift(ppm, 10.0, 20, 300.0), trips=trips)

    # 400 ppm slow make 120 ms in 300 s.
    assert sure("clock-drift", drifting(-400.0, 120.1)) == 0
    assert sure("clock-drift", drifting(-400.0, 119.9)) == 1.0
    assert sure("clock-drift", drifting(400.0, 500.0)) == 1.0
    slow = starved(7000, 300)
    wandering = replace(slow.measured, drift=Drift(500.0, 1.0, 20, 10.0))
    assert sure("clock-drift", Case(wandering, Circumstances())) == 0


def test_what_no_crystal_does_may_be_a_queue() -> None:
    def told(ppm: float) -> str:
        return words("clock-drift", facts(drift=Drift(ppm, 10.0, 20, 10.0)))

    assert "slow: 300 ms a minute, or a queue on the way fills up; no crystal" in told(-5000.0)
    assert "fast: 300 ms a minute, or a queue on the way empties; no crystal" in told(5000.0)
    assert "queue" not in told(-900.0) + told(900.0)


def test_clock_drift_tells_how_sure_it_is() -> None:
    told = facts(drift=Drift(-250.04, 12.36, 20, 10.0))
    assert evidence("clock-drift", told) == {"ppm": -250.0, "uncertainty_ppm": 12.4}
    untold = facts(drift=Drift(None, None, 0, 0.0))
    assert evidence("clock-drift", untold) == {"ppm": 0.0, "uncertainty_ppm": 0.0}


# Before and around the frames


def test_muted() -> None:
    told = facts(Circumstances(mute_direction="both"), silence_ratio=0.98765)
    assert sure("muted", told) == 0.99
    assert evidence("muted", told) == {"mute_direction": "both", "silence_ratio": 0.988}
    assert sure("muted", facts()) == 0


def test_no_audio() -> None:
    assert sure("no-audio", facts(frames=0, messages=0, malformed=0)) == 0.99
    assert sure("no-audio", facts(frames=1, messages=1)) == 0
    # What is malformed for the most part is another matter.
    assert sure("no-audio", facts(frames=0, messages=10, malformed=5)) == 0.99
    assert sure("no-audio", facts(frames=0, messages=10, malformed=6)) == 0
    alone = facts(Circumstances(members=1), frames=0, messages=0)
    assert evidence("no-audio", alone) == {
        "frames": 0,
        "members": 1,
    }
    asked = facts(Circumstances(look_up="HTTP 503"), frames=0, messages=0)
    assert evidence("no-audio", asked)["look_up_of_the_call"] == "HTTP 503"
    assert BY_ID["no-audio"].mild(alone)
    assert not BY_ID["no-audio"].mild(facts(Circumstances(members=2)))


def test_connection_lost() -> None:
    outages = (Outage(0, 700 * MS), Outage(5, 1300 * MS), Outage(9, None))
    told = facts(outages=outages)
    assert sure("connection-lost", told) == 0.95
    assert evidence("connection-lost", told) == {
        "count": 3,
        "won_back": 2,
        "longest_ms": 1300.0,
        "silent_at_the_end_ms": None,
    }
    assert not BY_ID["connection-lost"].grave(told)
    gone = facts(Circumstances(lost_for_good=True, call_status="progressing"))
    assert sure("connection-lost", gone) == 0.95
    assert evidence("connection-lost", gone)["count"] == 1
    assert evidence("connection-lost", gone)["longest_ms"] == 0.0
    assert BY_ID["connection-lost"].grave(gone)
    assert sure("connection-lost", facts()) == 0


@pytest.mark.parametrize(
    ("silent_ms", "members", "frames", "confidence"),
    [
        (2000.0, None, 500, 0.7),
        (2000.0, 2, 1, 0.7),
        (1999.9, None, 500, 0.0),
        (9000.0, 1, 500, 0.0),  # a lone member may fall silent
        (9000.0, None, 0, 0.0),
    ],
)
def test_a_stream_that_fell_dead(
    silent_ms: float, members: int | None, frames: int, confidence: float
) -> None:
    told = facts(Circumstances(silent_ms=silent_ms, members=members), frames=frames)
    assert sure("lost-audio", told) == 0
    assert sure("connection-lost", told) == confidence
    assert BY_ID["connection-lost"].grave(told) is (confidence > 0)
    dead_ms = silent_ms if confidence else None
    assert evidence("connection-lost", told)["silent_at_the_end_ms"] == dead_ms


@pytest.mark.parametrize(
    ("pinged", "lost", "stopped", "words"),
    [
        (None, 0.7, 0.0, "no pings tell whether the link or the sender stopped"),
        (False, 0.95, 0.0, "the link went dead"),
        (True, 0.0, 0.95, "the link is alive"),
    ],
)
def test_pings_tell_a_dead_link_from_audio_that_stopped(
    pinged: bool | None, lost: float, stopped: float, words: str
) -> None:
    around = Circumstances(silent_ms=4000.0, pinged=pinged)
    told = facts(around)
    assert sure("connection-lost", told) == lost
    assert sure("lost-audio", told) == stopped
    (found,) = find(told.measured, around)
    assert found.severity is Severity.ERROR
    assert words in found.title
    if stopped:
        assert found.evidence == {"silent_at_the_end_ms": 4000.0, "pings_answered_since": True}


def test_a_lone_member_that_falls_silent_is_no_fault_though_pings_are_answered() -> None:
    assert find(_clean(), Circumstances(silent_ms=9000.0, pinged=True, members=1)) == ()
    assert find(_clean(), Circumstances(silent_ms=1900.0, pinged=True)) == ()


def test_a_link_that_nobody_knows_the_call_of_is_told_with_less_certainty() -> None:
    """The platform closes the socket alike at the end of a call and on a fault."""
    ended = (Closing(1006, lasted_s=61.4),)
    alone = facts(Circumstances(lost_for_good=True, closings=ended), outages=(Outage(0, None),))
    assert sure("connection-lost", alone) == 0.6
    (found,) = find(alone.measured, alone.around)
    assert found.severity is Severity.WARNING
    assert "nobody can say" in found.title
    for more in (
        {"call_status": "progressing"},
        {"details": {"last_attempt": "h:1 refused the connection"}},
        {"closings": (Closing(1011),)},
    ):
        around = replace(alone.around, **more)  # type: ignore[arg-type]
        (known,) = find(alone.measured, around)
        assert (known.confidence, known.severity) == (0.95, Severity.ERROR)


def test_a_link_that_no_attempt_brought_back_is_told_without_a_word_of_the_call() -> None:
    around = Circumstances(
        lost_for_good=True,
        closings=(Closing(1006, lasted_s=9.0),),
        details={"last_attempt": "h:1 refused the connection"},
    )
    (found,) = find(facts(outages=(Outage(0, None),)).measured, around)
    assert "no attempt" in found.title
    assert found.evidence["last_attempt"] == "h:1 refused the connection"
    assert "close_reason" not in found.evidence
    restarted = replace(around, closings=(Closing(1012, "restart"),))
    (told,) = find(facts(outages=(Outage(0, None),)).measured, restarted)
    assert "restarts" in told.title


def test_the_end_of_a_connection_is_evidence() -> None:
    closings = (Closing(1006, lasted_s=61.44), Closing(1008, "no more", lasted_s=59.96))
    told = facts(Circumstances(closings=closings, call_status="progressing"))
    proof = evidence("connection-lost", told)
    assert (proof["close_code"], proof["close_reason"]) == (1008, "no more")
    assert proof["ended_by"] == "the far end"
    assert proof["connection_ages_s"] == [61.4, 60.0]
    assert proof["call_status"] == "progressing"
    many = facts(Circumstances(closings=tuple(Closing(1006, lasted_s=float(n)) for n in range(30))))
    assert evidence("connection-lost", many)["connection_ages_s"] == [*map(float, range(20, 30))]
    assert evidence("connection-lost", many)["ended_by"] == "the far end or the network"
    ours = facts(Circumstances(closings=(Closing(1009, is_local=True),)))
    assert evidence("connection-lost", ours)["ended_by"] == "this side"


def test_a_stream_closed_early_says_what_its_close_frame_says() -> None:
    empty = facts(frames=0, messages=0).measured

    def found(*closings: Closing) -> Any:
        (one,) = find(empty, Circumstances(refused=FindingId.CLOSED_EARLY, closings=closings))
        assert one.severity is Severity.ERROR
        return one

    expired = found(Closing(4401, "token expired"))
    assert "before any audio: the far end closed the stream because the token" in expired.title
    assert "new token" in expired.remedy
    plain = BY_ID["closed-early"]
    for closings in ((), (Closing(1006),), (Closing(1000),)):
        assert (found(*closings).title, found(*closings).remedy) == (plain.title, plain.remedy)


def test_a_call_that_ended_without_a_frame_is_no_audio_and_told_as_that() -> None:
    empty = facts(frames=0, messages=0).measured
    (found,) = find(empty, Circumstances(call_status="hangup"))
    assert (found.id, found.evidence["call_status"]) == ("no-audio", "hangup")
    assert "was up and ended" in found.title
    (up,) = find(empty, Circumstances(call_status="progressing"))
    assert up.title == BY_ID["no-audio"].title


@pytest.mark.parametrize("refused", ["not-found", "call-not-progressing"])
def test_a_call_that_is_gone_after_it_was_heard_is_over(refused: str) -> None:
    around = Circumstances(refused=FindingId(refused), words=Words("no such call", "check the id"))
    (found,) = find(_clean(), around)
    assert (found.id, found.severity, found.confidence) == (refused, Severity.INFO, 0.7)
    assert "the call is over" in found.title
    (never,) = find(facts(frames=0, messages=0).measured, around)
    assert (never.severity, never.title) == (Severity.ERROR, "no such call")


def lag(*excused_ms: float, frames: int = 500) -> Case:
    pauses = tuple(own(ms) for ms in excused_ms)
    return facts(pauses=pauses, lag=Lag(1.26, 123.46), frames=frames)


def test_a_link_given_up_after_grave_stalls_is_told_after_them() -> None:
    gone = Circumstances(lost_for_good=True, call_status="progressing")

    def told(*late_ms: float) -> list[str]:
        pauses = tuple(stall(ms) for ms in late_ms)
        return [found.id for found in find(facts(pauses=pauses).measured, gone)]

    assert told(1500, 1500) == ["network-stall", "connection-lost"]
    assert told(300) == ["connection-lost", "network-stall"]


def test_local_lag() -> None:
    assert sure("local-lag", lag(20)) == 0.9
    assert sure("local-lag", lag(19.9, 19.9)) == 0
    assert sure("local-lag", lag()) == 0  # late, and no frame waited
    assert evidence("local-lag", lag(100, 50.06)) == {
        "late_ms_max": 123.5,
        "late_ms_p99": 1.3,
        "gaps_excused": 2,
        "excused_ms": 150.1,
    }


@pytest.mark.parametrize(
    ("excused_ms", "is_harmless"),
    [
        # 80 ms keep one frame more than 60 ms waiting, 2 % of 500 are ten.
        ((80,) * 9, True),
        ((80,) * 10, False),
        ((60,) * 100, True),
        ((199.9,), True),  # seven frames
        ((200,), False),  # no buffer is longer
    ],
)
def test_own_lag_that_no_buffer_would_notice(
    excused_ms: tuple[float, ...], is_harmless: bool
) -> None:
    assert BY_ID["local-lag"].mild(lag(*excused_ms)) is is_harmless


@pytest.mark.parametrize("refused", ["cannot-connect", "tls", "auth", "closed-early"])
def test_what_was_refused_is_certain(refused: str) -> None:
    told = facts(Circumstances(refused=refused, details={"http_status": 403}))
    assert sure(refused, told) == 1.0
    assert evidence(refused, told) == {"http_status": 403}
    assert sure("forbidden", told) == 0


def test_a_refusal_is_told_in_the_words_of_the_error() -> None:
    words = Words("the account is frozen", "ask its administrator")
    around = Circumstances(refused=FindingId.FORBIDDEN, words=words)
    (found,) = find(facts(around, frames=0, messages=0).measured, around)
    assert (found.title, found.remedy) == words
    (plain,) = find(_clean(), Circumstances(refused=FindingId.FORBIDDEN))
    assert (plain.title, plain.remedy) == (BY_ID["forbidden"].title, BY_ID["forbidden"].remedy)


def test_a_credential_that_is_refused_after_audio_came_was_good_before() -> None:
    refused = Circumstances(refused=FindingId.AUTH, words=Words("not accepted", "check it"))
    (found, *_) = find(_clean(), refused)
    assert found.id == "auth"
    assert "in mid-call" in found.title
    assert "new token" in found.remedy
    (first,) = find(facts(frames=0, messages=0).measured, refused)
    assert (first.title, first.remedy) == ("not accepted", "check it")


# What the bytes are


def test_not_audio() -> None:
    header = facts(file_headers=FileHeaders("a WAV (RIFF) header", frame=7, frames=2))
    assert sure("not-audio", header) == 0.98
    assert evidence("not-audio", header) == {
        "found": "a WAV (RIFF) header",
        "first_frame": 7,
        "frames": 2,
    }
    text = facts(heard_blocks=10, text_blocks=6, text="JSON text")
    assert sure("not-audio", text) == 0.98
    assert evidence("not-audio", text) == {"found": "JSON text", "where": "payload"}
    whole = facts(framing=OtherFraming(text="HTML or XML text"))
    assert sure("not-audio", whole) == 0.98
    assert evidence("not-audio", whole) == {"found": "HTML or XML text", "where": "message"}
    assert sure("not-audio", facts(heard_blocks=10, text_blocks=5)) == 0
    assert sure("not-audio", facts(heard_blocks=0, text_blocks=0)) == 0


def paced(samples_hz: float | None, p50_ms: float, **more: Any) -> Case:
    """Audio that comes at so many samples a second, a frame each `p50_ms`."""
    told: dict[str, Any] = {"mean_hz": samples_hz, "drift": Drift(None, None, 0, 0.0)}
    intervals = Intervals(0.0, p50_ms, p50_ms, p50_ms, p50_ms, p50_ms)
    return facts(samples_hz=samples_hz, **{"intervals": intervals, **told, **more})


@pytest.mark.parametrize("rate", [6000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_wrong_rate_is_a_rate_that_exists(rate: int) -> None:
    for off in (-0.0099, 0.0, 0.0099):
        told = paced(rate * (1 + off), 160_000 / rate)
        assert sure("wrong-rate", told) == 1.0
        assert evidence("wrong-rate", told)["sample_rate_hz"] == rate
    for off in (-0.011, 0.011):
        assert sure("wrong-rate", paced(rate * (1 + off), 160_000 / rate)) == 0


@pytest.mark.parametrize(("repeated_ms", "confidence"), [(2100.0, 0), (1900.0, 1.0), (0.0, 1.0)])
def test_frames_that_come_twice_are_no_wrong_rate(repeated_ms: float, confidence: float) -> None:
    """Of ten seconds that were listened to a fifth is a copy: that makes a hundred frames."""
    told = paced(16_000.0, 10.0, repeats=Repeats(100, repeated_ms, 20.0, 10.0))
    assert sure("wrong-rate", told) == confidence


@pytest.mark.parametrize("rate", [2667, 4000, 6400, 7273, 7619, 8000, 8081, 8421, 8889, 10_000])
def test_what_no_sound_is_sampled_at_is_no_wrong_rate(rate: int) -> None:
    assert sure("wrong-rate", paced(float(rate), 160_000 / rate)) == 0


def test_wrong_rate() -> None:
    # Lost audio slows the one, jitter moves the other: both have to be off.
    assert sure("wrong-rate", paced(6000.0, 20.0)) == 0
    assert sure("wrong-rate", paced(8000.0, 26.7)) == 0
    assert sure("wrong-rate", paced(6000.0, 14.0)) == 0
    assert sure("wrong-rate", paced(12_000.0, 26.7)) == 0
    # Bursts have no usual interval.
    assert sure("wrong-rate", paced(6000.0, 0.0)) == 1.0
    phone = {"is_datagrams": True, "labels": ((96, 500),)}
    for unsaid in ({"is_settled": False}, phone):
        assert sure("wrong-rate", paced(6000.0, 26.7, **unsaid)) == 0
    # On a phone's leg payload type 0 is 8000 Hz (RFC 3551 table 4).
    assert sure("wrong-rate", paced(6000.0, 26.7, **phone | {"labels": ((0, 500),)})) == 1.0
    assert sure("wrong-rate", paced(None, 26.7)) == 0


def test_a_sender_that_is_late_now_and_then_has_no_other_rate() -> None:
    """On the average 26.5 ms lie between frames: 6038 samples a second, and no timer made them."""
    uneven = paced(6038.0, 26.0)
    assert uneven.measured.intervals is not None
    for p95, is_told in ((26.0 * 1.6, True), (26.0 * 1.7, False)):
        intervals = uneven.measured.intervals._replace(p95=p95)
        told = Case(replace(uneven.measured, intervals=intervals), Circumstances())
        assert (sure("wrong-rate", told) != 0) is is_told


def test_wrong_rate_does_not_take_what_is_held_back_for_a_rate() -> None:
    told = paced(6000.0, 0.0, frames=375)  # 7.5 of 10 s
    assert sure("wrong-rate", told) != 0
    for late_ms, is_rate in ((2499.9, True), (2500.1, False)):
        held = replace(told.measured, pauses=(stall(300), stall(late_ms)))
        assert (sure("wrong-rate", Case(held, Circumstances())) != 0) is is_rate
    # More audio than time was held back by nobody.
    fast = paced(12_000.0, 0.0, frames=600, pauses=(stall(5000),))
    assert sure("wrong-rate", fast) != 0


def test_wrong_rate_allows_for_what_is_uncertain() -> None:
    told = paced(16_000 * 1.02, 9.8)
    assert sure("wrong-rate", told) == 0
    unsure = replace(told.measured, drift=Drift(1_040_000.0, 11_000.0, 20, 10.0))
    assert sure("wrong-rate", Case(unsure, Circumstances())) == 1.0


def test_wrong_rate_tells_the_rate() -> None:
    assert evidence("wrong-rate", paced(11_031.6, 14.51)) == {
        "samples_per_second": 11_032,
        "sample_rate_hz": 11_025,
        "due": 8000,
        "frame_samples": 160,
        "frame_interval_ms": 14.5,
    }
    told = evidence("wrong-rate", facts(samples_hz=None, intervals=None))
    assert (told["samples_per_second"], told["frame_interval_ms"]) == (0, 0.0)


@pytest.mark.parametrize(
    ("interval_ms", "confidence"),
    [
        (20.0, 0.0),
        (20.2, 0.0),  # up to 1 % it is a clock
        (20 / 1.009, 0.0),
        (20 / 0.98, 0.75),
        (19.0, 1.0),
        (21.0, 1.0),
        (25.0, 1.0),
        (40.0, 1.0),
        (60.0, 1.0),
    ],
)
def test_sender_pace(interval_ms: float, confidence: float) -> None:
    told = paced(160_000 / interval_ms, interval_ms)
    assert sure("sender-pace", told) == confidence
    assert sure("wrong-rate", told) == 0


def test_sender_pace_is_steady() -> None:
    # Every 20th frame lost: the mean is off, the usual interval is not.
    assert sure("sender-pace", paced(7600.0, 20.0)) == 0
    assert sure("sender-pace", paced(7600.0, 20.6)) == 0
    assert sure("sender-pace", paced(8000.0, 21.0)) == 0
    wide = Intervals(0.0, 21.0, 21.0, 21 * 1.61, 40.0, 40.0)
    assert sure("sender-pace", paced(160_000 / 21, 21.0, intervals=wide)) == 0
    # Batches have no usual interval, another rate and a starved link are told as what they are.
    assert sure("sender-pace", paced(7600.0, 0.0)) == 0
    assert sure("sender-pace", paced(6000.0, 160 / 6)) == 0
    queued = Trips(10, 1.0, 2.0, 3.0, 300.0)
    assert sure("sender-pace", paced(7600.0, 160 / 7.6, trips=queued)) == 0


def test_sender_pace_is_none_of_a_few_frames() -> None:
    assert sure("sender-pace", paced(160_000 / 21, 21.0, ended_ns=780 * MS)) == 0
    assert sure("sender-pace", paced(160_000 / 21, 21.0, ended_ns=900 * MS)) == 1.0


def test_sender_pace_needs_the_length_of_a_frame() -> None:
    leg: dict[str, Any] = {"is_datagrams": True}
    assert sure("sender-pace", paced(7600.0, 160 / 7.6, labels=((0, 500),), **leg)) == 1.0
    assert sure("sender-pace", paced(7600.0, 160 / 7.6, labels=((96, 500),), **leg)) == 0
    unread: dict[str, Any] = {"is_settled": False}
    assert sure("sender-pace", paced(7600.0, 160 / 7.6, **unread)) == 1.0
    assert sure("sender-pace", paced(7600.0, 33 / 7.6, frame_samples=33, **unread)) == 0


def test_sender_pace_tells_frames_a_second_and_is_grave_over_five_in_a_hundred() -> None:
    told = paced(160_000 / 21, 21.0)
    assert evidence("sender-pace", told) == {
        "frames_per_second": 47.62,
        "due": 50.0,
        "frame_interval_ms": 21.0,
    }
    assert not BY_ID["sender-pace"].grave(told)
    assert BY_ID["sender-pace"].grave(paced(160_000 / 22, 22.0))
    assert BY_ID["sender-pace"].grave(paced(160_000 / 18, 18.0))


def test_a_timer_so_slow_that_each_wait_seems_a_loss_is_no_lost_audio() -> None:
    lost = (loss(20),) * 250
    assert sure("lost-audio", paced(4000.0, 40.0, pauses=lost)) == 0
    assert sure("lost-audio", paced(160_000 / 21, 21.0, pauses=lost)) == 1.0


def test_misaligned() -> None:
    change = Change(250, LINEAR, SHIFTED)
    assert sure("misaligned", facts(reading=SHIFTED)) == 0.95
    assert sure("misaligned", facts(reading=SHIFTED, is_settled=False)) == 0
    assert sure("misaligned", facts(reading=LINEAR, changes=(change,))) == 0.95
    assert sure("misaligned", facts(reading=None)) == 0
    back = Change(400, SHIFTED, LINEAR)
    assert sure("misaligned", facts(changes=(back,))) == 0
    assert evidence("misaligned", facts(changes=(back, change))) == {"from_frame": 250}
    assert evidence("misaligned", facts(reading=SHIFTED)) == {"from_frame": 0}
    assert sure("misaligned", facts(reading=LINEAR, split_at=7)) == 0.95
    assert sure("misaligned", facts(reading=LINEAR, split_at=7, is_settled=False)) == 0
    assert evidence("misaligned", facts(changes=(change,), split_at=7)) == {"from_frame": 7}


def test_byte_order() -> None:
    swapped = Reading(Codec.S16BE)
    assert sure("byte-order", facts(reading=swapped)) == 0.97
    assert sure("byte-order", facts(reading=swapped, is_settled=False)) == 0
    # RFC 3551: L16 is big-endian, on a phone's leg.
    assert sure("byte-order", facts(reading=swapped, is_datagrams=True)) == 0
    assert sure("byte-order", facts(reading=None)) == 0
    assert sure("byte-order", facts(reading=LINEAR)) == 0


def test_codec_mismatch() -> None:
    alaw = Reading(Codec.ALAW)
    assert sure("codec-mismatch", facts(malformed=6, messages=11)) == 0.9
    assert sure("codec-mismatch", facts(malformed=5, messages=10)) == 0
    assert sure("codec-mismatch", facts(changes=(Change(9, MULAW, alaw),))) == 0.95
    foreign = facts(foreign=Found(Format.STEREO, "two channels"))
    assert sure("codec-mismatch", foreign) == 0.95
    assert evidence("codec-mismatch", foreign) == {
        "found": "stereo",
        "which": "two channels",
        "due": "mulaw or s16le",
    }
    unknown = facts(foreign=Found(Format.UNKNOWN))
    assert evidence("codec-mismatch", unknown)["found"] is None
    assert sure("codec-mismatch", facts(reading=alaw)) == 0.97
    for unsaid in ({"is_settled": False}, {"is_datagrams": True}):
        assert sure("codec-mismatch", facts(reading=alaw, **unsaid)) == 0
    assert sure("codec-mismatch", facts(reading=None)) == 0
    assert sure("codec-mismatch", facts()) == 0


def test_codec_mismatch_tells_what_was_found() -> None:
    changes = tuple(Change(n, MULAW, SHIFTED) for n in range(7))
    told = evidence("codec-mismatch", facts(changes=changes, malformed=3))
    assert (told["found"], told["due"]) == ("mulaw", "mulaw or s16le")
    assert told["malformed_messages"] == 3
    assert len(told["changes"]) == 5
    shifted = "s16le shifted by a byte"
    assert told["changes"][0] == {"frame": 0, "from": "mulaw", "to": shifted}
    assert evidence("codec-mismatch", facts(reading=None)) == {
        "found": None,
        "due": "mulaw or s16le",
    }


def test_frame_size() -> None:
    assert sure("frame-size", facts(frame_samples=320)) == 0.97
    assert sure("frame-size", facts()) == 0
    assert sure("frame-size", facts(frame_samples=None)) == 0
    phone = {"frame_samples": 240, "frame_ms": 30.0, "is_datagrams": True}
    assert sure("frame-size", facts(**phone, labels=((96, 500),))) == 0
    legal = facts(**phone, labels=((0, 500),))
    assert sure("frame-size", legal) == 0.97
    assert BY_ID["frame-size"].mild(legal)
    assert sure("frame-size", facts(**phone, labels=((0, 500),), other_sizes_ratio=0.1)) == 0
    assert sure("frame-size", facts(frame_samples=320, frames=4)) == 0
    assert sure("frame-size", facts(frame_samples=320, frames=5)) == 0.97
    intervals = _clean().intervals
    assert intervals is not None
    told = facts(frame_samples=320, frame_ms=40.0, intervals=intervals._replace(p50=40.04))
    assert evidence("frame-size", told) == {
        "frame_ms": 40.0,
        "due_ms": 20,
        "frame_interval_ms": 40.0,
    }
    assert evidence("frame-size", facts(intervals=None))["frame_interval_ms"] == 0.0


def test_frames_of_many_lengths_are_told_with_their_range() -> None:
    told = facts(other_sizes_ratio=0.031, frame_range_samples=(80, 400))
    assert sure("frame-size", told) == 0.97
    assert (evidence("frame-size", told)["least_ms"], evidence("frame-size", told)["most_ms"]) == (
        10.0,
        50.0,
    )
    # One in a second is the last of a sound.
    assert sure("frame-size", facts(other_sizes_ratio=0.03)) == 0


@pytest.mark.parametrize("frame_ms", [10, 30, 40, 60])
def test_regular_frames_of_any_usual_length_do_no_harm(frame_ms: int) -> None:
    told = facts(frame_samples=8 * frame_ms, frame_ms=float(frame_ms))
    assert BY_ID["frame-size"].mild(told)
    assert "harmless" in BY_ID["frame-size"].finding(told, 1.0).remedy


@pytest.mark.parametrize("frame_ms", [1.0, 9.0, 21.5, 61.0, 100.0])
def test_frames_that_are_odd_or_longer_than_a_buffer_do_harm(frame_ms: float) -> None:
    told = facts(frame_samples=round(8 * frame_ms), frame_ms=frame_ms)
    assert BY_ID["frame-size"].finding(told, 1.0).severity is Severity.WARNING


def test_frames_of_many_lengths_do_harm() -> None:
    told = facts(frame_samples=320, frame_ms=40.0, other_sizes_ratio=0.031)
    assert not BY_ID["frame-size"].mild(told)
    assert "harmless" not in BY_ID["frame-size"].finding(told, 1.0).remedy


# The sound


@pytest.mark.parametrize(
    ("holes", "lost_ms", "confidence"),
    [
        (0, 0, 0.0),
        (1, 4.9, 0.0),
        (1, 5, 0.9),  # one in two thousand of ten seconds
        (2, 40, 0.93),
        (4, 200, 0.99),
        (900, 5000, 0.99),
    ],
)
def test_upstream_loss(holes: int, lost_ms: float, confidence: float) -> None:
    assert sure("upstream-loss", facts(holes=Holes(holes, lost_ms))) == confidence


def test_upstream_loss_needs_a_codec_and_tells_its_share() -> None:
    told = Holes(7, 123.4567, usual_ms=20.0)
    assert sure("upstream-loss", facts(holes=told, is_settled=False)) == 0
    assert evidence("upstream-loss", facts(holes=told)) == {
        "holes": 7,
        "lost_ms": 123.5,
        "share": 0.0123,
        "length_ms": 20.0,
        "period_ms": None,
        "long_as_packets": True,
    }
    assert not BY_ID["upstream-loss"].grave(facts(holes=Holes(9, 500)))
    assert BY_ID["upstream-loss"].grave(facts(holes=Holes(9, 501)))


def words(finding: str, told: Case) -> str:
    found = BY_ID[finding].finding(told, 1.0)
    return f"{found.severity}: {found.title}; {found.remedy}"


def test_upstream_loss_in_words() -> None:
    row = BY_ID["upstream-loss"]
    assert words("upstream-loss", facts(holes=Holes(9, 90))) == (
        f"warning: {row.title}; {row.remedy}"
    )
    lost = Holes(9, 90, usual_ms=10.0, period_ms=60.0)
    assert "every 60 ms: lost before" in words("upstream-loss", facts(holes=lost))
    padded = words("upstream-loss", facts(holes=lost._replace(is_put_in=True)))
    assert "10 ms of zeros are put into the sound every 60 ms" in padded
    assert "carry the rest of a chunk over" in padded


def test_holes_that_a_gate_may_have_cut_are_not_told_for_certain() -> None:
    told = facts(holes=Holes(9, 900, are_packets=False))
    assert sure("upstream-loss", told) == 0.55
    assert not BY_ID["upstream-loss"].grave(told)
    assert evidence("upstream-loss", told)["long_as_packets"] is False
    assert "or a gate shuts it off; " in words("upstream-loss", told)
    assert "push to talk" in words("upstream-loss", told)


@pytest.mark.parametrize(
    ("finding", "name", "rows"),
    [
        ("clipping", "clipping_ratio", [(0.0044, 0), (0.0045, 0.5), (0.00725, 0.75), (0.01, 1)]),
        ("dc-offset", "dc_offset", [(-0.0199, 0), (-0.02, 0.5), (0.06, 0.75), (0.1, 1)]),
        ("silence", "silence_ratio", [(0.998, 0), (0.999, 0.99), (1.0, 0.99)]),  # of a room
    ],
)
def test_the_signal(finding: str, name: str, rows: list[tuple[float, float]]) -> None:
    for value, confidence in rows:
        assert sure(finding, facts(**{name: value})) == confidence


def test_an_offset_needs_a_second() -> None:
    """Begun at 0, with a last frame of 20 ms."""
    assert sure("dc-offset", facts(dc_offset=0.1, ended_ns=979 * MS)) == 0
    assert sure("dc-offset", facts(dc_offset=0.1, ended_ns=980 * MS)) == 1


def test_silence_needs_half_a_second() -> None:
    assert sure("silence", facts(silence_ratio=1.0, frames=24)) == 0
    assert sure("silence", facts(silence_ratio=1.0, frames=25)) == 0.99
    assert sure("silence", facts(silence_ratio=1.0, stillness=Stillness())) == 0


@pytest.mark.parametrize(
    ("still", "confidence", "said"),
    [
        (Stillness(500, 249, 249, 100, 0), 0, ""),
        (Stillness(500, 250, 250, 100, 0), 0.99, "info: every frame is silent from 2.0 s to 7.0 s"),
        (Stillness(500, 149, 149, 351, 149, -20), 0, ""),
        (Stillness(500, 150, 150, 350, 150, -51), 0.99, "info: from 7.0 s on every frame is"),
        (Stillness(500, 150, 150, 350, 150, -50), 0.99, "warning: the sound breaks off, and from "),
        (Stillness(500, 499, 300, 0, 199, -50), 0.99, "warning: the sound breaks off"),
        (Stillness(1000, 999, 600, 0, 399, -50), 0.99, "warning: delivery is fine, but every fra"),
    ],
)
def test_silence_of_a_part(still: Stillness, confidence: float, said: str) -> None:
    told = facts(stillness=still)
    assert sure("silence", told) == confidence
    if confidence:
        assert words("silence", told).startswith(said)


def test_who_falls_silent_between_words_may_merely_listen() -> None:
    listens = words("silence", facts(stillness=Stillness(500, 150, 150, 350, 150, -51)))
    broken = words("silence", facts(stillness=Stillness(500, 150, 150, 350, 150, -50)))
    assert "to the end; nothing to do if nobody spoke any more and merely listened" in listens
    assert "to the end; find out what happened 7.0 s after the first frame" in broken


def test_silence_is_told_with_its_place() -> None:
    told = facts(stillness=Stillness(500, 200, 150, 350, 150), silence_ratio=0.41234, rms_dbfs=-30)
    assert evidence("silence", told) == {
        "from_seconds": 7.0,
        "to_seconds": None,
        "digital_silence_seconds": 4.0,
        "silence_ratio": 0.412,
        "rms_dbfs": -30,
    }
    within = evidence("silence", facts(stillness=Stillness(500, 260, 250, 50, 10)))
    assert (within["from_seconds"], within["to_seconds"]) == (1.0, 6.0)
    room = facts(silence_ratio=1.0, rms_dbfs=-61.7)
    assert evidence("silence", room)["from_seconds"] is None
    assert words("silence", room).startswith("info: nobody speaks: there is only faint noise, -62 ")


def test_silence_does_not_praise_a_delivery_with_stalls() -> None:
    silent = {"stillness": Stillness(500, 500, 500, 0, 500), "silence_ratio": 1.0}
    assert words("silence", facts(**silent)).startswith("warning: delivery is fine, but every")
    for pause in (stall(500), loss(500)):
        told = words("silence", facts(**silent, pauses=(pause,)))
        assert told.startswith("warning: every frame is silent: nobody is heard")


def noisy(
    level_dbfs: float | None,
    flatness: float | None,
    steadiness: float = 0.9,
    kurtosis: float = 3.0,
    **more: Any,
) -> Case:
    return facts(floor=NoiseFloor(level_dbfs, flatness, kurtosis, steadiness), **more)


def test_noise() -> None:
    assert sure("noise", noisy(-44.1, 0.5)) == 0
    assert sure("noise", noisy(-44.0, 0.5)) == 0.5
    assert sure("noise", noisy(-39.5, 0.2)) == 0.75
    assert sure("noise", noisy(-35.0, 0.5)) == 1.0
    assert sure("noise", noisy(-35.0, 0.19)) == 0  # music, a tone
    assert sure("noise", noisy(-35.0, 0.5, 0.8)) == 1.0
    assert sure("noise", noisy(-35.0, 0.5, 0.79)) == 0  # sibilants of a clean voice
    assert sure("noise", noisy(-35.0, 0.5, kurtosis=2.3)) == 1.0
    assert sure("noise", noisy(-35.0, 0.5, kurtosis=2.29)) == 0  # a fax
    assert sure("noise", noisy(-35.0, 0.5, is_modem=True)) == 0
    for untold in (noisy(None, 0.5), noisy(-35.0, None), noisy(-35.0, 0.5, is_settled=False)):
        assert sure("noise", untold) == 0


def test_noise_over_which_nobody_speaks_may_be_meant() -> None:
    assert "under the speech" in words("noise", noisy(-30.0, 0.5, louder_ratio=0.15))
    alone = noisy(-30.0, 0.5, louder_ratio=0.14)
    assert sure("noise", alone) == 0.6
    assert "no speech stands out of it; nothing to do if that is the data" in words("noise", alone)


def soft(speech_dbfs: float | None, peak_dbfs: float = -30.0, share: float = 0.5) -> Case:
    return facts(speech_dbfs=speech_dbfs, peak_dbfs=peak_dbfs, speech_ratio=share)


def test_low_level() -> None:
    assert sure("low-level", soft(-41.9)) == 0
    assert sure("low-level", soft(-42.0)) == 0.5
    assert sure("low-level", soft(-45.0)) == 0.75
    assert sure("low-level", soft(-48.0)) == 1.0
    assert sure("low-level", soft(None)) == 0
    assert sure("low-level", soft(-54.0, -22.0)) == 0  # something is loud
    assert sure("low-level", soft(-54.0, -22.1)) == 1.0
    assert sure("low-level", soft(-60.0, -66.0)) == 0  # and this is nothing
    assert sure("low-level", soft(-60.0, -65.9)) == 1.0
    assert sure("low-level", soft(-54.0, share=0.2)) == 1.0
    assert sure("low-level", soft(-54.0, share=0.19)) == 0  # a room


def test_the_signals_evidence() -> None:
    told = facts(
        rms_dbfs=-20.04, peak_dbfs=-3.06, silence_ratio=0.12345, clipping_ratio=0.012345,
        dc_offset=-0.054321, floor=NoiseFloor(-61.26, 0.3, 3.0, 0.9),
    )  # fmt: skip
    assert evidence("clipping", told) == {
        "rms_dbfs": -20.0,
        "peak_dbfs": -3.1,
        "silence_ratio": 0.123,
        "clipping_ratio": 0.0123,
        "dc_offset": -0.0543,
        "noise_dbfs": -61.3,
    }
    assert (
        evidence("clipping", facts(floor=NoiseFloor(None, None, None, 0.0)))["noise_dbfs"] is None
    )


# What some device or program added to the sound


def repeated(count: int, repeated_ms: float, **more: Any) -> Case:
    return facts(repeats=Repeats(count, repeated_ms, 20.0, 10.0), **more)


def test_repeated_audio() -> None:
    assert sure("repeated-audio", repeated(2, 40)) == 0
    assert sure("repeated-audio", repeated(3, 60)) == 0.97
    assert sure("repeated-audio", repeated(3, 19)) == 0  # 0.2 % of ten seconds
    assert sure("repeated-audio", repeated(3, 20)) == 0.97
    told = repeated(30, 600)
    assert evidence("repeated-audio", told) == {
        "repeats": 30,
        "piece_ms": 20.0,
        "share": 0.06,
        "listened_seconds": 10.0,
    }
    assert "30 times the same 20 ms of sound" in words("repeated-audio", told)


def test_doubled_packets_are_no_repeated_audio() -> None:
    clean = _clean().reception
    assert clean is not None
    for duplicate, confidence in ((14, 0.97), (15, 0)):
        told = repeated(30, 600, reception=clean._replace(duplicate=duplicate))
        assert sure("repeated-audio", told) == confidence
    assert sure("repeated-audio", repeated(30, 600, reception=None)) == 0.97


def test_clicks() -> None:
    assert sure("clicks", facts(clicks=Clicks(0, None, 10.0))) == 0
    told = facts(clicks=Clicks(100, 100.0, 10.0))
    assert sure("clicks", told) == 0.95
    assert sure("clicks", facts(clicks=Clicks(9, None, 10.0))) == 0.9
    assert sure("clicks", facts(clicks=Clicks(100, 100.0, 10.0), is_settled=False)) == 0
    assert evidence("clicks", told) == {
        "clicks": 100,
        "period_ms": 100.0,
        "listened_seconds": 10.0,
    }
    # Where audio never came frames meet that did not follow each other.
    for clicks, confidence in ((8, 0.0), (9, 0.95)):
        joined = facts(clicks=Clicks(clicks, 60.0, 10.0), pauses=(loss(60), loss(60)))
        assert sure("clicks", joined) == confidence
    # So soft a speech moves by few steps of G.711.
    for reading, confidence in ((MULAW, 0.0), (LINEAR, 0.95)):
        clicks = Clicks(32, 460.0, 15.0)
        quiet = facts(speech_dbfs=-54.0, peak_dbfs=-30.0, speech_ratio=0.5, clicks=clicks,
                      reading=reading)  # fmt: skip
        assert sure("clicks", quiet) == confidence
    assert "a click, step or seam each 100 ms;" in words("clicks", told)
    assert "at no fixed distance" in words("clicks", facts(clicks=Clicks(9, None, 10.0)))


def test_hum() -> None:
    assert sure("hum", facts(hum=())) == 0
    told = facts(hum=(Tone(50.1, -33.24), Tone(150.2, -45.0)))
    assert sure("hum", told) == 0.95
    assert sure("hum", facts(hum=(Tone(50.1, -33.24),), is_settled=False)) == 0
    assert evidence("hum", told) == {
        "frequencies_hz": [50.1, 150.2],
        "levels_dbfs": [-33.2, -45.0],
    }
    assert "a steady tone of 50 Hz, -33 dBFS, under it all" in words("hum", told)
    for hertz, is_mains in ((50.1, 1), (119.5, 1), (180.0, 1), (85.0, 0), (1000.0, 0), (600.0, 0)):
        assert ("mains" in words("hum", facts(hum=(Tone(hertz, -40.0),)))) == is_mains


# What it says of itself


def test_timestamp_rate() -> None:
    assert sure("timestamp-rate", facts(clock_hz=16_000)) == 0.95
    assert sure("timestamp-rate", facts(clock_hz=8000)) == 0
    assert sure("timestamp-rate", facts(clock_hz=None)) == 0
    phone = {"is_datagrams": True, "labels": ((0, 500),), "clock_hz": 8000}
    for hz, is_told in ((8000, False), (16_000, True), (0, True), (None, True)):
        told = facts(**phone, stamped=Stamped(hz, 10))
        assert sure("timestamp-rate", told) == 0.95 * is_told
        assert sure("timestamp-rate", facts(**phone, stamped=Stamped(hz, 9))) == 0
        assert evidence("timestamp-rate", told)["clock_hz"] == hz
    dynamic = phone | {"labels": ((96, 500),)}
    assert sure("timestamp-rate", facts(**dynamic, stamped=Stamped(16_000, 99))) == 0
    assert sure("timestamp-rate", facts(clock_hz=16_000, frames=9)) == 0
    assert sure("timestamp-rate", facts(clock_hz=16_000, frames=10)) == 0.95
    assert evidence("timestamp-rate", facts(clock_hz=16_000)) == {"clock_hz": 16_000, "due": 8000}


@pytest.mark.parametrize(
    ("number", "reading", "is_wrong"),
    [
        (0, MULAW, False),
        (0, LINEAR, True),
        (8, Reading(Codec.ALAW), False),
        (8, MULAW, True),
        (96, MULAW, False),
        (96, LINEAR, False),
        (95, MULAW, True),
        (18, MULAW, True),
    ],
)
def test_payload_label_of_rtp(number: int, reading: Reading, is_wrong: bool) -> None:
    told = facts(labels=((number, 500),), reading=reading)
    assert sure("payload-label", told) == (0.9 if is_wrong else 0)
    assert evidence("payload-label", told)["payload_type"] == number


@pytest.mark.parametrize(
    ("number", "reading", "named"),
    [
        (0, Reading(Codec.ALAW), "mulaw"),
        (0, LINEAR, "mulaw"),
        (8, MULAW, "alaw"),
        (0, MULAW, None),
        (8, Reading(Codec.ALAW), None),
        (96, Reading(Codec.ALAW), None),
    ],
)
def test_a_phones_label_is_obeyed(number: int, reading: Reading, named: str | None) -> None:
    phone = {"labels": ((number, 500),), "reading": reading, "is_datagrams": True}
    told = facts(**phone, fingerprint=Fingerprint(number, 77, 4711))
    assert sure("codec-mismatch", told) == (0.97 if named else 0)
    if named:
        assert evidence("codec-mismatch", told) == {
            "found": str(reading),
            "due": named,
            "payload_type": number,
        }
        assert f"payload type {number} says {named}" in BY_ID["codec-mismatch"].specify(told).title
    # The bridge's labels say nothing, and what changes names with its codec is no fault.
    assert sure("codec-mismatch", facts(**phone, fingerprint=Fingerprint(number, 0, 1))) == 0
    relabelled = facts().measured.said._replace(restarts=(Restart(9, Begins.LABEL, 0, 8),))
    assert sure("codec-mismatch", facts(**phone, said=relabelled)) == 0


@pytest.mark.parametrize(
    ("kind", "reading", "is_wrong"),
    [(0x10, LINEAR, False), (0x10, MULAW, True), (0x11, LINEAR, True), (-1, MULAW, False)],
)
def test_payload_label_of_audiosocket(kind: int, reading: Reading, is_wrong: bool) -> None:
    told = facts(labels=((kind, 500),), reading=reading, encapsulation=Encapsulation.AUDIOSOCKET)
    assert sure("payload-label", told) == (0.9 if is_wrong else 0)


def test_payload_label_needs_a_label_and_a_reading() -> None:
    for untold in ({"reading": None}, {"labels": ()}, {"is_settled": False}):
        assert sure("payload-label", facts(**{"labels": ((18, 1),), **untold})) == 0
    phone = facts(labels=((18, 500),), is_datagrams=True)
    assert sure("payload-label", phone) == 0
    kind = facts(labels=((0x0A, 9),), encapsulation=Encapsulation.AUDIOSOCKET)
    assert evidence("payload-label", kind) == {"kind": "0a", "payload": "mulaw"}
    assert evidence("payload-label", facts(labels=((0, 1),), reading=None))["payload"] is None


def test_the_gravest_is_told_first_whatever_the_order_of_causes() -> None:
    # Of the table's order: frame-size (warning), lost-audio (here an error), timestamp-rate (info).
    told = facts(frame_samples=800, frame_ms=100.0, pauses=(loss(2000),), clock_hz=16_000)
    found = find(told.measured, Circumstances())
    assert [(row.severity.value, row.id) for row in found] == [
        ("error", "lost-audio"),
        ("warning", "frame-size"),
        ("info", "timestamp-rate"),
    ]
    assert verdict(found) == "bad"
    assert verdict(found[1:]) == "degraded"
    assert verdict(found[2:]) == verdict(()) == "ok"


# What is told beside what


SOUND = {"clipping", "low-level", "dc-offset", "noise", "silence", "upstream-loss"}
SOUND |= {"repeated-audio", "clicks", "hum"}
WHEN = {"sender-pace", "underrun", "network-stall", "lost-audio", "jitter", "clock-drift"}
NAMES = {"payload-label", "timestamp-rate"}
NO_STREAM = SOUND | WHEN | NAMES | {"frame-size", "wrong-rate", "sequence"}
NO_STREAM |= {"no-audio", "closed-early", "connection-lost"}
OPUS = PayloadType(96, "opus", 48_000, 2)
VIDEO = PayloadType(96, "H264", 90_000, None)
LABELLED = PayloadType(0, "PCMU", 8000, 1)
UNKNOWN = Found(Format.UNKNOWN)


@pytest.mark.parametrize(
    ("told", "is_datagrams", "foreign", "payload_bytes", "found"),
    [
        (Told(), True, None, 160, None),
        (Told(LABELLED, "SDP"), True, None, 160, None),
        (Told(OPUS, "SDP"), True, None, 70, ("unjudged-codec", 0.97)),
        (Told(OPUS._replace(name="L16", clock_hz=16_000, channels=1)), True, None, 640,
         ("unjudged-codec", 0.97)),
        (Told(LABELLED._replace(name="L16")), True, None, 320, None),
        (Told(), True, Found(Format.OPUS), 70, ("unjudged-codec", 0.9)),
        (Told(), True, UNKNOWN, 20, ("unjudged-codec", 0.9)),
        (Told(), True, Found(Format.U8), 160, None),  # samples: no codec of a session
        (Told(), False, UNKNOWN, 20, None),  # a media stream of the platform
        (Told(LABELLED), True, UNKNOWN, 160, None),
        (Told(LABELLED), True, UNKNOWN, 170, ("encrypted", 0.8)),
        (Told(LABELLED), True, UNKNOWN, 164, ("encrypted", 0.8)),
        (Told(LABELLED), True, UNKNOWN, 168, None),
        (Told(LABELLED), False, UNKNOWN, 170, None),
        (Told(LABELLED, encrypted_by="RTP/SAVP in SDP"), True, None, 170, ("encrypted", 0.97)),
        (Told(OPUS, encrypted_by="RTP/SAVP in SDP"), True, None, 80, ("encrypted", 0.97)),
        (Told(kept_bytes=12), True, None, 0, ("capture-cut", 0.99)),
    ],
)  # fmt: skip
def test_what_cannot_be_heard_is_told_by_what_is_known_of_it(
    told: Told,
    is_datagrams: bool,
    foreign: Found | None,
    payload_bytes: int,
    found: tuple[str, float] | None,
) -> None:
    case = facts(told=told, is_datagrams=is_datagrams, foreign=foreign, payload_bytes=payload_bytes)
    rows = {
        name: BY_ID[name].judge(case) for name in ("capture-cut", "encrypted", "unjudged-codec")
    }
    assert {name: value for name, value in rows.items() if value} == dict([found] if found else [])


def test_what_cannot_be_heard_is_told_once_and_by_name() -> None:
    case = facts(told=Told(OPUS, "SDP"), is_datagrams=True, reading=LINEAR, dc_offset=0.5)
    (finding,) = find(case.measured, Circumstances())
    assert (finding.id, finding.severity) == ("unjudged-codec", Severity.INFO)
    assert "opus at 48000 Hz" in finding.title
    assert finding.evidence["codec"] == "opus"
    assert finding.evidence["by"] == "SDP"


def test_no_pace_is_due_of_pictures() -> None:
    late = (stall(700),)
    sound = facts(told=Told(OPUS, "SDP"), is_datagrams=True, pauses=late)
    assert next(f.id for f in find(sound.measured, Circumstances())) == "network-stall"
    for told, clock_hz in ((Told(VIDEO, "SDP"), 90_000), (Told(), 90_000)):
        video = facts(told=told, is_datagrams=True, pauses=late, clock_hz=clock_hz, foreign=UNKNOWN)
        assert [f.id for f in find(video.measured, Circumstances())] == ["unjudged-codec"]


@pytest.mark.parametrize(("keyed_ms", "is_told"), [((500,), False), ((), True), ((5000,), True)])
def test_media_may_stop_while_keys_are_agreed_on(keyed_ms: tuple[int, ...], is_told: bool) -> None:
    keyed_ns = tuple(ms * MS for ms in keyed_ms)
    told = Told(LABELLED, encrypted_by="ZRTP in its flow", keyed_ns=keyed_ns)
    pause = loss(200)._replace(at_ns=600 * MS)
    case = facts(told=told, is_datagrams=True, pauses=(pause,), reception=None)
    assert ("lost-audio" in [f.id for f in find(case.measured, Circumstances())]) is is_told


PAYLOADS = SOUND | NAMES | {
    "not-audio", "wrong-rate", "misaligned", "byte-order", "codec-mismatch", "frame-size",
    "repeated-audio", "clicks", "hum",
}  # fmt: skip
SIGNALLED = {"stream-restart", "telephone-events", "silence-suppression"}
EXPLAINED = {
    **dict.fromkeys(("encrypted", "unjudged-codec"), PAYLOADS),
    **dict.fromkeys(("cannot-connect", "tls", "auth", "forbidden", "not-found"), NO_STREAM),
    **dict.fromkeys(("rate-limited", "call-not-progressing"), NO_STREAM),
    "closed-early": NO_STREAM - {"closed-early"},
    "muted": {"silence", "low-level", "no-audio"},
    "no-audio": {"silence"},
    "encapsulation-mismatch": ALL_AUDIO
    | {"not-audio", "codec-mismatch", "byte-order", "misaligned"},
    "not-audio": SOUND
    | NAMES
    | {"codec-mismatch", "byte-order", "misaligned", "wrong-rate", "sender-pace"},
    "wrong-rate": WHEN | NAMES | {"frame-size", "clipping", "upstream-loss"},
    "misaligned": SOUND | NAMES | {"byte-order", "codec-mismatch"},
    "byte-order": NAMES | {"codec-mismatch"},
    "codec-mismatch": NAMES | {"noise", "sender-pace"},
    "frame-size": {"jitter"},
    "sender-pace": {"jitter", "clock-drift"},
    "network-stall": {"jitter"},
    "underrun": {"jitter"},
    "lost-audio": {"jitter"},
    "upstream-loss": {"clicks"},
    "repeated-audio": {"clicks"},
    "clipping": {"noise", "dc-offset"},
    "dc-offset": {"low-level", "noise"},
    "noise": {"low-level"},
}


@pytest.mark.parametrize("finding", ["encapsulation-mismatch", "not-audio"])
def test_nothing_is_told_by_headers_that_are_none(finding: str) -> None:
    row = BY_ID[finding]
    misread = facts(framing=OtherFraming(text="JSON"))
    assert row.explains_here(misread) == SIGNALLED | WHEN | {"sequence"}
    inside = facts(framing=OtherFraming(Encapsulation.RTP, is_inside=True))
    assert row.explains_here(inside) == row.explains_here(facts()) == set()


def test_a_capture_that_ends_early_still_has_its_sound() -> None:
    row = BY_ID["capture-cut"]
    heads, ends = facts(told=Told(kept_bytes=12)), facts(Circumstances(is_cut=True))
    assert row.judge(heads) == row.judge(ends) == 0.99
    assert row.explains_here(heads) == PAYLOADS
    assert row.explains_here(ends) == set()
    assert row.prove(ends) == {"packets": ends.measured.frames}


def test_digits_of_encrypted_telephone_events_are_not_told() -> None:
    assert "telephone-events" in BY_ID["encrypted"].explains_here(facts())


@pytest.mark.parametrize("finding", BY_ID)
def test_a_cause_is_told_without_its_effects(finding: str) -> None:
    assert BY_ID[finding].explains == EXPLAINED.get(finding, set())
