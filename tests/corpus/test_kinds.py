"""The generator of labelled streams: what it makes is what it says."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from random import Random

import numpy as np
import pytest

from tests.corpus import foreign, kinds
from tests.corpus.sounds import SOUNDS, Pcm, talker, to_pcm
from tests.corpus.unusual import UNUSUAL
from tests.corpus.wires import FORMS, alaw, mulaw, packed, packets, payloads
from tests.support.needs import need, needs


@needs("espeak-ng")
@pytest.mark.parametrize("name", [*SOUNDS, *UNUSUAL])
def test_a_sound_is_as_long_as_asked_and_the_same_again(name: str) -> None:
    first, again = ({**SOUNDS, **UNUSUAL}[name](3.0, 5) for _ in range(2))
    assert len(first) == 24000
    assert np.array_equal(first, again)


@pytest.mark.parametrize(("encode", "name"), [(mulaw, "mu-law"), (alaw, "a-law")])
def test_sox_reads_what_was_encoded_by_segments(encode: Callable[[Pcm], bytes], name: str) -> None:
    samples = np.arange(-32768, 32768, 7).astype(np.int16)
    raw = ("-t", "raw", "-r", "8000", "-c", "1")
    decoded = subprocess.run(
        [need("sox"), *raw, "-e", name, "-b", "8", "-", *raw, "-e", "signed", "-b", "16", "-"],
        input=encode(samples),
        capture_output=True,
        check=True,
    ).stdout
    error = np.abs(np.frombuffer(decoded, "<i2").astype(int) - samples)
    # Half a step of the segment: a 32nd of the value, 16 near zero; mu-law ends at 32,124.
    assert np.all(error <= np.maximum(16, np.abs(samples.astype(int)) / 32 + 645 // 32 * 2))


@needs("espeak-ng")
@needs("ffmpeg")
@pytest.mark.parametrize("name", [*foreign.CODECS, *foreign.NO_AUDIO])
def test_a_foreign_payload_lasts_as_long_as_the_sound(name: str) -> None:
    maker = {**foreign.CODECS, **foreign.NO_AUDIO}[name]
    units = maker(talker("de", 4.0, 3), Random(1))
    assert 199 <= len(units) <= 202
    assert all(units)


def test_the_messages_of_a_form_are_those_of_the_standard() -> None:
    rtp, *_, audiosocket = FORMS
    sound = to_pcm(np.zeros(320))
    first, second = packets(rtp, payloads(rtp, sound), Random(1))
    head = packed(rtp.encapsulation, first)
    assert head[:2] == b"\x80\x00"
    assert len(head) == 12 + 160
    assert second.sequence == first.sequence + 1
    assert second.timestamp == first.timestamp + 160
    unit = packets(audiosocket, payloads(audiosocket, sound), Random(1))[0]
    assert packed(audiosocket.encapsulation, unit) == b"\x10\x00\xa0" + b"\xff" * 160


def test_tcp_never_reorders_in_time() -> None:
    form = FORMS[0]
    sent = packets(form, [bytes(160)] * 200, Random(1))
    for kind in kinds.KINDS:
        if kind.delivery:
            when = [p.time_s for p in kind.delivery(sent, kind.strengths[0], Random(2))]
            assert when == sorted(when), kind.name
