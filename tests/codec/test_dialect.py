"""Decoding streams that do not say what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate, cycle, repeat

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.cuts import ODD_SIZES, cut
from tests.codec.sounds import (
    MAKERS,
    Maker,
    frames,
    real_speech,
    silence,
    speech_like,
    to_pcm,
    vector_messages,
)
from tests.support.spread import spread
from voipbin_cli.codec import decider, rtp
from voipbin_cli.codec.codecs import Codec, decode, encode
from voipbin_cli.codec.dialect import MAX_HELD_FRAMES, AudioFrame, FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation, Packer, unpack
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.codec.hypotheses import MIN_BYTES, score_payload
from voipbin_cli.codec.reading import ALL_READINGS, SHIFTED, START, Reading, Seam
from voipbin_cli.errors import DecodeError
from voipbin_cli.simulator.talker import speech as talker_speech

RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
SPEECH = to_pcm(real_speech())

# dialect: payload type, SSRC, sequence number, timestamp, step per sample, codec in RTP, in others
FORMS = {
    "documented": (0, 0x5BD1E995, 41234, 2**32 - 480, 1, Codec.MULAW, Codec.S16LE),
    "deployed": (96, 0, 1, 160, 1, Codec.MULAW, Codec.MULAW),
    "linear": (96, 0, 1, 320, 2, Codec.S16LE, Codec.S16LE),
    "legacy": (0, 0, 1, 160, 1, Codec.MULAW, Codec.MULAW),
}
# What only others would send, and the decoder has to take all the same.
OTHERS = {
    "alaw-labelled": (8, 77, 1, 160, 1, Codec.ALAW, Codec.ALAW),
    "alaw-mislabelled": (96, 0, 1, 160, 1, Codec.ALAW, Codec.ALAW),
    "l16": (96, 77, 1, 160, 1, Codec.S16BE, Codec.S16BE),
}


def form_of(name: str, encapsulation: Encapsulation) -> tuple[Packer, Codec]:
    number, ssrc, sequence, stamp, per_sample, in_rtp, elsewhere = (FORMS | OTHERS)[name]
    if encapsulation is not RTP:
        return Packer(encapsulation), elsewhere
    return (
        Packer(
            RTP,
            payload_type=number,
            ssrc=ssrc,
            sequence_number=sequence,
            timestamp=stamp,
            timestamp_per_sample=per_sample,
        ),
        in_rtp,
    )


def run(decoder: FrameDecoder, messages: list[bytes]) -> list[AudioFrame]:
    found = [frame for n, message in enumerate(messages) for frame in decoder.feed(message, n)]
    return found + decoder.flush()


def payloads(codec: Codec, pcm: bytes, samples: int = 160) -> list[bytes]:
    return list(frames(encode(codec, pcm), samples * codec.sample_bytes))


def check(decoder: FrameDecoder, packer: Packer, codec: Codec, wire: list[bytes]) -> None:
    """Every payload comes back decoded right, in order, none lost."""
    messages = [packer.pack(p, len(p) // codec.sample_bytes) for p in wire]
    found = run(decoder, messages)
    assert [frame.tag for frame in found] == list(range(len(wire)))
    assert [frame.pcm for frame in found] == [decode(codec, payload) for payload in wire]
    assert decoder.revisions == 0
    assert decoder.held == 0


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("dialect", ["deployed", "linear"])
def test_what_the_platform_sent_decodes_right_from_the_first_frame(
    encapsulation: Encapsulation, dialect: str
) -> None:
    messages = vector_messages(f"{encapsulation}-{dialect}")
    codec = Codec.MULAW if dialect == "deployed" else Codec.S16LE
    decoder = FrameDecoder(encapsulation)
    found = run(decoder, messages)
    wire = [unpack(encapsulation, message)[0].payload for message in messages]
    assert [frame.pcm for frame in found] == [decode(codec, payload) for payload in wire]
    verdict = decoder.verdict
    assert verdict is not None
    assert (verdict.codec, verdict.dialect) == (codec, dialect)
    assert verdict.confidence > 0.99
    step = (160 if dialect == "deployed" else 320) if encapsulation is RTP else None
    # 320 a frame of 20 ms: 50 * 320 = 16000 a second, it counts bytes
    assert (verdict.timestamp_step, verdict.timestamp_hz) == (step, step and step * 50)
    assert decoder.send_form.codec is Codec.S16LE
    assert decoder.send_form.payload_type == (96 if encapsulation is RTP else None)


@pytest.mark.parametrize("lead", [0, 1, 2, 24, 25, 26, 60])
@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("name", [*FORMS, *OTHERS])
def test_all_dialects_decode_right_after_silence_of_any_length(
    name: str, encapsulation: Encapsulation, lead: int
) -> None:
    packer, codec = form_of(name, encapsulation)
    wire = [silence(codec, 160)] * lead + payloads(codec, SPEECH)
    decoder = FrameDecoder(encapsulation)
    check(decoder, packer, codec, wire)
    assert decoder.verdict is not None
    assert decoder.verdict.codec is codec
    if encapsulation is RTP and name in FORMS:
        assert decoder.verdict.dialect == name


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize(("name", "seed"), spread([*FORMS, *OTHERS], range(3)))
def test_sound_of_every_kind_decodes_right_from_its_first_frame(
    name: str, maker: Maker, seed: int
) -> None:
    rng = np.random.default_rng([seed, 7])
    sound = to_pcm(maker(rng, 160 * 12))
    lead = int(rng.choice([0, 0, 1, 3, 30]))
    for encapsulation in Encapsulation:
        packer, codec = form_of(name, encapsulation)
        wire = [silence(codec, 160)] * lead + payloads(codec, sound)
        check(FrameDecoder(encapsulation), packer, codec, wire)


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("frame_ms", [10, 20, 30, 40, 60])
@pytest.mark.parametrize("lead", [0, 1, 30])
def test_frames_of_other_lengths_decode_right(codec: Codec, frame_ms: int, lead: int) -> None:
    samples = 8 * frame_ms
    wire = [silence(codec, samples)] * lead + payloads(codec, SPEECH, samples)
    check(FrameDecoder(SLN), Packer(SLN), codec, wire)


def test_a_long_call_of_all_kinds_of_sound_is_never_doubted() -> None:
    rng = np.random.default_rng(3)
    for codec in Codec:
        decoder = FrameDecoder(SLN)
        sounds = [MAKERS[n % len(MAKERS)](rng, 160 * 30) for n in range(3 * len(MAKERS))]
        sounds[4] *= 30  # clipped until little but the rails is left
        sounds[7] *= 0
        pcm = SPEECH + b"".join(map(to_pcm, sounds))
        check(decoder, Packer(SLN), codec, payloads(codec, pcm))


@pytest.mark.parametrize("codec", Codec)
@pytest.mark.parametrize("other", Codec)
def test_a_stream_that_changes_its_codec_is_followed(codec: Codec, other: Codec) -> None:
    sound = to_pcm(np.tile(speech_like(np.random.default_rng(5), 160 * 40), 3))
    wire = payloads(codec, sound) + payloads(other, sound) * 2
    truth = [codec] * 120 + [other] * 240
    decoder = FrameDecoder(SLN)
    found = run(decoder, wire)
    assert [frame.tag for frame in found] == list(range(360))
    wrong = [n for n in range(360) if found[n].pcm != decode(truth[n], wire[n])]
    # A change of size is seen at once; one of sound alone at the next look, 2.56 s at the most
    # (and silence in between tells nothing).
    late = 100 if codec.sample_bytes == other.sample_bytes else 0
    assert all(120 <= n < 120 + late for n in wrong)
    assert decoder.revisions == (codec is not other)
    assert decoder.verdict is not None
    assert decoder.verdict.codec is other


def test_samples_that_begin_a_byte_late_are_read_from_there() -> None:
    shifted = SPEECH[1:] + SPEECH[:1]
    decoder = FrameDecoder(SLN)
    found = run(decoder, list(frames(shifted, 320)))
    # Every sample, but for the low byte of the first one, which never came.
    assert b"".join(frame.pcm for frame in found) == b"\0" + SPEECH[1:]
    assert (decoder.reading, decoder.codec, decoder.revisions) == (SHIFTED, Codec.S16LE, 0)
    verdict = decoder.verdict
    assert verdict is not None
    assert (verdict.codec, verdict.dialect) == (Codec.S16LE, Dialect.LINEAR)
    assert verdict.reason.startswith("s16le shifted by a byte by its sound: 2^")
    decoder.restart()
    assert [frame.pcm for frame in run(decoder, [shifted[:320]])] == [found[0].pcm]
    assert decoder.revisions == 0


# Each his own, how loud he is, and how loud the noise around him.
TALKERS = ((0, 0, -90), (1, -20, -40), (2, -6, -24), (3, -40, -70))


@cache
def talk(talker: tuple[int, float, float]) -> bytes:
    """Four seconds of a talker, without silence at either end."""
    number, level_db, noise_dbfs = talker
    rng = np.random.default_rng([number, 3])
    noise = rng.normal(size=8000 * 4) * 32768 * 10 ** (noise_dbfs / 20)
    return to_pcm(talker_speech(number, 4) * 10 ** (level_db / 20) + noise)


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "encapsulation"), spread(ODD_SIZES, Encapsulation))
@pytest.mark.parametrize("codec", [Codec.S16LE, Codec.S16BE])
def test_samples_cut_in_two_are_put_together_to_the_bit(
    encapsulation: Encapsulation, sizes: str, codec: Codec
) -> None:
    packer, _ = form_of("linear", encapsulation)
    for pcm in map(talk, TALKERS):
        wire = cut(encode(codec, pcm), ODD_SIZES[sizes]())
        decoder = FrameDecoder(encapsulation)
        found = run(decoder, [packer.pack(payload, len(payload) // 2) for payload in wire])
        assert b"".join(frame.pcm for frame in found) == pcm
        assert (decoder.reading, decoder.revisions) == (Reading(codec), 0)


@pytest.mark.parametrize(("sizes", "encapsulation"), spread(ODD_SIZES, Encapsulation))
def test_where_each_message_begins_afresh_its_odd_byte_is_left_over(
    encapsulation: Encapsulation, sizes: str
) -> None:
    packer, _ = form_of("linear", encapsulation)
    for pcm in map(talk, TALKERS):
        wire = cut(pcm, ODD_SIZES[sizes](), afresh=True)
        decoder = FrameDecoder(encapsulation)
        found = run(decoder, [packer.pack(payload, len(payload) // 2) for payload in wire])
        assert b"".join(frame.pcm for frame in found)[: len(pcm)] == pcm
        assert (decoder.reading, decoder.revisions) == (Reading(Codec.S16LE, afresh=True), 0)


def test_g711_of_odd_sizes_is_as_it_is() -> None:
    for codec in (Codec.MULAW, Codec.ALAW):
        for sizes in ODD_SIZES.values():
            check(FrameDecoder(SLN), Packer(SLN), codec, cut(encode(codec, SPEECH), sizes()))


def test_a_header_of_a_byte_before_each_message_is_skipped() -> None:
    wire = list(frames(talk((1, 0, -50)), 320))
    decoder = FrameDecoder(SLN)
    found = run(decoder, [b"\x07" + payload for payload in wire])
    # It takes two to see that the byte is no half of a sample.
    assert [frame.pcm for frame in found[2:]] == wire[2:]
    assert decoder.reading == SHIFTED._replace(afresh=True)


@pytest.mark.parametrize("sizes", ["641, 639", "321, 319", "101"])
def test_a_message_lost_among_odd_ones_shifts_what_follows_and_is_noticed(sizes: str) -> None:
    pcm = talk((1, 0, -50))
    wire = cut(pcm, ODD_SIZES[sizes]())
    decoder = FrameDecoder(SLN)
    sound = b"".join(frame.pcm for frame in run(decoder, wire[:60] + wire[61:]))
    before = len(b"".join(wire[:60])) // 2 * 2
    assert sound[:before] == pcm[:before]
    after = len(pcm) - len(b"".join(wire[:66]))  # five messages later
    assert sound[-after:] == pcm[-after:]


def test_a_new_connection_begins_with_a_whole_sample() -> None:
    pcm = talk((1, 0, -50))
    wire = cut(pcm, repeat(321))[:51]
    decoder = FrameDecoder(SLN)
    found = run(decoder, wire)
    decoder.restart()
    found += run(decoder, wire)
    once = pcm[: len(b"".join(wire)) // 2 * 2]
    assert b"".join(frame.pcm for frame in found) == once * 2
    assert decoder.revisions == 0


def test_a_shift_under_noise_is_followed_when_it_comes_out() -> None:
    rng = np.random.default_rng(5)
    noise = rng.normal(size=8000 * 5) * 32768 * 10 ** (-24 / 20)
    sound = to_pcm(np.resize(real_speech(), noise.size) + noise)
    wire = list(frames(sound[1:] + sound[:1], 320))
    decoder = FrameDecoder(SLN)
    released = [len(decoder.feed(payload, n)) for n, payload in enumerate(wire)]
    assert released[: MAX_HELD_FRAMES + 1] == [0] * (MAX_HELD_FRAMES - 1) + [MAX_HELD_FRAMES, 1]
    assert sum(released) == len(wire)
    # Until then they are taken for byte-swapped ones, which is all but the low bytes.
    assert (decoder.reading, decoder.is_settled, decoder.revisions) == (SHIFTED, True, 1)


def test_a_frame_of_another_size_does_not_shake_what_is_settled() -> None:
    wire = payloads(Codec.MULAW, SPEECH)
    odd = [*wire[:20], wire[20][:100], wire[20][100:], wire[21] + wire[22], *wire[23:]]
    decoder = FrameDecoder(SLN)
    found = run(decoder, odd)
    assert [frame.pcm for frame in found] == [decode(Codec.MULAW, payload) for payload in odd]
    assert decoder.revisions == 0


def test_silence_of_another_size_waits_for_the_next_usual_frame() -> None:
    decoder = FrameDecoder(SLN)
    wire = payloads(Codec.MULAW, SPEECH)[:10]
    assert len(run(decoder, wire)) == 10
    # 640 bytes of 0x00 would be silence if they were linear: not to be decided on their own.
    assert decoder.feed(bytes(640), 10) == []
    assert decoder.held == 1
    assert [f.tag for f in decoder.feed(wire[5], 11)] == [10, 11]
    assert decoder.codec is Codec.MULAW


def test_undecided_frames_are_held_25_at_most_and_none_is_lost() -> None:
    decoder = FrameDecoder(SLN)
    # 160 zero bytes: 10 ms of linear silence, or mu-law of full scale; size speaks for the latter.
    released = [len(decoder.feed(bytes(160), n)) for n in range(40)]
    assert released == [0] * (MAX_HELD_FRAMES - 1) + [MAX_HELD_FRAMES] + [1] * 15
    assert decoder.verdict is not None
    assert decoder.verdict.confidence <= 0.6  # silence alone settles nothing
    assert not decoder.is_settled


def test_sound_after_undecided_silence_is_held_anew() -> None:
    decoder = FrameDecoder(SLN)
    for n in range(30):
        decoder.feed(bytes(160), n)
    wire = payloads(Codec.S16LE, SPEECH, samples=80)
    found = run(decoder, wire)
    assert [frame.pcm for frame in found] == wire
    assert decoder.codec is Codec.S16LE
    assert decoder.revisions == 0


def test_linear_silence_need_not_wait_for_its_byte_order() -> None:
    decoder = FrameDecoder(SLN)
    assert [frame.pcm for frame in decoder.feed(bytes(320))] == [bytes(320)]


def test_a_tone_that_tells_nothing_is_let_go_when_waiting_does_not_help() -> None:
    # 2 kHz is a period of four samples: any odd mapping of them is a 2 kHz tone again, so mu-law
    # and A-law explain it equally well.
    tone = to_pcm(30000 * np.sin(np.pi / 2 * np.arange(160 * 60) + 0.3))
    wire = payloads(Codec.MULAW, tone)
    decoder = FrameDecoder(SLN)
    released = [len(decoder.feed(payload, n)) for n, payload in enumerate(wire)]
    assert sum(released) == 60
    assert max(released) <= MAX_HELD_FRAMES
    assert decoder.codec is Codec.MULAW  # the likelier of the two


def test_noise_is_decoded_by_its_size_and_nothing_is_claimed() -> None:
    rng = np.random.default_rng(1)
    for size, codec in ((160, Codec.MULAW), (320, Codec.S16LE)):
        decoder = FrameDecoder(SLN)
        found = run(decoder, [rng.bytes(size) for _ in range(300)])
        assert {frame.codec for frame in found} == {codec}
        assert decoder.verdict is not None
        assert decoder.verdict.confidence <= 0.6
        assert "silence alone" in decoder.verdict.reason


def test_timestamps_that_count_samples_of_linear_audio_are_evidence() -> None:
    # Step 160 for 320 bytes: two bytes a sample, so 320 bytes of 0xff are -1, not mu-law silence.
    packer = Packer(RTP, payload_type=96, ssrc=0, sequence_number=9, timestamp=0)
    decoder = FrameDecoder(RTP)
    found = run(decoder, [packer.pack(b"\xff" * 320, 160) for _ in range(4)])
    assert [frame.pcm for frame in found] == [b"\xff" * 320] * 4
    assert decoder.verdict is not None
    assert (decoder.verdict.timestamp_step, decoder.verdict.timestamp_hz) == (160, 8000)


def test_a_new_connection_begins_with_what_was_known() -> None:
    packer, codec = form_of("deployed", RTP)
    decoder = FrameDecoder(RTP)
    run(decoder, [packer.pack(payload, 160) for payload in payloads(codec, SPEECH)])
    decoder.restart()
    assert decoder.verdict is not None
    assert decoder.verdict.timestamp_step is None
    assert not decoder.is_settled
    packer, codec = form_of("documented", RTP)
    check(decoder, packer, codec, payloads(codec, SPEECH))
    assert decoder.verdict.dialect is Dialect.DOCUMENTED
    assert decoder.send_form.codec is Codec.MULAW


def test_a_new_connection_may_speak_another_codec() -> None:
    decoder = FrameDecoder(SLN)
    run(decoder, payloads(Codec.MULAW, SPEECH))
    decoder.restart()
    wire = payloads(Codec.ALAW, SPEECH)
    assert [f.pcm for f in run(decoder, wire)] == [decode(Codec.ALAW, p) for p in wire]
    assert decoder.revisions == 1


def test_frames_held_at_a_restart_come_out_first() -> None:
    decoder = FrameDecoder(SLN)
    assert decoder.feed(bytes(160), 1) == []
    decoder.restart()
    assert [f.tag for f in decoder.feed(payloads(Codec.MULAW, SPEECH)[0], 2)][:1] == [1]
    decoder.restart()
    assert [f.tag for f in decoder.flush()] in ([], [2])


def test_before_anything_arrived_there_is_no_verdict() -> None:
    decoder = FrameDecoder(AUDIOSOCKET)
    assert decoder.verdict is None
    assert decoder.codec is None
    assert decoder.flush() == []
    assert decoder.send_form.codec is Codec.S16LE


def test_frames_of_one_message_share_its_tag() -> None:
    wire = payloads(Codec.S16LE, SPEECH)
    pack = Packer(AUDIOSOCKET).pack
    decoder = FrameDecoder(AUDIOSOCKET)
    pairs = [pack(a, 160) + pack(b, 160) for a, b in zip(wire[::2], wire[1::2], strict=False)]
    found = run(decoder, pairs)
    assert [frame.tag for frame in found] == [n // 2 for n in range(2 * len(pairs))]
    assert [frame.pcm for frame in found] == wire[: 2 * len(pairs)]


def test_audiosocket_says_the_rate() -> None:
    # 20 ms at 16 kHz are 320 samples, 640 bytes
    wire = list(frames(SPEECH, 640))
    messages = [Packer(AUDIOSOCKET, kind=0x12).pack(payload, 320) for payload in wire]
    found = run(FrameDecoder(AUDIOSOCKET), messages)
    assert [(frame.pcm, frame.rate_hz) for frame in found] == [(p, 16000) for p in wire]


@pytest.mark.parametrize("message", [b"\x00\x00\x00", b"\x03\x00\x015", b"\xff\x00\x01\x01"])
def test_audiosocket_frames_that_are_not_audio_give_none(message: bytes) -> None:
    decoder = FrameDecoder(AUDIOSOCKET)
    assert decoder.feed(message) == decoder.flush() == []


@pytest.mark.parametrize(("number", "size"), [(13, 1), (72, 24), (101, 4)])
def test_rtp_that_holds_no_samples_gives_no_frame(number: int, size: int) -> None:
    decoder = FrameDecoder(RTP)
    packer, codec = form_of("documented", RTP)
    wire = payloads(codec, SPEECH)
    assert len(run(decoder, [packer.pack(p, 160) for p in wire])) == len(wire)
    packet = rtp.RtpPacket(
        payload_type=number, sequence_number=1, timestamp=0, ssrc=1, payload=bytes(size)
    )
    assert run(decoder, [rtp.build(packet)]) == []
    assert decoder.codec is Codec.MULAW


def test_a_label_that_lies_is_overruled_by_the_sound() -> None:
    for number, codec in ((0, Codec.S16LE), (0, Codec.ALAW), (8, Codec.MULAW), (11, Codec.S16LE)):
        packer = Packer(RTP, payload_type=number, ssrc=5, sequence_number=7, timestamp=0)
        check(FrameDecoder(RTP), packer, codec, payloads(codec, SPEECH))


def test_a_label_decides_where_sound_cannot() -> None:
    tone = to_pcm(30000 * np.sin(np.pi / 2 * np.arange(160 * 30) + 0.3))
    packer, codec = form_of("alaw-labelled", RTP)
    check(FrameDecoder(RTP), packer, codec, payloads(codec, tone))


def test_a_malformed_message_changes_nothing() -> None:
    decoder = FrameDecoder(RTP)
    packer, codec = form_of("deployed", RTP)
    messages = [packer.pack(payload, 160) for payload in payloads(codec, SPEECH)]
    before = run(decoder, messages[:5])
    state = decoder.verdict
    with pytest.raises(DecodeError):
        decoder.feed(b"\x80\x60")
    assert decoder.verdict == state
    assert len(before) + len(run(decoder, messages[5:])) == len(messages)


def test_an_odd_number_of_bytes_is_g711() -> None:
    wire = payloads(Codec.MULAW, SPEECH, samples=161)
    check(FrameDecoder(SLN), Packer(SLN), Codec.MULAW, wire)


def test_a_constant_that_is_silent_in_no_codec_says_nothing() -> None:
    decoder = FrameDecoder(SLN)
    assert decoder.feed(b"\x12\x34" * 80) == []
    assert decoder.verdict is not None
    assert decoder.verdict.confidence <= 0.6


# Looks at what is settled: how often, and what they say

Look = Callable[[bytes, Codec | None], dict[Codec, float]]


class Looks:
    """Stands where the sound is scored once a codec is settled, and notes for which frames."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, look: Look = score_payload) -> None:
        self.at: list[int] = []
        self.frame = 0
        self._look = look
        monkeypatch.setattr(decider, "score_each", self)

    def __call__(
        self, payloads: Sequence[bytes], like: Codec | None = None
    ) -> list[dict[Codec, float]]:
        self.at.append(self.frame)
        return [self._look(payload, like) for payload in payloads]

    def feed(self, decoder: FrameDecoder, wire: list[bytes]) -> None:
        for self.frame, payload in enumerate(wire):
            decoder.feed(payload)


def settled(codec: Codec = Codec.MULAW, *sizes: int) -> FrameDecoder:
    """A decoder that has heard `codec` for certain, in frames of these many samples (160)."""
    decoder = FrameDecoder(SLN)
    for size in sizes or (160,):
        for payload in payloads(codec, SPEECH, size)[:4]:
            decoder.feed(payload)
    assert decoder.is_settled
    assert decoder.codec is codec
    return decoder


LEADING = {Codec.MULAW: 4.0, Codec.ALAW: 5.0}


@pytest.mark.parametrize("sizes", [(160,), (160, 80)])
def test_looks_become_rarer_down_to_one_in_129(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...]
) -> None:
    decoder = FrameDecoder(SLN)
    sound = {size: payloads(Codec.MULAW, SPEECH, size)[5] for size in sizes}
    looks = Looks(monkeypatch, lambda *_: dict(LEADING))
    looks.feed(decoder, [sound[size] for size in sizes] * (900 // len(sizes)))
    first = len(sizes)  # each size is weighed before it is known
    gaps = np.diff([first - 1, *looks.at])
    assert list(gaps) == [1, 1, 1, 1, 2, 3, 5, 9, 17, 33, 65, 129, 129, 129, 129, 129]


@pytest.mark.parametrize(("second", "gap"), [(4.25, 5), (4.26, 129), (3.75, 5)])
def test_a_look_that_tells_little_is_followed_by_one_five_frames_on(
    monkeypatch: pytest.MonkeyPatch, second: float, gap: int
) -> None:
    looks = Looks(monkeypatch, lambda *_: {Codec.MULAW: 4.0, Codec.ALAW: second})
    decoder = settled()
    looks.feed(decoder, [payloads(Codec.MULAW, SPEECH)[5]] * 600)
    assert looks.at[-1] - looks.at[-2] == gap
    assert decoder.is_settled


@pytest.mark.parametrize(("second", "doubts"), [(3.75, False), (3.74, True)])
def test_a_quarter_of_a_bit_for_each_byte_raises_doubt(
    monkeypatch: pytest.MonkeyPatch, second: float, doubts: bool
) -> None:
    decoder = settled()
    Looks(monkeypatch, lambda *_: {Codec.MULAW: 4.0, Codec.ALAW: second})
    decoder.feed(payloads(Codec.ALAW, SPEECH)[10])  # in doubt it is weighed in earnest
    assert decoder.codec is (Codec.ALAW if doubts else Codec.MULAW)


@pytest.mark.parametrize(("own", "families"), [(7.7, 1), (7.71, 2)])
def test_what_is_noise_is_looked_at_as_the_other_width_too(
    monkeypatch: pytest.MonkeyPatch, own: float, families: int
) -> None:
    asked: list[Codec | None] = []

    def look(_: bytes, like: Codec | None) -> dict[Codec, float]:
        asked.append(like)
        costs = {Codec.MULAW: own, Codec.ALAW: 8.0}
        return costs if like else costs | {Codec.S16LE: 5.0, Codec.S16BE: 8.0}

    decoder = settled()
    Looks(monkeypatch, look)
    decoder.feed(payloads(Codec.S16LE, SPEECH, 80)[10])
    assert asked == [Codec.MULAW, None][:families]
    assert decoder.codec is (Codec.MULAW if families == 1 else Codec.S16LE)


def test_silence_of_another_codec_raises_doubt_and_a_constant_of_none_does_not() -> None:
    for still, holds in ((b"\xff" * 160, True), (b"\x12\x34" * 80, True), (bytes(160), False)):
        decoder = settled()
        assert len(decoder.feed(still)) == holds
        assert decoder.is_settled is holds


def test_doubt_about_the_sound_forgets_every_size() -> None:
    decoder = settled(Codec.MULAW, 160, 80)
    assert decoder.feed(bytes(160)) == []
    # Silence of the other size that was known has nothing to say now.
    assert decoder.feed(b"\x12\x34" * 40) == []
    assert decoder.held == 2


def test_a_size_that_is_new_is_judged_alone_and_leaves_the_others_known() -> None:
    decoder = settled(Codec.MULAW, 160, 80)
    assert decoder.feed(bytes(640)) == []
    verdict = decoder.verdict
    assert verdict is not None
    assert verdict.codec is Codec.S16LE  # the likelier while it is in doubt
    assert len(decoder.feed(b"\xff" * 80)) == 2
    assert decoder.codec is Codec.MULAW
    assert decoder.verdict is not None
    assert decoder.verdict.codec is Codec.MULAW


def test_sizes_of_a_codec_before_are_not_taken_for_the_next_ones() -> None:
    decoder = settled(Codec.MULAW, 160, 80)
    linear = payloads(Codec.S16LE, SPEECH)
    run(decoder, linear[:5])
    assert decoder.codec is Codec.S16LE
    short = payloads(Codec.S16LE, SPEECH, 40)
    wire = [bytes(640), *short[8:12], *linear[5:]]
    assert [frame.pcm for frame in run(decoder, wire)] == wire


def test_only_64_sizes_are_remembered() -> None:
    decoder = settled(Codec.MULAW, 160)
    wire = encode(Codec.MULAW, SPEECH)[160 * 4 :]
    sizes = [162 + 2 * n for n in range(64)]
    for size in sizes:
        assert len(decoder.feed(wire[:size])) == 1
    still = b"\x12\x34" * 200
    assert len(decoder.feed(still[: sizes[62]])) == 1  # the 64th that was heard
    assert decoder.feed(still[: sizes[63]]) == []  # and the 65th


def test_what_is_too_short_to_judge_is_taken_for_more_of_the_same() -> None:
    decoder = settled()
    assert len(decoder.feed(bytes(MIN_BYTES - 1))) == 1
    assert decoder.is_settled
    assert decoder.feed(bytes(MIN_BYTES)) == []
    assert not decoder.is_settled


def test_fifteen_milliseconds_of_sound_settle_it() -> None:
    loud = encode(Codec.MULAW, SPEECH)[3000:]
    for size, settles in ((120, True), (118, False)):
        decoder = FrameDecoder(SLN)
        decoder.feed(loud[:size])
        assert decoder.is_settled is settles


def test_what_was_never_settled_needs_as_much_sound_as_any() -> None:
    decoder = FrameDecoder(SLN)
    assert len(decoder.feed(silence(Codec.MULAW, 160))) == 1
    decoder.feed(encode(Codec.MULAW, SPEECH)[3000:3080])
    assert decoder.codec is Codec.MULAW
    assert not decoder.is_settled


def test_silence_alone_does_not_unsettle_what_sound_has_settled() -> None:
    decoder = settled(Codec.MULAW, 320)
    assert decoder.feed(bytes(320)) == []  # as linear audio it would be silence, and of that size
    assert decoder.held == 1
    assert decoder.codec is Codec.MULAW


def test_confidence_is_the_share_of_the_odds_and_the_reason_their_distance() -> None:
    def verdict_of(payload: bytes) -> tuple[float, str]:
        decoder = FrameDecoder(SLN)
        decoder.feed(payload)
        assert decoder.verdict is not None
        return decoder.verdict.confidence, decoder.verdict.reason

    silent = "by size, label and silence alone"
    # Mu-law and s16le alike, A-law and s16be six bits behind: 1 / (2 + 2 / 64).
    assert verdict_of(b"\x12\x34" * 120) == (0.492, f"mulaw {silent}: 2^0 times as likely as s16le")
    assert verdict_of(bytes(160)) == (0.6, f"s16le {silent}: 2^6 times as likely as mulaw")
    confidence, reason = verdict_of(payloads(Codec.MULAW, SPEECH)[10])
    assert confidence == 0.999
    assert reason.startswith("mulaw by its sound: 2^")


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(data=st.data())
def test_any_messages_give_back_every_frame_in_order(
    encapsulation: Encapsulation, data: st.DataObject
) -> None:
    speech = payloads(Codec.MULAW, SPEECH)[:6] + payloads(Codec.S16LE, SPEECH)[:6]
    chunks = st.binary(min_size=1, max_size=330) | st.sampled_from([*speech, b"\xff" * 160])
    packer, _ = form_of("deployed", encapsulation)
    wire = data.draw(st.lists(chunks.filter(lambda p: len(p) != 4), max_size=40))
    decoder = FrameDecoder(encapsulation)
    found = run(decoder, [packer.pack(payload, 160) for payload in wire])
    assert [frame.tag for frame in found] == list(range(len(wire)))
    assert [frame.unit.payload for frame in found] == wire
    seams = accumulate(wire[:-1], Seam.after, initial=START)
    for frame, payload, seam in zip(found, wire, seams, strict=bool(wire)):
        known = {r.decode(payload, seam) for r in ALL_READINGS if r.codec is frame.codec}
        assert frame.pcm in known


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(messages=st.lists(st.binary(max_size=60), max_size=10))
def test_only_decode_errors_escape(encapsulation: Encapsulation, messages: list[bytes]) -> None:
    decoder = FrameDecoder(encapsulation)
    for message in messages:
        try:
            decoder.feed(message)
        except DecodeError:
            continue
    decoder.flush()


@pytest.mark.parametrize("sizes", [(641, 639), (641,), (161, 159)], ids=str)
def test_digital_silence_in_odd_messages_is_no_noise_at_full_scale(sizes: tuple[int, ...]) -> None:
    quiet = bytes(2 * 16_000)  # 2 s, longer than frames are held back
    decoder = FrameDecoder(Encapsulation.SLN)
    heard = [frame for message in cut(quiet, cycle(sizes)) for frame in decoder.feed(message)]
    assert b"".join(frame.pcm for frame in heard + decoder.flush()) == quiet
