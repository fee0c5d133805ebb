"""One received stream, measured: messages in, chunk by chunk or a file at once, figures out.

The same folds serve a live stream and a capture and give the same numbers however the messages
were cut into chunks: audio rows go through in blocks of 25, aligned to the stream's first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np

from voipbin_cli.analysis.arrivals import heard_losses
from voipbin_cli.analysis.arrivals.arrival_log import ArrivalReader, Arrivals, Begins, joined
from voipbin_cli.analysis.arrivals.bursts import Bursts
from voipbin_cli.analysis.arrivals.delivery import DeliveryFold
from voipbin_cli.analysis.arrivals.missing import MissingFold
from voipbin_cli.analysis.arrivals.numbering import Restart
from voipbin_cli.analysis.arrivals.own_lag import LatenessFold
from voipbin_cli.analysis.arrivals.paces import StampFold
from voipbin_cli.analysis.arrivals.placing import NS_PER_SAMPLE, Placed, Placer
from voipbin_cli.analysis.arrivals.reception import Reception
from voipbin_cli.analysis.arrivals.rtp_fold import RtpFold, Said
from voipbin_cli.analysis.columns import Ints, wrapped_steps
from voipbin_cli.analysis.dry_pauses import Numbers, told_apart
from voipbin_cli.analysis.emodel import Quality, assess
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.metrics import Measured, Outage
from voipbin_cli.analysis.pauses import Pause
from voipbin_cli.analysis.sound.codec_judge import BLOCK_FRAMES, CodecJudge
from voipbin_cli.analysis.sound.file_headers import HeaderFold
from voipbin_cli.analysis.sound.holes import Holes
from voipbin_cli.analysis.sound.own_rate import OwnSound
from voipbin_cli.analysis.sound.sound_fold import SoundFold
from voipbin_cli.analysis.told import NOTHING, Told
from voipbin_cli.analysis.trace import Trace
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.evidence import is_still
from voipbin_cli.codec.examination import Found
from voipbin_cli.codec.fingerprint import Dialect, Fingerprint, name_dialect
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.framing import OtherFraming
from voipbin_cli.codec.reading import Reading

# Samples of a format are at 8 kHz where they play as long as they take to come, within a tenth.
_NEAR = 0.1


class Glance(NamedTuple):
    """Frames so far, jitter now, what a 60 ms buffer drops, what delay an adaptive one takes."""

    frames: int
    jitter_ms: float | None
    late_ratio: float
    delay_ms: float


class Transcode(Protocol):
    """Makes samples at 8 kHz of payloads that are none, row by row."""

    def __call__(self, rows: Arrivals) -> Arrivals:
        """Take rows in order, and return them with other payloads."""

    def finish(self) -> None:
        """The stream is over."""

    @property
    def own_sound(self) -> OwnSound | None:
        """What linear samples are at their own rate; None of what has none."""


def _at_once(work: Callable[[], None]) -> None:
    work()


class StreamFold:
    """Measures one direction of one stream.

    `told` is what is known beside the packets: the codec and its RTP clock (a static payload type,
    SDP), which otherwise are found from the stream itself; what says that the sound cannot be
    measured. Of such a stream delivery is. `is_datagrams`: RTP over UDP, where timestamps
    and not the arrivals tell how much audio there is. `transcode` makes samples at 8 kHz of
    payloads that are none. `aside` is called with what may be done beside everything else, in
    order: the sound. It must all be done before `measured`.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        *,
        is_datagrams: bool = False,
        told: Told = NOTHING,
        transcode: Transcode | None = None,
        keep_samples: int = 0,
        keep_rows: int = 0,
        aside: Callable[[Callable[[], None]], None] = _at_once,
    ) -> None:
        self.encapsulation = encapsulation
        self.is_datagrams = is_datagrams
        self.told = told
        self.sound = SoundFold(keep_samples)
        self.trace = Trace(keep_rows)
        self.frames = 0
        self._aside = aside
        self._transcode = transcode
        self._reader = ArrivalReader(encapsulation, is_cut=told.kept_bytes is not None)
        self._judge = CodecJudge(encapsulation)
        self._held: Arrivals | None = None
        self._undecided: list[Arrivals] = []
        self._file_headers = HeaderFold()
        self._usual_ns: float | None = None
        self._payload_bytes: int | None = None
        self._is_heard = told.is_heard
        clock_hz = told.clock_hz
        self._placer = Placer(
            encapsulation, is_datagrams=is_datagrams, clock_hz=clock_hz, is_video=told.is_video
        )
        self._lateness = LatenessFold()
        self._delivery = DeliveryFold(self._lateness, clock_hz, is_sampled=not is_datagrams)
        self._missing = MissingFold()
        self._rtp = RtpFold() if encapsulation is Encapsulation.RTP else None
        self._labels: Counter[int] = Counter()
        self._sizes: Counter[int] = Counter()
        self._stamps = StampFold()
        self._began_ns = self._audio_ns = 0
        self._outages: list[Outage] = []
        self._split_at: int | None = None

    # In

    def add(self, frames: Messages) -> None:
        """Take messages, in order of arrival."""
        rows = self._reader.read(frames)
        if self._transcode is not None:
            rows = self._transcode(rows)
        if self._rtp is not None:
            self._take(self._rtp.add(rows))
        else:
            self._take(rows if rows.is_audio.all() else rows.chosen(rows.is_audio))

    def _take(self, audio: Arrivals) -> None:
        """Take rows of audio, in whole blocks."""
        if not len(audio):
            return
        held = audio if self._held is None else joined(self._held, audio)
        whole = len(held) - len(held) % BLOCK_FRAMES
        self._held = held.chosen(slice(whole, None)).compact() if whole < len(held) else None
        if whole:
            self._read(held.chosen(slice(0, whole)) if whole < len(held) else held)

    def cut_to(self, kept_bytes: int) -> None:
        """The capture holds so much of a message; told before the first that it has cut."""
        self.told = replace(self.told, kept_bytes=kept_bytes)
        self._is_heard, self._reader.is_cut = False, True

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """This process woke up `late_ns` late at `at_ns`; told before what it then found."""
        self._lateness.add(at_ns, late_ns)

    def round_trips(self, trips_ms: list[float]) -> None:
        """Take the round-trip times of pings."""
        self._lateness.trips(trips_ms)

    def broke(self, at_ns: int) -> None:
        """The connection is lost, while the call goes on; what comes next is of another."""
        self._settle()
        self._outages.append(Outage(at_ns, None))
        self._begin_anew()

    def reopened(self) -> None:
        """Another connection of the same stream is up; `broke` was called if one was lost."""
        if self.last_ns is not None and not self._placer.is_new:
            self._settle()
            self._begin_anew()

    def flush(self) -> None:
        """Let nothing wait any longer: the stream is over."""
        self._settle()
        self._aside(self.sound.finish)
        if self._transcode is not None:
            self._transcode.finish()

    def when_heard(self, work: Callable[[], None]) -> None:
        """Have something done once all the sound that came is measured."""
        self._aside(work)

    def _begin_anew(self) -> None:
        self._delivery.broke()
        if self._rtp is not None:
            self._rtp.restart()
        self._reader.restart()
        self._placer.restart()

    def _settle(self) -> None:
        """Let no frame wait for those that come after it."""
        if self._rtp is not None and (rest := self._rtp.finish()) is not None:
            self._take(rest)
        if self._held is not None:
            held, self._held = self._held, None
            self._read(held)
        self._judge.force()
        self._release_undecided()
        self._delivery.flush()

    def _read(self, rows: Arrivals) -> None:
        """Find out how each block is read, and pass on what is decided, in runs read alike."""
        if not self._is_heard:
            self._deliver(rows, self._timed_ns(rows))
            return
        for run, read in self._judge.read(rows):
            if read.reading is None:
                self._undecided.append(run.compact())
            else:
                self._release_undecided()
                self._fold(run, read.reading, read.foreign)

    def _release_undecided(self) -> None:
        undecided, self._undecided = self._undecided, []
        for rows in undecided:
            assert self._judge.reading is not None
            self._fold(rows, self._judge.reading, self._judge.how.foreign)

    def _fold(self, rows: Arrivals, reading: Reading, foreign: Format | None) -> None:
        self._file_headers.add(rows)
        if self._split_at is None:
            self._split_at = self._first_split(rows, reading)
        self._deliver(rows, self._own_ns(rows, reading, foreign))
        self._aside(partial(self.sound.add, rows, reading))

    def _deliver(self, rows: Arrivals, own: Ints) -> None:
        """When rows came that play so long each."""
        if self._payload_bytes is None:
            self._payload_bytes = int(np.median(rows.length[:BLOCK_FRAMES]))
        _count(self._labels, rows.label)
        _count(self._sizes, own // NS_PER_SAMPLE)
        if self.is_datagrams:
            self._stamps.add(rows, own)
        if not self.frames:
            self._began_ns = int(rows.time_ns[0])
        placed = self._placer.place(rows, own, self._delivery.clock.hz)
        if placed.is_fresh:
            self._note_return(int(placed.time[0]))
        self._delivery.add(placed)
        self._note_restarts(placed)
        self._missing.add(placed.steps)
        self.trace.add(placed.time, placed.gap, placed.time - placed.place)
        self.frames += len(rows)
        self._audio_ns += int(placed.own.sum())

    def _own_ns(self, rows: Arrivals, reading: Reading, foreign: Format | None) -> Ints:
        """How long each row plays; of what may not be 8 kHz, as long as it takes to come."""
        if foreign is None:
            return reading.samples_in(rows.length, rows.is_odd) * NS_PER_SAMPLE
        if self._usual_ns is None:
            self._usual_ns = _usual_ns(rows.time_ns[:BLOCK_FRAMES])
        if foreign.sample_bytes:
            own = rows.length * NS_PER_SAMPLE // foreign.sample_bytes
            if abs(own[0] / self._usual_ns - 1) < _NEAR:
                return own
        return np.full(len(rows), _in_tens_of_ms(self._usual_ns))

    def _timed_ns(self, rows: Arrivals) -> Ints:
        """How long each row plays by the timestamps of the first ones, or by when they came."""
        if self._usual_ns is None:
            first, clock_hz = rows.chosen(slice(0, BLOCK_FRAMES)), self.told.clock_hz
            stamped_ns = _usual_step(first) * 1e9 / clock_hz if clock_hz else 0.0
            self._usual_ns = stamped_ns or _in_tens_of_ms(_usual_ns(first.time_ns))
        return np.full(len(rows), round(self._usual_ns))

    def _first_split(self, rows: Arrivals, reading: Reading) -> int | None:
        """The first frame of sound that begins with the second half of a sample."""
        if reading.codec is not Codec.S16LE or not rows.is_odd.any():
            return None
        for row in np.flatnonzero(reading.are_inside(rows.is_odd)).tolist():
            if not is_still(rows.payload(row)):
                return self.frames + int(row)
        return None

    def _note_restarts(self, placed: Placed) -> None:
        """Timestamps that begin anew; of all else the packets themselves tell."""
        for row in np.flatnonzero(placed.begins & Begins.TIMESTAMP).tolist():
            assert self._rtp is not None
            self._rtp.note(Restart(self.frames + row, Begins.TIMESTAMP))

    def _note_return(self, at_ns: int) -> None:
        if self._outages and self._outages[-1].after_ns is None:
            lost = self._outages[-1]
            self._outages[-1] = Outage(lost.at_ns, at_ns - lost.at_ns)

    # Out

    @property
    def last_ns(self) -> int | None:
        """The arrival of the latest frame that was measured, None before the first."""
        return self._placer.last_ns

    @property
    def fingerprint(self) -> Fingerprint | None:
        """The first packet's fields by which its sender can be told; None without any (RTP)."""
        return self._reader.fingerprint

    def glance(self) -> Glance:
        """A few figures for a view that looks often."""
        return Glance(self.frames, self._delivery.jitter.last_ms, *self._delivery.glance())

    def measured(self, *, may_be_silent: bool = False) -> Measured:
        """All figures so far; complete after `flush`.

        `may_be_silent`: frames are passed on as a phone sends them, which may send none in
        silence.
        """
        last_ns = self.last_ns or 0
        usual = self._sizes.most_common(1)
        frame_samples, usual_frames = usual[0] if usual else (None, 0)
        delivery, judge, reader = self._delivery, self._judge, self._reader
        foreign = self._foreign
        is_heard = self.told.is_heard and foreign is None
        reception = self._rtp.reception if self._rtp else None
        pauses = self._pauses(reception, may_be_silent=may_be_silent)
        buffers = delivery.buffers
        as_it_came, holes = self._sound_as_it_came, self.sound.holes.result()
        frame_ms = (frame_samples or FRAME_SAMPLES) / 8
        bursts = self._bursts(pauses, holes, frame_samples or FRAME_SAMPLES)
        drift = delivery.drift
        duration_ns = last_ns - self._began_ns + self._placer.last_own_ns
        return Measured(
            encapsulation=self.encapsulation,
            is_datagrams=self.is_datagrams,
            told=self.told,
            payload_bytes=self._payload_bytes,
            frames=self.frames,
            messages=reader.messages,
            message_bytes=reader.message_bytes,
            texts=reader.texts,
            first_text=reader.first_text,
            malformed=reader.malformed,
            began_ns=self._began_ns,
            ended_ns=last_ns,
            frame_ms=frame_samples / 8 if frame_samples else None,
            frame_samples=frame_samples,
            frame_range_samples=(min(self._sizes, default=0), max(self._sizes, default=0)),
            other_sizes_ratio=1 - usual_frames / max(1, self.frames),
            samples_hz=self._samples_hz(drift.ppm, pauses),
            mean_hz=self._mean_hz(),
            clock_hz=delivery.clock.hz if self._rtp else None,
            stamped=self._stamps.stamped,
            labels=tuple(self._labels.most_common(8)),
            fingerprint=reader.fingerprint,
            dialect=self._dialect(),
            reading=judge.reading if is_heard else None,
            is_settled=judge.is_settled and is_heard,
            changes=tuple(judge.changes) if is_heard else (),
            foreign=foreign,
            framing=self._framing,
            split_at=None if judge.reading and judge.reading.afresh else self._split_at,
            heard_blocks=judge.heard,
            heard_at=judge.heard_at,
            text_blocks=judge.texts,
            text=judge.text,
            file_headers=self._file_headers.result(),
            intervals=delivery.intervals.result(),
            calm_ratio=delivery.intervals.share(0.75 * frame_ms, 1.25 * frame_ms),
            backlog_ms=delivery.backlog.backlog_ns / 1e6,
            jitter=delivery.jitter,
            reception=reception,
            said=self._rtp.said() if self._rtp else Said(),
            pauses=pauses,
            variation=delivery.variation.result(),
            drift=drift,
            bursts=bursts,
            buffers=buffers,
            signal=as_it_came.signal,
            holes=holes,
            stillness=self.sound.stillness.result(),
            floor=self.sound.floor.result(),
            clipping_ratio=as_it_came.clipping_ratio,
            repeats=self.sound.repetition.result(),
            clicks=self.sound.clicks.result(),
            hum=self.sound.hum.result(),
            is_modem=self.sound.modem.result(),
            overflow_ratio=self.sound.wraps.result(),
            trips=self._lateness.round_trips(),
            lag=self._lateness.result(duration_ns),
            outages=tuple(self._outages),
            quality=self._quality(bursts, _unnoted_ms(holes) * 1e6 / max(duration_ns, 1)),
        )

    def _pauses(self, reception: Reception | None, *, may_be_silent: bool) -> tuple[Pause, ...]:
        """Every pause, judged by all that is known so far."""
        pauses = self._delivery.pauses(may_be_silent=may_be_silent)
        if reception is None or not reception.is_whole or not self._delivery.clock.hz:
            return pauses
        noted = self.sound.seams.goes_on
        goes_on = {
            pause.frame: noted[pause.frame]
            for pause in pauses
            if pause.frame in noted and not self._lateness.is_asleep_in(pause)
        }
        return told_apart(pauses, goes_on, self._numbers)

    @property
    def _numbers(self) -> Numbers:
        if self.is_datagrams:
            return Numbers.BY_SENDER
        made = self._reader.fingerprint
        return Numbers.BY_BRIDGE if made is None or made.is_bridge else Numbers.AT_RANDOM

    def _mean_hz(self, absent_ns: int = 0) -> float | None:
        """Samples that came in a second, once each, from the first frame to the last.

        Of that time `absent_ns` does not count.
        """
        again_ns = self._packets_ns(self._rtp.reception.duplicate) if self._rtp else 0
        came_ns = self._audio_ns - self._placer.last_own_ns - again_ns
        took_ns = (self.last_ns or 0) - self._began_ns - absent_ns
        return came_ns / took_ns * SAMPLE_RATE_HZ if took_ns > 0 else None

    def _samples_hz(self, ppm: float | None, pauses: Sequence[Pause]) -> float | None:
        """Samples that come in a second while audio flows."""
        if ppm is None:
            missing_ns = self._packets_ns(self._rtp.reception.missing) if self._rtp else 0
            return self._mean_hz(missing_ns + sum(pause.absent_ns for pause in pauses))
        return SAMPLE_RATE_HZ * self._delivery.due.audio_share * (1 + ppm / 1e6)

    def _packets_ns(self, count: int) -> int:
        """How long so many packets of the usual size play."""
        usual = self._sizes.most_common(1)
        return count * usual[0][0] * NS_PER_SAMPLE if usual else 0

    @property
    def _sound_as_it_came(self) -> OwnSound:
        """The level, the silence and the clipping of samples at their own rate."""
        own = self._transcode.own_sound if self._transcode else None
        return own or OwnSound(self.sound.signal.result(), self.sound.clipping.result())

    @property
    def _foreign(self) -> Found | None:
        """What it is that is none of the codecs: by its bytes, or by how long they are.

        Where neither a name nor the sound tells the codec of a phone's leg, samples are as many
        as the timestamps go on by, at some rate.
        """
        judge = self._judge
        is_told = judge.is_settled or self.told.codec is not None
        if judge.foreign is not None or is_told or not judge.has_heard or not self.is_datagrams:
            return judge.foreign
        is_samples = not self._stamps.stamped.steps or self._stamps.is_of_samples
        return None if is_samples else Found(Format.UNKNOWN)

    @property
    def _framing(self) -> OtherFraming | None:
        return None if self.is_datagrams else self._reader.framing()

    def _dialect(self) -> Dialect | None:
        reading = self._judge.reading
        if reading is None or self.is_datagrams or self._judge.foreign:
            return None
        return name_dialect(self.encapsulation, reading.codec, self._reader.fingerprint)

    def _bursts(self, pauses: tuple[Pause, ...], holes: Holes, frame_samples: int) -> Bursts:
        """Of all that a listener with an adaptive buffer missed."""
        missing = [
            *self._missing.runs,
            *heard_losses.never_came(pauses, frame_samples * NS_PER_SAMPLE),
        ]
        unheard = [
            *heard_losses.late(self._delivery.late_rows),
            *heard_losses.in_holes(holes.noted, frame_samples),
        ]
        return heard_losses.as_heard(self.frames, missing, unheard, frame_samples / 8)

    def _quality(self, bursts: Bursts, unnoted_ratio: float) -> Quality:
        """Of what that listener heard, from how much was missed and in what runs."""
        if not self.frames:
            return assess(None).untold("no audio came")
        if not self.told.is_heard:
            return assess(None).untold(self.told.unheard_because)
        is_misread = self._foreign is not None or self._framing is not None
        if self.told.is_transcoded:
            return assess(None).untold("it is of G.711 and linear audio at 8 kHz alone")
        if not self._judge.is_settled or is_misread:
            return assess(None).untold("no codec that is decoded here is known to be in it")
        if self._rtp is not None and self._rtp.reception.is_stuck:
            return assess(None).untold("sequence numbers do not count the packets")
        if not self._delivery.buffers:
            return assess(None).untold(
                "nothing tells when frames were due, and which came too late"
            )
        return assess(
            bursts.loss_ratio,
            discard_ratio=min(1.0, unnoted_ratio),
            mean_burst_frames=bursts.mean_run_frames,
            listening_only=True,
        )


def _unnoted_ms(holes: Holes) -> float:
    """Sound lost in holes whose places are no longer known."""
    return max(0.0, holes.lost_ms - sum(hole.length for hole in holes.noted) / 8)


def _usual_ns(time_ns: Ints) -> float:
    """How far apart messages usually come; 20 ms where there are no times."""
    return float(np.median(np.diff(time_ns))) if time_ns[-1] > time_ns[0] else FRAME_NS


def _usual_step(rows: Arrivals) -> float:
    """By how much timestamps usually go on from one packet to the next; 0 where they do not."""
    in_order = wrapped_steps(rows.sequence_number, 16) == 1
    steps = wrapped_steps(rows.timestamp, 32)[in_order]
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 0.0


def _in_tens_of_ms(time_ns: float) -> int:
    return max(1, round(time_ns / 1e7)) * 10_000_000


def _count(counter: Counter[int], column: Ints) -> None:
    low, high = int(column.min()), int(column.max())
    if low == high:
        counter[low] += len(column)
    else:
        counter.update(column.tolist())
