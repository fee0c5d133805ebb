"""What a listener decodes, resamples and counts."""

from __future__ import annotations

import struct

import numpy as np

from tests.support.peer import vector_messages
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.message_decoder import MessageDecoder
from voipbin_cli.transport.connection import Message


def tone(rate_hz: int, seconds: float, hz: float = 440.0) -> np.ndarray:
    """A sine of amplitude 8000."""
    return np.rint(8000 * np.sin(2 * np.pi * hz * np.arange(rate_hz * seconds) / rate_hz))


def test_it_counts_what_it_hears() -> None:
    listener = MessageDecoder(Encapsulation.RTP)
    messages = [Message(at, data) for at, data in vector_messages("rtp-deployed")]
    frames = listener.take_messages(messages)
    frames += listener.finish()
    assert [frame.tag for frame in frames] == [message.arrival_ns for message in messages]
    assert (listener.messages, listener.frames, listener.samples) == (50, 50, 8000)
    assert (listener.payload_type, listener.message_bytes) == (96, 50 * 172)


def test_malformed_and_text_messages_are_counted_apart() -> None:
    listener = MessageDecoder(Encapsulation.RTP)
    assert listener.take_messages([Message(0, b"\x80")]) == []
    assert listener.take_messages([Message(0, "MEDIA_START")]) == []
    assert (listener.malformed, listener.texts, listener.frames) == (1, 1, 0)
    assert listener.last_problem is not None
    assert listener.last_problem.slug == "truncated"


def test_another_sample_rate_is_brought_to_8_khz() -> None:
    # AudioSocket kind 12 is 16 kHz: 20 ms are 320 samples, 640 bytes.
    listener = MessageDecoder(Encapsulation.AUDIOSOCKET)
    pcm = tone(16000, 2.0).astype("<i2").tobytes()
    frames = []
    for start in range(0, len(pcm), 640):
        body = pcm[start : start + 640]
        frames += listener.take_messages([Message(start, b"\x12" + struct.pack("!H", 640) + body)])
    frames += listener.finish()
    heard = np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2").astype(float)
    assert len(heard) == 16000
    spectrum = np.abs(np.fft.rfft(heard[4000:12000]))
    assert int(np.argmax(spectrum)) == 440  # 8000 samples: one bin a hertz
    assert np.sqrt(np.mean(heard[4000:12000] ** 2)) > 5000
