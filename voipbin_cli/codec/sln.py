"""SLN: the bare samples, one message a frame, with no header at all."""

from __future__ import annotations

from voipbin_cli.errors import DecodeError

# Of a longer message the platform's server process dies.
MAX_PAYLOAD_BYTES = 0xFFFF


def parse(message: bytes, *, sample_bytes: int = 1) -> bytes:
    """Return the samples of one message.

    `sample_bytes` is 2 where linear audio is known to be due; the platform sends G.711 as well,
    for which any length is whole.

    Raises DecodeError: `empty` (no bytes at all), `odd-length` (half a sample at the end).
    """
    # There is no header that could be cut short: a message can only be empty, or odd.
    if not message:
        raise DecodeError("empty", "SLN message without a byte")
    # The platform plays such a message, without the half sample.
    if len(message) % sample_bytes:
        raise DecodeError(
            "odd-length",
            f"SLN message of {len(message)} bytes ends in half a sample",
            offset=len(message) - 1,
        )
    return message


def build(payload: bytes) -> bytes:
    """Return the message for `payload`.

    Raises ValueError for an empty payload, which ends the stream, and for one over 65,535
    bytes, which the platform does not survive.
    """
    if not payload:
        raise ValueError("an empty SLN message ends the stream")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"SLN message of {len(payload)} bytes, at most 65535 are taken")
    return payload
