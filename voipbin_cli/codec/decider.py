"""Which codec is it? The one place that decides it, for the decoder, `diagnose` and `validate`.

A client shows payloads and asks. Which ones it shows, and what it holds back meanwhile, is its
own; what follows from them is decided here:

- *Weighing*: while the question `is_open`, evidence adds up until one codec alone is plausible.
- *Doubt*: of a settled stream, a look at a payload now and then says whether another reading
  would explain it better. If so the client reopens the question, and the reading of before has
  a bonus.
- *Shift*: samples that begin one byte late look byte-swapped. Which of the two they are comes
  out by a sequential test over the payloads that follow.
- *Seams*: where a payload ends in half a sample, the next one may begin with the other half, or
  afresh. Behind an odd number of bytes the two assumptions read a payload a byte apart, so
  evidence is kept of both, and the one in which the stream is sound holds.
- *None that I know*: where every reading costs as much as noise.
- *Examination*: now and then a stretch of the stream is looked at for what is none of the codecs:
  other samples, compressed audio, chance (`examination`).

All clients weigh every payload that sounds, in order, as long as the decider `wants_all`. So they
have the same evidence, settle at the same payload and name the same reading.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from enum import StrEnum
from typing import NamedTuple

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.codec.evidence import BitsByCodec, Evidence, is_still
from voipbin_cli.codec.examination import Examinations, Found
from voipbin_cli.codec.hypotheses import score_each, score_misaligned
from voipbin_cli.codec.reading import SHIFTED, Reading, twin

# The figures below were measured over 288,000 payloads of 20 ms: talkers of four languages, music,
# tones, digits and comfort noise, with white noise of -90 to -12 dBFS, in each of the codecs.

# Bits behind the best, odds of 1 in 512, from which on a reading is no longer plausible. Any bound
# from 5 to 16 settles no stream wrong (0 of 4,608), after 1.1 to 1.3 payloads in the mean.
PLAUSIBLE_BITS = 9.0
# Weight of sound (0.1 a byte, so 15 ms of G.711) below which nothing is settled: a frame of 20 ms
# of either width is enough, and half of one, as after silence, is not.
SETTLING_WEIGHT = 12.0
# Bits a byte by which another reading has to be better to raise doubt. No payload was ever better
# off in another reading than its own, so this is for sounds nobody thought of; a change to the
# other codec of the same width escapes one look in 3,300 with 0.25, one in 70 with 0.4.
DOUBT_BITS = 0.25
# Bits a byte from which on a reading is as bad as noise (8). Of sound in its own codec 0.003 % cost
# more than 7.7 (0.3 % more than 7.6), of random bytes none cost less (0.03 % of short ones less
# than 7.8). 99 % of payloads that are read in a wrong width cost more, too.
NOISE_BITS = 7.7
# Bits by which shifted and byte-swapped samples have to differ for one of them to be settled. In
# noise of -24 dBFS 9 bits come after 32 payloads (the median) and name 1 % of streams wrong, 16
# after 60 and none (of 1,344, from 96 streams). In quieter noise a few payloads will do. One stream
# each of a pure tone, in -30 (2,880 Hz) and in -18 dBFS, is named wrong with every bound tried.
SHIFT_BITS = 16.0
# Payloads that sound after which to weigh them all is no longer worth its price. 250, 5 s, where no
# codec is settled: all but one in 100 settle within 3, and what fades by a tenth with each payload
# does not change any more. 1500, 30 s, for the test for a shift, which forgets nothing.
MAX_WEIGHED = 250
MAX_TESTED = 1500
# Stretches that are examined: 2 ms each.
MAX_EXAMINED = 100
# Bits in favour of the reading of before. Most for a new connection of the same stream, which has
# no reason to differ; least for frames of another size or label, which is how a codec changes.
RESTART_BONUS = 12.0
DOUBT_BONUS = 10.0
NEW_SIZE_BONUS = 6.0


class Answer(StrEnum):
    """What is known of how a stream is read."""

    UNHEARD = "unheard"  # no sound yet: sizes, labels and silence at most
    UNCLEAR = "unclear"  # more than one reading explains it
    SETTLED = "settled"
    NONE_KNOWN = "none-known"  # no reading explains it: encrypted, compressed, or noise


class Look(NamedTuple):
    """What a payload costs in the settled reading and in the best other, in bits a byte."""

    own: float
    other: float

    @property
    def lead(self) -> float:
        """By how many bits a byte the settled reading explains it better than any other."""
        return self.other - self.own

    @property
    def is_doubtful(self) -> bool:
        """Whether another reading explains it better, and not by chance."""
        return self.lead < -DOUBT_BITS

    @property
    def is_unexplained(self) -> bool:
        """Whether it is noise in every reading."""
        return min(self) > NOISE_BITS


def mean_look(looks: Sequence[Look]) -> Look:
    """Return the mean of at least one look."""
    own, other = zip(*looks, strict=True)
    return Look(sum(own) / len(looks), sum(other) / len(looks))


class _ShiftTest:
    """Are they big-endian samples, or little-endian ones that begin a byte late?

    Wald's sequential probability ratio test. The two differ by where the low bytes belong, which
    is 250 bits in a frame of clear speech, 1 in noise of -30 dBFS and 0.01 in noise of -10 dBFS.
    """

    def __init__(self, known: Reading | None, bonus: float, *, goes_on: bool) -> None:
        self.is_shifted = known is not None and known.shifted
        self._is_begun = False
        self._lead = 0.0  # bits by which all payloads so far are better off as shifted ones
        if known is not None and known.looks_like is Codec.S16BE:
            self._lead = (SHIFT_BITS + bonus) * (1 if self.is_shifted else -1)
        elif known is not None and known.codec is Codec.S16LE and goes_on:
            # In mid-stream a byte gets lost; nobody turns to the other order of bytes there.
            self.is_shifted, self._lead = True, bonus

    def add(self, payload: bytes, swapped_bits: float) -> None:
        """Take a payload that costs so many bits a byte as big-endian samples."""
        self._is_begun = True
        # Both readings are to be measured by the same high bytes.
        payload = payload[: len(payload) & ~1]
        self._lead += len(payload) * (swapped_bits - score_misaligned((payload,)))
        if abs(self._lead) >= SHIFT_BITS:
            self.is_shifted = self._lead > 0

    @property
    def is_open(self) -> bool:
        """Whether both are plausible still."""
        return self._is_begun and abs(self._lead) < SHIFT_BITS


class _Assumption:
    """What speaks for each codec if samples go on across seams, or if payloads begin afresh."""

    def __init__(self, known: Reading | None, bonus: float, *, goes_on: bool) -> None:
        self.evidence = Evidence()
        self.shift = _ShiftTest(known, bonus, goes_on=goes_on)
        self.is_unexplained = False

    def weigh(self, unit: Unit, timestamp_step: int | None, skip: int) -> bool:
        """Add a payload without its first `skip` bytes; return whether it sounds."""
        scores = self.evidence.add(unit, timestamp_step, skip=skip)
        if not scores:
            return False
        self.is_unexplained = not any(self.is_sound(codec) for codec in scores)
        if min(scores, key=scores.__getitem__) is Codec.S16BE:
            self.shift.add(unit.payload[skip:], scores[Codec.S16BE])
        return True

    def is_sound(self, codec: Codec) -> bool:
        """Whether sound was weighed that is no noise in this codec."""
        bits = self.evidence.bits_per_byte(codec)
        return bits is not None and bits <= NOISE_BITS


class CodecDecider:
    """Decides how the payloads of one direction of one stream are read.

    `reading` is what sound has settled, None before; it stays while the question is open again.
    `is_open`: no codec is settled, or (`is_shift_open`) one is, but not whether its samples are
    shifted. `odds` are log2 odds of the codecs, the best one's being 0. `has_heard_seams`: sound
    has told whether samples go on across odd seams.
    """

    def __init__(self) -> None:
        self.reading: Reading | None = None
        self._examinations = Examinations()
        self.has_heard_seams = False
        self._open(None, 0.0, may_go_on=False)

    def _open(self, known: Reading | None, bonus: float, *, may_go_on: bool) -> None:
        self.is_open, self.is_shift_open = True, False
        self._known = known
        self._bonus = bonus
        self._may_go_on = may_go_on
        self._afresh = known is not None and known.afresh
        self._knew_seams = self.has_heard_seams
        # The other one is added with the first sound that tells them apart.
        self._assumptions = {self._afresh: _Assumption(known, bonus, goes_on=may_go_on)}
        self._is_unused = True
        self._weighed = 0
        self._is_unexplained = False
        self._compare()

    def _compare(self) -> None:
        """Work out the odds of the codecs under the better assumption, and those of the other."""
        bits = {
            afresh: assumed.evidence.bits(known=self._known_if(afresh), bonus=self._bonus)
            for afresh, assumed in self._assumptions.items()
        }
        best = {afresh: max(row.values()) for afresh, row in bits.items()}
        self._afresh = max(best, key=best.__getitem__)
        top = best[self._afresh]
        self._odds_if = {
            afresh: {codec: value - top for codec, value in row.items()}
            for afresh, row in bits.items()
        }
        self.odds: BitsByCodec = self._odds_if[self._afresh]

    def _known_if(self, afresh: bool) -> Codec | None:
        known = self._known
        if known is None or (self._knew_seams and known.afresh != afresh):
            return None
        return known.looks_like

    @property
    def _assumed(self) -> _Assumption:
        return self._assumptions[self._afresh]

    # Weighing

    def reopen(self, bonus: float = DOUBT_BONUS) -> None:
        """Weigh anew: the settled reading is in doubt, and has `bonus` bits in its favour.

        Any sound that speaks for it alone is enough to go on with it.
        """
        self._open(self.reading, bonus, may_go_on=True)

    def restart(self) -> None:
        """Weigh anew: another connection of the stream begins, most likely as the last one was."""
        guess = None if self._is_unused else self.best
        self.has_heard_seams = False
        self._open(self.reading or guess, RESTART_BONUS, may_go_on=False)

    def keep(self) -> None:
        """Go on with the settled reading: what raised the doubt has passed."""
        self.is_open, self.is_shift_open = self.reading is None, False

    def weigh(self, unit: Unit, timestamp_step: int | None = None, *, is_odd: bool = False) -> None:
        """Add a payload to the evidence; `timestamp_step` as in `Evidence.add`.

        `is_odd`: an odd number of bytes came before it.
        """
        self._is_unused = False
        if is_odd and len(self._assumptions) == 1 and not is_still(unit.payload):
            self._assumptions[not self._afresh] = deepcopy(self._assumed)
            if self._known is None:  # sound fades, but what it has settled is not to change here
                self._known, self._bonus = self.reading, DOUBT_BONUS
        sounds = [
            assumed.weigh(unit, timestamp_step, skip=int(is_odd and not afresh))
            for afresh, assumed in self._assumptions.items()
        ]
        self._weighed += any(sounds)
        self.has_heard_seams |= is_odd and any(sounds)
        self._compare()
        self._is_unexplained = self._assumed.is_unexplained
        self._settle()

    def _settle(self) -> None:
        self.is_open, self.is_shift_open = True, False
        likely = self._likely
        is_known = self._may_go_on and self._known_if(likely[0].afresh) is likely[0].looks_like
        goes_on = is_known and self.weight > 0
        if len(likely) == 1 and (goes_on or self.weight >= SETTLING_WEIGHT):
            self.reading = likely[0]
            may_be_shifted = self._is_shift_open(likely[0])
            self.is_open = self.is_shift_open = may_be_shifted and self._weighed < MAX_TESTED

    def _is_shift_open(self, reading: Reading) -> bool:
        is_swapped = reading.looks_like is Codec.S16BE
        return is_swapped and self._assumptions[reading.afresh].shift.is_open

    def _read(self, codec: Codec, *, afresh: bool) -> Reading:
        if codec.sample_bytes == 1:
            return Reading(codec)  # whose samples are never cut in two
        if codec is Codec.S16BE and self._assumptions[afresh].shift.is_shifted:
            return SHIFTED._replace(afresh=afresh)
        return Reading(codec, afresh=afresh)

    @property
    def wants_all(self) -> bool:
        """Whether to weigh every payload that sounds: it is open, and that helps still."""
        return self.is_shift_open or (self.is_open and self._weighed < MAX_WEIGHED)

    @property
    def is_seam_open(self) -> bool:
        """Whether it is open, among others, if samples go on across odd seams."""
        return self.is_open and len(self._assumptions) > 1

    def is_news(self, is_odd: bool) -> bool:
        """Whether such a payload of sound is to be weighed even where a reading is settled."""
        is_linear = self.reading is None or self.reading.codec.sample_bytes == 2
        return is_odd and is_linear and not self.has_heard_seams

    # What is known

    @property
    def answer(self) -> Answer:
        """Return what is known by now."""
        if self._is_unexplained:
            return Answer.NONE_KNOWN
        if not self.is_open:
            return Answer.SETTLED
        return Answer.UNCLEAR if self.weight else Answer.UNHEARD

    @property
    def weight(self) -> float:
        """How much sound was weighed since the question was opened, as `Evidence` counts it."""
        return self._assumed.evidence.weight

    @property
    def best(self) -> Reading:
        """The likeliest reading, be it by size, label and silence alone."""
        return self._read(max(self.odds, key=self.odds.__getitem__), afresh=self._afresh)

    @property
    def plausible(self) -> list[Reading]:
        """The readings that are not far behind the best."""
        likely = self._likely
        return likely + [twin(reading) for reading in likely if self._is_shift_open(reading)]

    @property
    def _likely(self) -> list[Reading]:
        """The same, each of them shifted or byte-swapped as it looks by now."""
        likely = {
            self._read(codec, afresh=afresh): None
            for afresh, odds in self._odds_if.items()
            for codec, value in odds.items()
            if value > -PLAUSIBLE_BITS
        }
        return list(likely)

    def is_sound(self, reading: Reading) -> bool:
        """Whether sound was weighed that is no noise in this reading."""
        return self._assumed.is_sound(reading.looks_like)

    # Once it is settled

    def whole(self, payload: bytes, *, is_odd: bool) -> bytes:
        """Return the payload without the half sample that it begins with behind an odd seam."""
        reading = self.reading
        assert reading is not None
        return payload[1:] if is_odd and not reading.afresh else payload

    def look(self, payloads: Sequence[bytes]) -> list[Look]:
        """Return what each payload costs, of 40 bytes or more, in the settled reading and others.

        Those behind an odd seam are to be passed as `whole` returns them.

        Codecs of another width are asked where the settled one finds noise: that is what a wrong
        width costs, and to ask them as well doubles the price.
        """
        reading = self.reading
        assert reading is not None
        scores = score_each(payloads, reading.codec)
        own = [
            score_misaligned((payload,)) if reading.shifted else row[reading.codec]
            for payload, row in zip(payloads, scores, strict=True)
        ]
        noise = [n for n, bits in enumerate(own) if bits > NOISE_BITS]
        if noise:
            for n, row in zip(noise, score_each([payloads[n] for n in noise]), strict=True):
                scores[n] = row
        looks = [
            Look(bits, min(v for codec, v in row.items() if Reading(codec) != reading.carried))
            for bits, row in zip(own, scores, strict=True)
        ]
        if looks:
            self._is_unexplained = mean_look(looks).is_unexplained
        return looks

    # What is none of the codecs

    def examine(self, payloads: Sequence[bytes]) -> None:
        """Look at payloads in a row for what is none of the codecs; `is_due` says how often."""
        if self._examinations.count < MAX_EXAMINED:
            self._examinations.add(payloads)

    @property
    def is_examined(self) -> bool:
        """Whether any payloads were looked at that can tell what they are not."""
        return self._examinations.count > 0

    @property
    def foreign(self) -> Found | None:
        """What the stream is that is none of the codecs, None where one of them may explain it."""
        return self._examinations.found
