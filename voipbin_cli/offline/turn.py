"""RTP that a TURN server relays (RFC 8656), taken out of what it is wrapped up in.

Both are of the flow between a client and its server: who is behind it, the packets do not say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.messages import Messages

# 12.4: a channel number from 0x4000 to 0x4FFF, the length, the data.
_CHANNELS = (64, 79)
_CHANNEL_HEADER_BYTES = 4
# 3.1 and 18: Send and Data are indications; their data is an attribute.
_INDICATIONS = (0x0016, 0x0017)
_DATA_ATTRIBUTE = 0x0013
# RFC 8489 5 and 14: a header of 20 bytes with a cookie; attributes have a type, a length, and
# are filled up to 32 bits.
_STUN_HEADER_BYTES = 20
_STUN_COOKIE = (0x2112, 0xA442)
# RFC 3550 5.1
_RTP_VERSION, _RTP_HEADER_BYTES = 2, 12


def without_turn(messages: Messages) -> Messages:
    """The same packets, those that hold RTP or RTCP for a relay as what they hold."""
    first = messages.octet(0)
    in_channel = (first >= _CHANNELS[0]) & (first <= _CHANNELS[1])
    indicates = np.isin(messages.word(0), _INDICATIONS) & (messages.word(4) == _STUN_COOKIE[0])
    if not (in_channel.any() or indicates.any()):
        return messages
    at, size = np.zeros(len(messages), np.int64), messages.size.copy()
    fits = in_channel & _holds(messages, _CHANNEL_HEADER_BYTES, messages.word(2))
    at[fits], size[fits] = _CHANNEL_HEADER_BYTES, messages.word(2)[fits]
    for row in np.flatnonzero(indicates & (messages.word(6) == _STUN_COOKIE[1])).tolist():
        at[row], size[row] = _data_of(messages.message(row)) or (0, size[row])
    is_in = _holds(messages, at, size) & (at > 0)
    at[~is_in], size[~is_in] = 0, messages.size[~is_in]
    length: Ints = np.minimum(messages.length - at, size)
    return replace(messages, offset=messages.offset + at, length=length, size=size)


def _holds(messages: Messages, at: int | Ints, size: Ints) -> Mask:
    """Whether a packet of RTP's version begins there, and ends where the message does at most."""
    version = messages.octet(at) >> 6
    fits: Mask = (version == _RTP_VERSION) & (size >= _RTP_HEADER_BYTES)
    return fits & (at + size <= messages.size)


def _data_of(message: bytes) -> tuple[int, int] | None:
    """Where the data of an indication begins, and how long it is; None where there is none."""
    at = _STUN_HEADER_BYTES
    while at + 4 <= len(message):
        kind, size = (int.from_bytes(message[n : n + 2], "big") for n in (at, at + 2))
        if kind == _DATA_ATTRIBUTE:
            return at + 4, size
        at += 4 + size + -size % 4
    return None
