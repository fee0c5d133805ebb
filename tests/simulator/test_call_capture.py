"""The capture, taken apart by hand and by tshark."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from tests.support.needs import needs
from voipbin_cli.simulator.call_capture import call_pcap
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import RoomKind, Scenario
from voipbin_cli.simulator.sources import load_sound


def _pcap(status: str = "progressing") -> bytes:
    scenario = Scenario("x", "", call_status=status)
    room = Room(RoomKind.CALL, "id", scenario, members=2, created_s=1_800_000_000.25)
    return call_pcap(room, load_sound("speech"))


def _records(pcap: bytes) -> list[tuple[float, bytes]]:
    magic, major, minor, _, _, _, link = struct.unpack("<IHHiIII", pcap[:24])
    assert (magic, major, minor, link) == (0xA1B2C3D4, 2, 4, 1)
    records, at = [], 24
    while at < len(pcap):
        seconds, micros, size, original = struct.unpack("<IIII", pcap[at : at + 16])
        assert size == original
        records.append((seconds + micros / 1e6, pcap[at + 16 : at + 16 + size]))
        at += 16 + size
    return records


def _sums_to_zero(data: bytes) -> bool:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def test_records_are_whole_in_order_and_their_checksums_right() -> None:
    records = _records(_pcap())
    times = [at for at, _ in records]
    assert times == sorted(times)
    assert times[0] == 1_800_000_000.25
    for _, frame in records:
        assert frame[12:14] == b"\x08\x00"
        assert _sums_to_zero(frame[14:34])
        udp = frame[34:]
        pseudo = frame[26:34] + struct.pack("!HH", 17, len(udp))
        assert _sums_to_zero(pseudo + udp + b"\0" * (len(udp) % 2))


def test_a_call_that_is_over_has_its_bye() -> None:
    assert b"BYE sip:" not in _pcap()
    assert b"BYE sip:" in _pcap("hangup")


@needs("tshark")
def test_tshark_sees_one_call_and_its_rtp(tmp_path: Path) -> None:
    path = tmp_path / "call.pcap"
    path.write_bytes(_pcap("hangup"))

    def tshark(*arguments: str) -> str:
        command = ["tshark", "-r", str(path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    methods = tshark("-Y", "sip", "-T", "fields", "-e", "sip.CSeq.method").split()
    assert methods == ["INVITE", "INVITE", "INVITE", "ACK", "BYE", "BYE"]
    streams = tshark("-q", "-z", "rtp,streams")
    (row,) = [line for line in streams.splitlines() if "0x1D2C3B4A" in line]
    assert "g711U" in row
    assert " 500 " in row, "ten seconds"
    assert "0 (0.0%)" in row
    assert tshark("-Y", "rtcp", "-T", "fields", "-e", "rtcp.pt").split() == ["200", "200"]
    bad = "ip.checksum.status == 0 || udp.checksum.status == 0 || _ws.malformed"
    assert tshark("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-Y", bad) == ""
