"""The conversation: echo, slow answers, slow interruptions, talking over each other, dead air."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.findings.row import (
    INFO,
    WARNING,
    Case,
    Evidence,
    FindingRow,
    sure,
    tenths,
)
from voipbin_cli.analysis.words import Words
from voipbin_cli.finding_ids import FindingId

# ITU-T G.131 asks for echo control where a talker's echo takes 25 ms one way and more; what is
# softer than this cannot be told from the noise of a room.
ECHO_MS, ECHO_DB = 25.0, -40.0
LEAST_RESPONSES, LEAST_BARGE_INS = 3, 2
# Less is no talking over each other, however short the call is. Who speaks most of the time as if
# the other were not there plays a recording: that is no conversation.
TALK_OVER_MS, NO_TALK_SHARE = 3000.0, 0.6


def judge_echo(case: Case) -> float:
    echo = case.talk.echo if case.talk else None
    if echo is None or echo.delay_ms < ECHO_MS or echo.level_db < ECHO_DB - 3:
        return 0.0
    return 0.95


def prove_echo(case: Case) -> Evidence:
    talk = _talk(case)
    assert talk.echo is not None
    told = {"delay_ms": tenths(talk.echo.delay_ms), "level_db": tenths(talk.echo.level_db)}
    return told | {"interrupted_itself": talk.turns.false_barge_ins}


def word_echo(case: Case) -> Words:
    echo = _talk(case).echo
    assert echo is not None
    return Words(
        f"what was sent comes back after {echo.delay_ms:.0f} ms, {-echo.level_db:.0f} dB softer"
    )


def judge_slow_response(case: Case) -> float:
    limit_ms = case.limits.slow_response_ms
    return _slow(case, lambda talk: talk.turns.response, limit_ms, LEAST_RESPONSES)


def slow_response(case: Case) -> Evidence:
    return _times(_talk(case).turns.response)


def judge_slow_barge_in(case: Case) -> float:
    if case.talk is None or case.talk.untold:
        return 0.0
    limit_ms = case.limits.slow_barge_in_ms
    return _slow(case, lambda talk: talk.turns.barge_in, limit_ms, LEAST_BARGE_INS)


def slow_barge_in(case: Case) -> Evidence:
    return _times(_talk(case).turns.barge_in)


def judge_talk_over(case: Case) -> float:
    if case.talk is None or not case.talk.knows_overlap:
        return 0.0
    told = case.talk.turns
    if told.talk_over_ms < TALK_OVER_MS or told.talk_over_share > NO_TALK_SHARE:
        return 0.0
    limit = case.limits.talk_over_share
    return sure(told.talk_over_share, limit, 2 * limit)


def talk_over(case: Case) -> Evidence:
    told = _talk(case).turns
    return {
        "talk_over_ms": tenths(told.talk_over_ms),
        "share": round(told.talk_over_share, 3),
    }


def judge_dead_air(case: Case) -> float:
    if case.talk is None:
        return 0.0
    limit_ms = case.limits.dead_air_ms
    return sure(case.talk.turns.dead_air_longest_ms, limit_ms, limit_ms + 1000)


def is_pause(case: Case) -> bool:
    """Somebody may have been asked to wait."""
    return _talk(case).turns.dead_air_longest_ms < 2 * case.limits.dead_air_ms


def dead_air(case: Case) -> Evidence:
    told = _talk(case).turns
    return {
        "longest_ms": tenths(told.dead_air_longest_ms),
        "total_ms": tenths(told.dead_air_total_ms),
    }


def _talk(case: Case) -> Talk:
    assert case.talk is not None
    return case.talk


def _slow(
    case: Case, times: Callable[[Talk], Sequence[float]], limit_ms: float, least: int
) -> float:
    """Of several, more than half take longer; certain where by more than they are uncertain."""
    talk = case.talk
    if talk is None or not talk.knows_turns or len(times(talk)) < least:
        return 0.0
    if case.measured.is_datagrams and case.around.way is None:
        return 0.0  # whose answers these are nobody says: he may be the caller
    if not talk.turns.is_exchange:
        return 0.0  # two recordings: nobody answers anybody
    middle_ms = float(np.median(times(talk)))
    return sure(middle_ms, limit_ms, limit_ms + 2 * talk.uncertainty_ms)


def _times(times: Sequence[float]) -> Evidence:
    return {
        "times": len(times),
        "p50_ms": tenths(float(np.median(times))),
        "max_ms": tenths(max(times)),
    }


ROWS: tuple[FindingRow, ...] = (
    FindingRow(
        id=FindingId.ECHO,
        severity=WARNING,
        title="what was sent comes back in what is received",
        judge=judge_echo,
        prove=prove_echo,
        rests_on="the correlation of both tracks: one delay, block after block, at which what "
        "was sent comes back",
        specify=word_echo,
        remedy="the far phone's loudspeaker reaches its microphone, or a line reflects: use a "
        "headset or an echo canceller there; until then do not let a bot interrupt itself on what "
        "it hears while it speaks",
        symptom="hears itself",
    ),
    FindingRow(
        id=FindingId.SLOW_RESPONSE,
        severity=WARNING,
        title="answers come late after the caller has spoken",
        judge=judge_slow_response,
        prove=slow_response,
        rests_on="the end of the caller's speech, and the first sounding frame sent after it",
        remedy="wait less for the end of the caller's speech, and send the first sound of an "
        "answer while the rest is still being made",
        symptom="long pauses",
    ),
    FindingRow(
        id=FindingId.SLOW_BARGE_IN,
        severity=WARNING,
        title="we speak on for long after the caller interrupts",
        judge=judge_slow_barge_in,
        prove=slow_barge_in,
        rests_on="the caller's onset while we sound, and our last sounding frame, what waits at "
        "the far end included",
        remedy="stop sending when the caller begins to speak, and send no more than 60 ms ahead: "
        "what waits at the far end is heard to its end",
        symptom="cannot be interrupted",
    ),
    FindingRow(
        id=FindingId.TALK_OVER,
        severity=INFO,  # as of two who do not hear each other, a recording and a caller
        title="both speak at the same time for much of the call",
        judge=judge_talk_over,
        prove=talk_over,
        rests_on="the time in which speech is heard and what is sent sounds, too",
        remedy="wait for the end of the caller's speech before an answer, and stop when the caller "
        "goes on",
        symptom="talk over each other",
    ),
    FindingRow(
        id=FindingId.DEAD_AIR,
        mild=is_pause,
        severity=WARNING,
        title="for long nobody speaks",
        judge=judge_dead_air,
        prove=dead_air,
        rests_on="stretches in which neither track holds speech or sound",
        remedy="say something while an answer takes long, and ask again when the caller is silent",
        symptom="silence",
    ),
)
