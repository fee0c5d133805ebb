from __future__ import annotations

from random import Random

import pytest

from tests.support.channels import MAX_SIZE, LibraryAlone, heard
from tests.support.peer import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame_bytes
from voipbin_cli.transport.websocket_framing import Framing

FRAME = b"\x82\x7e\x00\xac" + bytes(range(172))
PAYLOAD = FRAME[4:]


def test_plain_frames_are_taken_out_and_the_rest_is_left_as_it_came() -> None:
    ping = frame_bytes(PING, b"?")
    framing = Framing(MAX_SIZE)
    assert framing.split(FRAME + b"\x82\x03abc" + FRAME) == ([PAYLOAD, b"abc", PAYLOAD], b"")
    assert framing.split(FRAME + ping + FRAME) == ([PAYLOAD], ping + FRAME)
    assert framing.split(FRAME) == ([PAYLOAD], b"")


def test_a_plain_frame_that_is_cut_anywhere_waits_for_its_rest() -> None:
    for cut in range(4, len(FRAME)):
        framing = Framing(MAX_SIZE)
        assert framing.split(FRAME[:cut]) == ([], b""), cut
        assert framing.split(FRAME[cut:] + FRAME) == ([PAYLOAD, PAYLOAD], b""), cut


def test_what_waits_is_handed_over_when_nothing_is_taken_out_any_more() -> None:
    framing = Framing(MAX_SIZE)
    framing.split(FRAME + FRAME[:50])
    assert framing.release() == FRAME[:50]
    assert framing.release() == b""


@pytest.mark.parametrize("cut", range(1, 12))
def test_behind_a_frame_that_is_the_librarys_the_next_one_is_found(cut: int) -> None:
    """However its head and its payload are cut: the length may stand in 1, 3 or 9 octets."""
    large = b"\x82\x7f" + (5).to_bytes(8, "big") + b"12345"
    for other in (frame_bytes(TEXT, b"four"), b"\x81\x7e\x00\x04four", large):
        framing = Framing(MAX_SIZE)
        passed = framing.split(other[:cut])[1] + framing.split(other[cut:])[1]
        assert passed == other
        assert framing.split(FRAME) == ([PAYLOAD], b"")


def test_the_rest_of_a_head_is_no_frame_even_where_it_looks_like_one() -> None:
    framing = Framing(MAX_SIZE)
    assert framing.split(frame_bytes(PING, b"")[:1]) == ([], b"\x89")
    masked = b"\x82\x02\x00\x00\x00\x00"  # two octets long, had it been a frame of its own
    assert framing.split(masked) == ([], masked)


def test_within_a_fragmented_message_every_frame_is_the_librarys() -> None:
    """RFC 6455 section 5.4: a data frame there is a breach; a control frame ends nothing."""
    first, last = frame_bytes(BINARY, b"ab", final=False), frame_bytes(CONTINUATION, b"c")
    pong = frame_bytes(PONG, b"")
    framing = Framing(MAX_SIZE)
    for piece in (first, pong, FRAME, last):
        assert framing.split(piece) == ([], piece)
    assert framing.split(FRAME) == ([PAYLOAD], b"")


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\xac\0\0\0\0" + bytes(44),
        b"\xc2\x05abcde",
        b"\x82\x7e\x03\xe9" + bytes(1001),
        b"\x82\x7f" + b"\xff" * 8,
    ],
    ids=["masked", "a reserved bit", "over the limit", "endless"],
)
def test_a_breach_is_the_librarys_at_once(frame: bytes) -> None:
    assert Framing(MAX_SIZE).split(frame) == ([], frame)


def test_the_answer_to_the_upgrade_ends_where_its_head_does() -> None:
    head = b"HTTP/1.1 101 Switching Protocols\r\nA: b\r\n\r\n"
    for cut in range(1, len(head)):
        framing = Framing(MAX_SIZE)
        assert framing.answer(head[:cut]) == (head[:cut], b"")
        assert framing.answer(head[cut:] + FRAME) == (head[cut:], FRAME)
        assert framing.answer(head) == (b"", head)


def some_frame(rng: Random) -> bytes:
    """Mostly plain ones, and everything else that a server may or must not send."""
    text = "hé".encode() * rng.randint(0, 9)
    kind = rng.choices(range(10), [50, 20, 8, 8, 6, 2, 2, 1, 1, 1])[0]
    match kind:
        case 0:
            return FRAME
        case 1:
            return frame_bytes(BINARY, rng.randbytes(rng.choice([0, 1, 125, 126, 300, 1000])))
        case 2:
            return frame_bytes(rng.choice([PING, PONG]), rng.randbytes(rng.randint(0, 125)))
        case 3:
            between = frame_bytes(PONG, b"") * rng.randint(0, 1)
            opcode = rng.choice([TEXT, BINARY])
            return (
                frame_bytes(opcode, text, final=False) + between + frame_bytes(CONTINUATION, text)
            )
        case 4:
            return frame_bytes(TEXT, text)
        case 5:
            return b"\x82\x7f" + (200).to_bytes(8, "big") + bytes(200)
        case 6:
            return frame_bytes(CLOSE, b"\x03\xe8bye")
        case 7:
            return rng.randbytes(rng.randint(1, 20))
        case 8:
            return frame_bytes(BINARY, bytes(MAX_SIZE + 1))
        case _:
            return frame_bytes(BINARY, b"ab", final=False)


def cut_anyhow(data: bytes, rng: Random) -> list[bytes]:
    most = rng.choice([1, 5, 50, 500, 5000])
    pieces = []
    while data:
        size = rng.randint(1, most)
        pieces.append(data[:size])
        data = data[size:]
    return pieces


@pytest.mark.parametrize("seed", range(20))
def test_with_and_without_it_the_same_is_heard(seed: int) -> None:
    rng = Random(seed)
    for _ in range(15):
        data = b"".join(some_frame(rng) for _ in range(rng.randint(1, 40)))
        pieces = cut_anyhow(data, rng)
        close_at = rng.choice([None, rng.randrange(len(pieces))])
        ours = heard(pieces, Framing(MAX_SIZE), close_at)
        assert ours == heard(pieces, LibraryAlone(MAX_SIZE), close_at)


def test_a_frame_that_the_close_cuts_in_two_anywhere_is_read_whole() -> None:
    for cut in range(1, len(FRAME)):
        pieces = [FRAME + FRAME[:cut], FRAME[cut:] + FRAME, frame_bytes(CLOSE, b"\x03\xe8")]
        told = heard(pieces, Framing(MAX_SIZE), close_at=1)
        assert told.messages == [PAYLOAD] * 3, cut
        assert told.ending is not None
        assert (told.ending.code, told.ending.abrupt, told.ending.local) == (1000, False, True)
