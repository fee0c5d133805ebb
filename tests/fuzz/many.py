"""Readers of single packets, many packets at once: python -m tests.fuzz.many [READER,...] [SECONDS]

Without guidance and without instruments a packet costs microseconds: what reads columns takes a
batch in a call, the rest is called in a loop. Mutations are seeded, by default by the clock.
Prints how many packets each reader took; what breaks one ends it, with the batch's seed.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from tests.fuzz import targets
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.headers import AudioSocketHeaders, RtpHeaders
from voipbin_cli.analysis.messages import Messages, from_columns
from voipbin_cli.capture.packet_finder import PacketFinder
from voipbin_cli.capture.records import RecordChunk
from voipbin_cli.codec import audiosocket, rtp
from voipbin_cli.codec.encapsulation import Encapsulation, unpack
from voipbin_cli.errors import DecodeError
from voipbin_cli.offline.turn import without_turn

CORPUS = Path(__file__).parent / "corpus"
WIDEST_BYTES = 448
EDGES = np.array([0, 1, 0x7F, 0x80, 0x90, 0xA0, 0xB0, 0xBF, 0xFE, 0xFF], np.uint8)
# Of each batch so many are read by the reader of one packet as well.
COMPARED = 40
# Headers are what readers look at: most mutations fall there.
_HEAD_BYTES = 64
_MOST_CHANGES = 4


def mutated(seeds: list[bytes], count: int, rng: np.random.Generator) -> Messages:
    """So many messages: bits flipped, bytes set to edges or anything, cut, tails of others."""
    sizes = np.array([min(len(seed), WIDEST_BYTES) for seed in seeds])
    rows = [seed[:WIDEST_BYTES].ljust(WIDEST_BYTES, b"\0") for seed in seeds]
    whole = np.frombuffer(b"".join(rows), np.uint8).reshape(-1, WIDEST_BYTES)
    chosen = rng.integers(0, len(seeds), count)
    packets, size = whole[chosen], sizes[chosen].copy()
    every = np.arange(count)
    for _ in range(int(rng.integers(1, _MOST_CHANGES + 1))):
        within = np.where(rng.random(count) < 0.8, _HEAD_BYTES, WIDEST_BYTES)
        at = rng.integers(0, np.maximum(np.minimum(within, size), 1))
        was = packets[every, at]
        flipped = was ^ (1 << rng.integers(0, 8, count)).astype(np.uint8)
        edge = EDGES[rng.integers(0, len(EDGES), count)]
        anything = rng.integers(0, 256, count).astype(np.uint8)
        packets[every, at] = np.choose(rng.integers(0, 4, count), (flipped, edge, anything, was))
    spliced = np.flatnonzero(rng.random(count) < 0.1)
    tail = np.arange(WIDEST_BYTES) >= rng.integers(0, _HEAD_BYTES, len(spliced))[:, None]
    others = whole[rng.integers(0, len(seeds), len(spliced))]
    packets[spliced] = np.where(tail, others, packets[spliced])
    fate = rng.random(count)
    size = np.where(fate < 0.2, rng.integers(0, np.maximum(size, 1)), size)
    size = np.where(fate > 0.9, rng.integers(0, WIDEST_BYTES + 1, count), size)
    return from_columns(packets.tobytes(), every * WIDEST_BYTES, size.astype(np.int64))


def every_column(headers: object) -> None:
    """Ask for all that can be asked."""
    for name, member in vars(type(headers)).items():
        if isinstance(member, (property, cached_property)):
            getattr(headers, name)


def lies_within(messages: Messages, at: Ints, size: Ints) -> None:
    assert np.all(at >= 0)
    assert np.all(size >= 0)
    assert np.all(at + size <= messages.size)


def rtp_columns(messages: Messages) -> None:
    """What columns say of a packet is what its parser says, and the payload lies in it."""
    found = RtpHeaders(messages)
    every_column(found)
    lies_within(messages, found.payload_at, found.payload_bytes)
    for n in range(0, len(messages), max(len(messages) // COMPARED, 1)):
        try:
            packet = rtp.parse(messages.message(n))
        except DecodeError:
            assert not found.is_readable[n]
            continue
        assert found.is_readable[n]
        assert found.sequence_number[n] == packet.sequence_number
        assert found.timestamp[n] == packet.timestamp
        if found.is_packet[n]:
            assert found.payload_bytes[n] == len(packet.payload)


def audiosocket_columns(messages: Messages) -> None:
    """The first frame is the one that the parser finds."""
    found = AudioSocketHeaders(messages)
    every_column(found)
    lies_within(messages, found.payload_at, found.payload_bytes)
    for n in range(0, len(messages), max(len(messages) // COMPARED, 1)):
        try:
            frames = audiosocket.parse_message(messages.message(n))
        except DecodeError:
            continue
        if found.frame_count[n]:
            assert found.payload_bytes[n] == len(frames[0].payload)


def turn_columns(messages: Messages) -> None:
    """What is taken out lies in what it was taken out of."""
    found = without_turn(messages)
    lies_within(messages, found.offset - messages.offset, found.size)
    assert np.all(found.length >= 0)


def wrapped_columns(messages: Messages) -> None:
    """Datagrams and segments lie in the record that they were found in, whatever the link layer."""
    for link_type in targets.LINK_TYPES:
        records = RecordChunk(
            messages.data,
            np.zeros(len(messages), np.int64),
            messages.offset,
            messages.length,
            np.full(len(messages), link_type),
            np.zeros(len(messages), np.uint8),
        )
        found = PacketFinder().find(records)
        datagrams = found.datagrams
        assert np.all(datagrams.length_bytes >= 0)
        assert np.all(datagrams.offset + datagrams.length_bytes <= len(found.data))
        own = datagrams.offset < len(messages.data)
        end = (messages.offset + messages.length)[datagrams.record]
        assert np.all((datagrams.offset + datagrams.length_bytes <= end)[own])
        for part in found.segments:
            assert np.all(part.end <= len(found.data))


def rtp_messages(messages: Messages) -> None:
    """One by one, as the live decoder does: read or refused, and the same when built again."""
    for n in range(len(messages)):
        data = messages.message(n)
        try:
            (unit,) = unpack(Encapsulation.RTP, data)
        except DecodeError:
            continue
        packet = unit.packet
        assert packet is not None
        if not packet.padding_bytes:
            assert rtp.build(packet) == data


def one_by_one(target: targets.Target) -> Callable[[Messages], None]:
    """The same for a target of the guided fuzzer."""

    def read(messages: Messages) -> None:
        for n in range(len(messages)):
            target(messages.message(n))

    return read


@dataclasses.dataclass(frozen=True, slots=True)
class Reader:
    """Whose corpora its packets are made of, how many it takes at once, and of each so often."""

    read: Callable[[Messages], None]
    corpora: tuple[str, ...]
    batch: int = 2_000
    readings: int = 1


_RTP = ("rtp_packet", "relayed_packet", "message")
_SOCKET = ("audiosocket_message", "audiosocket_stream", "message")
READERS: Mapping[str, Reader] = {
    "rtp_columns": Reader(rtp_columns, _RTP, 20_000),
    "audiosocket_columns": Reader(audiosocket_columns, _SOCKET, 20_000),
    "turn_columns": Reader(turn_columns, _RTP, 20_000),
    "wrapped_columns": Reader(
        wrapped_columns, ("wrapped_packets",), 5_000, len(targets.LINK_TYPES)
    ),
    "rtp_messages": Reader(rtp_messages, _RTP),
    **{
        name: Reader(one_by_one(targets.TARGETS[name]), corpora)
        for name, corpora in {
            "rtp_packet": _RTP,
            "audiosocket_message": _SOCKET,
            "audiosocket_stream": _SOCKET,
            "message": ("message",),
            "control_text": ("control_text",),
            "target_text": ("target_text",),
            "refusal_body": ("refusal_body",),
            "session_description": ("session_description",),
        }.items()
    },
}


def seeds_of(reader: Reader) -> list[bytes]:
    """The messages of its corpora; those of a corpus of several each are taken apart."""
    found = [
        path.read_bytes() for name in reader.corpora for path in sorted((CORPUS / name).iterdir())
    ]
    if reader.corpora == ("wrapped_packets",):
        found = [message for data in found for message in targets.taken_apart(data[1:])]
    return [data for data in found if data]


def batches(reader: Reader, seed: int) -> Iterator[Messages]:
    """Batches without an end, the same for the same seed."""
    seeds, rng = seeds_of(reader), np.random.default_rng(seed)
    while True:
        yield mutated(seeds, reader.batch, rng)


def run(name: str, seconds: float, seed: int) -> int:
    """How many packets a reader took in the time."""
    reader, count, end = READERS[name], 0, time.monotonic() + seconds
    for messages in batches(reader, seed):
        reader.read(messages)
        count += len(messages) * reader.readings
        if time.monotonic() >= end:
            break
    return count


def main() -> None:
    """Run the readers that the command line names."""
    wanted, seconds = [*sys.argv[1:], "", ""][:2]
    names = wanted.split(",") if wanted else [*READERS]
    if not READERS.keys() >= set(names):
        sys.exit(f"{__doc__}\nREADER is one of {', '.join(READERS)}")
    total, seed = 0, time.time_ns() % 10**9
    for name in names:
        began = time.monotonic()
        count = run(name, float(seconds or 10), seed)
        total += count
        rate = count / (time.monotonic() - began)
        print(f"{name:22}{count:14,}  {rate:12,.0f} a second, seed {seed}", flush=True)
    print(f"{'all':22}{total:14,}")


if __name__ == "__main__":
    main()
