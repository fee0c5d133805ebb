"""The scripted caller in virtual time: what he says when, and what is told of it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.simulator.caller.scripted import TONE, Answering, call, during
from voipbin_cli.analysis.farend.far_end import Heard
from voipbin_cli.simulator.caller.outcome import Lateness, outcome_of
from voipbin_cli.simulator.caller.script import (
    BeSilent,
    CallerScript,
    Handset,
    HangUp,
    Interrupt,
    PressDigits,
    Row,
    Say,
    SayNothing,
    WaitForBegin,
    WaitForEnd,
)

QUIET = Handset(noise_dbfs=None)


def script(*rows: Row, **options: object) -> CallerScript:
    return CallerScript(rows, **{"handset": QUIET, **options})  # type: ignore[arg-type]


def told(caller, **options):  # type: ignore[no-untyped-def]
    facts = {"call": "one", "ended_by": "caller", "heard": Heard(), "lateness": Lateness()}
    return outcome_of(caller, **{**facts, **options})


def test_rows_follow_each_other_to_the_sample() -> None:
    caller = call(script(SayNothing(0.03), Say(seconds=0.5), SayNothing(0.1)), during())
    assert [(row.began, row.ended) for row in caller.done] == [
        (0, 240),  # 30 ms
        (240, 4240),
        (4240, 5040),
    ]
    said = caller.said
    assert not said[:240].any()
    assert said[240:4240].any()
    assert not said[4240:].any()
    assert caller.hung_up


def test_he_waits_for_the_bot_to_begin_and_for_its_end() -> None:
    caller = call(script(WaitForBegin(), WaitForEnd(), HangUp()), during((1000, 2000)))
    begin, end, hang_up = caller.done
    # The message of 1000 ms comes at 1020, and is heard from 1030 on: decided at the next frame.
    assert begin.ended == 1040 * 8
    # It is heard until 2030, and he is sure 400 ms later.
    assert end.ended == 2440 * 8
    assert hang_up.began == 2440 * 8
    assert not begin.timed_out
    assert not end.timed_out


def test_who_waits_in_vain_goes_on_and_says_so() -> None:
    caller = call(script(WaitForBegin(0.5), WaitForEnd(0.5), Interrupt(timeout_s=0.5)), during())
    assert [row.timed_out for row in caller.done] == [True, True, True]
    assert [row.began for row in caller.done] == [0, 4000, 8000]
    assert caller.done[2].spoken[0][0] >= 12_000


def test_a_short_pause_of_the_bot_is_no_end() -> None:
    caller = call(script(WaitForEnd()), during((200, 600), (900, 1200)))
    assert caller.done[0].ended == (1230 + 400 + 10) * 8


def test_he_interrupts_after_so_much_of_the_bots_speech() -> None:
    rows = (Interrupt(after_ms=705, seconds=0.6), WaitForEnd())
    caller = call(script(*rows), during((500, 1600)))
    # The bot is heard from 530 ms on; the first sample of the sound is 705 ms later.
    assert not caller.said[: 1235 * 8].any()
    assert caller.said[1235 * 8 : 1300 * 8].any()
    outcome = told(caller)
    onset_ms = caller.done[0].spoken[0][0] / 8
    assert outcome.barge_in_ms == pytest.approx([1630 - onset_ms])
    assert outcome.rows[0].barge_in_ms == pytest.approx(1630 - onset_ms)


@pytest.mark.parametrize("delay_ms", [300, 800])
def test_the_bots_answers_are_timed(delay_ms: int) -> None:
    turn = (Say(seconds=1.0), WaitForEnd())
    caller = call(script(*turn, times=3), Answering(delay_ms, 500))
    outcome = told(caller)
    # The last loud frame is at most 20 ms from the last sounding 10 ms; it comes when it is full.
    assert outcome.response_ms == pytest.approx([delay_ms] * 3, abs=40)
    answers = [row.response_ms for row in outcome.rows if row.name == "say"]
    assert answers == list(outcome.response_ms)
    assert [row.response_ms for row in outcome.rows if row.name == "wait-for-end"] == [None] * 3


def test_a_row_that_nobody_answers_has_no_answer_of_another() -> None:
    rows = (Say(seconds=0.5), SayNothing(1.0), Say(seconds=0.5), WaitForEnd(3.0))
    outcome = told(call(script(*rows), during((2400, 2600))))
    assert outcome.rows[0].response_ms is None
    assert outcome.rows[2].response_ms is not None


def test_keys_are_tones_or_told_beside_the_sound() -> None:
    heard = call(script(PressDigits("5")), during())
    spectrum = np.abs(np.fft.rfft(heard.said[:800]))
    # Q.23: 5 is 770 and 1336 Hz; a line is 10 Hz.
    assert sorted(int(line) * 10 for line in np.argsort(spectrum)[-2:]) == [770, 1340]
    keys: list[str] = []
    beside = call(script(PressDigits("5*")), during(), on_key=keys.append)
    assert keys == ["5", "*"]
    assert not beside.said.any()
    assert beside.pressed == "5*"


def test_noise_goes_on_in_a_pause_and_not_where_he_is_muted() -> None:
    noisy = Handset(noise_dbfs=-50)
    caller = call(script(SayNothing(0.2), BeSilent(0.2), handset=noisy), during())
    pause, muted = caller.said[:1600], caller.said[1600:3200]
    assert 20 * np.log10(np.std(pause) / 32768) == pytest.approx(-50, abs=1)
    assert not muted.any()


def test_the_handset_sends_back_what_it_plays() -> None:
    echo = Handset(noise_dbfs=None, echo_delay_ms=100, echo_db=-20)
    said = call(script(SayNothing(1.0), handset=echo), during((200, 400))).said
    # Played from 230 ms on, and back 100 ms later, at a tenth of its height.
    assert np.flatnonzero(said)[0] == pytest.approx(330 * 8, abs=2)
    assert said.max() == pytest.approx(0.1 * np.frombuffer(TONE, "<i2").max(), abs=1)


def test_level_and_loss_of_the_phones_leg() -> None:
    plain = call(script(Say(seconds=1.0)), during()).said.astype(float)
    soft = call(script(Say(seconds=1.0), handset=Handset(None, level_db=-6)), during()).said
    assert np.std(soft) / np.std(plain) == pytest.approx(10 ** (-6 / 20), rel=0.01)
    lossy = Handset(noise_dbfs=-50, loss_percent=20)
    lost = call(script(SayNothing(10.0), handset=lossy), during()).said.reshape(-1, 160)
    assert 50 <= (~lost.any(axis=1)).sum() <= 150  # of 500 frames


def test_frames_are_the_same_for_everybody_who_asks() -> None:
    caller = call(script(Say(seconds=0.2), SayNothing(0.2)), during())
    assert caller.frame(3) == caller.said[480:640].tobytes()


def test_a_machine_that_was_late_is_not_relied_on() -> None:
    assert Lateness.of([1.0] * 99 + [30.0]).is_reliable
    assert not Lateness.of([1.0] * 90 + [30.0] * 10).is_reliable
    assert not Lateness.of([]).is_reliable
