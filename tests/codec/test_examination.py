"""What is none of the four codecs is named, and no sound of the four is ever taken for it."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest

from tests.codec.foreign import FOREIGN, NONE, NOT_AUDIO, cut
from tests.codec.sounds import MAKERS, Maker, Sound, to_pcm
from tests.corpus.sounds import SOUNDS, VOICES, Pcm, talker
from tests.support.spread import LONG, spread
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.examination import Examinations, examine, is_due
from voipbin_cli.codec.formats import Format
from voipbin_cli.codec.reading import READINGS, Reading

pytestmark = pytest.mark.slow

BLOCK = 25
NAMED = [name for name, (found, _) in FOREIGN.items() if found != NOT_AUDIO]


def blocks(payloads: list[bytes]) -> list[list[bytes]]:
    return [payloads[at : at + BLOCK] for at in range(0, len(payloads) - BLOCK // 2, BLOCK)]


def examined(payloads: list[bytes]) -> Examinations:
    examinations = Examinations()
    for block in blocks(payloads):
        examinations.add(block)
    return examinations


@pytest.mark.parametrize("name", NAMED)
def test_each_format_is_named(name: str) -> None:
    wanted, make = FOREIGN[name]
    seed = crc32(name.encode()) % 100
    found = examined(make(talker(VOICES[seed % len(VOICES)], 8, seed))).found
    assert found is not None
    assert found.format.value == ("unknown" if wanted == NONE else wanted)


def test_which_stereo_it_is() -> None:
    pcm = talker("de", 6, 3)
    which = {name: examined(FOREIGN[name][1](pcm)).found for name in NAMED if "stereo" in name}
    assert {name: found and found.which for name, found in which.items()} == {
        "stereo-talkers": "two channels",
        "stereo-talkers-in-320": "two channels",
        "stereo-same": "both channels the same",
        "stereo-left": "one channel silent",
        "stereo-right": "or 16-bit stereo whose left channel is silent: the same bytes",
        "stereo-louder": "both channels alike, one of them louder",
    }


# Nothing is said of


def on_the_wire(pcm: bytes, reading: Reading) -> list[bytes]:
    wire = pcm[1:] + pcm[:1] if reading.shifted else encode(reading.codec, pcm)
    return cut(wire, 160 * reading.codec.sample_bytes)


def assert_healthy(pcm: bytes) -> None:
    for reading in READINGS:
        for n, block in enumerate(blocks(on_the_wire(pcm, reading))):
            assert examine(block) is None, (reading, n)


def time(count: int) -> Sound:
    return np.arange(count) / 8000


def hiss(rng: np.random.Generator, count: int) -> Sound:
    """White noise of -40 to -6 dBFS, where 5 % of it are cut off."""
    return rng.normal(size=count) * 32768 * 10 ** (-rng.uniform(6, 40) / 20)


def crowd(rng: np.random.Generator, count: int) -> Sound:
    """White noise so loud that up to two thirds of it are cut off."""
    return rng.normal(size=count) * 32768 * 10 ** (rng.uniform(-6, 6) / 20)


def two_khz(rng: np.random.Generator, count: int) -> Sound:
    """Four samples a period: each second one may be zero, or each two the same."""
    return 20000 * np.sin(2 * np.pi * 2000 * time(count) + rng.choice([0, 0.3, np.pi / 4]))


def square(rng: np.random.Generator, count: int) -> Sound:
    """Two values and nothing else."""
    wave = np.sign(np.sin(2 * np.pi * rng.uniform(100, 2500) * time(count)) + 1e-9)
    return wave * rng.choice([1000, 4000, 12000, 30000])


def fading_square(rng: np.random.Generator, count: int) -> Sound:
    """All of its edges are between two pairs of samples: it is no stereo."""
    wave = np.where(np.arange(count) % 16 < 8, 6000, -6000)
    return wave * np.resize(np.linspace(1, rng.uniform(0.2, 0.6), 800), count)


def both_ends(rng: np.random.Generator, count: int) -> Sound:
    """A low tone and one near 4 kHz: every second sample is smoother than all."""
    low, high = rng.uniform(50, 300), rng.uniform(3600, 3990)
    return 9000 * (np.sin(2 * np.pi * low * time(count)) + np.sin(2 * np.pi * high * time(count)))


def impulses(rng: np.random.Generator, count: int) -> Sound:
    sound = np.zeros(count)
    sound[:: int(rng.integers(20, 400))] = 20000
    return sound


ODD: tuple[Maker, ...] = (*MAKERS, hiss, crowd, two_khz, square, fading_square, both_ends, impulses)


@pytest.mark.parametrize("maker", ODD, ids=lambda maker: maker.__name__)
@pytest.mark.parametrize("seed", range(4 if LONG else 2))
def test_no_sound_of_the_four_codecs_is_accused(maker: Maker, seed: int) -> None:
    rng = np.random.default_rng([seed, crc32(maker.__name__.encode())])
    assert_healthy(to_pcm(maker(rng, 16000)))


@pytest.mark.parametrize(
    ("name", "gain"), [*spread(SOUNDS, [100, 1, 0.01]), *spread(SOUNDS, [0.1, 0.003, 8])]
)
def test_nor_is_what_calls_hold(name: str, gain: float) -> None:
    pcm = SOUNDS[name](4, crc32(f"{name}{gain}".encode()) % 1000)
    assert_healthy(to_pcm(pcm.astype(np.float64) * gain))


@pytest.mark.parametrize("offset", [-8000, 500, 9000])
def test_nor_is_an_offset(offset: int) -> None:
    assert_healthy(to_pcm(talker("en-us", 4, 7) * 0.2 + offset))


@pytest.mark.parametrize("codec", [Codec.MULAW, Codec.ALAW])
def test_nor_is_linear_audio_that_was_g711_before(codec: Codec) -> None:
    """It lies on the 256 values of one table, and was decoded with that one."""
    from voipbin_cli.codec.codecs import decode

    pcm = talker("cmn-latn-pinyin", 4, 8).tobytes()
    assert_healthy(decode(codec, encode(codec, pcm)))


def test_nor_is_a_little_sound_behind_silence() -> None:
    """Each reading has to weigh the same bytes, whatever the size of its samples."""
    pcm = talker("de", 4, 9)
    for reading in READINGS:
        sound = on_the_wire(pcm.tobytes(), reading)[60:70]
        for count in range(1, 11):
            still = [bytes(len(sound[0]))] * 14
            assert examine(still[count:] + sound[:count]) is None, (reading, count)
            assert examine(still[: 3 - count % 3] + sound[:1]) is None, (reading, count)


def test_loud_hiss_cannot_be_told_from_chance_and_is_not_accused() -> None:
    rng = np.random.default_rng(2)
    noise = to_pcm(rng.normal(size=4000) * 32768 * 10 ** (-6 / 20))
    assert examine(cut(noise, 320)) is None
    found = examine([rng.bytes(320) for _ in range(BLOCK)])
    assert found is not None
    assert found.format is Format.UNKNOWN


# From stretches to a stream


def stretch(pcm: Pcm, name: str | None) -> list[bytes]:
    return FOREIGN[name][1](pcm)[100:125] if name else cut(pcm.tobytes(), 320)[100:125]


def counted(*names: str | None) -> Format | None:
    pcm = talker("de", 6, 3)
    examinations = Examinations()
    for name in names:
        examinations.add(stretch(pcm, name))
    return examinations.found.format if examinations.found else None


def test_a_stream_is_what_two_of_its_stretches_and_a_fifth_are() -> None:
    assert counted() is None
    assert counted("u8") is Format.U8
    assert counted(None, "u8") is None
    assert counted(None, "u8", "u8") is Format.U8
    assert counted(*[None] * 8, "u8", "u8") is Format.U8
    assert counted(*[None] * 9, "u8", "u8") is None


def test_a_name_goes_before_none() -> None:
    assert counted("encrypted-160", "encrypted-160", "gsm") is Format.GSM
    assert counted(*["encrypted-160"] * 5, "gsm") is Format.UNKNOWN


def test_it_is_due_four_times_and_then_at_ever_longer_distances() -> None:
    assert [n for n in range(300) if is_due(n)] == [0, 1, 2, 3, 4, 16, 64, 256]
