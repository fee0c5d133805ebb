"""One sound file: in a container that libsndfile reads, or bare codes by its suffix."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec
from voipbin_cli.errors import UsageError
from voipbin_cli.media import g722
from voipbin_cli.media.no_sound import CODES, HEAD_BYTES, codec_of, no_sound
from voipbin_cli.media.wav_reader import WavReader, wav_data

Floats = npt.NDArray[np.float32]


class BareForm(NamedTuple):
    """How bare codes are written, by libsndfile's name, and samples a second; None: as asked."""

    subtype: str
    rate_hz: int | None


# As Asterisk, sox and FreeSWITCH name them; a bare .sln is at 8 kHz.
BARE_FORMS: Mapping[str, BareForm] = {
    **dict.fromkeys((".raw", ".pcm", ".sln"), BareForm("PCM_16", None)),
    **{f".sln{khz}": BareForm("PCM_16", khz * 1000) for khz in (12, 16, 24, 32, 48, 96, 192)},
    ".sln44": BareForm("PCM_16", 44_100),
    **dict.fromkeys((".ulaw", ".ul", ".mulaw", ".pcmu"), BareForm("ULAW", SAMPLE_RATE_HZ)),
    **dict.fromkeys((".alaw", ".al", ".pcma"), BareForm("ALAW", SAMPLE_RATE_HZ)),
    ".gsm": BareForm("GSM610", SAMPLE_RATE_HZ),
    ".g722": BareForm(g722.G722File.coding, g722.RATE_HZ),
}
# What a file begins with that says itself what it is, whatever its name says.
_CONTAINERS = (b"RIFF", b"RF64", b"fLaC", b"OggS")
# libsndfile's length of a FLAC that was never finished is centuries: not known, then.
_MOST_SECONDS = 1 << 32
# Ogg, RFC 3533 6: the page header's flags are behind the mark and the version; 4 is the last page.
_OGG_PAGE, _OGG_LAST = b"OggS", 4
_OGG_TAIL_BYTES = 1 << 17
_PIECE_FRAMES = 1024
# Subtypes whose bytes are codes that may be taken for each other.
_CODECS = {"PCM_16": Codec.S16LE, "ULAW": Codec.MULAW, "ALAW": Codec.ALAW}


class OpenSound(Protocol):
    """A sound file that is open, to be read once from its beginning.

    `frames` is how many there should be, one of each channel; None where nobody knows. `coding`
    is libsndfile's name of how samples are stored, or `G722`.
    """

    rate_hz: int
    channels: int
    frames: int | None
    coding: str

    def read(self, frames: int) -> Floats:
        """Shape (frames, channels), full scale ±1; fewer or none at the end, or at a damage."""

    def close(self) -> None:
        """Close it."""


def open_sound(path: str, raw: tuple[int, int] = (SAMPLE_RATE_HZ, 1)) -> OpenSound:
    """Open a file; `raw` are the rate and the channels of s16le whose name does not say them.

    Raises UsageError for what cannot be read.
    """
    head = _head(path)
    form = bare_form(path)
    if form is not None and not head.startswith(_CONTAINERS):
        if form.subtype == g722.G722File.coding:
            return _open_g722(path)
        rate_hz, channels = raw if form.rate_hz is None else (form.rate_hz, 1)
        return _ByLibsndfile(path, (rate_hz, channels, form.subtype))
    if head.startswith(b"RIFF") and (endless := _endless_wav(path)) is not None:
        return endless
    return _ByLibsndfile(path)


def bare_form(path: str) -> BareForm | None:
    """How a file of this name is written where it has no header; None for any other name."""
    return BARE_FORMS.get(Path(path).suffix.lower())


def missing_words(path: str, file: OpenSound, read_frames: int) -> str | None:
    """What to say of a file that held less than it promised; None where all is there."""
    played = f"{read_frames / file.rate_hz:.2f} s"
    if file.frames is not None and read_frames < file.frames:
        return f"{path} is cut or damaged: {played} of {file.frames / file.rate_hz:.2f} s are there"
    if _lacks_last_page(path):
        return f"{path} is cut: it ends after {played} and not with its last page"
    return None


def misnamed_words(path: str) -> str | None:
    """What to say of bare codes that sound like others than its name says; None where they do not.

    The first seconds tell it, and only where they leave no doubt.
    """
    form = bare_form(path)
    due = None if form is None else _CODECS.get(form.subtype)
    if due is None:
        return None
    head = _first_bytes(path)
    found = None if head.startswith(_CONTAINERS) else codec_of(head)
    if found is None or found is due:
        return None
    return f"{path} sounds like {CODES[found]}, and is read as {CODES[due]}, as it is named"


class _ByLibsndfile:
    """A file that libsndfile reads."""

    def __init__(self, path: str, bare: tuple[int, int, str] | None = None) -> None:
        import soundfile

        class Forwards(soundfile.SoundFile):  # type: ignore[misc]  # it ships no types
            """Never seeks: where the length is not known (FLAC after a crash) it would fail."""

            def seekable(self) -> bool:
                return False

        self._error = soundfile.SoundFileError
        self._is_damaged = False
        form: dict[str, Any] = {}
        if bare:
            names = ("samplerate", "channels", "subtype", "format", "endian")
            form = dict(zip(names, (*bare, "RAW", "LITTLE"), strict=True))
            if bare[2] != "PCM_16":
                del form["endian"]
        try:
            self._file = Forwards(path, "r", **form)
        except (OSError, ValueError) as error:
            raise _unreadable(path, error) from error
        except soundfile.SoundFileError as error:
            reason = str(getattr(error, "error_string", error)).rstrip(".")
            raise no_sound(path, _first_bytes(path), reason) from error
        # One row of samples in ten begins as a frame of MPEG does: with an eleven-bit sync of ones.
        if str(self._file.format) == "MP3" and codec_of(head := _first_bytes(path)) is not None:
            self._file.close()
            raise no_sound(path, head, "it only begins like MPEG")
        self.rate_hz = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.coding = str(self._file.subtype)
        frames = int(self._file.frames)
        self.frames = frames if frames < _MOST_SECONDS * self.rate_hz else None
        cut = wav_data(path) if str(self._file.format) in ("WAV", "WAVEX") else None
        if cut is not None and self.frames and cut.there_bytes < cut.said_bytes:
            # libsndfile counts what is there.
            self.frames = self.frames * cut.said_bytes // max(1, cut.there_bytes)

    def read(self, frames: int) -> Floats:
        """As `OpenSound.read`."""
        pieces: list[Floats] = []
        # In small pieces: of one that is damaged nothing is given.
        for at in range(0, frames, _PIECE_FRAMES):
            piece = self._piece(min(_PIECE_FRAMES, frames - at))
            pieces.append(piece)
            if not len(piece):
                break
        return np.concatenate(pieces) if len(pieces) > 1 else pieces[0]

    def _piece(self, frames: int) -> Floats:
        nothing: Floats = np.empty((0, self.channels), np.float32)
        if self._is_damaged:
            return nothing
        try:
            samples: Floats = self._file.read(frames, dtype="float32", always_2d=True)
        except self._error:
            self._is_damaged = True
            return nothing
        return samples

    def close(self) -> None:
        """Close it."""
        self._file.close()


class _EndlessWav:
    """A WAV whose header does not know its length: to the end of the file."""

    def __init__(self, path: str) -> None:
        self._file = open(path, "rb")  # noqa: SIM115
        try:
            self._reader = WavReader(self._file, path)
        except UsageError:
            self._file.close()
            raise
        self.rate_hz, self.channels = self._reader.rate_hz, self._reader.channels
        self.coding = self._reader.coding
        size = os.fstat(self._file.fileno()).st_size - self._file.tell()
        self.frames: int | None = size // self._reader.frame_bytes

    def read(self, frames: int) -> Floats:
        """As `OpenSound.read`."""
        return self._reader.read(frames)

    def close(self) -> None:
        """Close it."""
        self._file.close()


def _open_g722(path: str) -> g722.G722File:
    if not g722.is_installed():
        convert = f"ffmpeg -f g722 -i {shlex.quote(path)} -ar 8000 converted.wav"
        raise UsageError(
            f"{path} is G.722, and nothing here decodes it",
            hint=f"{g722.INSTALL}, or convert it: {convert}",
        )
    return g722.G722File(path)


def _endless_wav(path: str) -> _EndlessWav | None:
    """A WAV of unknown length and a coding that is read here; None for any other."""
    data = wav_data(path)
    if data is None or not data.is_endless or not data.there_bytes:
        return None
    try:
        return _EndlessWav(path)
    except UsageError:
        return None


def _head(path: str) -> bytes:
    """The first bytes. libsndfile says "System error." and no more of a file that is not there."""
    try:
        if os.path.isdir(path):
            raise UsageError(f"{path} is a directory", hint="give the name of an audio file")
        with open(path, "rb") as file:
            return file.read(12)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _first_bytes(path: str) -> bytes:
    """What tells what a file is."""
    with open(path, "rb") as file:
        return file.read(HEAD_BYTES)


def _unreadable(path: str, error: Exception) -> UsageError:
    reason = getattr(error, "strerror", None) or str(error)
    return UsageError(
        f"cannot read {path}: {reason}",
        hint="check the name, the directory that this runs in, and whether the file is yours",
    )


def _lacks_last_page(path: str) -> bool:
    """Whether an Ogg file ends before the page that says it is the last."""
    with open(path, "rb") as file:
        if file.read(4) != _OGG_PAGE:
            return False
        file.seek(-min(_OGG_TAIL_BYTES, file.seek(0, os.SEEK_END)), os.SEEK_END)
        tail = file.read()
    last = tail.rfind(_OGG_PAGE)
    return last >= 0 and not tail[last + 5 : last + 6][0] & _OGG_LAST
