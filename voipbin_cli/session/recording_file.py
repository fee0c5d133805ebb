"""The file that a stream is kept in: opened with the first sound, on the call's clock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, decode
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import unpack
from voipbin_cli.errors import UsageError
from voipbin_cli.media.audio_writer import check_apart, check_output, open_writer
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.media.journal import SUFFIX, journal_of, left_behind
from voipbin_cli.media.kept_file import Moved
from voipbin_cli.session.both_sides import BothSides
from voipbin_cli.session.ending import Cause
from voipbin_cli.session.hearer import Hearer, Joined
from voipbin_cli.session.silence_filling import CallClock
from voipbin_cli.transport.connection import ConnectionEnded, MediaConnection


class AudioFile(Hearer):
    """Writes frames to `path` (`-`: stdout) through a writer thread.

    What could not be written later is refused at once, but the file itself is made only when
    there is something to put into it: a refused connection leaves no empty file behind and
    overwrites nothing. `capture` is the capture of the same run, which needs a file of its own.
    `both`: two channels, what is received on the left and what is sent on the right.
    What it writes it may raise MachineError for, or BrokenPipeError for a pipe.
    """

    is_file = True

    def __init__(
        self,
        path: str,
        *,
        overwrite: bool = False,
        fill: bool = True,
        capture: str | None = None,
        both: bool = False,
    ) -> None:
        check_output(path, overwrite=overwrite)
        check_apart([capture, path])
        self.path = path
        self.clock = CallClock(fill=fill, queued_ms=self._queued_ms)
        self.samples = 0
        self._filled_samples = 0
        self._sounds = False
        self._limit_samples: int | None = None
        self._sides = BothSides() if both else None
        self._overwrite = overwrite
        self._writer: BackgroundWriter | None = None
        self._connection: MediaConnection | None = None
        self._is_up = False
        self._moves: deque[Moved] = deque()

    @property
    def full(self) -> bool:
        """The disk is so far behind that whoever reads the stream has to wait."""
        return self._writer is not None and self._writer.full

    @property
    def seconds(self) -> float:
        """Length of the file, silence for lost audio included."""
        return self.samples / SAMPLE_RATE_HZ

    @property
    def filled_seconds(self) -> float:
        """Silence put in for audio that never came."""
        return self._filled_samples / SAMPLE_RATE_HZ

    # What it hears

    def joined(self, session: Joined) -> None:
        """Hold no more than the duration that is asked for, be it sound or silence."""
        super().joined(session)
        if session.duration_s is not None:
            self._limit_samples = round(session.duration_s * SAMPLE_RATE_HZ)

    def opened(self, at_ns: int, connection: MediaConnection) -> None:
        """Know the connection, whose pings tell what is only late."""
        self._connection, self._is_up = connection, True

    def hear_frames(self, frames: Iterable[AudioFrame]) -> None:
        """Keep frames, in order."""
        for frame in frames:
            self._write(self.clock.add(frame))
            self._write_sides(frame.tag)

    def hear_sent(self, at_ns: int, message: bytes) -> None:
        """Keep what is sent, where both sides are wanted."""
        form = self.session.sent_form
        if self._sides is None or form is None:
            return
        for unit in unpack(self.session.decoder.encapsulation, message):
            if unit.is_audio:
                self._sides.send(at_ns, decode(form.codec, unit.payload))

    def lost(self, at_ns: int, ended: ConnectionEnded) -> None:
        """There is nobody to ping any more."""
        self._is_up = False

    def connection_over(self) -> None:
        """Count the outage as lost audio."""
        self._write(self.clock.broke())

    def ticked(self, at_ns: int, late_ns: int) -> None:
        """Hold nothing back for long; find out if what is missing is lost, or only late."""
        self._write(self.clock.release_overdue(at_ns))
        self._write_sides(at_ns)
        if self._is_up and self._connection is not None and self.clock.is_in_doubt(at_ns):
            self._connection.probe()

    def _queued_ms(self) -> float:
        """How much audio the link holds back, or held back at its end, as pings tell."""
        return self._connection.queued_ms if self._connection is not None else 0.0

    # The file

    def drain(self) -> None:
        """Wait until the file holds all that is not held back."""
        if self._writer is not None:
            self._writer.drain()

    def finish(self) -> None:
        """Write what is held back and close the file."""
        try:
            self._write(self.clock.finish())
            self._fill_up()
            if self._sides is not None:
                self._put(self._sides.finish(self._limit_samples))
        finally:
            if self._writer is not None:
                self._writer.close()

    def _fill_up(self) -> None:
        """Make the file of a time that ran out as long as was asked for: what lacks never came."""
        if self._limit_samples is None or not self.samples:
            return
        if self.session.stopped_by is Cause.DURATION:
            self._write(self.clock.fill_up(self._limit_samples - self.samples))

    def warnings(self) -> list[str]:
        """Return where the file went, and know its new place."""
        told = []
        while self._moves:
            moved = self._moves.popleft()
            self.path = moved.path or self.path
            told.append(moved.message)
        return told

    def summary(self) -> dict[str, Any]:
        """Return what was kept where, None where nothing came.

        `silent`: every sample of it is zero; None where there is none.
        """
        kept = self._writer is not None
        return {
            "silent": not self._sounds if kept else None,
            "filled_seconds": round(self.filled_seconds, 3),
            "output": self.path if kept else None,
        }

    def _write(self, pieces: Iterable[bytes]) -> None:
        filled_samples = self.clock.filled_samples
        for pcm in pieces:
            kept = self._within_limit(pcm)
            # The clock counts a piece of silence as it gives it out.
            if self.clock.filled_samples > filled_samples:
                self._filled_samples += len(kept) >> 1
            filled_samples = self.clock.filled_samples
            if kept:
                self._append(kept)

    def _within_limit(self, pcm: bytes) -> bytes:
        if self._limit_samples is None:
            return pcm
        return pcm[: 2 * (self._limit_samples - self.samples)]

    def _append(self, pcm: bytes) -> None:
        self.samples += len(pcm) >> 1
        if self._sides is None:
            self._put(pcm)
        else:
            self._sides.receive(pcm, self.clock.arrived_ns)

    def _write_sides(self, now_ns: int) -> None:
        if self._sides is not None:
            self._put(self._sides.take(now_ns))

    def _put(self, pcm: bytes) -> None:
        if not pcm:
            return
        if self._writer is None:
            channels = 1 if self._sides is None else 2
            file = open_writer(
                self.path, overwrite=self._overwrite, channels=channels, moved=self._moves.append
            )
            self._writer = BackgroundWriter(file)
        # Once something sounds, nothing is looked at any more.
        self._sounds = self._sounds or bool(pcm.strip(b"\0"))
        self._writer.write(pcm)


def cut_short(path: str) -> list[str]:
    """Return a sentence for each other recording beside `path` that was killed before its end."""
    if path == "-":
        return []
    return [
        f"{wav.removesuffix(SUFFIX)} was cut short: {wav} holds what was recorded; "
        "convert it (sox, ffmpeg) or keep it, and remove it then"
        for wav in left_behind(os.path.dirname(path) or ".")
        if wav != journal_of(path)
    ]


def name_of_now(stem: str) -> str:
    """Return a name for a recording that begins now; runs of the same second have their own."""
    return f"{stem}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.wav"


def optional_file(
    path: str | None, *, overwrite: bool, capture: str | None, both: bool = False
) -> AudioFile | None:
    """Return the file where one is wanted. Raises as AudioFile does.

    `both` without a file is a UsageError.
    """
    if path is None and both:
        raise UsageError("--both says how to record, and nothing is recorded", hint="name a file")
    if path is None:
        return None
    return AudioFile(path, overwrite=overwrite, capture=capture, both=both)
