"""Compressed captures are read as they are, by other programs' hand."""

from __future__ import annotations

import bz2
import gzip
import io
import sys
from pathlib import Path
from random import Random

import lz4.frame
import pytest
import zstandard

from tests.capture import frames as f
from tests.capture.support import rtp_message
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.compressed import decompressed
from voipbin_cli.offline.diagnose import diagnose_file
from voipbin_cli.offline.source import opened
from voipbin_cli.offline.validate import validate_file

PLAIN = f.pcap([(n * 20_000_000, f.ethernet(f.ipv4(f.udp(rtp_message(n))))) for n in range(300)])
SQUEEZE = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
    "gzip in two members": lambda data: gzip.compress(data[:9000]) + gzip.compress(data[9000:]),
    "zstd in two frames": lambda data: (
        zstandard.compress(data[:99]) + zstandard.compress(data[99:])
    ),
}


@pytest.mark.parametrize("name", SQUEEZE)
def test_a_compressed_capture_is_the_capture(tmp_path: Path, name: str) -> None:
    plain, packed = tmp_path / "a.pcap", tmp_path / "a.pcap.packed"
    plain.write_bytes(PLAIN)
    packed.write_bytes(SQUEEZE[name](PLAIN))
    assert diagnose_file(str(packed)).summary == diagnose_file(str(plain)).summary
    assert validate_file(str(packed)).summary == validate_file(str(plain)).summary


@pytest.mark.parametrize("name", ["gzip", "zstd", "lz4"])
@pytest.mark.parametrize("kept", [0.2, 0.5, 0.99])
def test_what_is_cut_is_read_up_to_the_cut(tmp_path: Path, name: str, kept: float) -> None:
    noise = Random(1).randbytes(1 << 20)
    whole = SQUEEZE[name](noise)
    read = decompressed(io.BufferedReader(io.BytesIO(whole[: int(kept * len(whole))]))).read()
    assert noise.startswith(read)
    # A block of these formats has up to 256 KiB, and of a cut one nothing can be had.
    assert len(read) >= kept * len(noise) - (1 << 18)


@pytest.mark.parametrize("name", ["gzip", "zstd", "lz4"])
def test_damage_ends_it_where_it_is(name: str) -> None:
    whole = bytearray(SQUEEZE[name](PLAIN))
    for at in range(4, len(whole), max(1, len(whole) // 40)):
        damaged = bytes(whole[:at]) + bytes((whole[at] ^ 0xFF,)) + bytes(whole[at + 1 :])
        decompressed(io.BufferedReader(io.BytesIO(damaged))).read(1 << 20)


def test_what_is_not_compressed_is_the_file_itself() -> None:
    file = io.BufferedReader(io.BytesIO(PLAIN))
    assert decompressed(file) is file


@pytest.mark.parametrize(("name", "module"), [("zstd", "zstandard"), ("lz4", "lz4.frame")])
def test_without_the_library_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, module: str
) -> None:
    path = tmp_path / "a.pcap.packed"
    path.write_bytes(SQUEEZE[name](PLAIN))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=f"compressed by {name}") as caught:
        diagnose_file(str(path))
    assert "voipbin[compressed]" in caught.value.hint


def test_other_compressions_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap.bz2"
    path.write_bytes(bz2.compress(PLAIN))
    with pytest.raises(UsageError, match="compressed by bzip2"):
        diagnose_file(str(path))


def test_a_bomb_is_read_piece_by_piece(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(1 << 28)))
    with opened(str(path)) as source:
        assert len(source.window.data) <= 1 << 20
