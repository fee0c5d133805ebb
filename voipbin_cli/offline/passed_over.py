"""What of a capture was no packet of a call: counted, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from voipbin_cli.analysis.told import Told
from voipbin_cli.capture.layers import Layer
from voipbin_cli.capture.packets import Flow, PacketChunk
from voipbin_cli.offline.decryption import HOW_TO_GET_KEYS
from voipbin_cli.offline.streams import MAX_STREAMS, StreamFinder
from voipbin_cli.offline.tcp_media import TLS
from voipbin_cli.offline.tcp_streams import TcpStreamFinder

_TOO_MANY = f"of more than {MAX_STREAMS} streams"


class PacketSource(Protocol):
    """A file of packets: a capture, or an rtpdump. Known in full when it was read."""

    @property
    def flows(self) -> list[Flow]:
        """What the numbers of flows mean."""

    @property
    def too_many_flows(self) -> int:
        """Packets that were left out, as they are of further flows."""

    @property
    def truncated(self) -> bool:
        """The file ends inside of a record."""

    @property
    def passed_over(self) -> Mapping[str, int]:
        """How many packets hold no datagram, by what they are."""

    def chunks(self) -> Iterator[PacketChunk]:
        """The packets, piece by piece."""


def without_media(
    capture: PacketSource, finders: Iterable[StreamFinder[Any]], tcp: TcpStreamFinder[Any]
) -> dict[str, int]:
    """The packets that were passed over, those of media in TCP left out."""
    counts = dict(capture.passed_over)
    others = counts.pop(Layer.TCP, 0) - tcp.media_segments
    further = sum(finder.left_out for finder in finders) + capture.too_many_flows
    counts |= {Layer.TCP.value: max(0, others), _TOO_MANY: further}
    return {words: count for words, count in counts.items() if count}


def beside_fields(twice: int, neighbours: Mapping[str, int]) -> dict[str, Any]:
    """The fields of a stream's summary that say what else its capture holds; none if nothing."""
    return {
        **({"captured_twice": twice} if twice else {}),
        **({"neighbours": dict(neighbours)} if neighbours else {}),
    }


def transcoded_fields(told: Told) -> dict[str, Any]:
    """What samples at 8 kHz were made of, to be judged; none where they are as they came."""
    codec = told.codec
    if codec is None or not told.is_transcoded or not told.is_heard:
        return {}
    form = {"codec": codec.name, "clock_hz": codec.clock_hz, "channels": codec.channels}
    return {"transcoded": {**form, "by": told.by}}


def remarks(
    streams: Iterable[tuple[str, Mapping[str, Any]]],
    unread: Iterable[str],
    passed_over: Mapping[str, int],
) -> Iterator[str]:
    """What else a capture holds, a sentence each; `streams` are names and fields of summaries."""
    for name, fields in streams:
        yield from (f"{name}: {sentence}" for sentence in _beside_in_words(fields))
    yield from unread
    if passed_over:
        yield in_words(passed_over)


def _beside_in_words(fields: Mapping[str, Any]) -> Iterator[str]:
    if twice := fields.get("captured_twice"):
        yield (
            f"{twice} packets are in the capture twice, as a mirror port (SPAN) shows them: each "
            "is counted once"
        )
    if made_of := fields.get("transcoded"):
        own = ", level and clipping at its own rate" if made_of["codec"].upper() == "L16" else ""
        yield (
            f"{made_of['codec']} at {made_of['clock_hz']} Hz (by {made_of['by']}), "
            f"its sound judged at 8000 Hz{own}"
        )
    if neighbours := fields.get("neighbours"):
        kinds = ", ".join(f"{count} {name}" for name, count in neighbours.items())
        yield f"beside it in its flow, and not judged: {kinds}"


def unread(notes: Mapping[str, int]) -> list[str]:
    """A sentence for each reason why connections that may be media were not read."""
    return [
        f"{count} connection{'s' if count > 1 else ''} not read: {why}"
        for why, count in notes.items()
    ]


CUT = "it is cut: it ends inside of a record"


def how_to_read(reasons: Iterable[str], *, is_cut: bool = False) -> str:
    """What a person can do where a capture, which may be cut, holds no media that can be read."""
    if is_cut:
        return "copy the capture once more, whole, when what writes it has ended"
    if any(TLS in reason for reason in reasons):
        return (
            f"{HOW_TO_GET_KEYS}; or capture where TLS ends, or record with --capture: "
            "that is before it is encrypted"
        )
    return "RTP over UDP and media in TCP are found by themselves; dumps are named with -e"


def in_words(counts: Mapping[str, int], before: str = "") -> str:
    """A phrase such as "412 packets passed over: 300 TCP, 112 802.11", with `before` in front.

    Nothing where there are none.
    """
    total = sum(counts.values())
    if not total:
        return ""
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{before}{total} packet{'s' if total > 1 else ''} passed over: {kinds}"
