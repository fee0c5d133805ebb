"""Messages in, audio out: what the payload is, is decided from evidence, and revised by it.

While readings that are still plausible would decode a frame differently, it is held back (25
frames at most), then released in order: none is lost, and none is decoded wrong because it came
before the stream had shown what it is. The first message is usually pure silence, so silence
alone settles nothing; where all plausible readings agree on it, it need not wait either.
"""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.decider import DOUBT_BITS, DOUBT_BONUS, NEW_SIZE_BONUS, CodecDecider
from voipbin_cli.codec.encapsulation import Encapsulation, Unit, unpack
from voipbin_cli.codec.evidence import SizeAndLabel, is_still, quiet_codecs
from voipbin_cli.codec.fingerprint import Fingerprint, SendForm, name_dialect, send_form
from voipbin_cli.codec.hypotheses import MIN_BYTES
from voipbin_cli.codec.payload_types import COMFORT_NOISE, DYNAMIC, RESERVED
from voipbin_cli.codec.reading import READINGS, Reading
from voipbin_cli.codec.received_form import ReceivedForm, received_form
from voipbin_cli.codec.timestamps import TimestampSteps

MAX_HELD_FRAMES = 25

# A settled codec is looked at again in each of the next frames, then after 1, 2, 4 ... frames, at
# last every 2.56 s: to look costs as much as to record five frames.
_FIRST_LOOKS = 4
_MAX_INTERVAL = 128
_SHORT_INTERVAL = 4  # when the look told nothing
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
        self._agreeing = set(READINGS)  # those in which what was released would sound the same
        self._held: list[tuple[Unit, int]] = []
        self._ready: list[AudioFrame] = []
        self._settled_keys: set[SizeAndLabel] = set()  # what came in the reading that is settled
        self._fast_key: tuple[int, int | None] | None = None
        self._forget()
        self._weigh_anew()

    def _forget(self) -> None:
        self._fingerprint: Fingerprint | None = None
        self._clock = TimestampSteps()

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
            if (len(unit.payload), unit.label) == self._fast_key:
                self._fast_left -= 1
                assert self.codec is not None
                samples = self._decode(unit.payload)
                return [AudioFrame(samples, tag, unit, self.codec, unit.rate_hz)]
        frames, self._ready = self._ready, []
        for unit in units:
            if _holds_samples(unit):
                frames += self._decide(unit, tag)
        return frames

    def flush(self) -> list[AudioFrame]:
        """Return the frames still held, decoded as what is most likely: the stream is over."""
        frames, self._ready = self._ready, []
        if self._held:
            frames += self._release(self._decider.best)
        return frames

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

    def _frame(self, unit: Unit, tag: int) -> AudioFrame:
        assert self.codec is not None
        return AudioFrame(self._decode(unit.payload), tag, unit, self.codec, unit.rate_hz)

    def _decide(self, unit: Unit, tag: int) -> list[AudioFrame]:
        """Decide about one unit off the fast path."""
        packet = unit.packet
        if packet is not None:
            self._clock.observe(packet)
            if self._fingerprint is None:
                self._fingerprint = Fingerprint(
                    packet.payload_type, packet.ssrc, packet.sequence_number
                )
        key = SizeAndLabel(len(unit.payload), unit.label)
        if self.is_settled:
            if len(unit.payload) < MIN_BYTES or (
                key in self._settled_keys and self._stands(unit, key)
            ):
                return [self._frame(unit, tag)]
            self._doubt(key)
        elif key in self._settled_keys:
            # After some frames of another size the stream goes on as before.
            self._held.append((unit, tag))
            self._decider.keep()
            return self._settle()
        return self._weigh(unit, tag)

    def _doubt(self, key: SizeAndLabel) -> None:
        if key in self._settled_keys:  # its sound is what is wrong
            self._settled_keys.clear()
            self._decider.reopen(DOUBT_BONUS)
        else:
            self._decider.reopen(NEW_SIZE_BONUS)
        self._weigh_anew(was_settled=True)

    def _stands(self, unit: Unit, key: SizeAndLabel) -> bool:
        """Whether the settled codec stands up to a look at this unit; each look is rarer."""
        if self._fast_left:
            self._fast_left -= 1
            return True
        payload = unit.payload
        if is_still(payload):
            quiet = quiet_codecs(payload[:2])
            return not quiet or self.codec in quiet
        (look,) = self._decider.look((payload,))
        if look.is_doubtful:
            return False
        self._looks += 1
        interval = min(1 << self._looks >> _FIRST_LOOKS, _MAX_INTERVAL)
        self._fast_key = key
        self._fast_left = interval if look.lead > DOUBT_BITS else min(interval, _SHORT_INTERVAL)
        return True

    def _weigh(self, unit: Unit, tag: int) -> list[AudioFrame]:
        """Add a unit to what is undecided, and release what it decides."""
        decider = self._decider
        decider.weigh(unit, self._clock.step_for(len(unit.payload)))
        self._held.append((unit, tag))
        if not decider.is_open:
            self._remember()
            return self._settle()
        plausible = decider.plausible
        # Only sound unsettles what sound has settled.
        may_release = not self._was_settled or self.reading in plausible
        if may_release and self._all_alike(plausible):
            return self._release(self.reading if self.reading in plausible else decider.best)
        if len(self._held) >= MAX_HELD_FRAMES:
            self._forced_at = decider.weight
            return self._release(decider.best)
        if self._forced_at is not None and (self._forced_at or not decider.weight):
            return self._release(decider.best)  # waiting has not helped, and would not now
        return []

    def _all_alike(self, plausible: list[Reading]) -> bool:
        return len(plausible) == 1 or all(
            len({reading.decode(unit.payload) for reading in plausible}) == 1
            for unit, _ in self._held
        )

    def _remember(self) -> None:
        """Remember the sizes and labels of what is held as those of what is settled."""
        if self._decider.reading != self.reading:
            self._settled_keys.clear()
        for unit, _ in self._held:
            if len(self._settled_keys) < _MAX_KNOWN:
                self._settled_keys.add(SizeAndLabel(len(unit.payload), unit.label))

    def _settle(self) -> list[AudioFrame]:
        self.is_settled = True
        assert self._decider.reading is not None
        return self._release(self._decider.reading)

    def _release(self, reading: Reading) -> list[AudioFrame]:
        if reading not in self._agreeing:
            self.revisions += 1
            self._agreeing = set(READINGS)
        self.reading, self.codec, self._decode = reading, reading.codec, reading.decode
        frames = [self._frame(unit, tag) for unit, tag in self._held]
        self._held.clear()
        for other in self._agreeing - {reading}:
            if any(other.decode(f.unit.payload) != f.pcm for f in frames):
                self._agreeing.discard(other)
        return frames
