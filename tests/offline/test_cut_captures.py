"""Captures that end too early, wherever that is: it is said, and nothing is made up."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.analysis.test_sent import received, right
from tests.capture import frames as f
from tests.capture.support import new_writer
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.capture.captured import CaptureMeta
from voipbin_cli.capture.pcapng_format import ENHANCED_PACKET
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.errors import NothingToJudge, UsageError, VoipbinError
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.validate import validate_file

HEADER_BYTES, RECORD_BYTES = 24, 16 + 14 + 20 + 8 + 172


def rtp(n: int) -> bytes:
    return bytes.fromhex(f"8000{n:04x}{n * 160:08x}00000007") + bytes([255, 127] * 80)


WHOLE = f.pcap([(n * 20_000_000, f.ethernet(f.ipv4(f.udp(rtp(n))))) for n in range(100)])


def refusals(path: Path) -> list[VoipbinError]:
    """What both commands say of a file that holds nothing."""
    told = []
    for judge in (diagnose_file, lambda name: validate_file(name, Scope())):
        with pytest.raises(VoipbinError) as caught:
            judge(str(path))
        told.append(caught.value)
    return told


def test_a_pcap_that_is_cut_before_its_first_packet_ends_is_told_as_that(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    edges = (1, 3, 4, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 1, HEADER_BYTES + 16)
    for length in (*edges, HEADER_BYTES + RECORD_BYTES - 1):
        path.write_bytes(WHOLE[:length])
        for error in refusals(path):
            assert isinstance(error, UsageError if length < HEADER_BYTES else NothingToJudge)
            words = "too short" if length < 4 else "cut off" if length < HEADER_BYTES else "is cut"
            assert (words in error.message) == (length != HEADER_BYTES)
            assert error.hint


def test_what_comes_before_the_cut_counts_and_the_cut_is_told(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcap"
    for length, ids in ((len(WHOLE), []), (len(WHOLE) - 1, ["capture-cut"])):
        path.write_bytes(WHOLE[:length])
        diagnosis = diagnose_file(str(path)).worst.diagnosis
        assert [each.id for each in diagnosis.findings if each.id == "capture-cut"] == ids
        assert diagnosis.measured.frames == 100 - len(ids)
        assert diagnosis.measured.is_sound_known  # whole packets are heard


def test_a_run_of_which_only_the_beginning_is_there_has_no_missing_audio(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    with path.open("wb") as file:
        PcapngWriter(file, CaptureMeta(Encapsulation.RTP, "sim:clean", "1"))
    assert all(isinstance(error, NothingToJudge) for error in refusals(path))
    whole = path.read_bytes()
    for length in range(4, len(whole), 7):
        path.write_bytes(whole[:length])
        for error in refusals(path):
            assert "cut" in error.message


@pytest.mark.parametrize(
    ("data", "said", "hinted"),
    [
        (bytes([255, 254, 126] * 700), "neither a capture nor a dump", "-e sln"),
        (b"Nothing to hear, but quite a lot to read.\n" * 9, "is text", "--hex"),
        (rtp(1), "is one RTP packet", "validate"),
        (b"RIFF" + bytes(60), "is no audio file that can be read", "ffmpeg"),
        (b"\x89PNG" + bytes(60), "is a PNG picture", "captures are"),
        (b"", "is empty", "captures are"),
    ],
)
def test_what_is_no_capture_is_named_with_what_takes_it(
    tmp_path: Path, data: bytes, said: str, hinted: str
) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(VoipbinError, match=said) as caught:
        diagnose_file(str(path))
    assert hinted in caught.value.hint


def snapped(data: bytes, most: int) -> bytes:
    """A pcapng file whose packets are cut to so many bytes, as tcpdump -s does it."""
    blocks, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        block = data[at : at + length]
        captured, wire = struct.unpack_from("<II", block, 20)
        if kind == ENHANCED_PACKET and captured > most:
            body = block[8:20] + struct.pack("<II", most, wire) + block[28 : 28 + most]
            body += bytes(-most % 4)
            total = len(body) + 12
            block = struct.pack("<II", kind, total) + body + struct.pack("<I", total)
        blocks.append(block)
        at += length
    return b"".join(blocks)


@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_of_our_own_capture_cut_to_heads_delivery_is_told_and_no_sound(
    encapsulation: Encapsulation, tmp_path: Path
) -> None:
    writer, sink = new_writer(encapsulation.value)
    frames = right(Dialect.DEPLOYED, encapsulation)
    for came in received(Dialect.DEPLOYED, encapsulation):
        writer.message(came.time_ns, Direction.IN, came.data)
        writer.message(came.time_ns, Direction.OUT, next(frames))
    writer.close()
    path = tmp_path / "cut.pcapng"
    path.write_bytes(snapped(sink.data, 100))
    diagnosis = diagnose_file(str(path)).worst.diagnosis
    assert [(one.id, one.severity) for one in diagnosis.findings] == [("capture-cut", "info")]
    fields = diagnosis.as_fields()
    for side in ("metrics", "metrics_sent"):
        assert fields[side]["frames"] == 500
        assert fields[side]["level_dbfs"] == dict.fromkeys(("rms", "peak", "uncertainty_db"))
    assert fields["conversation"] is None
    assert validate_file(str(path)).summary["result"] == "pass"
