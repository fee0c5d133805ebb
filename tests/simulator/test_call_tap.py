"""The capture of a simulated call, as the bot could have made it."""

from __future__ import annotations

from pathlib import Path

import pytest

from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedEvent, CaptureEventName
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import MachineError
from voipbin_cli.offline.own_capture import steps
from voipbin_cli.simulator.call_tap import CallTap


def test_every_message_is_in_it_and_how_it_ended(tmp_path: Path) -> None:
    now = [1_000_000_000]
    tap = CallTap(tmp_path / "call.pcapng", "sim:clean", lambda: now[0], lambda: 5_000_000_000)
    tap.sent(b"before a connection nothing is kept")
    tap.opened(Encapsulation.SLN)
    tap.sent(b"\1\2")
    now[0] += 20_000_000
    tap.came(b"\3\4")
    tap.ended(by_bot=True)
    tap.close()
    tap.close()
    with (tmp_path / "call.pcapng").open("rb") as file:
        capture = Capture(Window(file))
        told = list(steps(capture, tuple(CaptureEventName)))
        assert capture.meta is not None
        assert (capture.meta.target, capture.meta.encapsulation) == ("sim:clean", "sln")
    messages = [
        (step.direction, step.messages.message(0))
        for step in told
        if not isinstance(step, CapturedEvent)
    ]
    assert messages == [("in", b"\1\2"), ("out", b"\3\4")]
    (close,) = [s for s in told if isinstance(s, CapturedEvent) and s.name == "close"]
    assert (close.fields["code"], close.fields["cause"], close.fields["local"]) == (
        1000,
        "finished",
        True,
    )


def test_a_file_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    tap = CallTap(tmp_path / "none" / "call.pcapng", "sim:clean", lambda: 0)
    with pytest.raises(MachineError, match=r"cannot write .*call.pcapng"):
        tap.opened(Encapsulation.RTP)
