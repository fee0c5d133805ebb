"""Messages in, audio out: what the payload is, is decided from evidence, and revised by it.

While readings that are still plausible would decode a frame differently, it is held back (25
frames at most), then released in order: none is lost, and none is decoded wrong because it came
before the stream had shown what it is. The first message is usually pure silence, so silence
alone settles nothing; where all plausible readings agree on it, it need not wait either.
"""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.decider import (
    DOUBT_BITS,
    DOUBT_BONUS,
    NEW_SIZE_BONUS,
    RESTART_BONUS,
    CodecDecider,
)
from voipbin_cli.codec.encapsulation import Encapsulation, Unit, unpack
from voipbin_cli.codec.evidence import is_still, quiet_codecs
from voipbin_cli.codec.fingerprint import Fingerprint, SendForm, name_dialect, send_form
from voipbin_cli.codec.hypotheses import MIN_BYTES
from voipbin_cli.codec.payload_types import COMFORT_NOISE, DYNAMIC, RESERVED
from voipbin_cli.codec.reading import ALL_READINGS, START, Reading, Seam
from voipbin_cli.codec.received_form import ReceivedForm, received_form
from voipbin_cli.codec.timestamps import TimestampSteps

MAX_HELD_FRAMES = 25

# A settled codec is looked at again in each of the next frames, then after 1, 2, 4 ... frames, at
# last every 2.56 s: to look costs as much as to record five frames.
_FIRST_LOOKS = 4
_MAX_INTERVAL = 128
_SHORT_INTERVAL = 4  # when the look told nothing, or may soon be needed
_TELEPHONE_EVENT_BYTES = 4
# A stream of ever new sizes cannot make this grow.
_MAX_KNOWN = 64


class AudioFrame(NamedTuple):
    """One decoded frame: `pcm` is s16le mono at `rate_hz`, `tag` what came with its message."""

    pcm: bytes
    tag: int
    unit: Unit
    codec: Codec
    rate_hz: int


class _Key(NamedTuple):
    """What changes where a stream changes its codec, or where its samples begin; sound aside."""

    size_bytes: int
    label: int | None
    is_odd: bool


class _Held(NamedTuple):
    """A unit that is not decoded yet, and where it begins in the bytes of its connection."""

    unit: Unit
    tag: int
    seam: Seam

    @property
    def key(self) -> _Key:
        return _Key(len(self.unit.payload), self.unit.label, self.seam.is_odd)


def _holds_samples(unit: Unit) -> bool:
    if unit.packet is None:
        return unit.is_audio
    number = unit.packet.payload_type
    if number == COMFORT_NOISE or number in RESERVED:
        return False  # RFC 3389; RTCP
    # RFC 4733 2.3: an event is four bytes; half a millisecond of audio is sent by nobody.
    return not (number in DYNAMIC and len(unit.payload) == _TELEPHONE_EVENT_BYTES)


class FrameDecoder:
    """Decodes the messages of one stream of one direction.

    `reading` is the one in use and `codec` its codec (None before the first frame), `is_settled`
    whether sound has confirmed it, `held` how many frames wait, `revisions` how often it changed
    after frames had been released as another.
    """

    def __init__(self, encapsulation: Encapsulation) -> None:
        self.encapsulation = encapsulation
        self.reading: Reading | None = None
        self.codec: Codec | None = None
        self.is_settled = False
        self.revisions = 0
        self._decider = CodecDecider()
        self._agreeing = set(ALL_READINGS)  # those in which what was released would sound the same
        self._held: list[_Held] = []
        self._ready: list[AudioFrame] = []
        self._settled_keys: set[_Key] = set()  # what came in the reading that is settled
        self._fast_key: _Key | None = None
        self._forget()
        self._weigh_anew()

    def _forget(self) -> None:
        self._fingerprint: Fingerprint | None = None
        self._clock = TimestampSteps()
        self._seam = START

    def _weigh_anew(self, *, was_settled: bool = False) -> None:
        self._was_settled = was_settled
        self._forced_at: float | None = None  # the weight of sound when waiting was given up
        self._looks = 0
        self._fast_left = 0
        self.is_settled = False

    def feed(self, message: bytes, tag: int = 0) -> list[AudioFrame]:
        """Return the frames that are decided now, oldest first; `tag` comes back with them.

        AudioSocket frames that are not audio and RTP packets that hold no samples (comfort
        noise, telephone events, RTCP) give no frame. Raises DecodeError for a malformed
        message, which changes nothing.
        """
        units = unpack(self.encapsulation, message)
        if self._fast_left and len(units) == 1:
            unit = units[0]
            if (len(unit.payload), unit.label, self._seam.is_odd) == self._fast_key:
                self._fast_left -= 1
                return [self._frame(self._placed(unit, tag))]
        frames, self._ready = self._ready, []
        for unit in units:
            if _holds_samples(unit):
                frames += self._decide(self._placed(unit, tag))
        return frames

    def _placed(self, unit: Unit, tag: int) -> _Held:
        seam = self._seam
        self._seam = seam.after(unit.payload)
        return _Held(unit, tag, seam)

    def flush(self) -> list[AudioFrame]:
        """Return the frames still held, decoded as what is most likely: the stream is over."""
        frames, self._ready = self._ready, []
        if self._held:
            frames += self._release(self._likeliest)
        return frames

    @property
    def _likeliest(self) -> Reading:
        """The reading of what was released, as long as it is plausible."""
        is_plausible = self.reading is not None and self.reading in self._decider.plausible
        return self.reading if self.reading and is_plausible else self._decider.best

    def restart(self) -> None:
        """Begin a new connection of the same stream.

        The codec stays likely, sequence and timestamps begin anew. Frames still held come out
        with the next `feed` or `flush`.
        """
        self._ready = self.flush()
        self._forget()
        self._settled_keys.clear()
        self._decider.restart()
        self._weigh_anew()

    @property
    def held(self) -> int:
        """How many frames wait to be decided."""
        return len(self._held)

    @property
    def verdict(self) -> ReceivedForm | None:
        """What the stream is taken for now, None before the first frame."""
        if self.reading is None and not self._held:
            return None
        reading = self.reading if self.is_settled and self.reading else self._decider.best
        dialect = name_dialect(self.encapsulation, reading.codec, self._fingerprint)
        return received_form(reading, dialect, self._clock, self._decider)

    @property
    def send_form(self) -> SendForm:
        """What the far end takes."""
        return send_form(self.encapsulation, self._fingerprint, self.codec)

    def _frame(self, held: _Held) -> AudioFrame:
        assert self.reading is not None
        unit, tag, seam = held
        pcm = self.reading.decode(unit.payload, seam)
        return AudioFrame(pcm, tag, unit, self.reading.codec, unit.rate_hz)

    def _decide(self, held: _Held) -> list[AudioFrame]:
        """Decide about one unit off the fast path."""
        packet = held.unit.packet
        if packet is not None:
            self._clock.observe(packet)
            if self._fingerprint is None:
                self._fingerprint = Fingerprint(
                    packet.payload_type, packet.ssrc, packet.sequence_number
                )
        if self.is_settled:
            if len(held.unit.payload) < MIN_BYTES or (
                held.key in self._settled_keys and self._stands(held)
            ):
                return [self._frame(held)]
            self._doubt(held.key)
        elif held.key in self._settled_keys and not self._decider.is_seam_open:
            # After some frames of another size the stream goes on as before.
            self._held.append(held)
            self._decider.keep()
            return self._settle()
        return self._weigh(held)

    def _doubt(self, key: _Key) -> None:
        if key in self._settled_keys:  # its sound is what is wrong
            self._settled_keys.clear()
            self._decider.reopen(DOUBT_BONUS)
        elif self._decider.is_news(key.is_odd):  # which is no sign of another codec
            self._decider.reopen(RESTART_BONUS)
        else:
            self._decider.reopen(NEW_SIZE_BONUS)
        self._weigh_anew(was_settled=True)

    def _stands(self, held: _Held) -> bool:
        """Whether the settled codec stands up to a look at this unit; each look is rarer."""
        if self._fast_left:
            self._fast_left -= 1
            return True
        payload = self._decider.whole(held.unit.payload, is_odd=held.seam.is_odd)
        if is_still(payload):
            quiet = quiet_codecs(payload[:2])
            return not quiet or self.codec in quiet
        (look,) = self._decider.look((payload,))
        if look.is_doubtful:
            return False
        self._looks += 1
        # Where samples are cut in two, a message that is lost shifts all that follows.
        is_cut = any(key.is_odd for key in self._settled_keys)
        longest = _SHORT_INTERVAL if is_cut else _MAX_INTERVAL
        interval = min(1 << self._looks >> _FIRST_LOOKS, longest)
        self._fast_key = held.key
        self._fast_left = interval if look.lead > DOUBT_BITS else min(interval, _SHORT_INTERVAL)
        return True

    def _weigh(self, held: _Held) -> list[AudioFrame]:
        """Add a unit to what is undecided, and release what it decides."""
        decider, unit = self._decider, held.unit
        step = self._clock.step_for(len(unit.payload))
        decider.weigh(unit, step, is_odd=held.seam.is_odd)
        self._held.append(held)
        if not decider.is_open:
            self._remember()
            return self._settle()
        plausible = decider.plausible
        # Only sound unsettles what sound has settled.
        may_release = not self._was_settled or self.reading in plausible
        if may_release and self._all_alike(plausible):
            return self._release(self._likeliest)
        if len(self._held) >= MAX_HELD_FRAMES:
            self._forced_at = decider.weight
            return self._release(decider.best)
        if self._forced_at is not None and (self._forced_at or not decider.weight):
            return self._release(decider.best)  # waiting has not helped, and would not now
        return []

    def _all_alike(self, plausible: list[Reading]) -> bool:
        return len(plausible) == 1 or all(
            len({reading.decode(unit.payload, seam) for reading in plausible}) == 1
            for unit, _, seam in self._held
        )

    def _remember(self) -> None:
        """Remember the sizes and labels of what is held as those of what is settled."""
        if self._decider.reading != self.reading:
            self._settled_keys.clear()
        for held in self._held:
            if len(self._settled_keys) < _MAX_KNOWN:
                self._settled_keys.add(held.key)

    def _settle(self) -> list[AudioFrame]:
        self.is_settled = True
        assert self._decider.reading is not None
        return self._release(self._decider.reading)

    def _release(self, reading: Reading) -> list[AudioFrame]:
        if reading not in self._agreeing:
            self.revisions += 1
            self._agreeing = set(ALL_READINGS)
        self.reading, self.codec = reading, reading.codec
        frames = [self._frame(held) for held in self._held]
        for other in self._agreeing - {reading}:
            if any(
                other.decode(held.unit.payload, held.seam) != frame.pcm
                for held, frame in zip(self._held, frames, strict=True)
            ):
                self._agreeing.discard(other)
        self._held.clear()
        return frames
