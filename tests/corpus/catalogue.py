"""The labelled corpus: faults of every kind and strength, mixtures, and healthy runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.corpus.runs import Run
from voipbin_cli.codec.encapsulation import Encapsulation

RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET
ALL = tuple(Encapsulation)
DIALECTS = ("documented", "deployed", "linear", "legacy")
ANY = ("speech", "speech-gated", "tone:440", "tone:1000", "music", "silence")
SOUNDING = tuple(source for source in ANY if source != "silence")
SOUND = ("speech", "speech-gated", "music")
SPEECH = ("speech", "speech-gated")


class Kind(NamedTuple):
    """A fault: the scenario, the finding, strengths, and where it can be seen at all."""

    scenario: str
    finding: str
    strengths: tuple[float, ...] = ()
    sources: tuple[str, ...] = ANY
    dialects: tuple[str, ...] = DIALECTS
    encapsulations: tuple[Encapsulation, ...] = ALL


LINEAR = ("linear",)
KINDS = (
    Kind("jitter", "jitter", (150, 180, 250, 400)),
    Kind("stall", "network-stall", (150, 300, 700, 1500)),
    Kind("lost-audio", "lost-audio", (60, 200, 400, 1000)),
    Kind("upstream-loss", "upstream-loss", (3, 6, 12), SPEECH),
    Kind("clock-drift", "clock-drift", (-2000, -500, 500, 1000, 5000)),
    Kind("sequence", "sequence", (2, 6, 15), ANY, DIALECTS, (RTP,)),
    # Silence throughout is told before what does no harm.
    Kind("frame-size", "frame-size", (10, 30, 40, 60, 100), SOUNDING),
    Kind("wrong-rate", "wrong-rate", (6000, 11025, 16000, 24000), SOUND),
    Kind("byte-order", "byte-order", (), SOUND, LINEAR),
    Kind("misaligned", "misaligned", (0.5, 2, 4), SOUND, LINEAR),
    Kind("codec-mismatch", "codec-mismatch", (), SOUND, ("deployed", "legacy")),
    Kind("codec-change", "codec-mismatch", (2, 4, 6), SOUND, ("deployed", "legacy")),
    Kind("not-audio", "not-audio"),
    Kind("wav-header", "not-audio", (0.0,), SOUND, LINEAR),
    Kind("muted", "muted", (), ("silence",)),
    Kind("silence", "silence", (), ("silence",)),
    Kind("clipping", "clipping", (22, 26, 40), SPEECH),
    Kind("low-level", "low-level", (-42, -36, -30), SPEECH),
    Kind("dc-offset", "dc-offset", (-6000, 2000, 6000), ANY),
    Kind("noise", "noise", (-40, -30, -22), SPEECH),
    Kind("timestamp-rate", "timestamp-rate", (), SOUND, ("deployed", "legacy"), (RTP,)),
    Kind("payload-label", "payload-label", (), SOUND, ("deployed",), (RTP, AUDIOSOCKET)),
)

MIXTURES = (
    ("stall", "upstream-loss"),
    ("lost-audio", "noise"),
    ("jitter", "clipping"),
    ("sequence", "stall"),
    ("byte-order", "stall"),
    ("frame-size", "lost-audio"),
    ("clock-drift", "upstream-loss"),
    ("not-audio", "stall"),
    ("stall", "low-level"),
    ("lost-audio", "stall"),
)
_FINDINGS = {kind.scenario: kind.finding for kind in KINDS}


def faulty(seeds: range) -> Iterator[Run]:
    """Every kind at every strength, each seed another dialect, speaker and encapsulation."""
    for seed in seeds:
        for kind in KINDS:
            for strength in kind.strengths or (None,):
                yield _faulty(kind, strength, seed)


def _faulty(kind: Kind, strength: float | None, seed: int) -> Run:
    rng = random.Random(f"{kind.scenario}{strength}{seed}")
    source, dialect = rng.choice(kind.sources), rng.choice(kind.dialects)
    options = {"source": source, "dialect": dialect}
    if strength is not None:
        options["strength"] = f"{strength:g}"
    label = f"{kind.scenario}={strength} {source} {dialect} seed={seed}"
    return Run(
        label,
        kind.scenario,
        frozenset((kind.finding,)),
        rng.choice(kind.encapsulations),
        options,
        seconds=rng.choice((10.0, 15.0, 30.0)),
        seed=seed,
    )


def mixed(seeds: range) -> Iterator[Run]:
    """Two faults at once: the root cause is either of them."""
    for seed in seeds:
        for first, second in MIXTURES:
            rng = random.Random(f"{first}{second}{seed}")
            dialect = "linear" if "byte-order" in (first, second) else rng.choice(DIALECTS)
            encapsulation = RTP if "sequence" in (first, second) else rng.choice(ALL)
            options = {"source": rng.choice(SPEECH), "dialect": dialect}
            expected = frozenset((_FINDINGS[first], _FINDINGS[second]))
            label = f"{first}+{second} {dialect} seed={seed}"
            yield Run(label, f"{first}+{second}", expected, encapsulation, options, 12.0, seed)


def local(seeds: range) -> Iterator[Run]:
    """This machine reads late: the network is not to blame."""
    for seed in seeds:
        rng = random.Random(seed)
        lag = tuple((at + rng.random(), rng.uniform(120, 600)) for at in range(1, 9, 2))
        yield Run(f"lag seed={seed}", "clean", frozenset(("local-lag",)), seed=seed, lag=lag)


def healthy(seeds: range, lengths: tuple[float, ...] = (3.0, 10.0, 30.0)) -> Iterator[Run]:
    """Every dialect, encapsulation, speaker and length: nothing may be found.

    Silence alone is left out: that nobody is heard is what somebody asks about.
    """
    for seed in seeds:
        for dialect in DIALECTS:
            for encapsulation in ALL:
                for source in (*SOUNDING, "dtmf:1234#"):
                    seconds = random.Random(f"{seed}{dialect}{source}").choice(lengths)
                    options = {"source": source, "dialect": dialect}
                    label = f"{source} {dialect} {encapsulation} {seconds:g} s seed={seed}"
                    yield Run(label, "clean", frozenset(), encapsulation, options, seconds, seed)
