"""Captures of others: several streams, odd link layers, SDP; tshark is the witness."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import pytest

from tests.capture.frames import ethernet, ipv4, ipv6, pcap, udp, vlan
from tests.capture.tshark import rtp_streams
from tests.support.cli import here, voipbin
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.validate import validate_file
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
    result = here("stream", "diagnose", str(path), "--json", cwd=tmp_path)
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


MULAW, ALAW = (0, Codec.MULAW), (8, Codec.ALAW)


def _labelled(n: int, form: tuple[int, Codec]) -> bytes:
    return _packet(n, payload_type=form[0], codec=form[1])


@pytest.mark.parametrize(
    ("first", "then", "rule"),
    [
        (MULAW, MULAW, None),
        (ALAW, ALAW, None),
        (MULAW, ALAW, None),  # with its label
        ((0, Codec.ALAW), (0, Codec.ALAW), "audio-alaw"),
        ((8, Codec.MULAW), (8, Codec.MULAW), "audio-mulaw"),
        ((0, Codec.S16LE), (0, Codec.S16LE), "audio-linear"),
        (MULAW, (0, Codec.ALAW), "audio-alaw"),
    ],
)
def test_a_phones_label_is_held_against_it_by_both_commands(
    first: tuple[int, Codec], then: tuple[int, Codec], rule: str | None, tmp_path: Path
) -> None:
    rows = [
        (at, ethernet(ipv4(udp(_labelled(n, first if n < 150 else then)))))
        for n, at in enumerate(_times(300, 4))
    ]
    path = _write(tmp_path / "leg.pcap", rows)
    (stream,) = diagnose_file(str(path)).streams
    found = {finding.id for finding in stream.diagnosis.findings}
    assert ("codec-mismatch" in found) is bool(rule)
    broken = {
        violation["rule"]
        for violation in validate_file(str(path)).summary["violations"]
        if violation["severity"] == "error"
    }
    assert broken == ({rule} if rule else set())


@pytest.mark.parametrize(("step", "hz"), [(320, 16_000), (0, 0), (20, 1000), (97_777, None)])
def test_timestamps_that_do_not_count_samples_are_an_info(
    step: int, hz: int | None, tmp_path: Path
) -> None:
    stamps = [n * step if hz is not None else n * n * step for n in range(150)]
    rows = [
        (at, ethernet(ipv4(udp(struct.pack("!BBHII", 0x80, 0, n, stamp, 7) + _packet(n)[12:]))))
        for n, (at, stamp) in enumerate(zip(_times(150, 4), stamps, strict=True))
    ]
    (stream,) = diagnose_file(str(_write(tmp_path / "leg.pcap", rows))).streams
    found = {finding.id: finding for finding in stream.diagnosis.findings}
    assert found["timestamp-rate"].evidence["clock_hz"] == hz
    assert stream.diagnosis.verdict == "ok"


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
    result = here("stream", "diagnose", str(path), cwd=tmp_path)
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
    result = here("stream", "diagnose", "--pcap", "sim", cwd=tmp_path)
    assert result.status == 2
    assert "for a call" in result.stderr


# Codecs by name, cut and encrypted captures, mirrors


def _sip(media: str, *, address: str = "192.0.2.1") -> bytes:
    head = "INVITE sip:x@example.invalid SIP/2.0\r\nCall-ID: a\r\n\r\nv=0\r\no=- 0 0 IN IP4 x\r\n"
    return f"{head}c=IN IP4 {address}\r\n{media}\r\n".encode()


def _leg(
    payload_type: int,
    *,
    step: int,
    size: int,
    count: int = 300,
    seed: int = 1,
    frame_ms: float = 20,
    octets: bytes = b"",
) -> list[tuple[int, bytes]]:
    """Packets of bytes that nobody can read, or of the given ones, on time within 2 ms."""
    rng = random.Random(seed)
    rows = []
    for n in range(count):
        stamp = (0xFFFFF000 + n * step) & 0xFFFFFFFF
        header = struct.pack("!BBHII", 0x80, payload_type, (65_000 + n) & 0xFFFF, stamp, 9)
        at = START + int(n * frame_ms * 1000) * 1000 + rng.randrange(2000) * 1000
        data = header + (octets or rng.randbytes(size))
        rows.append((at, ethernet(ipv4(udp(data, ports=(4000, 5004))))))
    return rows


def _findings(path: Path) -> list[list[tuple[str, str]]]:
    told = diagnose_file(str(path)).streams
    return [[(f.id.value, f.severity.value) for f in one.diagnosis.findings] for one in told]


NO_SOUND = ("silence_ratio", "clipping_ratio", "dc_offset", "noise_dbfs", "upstream_loss_ms")
NAMED = [
    # Static: payload type, rtpmap, ticks and bytes a frame, ms a frame, clock.
    (4, None, 240, 24, 30.0, 8000),  # G723
    (9, None, 160, 160, 20.0, 8000),  # G722: 16 kHz, and a clock of 8
    (15, None, 160, 40, 20.0, 8000),  # G728
    (18, None, 160, 20, 20.0, 8000),  # G729
    (18, None, 80, 10, 10.0, 8000),
    (111, "opus/48000/2", 960, 70, 20.0, 48_000),
    (96, "opus/48000/2", 2880, 170, 60.0, 48_000),
    (98, "AMR-WB/16000", 320, 61, 20.0, 16_000),
    (99, "iLBC/8000", 240, 50, 30.0, 8000),
]


@pytest.mark.parametrize(("number", "rtpmap", "step", "size", "frame_ms", "clock_hz"), NAMED)
def test_of_a_codec_that_is_named_and_not_decoded_delivery_is_told(
    number: int,
    rtpmap: str | None,
    step: int,
    size: int,
    frame_ms: float,
    clock_hz: int,
    tmp_path: Path,
) -> None:
    rows = _leg(number, step=step, size=size, frame_ms=frame_ms)
    if rtpmap:
        sdp = _sip(f"m=audio 4000 RTP/AVP {number}\r\na=rtpmap:{number} {rtpmap}")
        rows.insert(0, (START - MS, ethernet(ipv4(udp(sdp, ports=(5060, 5060))))))
    path = _write(tmp_path / "leg.pcap", rows)
    assert _findings(path) == [[("unjudged-codec", "info")]]
    (told,) = _measured(path)
    assert told["frame_ms"] == frame_ms
    assert told["jitter_clock_hz"] == clock_hz
    assert told["interarrival_jitter_ms"]["max"] < 2  # type: ignore[index]
    assert told["sequence"]["missing"] == 0  # type: ignore[index]
    assert {name: told[name] for name in NO_SOUND} == dict.fromkeys(NO_SOUND)
    assert told["mos"]["value"] is None  # type: ignore[index]
    assert "not decoded" in told["mos"]["reason"]  # type: ignore[index]


@pytest.mark.parametrize("sizes", [(29, 29), (34, 51), (5, 125), (15, 15)])
def test_a_few_packets_of_a_codec_that_nothing_names_are_no_mulaw(
    sizes: tuple[int, int], tmp_path: Path
) -> None:
    """Too few to sound like anything; samples would be as many as the timestamps go on by."""
    legs = (_leg(120, step=960, size=size)[n::2] for n, size in enumerate(sizes))
    rows = sorted(row for leg in legs for row in leg)[:6]
    path = _write(tmp_path / "leg.pcap", rows)
    assert _findings(path) == [[("unjudged-codec", "info")]]
    assert diagnose_file(str(path)).summary["codec"] is None


def test_silence_that_nothing_names_is_no_unknown_codec(tmp_path: Path) -> None:
    path = _write(tmp_path / "leg.pcap", _leg(120, step=160, size=160, octets=b"\xff" * 160)[:6])
    assert _findings(path) == [[]]


def test_losses_of_such_a_codec_are_told(tmp_path: Path) -> None:
    rows = [row for n, row in enumerate(_leg(18, step=160, size=20)) if n % 10]
    ids = [name for name, _ in _findings(_write(tmp_path / "leg.pcap", rows))[0]]
    assert "sequence" in ids
    assert "unjudged-codec" in ids


def test_pictures_of_several_packets_have_no_pace(tmp_path: Path) -> None:
    """VP8 at 15 pictures a second, three packets each, every picture late by up to 60 ms."""
    rng = random.Random(5)
    rows = []
    for picture in range(150):
        late = rng.randrange(60_000) * 1000
        for n in range(3 * picture, 3 * picture + 3):
            header = struct.pack("!BBHII", 0x80, 100, n, picture * 6000, 3)
            at = START + picture * 66_666_000 + late + n % 3 * 900_000
            rows.append((at, ethernet(ipv4(udp(header + rng.randbytes(1000))))))
    path = _write(tmp_path / "video.pcap", rows)
    assert _findings(path) == [[("unjudged-codec", "info")]]
    sdp = _sip("m=video 5006 RTP/AVP 100\r\na=rtpmap:100 VP8/90000")
    rows.append((START - MS, ethernet(ipv4(udp(sdp, ports=(5060, 5060))))))
    path = _write(tmp_path / "named.pcap", rows)
    assert _findings(path) == [[("unjudged-codec", "info")]]
    assert _measured(path)[0]["frame_ms"] == pytest.approx(1000 / 15, abs=0.2)


@pytest.mark.parametrize("profile", ["RTP/SAVP", "UDP/TLS/RTP/SAVPF"])
def test_what_sdp_says_is_encrypted_is_not_listened_to(profile: str, tmp_path: Path) -> None:
    sdp = _sip(f"m=audio 4000 {profile} 0")
    rows = [(START - MS, ethernet(ipv4(udp(sdp, ports=(5060, 5060)))))]
    rows += _leg(0, step=160, size=170)
    path = _write(tmp_path / "srtp.pcap", rows)
    assert _findings(path) == [[("encrypted", "info")]]
    assert _measured(path)[0]["jitter_clock_hz"] == 8000


@pytest.mark.parametrize("size", [170, 164])
def test_srtp_that_nothing_names_is_told_by_its_length(size: int, tmp_path: Path) -> None:
    path = _write(tmp_path / "srtp.pcap", _leg(0, step=160, size=size))
    assert _findings(path) == [[("encrypted", "info")]]


@pytest.mark.parametrize("after", [0, 20, 200])
@pytest.mark.parametrize(
    "keys",
    [
        bytes.fromhex("16fefd0001000000000000 0034") + bytes(52),
        bytes.fromhex("1000b27d5a525450") + bytes(100),
    ],
    ids=["DTLS", "ZRTP"],
)
def test_keys_agreed_on_in_a_flow_say_that_it_is_encrypted(
    keys: bytes, after: int, tmp_path: Path
) -> None:
    """In either direction, before the media or in their midst: sound first, then SRTP."""
    clear = [
        (START + n * 20 * MS, ethernet(ipv4(udp(_packet(n, ssrc=9), ports=(4000, 5004)))))
        for n in range(after)
    ]
    back = ipv4(udp(keys, ports=(5004, 4000)), source="198.51.100.1", destination="192.0.2.1")
    rows = [*clear, (START + after * 20 * MS - 5 * MS, ethernet(back))]
    rows += [row for n, row in enumerate(_leg(0, step=160, size=170)) if n >= after]
    path = _write(tmp_path / "keyed.pcap", rows)
    assert _findings(path) == [[("encrypted", "info")]]
    kind = "DTLS" if keys[0] == 0x16 else "ZRTP"
    assert diagnose_file(str(path)).streams[0].as_fields()["neighbours"] == {kind: 1}


@pytest.mark.parametrize("payload_type", [0, 18, 96])
@pytest.mark.parametrize("snaplen", [54, 60, 96, 128])
def test_heads_alone_tell_delivery(snaplen: int, payload_type: int, tmp_path: Path) -> None:
    """14 bytes of Ethernet, 20 of IP, 8 of UDP and 12 of RTP are 54."""
    rows = _leg(payload_type, step=160, size=160)
    path = tmp_path / "cut.pcap"
    path.write_bytes(pcap(rows[:100] + rows[105:], snaplen=snaplen))
    (ids,) = _findings(path)
    assert ids[-2:] == [("capture-cut", "info")] or ("capture-cut", "info") in ids
    assert {name for name, _ in ids} <= {"capture-cut", "unjudged-codec", "sequence", "lost-audio"}
    assert ("sequence" in {name for name, _ in ids}) or ("lost-audio" in {name for name, _ in ids})
    (told,) = _measured(path)
    assert told["frames"] == 295
    assert told["frame_ms"] == 20
    assert told["silence_ratio"] is None
    assert "head" in told["mos"]["reason"]  # type: ignore[index]


def test_a_mirror_is_told_once_and_is_no_fault(tmp_path: Path) -> None:
    rows = [
        (at, ethernet(ipv4(udp(_packet(n), ports=(4000, 5004)))))
        for n, at in enumerate(_times(300, 4))
    ]
    rows += [(at + 40_000, frame) for at, frame in rows]
    path = _write(tmp_path / "span.pcap", rows)
    assert _findings(path) == [[]]
    result = here("stream", "diagnose", str(path), cwd=tmp_path)
    assert "300 packets are in the capture twice" in result.stderr
    fields = here("stream", "diagnose", str(path), "--json", cwd=tmp_path).summary
    assert fields["captured_twice"] == 300
    assert fields["metrics"]["sequence"]["duplicate"] == 0
    assert fields["metrics"]["mos"]["value"] > 4.3
