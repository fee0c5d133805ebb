"""A script's file: what it means, and where it is wrong."""

from __future__ import annotations

import contextlib
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voipbin_cli.commands.simulate import simulate
from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.caller.script import (
    ROWS,
    CallerScript,
    Handset,
    HangUp,
    Interrupt,
    PressDigits,
    Say,
    WaitForBegin,
)
from voipbin_cli.simulator.caller.toml_text import format_script, parse_script, read_script

GOOD = """
times = 2

[handset]
noise_dbfs = -55      # a room
echo_delay_ms = 180

[[caller]]
do = "wait-for-begin"
timeout_s = 5

[[caller]]
do = "say"
seconds = 1.5

[[caller]]
do = "interrupt"
after_ms = 600

[[caller]]
do = "press"
digits = "12#"

[[caller]]
do = "hang-up"
"""


def test_a_file_is_the_same_as_rows() -> None:
    assert parse_script(GOOD) == CallerScript(
        (WaitForBegin(5), Say(seconds=1.5), Interrupt(after_ms=600), PressDigits("12#"), HangUp()),
        Handset(noise_dbfs=-55, echo_delay_ms=180),
        times=2,
    )
    inline = 'caller = [{ do = "say", seconds = 1 },\n  { "do" = "hang-up" }]'
    assert parse_script(inline) == CallerScript((Say(seconds=1), HangUp()))


WRONG = {
    'caller = [{do = "say"}': (1, 23, ""),
    "x = 1": (1, 1, "'x'"),
    "": (1, 1, "caller"),
    "caller = 3": (1, 1, "caller"),
    GOOD.replace('"say"', '"shout"'): (13, 1, "'shout'"),
    GOOD.replace("seconds = 1.5", "  seconds = 1e9"): (14, 3, "seconds = 1000000000.0"),
    GOOD.replace("seconds", "secs"): (14, 1, "'secs'"),
    GOOD.replace("12#", "12x"): (22, 1, "'x'"),
    GOOD.replace('digits = "12#"', ""): (21, 1, "digits is missing"),
    GOOD.replace("-55", "true"): (5, 1, "noise_dbfs = True"),
    GOOD.replace("times = 2", "times = 1.5"): (2, 1, "times = 1.5"),
    'caller = [{ do = "say" }, { do = "say", sound = 3 }]': (1, 41, "sound = 3"),
    'caller = [{ do = "say", sound = "no.wav" }]': (1, 25, "no.wav"),
    'caller = [{ do = "say", sound = "tone:high" }]': (1, 25, "'high'"),
    'caller = [{ seconds = 3 }]\n[handset]\nlevel = 3': (3, 1, "level"),
    'caller = [{ seconds = 3 }]': (1, 13, "does nothing"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "place"), WRONG.items())
def test_what_is_wrong_is_told_with_line_and_column(text: str, place: tuple[int, int, str]) -> None:
    with pytest.raises(UsageError) as error:
        parse_script(text, name="a.toml")
    line, column, said = place
    assert error.value.message.startswith(f"a.toml:{line}:{column}: ")
    assert said in error.value.message


def test_the_help_names_every_row_and_every_key() -> None:
    said = " ".join((simulate.__doc__ or "").split())
    for name, kind in ROWS.items():
        keys = ", ".join(one.name for one in fields(kind))
        assert (f"{name} ({keys})" if keys else name) in said
    assert all(one.name in said for one in (*fields(Handset), *fields(CallerScript)[2:]))


def test_rows_are_the_same_as_a_file() -> None:
    script = parse_script(GOOD)
    assert parse_script(format_script(script)) == script
    quiet = CallerScript((Say("tone:440", 1), Interrupt(sound="speech")), Handset(None, 3))
    assert parse_script(format_script(quiet)) == quiet


@settings(max_examples=20)
@given(st.text() | st.text("caller=[{do}]\"'say\n#. 1").map(lambda text: f"caller = [{text}]"))
def test_whatever_is_in_it_only_a_usage_error_comes_of_it(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_script(text)


def test_files_are_beside_the_script(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import wave

    with wave.open(str(tmp_path / "order.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
    path = tmp_path / "a.toml"
    path.write_text('caller = [{ do = "say", sound = "order.wav" }]')
    assert read_script(path).rows == (Say(str(tmp_path / "order.wav")),)
    with pytest.raises(UsageError, match="cannot read"):
        read_script(tmp_path / "none.toml")
