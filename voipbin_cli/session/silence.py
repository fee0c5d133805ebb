"""Frames of silence for the far end, in the form that it takes."""

from __future__ import annotations

from random import Random

from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.codec.pcm import FRAME_SAMPLES, silence


def make_packer(encapsulation: Encapsulation, form: SendForm, rng: Random) -> Packer:
    """Return a packer as RFC 3550 5.1 wants it: SSRC, sequence and timestamp start at random."""
    if encapsulation is not Encapsulation.RTP:
        return Packer(encapsulation)
    return Packer(
        encapsulation,
        payload_type=form.payload_type,
        ssrc=rng.getrandbits(32),
        sequence_number=rng.getrandbits(16),
        timestamp=rng.getrandbits(32),
    )


class SilentFrames:
    """Makes silent frames in the form that, as `decoder` finds, the far end takes."""

    def __init__(
        self, encapsulation: Encapsulation, decoder: FrameDecoder, rng: Random | None = None
    ) -> None:
        self._encapsulation = encapsulation
        self._decoder = decoder
        self._rng = rng or Random()
        self._form: SendForm | None = None
        self._packer: Packer | None = None

    def restart(self) -> None:
        """Begin a new RTP stream: a new connection is a new source."""
        self._form = None

    def next_message(self) -> bytes:
        """Return the message to send now."""
        form = self._decoder.send_form
        if self._packer is None or form != self._form:
            self._form = form
            self._packer = make_packer(self._encapsulation, form, self._rng)
        return self._packer.pack(silence(form.codec, FRAME_SAMPLES), FRAME_SAMPLES)
