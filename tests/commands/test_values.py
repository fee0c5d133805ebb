"""What the values of options may be, and what is said of those that may not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.commands.values import choice, parse_duration, parse_payload_type
from voipbin_cli.errors import UsageError
from voipbin_cli.transport.credentials import Auth


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10),
        ("2.5s", 2.5),
        ("90s", 90),
        ("500ms", 0.5),
        ("1m30s", 90),
        ("1:30", 90),
        ("0:02.5", 2.5),
        ("1:01:01", 3661),
        ("2h", 7200),
        ("1h1m1s", 3661),
    ],
)
def test_a_duration_is_in_hours_minutes_and_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["0", "0s", "0h0m0.0s", "0:00", "0ms"])
def test_no_time_at_all_is_too_little(text: str) -> None:
    with pytest.raises(UsageError, match="a duration must be above 0"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-1",
        "1d",
        "s",
        "30s1m",
        "1e3",
        "٣",
        "nan",
        "9999h",
        "1h2",
        "1m30",
        "1h2m3",
        "1:3",
        ":30",
        "1::30",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a duration|is too long|is empty"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "number"), [("auto", None), ("AUTO", None), ("0", 0), ("127", 127)]
)
def test_a_payload_type_has_seven_bits(text: str, number: int | None) -> None:
    assert parse_payload_type(text) == number


@pytest.mark.parametrize("text", ["128", "-1", "1.5", "²", ""])
def test_anything_else_is_no_payload_type(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no payload type|is empty"):
        parse_payload_type(text)


@pytest.mark.parametrize("parse", [parse_duration, parse_payload_type])
def test_what_is_shown_of_a_wrong_value_is_escaped_once(parse: Callable[[str], object]) -> None:
    with pytest.raises(UsageError) as told:
        parse("\x1b[2J")
    assert told.value.message.startswith(r"'\x1b[2J' is ")


def test_a_choice_gives_the_member_of_its_enumeration() -> None:
    option = choice("--encapsulation", "-e", among=Encapsulation)
    assert option.metavar == "rtp|sln|audiosocket"
    assert option.parser("SLN") is Encapsulation.SLN
    assert option.parser(Encapsulation.RTP) is Encapsulation.RTP


def test_a_choice_gives_what_its_word_means() -> None:
    option = choice("--payload", among={"auto": None, "pcmu": Codec.MULAW})
    assert option.metavar == "auto|pcmu"
    assert (option.parser("auto"), option.parser("pcmu")) == (None, Codec.MULAW)


@pytest.mark.parametrize(
    ("option", "text", "words", "hint"),
    [
        (
            choice("--auth", among=Auth),
            "foo",
            "--auth takes query or header, not 'foo'",
            "see --help",
        ),
        (
            choice("--encapsulation", "-e", among=Encapsulation),
            "rpt",
            "--encapsulation takes rtp, sln or audiosocket, not 'rpt'",
            "did you mean rtp?",
        ),
        (choice("--direction", among=Direction), "\x1b[2J", r"not '\x1b[2J'", "see --help"),
    ],
    ids=["two words", "three words", "no word"],
)
def test_a_choice_says_which_words_it_takes(
    option: object, text: str, words: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        option.parser(text)  # type: ignore[attr-defined]
    assert words in caught.value.message
    assert caught.value.hint == hint
