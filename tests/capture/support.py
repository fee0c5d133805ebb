"""Streams to put into captures."""

from __future__ import annotations

import io
import json
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from voipbin_cli.capture import window
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedMessage, CaptureMeta
from voipbin_cli.capture.packets import Flow
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.capture.records import DIRECTIONS
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

START_NS = 1_795_000_000_123_456_789
VECTORS = Path(__file__).parent.parent / "vectors"


class Memory:
    """A sink that keeps each write."""

    def __init__(self):
        self.writes = []
        self.closed = False

    @property
    def data(self):
        return b"".join(self.writes)

    def write(self, data):
        assert not self.closed
        self.writes.append(bytes(data))

    def close(self):
        self.closed = True


def new_writer(encapsulation="rtp", **fields):
    sink = Memory()
    meta = CaptureMeta(Encapsulation(encapsulation), "call/abc", fields=fields)
    return PcapngWriter(sink, meta), sink


def opened(data):
    """The capture in some bytes."""
    return Capture(Window(io.BytesIO(data)))


def read_in_pieces(monkeypatch, size):
    """From now on a file is read so many bytes at a time."""
    monkeypatch.setattr(window, "FIRST_BYTES", size)
    monkeypatch.setattr(window, "READ_BYTES", size)


@contextmanager
def open_capture(path):
    """The capture in a file."""
    with open(path, "rb") as file:
        yield Capture(Window(file))


class Packet(NamedTuple):
    """One UDP datagram of a capture."""

    time_ns: int
    direction: Direction | None
    flow: Flow
    data: bytes
    wire_bytes: int
    comment: str = ""


def packets_of(capture):
    """All UDP packets of a capture, one by one, in file order."""
    return [
        Packet(
            int(chunk.time_ns[n]),
            DIRECTIONS.get(int(chunk.direction[n])),
            capture.flows[int(chunk.flow[n])],
            chunk.data[at : at + int(chunk.length_bytes[n])],
            int(chunk.wire_bytes[n]),
            chunk.comments.get(n, ""),
        )
        for chunk in capture.chunks()
        for n, at in enumerate(chunk.offset.tolist())
    ]


def records_of(capture):
    """Messages and events of our own capture, one by one, in the order of their times."""
    found = []
    for chunk in capture.message_chunks():
        messages = [
            (
                int(chunk.position[n]),
                CapturedMessage(
                    int(chunk.time_ns[n]),
                    DIRECTIONS[int(chunk.direction[n])],
                    chunk.data[at : at + int(chunk.length_bytes[n])],
                    int(chunk.client[n]),
                ),
            )
            for n, at in enumerate(chunk.offset.tolist())
        ]
        in_file_order = sorted(messages + chunk.others, key=lambda row: row[0])
        found += [record for _, record in in_file_order]
    return sorted(found, key=lambda record: record.time_ns)


def vector(name):
    """(Unix ns, message) of a stream as the platform sent it."""
    for line in (VECTORS / f"{name}.jsonl").read_text().splitlines():
        time_ns, data = json.loads(line)
        yield START_NS + time_ns, bytes.fromhex(data)


def rtp_message(n, *, payload_type=96, step=160, payload=bytes(160), ssrc=0x1234):
    """The n-th packet of a stream."""
    number, timestamp = (1 + n) & 0xFFFF, (n * step) & 0xFFFFFFFF
    return struct.pack(">BBHII", 0x80, payload_type, number, timestamp, ssrc) + payload
