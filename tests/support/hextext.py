"""Messages written as text: hexadecimal, repeats, and messages of tests/vectors."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from voipbin_cli.analysis.messages import NO_TIME, TimedMessage

VECTORS = Path(__file__).parents[1] / "vectors"


@cache
def vector(name: str) -> list[bytes]:
    """The messages of tests/vectors/`name`.jsonl."""
    lines = (VECTORS / f"{name}.jsonl").read_text().splitlines()
    return [bytes.fromhex(json.loads(line)[1]) for line in lines]


def message_bytes(text: str) -> bytes:
    """`8060 ff*160 @sln-linear:3` as bytes; see tests/analysis/rule_vectors/README.md."""
    parts = []
    for word in text.split():
        if word.startswith("@"):
            name, _, number = word[1:].partition(":")
            parts.append(vector(name)[int(number)])
        else:
            pattern, _, count = word.partition("*")
            parts.append(bytes.fromhex(pattern) * int(count or 1))
    return b"".join(parts)


def message(value: str | list[object]) -> TimedMessage:
    """A message of a rule vector."""
    if isinstance(value, str):
        if value.startswith("text:"):
            return TimedMessage(value[5:])
        return TimedMessage(message_bytes(value))
    at_ms, text = value
    return message(str(text))._replace(time_ns=round(float(str(at_ms)) * 1e6))


__all__ = ["NO_TIME", "message", "message_bytes", "vector"]
