"""What the far end sends, against the wire facts and messages recorded from the real platform."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest

from voipbin_cli.analysis.farend.far_queue import CALL
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.far_end import MediaChannel, messages
from voipbin_cli.simulator.forms import ACCEPTED
from voipbin_cli.simulator.schedule import Slot

VECTORS = Path(__file__).parents[1] / "vectors"
# Loud positive and negative: +32124 and -32124, which mu-law can say exactly (80 and 00).
LOUD = struct.pack("<2h", 32124, -32124) * 80
DIALECTS = ["documented", "deployed", "linear", "legacy"]


def _messages(
    dialect: str, encapsulation: str, *, seed: int = 1, first: int = 0, scenario: str = "clean"
) -> Iterator[Slot]:
    return messages(
        find_scenario(scenario, {"dialect": dialect}),
        Encapsulation(encapsulation),
        lambda number: LOUD,
        first=first,
        rng=random.Random(seed),
    )


def _bodies(dialect: str, encapsulation: str, count: int = 3, **options: int) -> list[bytes]:
    return [slot.body for slot in islice(_messages(dialect, encapsulation, **options), count)]


def _rtp(message: bytes) -> tuple[int, int, int, int, int, bytes]:
    """First byte, marker and payload type, sequence, timestamp, SSRC, payload: by hand."""
    return (*struct.unpack("!BBHII", message[:12]), message[12:])


MULAW = bytes([0x80, 0x00] * 80)


@pytest.mark.parametrize(
    ("dialect", "payload_type", "payload", "step"),
    [
        ("documented", 0, MULAW, 160),
        ("deployed", 96, MULAW, 160),
        ("linear", 96, LOUD, 320),
        ("legacy", 0, MULAW, 160),
    ],
)
def test_rtp_of_each_dialect(dialect: str, payload_type: int, payload: bytes, step: int) -> None:
    packets = [_rtp(body) for body in _bodies(dialect, "rtp", 5)]
    assert {packet[0] for packet in packets} == {0x80}, "no padding, extension or CSRC"
    assert {packet[1] for packet in packets} == {payload_type}, "the marker is never set"
    assert [packet[5] for packet in packets[1:]] == [payload] * 4
    for a, b in pairwise(packets):
        assert (b[2] - a[2]) % 2**16 == 1
        assert (b[3] - a[3]) % 2**32 == step
    if dialect != "documented":
        assert packets[0][2:5] == (1, step, 0)


def test_documented_rtp_starts_at_random_and_repeats_with_its_seed() -> None:
    starts = {_rtp(_bodies("documented", "rtp", 1, seed=seed)[0])[2:5] for seed in range(20)}
    assert len(starts) == 20
    assert min(ssrc for _, _, ssrc in starts) > 0
    assert _bodies("documented", "rtp", seed=4) == _bodies("documented", "rtp", seed=4)


@pytest.mark.parametrize(
    ("dialect", "payload"),
    [("documented", LOUD), ("deployed", MULAW), ("linear", LOUD), ("legacy", MULAW)],
)
def test_sln_and_audiosocket_of_each_dialect(dialect: str, payload: bytes) -> None:
    assert _bodies(dialect, "sln")[1:] == [payload] * 2
    # Kind 10 ("linear"), whatever it carries.
    header = b"\x10" + len(payload).to_bytes(2, "big")
    assert _bodies(dialect, "audiosocket")[1:] == [header + payload] * 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_first_message_is_silence_as_its_codec_writes_it(dialect: str) -> None:
    for first in (0, 77):  # of a later stream, too
        payload = _rtp(_bodies(dialect, "rtp", 1, first=first)[0])[5]
        assert payload in (b"\xff" * 160, bytes(320))
        assert len(payload) == len(_rtp(_bodies(dialect, "rtp", 2)[1])[5])


@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
@pytest.mark.parametrize("dialect", ["deployed", "linear"])
def test_all_but_the_sound_is_as_the_real_platform_sent_it(
    dialect: str, encapsulation: str
) -> None:
    header = {"rtp": 12, "sln": 0, "audiosocket": 3}[encapsulation]
    lines = (VECTORS / f"{encapsulation}-{dialect}.jsonl").read_text().splitlines()
    real = [bytes.fromhex(json.loads(line)[1]) for line in lines]
    ours = _bodies(dialect, encapsulation, len(real))
    assert [message[:header] for message in ours] == [message[:header] for message in real]
    assert [len(message) for message in ours] == [len(message) for message in real]
    assert ours[0] == real[0], "silence and all"


def test_the_sound_goes_on_with_the_call_and_misses_only_its_first_frame() -> None:
    scenario = find_scenario("clean", {"dialect": "linear"})
    slots = messages(
        scenario,
        Encapsulation.SLN,
        lambda number: number.to_bytes(2, "little") * 160,
        first=500,
        rng=random.Random(1),
    )
    assert [slot.body[:2] for slot in islice(slots, 3)] == [
        b"\0\0",
        (500).to_bytes(2, "little"),
        (501).to_bytes(2, "little"),
    ]


def test_a_sequence_fault_shows_in_the_sequence_numbers() -> None:
    slots = islice(_messages("deployed", "rtp", scenario="sequence"), 500)
    numbers = [_rtp(slot.body)[2] for slot in slots]
    assert {b - a for a, b in pairwise(numbers)} >= {-1, 0, 1, 2}


@pytest.mark.parametrize(
    ("scenario", "encapsulation", "start"),
    [
        ("payload-label", "rtp", b"\x80\x08"),
        ("payload-label", "audiosocket", b"\x12\x00\xa0"),
    ],
)
def test_a_wrong_label(scenario: str, encapsulation: str, start: bytes) -> None:
    body = next(_messages("deployed", encapsulation, scenario=scenario)).body
    assert body.startswith(start)


def test_timestamps_at_16_khz() -> None:
    packets = [
        _rtp(slot.body)
        for slot in islice(_messages("deployed", "rtp", scenario="timestamp-rate"), 3)
    ]
    assert [packet[3] for packet in packets] == [320, 640, 960]
    assert {len(packet[5]) for packet in packets} == {160}


def test_what_is_taken_differs_from_what_is_sent() -> None:
    accepted = {str(dialect): tuple(row) for dialect, row in ACCEPTED.items()}
    assert accepted == {
        "documented": (Codec.MULAW, 0),
        "deployed": (Codec.S16LE, 96),
        "linear": (Codec.S16LE, 96),
        "legacy": (Codec.S16LE, 0),
    }


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sln_and_audiosocket_take_linear_in_every_dialect(dialect: str) -> None:
    scenario = find_scenario("clean", {"dialect": dialect})
    for encapsulation, header in (("sln", b""), ("audiosocket", b"\x10\x01\x40")):
        channel = MediaChannel(scenario, Encapsulation(encapsulation), CALL)
        channel.take_message(header + LOUD, 0)
        assert channel.queue.play() == LOUD
