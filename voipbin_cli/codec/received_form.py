"""What a received stream was found to be, in words and figures for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec
from voipbin_cli.codec.decider import CodecDecider
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.codec.reading import Reading
from voipbin_cli.codec.timestamps import TimestampSteps

# What is certain is not certain: other readings than those that are weighed exist.
_MAX_CONFIDENCE = 0.999
_UNHEARD_CONFIDENCE = 0.6


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


def received_form(
    reading: Reading, dialect: Dialect, clock: TimestampSteps, decider: CodecDecider
) -> ReceivedForm:
    """Return the form of a stream that is read like that."""
    step, hz = _timestamp(clock, reading.codec)
    is_sound = decider.is_sound(reading)
    own = decider.odds[reading.looks_like]
    share = 2**own / sum(2**bits for bits in decider.odds.values())
    most = _MAX_CONFIDENCE if is_sound else _UNHEARD_CONFIDENCE
    others = [codec for codec in decider.odds if codec is not reading.looks_like]
    second = max(others, key=decider.odds.__getitem__)
    heard = "by its sound" if is_sound else "by size, label and silence alone"
    lead = own - decider.odds[second]
    return ReceivedForm(
        codec=reading.codec,
        dialect=dialect,
        timestamp_step=step,
        timestamp_hz=hz,
        confidence=round(min(share, most), 3),
        reason=f"{reading} {heard}: 2^{lead:.0f} times as likely as {second}",
    )


def _timestamp(clock: TimestampSteps, codec: Codec) -> tuple[int | None, int | None]:
    """The usual step of the RTP timestamp, and how many units of it are a second."""
    usual = clock.usual()
    if usual is None:
        return None, None
    step, size = usual
    samples = size // codec.sample_bytes
    return step, round(step * SAMPLE_RATE_HZ / samples) if samples else None
