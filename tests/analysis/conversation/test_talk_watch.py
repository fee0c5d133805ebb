"""Who watches a stream while it runs sees what its end will say."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.conversation.scenes import FRAME, MS, Scene, arrivals, scene
from voipbin_cli.analysis.conversation.talk_watch import SILENT_DBFS, TalkGlance, TalkWatch

LOOK_MS = 200


def watched(told: Scene, seconds: float, *, is_mix: bool = False) -> list[tuple[int, TalkGlance]]:
    """What each look shows, five of them a second; times are ms from the start."""
    rng, rows = np.random.default_rng(1), int(seconds * 50)
    came, went = arrivals(rows, rng, first=1), arrivals(rows, rng)
    watch, looks = TalkWatch(), []
    for row in range(rows):
        cut = slice(row * FRAME, (row + 1) * FRAME)
        watch.receive(int(came[row]), told.received[cut])
        watch.send(int(went[row]), told.sent[cut])
        if row % 10 == 9:
            now_ns = int(max(came[row], went[row]))
            looks.append((row * 20, watch.look(now_ns, is_mix=is_mix)))
    return looks


def test_answers_are_timed_as_at_the_end() -> None:
    told = scene(1, turns=2)
    looks = watched(told, len(told.sent) / 8000)
    assert looks[-1][1].responses_ms == pytest.approx(told.responses, abs=25)
    # Of the last answer it is known half a second after the caller's end was sure.
    assert len(looks[5][1].responses_ms) == 0


def test_it_shows_who_speaks_now_and_how_loud() -> None:
    told = scene(2, turns=1)
    talks = [glance.caller_speaks for _, glance in watched(told, 8)]
    ours = [glance.we_sound for _, glance in watched(told, 8)]
    for n in range(len(talks)):
        now = slice(max(0, n - 2) * 1600, n * 1600 + 1600)
        loud = [np.abs(side[now].astype(int)).max() > 2000 for side in (told.received, told.sent)]
        # What somebody said in the last 600 ms may go on, and a word begins 100 ms before it shows.
        assert (loud[0] or not talks[n], loud[1] or not ours[n]) == (True, True), n
    assert sum(talks) > 5
    assert sum(ours) > 5
    levels = [glance.sent_dbfs for _, glance in watched(told, 8)]
    assert max(level for level in levels if level is not None) > -30
    assert levels[0] == SILENT_DBFS


def test_of_a_mix_it_is_not_told_who_is_answered() -> None:
    _, last = watched(scene(1, turns=1), 9, is_mix=True)[-1]
    assert (last.is_mix, last.responses_ms) == (True, ())


def test_it_shows_how_fast_it_goes_and_what_waits() -> None:
    """A sender of 40 frames a second, then 200 ms at once; what waits plays 20 ms in 20 ms."""
    watch = TalkWatch()
    assert watch.look(0) == TalkGlance()
    for n in range(120):
        watch.send(n * 25 * MS, np.zeros(FRAME, np.int16))
    slow = watch.look(2995 * MS)
    assert (slow.sent_hz, slow.received_hz, slow.queued_ms) == (40, 0, 0)
    watch.send(3000 * MS, np.zeros(10 * FRAME, np.int16))
    waits = [watch.look((3005 + after) * MS).queued_ms for after in (0, 100, 300)]
    assert waits == [200, 100, 0]
    assert watch.look(6000 * MS).sent_hz == 0


def test_what_the_far_end_drops_is_not_taken() -> None:
    watch = TalkWatch()
    watch.send(0, np.empty(0, np.int16))
    seen = watch.look(20 * MS)
    assert (seen.is_taken, seen.queued_ms, seen.sent_dbfs) == (False, 0, SILENT_DBFS)
