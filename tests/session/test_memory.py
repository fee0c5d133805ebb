"""An hour of frames, as fast as they go, leaves the memory where it was."""

from __future__ import annotations

import gc
import struct
from pathlib import Path

import pytest

from tests.support.peer import vector_messages
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.session.recording_file import AudioFile
from voipbin_cli.transport.connection import Message

HOUR_FRAMES = 180_000
STATM = Path("/proc/self/statm")


def resident_bytes() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * 4096


@pytest.mark.skipif(not STATM.exists(), reason="needs /proc")
def test_recording_an_hour_keeps_memory_flat(tmp_path: Path) -> None:
    payloads = [message[12:] for _, message in vector_messages("rtp-deployed")]
    listener = MessageDecoder(Encapsulation.RTP)
    file = AudioFile(str(tmp_path / "hour.wav"))
    after_two_minutes = 0
    for i in range(HOUR_FRAMES):
        header = struct.pack("!BBHII", 0x80, 96, (i + 1) & 0xFFFF, (i + 1) * 160 & 0xFFFFFFFF, 0)
        late_ms = 300 if i % 500 == 250 else 0  # a stall every ten seconds
        data = header + payloads[i % len(payloads)]
        message = Message(i * 20_000_000 + late_ms * 1_000_000, data)
        file.hear_frames(listener.take_messages([message]))
        if i % 3000 == 2999:
            file.drain()
        if i == 5999:
            after_two_minutes = resident_bytes()
    file.finish()
    assert file.samples == HOUR_FRAMES * 160
    # 58 MB of samples went through; a single int kept per frame would be 5 MB.
    assert resident_bytes() - after_two_minutes < 4 * 2**20
