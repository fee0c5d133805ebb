"""Conversations that are composed, so that the truth about them is known to the sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tests.corpus.sounds import VOICES, Pcm, Sound, noise, sentence, to_pcm
from tests.corpus.wires import START_NS, mulaw
from voipbin_cli.analysis.columns import Ints
from voipbin_cli.analysis.conversation.conversation import Conversation, Talk
from voipbin_cli.codec.codecs import Codec, samples

MS = 1_000_000
FRAME = 160


class Scene(NamedTuple):
    """Both tracks, and how long (ms) each of our answers and each of our silences took."""

    received: Pcm
    sent: Pcm
    responses: list[float]
    barge_ins: list[float]


def scene(seed: int, turns: int = 5) -> Scene:
    """A caller and a bot take turns; now and then the caller interrupts, and the bot yields."""
    rng = np.random.default_rng(seed)
    caller, bot = VOICES[seed % 4], VOICES[(seed + 1) % 4]
    count = turns * 9 * 8000
    received, sent = noise(count / 8000, -60, rng, 1.0), np.zeros(count)
    responses, barge_ins = [], []
    at = int(rng.uniform(0.5, 1.5) * 8000)
    for turn in range(turns):
        said = sentence(caller, turn, 165, 45)
        received[at : at + len(said)] += said
        ended = at + len(said)
        begins = -(-(ended + int(rng.uniform(300, 1800) * 8)) // FRAME) * FRAME
        responses.append((begins - ended) / 8)
        said = sentence(bot, int(rng.integers(0, 4)), 165, 50)
        at = begins + len(said) + int(rng.uniform(0.5, 1.5) * 8000)
        if turn < turns - 1 and rng.random() < 0.5:
            at = begins + int(rng.uniform(0.5, 0.7) * len(said))
            stops = min(at + int(rng.uniform(100, 600) * 8), begins + len(said)) // FRAME * FRAME
            said = said[: stops - begins]
            barge_ins.append((stops - at) / 8)
        sent[begins : begins + len(said)] += said
    return Scene(coded(received), to_pcm(sent), responses, barge_ins)


def coded(sound: Sound) -> Pcm:
    """As the platform passes it on: mu-law."""
    return samples(Codec.MULAW, mulaw(to_pcm(sound)))


def arrivals(rows: int, rng: np.random.Generator, first: int = 0) -> Ints:
    """When frames come on a quiet machine, the first one after so many periods."""
    late = rng.exponential(0.5 * MS, rows)
    even = START_NS + (first + np.arange(rows)) * 20 * MS + late.astype(np.int64)
    return np.maximum.accumulate(even)


def talked(
    received: Pcm, sent: Pcm, *, rows_at_once: int = 25, is_mix: bool = False
) -> Talk | None:
    """What a conversation comes to, heard so many frames at a time.

    A frame comes when it is full, and is sent when its first sample is due.
    """
    rng = np.random.default_rng(1)
    rows = min(len(received), len(sent)) // FRAME
    came, went = arrivals(rows, rng, first=1), arrivals(rows, rng)
    fold = Conversation()
    for at in range(0, rows, rows_at_once):
        part = slice(at, min(rows, at + rows_at_once))
        cut = slice(part.start * FRAME, part.stop * FRAME)
        fold.receive(came[part], received[cut])
        fold.send(went[part], sent[cut])
    fold.finish()
    return fold.result(is_mix=is_mix)
