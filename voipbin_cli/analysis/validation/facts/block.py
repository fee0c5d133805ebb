"""All that the rules know of a block of messages, in parts; and of one message, for their words."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voipbin_cli.analysis.columns import Ints, unequal
from voipbin_cli.analysis.farend.played import played_samples
from voipbin_cli.analysis.headers import AudioSocketHeaders, Headers, NoHeaders, RtpHeaders
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.analysis.validation.due import Due, codec_name
from voipbin_cli.analysis.validation.facts.audio import CODECS, AudioFacts, code_of
from voipbin_cli.analysis.validation.facts.pacing import PacingFacts, PacingPast
from voipbin_cli.analysis.validation.facts.payload import PayloadFacts
from voipbin_cli.analysis.validation.facts.rate import RateFacts, RatePast
from voipbin_cli.analysis.validation.facts.rtp_clock import ClockFacts, ClockPast
from voipbin_cli.analysis.validation.facts.rtp_sequence import SequenceFacts, SequencePast
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import L16_MONO, PCMA, PCMU

# By payload type.
_NAMED: Ints = np.zeros(128, np.int64)
_NAMED[[PCMU, PCMA, L16_MONO]] = [code_of(each) for each in (Codec.MULAW, Codec.ALAW, Codec.S16BE)]


@dataclass(frozen=True, slots=True)
class Past:
    """What a block has to know of those before it, part by part.

    `missing_bytes`: so many an AudioSocket frame at their end was short of. `glimpse`: some bytes
    of the last payload.
    """

    pacing: PacingPast = field(default_factory=PacingPast)
    rate: RatePast = field(default_factory=RatePast)
    sequence: SequencePast = field(default_factory=SequencePast)
    clock: ClockPast = field(default_factory=ClockPast)
    missing_bytes: int = 0
    glimpse: bytes = b""


class BlockFacts:
    """Facts as columns, one element a message, worked out when a rule asks for them.

    `codec` is filled in by who has heard the payloads (numbers as in `facts.audio`); all else
    follows from the messages. `is_none`: the one message stands for none at all. `is_end`: nothing
    comes after the last of them. The parts of RTP
    and AudioSocket say what messages of any encapsulation would be, read as such.
    """

    def __init__(
        self,
        messages: Messages,
        due: Due,
        past: Past,
        *,
        is_none: bool = False,
        is_end: bool = False,
    ) -> None:
        self.messages = messages
        self.due = due
        self.is_none = is_none
        self.is_end = is_end
        self.codec: Ints = np.zeros(len(messages), np.int64)
        self.rtp = RtpHeaders(messages, goes_by_label=due.goes_by_label)
        self.audiosocket = AudioSocketHeaders(messages, past.missing_bytes)
        self._past = past

    @cached_property
    def _headers(self) -> Headers:
        """Those of the encapsulation that is due."""
        if self.due.encapsulation is Encapsulation.RTP:
            return self.rtp
        if self.due.encapsulation is Encapsulation.AUDIOSOCKET:
            return self.audiosocket
        return NoHeaders(self.messages)

    @cached_property
    def payload(self) -> PayloadFacts:
        """What is in the payloads."""
        return PayloadFacts(self._headers, self._past.glimpse)

    @cached_property
    def audio(self) -> AudioFacts:
        """What they are as audio.

        Of a phone's packets only what RFC 3551 says of their payload type is known.
        """
        sample_bytes = None
        if self.due.is_datagrams:
            sample_bytes = self.rtp.sample_bytes
        elif self.due.sample_bytes:
            sample_bytes = np.full(len(self.messages), self.due.sample_bytes)
        return AudioFacts(self._headers, self.codec, sample_bytes, self._due_names)

    @cached_property
    def pacing(self) -> PacingFacts:
        """When they came."""
        return PacingFacts(
            self.messages.time_ns,
            self.audio.duration_ns,
            self.payload.is_still,
            self._past.pacing,
        )

    @cached_property
    def rate(self) -> RateFacts:
        """How many samples come in a second."""
        is_again = self.payload.is_again
        if self.due.encapsulation is Encapsulation.RTP:
            is_again = is_again | self.sequence.is_duplicate
        return RateFacts(
            self.messages.time_ns,
            self.audio.duration_ns,
            self.payload.rate_hz,
            is_again,
            self._past.rate,
        )

    @cached_property
    def named(self) -> Ints:
        """The codec that a phone's packet is held to, by RFC 3551: G.711, or L16 of one channel.

        None (0) from where a stream has had two of them, which are to be told by when they change,
        and of the platform's bridge, whose labels say nothing.
        """
        number, sources = self.rtp.payload_type, self.rtp.ssrc
        known = self.rtp.is_packet & self.sequence.keeps_type & unequal(sources, 0)
        known &= self.due.goes_by_label and self.due.is_heard
        return np.where(known, _NAMED[number], 0)

    @cached_property
    def _due_names(self) -> NDArray[np.str_]:
        """The codecs that are due, in words."""
        of_label = np.array([codec_name(codec) for codec in CODECS])[self.named]
        return np.where(self.named > 0, of_label, self.due.codec_names)

    @property
    def played_samples(self) -> Ints:
        """What the far end plays of each message; 0 where it has no time."""
        played = played_samples(self._headers, self.audio.sample_bytes, self.due.payload_types)
        return np.where(self.messages.time_ns >= 0, played, 0)

    @cached_property
    def sequence(self) -> SequenceFacts:
        """RTP's sequence numbers."""
        return SequenceFacts(self.rtp, self._past.sequence)

    @cached_property
    def clock(self) -> ClockFacts:
        """RTP's timestamps: they count samples of the codec that is heard, whatever is due."""
        audio = self.audio
        sample_bytes = audio.sample_bytes if self.due.is_datagrams else audio.heard_bytes
        return ClockFacts(
            self.rtp,
            self.sequence.order,
            audio.samples(sample_bytes),
            audio.is_linear,
            self._past.clock,
        )

    @property
    def end(self) -> Past:
        """What the block after this one has to know."""
        past = replace(
            self._past,
            pacing=self.pacing.end,
            rate=self.rate.end,
            glimpse=self.payload.last_glimpse,
        )
        if self.due.encapsulation is Encapsulation.RTP:
            return replace(past, sequence=self.sequence.end, clock=self.clock.end)
        if self.due.encapsulation is Encapsulation.AUDIOSOCKET:
            return replace(past, missing_bytes=self.audiosocket.missing_bytes)
        return past


class MessageFacts:
    """The facts of one message, for words like "version {rtp.version}": `format_map` takes it."""

    def __init__(self, facts: object, n: int) -> None:
        self._facts, self._n = facts, n

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._facts, name)
        if isinstance(value, np.ndarray):
            return value[self._n]
        return value if isinstance(value, str) else MessageFacts(value, self._n)

    __getitem__ = __getattr__
