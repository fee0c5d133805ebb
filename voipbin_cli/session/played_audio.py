"""What `play` and `serve` send: digits and files, as s16le at 8 kHz."""

from __future__ import annotations

import itertools
import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.codec.codecs import FRAME_SAMPLES, SAMPLE_RATE_HZ
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.media.audio_source import AudioSource, is_pipe
from voipbin_cli.media.sound_file import bare_form

BLOCK_BYTES = 2 * FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Blocks of 20 ms. `blocks` can be gone through once; `seconds` is None where nobody knows.

    `damages` has a sentence for each file that was gone through and held less than it promised,
    `doubts` one for each that sounds like other codes than its name says.
    """

    blocks: Iterator[bytes]
    seconds: float | None
    damages: Mapping[str, str] = field(default_factory=dict)
    doubts: Sequence[str] = ()


def open_outgoing(
    files: Sequence[str],
    *,
    dtmf: str | None = None,
    loop: int = 1,
    gain_db: float = 0.0,
    raw: bool = False,
    rate_hz: int | None = None,
) -> Outgoing:
    """Open all files.

    `raw`: standard input is bare samples; `rate_hz` is that of bare samples, 8000 unless it is
    given. Raises UsageError where one cannot be played, there is nothing to play, or nothing that
    these are of.
    """
    if not files and not dtmf:
        raise UsageError("nothing to play", hint="name a file, - for standard input, or --dtmf")
    if raw and not any(map(is_pipe, files)):
        raise UsageError("--raw is for standard input", hint="name it as -; .raw says it of a file")
    if rate_hz is not None and not raw and not any(map(_wants_rate, files)):
        raise UsageError("--rate is for bare samples", hint="leave it out: files say their own")
    digits = _blocks(tones(dtmf)) if dtmf else []
    seconds = len(digits) * FRAME_SAMPLES / SAMPLE_RATE_HZ
    if not files:
        return Outgoing(iter(digits), seconds)
    source = AudioSource(
        files, loop=loop, gain_db=gain_db, raw_stdin=raw, raw_rate_hz=rate_hz or SAMPLE_RATE_HZ
    )
    lasts_s = source.duration_s
    return Outgoing(
        itertools.chain(digits, source.blocks()),
        None if lasts_s is None else seconds + lasts_s,
        source.damages,
        source.doubts,
    )


def _wants_rate(path: str) -> bool:
    form = bare_form(path)
    return form is not None and form.rate_hz is None


MAX_KEPT_S = 12 * 3600
"""What is decoded to be played again and again takes 58 MB an hour of the disk."""


@dataclass(frozen=True, slots=True)
class Repeated:
    """What is played again and again: s16le at 8 kHz; `damages` and `doubts` as of `Outgoing`."""

    pcm: memoryview
    damages: Sequence[str]
    doubts: Sequence[str]


def decoded(files: Sequence[str], gain_db: float, file: IO[bytes]) -> Repeated:
    """Decode all that is played again and again, once, into `file` and not into memory.

    Raises:
        UsageError: files that cannot be played, hold no audio, or more than MAX_KEPT_S of it.
        MachineError: the disk is full.
    """
    if "-" in files:
        raise UsageError("standard input cannot be played again and again", hint="give a file")
    source = AudioSource(files, gain_db=gain_db)
    # A header that claims a sample a second makes eight thousand out of each.
    too_long = UsageError(
        f"there are more than {MAX_KEPT_S // 3600} hours of audio to play",
        hint="is the file's sample rate right? play less of it, and --loop it",
    )
    if source.duration_s is not None and source.duration_s > MAX_KEPT_S:
        raise too_long
    try:
        for block in source.blocks():
            if file.tell() >= MAX_KEPT_S * 2 * SAMPLE_RATE_HZ:
                raise too_long
            file.write(block)
        file.flush()
    except OSError as error:
        raise MachineError(f"cannot keep the decoded audio: {error.strerror}") from None
    size = file.tell()
    if source.duration_s is not None:
        # Without the silence that fills up the last block: the start follows on the end.
        size = min(size, 2 * round(source.duration_s * SAMPLE_RATE_HZ))
    if not size:
        raise UsageError("there is no audio to play", hint="is the file empty, or damaged?")
    pcm = memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    return Repeated(pcm, list(source.damages.values()), source.doubts)


def _blocks(pcm: bytes) -> list[bytes]:
    return [
        pcm[at : at + BLOCK_BYTES].ljust(BLOCK_BYTES, b"\0")
        for at in range(0, len(pcm), BLOCK_BYTES)
    ]
