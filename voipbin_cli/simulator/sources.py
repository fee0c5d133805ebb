"""What the people in the call say or play: sounds as loops of 20 ms frames.

Every source is rendered once, at start, and is deterministic for its seed.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.talker import RATE_HZ, speech

FRAME_BYTES = 320
SILENT_FRAME = bytes(FRAME_BYTES)
LOOP_SECONDS = 60.0

Pcm = NDArray[np.int16]


class SoundLoop:
    """A loop of sound in frames: s16le, 8 kHz, mono, 320 bytes (20 ms) a frame."""

    def __init__(self, pcm: bytes) -> None:
        padding = -len(pcm) % FRAME_BYTES
        self.pcm = pcm + bytes(padding) if pcm else SILENT_FRAME
        self.frames = len(self.pcm) // FRAME_BYTES

    def frame(self, index: int) -> bytes:
        """The frame at `index` (0 and up), over and over."""
        start = index % self.frames * FRAME_BYTES
        return self.pcm[start : start + FRAME_BYTES]


class RenderSettings(NamedTuple):
    """What a source is rendered with; `argument` is what stands behind its name and a colon."""

    argument: str
    seed: int
    talkers: int


def _times(seconds: float) -> NDArray[np.float64]:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _to_pcm(sound: NDArray[np.float64]) -> Pcm:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def _speech(render: RenderSettings) -> Pcm:
    """One talker, or several at once: each his own seed."""
    loops = [speech(render.seed + 7919 * n, LOOP_SECONDS) for n in range(render.talkers)]
    if len(loops) == 1:
        return loops[0]
    return _to_pcm(np.sum([loop.astype(np.float64) for loop in loops], axis=0) * 0.7)


def _gated_speech(render: RenderSettings) -> Pcm:
    return speech(render.seed, LOOP_SECONDS, gated=True)


def _number(text: str, default: float, what: str) -> float:
    try:
        return float(text) if text else default
    except ValueError:
        raise UsageError(
            f"{what} takes a number, not {text!r}", hint="such as source=tone:1000"
        ) from None


def _tone(render: RenderSettings) -> Pcm:
    """A sine, 440 Hz unless asked otherwise; whole periods, so that the loop has no click."""
    hertz = _number(render.argument, 440.0, "source=tone:HZ")
    if not 0 < hertz < RATE_HZ / 2:
        raise UsageError(f"no tone of {hertz:g} Hz at 8000 samples a second", hint="under 4000 Hz")
    return _to_pcm(8000 * np.sin(2 * np.pi * round(hertz) * _times(10)))


def _music(render: RenderSettings) -> Pcm:
    """Music on hold: broken chords of decaying notes with overtones over a soft bass."""
    rng = np.random.default_rng(render.seed)
    out = np.zeros(int(32 * RATE_HZ))
    note_time = _times(1.2)
    chords = ((0, 4, 7, 12), (-3, 0, 4, 9), (5, 9, 12, 17), (7, 11, 14, 19))
    for step in range(128):
        chord = chords[step // 8 % 4]
        hertz = 261.63 * 2 ** (int(rng.choice(chord)) / 12)
        note = sum(np.sin(2 * np.pi * hertz * n * note_time) / n**2 for n in (1, 2, 3))
        start = step * RATE_HZ // 4
        piece = out[start : start + len(note_time)]
        piece += (2600 * np.exp(-3 * note_time) * note)[: len(piece)]
    bass = [130.81 * 2 ** (chord[0] / 12) for chord in chords for _ in range(2 * RATE_HZ)]
    phase = np.cumsum(np.resize(np.array(bass), len(out))) * 2 * np.pi / RATE_HZ
    return _to_pcm(out + 900 * np.sin(phase))


def _silence(_render: RenderSettings) -> Pcm:
    return np.zeros(FRAME_BYTES // 2, dtype=np.int16)


_DTMF_ROWS_HZ = (697, 770, 852, 941)
_DTMF_COLUMNS_HZ = (1209, 1336, 1477, 1633)
DTMF_KEYS = "123A456B789C*0#D"


def key_tones(keys: str) -> Pcm:
    """Keys pressed, 100 ms each and 100 ms apart (Q.23). Raises UsageError for what is no key."""
    out = []
    for key in keys:
        place = DTMF_KEYS.find(key)
        if place < 0:
            raise UsageError(f"{key!r} is no DTMF key", hint="0 to 9, A to D, * and #")
        low, high = _DTMF_ROWS_HZ[place // 4], _DTMF_COLUMNS_HZ[place % 4]
        time = _times(0.1)
        out += [
            4500 * np.sin(2 * np.pi * low * time) + 5600 * np.sin(2 * np.pi * high * time),
            np.zeros(RATE_HZ // 10),
        ]
    return _to_pcm(np.concatenate(out))


def _dtmf(render: RenderSettings) -> Pcm:
    """Half a second of silence before the keys, and two seconds behind them."""
    before, behind = np.zeros(RATE_HZ // 2, np.int16), np.zeros(2 * RATE_HZ, np.int16)
    return np.concatenate([before, key_tones(render.argument or "1234#"), behind])


SOURCES: Mapping[str, Callable[[RenderSettings], Pcm]] = {
    "speech": _speech,
    "speech-gated": _gated_speech,
    "tone": _tone,
    "music": _music,
    "silence": _silence,
    "dtmf": _dtmf,
}


def _from_file(path: Path) -> SoundLoop:
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if form != (RATE_HZ, 1, 2):
                raise UsageError(
                    f"{path}: the simulator plays 8000 Hz mono 16-bit WAV only",
                    hint=f"sox {path} -r 8000 -c 1 -b 16 other.wav",
                )
            return SoundLoop(file.readframes(file.getnframes()))
    except (OSError, EOFError, wave.Error) as error:
        raise UsageError(
            f"cannot read {path} as WAV: {error}", hint="a WAV file of 8000 Hz, mono, 16 bit"
        ) from None


def check_source(text: str) -> None:
    """Raise UsageError unless `text` names a source or a file that exists."""
    name = text.partition(":")[0]
    if name not in SOURCES and not Path(text).is_file():
        raise UsageError(
            f"the simulator has no source {text!r}",
            hint=f"one of {', '.join(SOURCES)}, or a WAV file (8000 Hz, mono, 16 bit)",
        )


def load_sound(text: str, *, seed: int = 1, talkers: int = 1) -> SoundLoop:
    """Render `NAME`, `NAME:ARGUMENT` (tone:1000, dtmf:12#) or read a WAV file.

    Raises:
        UsageError: no such source, a bad argument, or a file of another form.
    """
    check_source(text)
    name, _, argument = text.partition(":")
    if name not in SOURCES:
        return _from_file(Path(text))
    return SoundLoop(SOURCES[name](RenderSettings(argument, seed, talkers)).astype("<i2").tobytes())
