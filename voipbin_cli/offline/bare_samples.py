"""Bare samples, cut into frames of 20 ms by what they sound like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from voipbin_cli.analysis.messages import Messages, from_columns
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.codecs import FRAME_SAMPLES, Codec
from voipbin_cli.codec.evidence import is_still
from voipbin_cli.codec.hypotheses import score_codecs
from voipbin_cli.offline.file_kind import HEAD_BYTES

# So much at once: a minute of linear audio.
_PIECE_BYTES = 1 << 20
_LINEAR_BYTES = 2 * FRAME_SAMPLES
# So many frames with sound in them settle which codec it is.
_JUDGED_FRAMES = 40
# G.711's codes of silence, positive and negative zero of mu-law and A-law.
_G711_SILENCE = (b"\xff", b"\x7f", b"\xd5", b"\x55")


def sample_frames(window: Window) -> Iterator[Messages]:
    """The samples of a file, a message a frame; the last may be shorter."""
    size = frame_bytes(window.data[:HEAD_BYTES])
    while data := window.data:
        whole = len(data) if window.at_end else len(data) - len(data) % size
        offset = np.arange(0, whole, size, dtype=np.int64)
        yield from_columns(data, offset, np.minimum(size, whole - offset))
        window.advance(whole, _PIECE_BYTES)


def frame_bytes(samples: bytes) -> int:
    """160 where a stretch of samples is G.711, 320 where it is linear."""
    starts = range(0, len(samples) - _LINEAR_BYTES + 1, _LINEAR_BYTES)
    frames = (samples[at : at + _LINEAR_BYTES] for at in starts)
    sound = [frame for frame in frames if not is_still(frame)][:_JUDGED_FRAMES]
    if not sound:
        return FRAME_SAMPLES if samples[:1] in _G711_SILENCE else _LINEAR_BYTES
    bits = score_codecs(sound)
    best: Codec = min(bits, key=bits.__getitem__)
    return FRAME_SAMPLES * best.sample_bytes
