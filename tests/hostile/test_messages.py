"""What a server may send to a client: sizes, floods, opcodes, and how large that makes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.faults.streams import decoded, packets
from tests.hostile.support import MB, Watched, deflated_bomb, is_harmless
from tests.media.witnesses import by_stdlib_wave
from tests.support.cli import Result, start
from tests.support.peer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Close,
    Fin,
    Peer,
    Raw,
    Send,
    Step,
    frame_bytes,
)
from tests.support.spread import LONG

# A recording of an ordinary stream has about 80 MB, the interpreter and numpy included.
LIMIT_BYTES = 160 * MB
# As whole frames; every other opcode, and a control frame in parts, is none (RFC 6455 section 5).
ALLOWED = (TEXT, BINARY, CLOSE, PING, PONG)


def record(
    directory: Path, script: list[Step], *options: str, timeout: float = 60.0
) -> tuple[Result, int]:
    """Record what the script sends; the result, and how large the process was."""
    with Peer(script) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--json", "--no-reconnect"]
        watched = Watched(start(*command, *options, cwd=directory))
        result = watched.finish(timeout)
    return result, watched.peak_bytes


def check(result: Result, peak_bytes: int, *, status: int = 3) -> None:
    """`status` 3: the connection was lost, and is not won back."""
    assert result.status == status, result.stderr
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


def forbidden_frames() -> Iterator[tuple[str, bytes, int]]:
    """What it is, its bytes, and the code that refuses it (RFC 6455 section 7.4.1)."""
    bomb = bytearray(frame_bytes(BINARY, deflated_bomb()))
    bomb[0] |= 0x40  # RSV1: compressed (RFC 7692 section 6), which was never negotiated
    for opcode in range(16):
        for final in (True, False):
            if not (final and opcode in ALLOWED):
                # Text and binary, not final: what is forbidden is the message after them.
                name = f"opcode {opcode:x}{'' if final else ', not final'}"
                yield name, frame_bytes(opcode, b"\x03\xe8", final=final), 1002
    for bits in range(1, 8):
        yield f"reserved bits {bits:03b}", bytes([0x80 | bits << 4 | BINARY, 2, 0, 0]), 1002
    yield "a compressed bomb", bytes(bomb), 1002
    yield "a mask", b"\x82\x81\x00\x00\x00\x00a", 1002
    yield "a ping of 126 bytes", b"\x89\x7e\x00\x7e" + bytes(126), 1002
    yield "a close of one byte", b"\x88\x01a", 1002
    yield "a close code nobody may send", b"\x88\x02\x03\xee", 1002
    yield "a close reason that is not UTF-8", b"\x88\x03\x03\xe8\xff", 1007
    yield "a length of 2^64 - 1", b"\x82\x7f" + b"\xff" * 8, 1009


@contextmanager
def recorded(directory: Path, frames: Sequence[bytes]) -> Iterator[tuple[Peer, Watched]]:
    """A recording that gets one of the frames on each connection, and a good end on the last.

    Whoever takes a frame for a good one takes the message and the end of the call after it, too.
    """
    directory.mkdir()
    good = [Send(message) for message in packets(5)]
    after = frame_bytes(BINARY, packets(1)[0]) + frame_bytes(CLOSE, b"\x03\xe8")
    with Peer(scripts=[*([*good, Raw(f + after)] for f in frames), [*good, Close(1000)]]) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--no-fill", "--json"]
        yield peer, Watched(start(*command, cwd=directory))


def close_codes(peer: Peer) -> list[int]:
    """Of the close frames that the client has sent so far."""
    return [int.from_bytes(f.data[:2], "big") for f in peer.frames if f.opcode == CLOSE]


def test_every_frame_that_may_not_be_is_refused_by_its_code(tmp_path: Path) -> None:
    """Each on a connection of its own, in four processes at once: most of it is waiting."""
    frames = list(forbidden_frames())
    with ExitStack() as running:
        lanes = [
            (rows, *running.enter_context(recorded(tmp_path / str(n), [f for _, f, _ in rows])))
            for n in range(4)
            if (rows := frames[n::4])
        ]
        for rows, peer, watched in lanes:
            result = watched.finish()
            check(result, watched.peak_bytes, status=0)
            names, _, codes = zip(*rows, strict=True)
            lost = [event["code"] for event in result.events if event["event"] == "lost"]
            assert dict(zip(names, lost, strict=False)) == dict(zip(names, codes, strict=True))
            peer.wait_for(lambda p: 1000 in close_codes(p))
            assert close_codes(peer) == [*codes, 1000]
            assert result.summary["reconnects"] == len(rows)
            assert result.summary["bytes_received"] == 5 * 172 * (len(rows) + 1)
            # RFC 6455 section 9.1: what was not offered may not be used.
            assert all("sec-websocket-extensions" not in r.headers for r in peer.requests)


def test_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    with Peer([*map(Send, packets(5)), Raw(frame_bytes(TEXT, b"\x03\xe8"))]) as peer:
        command = ["stream", "record", peer.url("/"), "-o", "call.wav", "--json", "--no-reconnect"]
        watched = Watched(start(*command, cwd=tmp_path))
        check(result := watched.finish(), watched.peak_bytes)
        peer.wait_for(close_codes)
        assert close_codes(peer) == [1007]
    assert result.summary["close"]["code"] == 1007
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(5)


def test_frames_that_are_odd_and_allowed_are_taken(tmp_path: Path) -> None:
    first, second, third = packets(3)
    script = [
        Raw(frame_bytes(BINARY, first[:100], final=False)),
        Raw(frame_bytes(PING, bytes(125)) + frame_bytes(PONG, b"nobody asked")),
        Raw(frame_bytes(CONTINUATION, b"", final=False)),
        Raw(frame_bytes(CONTINUATION, first[100:])),
        # Section 5.2 asks the sender for the shortest length, not the receiver to refuse others.
        Raw(b"\x82\x7e\x00\xac" + second),
        Raw(b"\x82\x7f" + (172).to_bytes(8, "big") + third),
        Close(1000),
    ]
    result, peak_bytes = record(tmp_path, script)
    check(result, peak_bytes, status=0)
    assert result.summary["close"]["code"] == 1000
    assert by_stdlib_wave(tmp_path / "call.wav") == decoded(3)
