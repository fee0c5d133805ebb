"""Keeps a recording on the call's clock: silence where audio never came, none after a stall."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from voipbin_cli.analysis.pauses import Pause, PauseJudge, but_queued
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.codec.dialect import AudioFrame

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
# A kill may cost the last second of a recording; the writer takes 0.3 s of it in batches.
HOLD_LIMIT_NS = 700_000_000
# A frame is due each 20 ms, and what has come is handed over each 200 ms at least: where nothing
# was for 300 ms, a pause is under way.
SILENT_NS = 300_000_000
SECOND_OF_SILENCE = bytes(2 * SAMPLE_RATE_HZ)


class CallClock:
    """Puts frames one after the other as a file wants them, with silence for lost audio.

    A pause that is not settled holds what follows it back, for 0.7 s at most; silence that turns
    out to be due later than that goes in where the file then is. `queued_ms` tells how much
    audio may still be on its way: what a queue holds back is not lost. `arrived_ns`: when the piece
    that was returned last came, None for silence.
    """

    def __init__(self, *, fill: bool, queued_ms: Callable[[], float] = lambda: 0.0) -> None:
        self.filled_samples = 0
        self.arrived_ns: int | None = None
        self._judge = PauseJudge()
        self._place_ns = 0
        self._fill = fill
        self._queued_ms = queued_ms
        self._held: deque[tuple[int, AudioFrame]] = deque()
        self._due: list[Pause] = []

    def is_in_doubt(self, now_ns: int) -> bool:
        """Whether audio is missing, and a ping can tell if it is lost or only late."""
        judge = self._judge
        return judge.open or (judge.frames > 0 and now_ns - judge.last_ns > SILENT_NS)

    def add(self, frame: AudioFrame) -> Iterable[bytes]:
        """Return the s16le that is ready to be written, in pieces of at most a second."""
        duration_ns = (len(frame.pcm) >> 1) * NS_PER_SAMPLE
        if not duration_ns:
            return ()
        judge = self._judge
        index = judge.frames
        settled = judge.add(frame.tag, self._place_ns, duration_ns)
        self._place_ns += duration_ns
        if not (settled or self._held or self._due or judge.open):
            self.arrived_ns = frame.tag
            return (frame.pcm,)
        self._held.append((index, frame))
        return self._release(self._but_queued(settled), frame.tag)

    def broke(self) -> Iterable[bytes]:
        """Return what is held back: the connection is gone, and nothing more catches up."""
        return self._release(self._judge.broke(), None)

    def release_overdue(self, now_ns: int) -> Iterable[bytes]:
        """Return what has been held back for the longest time that is allowed."""
        return self._release((), now_ns) if self._held else ()

    def finish(self) -> Iterable[bytes]:
        """Return all that is held back, with the silence that it needs."""
        return self._release(self._but_queued(self._judge.finish()), None)

    def fill_up(self, samples: int) -> Iterable[bytes]:
        """Return so much silence, where any is filled in: the stream ended in it."""
        return self._silence(samples * NS_PER_SAMPLE) if self._fill else ()

    def _but_queued(self, pauses: tuple[Pause, ...]) -> tuple[Pause, ...]:
        return but_queued(pauses, self._queued_ms()) if pauses else ()

    def _release(self, settled: tuple[Pause, ...], now_ns: int | None) -> Iterator[bytes]:
        for pause in settled:
            if self._fill and pause.absent_ns:
                self._due.append(pause)
        settled_before = self._judge.open_frame
        while self._held:
            index, frame = self._held[0]
            patient = now_ns is not None and now_ns - frame.tag < HOLD_LIMIT_NS
            if index >= settled_before and patient:
                return
            while self._due and self._due[0].frame <= index:
                yield from self._silence(self._due.pop(0).absent_ns)
            self._held.popleft()
            self.arrived_ns = frame.tag
            yield frame.pcm

    def _silence(self, length_ns: int) -> Iterator[bytes]:
        samples = length_ns // NS_PER_SAMPLE
        self.arrived_ns = None
        for start in range(0, samples, SAMPLE_RATE_HZ):
            piece = min(SAMPLE_RATE_HZ, samples - start)
            self.filled_samples += piece
            yield SECOND_OF_SILENCE[: 2 * piece]
