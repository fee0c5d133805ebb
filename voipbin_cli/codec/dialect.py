"""Messages in, audio out: what the payload is, is decided from evidence, and revised by it.

While readings that are still plausible would decode a frame differently, it is held back (25
frames at most), then released in order: none is lost, and none is decoded wrong because it came
before the stream had shown what it is. The first message is usually pure silence, so silence
alone settles nothing; where all plausible readings agree on it, it need not wait either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from voipbin_cli.codec import pcm
from voipbin_cli.codec.encapsulation import Encapsulation, Unit, unpack
from voipbin_cli.codec.evidence import Evidence, Key, Odds, is_still, quiet_codecs
from voipbin_cli.codec.fingerprint import (
    Dialect,
    Fingerprint,
    SendForm,
    name_dialect,
    send_form,
)
from voipbin_cli.codec.hypotheses import MIN_BYTES, score_payload
from voipbin_cli.codec.payload_types import COMFORT_NOISE, DYNAMIC, RESERVED
from voipbin_cli.codec.pcm import SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.timestamps import TimestampSteps

MAX_HELD_FRAMES = 25

# A reading this far behind, in bits, is no longer plausible.
_PLAUSIBLE = 9.0
# Sound worth less than this settles nothing: about one 20 ms frame of G.711.
_SETTLING_WEIGHT = 12.0
# How much a codec that was settled has in its favour when doubt or a new connection comes.
_DOUBT_BONUS = 10.0
_CHANGE_BONUS = 6.0
_RESTART_BONUS = 12.0
# A settled codec is looked at again in each of the next frames, then after 1, 2, 4 ... frames, at
# last every 2.56 s: to look costs as much as to record five frames.
_FIRST_LOOKS = 4
_MAX_INTERVAL = 128
_SHORT_INTERVAL = 4  # when the look told nothing
# Bits per byte by which another reading has to be better to raise doubt.
_DOUBT_MARGIN = 0.25
# From here on a reading is little better than noise.
_NOISE_BITS = 7.0
_TELEPHONE_EVENT_BYTES = 4
# A stream of ever new sizes cannot make this grow.
_MAX_KNOWN = 64
_UNHEARD_CONFIDENCE = 0.6
# What costs more than this in the best reading is encrypted, compressed or plain noise.
_NOT_SOUND_BITS = 7.8


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """What the stream was found to be.

    `timestamp_step` is what the RTP timestamp advances by per packet, and `timestamp_hz` what
    that makes a second: 8000 where it counts samples, 16000 where it counts the bytes of linear
    audio; both None without RTP or before two packets in a row. `confidence` is 0 to 1, and at
    most 0.6 before any sound was heard.
    """

    codec: Codec
    dialect: Dialect
    timestamp_step: int | None
    timestamp_hz: int | None
    confidence: float
    reason: str


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

    `codec` is the one in use (None before the first frame), `is_settled` whether sound has
    confirmed it, `held` how many frames wait, `revisions` how often it changed after frames had
    been released as another.
    """

    def __init__(self, encapsulation: Encapsulation) -> None:
        self.encapsulation = encapsulation
        self.codec: Codec | None = None
        self.is_settled = False
        self.revisions = 0
        self._agreeing = set(Codec)  # those in which what was released would sound the same
        self._held: list[tuple[Unit, int]] = []
        self._ready: list[AudioFrame] = []
        self._known: dict[Key, Codec] = {}
        self._fast_key: tuple[int, int | None] | None = None
        self._fast_left = 0
        self._forget()
        self._reopen(0.0)

    def _forget(self) -> None:
        self._fingerprint: Fingerprint | None = None
        self._clock = TimestampSteps()

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
                codec = self.codec
                assert codec is not None
                samples = pcm.decode(codec, unit.payload)
                return [AudioFrame(samples, tag, unit, codec, unit.rate_hz)]
        frames, self._ready = self._ready, []
        for unit in units:
            if _holds_samples(unit):
                frames += self._take(unit, tag)
        return frames

    def flush(self) -> list[AudioFrame]:
        """Return the frames still held, decoded as what is most likely: the stream is over."""
        frames, self._ready = self._ready, []
        if self._held:
            frames += self._release(_best(self._odds()))
        return frames

    def restart(self) -> None:
        """Begin a new connection of the same stream.

        The codec stays likely, sequence and timestamps begin anew. Frames still held come out
        with the next `feed` or `flush`.
        """
        self._ready = self.flush()
        self._forget()
        self._known.clear()
        self._reopen(_RESTART_BONUS)

    @property
    def held(self) -> int:
        """How many frames wait to be decided."""
        return len(self._held)

    @property
    def verdict(self) -> ReceivedForm | None:
        """What the stream is taken for now, None before the first frame."""
        if self.codec is None and not self._held:
            return None
        odds = self._odds()
        codec = self.codec if self.is_settled and self.codec else _best(odds)
        step, hz = self._timestamp(codec)
        return ReceivedForm(
            codec,
            name_dialect(self.encapsulation, codec, self._fingerprint),
            step,
            hz,
            self._confidence(odds, codec),
            self._reason(odds, codec),
        )

    @property
    def send_form(self) -> SendForm:
        """What the far end takes."""
        return send_form(self.encapsulation, self._fingerprint, self.codec)

    def _timestamp(self, codec: Codec) -> tuple[int | None, int | None]:
        usual = self._clock.usual()
        if usual is None:
            return None, None
        step, size = usual
        samples = size // codec.sample_bytes
        return step, round(step * SAMPLE_RATE_HZ / samples) if samples else None

    def _confidence(self, odds: Odds, codec: Codec) -> float:
        share = 2 ** odds[codec] / sum(2**value for value in odds.values())
        return round(min(share, 0.999 if self._is_sound(codec) else _UNHEARD_CONFIDENCE), 3)

    def _is_sound(self, codec: Codec) -> bool:
        bits = self._evidence.bits_per_byte(codec)
        return bits is not None and bits < _NOT_SOUND_BITS

    def _reason(self, odds: Odds, codec: Codec) -> str:
        second = max((c for c in Codec if c is not codec), key=odds.__getitem__)
        lead = odds[codec] - odds[second]
        heard = "by its sound" if self._is_sound(codec) else "by size, label and silence alone"
        return f"{codec} {heard}: 2^{lead:.0f} times as likely as {second}"

    def _reopen(self, bonus: float, *, was_settled: bool = False) -> None:
        self._evidence = Evidence()
        self._prior = (self.codec, bonus)
        self._was_settled = was_settled
        self._forced_at: float | None = None
        self._looks = 0
        self._fast_left = 0
        self.is_settled = False

    def _odds(self) -> Odds:
        known, bonus = self._prior
        return self._evidence.odds(known=known, bonus=bonus)

    def _frame(self, unit: Unit, tag: int, codec: Codec) -> AudioFrame:
        return AudioFrame(pcm.decode(codec, unit.payload), tag, unit, codec, unit.rate_hz)

    def _take(self, unit: Unit, tag: int) -> list[AudioFrame]:
        """Decide about one unit off the fast path."""
        packet = unit.packet
        if packet is not None:
            self._clock.observe(packet)
            if self._fingerprint is None:
                self._fingerprint = Fingerprint(
                    packet.payload_type, packet.ssrc, packet.sequence_number
                )
        key = Key(len(unit.payload), unit.label)
        if self.is_settled:
            assert self.codec is not None
            if len(unit.payload) < MIN_BYTES or (key in self._known and self._holds(unit, key)):
                return [self._frame(unit, tag, self.codec)]
            self._doubt(key)
        elif key in self._known:
            # After some frames of another size the stream goes on as before.
            self._held.append((unit, tag))
            return self._settle(self._known[key])
        return self._weigh(unit, tag)

    def _doubt(self, key: Key) -> None:
        if key in self._known:  # its sound is what is wrong
            self._known.clear()
            self._reopen(_DOUBT_BONUS, was_settled=True)
        else:
            self._reopen(_CHANGE_BONUS, was_settled=True)

    def _holds(self, unit: Unit, key: Key) -> bool:
        """Whether the settled codec stands up to a look at this unit; each look is rarer."""
        if self._fast_left:
            self._fast_left -= 1
            return True
        payload = unit.payload
        if is_still(payload):
            quiet = quiet_codecs(payload[:2])
            return not quiet or self.codec in quiet
        lead = self._lead(payload)
        if lead < -_DOUBT_MARGIN:
            return False
        self._looks += 1
        interval = min(1 << self._looks >> _FIRST_LOOKS, _MAX_INTERVAL)
        self._fast_key = key
        self._fast_left = interval if lead > _DOUBT_MARGIN else min(interval, _SHORT_INTERVAL)
        return True

    def _lead(self, payload: bytes) -> float:
        """Return by how many bits per byte the settled codec explains this better."""
        assert self.codec is not None
        scores = score_payload(payload, like=self.codec)
        if scores[self.codec] > _NOISE_BITS:  # is it even as wide?
            scores = score_payload(payload)
        own = scores.pop(self.codec)
        return min(scores.values()) - own

    def _weigh(self, unit: Unit, tag: int) -> list[AudioFrame]:
        """Add a unit to what is undecided, and release what it decides."""
        evidence = self._evidence
        evidence.add(unit, self._clock.step_for(len(unit.payload)))
        self._held.append((unit, tag))
        odds = self._odds()
        best = _best(odds)
        plausible = [codec for codec, value in odds.items() if value > -_PLAUSIBLE]
        # To go on as settled, any sound is enough.
        goes_on = self._was_settled and best is self.codec and evidence.weight > 0
        if len(plausible) == 1 and (goes_on or evidence.weight >= _SETTLING_WEIGHT):
            self._learn(best)
            return self._settle(best)
        # Only sound unsettles what sound has settled.
        may_release = not self._was_settled or self.codec in plausible
        if may_release and self._all_alike(plausible):
            return self._release(self.codec if self.codec in plausible else best)
        if len(self._held) >= MAX_HELD_FRAMES:
            self._forced_at = evidence.weight
            return self._release(best)
        if self._forced_at is not None and (self._forced_at or not evidence.weight):
            return self._release(best)  # waiting has not helped, and would not now
        return []

    def _all_alike(self, plausible: list[Codec]) -> bool:
        return len(plausible) == 1 or all(
            len({pcm.decode(codec, unit.payload) for codec in plausible}) == 1
            for unit, _ in self._held
        )

    def _learn(self, codec: Codec) -> None:
        """Remember the sizes and labels of what is held as this codec's."""
        if codec is not self.codec:
            self._known.clear()
        for unit, _ in self._held:
            if len(self._known) < _MAX_KNOWN:
                self._known[Key(len(unit.payload), unit.label)] = codec

    def _settle(self, codec: Codec) -> list[AudioFrame]:
        self.is_settled = True
        return self._release(codec)

    def _release(self, codec: Codec) -> list[AudioFrame]:
        if codec not in self._agreeing:
            self.revisions += 1
            self._agreeing = set(Codec)
        self.codec = codec
        frames = [self._frame(unit, tag, codec) for unit, tag in self._held]
        self._held.clear()
        for other in self._agreeing - {codec}:
            if any(pcm.decode(other, f.unit.payload) != f.pcm for f in frames):
                self._agreeing.discard(other)
        return frames


def _best(odds: Odds) -> Codec:
    return max(odds, key=odds.__getitem__)
