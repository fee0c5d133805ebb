"""What of a capture was no packet of a call, in words."""

from __future__ import annotations

from collections.abc import Mapping


def in_words(counts: Mapping[str, int], before: str = "") -> str:
    """A phrase such as "412 packets passed over: 300 TCP, 112 802.11", with `before` in front.

    Nothing where there are none.
    """
    total = sum(counts.values())
    if not total:
        return ""
    kinds = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"{before}{total} packet{'s' if total > 1 else ''} passed over: {kinds}"
