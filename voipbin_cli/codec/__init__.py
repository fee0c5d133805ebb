"""The shared codec module: bytes ↔ frames ↔ samples, with no I/O, no clock and no logging.

Names load on first use, so that whoever needs an enum alone does not pay for numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voipbin_cli.codec.audiosocket import Frame, Kind, StreamDecoder
    from voipbin_cli.codec.dialect import (
        AudioFrame,
        Dialect,
        FrameDecoder,
        SendForm,
        Verdict,
        send_form,
    )
    from voipbin_cli.codec.encapsulation import Direction, Encapsulation, Packer, Unit, unpack
    from voipbin_cli.codec.fingerprint import Fingerprint
    from voipbin_cli.codec.g711 import (
        alaw_to_s16le,
        mulaw_to_s16le,
        s16le_to_alaw,
        s16le_to_mulaw,
    )
    from voipbin_cli.codec.hypotheses import score_codecs
    from voipbin_cli.codec.payload_types import PayloadType
    from voipbin_cli.codec.pcm import (
        FRAME_NS,
        FRAME_SAMPLES,
        SAMPLE_RATE_HZ,
        Codec,
        decode,
        encode,
        silence,
    )
    from voipbin_cli.codec.rtp import RtpPacket
    from voipbin_cli.codec.serial import Extender, difference

__all__ = [
    "FRAME_NS",
    "FRAME_SAMPLES",
    "SAMPLE_RATE_HZ",
    "AudioFrame",
    "Codec",
    "Dialect",
    "Direction",
    "Encapsulation",
    "Extender",
    "Fingerprint",
    "Frame",
    "FrameDecoder",
    "Kind",
    "Packer",
    "PayloadType",
    "RtpPacket",
    "SendForm",
    "StreamDecoder",
    "Unit",
    "Verdict",
    "alaw_to_s16le",
    "decode",
    "difference",
    "encode",
    "mulaw_to_s16le",
    "s16le_to_alaw",
    "s16le_to_mulaw",
    "score_codecs",
    "send_form",
    "silence",
    "unpack",
]

_HOMES = {
    "audiosocket": ("Frame", "Kind", "StreamDecoder"),
    "dialect": ("AudioFrame", "Dialect", "FrameDecoder", "SendForm", "Verdict", "send_form"),
    "encapsulation": ("Direction", "Encapsulation", "Packer", "Unit", "unpack"),
    "fingerprint": ("Fingerprint",),
    "g711": ("alaw_to_s16le", "mulaw_to_s16le", "s16le_to_alaw", "s16le_to_mulaw"),
    "hypotheses": ("score_codecs",),
    "payload_types": ("PayloadType",),
    "pcm": (
        "FRAME_NS",
        "FRAME_SAMPLES",
        "SAMPLE_RATE_HZ",
        "Codec",
        "decode",
        "encode",
        "silence",
    ),
    "rtp": ("RtpPacket",),
    "serial": ("Extender", "difference"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use (PEP 562)."""
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
