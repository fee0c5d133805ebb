"""Messages in another encapsulation than the one asked for, and those that are as asked for."""

from __future__ import annotations

from itertools import product

import pytest

from tests.codec.foreign import FOREIGN, cut
from tests.codec.sounds import silence
from tests.corpus.sounds import talker
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.framing import OtherFraming, find_framing

RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
CODECS = (Codec.MULAW, Codec.S16LE)


def spoken(codec: Codec) -> list[bytes]:
    return cut(encode(codec, talker("en-us", 2, 4).tobytes()), 160 * codec.sample_bytes)


def packed(encapsulation: Encapsulation, payloads: list[bytes]) -> list[bytes]:
    packer = Packer(
        encapsulation, payload_type=96, ssrc=0, sequence_number=65500, timestamp=4_294_967_000
    )
    return [packer.pack(payload, 160) for payload in payloads]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("asked", "sent"), [*product(Encapsulation, repeat=2)])
def test_what_is_sent_in_place_of_what_was_asked_for(
    asked: Encapsulation, sent: Encapsulation, codec: Codec
) -> None:
    messages = packed(sent, spoken(codec))[:50]
    assert find_framing(asked, messages) == (None if asked is sent else OtherFraming(sent))


@pytest.mark.parametrize(("asked", "sent"), [*product((RTP, AUDIOSOCKET), repeat=2)])
def test_a_frame_inside_of_a_frame(asked: Encapsulation, sent: Encapsulation) -> None:
    messages = packed(asked, packed(sent, spoken(Codec.MULAW)))[:50]
    assert find_framing(asked, messages) == OtherFraming(sent, is_inside=True)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_silence_is_as_it_was_asked_for(encapsulation: Encapsulation, codec: Codec) -> None:
    messages = packed(encapsulation, [silence(codec, 160)] * 50)
    assert find_framing(encapsulation, messages) is None


@pytest.mark.parametrize("encapsulation", [RTP, AUDIOSOCKET])
def test_text_and_chance_are_no_encapsulation(encapsulation: Encapsulation) -> None:
    pcm = talker("de", 2, 1)
    assert find_framing(encapsulation, FOREIGN["json"][1](pcm)) == OtherFraming(
        text="JSON: event, streamSid, media"
    )
    assert find_framing(encapsulation, FOREIGN["encrypted-170"][1](pcm)) is None


def test_a_few_messages_tell_nothing() -> None:
    assert find_framing(SLN, packed(RTP, spoken(Codec.MULAW))[:4]) is None
    assert find_framing(SLN, packed(RTP, spoken(Codec.MULAW))[:5]) == OtherFraming(RTP)


def test_packets_out_of_order_and_of_two_sources_are_rtp() -> None:
    packets = packed(RTP, spoken(Codec.MULAW))[:50]
    swapped = [packets[n ^ 1] for n in range(50)]
    other = [packet[:8] + b"\x01\x02\x03\x04" + packet[12:] for packet in packets]
    both = [packet for pair in zip(packets, other, strict=True) for packet in pair][:50]
    for messages in (swapped, packets[::-1], [packets[0]] * 50, both):
        assert find_framing(RTP, messages) is None


def test_lost_packets_and_frames_of_another_kind_do_not_hide_it() -> None:
    lossy = [message for n, message in enumerate(packed(RTP, spoken(Codec.MULAW))) if n % 5]
    assert find_framing(SLN, lossy) == OtherFraming(RTP)
    begun = [b"\x01\x00\x10" + bytes(16), *packed(AUDIOSOCKET, spoken(Codec.MULAW))]
    assert find_framing(SLN, begun) == OtherFraming(AUDIOSOCKET)
