"""What a server may send to a client: sizes, floods, opcodes, and how large that makes it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.streams import LONG, decoded, packets
from tests.hostile.support import MB, Watched, is_harmless
from tests.media.witnesses import by_stdlib_wave
from tests.support.cli import Result, start, wait_until
from tests.support.peer import BINARY, CLOSE, Fin, Peer, Raw, Send, Step, frame_bytes

# A recording of an ordinary stream has about 80 MB, the interpreter and numpy included.
LIMIT_BYTES = 160 * MB
STATUSES = {0, 3}


def record(
    directory: Path, script: list[Step], *options: str, timeout: float = 60.0
) -> tuple[Result, int]:
    """Record what the script sends; the result, and how large the process was."""
    with Peer(script) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--json", "--no-reconnect"]
        watched = Watched(start(*command, *options, cwd=directory))
        result = watched.finish(timeout)
    return result, watched.peak_bytes


def check(result: Result, peak_bytes: int) -> None:
    assert result.status in STATUSES, result.stderr
    assert "Traceback" not in result.stderr
    assert is_harmless(result.stderr)
    assert is_harmless(result.stdout.decode())
    assert peak_bytes < LIMIT_BYTES


@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
def test_messages_of_any_size_do_no_harm_to_those_around_them(
    encapsulation: str, tmp_path: Path
) -> None:
    sizes = [Send(bytes(size)) for size in (0, 1, 2, 11, 12, 13, 65_535, 65_536, 262_144)]
    good = [Send(message) for message in packets(50)]
    result, peak_bytes = record(tmp_path, [*good, *sizes, *good, Fin()], "-e", encapsulation)
    check(result, peak_bytes)
    assert result.summary["bytes_received"] == 100 * 172 + sum(len(s.data) for s in sizes)
    if encapsulation == "rtp":
        pcm = by_stdlib_wave(tmp_path / "call.wav")
        assert pcm.startswith(decoded(50))
        assert pcm.endswith(decoded(50))


def test_a_message_of_100_mb_is_not_taken_and_what_came_before_is_kept(tmp_path: Path) -> None:
    message = frame_bytes(BINARY, bytes(100_000_000))
    script = [*map(Send, packets(50)), Raw(message)]
    result, peak_bytes = record(tmp_path, script)
    check(result, peak_bytes)
    assert result.status == 3
    assert result.summary["close"]["code"] == 1009
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(50)


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x00\x00"] if LONG else [b"\x00"])
def test_a_million_tiny_frames_are_lived_through(payload: bytes, tmp_path: Path) -> None:
    """14 µs each, so that it is a fifth of a million unless VOIPBIN_LONG is set."""
    flood = Raw(frame_bytes(BINARY, payload) * 50_000)
    floods = [flood] * (20 if LONG else 4)
    result, peak_bytes = record(tmp_path, [*map(Send, packets(50)), *floods, Fin()])
    check(result, peak_bytes)
    assert result.summary["malformed_messages"] == 50_000 * len(floods)
    assert by_stdlib_wave(tmp_path / "call.wav").startswith(decoded(50))


def odd_frames() -> Iterator[tuple[str, bytes]]:
    for opcode in range(16):
        for final in (True, False):
            if (opcode, final) != (CLOSE, True):  # that is an end like any other
                name = f"opcode {opcode:x}{'' if final else ', not final'}"
                yield name, frame_bytes(opcode, b"\x03\xe8", final=final)
    for bits in range(1, 8):
        yield f"reserved bits {bits:03b}", bytes([0x80 | bits << 4 | BINARY, 2, 0, 0])
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = bomb.compress(bytes(100 * MB)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    compressed = bytearray(frame_bytes(BINARY, payload))
    compressed[0] |= 0x40  # RSV1: compressed (RFC 7692 section 6), which was never negotiated
    yield "a compressed bomb", bytes(compressed)
    yield "a mask", b"\x82\x81\x00\x00\x00\x00a"
    yield "a ping of 126 bytes", b"\x89\x7e\x00\x7e" + bytes(126)
    yield "a length not the shortest", b"\x82\x7e\x00\x01a"
    yield "a length of 2^63", b"\x82\x7f" + b"\xff" * 8
    yield "a close of one byte", b"\x88\x01a"
    yield "a close code nobody may send", b"\x88\x02\x03\xee"


@pytest.mark.parametrize("start_at", range(3) if LONG else range(2))
def test_every_frame_that_may_not_be_ends_it_in_order(start_at: int, tmp_path: Path) -> None:
    """One after the other, each on a connection of its own: a process each would take a minute.

    Half of them by default.
    """
    frames = [frame for _, frame in odd_frames()][start_at :: 3 if LONG else 4]
    good = [Send(message) for message in packets(5)]
    with Peer(scripts=[*([*good, Raw(frame), Fin()] for frame in frames), good]) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--no-fill", "--json"]
        watched = Watched(start(*command, "--give-up-after", "60s", cwd=tmp_path))
        peer.wait_for(lambda p: p.upgrades == len(frames) + 1, timeout=60)
        wait_until(lambda: (tmp_path / "call.wav").exists())
        watched.process.terminate()
        result = watched.finish()
    check(result, watched.peak_bytes)
    # The last connection may not have come to be known here.
    assert result.summary["reconnects"] >= len(frames) - 1
    assert by_stdlib_wave(tmp_path / "call.wav").startswith(decoded(5))
