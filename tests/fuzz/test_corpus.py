"""The fuzzer's targets over their corpus and seeded mutations of it: the same run each time."""

from __future__ import annotations

import random
import zlib
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
MUTATIONS = 40
# The slow ones are mutated under guidance as well (test_guided.py).
FEW = {"decoder": 5, "validator": 5, "wrapped_packets": 10}
MAX_BYTES = 4096


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few of the things that fuzzers do: flip, cut, repeat, insert, overwrite with edges."""
    out = bytearray(data[:MAX_BYTES])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(5):
            case 0 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 1:
                del out[at : at + rng.randrange(16)]
            case 2:
                out[at:at] = out[at : at + rng.randrange(64)]
            case 3:
                out[at:at] = rng.randbytes(rng.randrange(8))
            case _:
                edge = rng.choice([b"\0", b"\xff", b"\x7f\xff", b"\xff\xff\xff\xff", b"\x80"])
                out[at : at + len(edge)] = edge
    return bytes(out)


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_breaks_nothing(name: str) -> None:
    assert seeds(name)
    for data in seeds(name):
        TARGETS[name](data)


@pytest.mark.parametrize("name", TARGETS)
def test_mutations_of_the_corpus_break_nothing(name: str) -> None:
    rng = random.Random(zlib.crc32(name.encode()))
    for data in seeds(name):
        for _ in range(FEW.get(name, MUTATIONS)):
            TARGETS[name](mutated(data, rng))


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_at_all_breaks_nothing(name: str) -> None:
    TARGETS[name](b"")


def test_each_corpus_is_of_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
