"""What a file is that was to hold sound and holds none that is read, and what helps."""

from __future__ import annotations

import shlex

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.decider import CodecDecider
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.codec.examination import examine
from voipbin_cli.codec.known_files import Foreign, foreign
from voipbin_cli.codec.lookalikes import is_text
from voipbin_cli.errors import UsageError

_DIAGNOSE = "voipbin stream diagnose FILE"
# What other commands read, and no player does.
_OF_OTHERS = (
    *(
        Foreign(bytes.fromhex(magic), "a capture of a network", _DIAGNOSE)
        for magic in ("0a0d0d0a", "d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d")
    ),
    Foreign(b"snoo", "a capture of a network", _DIAGNOSE),
    Foreign(b"#!rtpplay1.0", "an rtpdump", _DIAGNOSE),
    Foreign(b"\x1f\x8b", "compressed by gzip", "gzip -dc FILE > unpacked.wav"),
    Foreign(bytes.fromhex("28b52ffd"), "compressed by zstd", "zstd -dc FILE > unpacked.wav"),
    Foreign(bytes.fromhex("04224d18"), "compressed by lz4", "lz4 -dc FILE > unpacked.wav"),
)
CODES = {
    Codec.MULAW: "mu-law",
    Codec.ALAW: "A-law",
    Codec.S16LE: "16-bit samples",
    Codec.S16BE: "16-bit big-endian samples",
}
"""What bare codes are called in a sentence."""
_UNIT_BYTES = 320
_READ_IT = "see what it says: a server may have sent its own words in place of the file"
_MARKUP = ("HTML or XML", "JSON")
# RIFF, WAVE, a fmt chunk and the head of a data chunk.
_WAV_HEADER_BYTES = 44
HEAD_BYTES = 80_000
"""How many first bytes tell it: ten seconds of mu-law, five of 16-bit samples."""


def conversion(path: str, form: str = "") -> str:
    """The command that makes a file of it that can be read; `form` is ffmpeg's name of codes."""
    how = f"-f {form} -ar 8000 " if form else ""
    return f"convert it: ffmpeg {how}-i {shlex.quote(path)} -ar 8000 -ac 1 converted.wav"


def no_sound(path: str, head: bytes, reason: str) -> UsageError:
    """The refusal of a file that begins with `head`; `reason` is what the library says."""
    if not head:
        return UsageError(f"{path} is empty", hint="give a file with sound in it")
    known = next((row for row in _OF_OTHERS if row.begins(head)), None) or foreign(head)
    if known is not None:
        return UsageError(f"{path} is {known.name}", hint=_remedy(path, known))
    if _is_begun_wav(head):
        return UsageError(f"{path} is cut: it ends inside of its header", hint="get it once more")
    if is_text(head):
        return UsageError(f"{path} is text", hint=_READ_IT)
    codec = None if head.startswith(b"RIFF") else codec_of(head)
    if codec is not None:
        return UsageError(
            f"{path} has no header, and sounds like {CODES[codec]}",
            hint=conversion(path, codec.value),  # ffmpeg's name, too
        )
    return UsageError(
        f"{path} is no audio file that can be read: {reason}",
        hint=f"if it is sound that ffmpeg reads, {conversion(path)}",
    )


def _is_begun_wav(head: bytes) -> bool:
    may_be_wav = head.startswith(b"RIFF") and b"WAVE".startswith(head[8:12])
    return may_be_wav and len(head) < _WAV_HEADER_BYTES


def _remedy(path: str, known: Foreign) -> str:
    if known.name in _MARKUP:
        return _READ_IT
    command = known.remedy.replace("FILE", shlex.quote(path))
    if command.startswith("ffmpeg"):
        return f"convert it: {command}"
    return command or "give a file with sound in it"


def codec_of(data: bytes) -> Codec | None:
    """What bare codes sound like, where they leave no doubt."""
    units = [data[at : at + _UNIT_BYTES] for at in range(0, len(data), _UNIT_BYTES)]
    decider = CodecDecider()
    for unit in units:
        decider.weigh(Unit(unit, None, None))
    if decider.reading is None or decider.is_open or examine(units) is not None:
        return None
    return decider.reading.codec
