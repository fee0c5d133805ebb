"""L16 at other rates and GSM are heard: their payloads become samples at 8 kHz."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.capture import frames as f
from tests.sounds import talkers
from voipbin_cli.analysis.arrivals.arrival_log import ArrivalReader, Arrivals
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.payload_types import PayloadType
from voipbin_cli.offline.diagnose import FileDiagnosis, diagnose_file
from voipbin_cli.offline.transcoding import transcoder

L16_44K1, L16_16K, GSM, G722 = (
    PayloadType(11, "L16", 44_100, 1),
    PayloadType(97, "L16", 16_000, 2),
    PayloadType(3, "GSM", 8000, 1),
    PayloadType(9, "G722", 8000, 1),
)


def l16(sound: Any, rate_hz: int, channels: int) -> list[bytes]:
    """20 ms a payload, all channels alike."""
    samples = np.repeat(np.rint(sound).astype(">i2"), channels).tobytes()
    size = rate_hz // 50 * channels * 2
    return [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)]


def gsm(sound: Any) -> list[bytes]:
    file = io.BytesIO()
    soundfile.write(file, sound / 32768, 8000, format="RAW", subtype="GSM610")
    data = file.getvalue()
    return [data[at : at + 33] for at in range(0, len(data), 33)]


def g722(sound: Any) -> list[bytes]:
    """By libg722's encoder, from 16 kHz; its decoder is held against FFmpeg's (tests/media)."""
    library = pytest.importorskip("G722")
    wide = np.rint(soxr.resample(sound, 8000, 16_000, "VHQ")).astype(np.int16)
    data = bytes(library.G722(16_000, 64_000).encode(wide))
    return [data[at : at + 160] for at in range(0, len(data), 160)]


def packets(payloads: list[bytes], payload_type: int, step: int) -> list[bytes]:
    heads = (
        struct.pack(">BBHII", 0x80, payload_type, n & 0xFFFF, n * step, 7)
        for n in range(len(payloads))
    )
    return [head + payload for head, payload in zip(heads, payloads, strict=True)]


def rows_of(codec: PayloadType, payloads: list[bytes]) -> Arrivals:
    messages = [TimedMessage(p, n) for n, p in enumerate(packets(payloads, codec.number, 160))]
    return ArrivalReader(Encapsulation.RTP).read(from_messages(messages))


def tone(rate_hz: int) -> Any:
    return 10_000 * np.sin(2 * np.pi * 500 * np.arange(rate_hz) / rate_hz)


FORMS = {
    "44.1 kHz": (L16_44K1, l16(tone(44_100), 44_100, 1)),
    "16 kHz, two channels": (L16_16K, l16(tone(16_000), 16_000, 2)),
    "GSM": (GSM, gsm(tone(8000))),
    "G.722": (G722, g722(tone(8000))),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("cuts", [[0, 50], [0, 1, 2, 17, 50]])
def test_a_tone_stays_what_it_was_however_it_came_in_pieces(name: str, cuts: list[int]) -> None:
    codec, payloads = FORMS[name]
    make = transcoder(codec)
    assert make is not None
    rows = rows_of(codec, payloads)
    found = b""
    for start, stop in pairwise(cuts):
        made = make(rows.chosen(slice(start, stop)))
        assert abs(made.length - 320).max() <= 2
        found += b"".join(made.payload(n) for n in range(len(made)))
    samples = np.frombuffer(found, ">i2").astype(float)
    assert samples.size == 8000
    steady = samples[800:]
    assert np.abs(np.fft.rfft(steady)).argmax() == 500 * steady.size / 8000
    assert np.sqrt(np.mean(steady**2)) == pytest.approx(10_000 / np.sqrt(2), rel=0.05)


def test_other_payload_types_of_the_stream_stay_as_they_are() -> None:
    make = transcoder(GSM)
    assert make is not None
    rows = rows_of(PayloadType(0, "PCMU", 8000, 1), [b"\xff" * 160] * 3)
    assert make(rows) is rows


@pytest.mark.parametrize(
    "codec",
    [
        None,
        PayloadType(0, "PCMU", 8000, 1),
        PayloadType(96, "L16", 8000, 1),
        PayloadType(96, "L16", 90_000_000, 1),
        PayloadType(96, "L16", 48_000, 6),
        PayloadType(18, "G729", 8000, 1),
    ],
)
def test_what_needs_none_or_has_none(codec: PayloadType | None) -> None:
    assert transcoder(codec) is None


def diagnosed(path: Path, payloads: list[bytes], payload_type: int, step: int) -> FileDiagnosis:
    rows = packets(payloads, payload_type, step)
    path.write_bytes(
        f.pcap([(n * 20_000_000, f.ethernet(f.ipv4(f.udp(row)))) for n, row in enumerate(rows)])
    )
    return diagnose_file(str(path))


def test_speech_in_either_is_healthy_and_heard(tmp_path: Path) -> None:
    speech = talkers.talker("en-us", 1, 5.0)
    wide = soxr.resample(speech, 8000, 44_100, "VHQ")
    for payloads, number, step in (
        (l16(wide, 44_100, 1), 11, 882),
        (gsm(speech), 3, 160),
        (g722(speech), 9, 160),
    ):
        found = diagnosed(tmp_path / "call.pcap", payloads, number, step)
        told = [one["id"] for one in found.summary["findings"] if one["severity"] != "info"]
        assert told == []
        level = found.summary["metrics"]["level_dbfs"]["rms"]
        assert level == pytest.approx(20 * np.log10(np.sqrt(np.mean(speech**2)) / 32768), abs=1)
        assert found.summary["metrics"]["mos"]["value"] is None
        assert found.summary["transcoded"]["codec"] == {11: "L16", 3: "GSM", 9: "G722"}[number]
        own = ", level and clipping at its own rate" if number == 11 else ""
        assert next(iter(found.remarks)).endswith(f"its sound judged at 8000 Hz{own}")


def test_clipping_is_that_of_the_samples_as_they_came(tmp_path: Path) -> None:
    """At 8 kHz less than a third of it would be left."""
    loud = soxr.resample(talkers.talker("en-us", 1, 5.0), 8000, 44_100, "VHQ") * 8
    clipped = np.clip(loud, -32768, 32767)
    share = np.mean(np.abs(clipped) >= 32767)
    fields = diagnosed(tmp_path / "call.pcap", l16(clipped, 44_100, 1), 11, 882).summary
    assert [finding["id"] for finding in fields["findings"]] == ["clipping"]
    assert fields["metrics"]["clipping_ratio"] == pytest.approx(share, rel=0.02)


def test_level_is_that_of_the_whole_band_and_of_both_channels(tmp_path: Path) -> None:
    """A tone of 6 kHz at half of full scale in one channel of two: nothing is left at 8 kHz.

    Its mean square is 1/8 in one channel, and 1/16 of both: -12 dB. The offset of both is 1/64.
    """
    tone = 16_384 * np.sin(2 * np.pi * 6000 / 44_100 * np.arange(5 * 44_100))
    both = np.stack([tone + 512, np.full(tone.size, 512)], axis=1).ravel()
    metrics = diagnosed(tmp_path / "call.pcap", l16(both, 44_100, 2), 10, 882).summary["metrics"]
    level = metrics["level_dbfs"]
    assert level["rms"] == pytest.approx(-12.0, abs=0.1)
    assert level["peak"] == pytest.approx(20 * np.log10(16_896 / 32_768), abs=0.02)
    assert metrics["dc_offset"] == pytest.approx(1 / 64, abs=1e-3)
    assert metrics["silence_ratio"] == pytest.approx(0.0)


def test_what_is_labelled_g722_and_holds_what_it_never_sends_is_not_listened_to(
    tmp_path: Path,
) -> None:
    """SRTP without a word of its keys."""
    payloads = [np.random.default_rng(n).bytes(170) for n in range(100)]
    (finding,) = diagnosed(tmp_path / "call.pcap", payloads, 9, 160).summary["findings"]
    assert (finding["id"], finding["severity"]) == ("unjudged-codec", "info")


def test_without_the_extra_the_delivery_of_g722_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    payloads = g722(talkers.talker("en-us", 1, 2.0))
    monkeypatch.setattr("voipbin_cli.media.g722.find_spec", lambda _: None)
    (finding,) = diagnosed(tmp_path / "call.pcap", payloads, 9, 160).summary["findings"]
    assert finding["id"] == "unjudged-codec"
    assert "voipbin[g722]" in finding["remedy"]


def test_a_broken_packet_among_g722_is_passed_by(tmp_path: Path) -> None:
    """Its header says eight contributing sources, and there are none."""
    payloads = g722(talkers.talker("en-us", 1, 2.0))
    rows = packets(payloads, 9, 160)
    rows[3] = b"\x88" + rows[3][1:14]
    path = tmp_path / "call.pcap"
    path.write_bytes(
        f.pcap([(n * 20_000_000, f.ethernet(f.ipv4(f.udp(row)))) for n, row in enumerate(rows)])
    )
    assert diagnose_file(str(path)).summary["transcoded"]["codec"] == "G722"
