"""A stream that is no telephone audio, diagnosed: what it is, and nothing that is not so."""

from __future__ import annotations

import random
from itertools import product
from zlib import crc32

import pytest

from tests.codec.foreign import FOREIGN, NONE, NOT_AUDIO
from tests.corpus.sounds import VOICES, Pcm, talker
from tests.support.spread import spread
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.findings.row import SIGNAL
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.analysis.told import Told
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation, Packer
from voipbin_cli.codec.payload_types import PayloadType
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.diagnosis import show_diagnosis

pytestmark = pytest.mark.slow

SECONDS = 8
# Told by the misread samples, or by how many of them there seem to be.
UNTRUE = SIGNAL | {
    FindingId.CLOCK_DRIFT,
    FindingId.WRONG_RATE,
    FindingId.FRAME_SIZE,
    FindingId.BYTE_ORDER,
    FindingId.MISALIGNED,
    FindingId.LOST_AUDIO,
    FindingId.NETWORK_STALL,
}


def stream(payloads: list[bytes], encapsulation: Encapsulation, seed: int) -> list[TimedMessage]:
    """One payload each 20 ms or so, as a quiet machine reads them."""
    rng = random.Random(seed)
    packer = Packer(encapsulation, payload_type=96, ssrc=seed % 2, sequence_number=1, timestamp=160)
    frame_ns = round(SECONDS * 1e8 / len(payloads)) * 10
    return [
        TimedMessage(packer.pack(data, 160), n * frame_ns + round(rng.expovariate(1 / 4e5)))
        for n, data in enumerate(payloads)
    ]


def diagnosed(
    messages: list[TimedMessage], encapsulation: Encapsulation, size: int
) -> StreamDiagnosis:
    fold = StreamFold(encapsulation)
    for at in range(0, len(messages), size):
        fold.add(from_messages(messages[at : at + size]))
    fold.flush()
    return diagnose(fold)


def spoken(seed: int) -> Pcm:
    return talker(VOICES[seed % len(VOICES)], SECONDS, seed)


@pytest.mark.parametrize(("name", "encapsulation"), spread(FOREIGN, Encapsulation))
def test_what_it_is_comes_first(name: str, encapsulation: Encapsulation) -> None:
    wanted, make = FOREIGN[name]
    seed = crc32(f"{name}{encapsulation}".encode()) % 100
    messages = stream(make(spoken(seed)), encapsulation, seed)
    found = diagnosed(messages, encapsulation, 100)
    first = found.findings[0]
    assert first.severity is Severity.ERROR
    if wanted == NOT_AUDIO:
        assert first.id == "not-audio"
    else:
        assert first.id == "codec-mismatch"
        assert first.evidence["found"] == (None if wanted == NONE else wanted)
        assert found.as_fields()["codec"] is None
        assert found.measured.quality.value is None
        assert found.as_fields()["metrics"]["level_dbfs"] == dict.fromkeys(
            ("rms", "peak", "uncertainty_db")
        )
    has_headers = found.measured.file_headers is not None
    assert has_headers or not UNTRUE & {finding.id for finding in found.findings}
    assert diagnosed(messages, encapsulation, 7).as_fields() == found.as_fields()


@pytest.mark.parametrize(("asked", "sent"), [*product(Encapsulation, repeat=2)])
def test_another_encapsulation_comes_first(asked: Encapsulation, sent: Encapsulation) -> None:
    pcm = spoken(3).tobytes()
    for codec in (Codec.MULAW, Codec.S16LE):
        size = 160 * codec.sample_bytes
        data = encode(codec, pcm)
        payloads = [data[at : at + size] for at in range(0, len(data), size)]
        found = diagnosed(stream(payloads, sent, 2), asked, 50)
        loud = [row.id for row in found.findings if row.severity is not Severity.INFO]
        assert loud == ([] if asked is sent else ["encapsulation-mismatch"])
        if loud:
            assert found.findings[0].evidence["found"] == sent.value
            assert len(found.findings) == 1
            _knows_nothing_of_headers(found)


def _knows_nothing_of_headers(found: StreamDiagnosis) -> None:
    """What rests on fields that are none is null; when messages came is known all the same."""
    fields = found.as_fields()
    metrics = fields["metrics"]
    assert (fields["dialect"], fields["codec"]) == (None, None)
    for name in ("sequence", "jitter_clock_hz", "lost_audio_ms", "frame_ms", "buffers"):
        assert metrics[name] is None
    for name in ("interarrival_jitter_ms", "stalls", "delay_variation", "level_dbfs"):
        assert set(metrics[name].values()) == {None}
    assert metrics["mos"]["value"] is None
    assert metrics["mos"]["reason"]
    assert metrics["frames"] == found.measured.frames
    show_diagnosis({"findings": [], **fields})


@pytest.mark.parametrize("name", ["json", "html"])
@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_messages_of_nothing_but_text(name: str, encapsulation: Encapsulation) -> None:
    texts = [
        TimedMessage(data, n * 20_000_000) for n, data in enumerate(FOREIGN[name][1](spoken(1)))
    ]
    found = diagnosed(texts, encapsulation, 50)
    assert found.findings[0].id == "not-audio"
    assert found.findings[0].evidence["found"].startswith(("JSON", "HTML"))
    assert (len(found.findings), found.as_fields()["codec"]) == (1, None)


@pytest.mark.parametrize(
    ("payload_type", "told"), [(0, True), (8, True), (9, False), (18, False), (111, False)]
)
def test_of_a_phone_only_what_its_label_denies(payload_type: int, told: bool) -> None:
    """RTP over UDP carries many a codec; a label of G.711 says that this one is none of them."""
    packer = Packer(
        Encapsulation.RTP, payload_type=payload_type, ssrc=7, sequence_number=1, timestamp=160
    )
    payloads = FOREIGN["encrypted-160"][1](spoken(2))
    fold = StreamFold(
        Encapsulation.RTP, is_datagrams=True, told=Told(PayloadType(0, "PCMU", 8000, 1))
    )
    rows = [TimedMessage(packer.pack(p, 160), n * 20_000_000) for n, p in enumerate(payloads)]
    fold.add(from_messages(rows))
    fold.flush()
    ids = {finding.id for finding in diagnose(fold).findings}
    assert (FindingId.CODEC_MISMATCH in ids) is told
    assert not UNTRUE & ids


def test_what_begins_in_mid_stream_is_named() -> None:
    pcm = spoken(5)
    data = encode(Codec.MULAW, pcm.tobytes())
    speech = [data[at : at + 160] for at in range(0, len(data), 160)]
    for name in ("mp3", "encrypted-160", "u8"):
        payloads = speech[:200] + FOREIGN[name][1](pcm)[:200]
        found = diagnosed(stream(payloads, Encapsulation.RTP, 1), Encapsulation.RTP, 100)
        assert found.findings[0].id == "codec-mismatch"
