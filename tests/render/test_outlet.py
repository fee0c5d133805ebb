"""Output that never waits: what a reader does not take is kept, then counted."""

from __future__ import annotations

import json
import os

import pytest

from voipbin_cli.render.outlet import Outlet


def test_a_reader_that_takes_nothing_holds_nobody_up_and_gets_all_that_fits() -> None:
    read, write = os.pipe()
    with open(read, encoding="utf-8") as reader, open(write, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream, most=300)
        for number in range(2000):
            outlet.emit("violation", {"frame": number, "words": "x" * 200})
        assert outlet.skipped > 1000
        os.set_blocking(read, False)
        first = reader.read()
        outlet.pass_on()
        assert first.startswith('{"event": "violation", "schema": 1, "time": ')
        assert len(first) < 70_000


def test_a_long_line_goes_out_whole() -> None:
    read, write = os.pipe()
    with open(read, encoding="utf-8") as reader, open(write, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        outlet.emit("violation", {"words": "y" * 30_000})
        outlet.finish()
        assert json.loads(reader.readline())["words"] == "y" * 30_000


def test_a_reader_that_is_gone_is_told_of_at_the_end() -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as stream:
        outlet = Outlet(stream)
        outlet.say("one")
        outlet.say("two")
        with pytest.raises(BrokenPipeError):
            outlet.finish()
        os.dup2(os.open(os.devnull, os.O_WRONLY), write)  # what is left in its buffer goes there
