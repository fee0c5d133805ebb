"""AudioSocket frames out of a stream of bytes, as they travel on TCP: damaged or not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from voipbin_cli.analysis.messages import Messages, from_columns
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.audiosocket import HEADER_BYTES, RATE_HZ, Kind

# So much at once: 350,000 frames at the most, as an empty one has three bytes.
_PIECE_BYTES = 1 << 20
# Where a frame's end makes no sense, the next one is looked for so far on: two frames of the
# greatest length.
_SEARCH_BYTES = 1 << 17
_FIXED_LENGTHS = {Kind.UUID: 16, Kind.DTMF: 1}
_AUDIO_KINDS = re.compile(b"[\x10-\x18]")


def begins_with_frames(data: bytes) -> bool:
    """Whether bytes begin with AudioSocket frames: three, or fewer and nothing else."""
    return bool(data) and data[0] != Kind.HANGUP and _is_chain_at(data, 0)


def holds_frames(data: bytes) -> bool:
    """Whether there are AudioSocket frames anywhere, three in a row."""
    return _next_frame(data, 0) < len(data)


def audiosocket_frames(window: Window) -> Iterator[Messages]:
    """The frames of a byte stream, one a message; where they are out of step, up to the next."""
    while data := window.data:
        starts, rest = _cut(data, is_last=window.at_end)
        if starts:
            offset = np.array(starts, np.int64)
            yield from_columns(data, offset, np.diff(offset, append=rest))
        window.advance(rest, _PIECE_BYTES)


def _cut(data: bytes, *, is_last: bool) -> tuple[list[int], int]:
    """Starts of the frames in `data` that are whole, and where the rest begins."""
    starts: list[int] = []
    at, end = 0, len(data)
    while at < end:
        following = _following(data, at, is_last=is_last)
        if following is None:
            break
        starts.append(at)
        at = following
    return starts, at


def _following(data: bytes, at: int, *, is_last: bool) -> int | None:
    """Where the frame at `at` ends; None when it takes more bytes to tell."""
    end = len(data)
    if end - at < HEADER_BYTES:
        return end if is_last else None
    big = _end_at(data, at)
    if big + HEADER_BYTES <= end and _is_frame_at(data, big):
        return big
    if not is_last and end - at < _SEARCH_BYTES:
        return None
    if big == end or _is_unknown_frame_at(data, big):
        return big
    little = at + HEADER_BYTES + (data[at + 1] | data[at + 2] << 8)
    if little == end or (little + HEADER_BYTES <= end and _is_frame_at(data, little)):
        return little
    return _next_frame(data, at + 1)


def _next_frame(data: bytes, at: int) -> int:
    """Where frames begin again, at most _SEARCH_BYTES on."""
    limit = min(len(data), at + _SEARCH_BYTES)
    for found in _AUDIO_KINDS.finditer(data, at, limit):
        if _is_chain_at(data, found.start()):
            return found.start()
    return limit


def _is_chain_at(data: bytes, at: int) -> bool:
    """Whether three frames in a row begin there, or fewer that end with the data."""
    for _ in range(3):
        if not _is_frame_at(data, at):
            return False
        at = _end_at(data, at)
        if at == len(data):
            return True
    return True


def _is_unknown_frame_at(data: bytes, at: int) -> bool:
    """Whether a frame begins there whose kind nobody knows: frames are behind it, or the end."""
    if at + HEADER_BYTES > len(data):
        return False
    following = _end_at(data, at)
    return following == len(data) or (following < len(data) and _is_chain_at(data, following))


def _end_at(data: bytes, at: int) -> int:
    return at + HEADER_BYTES + (data[at + 1] << 8 | data[at + 2])


def _is_frame_at(data: bytes, at: int) -> bool:
    """Whether a header that makes sense stands there; zeros are silence rather than hangups."""
    if at + HEADER_BYTES > len(data):
        return False
    kind, length = data[at], data[at + 1] << 8 | data[at + 2]
    if kind == Kind.HANGUP:
        end = at + HEADER_BYTES
        return length == 0 and (end == len(data) or (end < len(data) and data[end] in RATE_HZ))
    if kind in _FIXED_LENGTHS:
        return length == _FIXED_LENGTHS[Kind(kind)]
    return kind in RATE_HZ or (kind == Kind.ERROR and length <= 1)
