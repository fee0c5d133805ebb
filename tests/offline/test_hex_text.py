"""Hexadecimal text becomes messages, or is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.hex_text import ExplainedMessage, HexText, HexValidation, hex_messages

PLAIN = "80600001000000a000000000ffff"
DUMPS = {
    "plain": PLAIN,
    "spaced": "80 60 00 01 00 00 00 a0 00 00 00 00 ff ff",
    "colons": "80:60:00:01:00:00:00:a0:00:00:00:00:FF:FF",
    "prefixed": "0x80, 0x60, 0x00, 0x01, 0x00, 0x00, 0x00, 0xa0, 0, 0x00".replace(" 0,", " 0x00,")
    + ", 0x00, 0x00, 0xff, 0xff",
    "python": r"b'\x80\x60\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x00\xff\xff'",
    "xxd": "00000000: 8060 0001 0000 00a0 0000 0000 ffff       .`............",
    "hexdump": "00000000  80 60 00 01 00 00 00 a0  00 00 00 00 ff ff        |.`............|",
    "tshark": "0000  80 60 00 01 00 00 00 a0 00 00 00 00 ff ff         .`............",
}


@pytest.mark.parametrize("text", DUMPS.values(), ids=DUMPS)
def test_hex_text_in_the_ways_that_logs_and_tools_write_it(text: str) -> None:
    assert [*hex_messages(io.BytesIO(text.encode()))] == [bytes.fromhex(PLAIN)]


def test_a_dump_of_several_lines_is_one_message_and_begins_anew_at_offset_zero() -> None:
    text = (
        "00000000: 1001 4000 0000 0000 0000 0000 0000 0000  ..@.............\n"
        "00000010: 6162 6364                                abcd\n"
        "00000000: 0102                                     ..\n"
    )
    first = bytes.fromhex("10014000") + bytes(12) + b"abcd"
    assert [*hex_messages(io.BytesIO(text.encode()))] == [first, b"\x01\x02"]


def test_one_message_a_line_with_remarks_between() -> None:
    text = b"# the first\n8060\n\n 10 0140 \n"
    assert [*hex_messages(io.BytesIO(text))] == [b"\x80\x60", b"\x10\x01\x40"]


def test_what_is_no_hex_text_is_said_with_its_line() -> None:
    with pytest.raises(UsageError, match="line 2 "):
        list(hex_messages(io.BytesIO(b"8060\nhello\n")))


@given(st.binary(max_size=300))
def test_no_text_does_worse_than_to_be_refused(data: bytes) -> None:
    try:
        list(hex_messages(io.BytesIO(data)))
    except UsageError:
        return


def test_each_message_is_explained_before_it_is_judged(tmp_path: Path) -> None:
    path = tmp_path / "a"
    # Version 1 where RTP has 2, then one that is whole.
    path.write_text("4060 0001 000000a0 00000000 ffff\n" + PLAIN + "\n")
    validation = HexValidation(str(path), Scope())
    steps = list(validation.steps())
    explained = [step for step in steps if isinstance(step, ExplainedMessage)]
    assert [step.number for step in explained] == [0, 1]
    assert explained[1].data == bytes.fromhex(PLAIN)
    assert [field.start for field in explained[1].fields][:3] == [0, 0, 0]
    assert isinstance(steps[0], ExplainedMessage)
    assert validation.summary["frames"] == 2
    assert validation.summary["target"] is None
    assert [(g.rule.id, g.count) for g in validation.groups][:1] == [("rtp-version", 1)]


def test_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text(f"{PLAIN}\n{PLAIN}\nthis is not hex text\n")
    validation = HexValidation(str(path), Scope(max_frames=1, direction=Direction.IN))
    assert sum(isinstance(step, ExplainedMessage) for step in validation.steps()) == 1


@pytest.mark.parametrize("text", ["", "# a remark\n"])
def test_a_file_without_a_message_is_wrong_usage(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_text(text)
    with pytest.raises(UsageError, match="no hex text"):
        list(HexValidation(str(path), Scope(), Encapsulation.SLN).steps())


def test_the_first_messages_are_explained_and_all_are_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voipbin_cli.offline.hex_text._MAX_EXPLAINED", 2)
    monkeypatch.setattr("voipbin_cli.offline.hex_text._PIECE_CHARACTERS", 15)
    path = tmp_path / "many.txt"
    path.write_text("100000\n" * 12)
    validation = HexValidation(str(path), Scope(), Encapsulation.AUDIOSOCKET)
    explained = [one.number for one in validation.steps() if isinstance(one, ExplainedMessage)]
    assert (explained, validation.explained, validation.frames) == ([0, 1], 2, 12)
    counts = {group.rule.id: group.count for group in validation.groups}
    assert counts["audiosocket-empty"] == 12


_LINES = st.sampled_from(
    ["8060 0001\n", "80:ff \n", "806000ff\n", "# a remark\n", "0000  80 60\r\n", "0010: ff\n"]
)


@given(st.lists(st.lists(_LINES, max_size=5)))
def test_many_lines_at_once_hold_the_same_messages(pieces: list[list[str]]) -> None:
    together = ["".join(lines).encode() for lines in pieces]
    assert _caught(_by_piece, together) == _caught(_by_line, together)


def _by_piece(pieces: list[bytes]) -> list[bytes]:
    text = HexText()
    columns = [text.columns(piece) for piece in pieces]
    return [*(one.message(n) for one in columns for n in range(len(one))), *text.rest()]


def _by_line(pieces: list[bytes]) -> list[bytes]:
    return list(hex_messages(io.BytesIO(b"".join(pieces))))


def _caught(read: Callable[[list[bytes]], list[bytes]], pieces: list[bytes]) -> list[bytes] | str:
    try:
        return read(pieces)
    except UsageError as error:
        return str(error)
