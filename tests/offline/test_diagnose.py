"""Captures of others: several streams, odd link layers, SDP; tshark is the witness."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.capture.frames import ethernet, ipv4, ipv6, pcap, udp, vlan
from tests.capture.tshark import rtp_streams
from tests.support.cli import voipbin
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.simulator.talker import speech

MS = 1_000_000
START = 1_700_000_000_000 * MS
_PCM = speech(3, 20.0).tobytes()
SDP = (
    b"INVITE sip:x@example.invalid SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
    b"m=audio 5004 RTP/AVP 97\r\na=rtpmap:97 L16/16000\r\n"
)


def _packet(
    n: int, *, payload_type: int = 0, codec: Codec = Codec.MULAW, ssrc: int = 7, step: int = 160
) -> bytes:
    pcm = _PCM[n % 1000 * 320 : (n % 1000 + 1) * 320]
    sequence, stamp = (65_000 + n) & 0xFFFF, (0xFFFFF000 + n * step) & 0xFFFFFFFF
    header = struct.pack("!BBHII", 0x80, payload_type, sequence, stamp, ssrc)
    return header + encode(codec, pcm)


def _times(count: int, seed: int, jitter_ms: float = 2.0) -> list[int]:
    rng = random.Random(seed)
    # Whole microseconds: classic pcap has no more.
    return [
        START + n * 20 * MS + int(rng.uniform(0, jitter_ms) * 1000) * 1000 for n in range(count)
    ]


def _write(path: Path, rows: list[tuple[int, bytes]]) -> Path:
    path.write_bytes(pcap(sorted(rows)))
    return path


def _measured(path: Path) -> list[dict[str, object]]:
    streams = diagnose_file(str(path)).streams
    return [stream.diagnosis.as_fields()["metrics"] for stream in streams]


@pytest.mark.parametrize("seed", range(3))
def test_the_figures_agree_with_tshark(seed: int, tmp_path: Path) -> None:
    """Delta, jitter, packets and losses of a static payload type, loss and all."""
    rng = random.Random(seed)
    kept = [n for n in range(1500) if n < 3 or rng.random() > 0.02]
    times = _times(1500, seed, 8.0)
    rows = [(times[n], ethernet(ipv4(udp(_packet(n), ports=(4000, 5004))))) for n in kept]
    path = _write(tmp_path / "leg.pcap", rows)
    (ours,) = _measured(path)
    (theirs,) = rtp_streams(path, "-d", "udp.port==5004,rtp")
    assert int(theirs["packets"]) == ours["frames"] == len(kept)
    interval, jitter = ours["frame_interval_ms"], ours["interarrival_jitter_ms"]
    assert interval["min"] == pytest.approx(float(theirs["min_delta"]), abs=2e-3)  # type: ignore[index]
    assert interval["mean"] == pytest.approx(float(theirs["mean_delta"]), abs=2e-3)  # type: ignore[index]
    assert interval["max"] == pytest.approx(float(theirs["max_delta"]), abs=2e-3)  # type: ignore[index]
    assert jitter["mean"] == pytest.approx(float(theirs["mean_jitter"]), abs=2e-3)  # type: ignore[index]
    assert jitter["max"] == pytest.approx(float(theirs["max_jitter"]), abs=2e-3)  # type: ignore[index]
    assert ours["sequence"]["missing"] == int(theirs["lost"])  # type: ignore[index]


def test_several_streams_are_told_each_on_its_own(tmp_path: Path) -> None:
    near, far = _times(400, 1), _times(400, 2)
    rows = [(at, ethernet(ipv4(udp(_packet(n), ports=(4000, 5004))))) for n, at in enumerate(near)]
    for n, at in enumerate(far):
        if n % 10:  # one in ten is lost
            back = _packet(n, payload_type=8, codec=Codec.ALAW, ssrc=9)
            rows.append((at, vlan(ipv6(udp(back, ports=(5004, 4000))), 0x86DD)))
    rows += [(at, ethernet(ipv4(udp(b"\x12\x34" * 20, ports=(53, 5353))))) for at in near[::40]]
    path = _write(tmp_path / "both.pcap", rows)
    result = voipbin("stream", "diagnose", str(path), "--json", cwd=tmp_path)
    streams = [event for event in result.events if event["event"] == "stream"]
    assert [s["verdict"] for s in streams] == ["bad", "ok"]
    assert [s["codec"] for s in streams] == ["alaw", "mulaw"]
    assert streams[0]["findings"][0]["id"] == "sequence"
    assert streams[0]["metrics"]["sequence"]["missing"] == 39  # numbers before the first count not
    assert "2001:db8::1" in streams[0]["stream"]
    assert result.summary["verdict"] == "bad"
    assert result.summary["streams"] == 2
    assert result.status == 6


def test_a_phone_leg_of_a_law_or_big_endian_audio_is_healthy(tmp_path: Path) -> None:
    """What is wrong on the platform's stream is right by RFC 3551."""
    rows = [
        (at, ethernet(ipv4(udp(_packet(n, payload_type=8, codec=Codec.ALAW)))))
        for n, at in enumerate(_times(300, 4))
    ]
    rows += [
        (at, ethernet(ipv4(udp(_packet(n, payload_type=97, codec=Codec.S16BE, ssrc=5)))))
        for n, at in enumerate(_times(300, 5))
    ]
    path = _write(tmp_path / "leg.pcap", rows)
    streams = diagnose_file(str(path)).streams
    assert [stream.diagnosis.verdict for stream in streams] == ["ok", "ok"]


def test_the_clock_of_a_dynamic_payload_type_comes_from_sdp(tmp_path: Path) -> None:
    """L16 at 16 kHz: 320 samples and 320 ticks each 20 ms."""
    rows = [(START - MS, ethernet(ipv4(udp(SDP, ports=(5060, 5060)))))]
    for n, at in enumerate(_times(300, 6)):
        body = _packet(n, payload_type=97, codec=Codec.S16BE, step=320) + bytes(320)
        rows.append((at, ethernet(ipv4(udp(body)))))
    (ours,) = _measured(_write(tmp_path / "leg.pcap", rows))
    assert ours["jitter_clock_hz"] == 16_000
    assert ours["interarrival_jitter_ms"]["max"] < 3  # type: ignore[index]


def test_a_pause_between_talk_spurts_is_no_lost_audio(tmp_path: Path) -> None:
    """Silence suppression: timestamps jump with the clock, and nothing is missing."""
    rows = []
    for n, at in enumerate(_times(600, 7)):
        if n % 200 < 120:
            number = n // 200 * 120 + n % 200
            header = struct.pack("!BBHII", 0x80, 0x80 * (n % 200 == 0), number, n * 160, 7)
            rows.append((at, ethernet(ipv4(udp(header + _packet(n)[12:])))))
    (ours,) = _measured(_write(tmp_path / "leg.pcap", rows))
    assert ours["lost_audio_ms"] == 0
    assert ours["stalls"]["count"] == 0  # type: ignore[index]


def test_a_capture_without_a_stream_is_nothing_to_judge(tmp_path: Path) -> None:
    path = _write(tmp_path / "dns.pcap", [(START, ethernet(ipv4(udp(b"\x12\x34" * 20))))])
    result = voipbin("stream", "diagnose", str(path), cwd=tmp_path)
    assert result.status == 3
    assert "no RTP stream" in result.stderr


def test_the_platforms_own_capture_of_a_call_is_fetched_and_diagnosed(tmp_path: Path) -> None:
    with EmbeddedSimulator("hang-up") as simulator:
        env = {"VOIPBIN_TOKEN": simulator.token, "VOIPBIN_API_URL": simulator.api_url}
        target = f"call/{simulator.call_id}"
        voipbin("stream", "record", target, "-d", "3", "-o", "c.wav", cwd=tmp_path, env=env)
        command = ("stream", "diagnose", "--pcap", target, "--json")
        result = voipbin(*command, cwd=tmp_path, env=env)
    assert result.status == 0, result.stderr
    assert result.summary["metrics"]["frames"] > 20
    assert simulator.token not in result.stderr + result.stdout.decode()


def test_only_a_call_has_such_a_capture(tmp_path: Path) -> None:
    result = voipbin("stream", "diagnose", "--pcap", "sim", cwd=tmp_path)
    assert result.status == 2
    assert "for a call" in result.stderr
