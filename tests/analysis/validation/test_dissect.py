"""Every byte of a message is explained, whatever the bytes are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.hextext import message_bytes
from voipbin_cli.analysis.validation.dissect import Field, dissect, payload_type_name
from voipbin_cli.codec.encapsulation import Encapsulation


def named(fields: list[Field]) -> dict[str, str]:
    return {field.name: field.value for field in fields}


def test_an_rtp_packet_field_by_field() -> None:
    fields = dissect(Encapsulation.RTP, message_bytes("8060 0001 000000a0 00000000 ff*160"))
    assert named(fields) == {
        "version": "2",
        "padding": "0",
        "extension": "0",
        "csrc_count": "0",
        "marker": "0",
        "payload_type": "96",
        "sequence_number": "1",
        "timestamp": "160",
        "ssrc": "0x00000000",
        "payload": "160 bytes",
    }
    assert (fields[-1].start, fields[-1].end) == (12, 172)
    assert fields[-1].meaning == "20 ms of G.711, 10 ms linear"


def test_an_rtp_packet_with_everything_that_can_be_in_front_of_a_payload() -> None:
    packet = message_bytes("b180 0007 00000000 1a2b3c4d 5e6f7081 bede0001 10aa0000 ff*4 000003")
    places = {field.name: (field.start, field.end) for field in dissect(Encapsulation.RTP, packet)}
    assert places["csrc"] == (12, 16)
    assert places["extension"] == (16, 24)
    assert places["payload"] == (24, 28)
    assert places["padding"] == (28, 31)
    assert places["marker"] == (1, 2)


def test_an_audiosocket_length_in_the_wrong_order_is_said() -> None:
    fields = dissect(Encapsulation.AUDIOSOCKET, message_bytes("10 4001 00*320"))
    length = next(field for field in fields if field.name == "length")
    assert length.value == "16385"
    assert length.meaning == "bytes of payload, 320 follow; little-endian it reads 320"


def test_two_audiosocket_frames_in_one_message() -> None:
    fields = dissect(Encapsulation.AUDIOSOCKET, message_bytes("10 0002 0102 03 0001 35"))
    assert [field.name for field in fields] == ["kind", "length", "payload"] * 2
    assert fields[3].meaning == "DTMF"


def test_less_than_a_header_behind_an_audiosocket_frame_is_a_rest() -> None:
    fields = dissect(Encapsulation.AUDIOSOCKET, message_bytes("10 0002 0102 10 00"))
    assert [field.name for field in fields] == ["kind", "length", "payload", "rest"]
    assert (fields[-1].start, fields[-1].value) == (5, "1000")


def test_after_sixteen_audiosocket_frames_the_others_are_summed_up() -> None:
    fields = dissect(Encapsulation.AUDIOSOCKET, message_bytes("03 0001 35") * 20)
    assert [field.name for field in fields] == ["kind", "length", "payload"] * 16 + ["rest"]
    assert (fields[-1].start, fields[-1].value) == (64, "16 bytes")


@pytest.mark.parametrize(
    ("number", "name"),
    # RFC 3551 section 6.
    [
        (0, "PCMU at 8000 Hz"),
        (72, "reserved: RTCP reads like this"),
        (35, "unassigned"),
        (96, "dynamic; the platform's bridge"),
        (97, "dynamic"),
    ],
)
def test_what_a_payload_type_stands_for(number: int, name: str) -> None:
    assert payload_type_name(number) == name


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(message=st.binary(max_size=200))
def test_each_byte_is_in_a_field_and_the_fields_are_in_order(
    encapsulation: Encapsulation, message: bytes
) -> None:
    fields = dissect(encapsulation, message)
    assert all(0 <= field.start < field.end <= len(message) for field in fields)
    assert [field.start for field in fields] == sorted(field.start for field in fields)
    covered = {at for field in fields for at in range(field.start, field.end)}
    assert covered == set(range(len(message)))
