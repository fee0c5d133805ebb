"""What is due in a stream: by the documents, by observation, or by the stream's own evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from voipbin_cli.analysis.farend.far_queue import CALL, QueueRule
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Fingerprint, SendForm, send_form

DOCUMENTED_PAYLOAD_TYPE = 0
DEPLOYED_PAYLOAD_TYPE = 96

_NAMES = {
    Codec.MULAW: "mu-law",
    Codec.ALAW: "A-law",
    Codec.S16LE: "linear (s16le)",
    Codec.S16BE: "linear (s16be)",
}
_MULAW, _LINEAR = frozenset((Codec.MULAW,)), frozenset((Codec.S16LE,))


def codec_name(codec: Codec | None) -> str:
    """The name of a codec in a sentence."""
    return _NAMES[codec] if codec else "unknown"


class Spec(StrEnum):
    """What frames are measured against.

    `documented`: the platform's overview. `deployed`: what its servers were observed to send and
    take. `auto`: what this stream's own evidence says, deviations from the documents as info.
    """

    AUTO = "auto"
    DOCUMENTED = "documented"
    DEPLOYED = "deployed"


@dataclass(frozen=True, slots=True)
class Due:
    """What one direction of one stream is measured against.

    `codecs` are those that the reader at the far end plays as sound, `payload_types` those that
    it takes (RTP). `random_start`: sequence number, timestamp and SSRC begin at random, as RFC
    3550 5.1 wants them. `is_datagrams`: RTP over UDP, of a phone rather than of the platform.
    `has_boundaries` is false where messages were cut out of bare samples here: their sizes tell
    nothing. `is_heard` is false where packets are told to be encrypted, or in another codec.
    `queue` is how much of what is sent may wait at the far end.
    """

    encapsulation: Encapsulation
    direction: Direction
    spec: Spec
    codecs: frozenset[Codec]
    payload_types: frozenset[int]
    random_start: bool = False
    is_datagrams: bool = False
    has_boundaries: bool = True
    is_heard: bool = True
    queue: QueueRule = CALL

    @property
    def goes_by_label(self) -> bool:
        """A phone's packets, which are held to what their payload type names."""
        return self.is_datagrams and self.spec is Spec.AUTO

    @property
    def sample_bytes(self) -> int:
        """Bytes of a sample, 0 where they depend on which of the codecs is found."""
        sizes = {codec.sample_bytes for codec in self.codecs}
        return sizes.pop() if len(sizes) == 1 else 0

    @property
    def documented_codec(self) -> Codec:
        """What the documents say: 172-byte PCMU packets, linear in SLN and AudioSocket."""
        return Codec.MULAW if self.encapsulation is Encapsulation.RTP else Codec.S16LE

    # For the words of a rule.

    @property
    def codec_names(self) -> str:
        """The names of the codecs that are due."""
        return " or ".join(codec_name(codec) for codec in Codec if codec in self.codecs)

    @property
    def documented_codec_name(self) -> str:
        """The name of the codec that the documents say."""
        return codec_name(self.documented_codec)

    @property
    def payload_type_names(self) -> str:
        """The RTP payload types that are due."""
        return " or ".join(str(number) for number in sorted(self.payload_types))

    @property
    def says(self) -> str:
        """Whose word it is, what is due to be received."""
        is_observed = self.spec is Spec.DEPLOYED
        return "the platform was observed to send" if is_observed else "the documents say"


def received(
    encapsulation: Encapsulation,
    spec: Spec,
    *,
    is_datagrams: bool = False,
    has_boundaries: bool = True,
    is_heard: bool = True,
) -> Due:
    """Return what the platform is due to send; under `auto` each of its known forms."""
    is_rtp = encapsulation is Encapsulation.RTP
    codecs, payload_type = _MULAW | _LINEAR, DOCUMENTED_PAYLOAD_TYPE
    if spec is Spec.DOCUMENTED:
        codecs = _MULAW if is_rtp else _LINEAR
    elif spec is Spec.DEPLOYED:
        codecs, payload_type = _MULAW, DEPLOYED_PAYLOAD_TYPE
    elif is_datagrams:
        codecs = frozenset(Codec)
    return Due(
        encapsulation,
        Direction.IN,
        spec,
        codecs,
        frozenset((payload_type,)) if is_rtp else frozenset(),
        random_start=spec is not Spec.DEPLOYED,
        is_datagrams=is_datagrams,
        has_boundaries=has_boundaries,
        is_heard=is_heard,
    )


def sent(
    encapsulation: Encapsulation,
    spec: Spec,
    fingerprint: Fingerprint | None = None,
    *,
    is_datagrams: bool = False,
    has_boundaries: bool = True,
    is_heard: bool = True,
    queue: QueueRule = CALL,
) -> Due:
    """Return what the far end takes; under `auto` by the fingerprint of what it sends.

    Without a fingerprint it is what the platform's servers were observed to take.
    """
    form = taken_form(encapsulation, spec, fingerprint)
    number = form.payload_type
    codecs = frozenset((form.codec,))
    if is_datagrams and spec is Spec.AUTO:
        codecs = frozenset(Codec)
    return Due(
        encapsulation,
        Direction.OUT,
        spec,
        codecs,
        frozenset() if number is None else frozenset((number,)),
        random_start=True,
        is_datagrams=is_datagrams,
        has_boundaries=has_boundaries,
        is_heard=is_heard,
        queue=queue,
    )


def unknowing(due: Due) -> Due:
    """Return what is due of one who cannot know yet which form the far end takes."""
    both = frozenset((DOCUMENTED_PAYLOAD_TYPE, DEPLOYED_PAYLOAD_TYPE))
    return replace(due, codecs=_MULAW | _LINEAR, payload_types=due.payload_types | both)


def taken_form(
    encapsulation: Encapsulation, spec: Spec, fingerprint: Fingerprint | None
) -> SendForm:
    """Return the form that the far end takes; under `auto` by the fingerprint of what it sends."""
    if spec is Spec.DOCUMENTED:
        documented = Fingerprint(DOCUMENTED_PAYLOAD_TYPE, ssrc=1, sequence_number=0)
        return send_form(encapsulation, documented)
    return send_form(encapsulation, fingerprint if spec is Spec.AUTO else None)
