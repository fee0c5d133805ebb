"""What the phone hears of what is sent over real sockets."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.simulator.support import receive, simulating, streaming
from tests.support.aio import run
from voipbin_cli.simulator.server import Simulator


def _unit(encapsulation: str, number: int, payload: bytes, payload_type: int = 96) -> bytes:
    if encapsulation == "rtp":
        header = struct.pack("!BBHII", 0x80, payload_type, number, number * 160, 1)
        return header + payload
    return {"sln": b"", "audiosocket": b"\x10\x01\x40"}[encapsulation] + payload


def _frame(number: int) -> bytes:
    return struct.pack("<h", 100 + number) * 160


async def _until_played(simulator: Simulator) -> None:
    """Wait until nothing waits any more."""
    async with asyncio.timeout(10):
        while True:
            await asyncio.sleep(0.05)
            report = simulator.report()
            if report["fed_ms"] == report["heard_ms"] + report["lost_ms"] > 0:
                return


def _play(
    encapsulation: str, units: list[bytes], options: dict[str, str], **arguments: Any
) -> tuple[bytes, dict[str, Any]]:
    """Send all units at once; what is heard, silence left out, and the report."""
    heard: list[bytes] = []

    async def main() -> dict[str, Any]:
        hear = {} if "heard_path" in arguments else {"heard": heard.append}
        async with simulating(options=options, **hear, **arguments) as simulator:
            async with streaming(simulator, encapsulation) as socket:
                await receive(socket, 1)
                for unit in units:
                    await socket.send(unit)
                await _until_played(simulator)
            return simulator.report()

    report = run(main())
    return b"".join(pcm for pcm in heard if pcm != bytes(320)), report


@pytest.mark.parametrize("kind", ["call", "conference"])
@pytest.mark.parametrize("encapsulation", ["rtp", "sln", "audiosocket"])
def test_what_fits_into_the_queue_is_heard_sample_for_sample(encapsulation: str, kind: str) -> None:
    units = [_unit(encapsulation, n, _frame(n)) for n in range(4)]
    heard, report = _play(encapsulation, units, {"kind": kind})
    assert heard == b"".join(_frame(n) for n in range(4))
    assert (report["lost_ms"], report["flushes"]) == (0, 0)


@pytest.mark.parametrize(
    ("options", "sent", "lost"),
    [
        ({"kind": "call"}, 26, 26),
        ({"kind": "conference"}, 6, 5),
        ({"kind": "conference", "members": "1"}, 50, 0),
    ],
)
def test_what_does_not_fit_is_flushed_whole(options: dict[str, str], sent: int, lost: int) -> None:
    units = [_unit("sln", 0, b"".join(_frame(n) for n in range(sent)))]  # one unit: one moment
    _, report = _play("sln", units, {**options, "source": "silence"})
    assert report["lost_ms"] == (sent * 20 if lost else 0)
    frames = b"".join(_unit("audiosocket", 0, _frame(n)) for n in range(sent))
    _, report = _play("audiosocket", [frames], options)
    assert report["lost_ms"] in (lost * 20, sent * 20 if lost else 0)


def test_the_documented_far_end_hears_mulaw() -> None:
    units = [_unit("rtp", n, b"\x80\x00" * 80, payload_type=0) for n in range(2)]
    heard, _ = _play("rtp", units, {"dialect": "documented"})
    assert heard == struct.pack("<2h", 32124, -32124) * 160


def test_fragments_of_a_message_are_one_message() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with (
            simulating(heard=heard.append) as simulator,
            streaming(simulator, "sln") as socket,
        ):
            await socket.send([_frame(1)[:100], b"", _frame(1)[100:]])
            await _until_played(simulator)

    run(main())
    assert [pcm for pcm in heard if any(pcm)] == [_frame(1)]


def test_halves_of_an_audiosocket_frame_close_together_are_one_frame() -> None:
    unit = _unit("audiosocket", 0, _frame(3))
    heard: list[bytes] = []

    async def main() -> str:
        async with simulating(heard=heard.append) as simulator:
            async with streaming(simulator, "audiosocket") as socket:
                await receive(socket, 1)
                # In one piece on TCP, so that no other task comes between them.
                socket.protocol.send_binary(unit[:50])
                socket.protocol.send_binary(unit[50:])
                socket.transport.write(b"".join(socket.protocol.data_to_send()))
                await _until_played(simulator)
            return simulator.report()["status"]

    assert run(main()) == "progressing"
    assert [pcm for pcm in heard if any(pcm)] == [_frame(3)]


def test_two_clients_are_mixed() -> None:
    heard: list[bytes] = []

    async def main() -> None:
        async with (
            simulating(heard=heard.append) as simulator,
            streaming(simulator, "sln") as one,
            streaming(simulator, "sln") as two,
        ):
            await one.send(_frame(0) * 5)
            await two.send(_frame(100) * 5)
            await _until_played(simulator)

    run(main())
    values = {struct.unpack_from("<h", pcm)[0] for pcm in heard}
    assert 100 + 200 in values
    assert values <= {0, 100, 200, 300}


def test_the_heard_file_keeps_the_call_s_clock(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "heard.wav"
    _, report = _play("sln", [_unit("sln", 0, _frame(7))], {}, heard_path=path)
    with wave.open(str(path), "rb") as file:
        pcm = file.readframes(file.getnframes())
    assert report["call_ms"] * 16 <= len(pcm) <= report["call_ms"] * 16 + 640
    assert pcm.count(_frame(7)) == 1
    assert set(pcm.replace(_frame(7), b"")) == {0}


def test_a_disk_that_fills_up_stops_the_file_and_not_the_call(tmp_path: Path) -> None:
    async def main() -> None:
        async with simulating(heard_path=tmp_path / "heard.wav") as simulator:
            sink = simulator.exchange.target.heard
            sink._file = (tmp_path / "heard.wav").open("rb")  # type: ignore[union-attr]
            sink._wav._file = sink._file  # type: ignore[union-attr]
            async with streaming(simulator, "sln") as socket:
                await receive(socket, 20)
            assert simulator.exchange.failure is not None
            assert "heard.wav" in simulator.exchange.failure.message

    run(main())
