"""What the far end plays of messages, as columns: the samples that it makes of each."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.headers import Headers
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ


def played_samples(
    headers: Headers, sample_bytes: Ints | int, payload_types: Collection[int] = ()
) -> Ints:
    """Return how many samples at 8 kHz each message comes to at the far end.

    Whatever its codec is, it is played as the one that is taken, of `sample_bytes` a sample. RTP
    of a payload type that is not among `payload_types` is dropped; empty, all are taken.
    """
    is_taken = headers.is_audio
    if payload_types:
        is_taken = is_taken & np.isin(headers.label, sorted(payload_types))
    samples = headers.audio_bytes // np.maximum(sample_bytes, 1)
    return np.where(
        is_taken & (np.asarray(sample_bytes) > 0), samples * SAMPLE_RATE_HZ // headers.rate_hz, 0
    )
