"""When the frames come, and which of them never do."""

from __future__ import annotations

from collections import Counter

from voipbin_cli.analysis.findings.connection import fell_silent
from voipbin_cli.analysis.findings.holding import backlog_ms, held_ms, period_ms
from voipbin_cli.analysis.findings.pace import is_each_frame_late
from voipbin_cli.analysis.findings.row import WARNING, Case, Evidence, FindingRow, sure, tenths
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.playout.target_delay import (
    ADAPTIVE,
    FIXED_60,
    FIXED_120,
    FIXED_200,
)
from voipbin_cli.analysis.words import NO_WORDS, Words
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.finding_ids import FindingId

# From here on a fault is worth telling; what is a stall, and what is lost, `pauses` has judged.
JITTER_LATE_RATIO = 0.02
JITTER_LEAST_S = 2.0  # until then no buffer knows how fast the fastest frame is
LOSS_MS = 20.0
SEQUENCE_RATIO = 0.001
TWO_SOURCES = 0.95
PUT_RIGHT_LATE_RATIO = 0.002  # two frames in a thousand, as of a quiet link
SHUFFLED_RATIO = 0.01
STUCK_PACKETS = 25  # half a second
SOURCES_TOLD = 5
DRIFT_PPM = 100.0
STALL_MS = 80.0  # a buffer of 60 ms, as most have, and one frame
BACKLOG_MS = 400.0  # jitter makes no frame so late, and who buffers a call takes no more
# This process kept a frame waiting for a frame's length: worth telling. A warning is what even a
# buffer of 200 ms would have noticed, or one of 60 ms in as many frames as jitter has to delay.
LAG_MS = 20.0
LONG_BUFFER_MS, SHORT_BUFFER_MS = 200.0, 60.0
# From here on a warning is an error.
GRAVE_LOSS = 0.05
GRAVE_STALL = 0.2


# No crystal is off by more; a sender that counts time wrong may be.
CRYSTAL_PPM = 1000.0
# So much a queue on the way fills or empties by, and no more as a rule.
QUEUE_MS = 60.0
# A queue that goes on filling looks like a clock that runs slow, one that empties like a fast one.
MAY_BE_A_QUEUE, RATHER_A_CLOCK = 0.6, 0.85


def judge_sequence(case: Case) -> float:
    """Numbers that are wrong; or of two sources at once, each of which numbers by itself."""
    if case.measured.said.has_two_sources:
        return TWO_SOURCES
    told = case.measured.reception
    if told is None:
        return 0.0
    if told.is_stuck:
        return sure(told.refused, STUCK_PACKETS, 2 * STUCK_PACKETS)
    if told.is_unproven:
        return sure(told.skipped / told.refused, 0.0, 0.5)
    wrong = told.missing + told.duplicate + told.reordered
    if wrong < 2:
        return 0.0
    return sure(wrong / max(1, told.total_expected), SEQUENCE_RATIO, 0.01)


def sequence(case: Case) -> Evidence:
    told = case.measured.reception
    assert told is not None
    names = ("total_expected", "missing", "duplicate", "reordered")
    counts = {name.removeprefix("total_"): getattr(told, name) for name in names}
    if told.is_unproven:
        counts["left_out_before_each"] = round(told.skipped / (told.refused - 1), 2)
    said = case.measured.said
    if not said.has_two_sources:
        return counts
    others = Counter(said.others).most_common(SOURCES_TOLD)
    return {**counts, "other_sources": {f"{ssrc:#010x}": count for ssrc, count in others}}


def sequenced_as(case: Case) -> Words:
    """Each source is a stream of its own (RFC 3550 3); played as one, they are heard in turns."""
    told = case.measured.reception
    if not case.measured.said.has_two_sources:
        if told is not None and told.is_unproven:
            return _STUCK if told.is_stuck else _UNPROVEN
        return _PUT_RIGHT if is_put_right(case) else NO_WORDS
    return Words(
        "two sources send at the same time: their packets take turns, each numbered by itself",
        "go by the SSRC and play one of them, or mix both; find out who sends the other: a bridge "
        "or a sender that was started twice",
    )


_UNPROVEN = Words(
    "no packet has the number after the one before: a receiver that waits for two in a row (RFC "
    "3550 A.1) takes none",
    "at the sender: add one to the sequence number with each packet, and keep one SSRC for them; "
    "where packets of two SSRCs share the numbers, they are one stream that changes its name",
)


_STUCK = Words(
    "the sequence number stands still or goes backwards: a receiver that waits for two in a row "
    "(RFC 3550 A.1) takes no packet, one that drops what comes twice all but the first",
    "at the sender: add one to the sequence number with each packet",
)
_PUT_RIGHT = Words(
    "some packets came out of order or twice: a playout buffer puts that right",
    "harmless to who plays by the sequence numbers through a buffer of 60 ms",
)


def is_put_right(case: Case) -> bool:
    """On the way over UDP packets overtake each other and come twice; a buffer puts that right.

    What comes too late for it is missing, or jitter.
    """
    told, measured = case.measured.reception, case.measured
    if told is None or not measured.is_datagrams or told.missing or told.is_unproven:
        return False
    if measured.said.has_two_sources:
        return False
    late = measured.late_ratio(FIXED_60.name) or 0.0
    return late <= PUT_RIGHT_LATE_RATIO or judge_jitter(case) > 0


def explains_of_sequence(case: Case) -> frozenset[FindingId]:
    """What is out of order comes unevenly, and has seams where it is played as it comes."""
    told = case.measured.reception
    is_shuffled = told is not None and told.reordered > SHUFFLED_RATIO * told.total_expected
    seams = frozenset((FindingId.CLICKS,)) if is_shuffled else frozenset()
    return seams if is_put_right(case) else seams | {FindingId.JITTER}


def is_sequence_grave(case: Case) -> bool:
    told = case.measured.reception
    return told is not None and told.missing > GRAVE_LOSS * max(1, told.total_expected)


def judge_stall(case: Case) -> float:
    """Stalls that hurt, and are most of what is late; a start too late; a link that is too slow."""
    measured = case.measured
    if measured.is_starved:
        return 0.95
    longest_ms = max(held_ms(measured), default=0.0)
    return max(
        sure(longest_ms, STALL_MS, 200), sure(backlog_ms(measured), BACKLOG_MS, 2 * BACKLOG_MS)
    )


def stalls(case: Case) -> Evidence:
    measured = case.measured
    late, period = held_ms(measured), period_ms(measured)
    special: Evidence = {}
    if measured.is_starved:
        carried = (measured.samples_hz or 0.0) / SAMPLE_RATE_HZ
        special = {
            "link_carries": round(carried, 3),
            "behind_ms": tenths(measured.behind_ms),
            "pings_queued_ms": tenths(measured.trips.queued_ms),
        }
    elif period is not None:
        special = {"period_ms": round(period)}
    elif backlog_ms(measured) >= BACKLOG_MS:
        special = {"at_once_at_the_start_ms": round(backlog_ms(measured))}
    return {
        **special,
        "count": len(late),
        "longest_ms": tenths(max(late, default=0.0)),
        "total_ms": tenths(sum(late)),
        "late_in_60_ms_buffer": _late_share(measured, FIXED_60.name),
        "late_in_200_ms_buffer": _late_share(measured, FIXED_200.name),
    }


def _late_share(measured: Measured, buffer: str) -> float | None:
    late = measured.late_ratio(buffer)
    return None if late is None else round(late, 4)


def stalled_as(case: Case) -> Words:
    """A timer that collects frames, and a backlog, have other cures than a bad link."""
    measured = case.measured
    if measured.is_starved:
        return NO_WORDS
    if (period := period_ms(measured)) is not None:
        return Words(
            f"frames come in batches, each {period / 1000:.3g} s: something on the way collects "
            "them",
            "find the hop that buffers (a reverse proxy, a load balancer, a recorder) and turn its "
            f"buffering off; until then a jitter buffer needs {period:.0f} ms",
        )
    if backlog_ms(measured) >= BACKLOG_MS and not held_ms(measured):
        return Words(
            f"{backlog_ms(measured) / 1000:.1f} s of audio came at once at the start: it had "
            "waited somewhere",
            "drop what had waited and play from the latest frame on, or all of the call is heard "
            "so late; find the hop that buffers, or connect before the audio begins",
        )
    return NO_WORDS


def is_stall_grave(case: Case) -> bool:
    measured = case.measured
    stalled = measured.share(sum(pause.late_ns for pause in measured.stalls) / 1e6)
    return measured.is_starved or stalled > GRAVE_STALL


def judge_lost_audio(case: Case) -> float:
    if _is_stopped(case):
        return 0.95
    measured = case.measured
    if is_each_frame_late(measured) or not measured.losses:
        return 0.0
    return sure(measured.lost_ms, LOSS_MS, 100)


def _is_stopped(case: Case) -> bool:
    """No more audio came, while the link answered pings."""
    return fell_silent(case) and case.around.pinged is True


def lost_audio(case: Case) -> Evidence:
    measured = case.measured
    lost = [pause.lost_ns / 1e6 for pause in measured.losses]
    stopped: Evidence = {}
    if _is_stopped(case):
        stopped = {"silent_at_the_end_ms": case.around.silent_ms, "pings_answered_since": True}
        if not lost:
            return stopped
    return {
        **stopped,
        "gaps": len(lost),
        "lost_ms": tenths(sum(lost)),
        "longest_ms": tenths(max(lost, default=0.0)),
        "share": round(measured.share(sum(lost)), 4),
        **({"missing_by_number": 0} if measured.has_whole_numbers else {}),
    }


def lost_as(case: Case) -> Words:
    """Audio that stopped for good has another cause than a gap, and so has audio never numbered."""
    if not _is_stopped(case):
        return _NEVER_NUMBERED if case.measured.has_whole_numbers else NO_WORDS
    return Words(
        f"the audio stopped {case.around.silent_ms / 1000:.1f} s before the end, and the link is "
        "alive: pings are answered",
        "look at what feeds the stream (the sender, the bridge, the phone): the network is not the "
        "cause, and silence would come as frames, too",
    )


_NEVER_NUMBERED = Words(
    remedy="fill the gaps with silence to keep the call's clock; no RTP number is missing, so this "
    "link lost nothing: look at what feeds the stream before it is numbered (the phone's leg, the "
    "bridge, a sender that is too slow)"
)


def is_loss_grave(case: Case) -> bool:
    return case.measured.share(case.measured.lost_ms) > GRAVE_LOSS or _is_stopped(case)


def judge_jitter(case: Case) -> float:
    """Frames that are late for most buffers; never of a stream that comes when it is due."""
    measured = case.measured
    if measured.calm_ratio > 1 - JITTER_LATE_RATIO or measured.duration_s < JITTER_LEAST_S:
        return 0.0
    return sure(measured.late_ratio(FIXED_60.name) or 0.0, JITTER_LATE_RATIO, 0.1)


def jitter(case: Case) -> Evidence:
    measured = case.measured
    adaptive = measured.buffers[ADAPTIVE.name]
    return {
        "late_in_60_ms_buffer": _late_share(measured, FIXED_60.name),
        "late_in_120_ms_buffer": _late_share(measured, FIXED_120.name),
        "late_in_200_ms_buffer": _late_share(measured, FIXED_200.name),
        "adaptive_delay_ms": tenths(adaptive.mean_delay_ms),
        "interarrival_jitter_ms": tenths(measured.jitter.max_ms or 0.0),
    }


def _excused_ms(case: Case) -> list[float]:
    return [pause.excused_ns / 1e6 for pause in case.measured.paused(PauseKind.EXCUSED)]


def judge_local_lag(case: Case) -> float:
    """It was late, and kept frames waiting."""
    return 0.9 if max(_excused_ms(case), default=0.0) >= LAG_MS else 0.0


def local_lag(case: Case) -> Evidence:
    measured, excused = case.measured, _excused_ms(case)
    return {
        "late_ms_max": tenths(measured.lag.max_ms),
        "late_ms_p99": tenths(measured.lag.p99_ms),
        "gaps_excused": len(excused),
        "excused_ms": tenths(sum(excused)),
    }


def is_lag_harmless(case: Case) -> bool:
    """No playout buffer would have noticed: of a pause each frame is 20 ms less late."""
    measured, excused = case.measured, _excused_ms(case)
    late = sum(max(0.0, ms - SHORT_BUFFER_MS) / 20.0 for ms in excused)
    return max(excused) < LONG_BUFFER_MS and late < JITTER_LATE_RATIO * measured.frames


def judge_drift(case: Case) -> float:
    measured, told = case.measured, case.measured.drift
    if told.ppm is None or told.uncertainty_ppm is None or measured.is_starved:
        return 0.0
    if not told.is_of_a_clock or not measured.is_sound_known:
        return 0.0
    if told.ppm < 0 and -told.ppm * told.seconds / 1000 < measured.trips.queued_ms:
        return 0.0  # a queue that fills up, as pings tell, looks like a slow clock
    if abs(told.ppm) < DRIFT_PPM + 3 * told.uncertainty_ppm:
        return 0.0
    if abs(told.ppm) > CRYSTAL_PPM:
        by_ms = abs(told.ppm) * told.seconds / 1000
        return MAY_BE_A_QUEUE if by_ms < QUEUE_MS else RATHER_A_CLOCK
    return sure(abs(told.ppm), DRIFT_PPM, 300)


def drifted_as(case: Case) -> Words:
    """By how much to resample."""
    ppm = case.measured.drift.ppm or 0.0
    per_minute_ms = abs(ppm) * 60 / 1000
    pace = f"the far clock runs {'fast' if ppm > 0 else 'slow'}: {per_minute_ms:.0f} ms a minute"
    if abs(ppm) > CRYSTAL_PPM:
        queue = "a queue on the way empties" if ppm > 0 else "a queue on the way fills up"
        return Words(
            f"{pace}, or {queue}",
            "no crystal is so wrong: look at the timer that the sender counts its samples by; if "
            "the delay stops at some value or falls at once, it is a queue, in a link that is full",
        )
    return Words(
        pace,
        f"play {abs(ppm):.0f} ppm {'faster' if ppm > 0 else 'slower'} (resample), or let the "
        "buffer come back to its target delay now and then",
    )


def drift(case: Case) -> Evidence:
    told = case.measured.drift
    return {"ppm": tenths(told.ppm or 0.0), "uncertainty_ppm": tenths(told.uncertainty_ppm or 0.0)}


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.SEQUENCE,
        severity=WARNING,
        title="RTP sequence numbers are missing, repeated or out of order",
        rests_on="RTP sequence numbers (RFC 3550 A.1), and SSRCs that take turns",
        judge=judge_sequence,
        prove=sequence,
        remedy="packets were lost or reordered on a UDP leg: look there; conceal what is missing",
        symptom="poor quality: watch packet loss",
        specify=sequenced_as,
        explains_here=explains_of_sequence,
        mild=is_put_right,
        grave=is_sequence_grave,
    ),
    FindingRow(
        id=FindingId.NETWORK_STALL,
        severity=WARNING,
        title="the link held frames back, then brought them all at once",
        rests_on="a gap, and the delay of the frames behind it that comes down again",
        judge=judge_stall,
        prove=stalls,
        remedy="use a jitter buffer, or a better link: TCP repeats what a bad one loses; where the "
        "link carries less than the stream (0.1 Mbit/s) no buffer helps",
        symptom="choppy",
        specify=stalled_as,
        explains=frozenset((FindingId.JITTER,)),
        grave=is_stall_grave,
    ),
    FindingRow(
        id=FindingId.LOST_AUDIO,
        severity=WARNING,
        title="audio that never came",
        rests_on="a gap after which the delay stays up for seconds: nothing caught up",
        judge=judge_lost_audio,
        prove=lost_audio,
        remedy="fill the gaps with silence to keep the call's clock; look for what pauses upstream",
        specify=lost_as,
        symptom="choppy",
        explains=frozenset((FindingId.JITTER,)),
        grave=is_loss_grave,
    ),
    FindingRow(
        id=FindingId.JITTER,
        severity=WARNING,
        title="frames come too unevenly for a buffer of 60 ms",
        rests_on="the share of frames that a 60 ms playout buffer would have dropped",
        judge=judge_jitter,
        prove=jitter,
        remedy="use a longer jitter buffer, or an adaptive one: the evidence tells what each would "
        "drop",
        symptom="choppy",
    ),
    FindingRow(
        id=FindingId.CLOCK_DRIFT,
        severity=WARNING,
        title="the far end's clock runs faster or slower than ours",
        rests_on="the slope of the delay over the run, three times above its uncertainty",
        judge=judge_drift,
        prove=drift,
        remedy="resample by the drift, or let the buffer come back to its target delay now and "
        "then",
        specify=drifted_as,
        symptom="poor quality: check latency",
    ),
    FindingRow(
        id=FindingId.LOCAL_LAG,
        severity=WARNING,
        title="this machine was late; what it kept waiting is not held against the stream",
        rests_on="how late this process itself woke up when frames were waiting",
        judge=judge_local_lag,
        prove=local_lag,
        remedy="your computer paused for as long as the evidence says: close other programs, or "
        "give the reader a process of its own, and run it again",
        symptom="choppy",
        mild=is_lag_harmless,
    ),
)
