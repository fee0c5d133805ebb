"""G.711 mu-law and A-law (ITU-T G.711), by tables, bit for bit what `audioop` and sox say.

16-bit samples are cut to the 14 bits (mu-law) or 13 bits (A-law) of the recommendation by an
arithmetic shift, as in the classic public `g711.c`; other libraries truncate negative samples
towards zero and so differ on a few hundred samples that lie on a decision value.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Table = npt.NDArray[np.generic]

# Of the 14-bit magnitude: with it every mu-law segment starts at a power of two, from 2**5 on.
_BIAS = 33
# The largest 14-bit magnitude that still belongs to the last segment: 2**13 - 1 - _BIAS.
_CLIP = 8158
# Below so many codes bytes.translate is as quick, and does without the import of numpy.
_BULK_BYTES = 2048
# Looked up at a time: indices and results, 192 KiB at most, stay in the processor's cache.
_BLOCK = 32768
# So many lookups, four minutes of audio to encode, take some milliseconds; to start a thread
# takes a tenth of one.
_WORTH_A_THREAD = 2_000_000


def _mulaw_value(code: int) -> int:
    """Return the 16-bit sample of a mu-law code (G.711 table 2; codes travel inverted)."""
    # A code is a sign bit, three bits of segment, four of step, all sent inverted: silence is FF.
    inverted = ~code & 0xFF
    segment, step = inverted >> 4 & 7, inverted & 15
    # Each segment is twice as coarse as the one below; a code stands for the middle of its step.
    magnitude = ((2 * step + _BIAS) << segment) - _BIAS
    # Times 4: from the recommendation's 14 bits to 16.
    return -4 * magnitude if inverted & 0x80 else 4 * magnitude


def _alaw_value(code: int) -> int:
    """Return the 16-bit sample of an A-law code (G.711 table 1; even bits travel inverted)."""
    # G.711: the even bits are inverted on the line, 55 hex; silence is D5.
    plain = code ^ 0x55
    segment, step = plain >> 4 & 7, plain & 15
    # Segments 0 and 1 are equally fine, each further one is twice as coarse. Times 8: from the
    # recommendation's 13 bits to 16. Unlike mu-law there is no code for zero: the least is 1.
    magnitude = (2 * step + 33) << (segment - 1) if segment else 2 * step + 1
    return 8 * magnitude if plain & 0x80 else -8 * magnitude


def _mulaw_code(sample: int) -> int:
    """Return the mu-law code of a signed 16-bit sample."""
    reduced = sample >> 2
    biased = min(abs(reduced), _CLIP) + _BIAS
    # The segment is where the highest bit stands, 2**5 being that of segment 0.
    segment = biased.bit_length() - 6
    code = segment << 4 | (biased >> (segment + 1)) & 15
    return code ^ (0x7F if reduced < 0 else 0xFF)


def _alaw_code(sample: int) -> int:
    """Return the A-law code of a signed 16-bit sample."""
    reduced = sample >> 3
    # ~x is -x - 1: the codes of both signs mirror each other between 0 and -1.
    magnitude = reduced if reduced >= 0 else ~reduced
    segment = max(magnitude.bit_length() - 5, 0)
    code = segment << 4 | (magnitude >> (segment or 1)) & 15
    return code ^ (0x55 if reduced < 0 else 0xD5)


_MULAW_VALUES = [_mulaw_value(code) for code in range(256)]
_ALAW_VALUES = [_alaw_value(code) for code in range(256)]


def _byte_tables(values: list[int]) -> tuple[bytes, bytes]:
    """Return what `bytes.translate` needs: the low and the high byte of every code's sample."""
    return bytes(v & 0xFF for v in values), bytes(v >> 8 & 0xFF for v in values)


_MULAW_BYTES = _byte_tables(_MULAW_VALUES)
_ALAW_BYTES = _byte_tables(_ALAW_VALUES)


@cache
def _pair_table(alaw: bool) -> Any:
    """Return both samples of every two codes as one 32-bit word: 65,536 entries, 256 KiB."""
    import numpy as np

    values = np.array(_ALAW_VALUES if alaw else _MULAW_VALUES, "<i2").view("<u2").astype("<u4")
    first, second = np.meshgrid(values, values)  # little-endian: the first code is the low byte
    return (first | second << 16).astype("<u4").ravel()


@cache
def _code_table(alaw: bool) -> Any:
    """Return the code of every sample, indexed by its 16 bits read unsigned: 64 KiB."""
    import numpy as np

    code = _alaw_code if alaw else _mulaw_code
    # Neighbouring samples share all but the bits that are cut: 4 or 8 of them have one code.
    shared = 8 if alaw else 4
    codes = [code(s if s < 0x8000 else s - 0x10000) for s in range(0, 0x10000, shared)]
    return np.repeat(np.array(codes, np.uint8), shared)


def _look_up(table: Any, indices: Any) -> bytes:
    """Return `table[indices]`, block by block; 16-bit indices cannot leave the table."""
    import numpy as np

    if indices.size <= _BLOCK:
        found: bytes = table.take(indices).tobytes()
        return found
    # A fresh BytesIO hands its buffer out as bytes without one more copy.
    room = BytesIO(bytes(indices.size * table.itemsize))
    with room.getbuffer() as view:
        _look_up_into(table, indices, np.frombuffer(view, table.dtype))
    return room.getvalue()


def _look_up_into(table: Any, indices: Any, out: Any) -> None:
    """Look up in place; much at once on two cores, as numpy lets go of the interpreter lock."""
    if indices.size < _WORTH_A_THREAD:
        _look_up_blocks(table, indices, out)
        return
    half = indices.size // 2
    other = Thread(target=_look_up_blocks, args=(table, indices[half:], out[half:]))
    other.start()
    _look_up_blocks(table, indices[:half], out[:half])
    other.join()


def _look_up_blocks(table: Any, indices: Any, out: Any) -> None:
    import numpy as np

    for start in range(0, indices.size, _BLOCK):
        end = start + _BLOCK
        # mode="clip" spares the bounds check, which would copy the block first.
        np.take(table, indices[start:end], out=out[start:end], mode="clip")


def samples(codes: bytes | memoryview, *, alaw: bool) -> npt.NDArray[np.int16]:
    """Return codes as an array of samples: the quickest way to decode much at once."""
    import numpy as np

    out = np.empty(len(codes), "<i2")
    even = len(codes) & ~1
    _look_up_into(_pair_table(alaw), np.frombuffer(codes, "<u2", even // 2), out[:even].view("<u4"))
    if even < len(codes):
        out[even] = (_ALAW_VALUES if alaw else _MULAW_VALUES)[codes[even]]
    return out


def _decode(codes: bytes, alaw: bool) -> bytes:
    if len(codes) >= _BULK_BYTES:
        return _decode_bulk(codes, alaw)
    low, high = _ALAW_BYTES if alaw else _MULAW_BYTES
    pcm = bytearray(2 * len(codes))
    pcm[::2] = codes.translate(low)
    pcm[1::2] = codes.translate(high)
    return bytes(pcm)


def _decode_bulk(codes: bytes, alaw: bool) -> bytes:
    import numpy as np

    pcm = _look_up(_pair_table(alaw), np.frombuffer(codes, "<u2", len(codes) // 2))
    return pcm + _decode(codes[-1:], alaw) if len(codes) % 2 else pcm


def _encode(pcm: bytes, alaw: bool) -> bytes:
    import numpy as np

    return _look_up(_code_table(alaw), np.frombuffer(pcm, "<u2", len(pcm) // 2))


def mulaw_to_s16le(codes: bytes) -> bytes:
    """Return mu-law codes as signed 16-bit little-endian samples, two bytes each."""
    return _decode(codes, alaw=False)


def alaw_to_s16le(codes: bytes) -> bytes:
    """Return A-law codes as signed 16-bit little-endian samples, two bytes each."""
    return _decode(codes, alaw=True)


def s16le_to_mulaw(pcm: bytes) -> bytes:
    """Return signed 16-bit little-endian samples as mu-law; an odd last byte is dropped."""
    return _encode(pcm, alaw=False)


def s16le_to_alaw(pcm: bytes) -> bytes:
    """Return signed 16-bit little-endian samples as A-law; an odd last byte is dropped."""
    return _encode(pcm, alaw=True)
