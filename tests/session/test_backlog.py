"""What a program writes in pieces, in frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.session.backlog import FRAME_BYTES, Backlog

FRAME = b"\x01\x02" * 160


def taken(backlog: Backlog, looks: int) -> list[bytes | None]:
    return [backlog.next_frame() for _ in range(looks)]


@given(st.lists(st.binary(max_size=2000), max_size=20))
def test_nothing_is_lost_whatever_the_pieces(pieces: list[bytes]) -> None:
    backlog = Backlog()
    for piece in pieces:
        backlog.put(piece)
    backlog.finish()
    whole = b"".join(pieces)
    frames = []
    while not backlog.is_over:
        frames.append(backlog.next_frame() or b"")
    padded = -(-len(whole) // FRAME_BYTES) * FRAME_BYTES
    assert b"".join(frames) == whole.ljust(padded, b"\0")
    assert backlog.next_frame() is None


def test_words_begin_when_60_ms_of_them_are_there() -> None:
    backlog = Backlog()
    backlog.put(FRAME)
    assert backlog.next_frame() is None
    backlog.put(FRAME)
    assert backlog.next_frame() is None
    backlog.put(FRAME)
    assert taken(backlog, 4) == [FRAME, FRAME, FRAME, None]


def test_a_short_word_is_not_waited_for_for_ever() -> None:
    backlog = Backlog()
    backlog.put(FRAME + FRAME[:100])
    assert taken(backlog, 4) == [None, FRAME, FRAME[:100].ljust(FRAME_BYTES, b"\0"), None]


def test_once_begun_each_frame_goes_out_as_it_comes() -> None:
    backlog = Backlog()
    backlog.put(FRAME * 3)
    assert taken(backlog, 3) == [FRAME] * 3
    backlog.put(FRAME)
    assert backlog.next_frame() == FRAME


def test_part_of_a_frame_waits_for_the_rest_while_it_comes() -> None:
    backlog = Backlog()
    backlog.put(FRAME * 3 + FRAME[:10])
    assert taken(backlog, 3) == [FRAME] * 3
    backlog.put(FRAME[10:20])
    assert backlog.next_frame() is None
    backlog.put(FRAME[20:])
    # The words were interrupted: they begin again, with what there is once no more comes.
    assert taken(backlog, 2) == [None, FRAME]


def test_what_is_dropped_is_counted() -> None:
    backlog = Backlog()
    backlog.put(bytes(16_000))
    assert backlog.clear() == 1.0
    assert backlog.dropped_samples == 8000
    assert backlog.next_frame() is None
    assert not backlog.is_over


def test_it_is_full_at_its_limit() -> None:
    backlog = Backlog(limit_s=0.1)
    backlog.put(bytes(1598))
    assert not backlog.full
    backlog.put(bytes(2))
    assert backlog.full
