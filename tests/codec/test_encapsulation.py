"""Messages in the three encapsulations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec import rtp
from voipbin_cli.codec.audiosocket import Kind
from voipbin_cli.codec.encapsulation import Direction, Encapsulation, Packer, unpack
from voipbin_cli.errors import DecodeError

RTP_START = {"payload_type": 96, "ssrc": 0, "sequence_number": 1, "timestamp": 160}


def packer(encapsulation: Encapsulation, **more: int) -> Packer:
    start = RTP_START if encapsulation is Encapsulation.RTP else {}
    return Packer(encapsulation, **(start | more))


@pytest.mark.parametrize(
    ("encapsulation", "head", "label"),
    [
        (Encapsulation.RTP, "80600001000000a000000000", 96),
        (Encapsulation.SLN, "", None),
        (Encapsulation.AUDIOSOCKET, "1000a0", Kind.PCM_8K),
    ],
)
def test_a_deployed_message_by_hand(encapsulation: Encapsulation, head: str, label: object) -> None:
    message = bytes.fromhex(head) + b"\xff" * 160
    assert packer(encapsulation).pack(b"\xff" * 160, 160) == message
    (unit,) = unpack(encapsulation, message)
    assert (unit.payload, unit.label, unit.rate_hz) == (b"\xff" * 160, label, 8000)
    assert (unit.packet is not None) == (encapsulation is Encapsulation.RTP)
    assert unit.is_audio


def test_rtp_counts_on_over_both_wraps() -> None:
    source = packer(Encapsulation.RTP, sequence_number=65535, timestamp=2**32 - 320)
    first, second, third = (rtp.parse(source.pack(b"x", 160, marker=n == 1)) for n in range(3))
    assert [p.sequence_number for p in (first, second, third)] == [65535, 0, 1]
    assert [p.timestamp for p in (first, second, third)] == [2**32 - 320, 2**32 - 160, 0]
    assert [p.marker for p in (first, second, third)] == [False, True, False]


def test_timestamps_may_count_the_bytes_of_linear_audio() -> None:
    source = packer(Encapsulation.RTP, timestamp=320, timestamp_per_sample=2)
    stamps = [rtp.parse(source.pack(bytes(320), 160)).timestamp for _ in range(3)]
    assert stamps == [320, 640, 960]


@pytest.mark.parametrize("missing", RTP_START)
def test_rtp_needs_its_random_numbers_from_the_caller(missing: str) -> None:
    with pytest.raises(ValueError):
        Packer(Encapsulation.RTP, **{k: v for k, v in RTP_START.items() if k != missing})


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("payload", [b"", bytes(65536)])
def test_what_ends_the_stream_or_the_platform_is_never_packed(
    encapsulation: Encapsulation, payload: bytes
) -> None:
    with pytest.raises(ValueError):
        packer(encapsulation).pack(payload, len(payload))


@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_the_largest_payload_is_packed(encapsulation: Encapsulation) -> None:
    assert packer(encapsulation).pack(bytes(65535), 65535).endswith(bytes(65535))


def test_a_packer_uses_the_callers_numbers() -> None:
    mine = packer(
        Encapsulation.RTP, payload_type=8, ssrc=0xDEADBEEF, sequence_number=9, timestamp=7
    )
    # RFC 3550 5.1: V=2, PT 8, sequence 9, timestamp 7, SSRC.
    assert mine.pack(b"x", 1) == bytes.fromhex("80080009 00000007 deadbeef") + b"x"


def test_an_unknown_kind_is_taken_for_8_kHz() -> None:  # noqa: N802
    (unit,) = unpack(Encapsulation.AUDIOSOCKET, b"\x77\0\1x")
    assert (unit.label, unit.rate_hz, unit.is_audio) == (0x77, 8000, False)


def test_audiosocket_frames_of_one_message_are_units_of_their_own() -> None:
    message = b"\x12\x00\x02ab" + b"\x03\x00\x015" + b"\x19\x00\x01x"
    audio, digit, unknown = unpack(Encapsulation.AUDIOSOCKET, message)
    assert (audio.payload, audio.label, audio.rate_hz) == (b"ab", Kind.PCM_16K, 16000)
    assert [unit.is_audio for unit in (audio, digit, unknown)] == [True, False, False]


def test_the_packers_kind_is_the_callers() -> None:
    source = Packer(Encapsulation.AUDIOSOCKET, kind=Kind.PCM_16K)
    assert source.pack(b"ab", 1) == b"\x12\x00\x02ab"


def test_names_are_those_of_the_query() -> None:
    assert [str(e) for e in Encapsulation] == ["rtp", "sln", "audiosocket"]
    assert [str(d) for d in Direction] == ["in", "out"]


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(data=st.binary(max_size=60))
def test_only_decode_errors_escape(encapsulation: Encapsulation, data: bytes) -> None:
    try:
        units = unpack(encapsulation, data)
    except DecodeError:
        return
    assert units
    assert sum(len(unit.payload) for unit in units) <= len(data)


@pytest.mark.parametrize("encapsulation", Encapsulation)
@given(payload=st.binary(min_size=1, max_size=400))
def test_a_payload_comes_back(encapsulation: Encapsulation, payload: bytes) -> None:
    (unit,) = unpack(encapsulation, packer(encapsulation).pack(payload, 160))
    assert unit.payload == payload
