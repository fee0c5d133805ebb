"""The data of a report's plots: columns packed for the browser, trouble by time, the sound."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from voipbin_cli.analysis.columns import Floats, Samples
from voipbin_cli.analysis.conversation.conversation import Talk
from voipbin_cli.analysis.conversation.turns import Span
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.pauses import PauseKind
from voipbin_cli.analysis.sent import SentFold
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec, encode

# Earlier than this no capture has a clock that shows the time of day: 2001-09-09, as Unix time.
EARLIEST_NS = 10**18
_MARKS = 500
_SPANS = 2000
_MOST_SILENCE = 600 * SAMPLE_RATE_HZ
_PAUSES = {
    PauseKind.EXCUSED: "this machine was late",
    PauseKind.LOSS: "lost audio",
    PauseKind.DRY: "the sender paused",
    PauseKind.STALL: "stall",
    PauseKind.WANDER: "jitter",
    PauseKind.MEANT: "silent on purpose",
}
_MILD = {PauseKind.EXCUSED, PauseKind.MEANT}


@dataclass(frozen=True, slots=True)
class BothTracks:
    """What a report shows beside what was received: `heard` is the sound as the phone got it.

    It is s16le, from the time at which `sent` gave the phone its first sample. Where nothing was
    heard, or nothing was sent, there is nothing to show.
    """

    sent: SentFold | None
    talk: Talk | None
    heard: bytes

    @property
    def began_ns(self) -> int | None:
        """When the phone heard the first of it."""
        sound = self.sent.heard if self.sent is not None else None
        return sound.began_ns if sound is not None and self.heard else None

    def as_data(self, began_ns: int) -> dict[str, Any] | None:
        """JSON values: seconds since `began_ns`, the first frame received, and a WAV file."""
        if self.began_ns is None:
            return None
        talk = self.talk
        turns = talk.turns if talk is not None else None
        return {
            "from": (self.began_ns - began_ns) / 1e9,
            "wav": base64.b64encode(_mulaw_wav(encode(Codec.MULAW, self.heard))).decode(),
            "caller": _seconds(talk.caller if talk else (), began_ns),
            "ours": _seconds(talk.ours if talk else (), began_ns),
            "interrupted": [
                {"at": (at_ns - began_ns) / 1e9, "ms": ms}
                for at_ns, ms in zip(turns.barged_in_ns, turns.barge_in, strict=True)
            ]
            if turns is not None and talk is not None and not talk.untold
            else [],
            "response": list(turns.response) if talk and turns and talk.knows_turns else [],
        }


def _seconds(spans: Iterable[Span], began_ns: int) -> list[list[float]]:
    return [
        [round((span.from_ns - began_ns) / 1e9, 3), round((span.until_ns - began_ns) / 1e9, 3)]
        for span in spans
    ][:_SPANS]


def plot_data(
    fold: StreamFold, measured: Measured, both: BothTracks | None = None, offset_ns: int = 0
) -> dict[str, Any]:
    """JSON values: numbers as little-endian float32 in base64, marks in seconds, a WAV file.

    `began` is when the first frame came, in seconds of Unix time, None where nobody knows:
    `offset_ns` leads there from the times of the fold.
    """
    began_ns = measured.began_ns + offset_ns
    times, gaps, delays = fold.trace.rows()
    longest, _ = fold.trace.seconds()
    rms, peak = fold.sound.signal.per_second()
    audio = _on_the_clock(fold.sound.audio, measured)
    least = float(delays.min()) if delays.size else 0.0
    return {
        "began": began_ns / 1e9 if measured.frames and began_ns >= EARLIEST_NS else None,
        "seconds": max(measured.duration_s, audio.size / SAMPLE_RATE_HZ),
        "times": _packed(times),
        "gaps": _packed(gaps),
        "delays": _packed(delays - least),
        "jitter": _packed(_jitter(delays)),
        "rms": _packed(rms),
        "peak": _packed(peak),
        "longest": _packed(longest) if measured.frames > times.size else None,
        "variation": measured.variation,
        "marks": _marks(measured),
        "wav": base64.b64encode(_wav(audio)).decode() if audio.size else None,
        "both": both.as_data(measured.began_ns) if both is not None else None,
    }


def _on_the_clock(audio: Samples, measured: Measured) -> Samples:
    """The sound with silence where audio never came, so that its times are those of the arrivals.

    It ends before silence that would be more than ten minutes of it in all.
    """
    frame = measured.frame_samples or 160
    pieces, done, silent = [], 0, 0
    for pause in measured.pauses:
        place = pause.frame * frame
        if place >= audio.size:
            break
        pieces.append(audio[done:place])
        done = place
        absent = pause.absent_ns * SAMPLE_RATE_HZ // 1_000_000_000
        silent += absent
        if silent > _MOST_SILENCE:
            return np.concatenate(pieces)
        pieces.append(np.zeros(absent, np.int16))
    return np.concatenate([*pieces, audio[done:]])


def _packed(values: ArrayLike) -> str:
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def _jitter(delays_ms: Floats) -> Floats:
    """Interarrival jitter after each frame (RFC 3550 6.4.1), D being the step of the delay."""
    jitter, values = 0.0, []
    for step in np.abs(np.diff(delays_ms, prepend=delays_ms[:1])).tolist():
        jitter += (step - jitter) / 16
        values.append(jitter)
    return np.array(values)


def _marks(measured: Measured) -> list[dict[str, Any]]:
    """Trouble by time, in seconds since the first frame."""
    marks = []
    for pause in measured.pauses:
        kind = next((kind for kind in pause.kinds if kind in _PAUSES), None)
        if kind is not None:
            end = (pause.at_ns - measured.began_ns) / 1e9
            start = end - pause.length_ns / 1e9
            marks.append(_mark(start, end, _PAUSES[kind], mild=kind in _MILD))
    for hole in measured.holes.noted:
        start, end = hole.start / SAMPLE_RATE_HZ, (hole.start + hole.length) / SAMPLE_RATE_HZ
        marks.append(_mark(start, end, "hole in the speech"))
    for outage in measured.outages:
        start = (outage.at_ns - measured.began_ns) / 1e9
        marks.append(_mark(start, start + (outage.after_ns or 0) / 1e9, "connection lost"))
    frame_s = (measured.frame_ms or 20.0) / 1e3
    starts = [change.frame * frame_s for change in measured.changes]
    marks += [_mark(start, start + 0.1, "codec changes") for start in starts]
    return sorted(marks, key=lambda mark: mark["from"])[:_MARKS]


def _mark(start_s: float, end_s: float, name: str, *, mild: bool = False) -> dict[str, Any]:
    return {"from": round(max(0.0, start_s), 3), "to": round(end_s, 3), "name": name, "mild": mild}


def _wav(samples: Samples) -> bytes:
    """A canonical WAV file: 44 bytes of header, 8 kHz, mono, 16 bit."""
    pcm = samples.astype("<i2").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, SAMPLE_RATE_HZ, 2 * SAMPLE_RATE_HZ, 2, 16)
    head = struct.pack("<4sI4s", b"RIFF", 36 + len(pcm), b"WAVE")
    return head + form + struct.pack("<4sI", b"data", len(pcm)) + pcm


def _mulaw_wav(codes: bytes) -> bytes:
    """A WAV file of mu-law: `fmt ` with its extension, `fact` and `data`, as its format asks."""
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 7, 1, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ, 1, 8, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(codes))
    even = codes + bytes(len(codes) % 2)
    size = 4 + len(form) + len(fact) + 8 + len(even)
    head = struct.pack("<4sI4s", b"RIFF", size, b"WAVE")
    return head + form + fact + struct.pack("<4sI", b"data", len(codes)) + even
