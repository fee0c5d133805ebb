"""G.711 against libraries that share no code with ours."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec import g711

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import audioop
    except ImportError:  # gone from Python 3.13, unless audioop-lts is there
        audioop = None

ALL_CODES = bytes(range(256))
ALL_SAMPLES = np.arange(-32768, 32768, dtype="<i2")
MULAW = ("ULAW", g711.mulaw_to_s16le, g711.s16le_to_mulaw)
ALAW = ("ALAW", g711.alaw_to_s16le, g711.s16le_to_alaw)


def libsndfile_decode(subtype: str, codes: bytes) -> bytes:
    samples, _ = soundfile.read(
        io.BytesIO(codes), dtype="int16", channels=1, samplerate=8000, format="RAW", subtype=subtype
    )
    return samples.astype("<i2").tobytes()


def libsndfile_encode(subtype: str, samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, subtype=subtype, format="RAW")
    return file.getvalue()


@pytest.mark.parametrize(("subtype", "decode", "_"), [MULAW, ALAW])
def test_all_256_codes_decode_as_libsndfile_decodes_them(subtype, decode, _) -> None:
    assert decode(ALL_CODES) == libsndfile_decode(subtype, ALL_CODES)


def test_all_65536_samples_encode_to_mulaw_as_libsndfile_encodes_them() -> None:
    ours = np.frombuffer(g711.s16le_to_mulaw(ALL_SAMPLES.tobytes()), np.uint8)
    theirs = np.frombuffer(libsndfile_encode("ULAW", ALL_SAMPLES), np.uint8)
    # libsndfile cuts negative samples to 14 bits towards zero, the classic code downwards; on a
    # negative multiple of 4 that is the same.
    exact = (ALL_SAMPLES >= 0) | (ALL_SAMPLES % 4 == 0)
    assert np.array_equal(ours[exact], theirs[exact])
    floored = (ALL_SAMPLES[~exact] >> 2 << 2).astype("<i2")
    assert np.array_equal(ours[~exact], np.frombuffer(libsndfile_encode("ULAW", floored), np.uint8))


def test_all_65536_samples_encode_to_alaw_as_libsndfile_encodes_them() -> None:
    ours = np.frombuffer(g711.s16le_to_alaw(ALL_SAMPLES.tobytes()), np.uint8)
    theirs = np.frombuffer(libsndfile_encode("ALAW", ALL_SAMPLES), np.uint8)
    # On a negative multiple of 16, a decision value for half of the codes, the two part ways:
    # libsndfile goes up in magnitude, the classic code (one's complement) stays below.
    exact = (ALL_SAMPLES >= 0) | (ALL_SAMPLES % 16 != 0)
    assert np.array_equal(ours[exact], theirs[exact])
    inwards = (ALL_SAMPLES[~exact] + 1).astype("<i2")
    assert np.array_equal(ours[~exact], np.frombuffer(libsndfile_encode("ALAW", inwards), np.uint8))


@pytest.mark.skipif(audioop is None, reason="audioop is gone from Python 3.13")
def test_every_code_and_every_sample_is_as_audioop_has_it() -> None:
    samples = ALL_SAMPLES.tobytes()
    assert g711.mulaw_to_s16le(ALL_CODES) == audioop.ulaw2lin(ALL_CODES, 2)
    assert g711.alaw_to_s16le(ALL_CODES) == audioop.alaw2lin(ALL_CODES, 2)
    assert g711.s16le_to_mulaw(samples) == audioop.lin2ulaw(samples, 2)
    assert g711.s16le_to_alaw(samples) == audioop.lin2alaw(samples, 2)


def test_values_worked_out_by_hand() -> None:
    # mu-law 0xF0: inverted 0x0F is segment 0, step 15: 2 * 15 + 33 - 33 = 30 of 14 bits, so 120.
    # 0x80: inverted 0x7F is segment 7, step 15: (63 << 7) - 33 = 8031, times 4 = 32124.
    assert g711.mulaw_to_s16le(b"\xf0\x80\xff\x7f") == np.array([120, 32124, 0, 0], "<i2").tobytes()
    # A-law 0xD5 ^ 0x55 = 0x80: positive, segment 0, step 0: 1 of 13 bits, so 8.
    # 0x2A ^ 0x55 = 0x7F: negative, segment 7, step 15: 63 << 6 = 4032, times 8 = 32256.
    assert g711.alaw_to_s16le(b"\xd5\x55\x2a") == np.array([8, -8, -32256], "<i2").tobytes()


@pytest.mark.parametrize("size", [0, 1, 2, 160, 2047, 2048, 2049, 65535, 65536, 65537, 200_001])
@pytest.mark.parametrize("law", [MULAW, ALAW])
def test_every_size_takes_the_same_values_whatever_the_path(law, size: int) -> None:
    subtype, decode, encode = law
    codes = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8).tobytes()
    pcm = decode(codes)
    assert pcm == b"".join(decode(codes[i : i + 100]) for i in range(0, size, 100))
    assert g711.samples(codes, alaw=subtype == "ALAW").tobytes() == pcm
    again = decode(encode(pcm))
    assert again == pcm  # a decoded value is its own nearest (mu-law has two zeros)


@given(st.binary(max_size=400))
def test_encoding_drops_half_a_sample_and_nothing_else(pcm: bytes) -> None:
    assert len(g711.s16le_to_mulaw(pcm)) == len(g711.s16le_to_alaw(pcm)) == len(pcm) // 2


@pytest.mark.parametrize("law", [MULAW, ALAW], ids=["mulaw", "alaw"])
def test_what_two_threads_decode_and_encode_is_what_libsndfile_does(law) -> None:
    subtype, decode, encode = law
    # Two codes are one look-up; an odd number of them, past the size that is worth a thread.
    codes = np.random.default_rng(7).integers(0, 256, 2 * g711._WORTH_A_THREAD + 5, np.uint8)
    pcm = decode(codes.tobytes())
    assert pcm == libsndfile_decode(subtype, codes.tobytes())
    again = np.frombuffer(encode(pcm), np.uint8)
    # Mu-law has two zeros; every other code comes back as it was.
    assert ((again == codes) | (codes == 0x7F)).all()
