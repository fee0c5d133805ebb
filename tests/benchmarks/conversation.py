"""How well the conversation is told: answers, interruptions, echo, speech, and bots that are right.

    python tests/benchmarks/conversation.py [turns|echo|voice|bots ...] [--runs 200]

All of it is composed, so the truth is known to the sample, and nothing waits for a clock: a busy
machine takes longer and says the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from tests.analysis.conversation.scenes import coded, scene, talked  # noqa: E402
from tests.analysis.test_sent import DIALECTS, diagnosed, packed, told  # noqa: E402
from tests.benchmarks.harness import headline  # noqa: E402
from tests.corpus.sounds import (  # noqa: E402
    SOUNDS,
    TALKERS,
    VOICES,
    Pcm,
    Sound,
    noise,
    prompts,
    sentence,
    talker,
)
from voipbin_cli.analysis.conversation.echo import Echo, EchoFold  # noqa: E402
from voipbin_cli.analysis.conversation.voice_activity import VoiceFold  # noqa: E402
from voipbin_cli.codec.codecs import Codec, encode  # noqa: E402
from voipbin_cli.codec.encapsulation import Encapsulation  # noqa: E402
from voipbin_cli.simulator.forms import ACCEPTED  # noqa: E402

MS = 1_000_000
SECONDS = 12
RESPONSE_MS, BARGE_IN_MS, SPEECH_MS, DELAY_MS = 20.0, 40.0, 40.0, 2.0


def share(name: str, good: int, of: int, wanted: str) -> None:
    headline(f"talk      {name}", good / max(1, of), f"of {of}", wanted)


def turns(runs: int) -> None:
    """A caller and a bot of four languages take turns, five each; now and then he interrupts."""
    responses: list[float] = []
    barge_ins: list[float] = []
    for seed in range(1000, 1000 + runs // 5):
        truth = scene(seed)
        talk = talked(truth.received, truth.sent)
        assert talk is not None
        for errors, found, wanted in (
            (responses, talk.turns.response, truth.responses),
            (barge_ins, talk.turns.barge_in, truth.barge_ins),
        ):
            is_whole = len(found) == len(wanted)
            errors += (np.array(found) - wanted).tolist() if is_whole else [1e4] * len(wanted)
    for name, errors, limit in (
        ("answers within 20 ms", responses, RESPONSE_MS),
        ("interruptions within 40 ms", barge_ins, BARGE_IN_MS),
    ):
        off = np.array(errors)
        print(f"  {name}: off by {np.median(off):+.1f} ms, {np.abs(off).max():.1f} ms at most")
        share(name, int((np.abs(off) <= limit).sum()), len(off), "1")


def _heard(sent: Pcm, received: Pcm) -> Echo | None:
    fold = EchoFold()
    fold.add(sent, received)
    return fold.result()


def echo(runs: int) -> None:
    """Echoes of 30 to 500 ms; and two who have nothing to do with each other."""
    rng = np.random.default_rng(7)
    for name, speaks, softest in (("nobody else speaks", False, -40), ("both speak", True, -25)):
        found = 0
        for seed in range(runs):
            sent = prompts(SECONDS, seed)
            delay_ms, level_db = int(rng.integers(30, 501)), float(rng.uniform(softest, -8))
            sound = noise(SECONDS, -62, rng, 1.0)
            if speaks:
                sound += talker(VOICES[(seed + 1) % 4], SECONDS, seed + 500)
            sound[8 * delay_ms :] += sent[: len(sent) - 8 * delay_ms] * 10 ** (level_db / 20)
            heard = _heard(sent, coded(sound))
            found += heard is not None and abs(heard.delay_ms - delay_ms) <= DELAY_MS
        share(f"echoes found, {name}", found, runs, "1")
    names = tuple(SOUNDS)
    quiet = 0
    for seed in range(runs):
        sent = prompts(SECONDS, seed)
        # Of another voice: the same prompt in both would be what an echo is.
        other = SOUNDS[names[seed % len(names)]](SECONDS, seed + 901)
        quiet += _heard(sent, coded(other.astype(float))) is None
    share("without an echo, and none told", quiet, runs, "1")


BEFORE = {"behind a tone": "busy", "behind music": "music", "behind a digit": "digits"}


def _around(kind: str, seconds: float, rng: np.random.Generator) -> Sound:
    """What is on the line before and after somebody speaks."""
    if kind == "digital silence":
        return np.zeros(int(seconds * 8000))
    if kind == "comfort noise":
        return noise(seconds, -52, rng, 0.0)
    if kind in BEFORE:
        sound = noise(seconds, -62, rng, 1.0)
        sound[:7200] += SOUNDS[BEFORE[kind]](0.9, int(rng.integers(99)))
        return sound
    return noise(seconds, {"room": -62.0, "noise": -50.0}[kind], rng, 1.0)


def voice(runs: int) -> None:
    """One sentence at a time: where it begins and ends; and sounds in which nobody speaks."""
    for kind in ("digital silence", "room", "comfort noise", "noise", *BEFORE):
        good = 0
        for seed in range(runs):
            rng = np.random.default_rng([seed, 5])
            said = sentence(VOICES[seed % 4], seed // 4 % 4, 140 + 10 * (seed % 6), 30 + seed % 40)
            sound = _around(kind, 3 + len(said) / 8000, rng)
            at = int(rng.uniform(1.2, 1.8) * 8000)
            sound[at : at + len(said)] += said
            fold = VoiceFold()
            fold.add(coded(sound))
            fold.finish()
            if spans := [span for span in fold.spans if span.end_ms > at / 8]:
                good += abs(spans[0].start_ms - at / 8) <= SPEECH_MS
                good += abs(spans[-1].end_ms - (at + len(said)) / 8) <= SPEECH_MS
        share(f"begins and ends of speech within 40 ms, {kind}", good, 2 * runs, ">= 0.95")
    for name in ("ringing", "busy", "fax", "digits", "room"):
        none = 0
        for seed in range(runs // 5):
            fold = VoiceFold()
            fold.add(coded(SOUNDS[name](SECONDS, seed).astype(float)))
            fold.finish()
            none += not fold.spans
        share(f"no speech in {name}", none, runs // 5, ">= 0.95")
    told_as = 0
    for seed in range(runs // 5):
        talk = talked(coded(SOUNDS["music"](SECONDS, seed).astype(float)), prompts(SECONDS, seed))
        told_as += talk is None or bool(talk.untold)
    share("music, and no talker told", told_as, runs // 5, ">= 0.95")


def _right_bot(seed: int) -> Iterator[tuple[bytes, int]]:
    """Frames of 20 ms of a voice, each with its time: some ahead of it, some late, with pauses."""
    rng = np.random.default_rng([seed, 9])
    sound = TALKERS[VOICES[seed % 4]](
        SECONDS,
        seed,
    ).astype("<i2")
    lead_ms, late_ms = float(rng.uniform(0, 60)), float(rng.uniform(0.1, 3))
    for n, frame in enumerate(sound[: len(sound) // 160 * 160].reshape(-1, 160)):
        at_ms = max(0.0, n * 20 - lead_ms) + rng.exponential(late_ms) * (lead_ms > 20)
        yield frame.tobytes(), round(at_ms * MS)


def bots(runs: int) -> None:
    """Right ones, in every dialect and encapsulation: nothing is told of what they send."""
    for dialect in DIALECTS:
        quiet = count = 0
        for seed in range(runs // 4):
            encapsulation = list(Encapsulation)[seed % 3]
            takes = ACCEPTED[dialect]
            codec = takes.codec if encapsulation is Encapsulation.RTP else Codec.S16LE
            frames = list(_right_bot(seed))
            payloads = (encode(codec, pcm) for pcm, _ in frames)
            diagnosis = diagnosed(
                packed(encapsulation, payloads, takes.payload_type),
                sorted(at for _, at in frames),
                dialect=dialect,
                encapsulation=encapsulation,
            )
            found = [row for row in told(diagnosis) if row[2] == "out" and row[1] != "info"]
            if found:
                print(f"  {dialect.value} {encapsulation.value} {seed}: {found}")
            quiet += not found
            count += 1
        share(f"right bots of {dialect.value}, nothing told", quiet, count, "1")


PARTS: dict[str, Callable[[int], None]] = {
    "turns": turns,
    "echo": echo,
    "voice": voice,
    "bots": bots,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    for name in options.parts or PARTS:
        PARTS[name](options.runs)


if __name__ == "__main__":
    main()
