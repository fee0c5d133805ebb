"""What RTP says beside its audio is told as that, and is neither lost, late nor out of order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from random import Random

import pytest

from tests.analysis import signalled as make
from tests.corpus.wires import RTP, SLN, Packet, received
from tests.support.spread import LONG
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.findings import Circumstances
from voipbin_cli.analysis.messages import from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import NOTHING, Told
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.codec.payload_types import PayloadType

FULL_MOS = 4.38
SEEDS = range(1, 3 if LONG else 2)
UDP = pytest.mark.parametrize("udp", [False, True], ids=["websocket", "udp"])


def fold(sent: Sequence[Packet], *, udp: bool = False, cuts: Sequence[int] = ()) -> StreamFold:
    messages = received(RTP, sent, Random(1))
    stream = StreamFold(
        RTP, is_datagrams=udp, told=Told(PayloadType(0, "PCMU", 8000, 1)) if udp else NOTHING
    )
    edges = [0, *cuts, len(messages)]
    for start, stop in pairwise(edges):
        stream.add(from_messages(messages[start:stop]))
    stream.flush()
    return stream


def told(sent: Sequence[Packet], *, udp: bool = False) -> StreamDiagnosis:
    return diagnose(fold(sent, udp=udp))


def check_harmless(sent: Sequence[Packet], ids: set[str], *, udp: bool = False) -> StreamDiagnosis:
    """Infos with these ids, nothing else; all of the audio is there and in order."""
    found = told(sent, udp=udp)
    assert {f.id.value for f in found.findings} == ids, found.findings
    assert found.verdict == "ok"
    measured = found.measured
    assert measured.lost_ms == 0
    assert measured.reception is not None
    assert (measured.reception.missing, measured.reception.duplicate) == (0, 0)
    assert measured.quality.value is not None
    assert measured.quality.value >= FULL_MOS
    assert measured.drift.ppm is None or abs(measured.drift.ppm) < 100
    return found


def broken_rules(sent: Sequence[Packet], *, udp: bool = False) -> set[str]:
    """Of `validate`, infos left out."""
    validator = Validator(RTP, is_datagrams=udp)
    messages = from_messages(received(RTP, sent, Random(1)))
    for parts in (validator.add(Direction.IN, messages), validator.finish()):
        list(parts)
    violations = validator.summary()["violations"]
    return {v["rule"] for v in violations if v["severity"] != "info"}


def evidence(found: StreamDiagnosis, name: str) -> dict[str, object]:
    return next(dict(f.evidence) for f in found.findings if f.id == name)


# Silence that is meant

WAYS = {
    "comfort noise and marker": {"noise": True, "marker": True},
    "comfort noise": {"noise": True},
    "comfort noise, timestamps stand still": {"noise": True, "stamped": False},
    "marker": {"marker": True},
    "marker, timestamps stand still": {"marker": True, "stamped": False},
    "timestamps alone": {},
}


@UDP
@pytest.mark.parametrize("silence_s", [0.1, 0.5, 1.5])
@pytest.mark.parametrize("way", WAYS)
def test_silence_that_is_meant_is_not_lost(way: str, silence_s: float, udp: bool) -> None:
    for seed in SEEDS:
        sent = make.spurts(make.spoken(seed), silence_s=silence_s, **WAYS[way])
        found = check_harmless(sent, {"silence-suppression"}, udp=udp)
        proof = evidence(found, "silence-suppression")
        assert proof["pauses"] == 5
        assert proof["longest_ms"] == pytest.approx(silence_s * 1000, abs=20)
        assert proof["comfort_noise_packets"] == (6 if "noise" in way else 0)
        assert broken_rules(sent, udp=udp) == set()


@UDP
def test_a_pause_that_nobody_meant_is_lost_or_the_senders_own(udp: bool) -> None:
    """Over UDP the numbers are the sender's: it waited, unless the sound is cut."""
    for silence_s in (0.1, 0.5, 1.0):
        sent = make.spurts(make.spoken(1), silence_s=silence_s, stamped=False)
        found = told(sent, udp=udp)
        waited_ms = sum(pause.dry_ns for pause in found.measured.dry) / 1e6
        paused_ms = {"lost-audio": found.measured.lost_ms, "underrun": waited_ms}
        assert sorted(paused_ms.values()) == [0, pytest.approx(5000 * silence_s, abs=100)]
        assert paused_ms[found.findings[0].id] > 0
        assert udp or not waited_ms


def test_a_marker_on_every_packet_says_nothing() -> None:
    sent = [Packet(**{**vars(p), "marker": True}) for p in make.paused(make.spoken(1), 5.0, 0.5)]
    assert told(sent).measured.lost_ms == 500


def test_a_stall_over_meant_silence_is_still_one() -> None:
    sent = make.spurts(make.spoken(1), silence_s=0.5, marker=True)
    held = [Packet(**{**vars(p), "time_s": max(p.time_s, 4.4)}) if 3.9 < p.time_s < 4.4 else p
            for p in sent]  # fmt: skip
    found = told(held)
    assert found.measured.lost_ms == 0
    assert max(pause.late_ns for pause in found.measured.stalls) > 350_000_000


@pytest.mark.parametrize(
    ("around", "pause_s", "lost_ms"),
    [
        (Circumstances(members=1), 1.5, 0),
        (Circumstances(is_conference=True), 1.5, 0),  # nobody said how many there are
        (Circumstances(members=2, is_conference=True), 1.5, 1500),
        (Circumstances(), 1.5, 1500),
        (Circumstances(members=1), 0.06, 60),  # no phone is silent for so short
    ],
)
def test_the_only_member_of_a_conference_may_send_nothing(
    around: Circumstances, pause_s: float, lost_ms: int
) -> None:
    stream = StreamFold(SLN)
    sent = make.paused(make.paused(make.spoken(1), 8.0, pause_s), 4.0, pause_s)
    stream.add(from_messages(received(SLN, sent, Random(1))))
    stream.flush()
    found = diagnose(stream, around)
    assert found.measured.lost_ms == 2 * lost_ms
    ids = {f.id.value for f in found.findings}
    assert ids == ({"lost-audio"} if lost_ms else {"silence-suppression"})


# Samples in a second

WITHOUT_AUDIO = {
    "meant silence": lambda sent: make.spurts(sent, silence_s=0.7, every_s=1.0, noise=True),
    "audio that never came": lambda sent: make.paused(sent, 1.0, 0.5),
    "missing numbers": lambda sent: [packet for n, packet in enumerate(sent) if n % 10],
    "nothing": lambda sent: list(sent),
}


@UDP
@pytest.mark.parametrize("frames", [100, 400])  # two seconds show no clock, eight do
@pytest.mark.parametrize("what", WITHOUT_AUDIO)
def test_samples_are_counted_while_audio_flows(what: str, frames: int, udp: bool) -> None:
    measured = fold(WITHOUT_AUDIO[what](make.spoken(1)[:frames]), udp=udp).measured()
    assert measured.samples_hz == pytest.approx(8000, abs=25)


@UDP
@pytest.mark.parametrize("apart_s", [0.0, 0.005])
def test_what_comes_twice_is_counted_once(apart_s: float, udp: bool) -> None:
    sent = [
        Packet(**{**vars(p), "time_s": p.time_s + late})
        for p in make.spoken(1)[:200]
        for late in (0.0, apart_s)
    ]
    measured = fold(sent, udp=udp).measured()
    # RFC 3550 A.1 counts from the second number on: of 199 steps one may seem to have two frames.
    assert measured.samples_hz == pytest.approx(8000, rel=1.5 / 199)
    assert measured.mean_hz == pytest.approx(8000, rel=1.5 / 199)


# Digits


@UDP
@pytest.mark.parametrize("in_place", [False, True])
def test_digits_are_told_and_cost_no_audio(in_place: bool, udp: bool) -> None:
    for seed in SEEDS:
        sent = make.with_keys(make.spoken(seed), "1590*#D", in_place=in_place)
        found = check_harmless(sent, {"telephone-events"}, udp=udp)
        assert evidence(found, "telephone-events") == {
            "digits": "1590*#D",
            "events": 7,
            "packets": 56,
            "longest_ms": 120.0,
        }
        assert broken_rules(sent, udp=udp) == set()


@UDP
def test_a_stream_of_digits_alone_is_no_stream_without_audio(udp: bool) -> None:
    keys = [p for p in make.with_keys(make.spoken(1), "55", in_place=True) if p.payload_type]
    # The last packet of an event three times with one number: RFC 4733 2.5.1.4 wants three.
    keys = [Packet(**{**vars(p), "sequence": 7 + n - (n % 8 - 5) * (n % 8 > 5) - n // 8 * 2})
            for n, p in enumerate(keys)]  # fmt: skip
    found = told(keys, udp=udp)
    assert [f.id.value for f in found.findings] == ["telephone-events"]
    assert evidence(found, "telephone-events")["digits"] == "55"


def test_comfort_noise_alone_is_a_sender_that_is_silent() -> None:
    noise = [Packet(n * 0.2, b"\x40", n, n * 1600, 7, 13) for n in range(50)]
    found = told(noise)
    assert {f.id.value for f in found.findings} == {"no-audio", "silence-suppression"}
    assert found.verdict == "ok"


# What begins anew

MOVES = {
    "ssrc": {"ssrc": 77},
    "ssrc with all else": {"ssrc": 77, "sequence": 12_345, "timestamp": 99_999_999},
    "ssrc with few numbers between": {"ssrc": 77, "sequence": 500, "timestamp": 99_999},
    "sequence back": {"sequence": -700},
    "sequence far on": {"sequence": 20_000},
    "sequence a little on": {"sequence": 300},
    "timestamp on": {"timestamp": 800_000},
    "timestamp back": {"timestamp": -80_000},
    "both": {"sequence": 400, "timestamp": -80_000},
}


@UDP
@pytest.mark.parametrize("gap_s", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("moved", MOVES)
def test_a_source_that_begins_anew_is_told_and_nothing_else(
    moved: str, gap_s: float, udp: bool
) -> None:
    if udp and "ssrc" in moved:
        return  # each source is a stream of its own there
    for seed in SEEDS:
        anew = make.restarted(make.spoken(seed), 5.0, **MOVES[moved])
        found = check_harmless(make.paused(anew, 5.0, gap_s), {"stream-restart"}, udp=udp)
        proof = evidence(found, "stream-restart")
        assert (proof["restarts"], proof["first_frame"]) == (1, 250)
        assert proof.get(moved.split()[0], 1) == 1
        assert (found.measured.jitter.max_ms or 0) < 5 + 1000 * gap_s / 16


def test_a_late_packet_of_the_old_source_is_a_stray() -> None:
    sent = make.restarted(make.spoken(1), 5.0, ssrc=77, sequence=9)
    sent[252] = Packet(**{**vars(make.spoken(1)[249]), "time_s": sent[252].time_s})
    found = told(sent)
    assert {f.id.value: f.severity.value for f in found.findings}["stream-restart"] == "info"


def test_a_number_that_is_far_from_both_its_neighbours_is_refused() -> None:
    sent = make.spoken(1)
    sent[250] = Packet(**{**vars(sent[250]), "sequence": sent[250].sequence + 20_000})
    found = told(sent)
    assert found.measured.said.restarts == ()
    assert abs(found.measured.duration_s - make.SECONDS) < 0.1


@pytest.mark.parametrize("in_a_row", [1, 2, 3])
def test_two_sources_at_a_time_are_named(in_a_row: int) -> None:
    for seed in SEEDS:
        sent = make.interleaved(make.spoken(seed), make.spoken(seed + 10), in_a_row)
        found = told(sent)
        assert [f.id.value for f in found.findings if f.severity.value != "info"] == ["sequence"]
        assert found.findings[0].title.startswith("two sources send at the same time")
        (others,) = evidence(found, "sequence")["other_sources"].values()  # type: ignore[attr-defined]
        assert others == 600


def test_bytes_that_are_no_header_are_of_no_source() -> None:
    """Each SSRC once: what is measured is all of it, whatever it is."""
    rng = Random(3)
    sent = [Packet(**{**vars(p), "ssrc": rng.randrange(1 << 32)}) for p in make.spoken(1)]
    found = told(sent)
    assert found.measured.frames == len(sent)
    assert found.measured.said.others == {}


# A codec that changes as its label says


@UDP
def test_a_codec_that_changes_as_its_label_says_is_no_mismatch(udp: bool) -> None:
    for seed in SEEDS:
        sent = make.relabelled(seed, 6.0)
        found = check_harmless(sent, {"stream-restart"}, udp=udp)
        assert evidence(found, "stream-restart")["codecs"] == [
            {"frame": 300, "from": "0 (PCMU)", "to": "8 (PCMA)"}
        ]
        assert broken_rules(sent, udp=udp) == set()


@UDP
def test_a_codec_that_changes_under_its_label_is_one(udp: bool) -> None:
    for seed in SEEDS:
        sent = [
            Packet(**{**vars(p), "payload_type": 0, "marker": False})
            for p in make.relabelled(seed, 6.0)
        ]
        assert told(sent, udp=udp).findings[0].id == "codec-mismatch"


# The same however it is cut


@pytest.mark.parametrize("seed", range(6))
def test_any_cut_tells_the_same(seed: int) -> None:
    rng = Random(seed)
    spoken = make.spoken(1)
    streams = (
        make.spurts(spoken, silence_s=0.5, noise=True, marker=bool(seed % 2)),
        make.with_keys(spoken, "12", in_place=bool(seed % 2)),
        make.restarted(spoken, 5.0, ssrc=77, sequence=500, timestamp=1 << 20),
        make.restarted(spoken, 5.0, sequence=-700),
        make.interleaved(spoken, make.spoken(2), 2),
        make.relabelled(1, 6.0),
    )
    sent = streams[seed]
    whole = fold(sent).measured()
    cuts = sorted(rng.randrange(len(sent)) for _ in range(40))
    assert fold(sent, cuts=cuts).measured() == whole
