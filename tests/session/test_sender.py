"""The exact units, one after the other, on a clock of the test's own and into a wire that keeps."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import SendForm
from voipbin_cli.errors import UsageError
from voipbin_cli.session.pacer import Pacer
from voipbin_cli.session.sender import FRAMES_AFTER, FRAMES_BEFORE, SILENT_FRAME, Sender, Voice
from voipbin_cli.transport.connection import ConnectionEnded

MS = 1_000_000
LINEAR_96 = SendForm(Codec.S16LE, 96, 320, 0.98, "")
MULAW_0 = SendForm(Codec.MULAW, 0, 160, 0.95, "")
LINEAR_0 = SendForm(Codec.S16LE, 0, 320, 0.98, "")


def frame(number: int) -> bytes:
    """160 samples that are no other frame's."""
    return struct.pack("<160h", *range(number * 160 - 16000, number * 160 - 15840))


FRAMES = [frame(n) for n in range(20)]


@dataclass
class Wire:
    """Takes `room` messages, and ends then."""

    room: int = 1_000_000
    unsent_bytes: int = 0
    messages: list[bytes] = field(default_factory=list)

    def send_nowait(self, data: bytes) -> bool:
        if len(self.messages) >= self.room:
            raise ConnectionEnded(1006, "", abrupt=True)
        self.messages.append(data)
        return True


class Listed:
    """A source of a list; None in it is nothing there yet."""

    def __init__(self, blocks: Iterable[bytes | None]) -> None:
        self._blocks = list(blocks)
        self.is_over = False

    def next_frame(self) -> bytes | None:
        if not self._blocks:
            self.is_over = True
            return None
        return self._blocks.pop(0)


def make(
    blocks: Iterable[bytes | None],
    encapsulation: Encapsulation = Encapsulation.SLN,
    form: SendForm = LINEAR_96,
    **edges: object,
) -> Sender:
    voice = Voice(encapsulation, Random(1))
    return Sender(Listed(blocks), voice, Pacer(0), form=lambda: form, **edges)  # type: ignore[arg-type]


def drive(sender: Sender, wire: Wire, now_ns: int = 0) -> int:
    """Run to the end on a clock that is never late; return when it was over."""
    sender.begin(wire, now_ns)
    due: int | None = now_ns
    while due is not None:
        now_ns = due
        due = sender.tick(now_ns)
    return now_ns


def test_silence_before_the_audio_after_and_nothing_else() -> None:
    wire = Wire()
    over_ns = drive(make(FRAMES), wire)
    quiet = [SILENT_FRAME]
    assert wire.messages == quiet * FRAMES_BEFORE + FRAMES + quiet * FRAMES_AFTER
    assert over_ns == len(wire.messages) * 20 * MS


def test_audiosocket_frames_are_of_kind_10_with_a_big_endian_length() -> None:
    wire = Wire()
    drive(make(FRAMES, Encapsulation.AUDIOSOCKET), wire)
    assert wire.messages[FRAMES_BEFORE] == b"\x10\x01\x40" + FRAMES[0]
    assert {len(message) for message in wire.messages} == {323}


@pytest.mark.parametrize(("form", "size"), [(LINEAR_96, 332), (LINEAR_0, 332), (MULAW_0, 172)])
def test_rtp_counts_samples_and_marks_the_talkspurt(form: SendForm, size: int) -> None:
    wire = Wire()
    drive(make(FRAMES, Encapsulation.RTP, form), wire)
    headers = [struct.unpack("!BBHII", message[:12]) for message in wire.messages]
    first = headers[0]
    for n, (flags, second, sequence, timestamp, ssrc) in enumerate(headers):
        marker = 0x80 if n == FRAMES_BEFORE else 0
        assert (flags, second) == (0x80, marker | (form.payload_type or 0))
        assert sequence == (first[2] + n) & 0xFFFF
        assert timestamp == (first[3] + n * 160) & 0xFFFFFFFF
        assert ssrc == first[4]
        assert len(wire.messages[n]) == size
    # RFC 3550 5.1: all three random.
    assert 0 not in first[2:]


def test_mulaw_is_the_table_s() -> None:
    wire = Wire()
    loud = struct.pack("<160h", *([0, 32767, -32768, 8] * 40))
    drive(make([loud], Encapsulation.RTP, MULAW_0), wire)
    # G.711 table 2: zero is ff, the extremes are 80 and 00; 8 is 2 of 14 bits: the step after zero.
    assert wire.messages[FRAMES_BEFORE][12:] == bytes([0xFF, 0x80, 0x00, 0xFE] * 40)


def test_sound_waits_until_it_is_known_what_is_taken() -> None:
    wire = Wire()
    sender = make(FRAMES, is_ready=lambda: len(wire.messages) >= 12)
    drive(sender, wire)
    assert wire.messages[:12] == [SILENT_FRAME] * 12
    assert wire.messages[12:32] == FRAMES


def test_another_form_is_another_rtp_source() -> None:
    wire = Wire()
    forms = [LINEAR_96] * 3 + [MULAW_0] * 100
    sender = make(FRAMES, Encapsulation.RTP)
    sender._form = lambda: forms[len(wire.messages)]
    drive(sender, wire)
    ssrcs = [message[8:12] for message in wire.messages]
    assert len(set(ssrcs[:3])) == len(set(ssrcs[3:])) == 1
    assert ssrcs[2] != ssrcs[3]


@pytest.mark.parametrize("room", [0, 3, 6, 17, 25, 26, 34])
def test_a_new_connection_goes_on_where_the_old_one_broke_off(room: int) -> None:
    sender = make(FRAMES)
    first, second = Wire(room=room), Wire()
    with pytest.raises(ConnectionEnded):
        drive(sender, first)
    drive(sender, second, 5_000 * MS)
    heard = [m for m in first.messages + second.messages if m != SILENT_FRAME]
    assert heard == FRAMES
    assert second.messages[:FRAMES_BEFORE] == [SILENT_FRAME] * FRAMES_BEFORE
    assert second.messages[-FRAMES_AFTER:] == [SILENT_FRAME] * FRAMES_AFTER


def test_what_is_not_there_yet_is_silence_and_the_next_sound_a_new_talkspurt() -> None:
    wire = Wire()
    drive(make([*FRAMES[:2], None, None, *FRAMES[2:4]], Encapsulation.RTP), wire)
    marked = [n for n, message in enumerate(wire.messages) if message[1] & 0x80]
    assert marked == [FRAMES_BEFORE, FRAMES_BEFORE + 4]
    heard = [message[12:] for message in wire.messages[FRAMES_BEFORE : FRAMES_BEFORE + 6]]
    assert heard == [*FRAMES[:2], SILENT_FRAME, SILENT_FRAME, *FRAMES[2:4]]


def test_what_the_socket_does_not_take_is_not_piled_up() -> None:
    wire = Wire()
    sender = make(FRAMES)
    sender.begin(wire, 0)
    sender.tick(0)
    wire.unsent_bytes = 5_000
    assert sender.tick(20 * MS) == 25 * MS
    assert sender.tick(1_000 * MS) == 1_005 * MS
    assert len(wire.messages) == 1
    wire.unsent_bytes = 0
    # 980 ms late: one frame, and the grid goes on from there.
    assert sender.tick(1_000 * MS) == 1_020 * MS
    assert len(wire.messages) == 2


def test_counts_tell_sound_from_silence() -> None:
    sender = make(FRAMES)
    drive(sender, Wire())
    assert (sender.source_frames, sender.silent_frames) == (20, FRAMES_BEFORE + FRAMES_AFTER)
    assert sender.is_source_sent


def test_a_source_s_error_is_raised() -> None:
    class Broken(Listed):
        def next_frame(self) -> bytes | None:
            raise UsageError("unreadable")

    sender = make([])
    sender._source = Broken([])
    with pytest.raises(UsageError):
        drive(sender, Wire())
