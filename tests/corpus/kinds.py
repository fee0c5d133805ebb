"""Labelled streams that the simulator has no hand in: a kind is a row, its faults plain functions.

A stream is made in three steps, each of which a fault may change: the sound, its payloads, their
delivery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from types import MappingProxyType

import numpy as np

from tests.codec.foreign import FOREIGN, NOT_AUDIO
from tests.corpus import foreign
from tests.corpus.pauses import MEANT
from tests.corpus.sounds import FULL_SCALE, RATE_HZ, SOUNDS, TALKERS, Pcm, noise, times, to_pcm
from tests.corpus.unusual import UNUSUAL
from tests.corpus.wires import (
    AUDIOSOCKET,
    FORMS,
    LINEAR_FORMS,
    RTP,
    RTP_FORMS,
    SLN,
    Form,
    Packet,
    Stream,
    moved,
    packed,
    packets,
    payloads,
    received,
)

Heard = Callable[[Pcm, float, Random], Pcm]
Delivered = Callable[[list[Packet], float, Random], list[Packet]]
Lag = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Kind:
    """A fault. `ids`: what may be told first; none where nothing is wrong.

    `sound` changes the samples, `units` makes the payloads in place of the form's own encoder,
    `delivery` changes the packets, `lag` says when this machine reads late. `frame_samples` is
    given the strength. `subject` groups kinds for the table.
    """

    name: str
    ids: tuple[str, ...]
    strengths: tuple[float, ...] = (0,)
    subject: str = "sound"
    forms: tuple[Form, ...] = FORMS
    sounds: Mapping[str, Callable[[float, int], Pcm]] = field(default_factory=lambda: TALKERS)
    sound: Heard | None = None
    units: Callable[[Form, Pcm, float, Random], list[bytes]] | None = None
    delivery: Delivered | None = None
    lag: Callable[[float, Random], Lag] | None = None
    frame_s: Callable[[float], float] = lambda _strength: 0.02
    seconds: tuple[float, ...] = (10.0, 15.0, 30.0)


# --- what is heard -------------------------------------------------------------------------------


def _rng(rng: Random) -> np.random.Generator:
    return np.random.default_rng(rng.randrange(1 << 32))


def _gain_for_clipped(sound: Pcm, percent: float) -> float:
    return FULL_SCALE / max(1.0, float(np.quantile(np.abs(sound.astype(float)), 1 - percent / 100)))


def clipped(sound: Pcm, percent: float, _rng: Random) -> Pcm:
    """So loud that so many percent of the samples are beyond full scale."""
    return to_pcm(sound * _gain_for_clipped(sound, percent))


def flat_topped(sound: Pcm, percent: float, rng: Random) -> Pcm:
    """Clipped somewhere before, and turned down since."""
    return to_pcm(clipped(sound, percent, rng) * rng.uniform(0.35, 0.7))


def quiet(sound: Pcm, dbfs: float, _rng: Random) -> Pcm:
    """Talkers have -20 dBFS while they speak, over a room that falls with them."""
    return to_pcm(sound * 10 ** ((dbfs + 20) / 20))


def hum(sound: Pcm, dbfs: float, rng: Random) -> Pcm:
    """The mains and its harmonics under somebody who speaks."""
    time, base = times(len(sound) / RATE_HZ), rng.choice((50, 60))
    tone = sum(np.sin(2 * np.pi * base * n * time) / n for n in (1, 2, 3, 5))
    return to_pcm(sound + FULL_SCALE * 10 ** (dbfs / 20) * tone)


def whistle(sound: Pcm, dbfs: float, rng: Random) -> Pcm:
    """A steady tone in the midst of the band."""
    tone = np.sin(2 * np.pi * rng.uniform(900, 3300) * times(len(sound) / RATE_HZ))
    return to_pcm(sound + FULL_SCALE * 10 ** (dbfs / 20) * 1.4 * tone)


def noisy(sound: Pcm, dbfs: float, rng: Random) -> Pcm:
    """A loud hiss."""
    return to_pcm(sound + noise(len(sound) / RATE_HZ, dbfs, _rng(rng)))


def offset(sound: Pcm, by: float, rng: Random) -> Pcm:
    """A constant that was added."""
    return to_pcm(sound + by * rng.choice((-1, 1)))


def spikes(sound: Pcm, period_ms: float, rng: Random) -> Pcm:
    """One wrong sample at each seam."""
    out = sound.copy()
    for at in range(rng.randrange(80, 800), len(out), int(period_ms * 8)):
        out[at] = rng.choice((-1, 1)) * rng.randint(9000, 20000)
    return out


def faded_chunks(sound: Pcm, period_ms: float, _rng: Random) -> Pcm:
    """Each chunk is faded in and out for two milliseconds."""
    size, ramp = int(period_ms * 8), np.linspace(0, 1, 16)
    gain = np.ones(size)
    gain[:16], gain[-16:] = ramp, ramp[::-1]
    return to_pcm(sound * np.resize(gain, len(sound)))


def dropped_samples(sound: Pcm, period_ms: float, rng: Random) -> Pcm:
    """Some milliseconds are missing at each seam."""
    size = int(period_ms * 8)
    parts = [sound[at : at + size] for at in range(0, len(sound) - 80, size + rng.randint(20, 60))]
    return np.concatenate(parts)


def repeated(sound: Pcm, every: float, _rng: Random) -> Pcm:
    """One frame in so many is the one before it once more."""
    frames = sound[: len(sound) // 160 * 160].reshape(-1, 160).copy()
    wrong = np.arange(int(every), len(frames), int(every))
    frames[wrong] = frames[wrong - 1]
    return frames.ravel()


def doubled(sound: Pcm, _strength: float, _rng: Random) -> Pcm:
    """Each frame twice: at half the pace."""
    frames = sound[: len(sound) // 320 * 160].reshape(-1, 160)
    return np.repeat(frames, 2, axis=0).ravel()


def holed(sound: Pcm, length_ms: float, rng: Random) -> Pcm:
    """Blocks of exact zero cut into it anywhere, five percent of the time."""
    out, size = sound.copy(), int(length_ms * 8)
    for _ in range(max(4, int(0.05 * len(out) / size))):
        at = rng.randrange(len(out) - size)
        out[at : at + size] = 0
    return out


def padded(sound: Pcm, period_ms: float, _rng: Random) -> Pcm:
    """Chunks that are short by 10 ms and filled up with zeros."""
    size = int(period_ms * 8)
    chunks = [
        np.append(sound[at : at + size - 80], np.zeros(80, np.int16))
        for at in range(0, len(sound) - size, size - 80)
    ]
    return np.concatenate(chunks)


def silent_from(sound: Pcm, at_s: float, _rng: Random) -> Pcm:
    """Exact zeros from some instant on."""
    return np.where(np.arange(len(sound)) < at_s * RATE_HZ, sound, 0).astype(np.int16)


def all_silent(sound: Pcm, _strength: float, _rng: Random) -> Pcm:
    return np.zeros_like(sound)


# --- its payloads --------------------------------------------------------------------------------


def made_by(maker: foreign.Maker) -> Callable[[Form, Pcm, float, Random], list[bytes]]:
    """Whatever the form says."""
    return lambda _form, sound, _strength, rng: maker(sound, rng)


def softer_by(maker: Callable[[Pcm], list[bytes]]) -> Callable[..., list[bytes]]:
    """The same, of sound that is so many dB softer."""

    def made(_form: Form, sound: Pcm, softer_db: float, _rng: Random) -> list[bytes]:
        return maker(to_pcm(sound * 10 ** (-softer_db / 20)))

    return made


def swapped(form: Form, sound: Pcm, _strength: float, _rng: Random) -> list[bytes]:
    return payloads(form, sound.byteswap())


def a_byte_short(form: Form, sound: Pcm, at_s: float, _rng: Random) -> list[bytes]:
    """A byte is lost somewhere, and everything after it is shifted."""
    data = form.encode(sound)
    cut = int(at_s * RATE_HZ) * 2 + 1
    data = data[:cut] + data[cut + 1 :]
    return [data[at : at + 320] for at in range(0, len(data) - 320, 320)]


def other_rate(form: Form, sound: Pcm, rate_hz: float, _rng: Random) -> list[bytes]:
    """Sound of another rate, in real time: more or less of it in each 20 ms."""
    from soxr import resample

    fast = to_pcm(np.asarray(resample(sound.astype(np.float64), RATE_HZ, rate_hz)))
    return payloads(form, fast, round(rate_hz / 50))


def in_frames_of(form: Form, sound: Pcm, frame_ms: float, _rng: Random) -> list[bytes]:
    return payloads(form, sound, int(frame_ms * 8))


def irregular(form: Form, sound: Pcm, _strength: float, rng: Random) -> list[bytes]:
    """Frames of any size; they come when their last sample is there."""
    data, out, at = form.encode(sound), [], 0
    while at < len(data):
        size = rng.randint(60, 260) * form.sample_bytes
        out.append(data[at : at + size])
        at += size
    return out


def inside_another(inner: Form) -> Callable[[Form, Pcm, float, Random], list[bytes]]:
    """Whole messages of another encapsulation where payload is due."""

    def made(_form: Form, sound: Pcm, _strength: float, rng: Random) -> list[bytes]:
        units = packets(inner, payloads(inner, sound), rng)
        return [packed(inner.encapsulation, packet) for packet in units]

    return made


# --- their delivery ------------------------------------------------------------------------------


def stalled(sent: list[Packet], ms: float, rng: Random) -> list[Packet]:
    """The link holds everything for a while, two times."""
    span = sent[-1].time_s
    stalls = [rng.uniform(0.15, 0.4) * span, rng.uniform(0.5, 0.8) * span]

    def when(_n: int, packet: Packet) -> float:
        held = [at + ms / 1000 for at in stalls if at <= packet.time_s < at + ms / 1000]
        return max([packet.time_s, *held])

    return moved(sent, when)


def lost(sent: list[Packet], ms: float, rng: Random) -> list[Packet]:
    """Some audio never comes; the bridge numbers what it sends, so nothing else tells of it."""
    span = sent[-1].time_s
    holes = [rng.uniform(0.15, 0.4) * span, rng.uniform(0.5, 0.8) * span]
    kept = [p for p in sent if not any(at <= p.time_s < at + ms / 1000 for at in holes)]
    if len(kept) > 1 and sent[1].sequence != sent[0].sequence:
        step = sent[1].timestamp - sent[0].timestamp
        kept = [
            replace(p, sequence=sent[0].sequence + n, timestamp=sent[0].timestamp + n * step)
            for n, p in enumerate(kept)
        ]
    return kept


def gone(sent: list[Packet], percent: float, rng: Random) -> list[Packet]:
    """Packets that are lost on their way, so that their numbers are missing."""
    return sent[:3] + [p for p in sent[3:] if rng.random() > percent / 100]


def jittered(sent: list[Packet], ms: float, rng: Random) -> list[Packet]:
    """Each frame is late by anything up to so much, independently."""
    return moved(sent, lambda _n, packet: packet.time_s + rng.uniform(0, ms) / 1000)


def flushed(sent: list[Packet], period_s: float, _rng: Random) -> list[Packet]:
    """A proxy hands on what it has collected, once a period."""
    return moved(sent, lambda _n, packet: (packet.time_s // period_s + 1) * period_s)


def backlog(sent: list[Packet], seconds: float, _rng: Random) -> list[Packet]:
    """What had waited before we came is there at once."""
    return moved(sent, lambda _n, packet: max(0.0, packet.time_s - seconds))


def paced(sent: list[Packet], frame_ms: float, _rng: Random) -> list[Packet]:
    """The sender's timer takes so long for each frame."""
    return moved(sent, lambda n, _packet: n * frame_ms / 1000)


def underrun(sent: list[Packet], pause_s: float, rng: Random) -> list[Packet]:
    """The sender ran dry now and then, and went on later where it had stopped."""
    span = sent[-1].time_s
    pauses = sorted(rng.uniform(0.1, 0.9) * span for _ in range(3))
    return moved(sent, lambda _n, p: p.time_s + pause_s * sum(at <= p.time_s for at in pauses))


def drifting(sent: list[Packet], ppm: float, _rng: Random) -> list[Packet]:
    return moved(sent, lambda _n, packet: packet.time_s / (1 + ppm / 1e6))


def stamped(sent: list[Packet], step: float, _rng: Random) -> list[Packet]:
    """Timestamps that advance by something else than the samples."""
    return [replace(p, timestamp=1000 + n * int(step)) for n, p in enumerate(sent)]


def reordered(sent: list[Packet], percent: float, rng: Random) -> list[Packet]:
    out = list(sent)
    for n in range(5, len(out) - 1):
        if rng.random() < percent / 100:
            first, second = out[n], out[n + 1]
            out[n] = replace(second, time_s=first.time_s)
            out[n + 1] = replace(first, time_s=second.time_s)
    return out


def restarted(sent: list[Packet], at_s: float, rng: Random) -> list[Packet]:
    """The source begins anew: another SSRC, sequence and timestamp."""
    ssrc, jump = rng.randrange(1 << 32), rng.randrange(1 << 15)
    return [
        replace(p, ssrc=ssrc, sequence=p.sequence + jump, timestamp=p.timestamp + (jump << 10))
        if p.time_s >= at_s
        else p
        for p in sent
    ]


def with_digits(sent: list[Packet], count: float, rng: Random) -> list[Packet]:
    """RFC 4733: while a key is pressed its events take the place of the audio."""
    out, number = list(sent), 0
    for key in range(int(count)):
        first = 50 + key * 60 + rng.randrange(20)
        for n in range(first, min(first + 8, len(out))):
            held = (n - first + 1) * 160
            event = bytes((key % 10, (0x80 if n - first >= 5 else 0) | 10)) + held.to_bytes(
                2, "big"
            )
            begun = out[first].timestamp if n > first else out[n].timestamp
            out[n] = replace(
                out[n], payload=event, payload_type=101, timestamp=begun, marker=n == first
            )
            number += 1
    return out


def suppressed(sent: list[Packet], hangover: float, _rng: Random) -> list[Packet]:
    """RFC 3551 4.1: nothing is sent while nobody speaks, a marker where it goes on.

    Mu-law; so many quiet frames go out before a frame of comfort noise (RFC 3389) and the pause.
    """
    out: list[Packet] = []
    sequence, quiet = sent[0].sequence, 0
    for packet in sent:
        # Codes from 0x68 up, either sign: less than 100 of 32,124.
        is_quiet = min(code & 0x7F for code in packet.payload) >= 0x68
        was_paused, quiet = quiet > hangover, quiet + 1 if is_quiet else 0
        if quiet > hangover + 1:
            continue
        if quiet > hangover:
            packet = replace(packet, payload=b"\x40", payload_type=13)
        marker = not out or (was_paused and not is_quiet)
        out.append(replace(packet, sequence=sequence, marker=marker))
        sequence += 1
    return out


def mobile(sent: list[Packet], worst_ms: float, rng: Random) -> list[Packet]:
    """A radio link: a delay that wanders, and now and then a hold for some frames."""
    delay, held_until = 0.0, 0.0

    def when(_n: int, packet: Packet) -> float:
        nonlocal delay, held_until
        delay = min(max(0.0, delay + rng.gauss(0, 1.5)), worst_ms * 0.5)
        if rng.random() < 0.01:
            held_until = packet.time_s + rng.uniform(0.3, 1.0) * worst_ms / 1000
        return max(packet.time_s + delay / 1000, held_until)

    return moved(sent, when)


# --- the rows ------------------------------------------------------------------------------------

_WIDE = tuple(form for form in FORMS if form.timestamp_step == 160 or form.encapsulation is not RTP)
_BARE = tuple(form for form in FORMS if form.encapsulation is not RTP)
_OF = {
    encapsulation: next(f for f in FORMS if f.encapsulation is encapsulation)
    for encapsulation in (RTP, SLN, AUDIOSOCKET)
}

_SOUND = (
    Kind("clipped", ("clipping",), (0.7, 2, 8), sound=clipped),
    Kind("flat tops", ("clipping",), (2, 5, 12), sound=flat_topped),
    Kind("very quiet", ("low-level",), (-47, -51, -56), sound=quiet),
    Kind("hum", ("hum",), (-42, -36, -30), sound=hum),
    Kind("whistle", ("hum",), (-42, -36, -30), sound=whistle),
    Kind("hiss", ("noise",), (-40, -34, -28), sound=noisy),
    Kind("offset", ("dc-offset",), (1200, 3000, 6000), sound=offset),
    Kind("spikes", ("clicks",), (60, 100, 250), sound=spikes),
    Kind("faded chunks", ("clicks",), (60, 100, 200), sound=faded_chunks, forms=LINEAR_FORMS),
    Kind("dropped samples", ("clicks",), (60, 100, 200), sound=dropped_samples),
    Kind("repeated frames", ("repeated-audio",), (5, 10, 25), sound=repeated),
    Kind("each frame twice", ("repeated-audio",), sound=doubled),
    Kind("holes", ("upstream-loss",), (10, 30, 60), sound=holed),
    Kind("padded chunks", ("upstream-loss",), (50, 60, 100), sound=padded),
    Kind("silent from", ("silence",), (3, 5, 7), sound=silent_from),
    Kind("silent", ("silence",), sound=all_silent),
)
# Of what has no kind of its own in `foreign`.
_MORE_PAYLOADS = (
    *("f32be", "f64", "f16", "s24be", "s32", "s32be", "s12-packed", "u16", "u16be"),
    *("stereo-louder", "stereo-talkers-in-320", "mulaw-inverted", "alaw-inverted"),
    *("mulaw-as-alaw-mulaw", "alaw-as-mulaw-alaw", "opus-wb-cbr", "g726", "g723", "lpc10", "cvsd"),
    *("speex", "aptx", "wma", "ac3", "vorbis", "mpeg-ts", "zlib-each", "encrypted-170", "deflated"),
    *("base64-linear", "list-chunk", "wav-each"),
)
_CODEC = (
    *(
        Kind(
            name,
            ("codec-mismatch", "not-audio"),
            subject="codec",
            forms=_WIDE,
            units=made_by(maker),
        )
        for name, maker in {**foreign.CODECS, **foreign.NO_AUDIO}.items()
    ),
    *(
        Kind(
            name,
            ("not-audio",) if FOREIGN[name][0] == NOT_AUDIO else ("codec-mismatch",),
            (0, 12),
            "codec",
            _WIDE,
            units=softer_by(FOREIGN[name][1]),
        )
        for name in _MORE_PAYLOADS
    ),
    Kind(
        "wrapped",
        ("clipping", "codec-mismatch", "clicks"),
        subject="codec",
        forms=LINEAR_FORMS,
        units=made_by(foreign.WRAPPED),
    ),
    Kind("byte order", ("byte-order",), subject="codec", forms=LINEAR_FORMS, units=swapped),
    Kind(
        "a byte short",
        ("misaligned",),
        (1, 2, 4),
        subject="codec",
        forms=LINEAR_FORMS,
        units=a_byte_short,
    ),
    *(
        Kind(
            f"{inner.value} inside",
            ("encapsulation-mismatch",),
            subject="codec",
            forms=tuple(form for form in FORMS if form.encapsulation is not inner),
            units=inside_another(_OF[inner]),
        )
        for inner in (RTP, AUDIOSOCKET)
    ),
)
_ARRIVAL = (
    Kind("stalls", ("network-stall",), (200, 500, 1500), "arrival", delivery=stalled),
    Kind("lost", ("lost-audio",), (100, 300, 1000), "arrival", delivery=lost),
    Kind("jitter", ("jitter",), (120, 180, 300), "arrival", delivery=jittered),
    Kind("flushed", ("network-stall",), (0.25, 0.5, 1.0), "arrival", delivery=flushed),
    Kind("backlog", ("network-stall",), (1.0, 3.0, 6.0), "arrival", delivery=backlog),
    Kind("pace", ("sender-pace",), (19, 21, 25), "arrival", delivery=paced),
    Kind(
        "drift",
        ("clock-drift",),
        (-2000, -500, 500, 2000),
        "arrival",
        delivery=drifting,
        seconds=(30.0,),
    ),
    Kind(
        "wrong rate",
        ("wrong-rate",),
        (6000, 11025, 16000, 24000),
        "arrival",
        forms=_BARE,
        units=other_rate,
    ),
    Kind(
        "frame size",
        ("frame-size",),
        (10, 30, 40, 60),
        "arrival",
        units=in_frames_of,
        frame_s=lambda ms: ms / 1000,
    ),
    Kind("irregular frames", ("frame-size",), (0,), "arrival", units=irregular),
    Kind(
        "own lag",
        ("local-lag",),
        (150, 300, 600),
        "arrival",
        lag=lambda ms, rng: ((rng.uniform(1, 3), ms), (rng.uniform(4, 8), ms)),
    ),
)
_OF_RTP = (
    # Where the sound does not show that it goes on, whoever listens misses audio, and the underrun
    # is told after that.
    Kind(
        "underrun",
        ("underrun", "lost-audio"),
        (0.3, 0.7, 1.5),
        "rtp",
        RTP_FORMS,
        delivery=underrun,
    ),
    Kind("gone", ("sequence", "lost-audio"), (2, 5, 12), "rtp", RTP_FORMS, delivery=gone),
    Kind("out of order", ("sequence",), (2, 5, 10), "rtp", RTP_FORMS, delivery=reordered),
    Kind("stamps", ("timestamp-rate",), (0, 1, 80), "rtp", RTP_FORMS[:1], delivery=stamped),
    Kind("restart", ("stream-restart",), (2, 4, 6), "rtp", RTP_FORMS, delivery=restarted),
    Kind("keys", ("telephone-events",), (1, 3, 6), "rtp", RTP_FORMS[:1], delivery=with_digits),
    Kind(
        "silence suppressed",
        ("silence-suppression",),
        (2, 5, 10),
        "rtp",
        RTP_FORMS[:1],
        delivery=suppressed,
    ),
)
KINDS = (*_SOUND, *_CODEC, *_ARRIVAL, *_OF_RTP)

HEALTHY = (
    Kind("plain", (), subject="healthy", sounds=SOUNDS),
    Kind("unusual", (), subject="healthy", sounds=UNUSUAL, seconds=(12.0, 20.0)),
    Kind("meant pauses", (), subject="healthy", sounds=MEANT, seconds=(12.0, 20.0)),
    Kind(
        "frames of 40 ms",
        (),
        (40,),
        "healthy",
        sounds=SOUNDS,
        units=in_frames_of,
        frame_s=lambda ms: ms / 1000,
    ),
    Kind("mobile", (), (20, 30, 45), "healthy", sounds=SOUNDS, delivery=mobile),
    Kind("keys in speech", (), (3,), "healthy", RTP_FORMS[:1], delivery=with_digits),
    Kind("silence suppressed", (), (3, 8), "healthy", RTP_FORMS[:1], SOUNDS, delivery=suppressed),
    Kind("restart", (), (3,), "healthy", RTP_FORMS, SOUNDS, delivery=restarted),
    Kind(
        "a hiccup here",
        (),
        (30, 50),
        "healthy",
        sounds=SOUNDS,
        lag=lambda ms, rng: ((rng.uniform(1, 8), ms),),
    ),
)

# Of each pair either may be told first, and both have to be told.
PAIRS: tuple[tuple[str, str], ...] = (
    ("holes", "stalls"),
    ("clipped", "lost"),
    ("hum", "stalls"),
    ("very quiet", "jitter"),
    ("hiss", "lost"),
    ("repeated frames", "stalls"),
    ("spikes", "lost"),
    ("offset", "jitter"),
    ("byte order", "stalls"),
    ("f32le", "stalls"),
    ("u8", "lost"),
    ("holes", "gone"),
    ("clipped", "hum"),
    ("spikes", "hum"),
    ("silent from", "stalls"),
    ("clipped", "flushed"),
    ("holes", "drift"),
    ("padded chunks", "lost"),
    ("flat tops", "own lag"),
    ("hum", "pace"),
)


# Pairs that hide each other by nature: what the first leaves nothing of the second, and why.
HIDDEN: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("silent", "clipped"): "silence has no level that a ceiling could cut",
        ("silent", "holes"): "a hole in silence is silence",
        ("silent", "repeated frames"): "each silent frame is like the one before it, anyhow",
        ("u8", "hum"): "samples of another format are not decoded: nobody hears what is in them",
        ("opus", "clipped"): "what is in compressed audio is not heard",
        ("random bytes", "spikes"): "bytes that are no audio have no sound",
        ("rtp inside", "hum"): "payloads that begin with a header are not taken for samples",
        ("wrong rate", "drift"): "a clock that is off by much leaves no place for one that is off "
        "by parts in a million",
        ("pace", "wrong rate"): "at another pace audio of another rate comes at none that exists",
        ("flushed", "jitter"): "who collects frames takes away what each of them was late by",
        ("flushed", "stalls"): "a batch that comes later is a batch",
    }
)


def _made(label: str, kinds: tuple[Kind, ...], strengths: tuple[float, ...], seed: int) -> Stream:
    """One stream: each step is done by the kind that changes it, in order."""
    rng = Random(f"{label}{seed}")
    both = [set(kind.forms) for kind in kinds]
    form = rng.choice([form for form in FORMS if all(form in some for some in both)])
    shared = [name for name in kinds[0].sounds if all(name in kind.sounds for kind in kinds)]
    name, seconds = rng.choice(shared), rng.choice(kinds[0].seconds if len(kinds) == 1 else (12.0,))
    sound = kinds[0].sounds[name](seconds, seed)
    units: list[bytes] | None = None
    frame_s, lag, delivered = 0.02, [], []
    for kind, strength in zip(kinds, strengths, strict=True):
        sound = kind.sound(sound, strength, rng) if kind.sound else sound
        frame_s = kind.frame_s(strength) if kind.units else frame_s
        delivered += [(kind.delivery, strength)] if kind.delivery else []
        lag += kind.lag(strength, rng) if kind.lag else ()
    for kind, strength in zip(kinds, strengths, strict=True):
        units = kind.units(form, sound, strength, rng) if kind.units else units
    sent = packets(form, payloads(form, sound) if units is None else units, rng, frame_s)
    if any(kind.units is irregular for kind in kinds):
        sent = _as_spoken(form, sent)
    for deliver, strength in delivered:
        sent = deliver(sent, strength, rng)
    return Stream(
        f"{label} {name} {form.name} {seconds:g} s seed={seed}",
        "+".join(kind.name for kind in kinds),
        kinds[0].subject if len(kinds) == 1 else "pairs",
        frozenset(name for kind in kinds for name in kind.ids),
        form.encapsulation,
        received(form.encapsulation, sent, rng, tuple(lag)),
        tuple(frozenset(kind.ids) for kind in kinds),
        tuple(lag),
    )


def _as_spoken(form: Form, sent: list[Packet]) -> list[Packet]:
    """Each unit comes when its last sample is there, and its timestamp counts samples."""
    ends = np.cumsum([len(packet.payload) // form.sample_bytes for packet in sent])
    starts = [0, *(int(end) for end, _ in pairwise(ends))] if len(ends) > 1 else [0]
    unit = form.timestamp_step / 160
    return [
        replace(p, time_s=float(end) / RATE_HZ, timestamp=sent[0].timestamp + int(start * unit))
        for p, end, start in zip(sent, ends, starts, strict=True)
    ]


def single_faults(seeds: range, step: int = 1) -> Iterator[Stream]:
    """Every kind at every strength; each seed another form, talker and length. Each step-th."""
    rows = [(seed, k, strength) for seed in seeds for k in KINDS for strength in k.strengths]
    for seed, kind, strength in rows[::step]:
        yield _made(f"{kind.name}={strength:g}", (kind,), (strength,), seed)


def pairs(seeds: range) -> Iterator[Stream]:
    """Two faults at once, in the midst of their strengths."""
    by_name = {kind.name: kind for kind in KINDS}
    for seed in seeds:
        for names in PAIRS:
            kinds = tuple(by_name[name] for name in names)
            strengths = tuple(kind.strengths[len(kind.strengths) // 2] for kind in kinds)
            yield _made("+".join(names), kinds, strengths, seed)


def hidden(seeds: range) -> Iterator[tuple[Stream, frozenset[str]]]:
    """Two faults of which one cannot be told beside the other, and the ids of that one."""
    by_name = {kind.name: kind for kind in KINDS}
    for seed in seeds:
        for names in HIDDEN:
            kinds = tuple(by_name[name] for name in names)
            strengths = tuple(kind.strengths[len(kind.strengths) // 2] for kind in kinds)
            yield _made("+".join(names), kinds, strengths, seed), frozenset(kinds[1].ids)


def healthy(seeds: range, step: int = 1) -> Iterator[Stream]:
    """Nothing is wrong with these, however odd they are. Each step-th."""
    rows = [
        (seed, kind, strength, name)
        for seed in seeds
        for kind in HEALTHY
        for strength in kind.strengths
        for name in kind.sounds
    ]
    for seed, kind, strength, name in rows[::step]:
        one = replace(kind, sounds={name: kind.sounds[name]})
        yield _made(f"{kind.name}={strength:g} {name}", (one,), (strength,), seed)
