"""Raw records of a capture file as columns: what every reader of a capture format gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from voipbin_cli.capture.columns import Codes, Integers
from voipbin_cli.codec.encapsulation import Direction

MAX_RECORD_BYTES = 16 << 20
"""No record is longer (Wireshark's own limit for packets is 256 KiB): bytes that say so lie."""

# draft-ietf-opsawg-pcapng, Enhanced Packet Block Flags Word, bits 0 and 1: 01 is inbound, 10
# outbound, and 00 says that the information is not available.
DIRECTION_CODES: Mapping[Direction, int] = {Direction.IN: 1, Direction.OUT: 2}
"""How columns hold a direction; any other code: the file does not tell."""
DIRECTIONS: Mapping[int, Direction] = {code: way for way, code in DIRECTION_CODES.items()}


@dataclass(frozen=True, slots=True)
class RecordChunk:
    """Some records of a file, one element of each column a record.

    Times are Unix nanoseconds. `start` is where the link-layer frame begins in `data`,
    `captured_bytes` how much of it is there; `link_type` is a LINKTYPE_ value; `direction` holds
    `DIRECTION_CODES`. Only commented records are in `comments`.
    """

    data: bytes
    time_ns: Integers
    start: Integers
    captured_bytes: Integers
    link_type: Integers
    direction: Codes
    comments: dict[int, str] = field(default_factory=dict)


class RecordReader(Protocol):
    """The reader of one capture format."""

    comment: str | None
    """What the file says of itself, where its format has room for that."""
    truncated: bool
    """Set when the file ends inside a record, or is damaged: what came before it is good."""

    def chunks(self) -> Iterator[RecordChunk]:
        """The records, in file order; to be asked once."""
