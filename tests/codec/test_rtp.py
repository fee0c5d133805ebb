"""RTP packets; the vectors are assembled by hand from RFC 3550 5.1 and 5.3.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.sounds import vector_messages
from voipbin_cli.codec import rtp
from voipbin_cli.codec.rtp import Extension, RtpPacket
from voipbin_cli.errors import DecodeError

# V=2 P=0 X=0 CC=0 | M=1 PT=0 | sequence 0xFFFF | timestamp 0xFFFFFF60 | SSRC 0xDEADBEEF | "abc"
PLAIN = bytes.fromhex("80 80 ffff ffffff60 deadbeef 616263".replace(" ", ""))
# V=2 P=1 X=1 CC=2 (0xB2) | M=0 PT=96 | sequence 1 | timestamp 160 | SSRC 0 | CSRC 1, 0x01020304 |
# extension 0xBEDE of one word | payload 0xAA | padding of 3: 00 00 03
FULL = bytes.fromhex(
    "b2 60 0001 000000a0 00000000 00000001 01020304 bede 0001 11223344 aa 000003".replace(" ", "")
)


def test_a_plain_packet() -> None:
    packet = RtpPacket(
        payload_type=0,
        sequence_number=0xFFFF,
        timestamp=2**32 - 160,
        ssrc=0xDEADBEEF,
        marker=True,
        payload=b"abc",
    )
    assert rtp.parse(PLAIN) == packet
    assert rtp.build(packet) == PLAIN


def test_a_packet_with_everything() -> None:
    packet = RtpPacket(
        payload_type=96,
        sequence_number=1,
        timestamp=160,
        ssrc=0,
        payload=b"\xaa",
        csrc=(1, 0x01020304),
        extension=(0xBEDE, b"\x11\x22\x33\x44"),
        padding_bytes=3,
    )
    assert rtp.parse(FULL) == packet
    assert rtp.parse(FULL).extension == Extension(0xBEDE, bytes.fromhex("11223344"))
    assert rtp.build(packet) == FULL


@pytest.mark.parametrize("name", ["rtp-deployed", "rtp-linear"])
def test_what_the_platform_sent_comes_back_byte_for_byte(name: str) -> None:
    packets = [rtp.parse(message) for message in vector_messages(name)]
    assert [rtp.build(packet) for packet in packets] == vector_messages(name)
    assert [packet.sequence_number for packet in packets] == list(range(1, 51))
    assert {(packet.payload_type, packet.ssrc) for packet in packets} == {(96, 0)}


@pytest.mark.parametrize(
    ("data", "slug", "offset"),
    [
        (b"", "truncated", 0),
        (PLAIN[:11], "truncated", 11),
        (b"\x00" + PLAIN[1:], "version", 0),
        (b"\x40" + PLAIN[1:], "version", 0),
        (b"\xc0" + PLAIN[1:], "version", 0),
        (b"\x81" + PLAIN[1:], "csrc-truncated", 15),  # one CSRC needs 16 bytes, there are 15
        (FULL[:22], "extension-truncated", 22),  # in the extension's own header
        (FULL[:27], "extension-truncated", 27),  # in its data
        (FULL[:-1] + b"\x00", "padding-invalid", 31),  # the count includes itself
        (FULL[:-1] + b"\x05", "padding-invalid", 31),  # four bytes follow the extension
        (b"\xa0" + PLAIN[1:12], "padding-invalid", 11),  # padding said to be there, and nothing is
    ],
)
def test_malformed_packets_are_named(data: bytes, slug: str, offset: int) -> None:
    with pytest.raises(DecodeError) as caught:
        rtp.parse(data)
    assert (caught.value.slug, caught.value.offset) == (slug, offset)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PLAIN[:7], "RTP header needs 12 bytes, got 7"),
        (b"\x40" + PLAIN[1:], "RTP version is 2, got 1"),
        (b"\x81" + PLAIN[1:12], "RTP list of 1 CSRCs ends at byte 16, the packet at 12"),
        (b"\x90" + PLAIN[1:15], "RTP extension header ends at byte 16, the packet at 15"),
        (b"\x90" + PLAIN[1:12] + b"\0\0\0\1\0", "extension of 1 words ends at byte 20, the packet"),
        (b"\xa0" + PLAIN[1:12] + b"ab\x09", "RTP padding of 9 bytes in 3 bytes of payload"),
    ],
)
def test_an_error_tells_the_numbers(data: bytes, words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        rtp.parse(data)


def test_a_header_may_end_the_packet() -> None:
    # CSRC, an extension without a word, one with a word: nothing follows.
    assert rtp.parse(b"\x81" + PLAIN[1:12] + b"\0\0\0\7").csrc == (7,)
    assert rtp.parse(b"\x90" + PLAIN[1:12] + b"\1\2\0\0").extension == (0x0102, b"")
    assert rtp.parse(b"\x90" + PLAIN[1:12] + b"\1\2\0\1abcd").extension == (0x0102, b"abcd")


def test_padding_without_a_byte_of_it_is_wrong() -> None:
    with pytest.raises(DecodeError) as caught:
        rtp.parse(b"\xa0" + PLAIN[1:11] + b"\0")  # the last byte of the SSRC is no count
    assert (caught.value.slug, caught.value.offset) == ("padding-invalid", 11)
    with pytest.raises(DecodeError) as caught:
        rtp.parse(b"\xa0" + PLAIN[1:11] + b"\1")
    assert caught.value.slug == "padding-invalid"


def test_one_byte_of_padding_is_its_own_count() -> None:
    packet = rtp.parse(b"\xa0" + PLAIN[1:12] + b"ab\1")
    assert (packet.payload, packet.padding_bytes) == (b"ab", 1)


@pytest.mark.parametrize("first", [b"\x80", b"\x81"], ids=["plain", "with a CSRC"])
@pytest.mark.parametrize(("second", "marker", "number"), [(127, False, 127), (128, True, 0)])
def test_the_marker_is_the_top_bit(first: bytes, second: int, marker: bool, number: int) -> None:
    packet = rtp.parse(first + bytes([second]) + PLAIN[2:12] + bytes(4))
    assert (packet.marker, packet.payload_type) == (marker, number)


def test_a_changed_packet_is_checked_like_a_new_one() -> None:
    assert rtp.parse(PLAIN)._replace(ssrc=1).ssrc == 1
    with pytest.raises(ValueError, match="ssrc 4294967296 does not fit into 32 bits"):
        rtp.parse(PLAIN)._replace(ssrc=1 << 32)


def test_padding_may_be_all_there_is() -> None:
    packet = rtp.parse(FULL[:-1] + b"\x04")
    assert (packet.payload, packet.padding_bytes) == (b"", 4)


@pytest.mark.parametrize(
    "field",
    [
        {"payload_type": 128},
        {"sequence_number": 65536},
        {"timestamp": 2**32},
        {"ssrc": -1},
        {"padding_bytes": 256},
        {"csrc": (0,) * 16},
        {"csrc": (2**32,)},
        {"extension": (0x10000, b"")},
        {"extension": (0, b"abc")},
        {"extension": (0, bytes(4 * 65536))},
    ],
)
def test_no_packet_out_of_range_can_be_made(field: dict[str, object]) -> None:
    good = rtp.parse(PLAIN)
    with pytest.raises(ValueError):
        good._replace(**field)
    with pytest.raises(ValueError):
        RtpPacket(**{"payload_type": 0, "sequence_number": 0, "timestamp": 0, "ssrc": 0} | field)


words = st.binary(max_size=40).map(lambda data: data[: len(data) & ~3])
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence_number=st.integers(0, 65535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    marker=st.booleans(),
    payload=st.binary(max_size=400),
    csrc=st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
    extension=st.none() | st.tuples(st.integers(0, 65535), words),
    padding_bytes=st.integers(0, 255),
)


@given(packets)
def test_every_packet_survives_the_wire(packet: RtpPacket) -> None:
    assert rtp.parse(rtp.build(packet)) == packet


@given(st.binary(max_size=80), st.sampled_from([None, 0x80, 0x9F, 0xA0, 0xB1, 0xBF]))
def test_only_decode_errors_escape(data: bytes, first: int | None) -> None:
    if first is not None:
        data = bytes([first]) + data
    try:
        packet = rtp.parse(data)
    except DecodeError:
        return
    # What the padding held is gone; the rest is all there.
    again = rtp.build(packet)
    assert len(again) == len(data)
    assert rtp.parse(again) == packet
