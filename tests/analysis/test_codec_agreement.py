"""`diagnose`, `validate` and the frame decoder name one codec for one stream, noise or not.

75 streams: each codec and linear audio shifted by a byte, in each encapsulation, of talkers, music
and tones, in white noise of five levels. And 40 whose messages have odd sizes, so that samples are
cut in two, or a byte is left over. VOIPBIN_LONG=1 takes three times as many.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from tests.codec.cuts import ODD_SIZES, cut
from tests.codec.sounds import Maker, Sound, call_progress, dtmf, frames, music, to_pcm, tone
from tests.support.spread import spread
from voipbin_cli.analysis.diagnosis import diagnose
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.validation.due import Spec, received
from voipbin_cli.analysis.validation.judge import Judge
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.reading import ALL_READINGS, READINGS, SHIFTED, Reading
from voipbin_cli.simulator.talker import speech

pytestmark = pytest.mark.slow

SECONDS = 4
# In noise of -18 dBFS 0.08 bits a frame tell a shift: 4 s hold 16 bits in the mean, and 16 are
# needed. All three agree, but not always on what it is.
LEVELS_DBFS = (-90, -48, -36, -24, -18)
TELLING_DBFS = -24
MAKERS: tuple[Maker, ...] = (music, dtmf, call_progress, tone)

RULES = {
    "audio-mulaw": Reading(Codec.MULAW),
    "audio-alaw": Reading(Codec.ALAW),
    "audio-linear": Reading(Codec.S16LE),
    "audio-byte-order": Reading(Codec.S16BE),
    "audio-misaligned": SHIFTED,
}
FINDINGS = {
    Reading(Codec.ALAW): "codec-mismatch",
    Reading(Codec.S16BE): "byte-order",
    SHIFTED: "misaligned",
}


@cache
def sound(n: int) -> Sound:
    """Three talkers, then three sounds of machines, in turn."""
    if n % 6 < 3:
        return speech(n, SECONDS).astype(np.float64)
    return MAKERS[n % len(MAKERS)](np.random.default_rng(n), SECONDS * 8000)


def wire_of(reading: Reading, n: int, level_dbfs: int) -> bytes:
    rng = np.random.default_rng([n, -level_dbfs, ALL_READINGS.index(reading)])
    noise = rng.normal(size=SECONDS * 8000) * 32768 * 10 ** (level_dbfs / 20)
    pcm = to_pcm(sound(n) + noise)
    return pcm[1:] + pcm[:1] if reading.shifted else encode(reading.codec, pcm)


def packed(encapsulation: Encapsulation, n: int, payloads: Iterable[bytes]) -> Messages:
    packer = Packer(
        encapsulation, payload_type=96, ssrc=n % 2, sequence_number=n, timestamp=160 * n
    )
    messages = [packer.pack(payload, 160) for payload in payloads]
    return from_messages([TimedMessage(data, k * 20_000_000) for k, data in enumerate(messages)])


def stream(reading: Reading, encapsulation: Encapsulation, n: int, level_dbfs: int) -> Messages:
    wire = wire_of(reading, n, level_dbfs)
    return packed(encapsulation, n, frames(wire, 160 * reading.codec.sample_bytes))


def by_validate(messages: Messages, encapsulation: Encapsulation) -> set[Reading]:
    """What the rules say where no codec is due: each has to say which one it is."""
    judge = Judge(replace(received(encapsulation, Spec.AUTO), codecs=frozenset()))
    parts = [*judge.add(messages), *judge.finish()]
    return {RULES[hit.rule.id] for part in parts for hit in part.hits if hit.rule.id in RULES}


def by_decoder(messages: Messages, encapsulation: Encapsulation) -> Reading | None:
    decoder = FrameDecoder(encapsulation)
    for n in range(len(messages)):
        decoder.feed(messages.message(n), n)
    decoder.flush()
    return decoder.reading


@pytest.mark.parametrize("encapsulation", Encapsulation)
@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_all_three_name_one_reading(reading: Reading, encapsulation: Encapsulation) -> None:
    for nth, level_dbfs in spread(range(3), LEVELS_DBFS):
        n = 3 * (nth + READINGS.index(reading)) + list(Encapsulation).index(encapsulation)
        messages = stream(reading, encapsulation, n, level_dbfs)
        fold = StreamFold(encapsulation)
        fold.add(messages)
        fold.flush()
        found = diagnose(fold)
        named = found.measured.reading
        assert named is not None
        assert found.measured.is_settled
        assert by_validate(messages, encapsulation) == {named}
        assert by_decoder(messages, encapsulation) == named
        told = {finding.id.value for finding in found.findings} & set(FINDINGS.values())
        assert told == ({FINDINGS[named]} if named in FINDINGS else set())
        if level_dbfs <= TELLING_DBFS:
            assert named == reading


LINEAR = tuple(reading for reading in ALL_READINGS if reading.codec in (Codec.S16LE, Codec.S16BE))
UNSHIFTED = tuple(reading for reading in LINEAR if not reading.shifted)


@pytest.mark.parametrize(
    ("reading_and_sizes", "encapsulation"),
    spread(product([Reading(Codec.MULAW), *UNSHIFTED], ODD_SIZES), Encapsulation),
)
def test_all_three_agree_on_where_samples_are_cut_in_two(
    reading_and_sizes: tuple[Reading, str], encapsulation: Encapsulation
) -> None:
    reading, sizes = reading_and_sizes
    n = list(ODD_SIZES).index(sizes) + 3 * list(Encapsulation).index(encapsulation)
    level_dbfs = LEVELS_DBFS[n % LEVELS_DBFS.index(TELLING_DBFS)]
    payloads = cut(wire_of(reading, n, level_dbfs), ODD_SIZES[sizes](), afresh=reading.afresh)
    messages = packed(encapsulation, n, payloads)
    fold = StreamFold(encapsulation)
    fold.add(messages)
    fold.flush()
    found = diagnose(fold)
    assert found.measured.reading == by_decoder(messages, encapsulation) == reading
    told = {finding.id.value for finding in found.findings} & set(FINDINGS.values())
    heard = by_validate(messages, encapsulation)
    is_cut = reading == Reading(Codec.S16LE)
    assert heard == {reading.carried} | ({SHIFTED} if is_cut else set())
    if is_cut:
        assert told == {"misaligned"}
        (misaligned,) = (f for f in found.findings if f.id.value == "misaligned")
        first = next(n for n in range(len(payloads)) if len(b"".join(payloads[:n])) % 2)
        sounding = range(first, first + 30)  # it may be silent at first
        assert misaligned.evidence["from_frame"] in sounding
    else:
        assert told == ({FINDINGS[reading.carried]} if reading.carried in FINDINGS else set())
