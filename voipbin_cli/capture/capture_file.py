"""A capture that is open: pcap or pcapng, anyone's or our own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from voipbin_cli.capture.captured import CaptureMeta
from voipbin_cli.capture.formats import FORMATS, MAGIC_BYTES
from voipbin_cli.capture.own_messages import MessageChunk, MessageReader
from voipbin_cli.capture.packets import Flow, PacketChunk, PacketReader
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.documents import is_text, json_object, of_shape
from voipbin_cli.errors import DecodeError


class Capture:
    """A capture; read it by one of the two iterators, and once.

    `meta` is None for a capture that is not ours; `message_chunks` is for our own. `truncated`,
    `passed_over`, `too_many_flows` and `damaged_events` are known when all was read.

    Raises:
        DecodeError: it is no capture (`not-a-capture`), or ends inside its header (`truncated`).
    """

    def __init__(self, window: Window) -> None:
        reader = FORMATS.get(window.data[:MAGIC_BYTES])
        if reader is None:
            raise DecodeError("not-a-capture", "this is neither pcap, pcapng nor snoop")
        self._reader = reader(window)
        self.meta = _meta(self._reader.comment)
        self._packets = PacketReader(self._reader.chunks())
        self._messages = MessageReader(self._packets.chunks(), self._packets.flows)

    @property
    def truncated(self) -> bool:
        """The file ends inside a record, or is damaged: what came before was read."""
        return self._reader.truncated

    @property
    def passed_over(self) -> Mapping[str, int]:
        """How many records are not whole UDP datagrams, by what they are; the most first."""
        return self._packets.passed_over

    @property
    def too_many_flows(self) -> int:
        """How many datagrams were left out, as they are of more flows than are kept apart."""
        return self._packets.too_many_flows

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

    def message_chunks(self) -> Iterator[MessageChunk]:
        """Messages of our own capture as columns, piece by piece, in file order."""
        return self._messages.chunks()


def _meta(comment: str | None) -> CaptureMeta | None:
    told = json_object((comment or "").encode()).get("voipbin")
    if not isinstance(told, dict):
        return None
    told = of_shape(told, {"target": is_text, "version": is_text})
    try:
        encapsulation = Encapsulation(told.pop("encapsulation", None))
    except ValueError:
        return None
    return CaptureMeta(
        encapsulation=encapsulation,
        target=told.pop("target", None) or "",
        version=told.pop("version", None) or "",
        fields=told,
    )
