"""What a command plays: digits first, then files, as one run of 20 ms blocks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.codec.pcm import FRAME_SAMPLES, SAMPLE_RATE_HZ
from voipbin_cli.errors import UsageError
from voipbin_cli.media.audio_source import AudioSource

BLOCK_BYTES = 2 * FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Playlist:
    """`blocks` can be gone through once; `seconds` is None where nobody knows."""

    blocks: Iterator[bytes]
    seconds: float | None


def open_playlist(
    files: Sequence[str],
    *,
    dtmf: str | None = None,
    loop: int = 1,
    gain_db: float = 0.0,
    raw: bool = False,
    rate_hz: int = SAMPLE_RATE_HZ,
) -> Playlist:
    """Open all files. Raises UsageError where one cannot be played, or there is nothing to play."""
    if not files and not dtmf:
        raise UsageError("nothing to play", hint="name a file, - for standard input, or --dtmf")
    digits = _blocks(tones(dtmf)) if dtmf else []
    seconds = len(digits) * FRAME_SAMPLES / SAMPLE_RATE_HZ
    if not files:
        return Playlist(iter(digits), seconds)
    source = AudioSource(files, loop=loop, gain_db=gain_db, raw_stdin=raw, raw_rate_hz=rate_hz)
    lasts_s = source.duration_s
    return Playlist(
        itertools.chain(digits, source.blocks()), None if lasts_s is None else seconds + lasts_s
    )


def _blocks(pcm: bytes) -> list[bytes]:
    return [
        pcm[at : at + BLOCK_BYTES].ljust(BLOCK_BYTES, b"\0")
        for at in range(0, len(pcm), BLOCK_BYTES)
    ]
