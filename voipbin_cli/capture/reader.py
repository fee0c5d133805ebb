"""Open any capture: pcap or pcapng, anyone's or our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from voipbin_cli.capture.blocks import MAGIC as PCAPNG_MAGIC
from voipbin_cli.capture.blocks import PcapngReader
from voipbin_cli.capture.chunks import RecordReader, Window
from voipbin_cli.capture.messages import MessageChunk, MessageReader, Record, json_object
from voipbin_cli.capture.packets import Flow, Packet, PacketChunk, PacketReader
from voipbin_cli.capture.pcap import MAGICS as PCAP_MAGICS
from voipbin_cli.capture.pcap import PcapReader
from voipbin_cli.capture.records import CaptureMeta
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import DecodeError, UsageError


class Capture:
    """An open capture; read it by one of the four iterators, and once.

    `meta` is None for a capture that is not ours; `message_chunks` and `records` are for our
    own. `truncated`, `passed_over` and `damaged_events` are known when all was read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.meta: CaptureMeta | None = None
        window = Window(file)
        if window.data[:4] == PCAPNG_MAGIC:
            pcapng = PcapngReader(window)
            self._reader: RecordReader = pcapng
            self.meta = _meta(pcapng.comment)
        elif window.data[:4] in PCAP_MAGICS:
            self._reader = PcapReader(window)
        else:
            raise DecodeError("not-a-capture", "this is neither pcap nor pcapng")
        self._packets = PacketReader(self._reader.chunks())
        self._messages = MessageReader(self._packets.chunks(), self._packets.flows)

    def __enter__(self) -> Capture:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def truncated(self) -> bool:
        """The file ends inside a record, or is damaged: what came before was read."""
        return self._reader.truncated

    @property
    def passed_over(self) -> int:
        """Records that are not whole UDP datagrams."""
        return self._packets.passed_over

    @property
    def damaged_events(self) -> int:
        """Events of our own that are no JSON any more."""
        return self._messages.damaged_events

    @property
    def flows(self) -> list[Flow]:
        """What the `flow` numbers of the chunks mean; grows while they are read."""
        return self._packets.flows

    def chunks(self) -> Iterator[PacketChunk]:
        """All UDP packets as columns, piece by piece, in file order."""
        return self._packets.chunks()

    def packets(self) -> Iterator[Packet]:
        """All UDP packets, one by one, in file order."""
        return self._packets.packets()

    def message_chunks(self) -> Iterator[MessageChunk]:
        """Messages of our own capture as columns, piece by piece, in file order."""
        return self._messages.chunks()

    def records(self) -> Iterator[Record]:
        """Messages and events of our own capture, in the order of their times."""
        return self._messages.records()


def open_capture(path: str | Path) -> Capture:
    """Open a pcap or pcapng file; use it in a `with` statement.

    Raises:
        UsageError: the file cannot be read.
        DecodeError: it is no capture (`not-a-capture`), or ends inside its header (`truncated`).
    """
    try:
        file = open(path, "rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        return Capture(file)
    except OSError as error:
        file.close()
        raise _unreadable(path, error) from error
    except DecodeError:
        file.close()
        raise


def _unreadable(path: str | Path, error: OSError | ValueError) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(f"cannot read {path}: {reason}", hint="give the name of a capture file")


def _meta(comment: str | None) -> CaptureMeta | None:
    told = json_object((comment or "").encode()).get("voipbin")
    if not isinstance(told, dict):
        return None
    try:
        encapsulation = Encapsulation(told.pop("encapsulation", None))
    except ValueError:
        return None
    return CaptureMeta(
        encapsulation=encapsulation,
        target=str(told.pop("target", "")),
        version=str(told.pop("version", "")),
        fields=told,
    )
