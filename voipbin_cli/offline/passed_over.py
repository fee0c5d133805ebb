"""What of a capture was no packet of a call: counted, and in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voipbin_cli.capture.layers import Layer
from voipbin_cli.offline.tcp_media import TLS
from voipbin_cli.offline.tcp_streams import TcpStreamFinder


def without_media(passed_over: Mapping[str, int], tcp: TcpStreamFinder[Any]) -> dict[str, int]:
    """The packets that were passed over, those of media in TCP left out."""
    counts = dict(passed_over)
    others = counts.pop(Layer.TCP, 0) - tcp.media_segments
    if others > 0:
        counts[Layer.TCP.value] = others
    return counts


def unread(notes: Mapping[str, int]) -> list[str]:
    """A sentence for each reason why connections that may be media were not read."""
    return [
        f"{count} connection{'s' if count > 1 else ''} not read: {why}"
        for why, count in notes.items()
    ]


def how_to_read(reasons: Iterable[str]) -> str:
    """What a person can do where a capture holds no media that can be read."""
    if any(TLS in reason for reason in reasons):
        return "capture where TLS ends, or record with --capture: that is before it is encrypted"
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
