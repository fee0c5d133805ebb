"""What is heard of forty ways to send, against a phone that plays each frame on its own clock."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from tests.analysis.farend.pacings import PACINGS, PAUSING, SECONDS, Sent, every
from voipbin_cli.analysis.farend.far_end import FarEnd
from voipbin_cli.analysis.farend.far_queue import CALL, CONFERENCE, FarQueue, QueueRule
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import Fingerprint, send_form

MS = 1_000_000


def phone(rule: QueueRule, sent: Sent, phase_ms: float) -> tuple[int, int]:
    """Ticks that sounded, and gaps between the first and the last of them: one tick at a time."""
    queue, waiting, heard = FarQueue(rule), list(sent), []
    for tick in range(SECONDS * 50 * 4):
        while waiting and waiting[0][0] <= (tick * 20 + phase_ms) * MS:
            queue.feed(b"\1" * 2 * waiting.pop(0)[1])
        heard.append(queue.play() is not None)
    sounding = [n for n, is_sound in enumerate(heard) if is_sound]
    return len(sounding), sounding[-1] - sounding[0] + 1 - len(sounding) if sounding else 0


def far_end(rule: QueueRule, sent: Sent) -> FarEnd:
    end = FarEnd(rule)
    times, samples = np.array(sent, np.int64).T
    end.add(times, samples, np.zeros(len(sent), bool))
    return end


def test_there_are_forty() -> None:
    assert len(PACINGS) >= 40


@pytest.mark.parametrize("name", PACINGS)
@pytest.mark.parametrize("rule", [CALL, CONFERENCE], ids=["call", "conference"])
def test_the_share_that_is_heard_is_that_of_a_phone(rule: QueueRule, name: str) -> None:
    """Within 1 % of the mean over the phases that a phone's clock may have."""
    sent = PACINGS[name]
    told = far_end(rule, sent).result()
    phones = [phone(rule, sent, phase_ms) for phase_ms in (3, 10, 17)]
    fed_ms = sum(samples for _, samples in sent) / 8
    heard_ms = np.mean([20 * heard for heard, _ in phones])
    gaps_ms = np.mean([20 * gaps for _, gaps in phones])
    assert told.fed_ms == fed_ms
    assert abs(told.heard_ms - heard_ms) <= 0.01 * fed_ms
    if name in PAUSING:
        assert told.holes_ms == 0
    elif not told.flushes:  # what a flush tears is no wait
        assert abs(told.holes_ms - gaps_ms) <= 0.01 * fed_ms


def test_a_pause_in_silence_or_after_which_one_speaks_anew_is_no_hole() -> None:
    end = FarEnd()
    times = np.array([0, 20, 60, 80, 1000]) * MS
    end.add(times, np.full(5, 160), np.array([False, True, True, False, False]))
    # 40 ms late between two silent frames; 900 ms of nothing: a pause between sentences
    assert (end.result().holes, end.result().share) == (0, 1.0)


def test_a_long_wait_is_a_hole_where_all_that_was_due_comes_at_once() -> None:
    end = FarEnd()
    times = np.array([0, 500, *range(500, 524, 2), 540, 1540, 1541, 1560]) * MS
    end.add(times, np.full(len(times), 160), np.zeros(len(times), bool))
    # 480 ms without a frame, then 260 ms of them; after the second wait there are but 40 ms
    assert (end.result().holes, end.result().longest_hole_ms) == (1, 480)


def test_sums_go_on_over_connections() -> None:
    end = far_end(CALL, every(25)[:8])  # ticks at 50 and 150 ms come before their frames
    end.restart()
    end.add(np.array([500 * MS]), np.array([160]), np.array([False]))
    told = end.result()
    assert (told.fed_ms, told.heard_ms, told.holes) == (180, 180, 2)


@pytest.mark.parametrize("name", ["a frame each 25 ms", "600 ms ahead", "100 ms each 130 ms"])
def test_the_sound_is_as_long_as_the_far_end_says(name: str) -> None:
    sent, written = PACINGS[name], []
    sound = HeardSound(Encapsulation.SLN, written.append, CALL)
    messages = [TimedMessage(b"\1" * 2 * samples, at_ns) for at_ns, samples in sent]
    sound.add(from_messages(messages), send_form(Encapsulation.SLN))
    sound.finish()
    pcm = b"".join(written)
    told = far_end(CALL, sent).result()
    assert pcm.count(1) == 16 * told.heard_ms
    if not told.flushes:
        assert pcm.count(0) == 16 * told.holes_ms


def test_what_the_far_end_drops_is_not_in_the_sound_and_mulaw_is_noise_in_it() -> None:
    packets = [struct.pack("!BBHII", 0x80, n % 2, n, n * 160, 1) + b"\x9a" * 160 for n in range(4)]
    messages = [TimedMessage(data, n * 20 * MS) for n, data in enumerate(packets)]
    written: list[bytes] = []
    sound = HeardSound(Encapsulation.RTP, written.append)
    taken = Fingerprint(payload_type=0, ssrc=0, sequence_number=1)  # the bridge: linear is due
    sound.add(
        from_messages([*messages, TimedMessage("text", 80 * MS)]),
        send_form(Encapsulation.RTP, taken),
    )
    sound.finish()
    # packets 0 and 2 are of payload type 0; 160 bytes of mu-law are 10 ms: together one frame
    assert b"".join(written) == bytes(640) + b"\x9a" * 320
