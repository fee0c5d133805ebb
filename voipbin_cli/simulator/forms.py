"""The dialects as rows: what the far end sends, and what it takes, in each encapsulation."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from voipbin_cli.analysis.farend.intake import Accepted
from voipbin_cli.codec.audiosocket import Kind
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.fingerprint import Dialect


@dataclass(frozen=True, slots=True)
class Form:
    """How audio is put on the wire.

    `timestamp_per_sample` is 2 where RTP timestamps count the bytes of linear audio.
    `random_start`: sequence number, timestamp and SSRC as RFC 3550 5.1 wants them; otherwise as
    the platform's bridge starts them: 1, one step, 0.
    """

    codec: Codec
    payload_type: int
    kind: int = Kind.PCM_8K
    timestamp_per_sample: int = 1
    random_start: bool = False

    def packer(self, encapsulation: Encapsulation, samples: int, rng: random.Random) -> Packer:
        """Return a packer for one new connection whose frames hold `samples` samples."""
        if encapsulation is not Encapsulation.RTP:
            return Packer(encapsulation, kind=self.kind)
        # RFC 3550 5.1: the initial values of sequence number and timestamp "SHOULD be random", the
        # SSRC "SHOULD be chosen randomly".
        if self.random_start:
            start = rng.getrandbits(16), rng.getrandbits(32), rng.getrandbits(32)
        else:
            start = 1, samples * self.timestamp_per_sample, 0
        return Packer(
            encapsulation,
            payload_type=self.payload_type,
            sequence_number=start[0],
            timestamp=start[1],
            ssrc=start[2],
            timestamp_per_sample=self.timestamp_per_sample,
        )


# What the platform's documents say: mu-law as payload type 0 in RTP, linear without RTP.
_DOCUMENTED = Form(Codec.MULAW, 0, random_start=True)
_DOCUMENTED_LINEAR = Form(Codec.S16LE, 0, random_start=True)
# What was observed: mu-law everywhere, called payload type 96 and AudioSocket kind 10 (linear).
_DEPLOYED = Form(Codec.MULAW, 96)
# The newer documents, and what was observed where Asterisk is asked for slin; an RTP timestamp
# counts bytes, 320 in 20 ms.
_LINEAR = Form(Codec.S16LE, 96, timestamp_per_sample=2)
# Before 2026-08-04.
_LEGACY = Form(Codec.MULAW, 0)

FORMS: Mapping[tuple[Dialect, Encapsulation], Form] = {
    (Dialect.DOCUMENTED, Encapsulation.RTP): _DOCUMENTED,
    (Dialect.DOCUMENTED, Encapsulation.SLN): _DOCUMENTED_LINEAR,
    (Dialect.DOCUMENTED, Encapsulation.AUDIOSOCKET): _DOCUMENTED_LINEAR,
    **{(Dialect.DEPLOYED, encapsulation): _DEPLOYED for encapsulation in Encapsulation},
    **{(Dialect.LINEAR, encapsulation): _LINEAR for encapsulation in Encapsulation},
    **{(Dialect.LEGACY, encapsulation): _LEGACY for encapsulation in Encapsulation},
}

ACCEPTED: Mapping[Dialect, Accepted] = {
    Dialect.DOCUMENTED: Accepted(Codec.MULAW, 0),
    Dialect.DEPLOYED: Accepted(Codec.S16LE, 96),
    Dialect.LINEAR: Accepted(Codec.S16LE, 96),
    Dialect.LEGACY: Accepted(Codec.S16LE, 0),
}
