"""The parts of a block's facts: numbers are worked out by hand, and cuts change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from voipbin_cli.analysis.headers import RtpHeaders
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.analysis.validation.due import Spec, received
from voipbin_cli.analysis.validation.facts.audio import AudioFacts, code_of
from voipbin_cli.analysis.validation.facts.block import BlockFacts, MessageFacts, Past
from voipbin_cli.analysis.validation.facts.pacing import PacingFacts, PacingPast
from voipbin_cli.analysis.validation.facts.payload import PayloadFacts
from voipbin_cli.analysis.validation.facts.rtp_clock import ClockFacts, ClockPast
from voipbin_cli.analysis.validation.facts.rtp_sequence import SequenceFacts, SequencePast
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation

MS = 1_000_000


def packet(number: int, timestamp: int, ssrc: int = 1, payload: bytes = b"\x7e" * 160) -> bytes:
    fields = (number & 0xFFFF).to_bytes(2, "big") + (timestamp & 0xFFFFFFFF).to_bytes(4, "big")
    return b"\x80\x00" + fields + ssrc.to_bytes(4, "big") + payload


def columns(*messages: bytes | str) -> Messages:
    return from_messages([TimedMessage(data) for data in messages])


def pacing(times_ms: list[int], past: PacingPast) -> PacingFacts:
    times = np.array(times_ms) * MS
    return PacingFacts(times, np.full(len(times), 20 * MS), np.zeros(len(times), bool), past)


def test_a_queue_of_20_ms_frames() -> None:
    facts = pacing([0, 20, 20, 21, 120], PacingPast())
    assert facts.gap_ms.tolist() == [0, 20, 0, 1, 99]
    # unplayed as each comes: 0, 20-20, 20-0, 40-1, then 59-99: dry for 40; its own 20 ms added
    assert facts.lead_ms.tolist() == [20, 20, 40, 59, 20]
    assert facts.waited_ms.tolist() == [0, 0, 0, 0, 40]
    # the third and the fourth came within 2 ms of the one before
    assert facts.quick.tolist() == [0, 0, 1, 2, 0]


LATE = [0, 20, 40, 300, *[301] * 6]


def test_who_pauses_and_goes_on_may_have_had_nothing_to_say() -> None:
    """A second with nothing to play; then 240 ms of which half comes at once."""
    paused = pacing([0, 40, 1060], PacingPast())
    assert paused.waited_ms.tolist() == [0, 20, 1000]
    assert paused.has_waited.tolist() == [False, False, True]
    assert paused.is_meant.tolist() == [False, False, True]
    late = pacing(LATE, PacingPast())
    # 6 frames of 20 ms are half of 240
    assert np.flatnonzero(late.has_waited).tolist() == [3, 8]
    assert np.flatnonzero(late.is_meant).tolist() == [3]
    assert late.waited_ms[8] == 240


@pytest.mark.parametrize("times", [[0, 20, 20, 21, 120, 121], LATE])
@pytest.mark.parametrize("cut", range(7))
def test_pacing_goes_on_over_a_cut(times: list[int], cut: int) -> None:
    whole, first = pacing(times, PacingPast()), pacing(times[:cut], PacingPast())
    second = pacing(times[cut:], first.end)
    names = ("gap_ms", "lead_ms", "waited_ms", "has_waited", "is_meant", "quick")
    for name in (*names, "slow_share", "is_slow"):
        told = [*getattr(first, name), *getattr(second, name)]
        assert told == getattr(whole, name).tolist(), name
    assert second.end == whole.end


def sequence(numbers: list[int], past: SequencePast, ssrc: int = 1) -> SequenceFacts:
    packets = [packet(number, 0, ssrc) for number in numbers]
    return SequenceFacts(RtpHeaders(columns(*packets)), past)


def test_the_place_of_each_packet_over_the_wrap() -> None:
    facts = sequence([65534, 65535, 1, 0, 1, 5000, 5001], SequencePast())
    assert facts.missing.tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert facts.is_reordered.tolist() == [False, False, False, True, False, False, False]
    assert facts.is_duplicate.tolist() == [False, False, False, False, True, False, False]
    # 4999 on is more than MAX_DROPOUT of RFC 3550 A.1, 3000
    assert facts.is_jump.tolist() == [False, False, False, False, False, True, False]


def test_a_sequence_goes_on_over_a_cut() -> None:
    first = sequence([10, 13, 11], SequencePast())
    assert first.end == SequencePast(
        is_none=False, ssrc=1, sequence_number=11, payload_type=0, first_type=0, behind=2
    )
    assert sequence([13, 14], first.end).is_duplicate.tolist() == [True, False]
    assert sequence([14], first.end, ssrc=2).is_new_source.tolist() == [True]


def clock(stamps: list[int], past: ClockPast, samples: int = 160, *, linear: bool = False) -> Any:
    packets = RtpHeaders(columns(*(packet(n, stamp) for n, stamp in enumerate(stamps))))
    order = SequenceFacts(packets, SequencePast(is_none=False, ssrc=1, sequence_number=-1)).order
    counts = np.full(len(stamps), samples)
    return ClockFacts(packets, order, counts, np.full(len(stamps), linear), past)


def test_the_steps_of_a_clock_over_the_wrap() -> None:
    past = ClockPast(timestamp=2**32 - 160, samples=160, payload_type=0)
    facts = clock([0, 160, 400], past)
    assert facts.step.tolist() == [160, 160, 240]
    assert facts.due.tolist() == [160, 160, 160]
    assert facts.is_off.tolist() == [False, False, True]
    assert facts.end == ClockPast(timestamp=400, samples=160, payload_type=0)


def test_a_clock_that_counts_the_bytes_of_linear_audio() -> None:
    past = ClockPast(timestamp=0, samples=160, payload_type=0)
    assert clock([320], past, linear=True).is_counting_bytes.tolist() == [True]
    assert clock([320], past, linear=False).is_counting_bytes.tolist() == [False]


def test_how_long_payloads_play() -> None:
    headers = RtpHeaders(columns(packet(0, 0), packet(1, 0, payload=bytes(320)), packet(2, 0)))
    codec = np.array([code_of(Codec.MULAW), code_of(Codec.S16LE), 0])
    audio = AudioFacts(headers, codec)
    # 160 samples each; of the third nobody has heard the codec
    assert audio.duration_ns.tolist() == [20 * MS, 20 * MS, 0]
    assert audio.frame_bytes.tolist() == ["160", "320", "160 of G.711 or 320 linear"]
    assert audio.found.tolist() == ["mu-law", "linear (s16le)", "unknown"]


def test_silence_and_text_are_told_from_sound() -> None:
    sound = bytes(range(160))
    payloads = bytes(160), b"{'a': 1} " * 20, sound, b"{'b': 2} " * 20
    payload = PayloadFacts(RtpHeaders(columns(*(packet(0, 0, payload=data) for data in payloads))))
    assert payload.is_still.tolist() == [True, False, False, False]
    assert payload.is_words.tolist() == [False, True, False, True]
    assert payload.of(2) == sound


def test_letters_in_one_payload_of_many_are_no_text() -> None:
    letters, sound = b"{'a': 1} " * 20, bytes(range(160))
    payloads = letters, *[sound] * 4
    payload = PayloadFacts(RtpHeaders(columns(*(packet(0, 0, payload=data) for data in payloads))))
    assert not payload.is_words.any()


@pytest.mark.parametrize(
    ("payload", "of_wav", "of_file"),
    [
        (b"RIFF" + bytes(156), False, False),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(144), True, False),
        (bytes(4) + b"RIFF\x24\0\0\0WAVE" + bytes(144), False, False),
        (b"OggS" + b"SSOO" * 39, False, False),
        (b"OggS\0\2" + bytes(154), False, True),
    ],
)
def test_a_file_begins_with_more_than_four_letters(
    payload: bytes, of_wav: bool, of_file: bool
) -> None:
    facts = PayloadFacts(RtpHeaders(columns(packet(0, 0, payload=payload))))
    assert (facts.is_of_wav.tolist(), facts.is_of_file.tolist()) == ([of_wav], [of_file])


def test_the_facts_of_one_message_put_a_rule_into_words() -> None:
    due = received(Encapsulation.RTP, Spec.DOCUMENTED)
    facts = BlockFacts(columns(packet(7, 0), packet(9, 160)), due, Past())
    words = "number {rtp.sequence_number}, {sequence.missing} missing, {due.payload_type_names} due"
    assert words.format_map(MessageFacts(facts, 1)) == "number 9, 1 missing, 0 due"
    assert "{pacing.lead_ms:.0f} ms".format_map(MessageFacts(facts, 0)) == "0 ms"


def test_what_is_carried_over_is_that_of_the_encapsulation() -> None:
    due = received(Encapsulation.AUDIOSOCKET, Spec.DOCUMENTED)
    short = columns(b"\x10\x01\x40" + bytes(100))
    assert BlockFacts(short, due, Past()).end.missing_bytes == 220
