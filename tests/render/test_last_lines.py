"""What is said last of a run: where things are, and what whoever hears them will find."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.main import main
from voipbin_cli.render.recording import done_line
from voipbin_cli.render.simulation import over_text
from voipbin_cli.session.flow_action import CONNECTION_ID, listening_fields
from voipbin_cli.session.recorded_sound import SoundFaults
from voipbin_cli.transport.addresses import reach_warning


def recorded(**more: Any) -> dict[str, Any]:
    close = {"cause": "duration", "code": 1000, "reason": ""}
    told = {"audio_seconds": 4.0, "codec": "mulaw", "silent": False, "filled_seconds": 0.0}
    return {"output": "a.wav", "reconnects": 0, "close": close} | told | more


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "recorded 4.00 s of mu-law to a.wav"),
        ({"output": "-"}, "recorded 4.00 s of mu-law to standard output"),
        ({"silent": True}, "silence throughout: nobody is heard"),
        ({"filled_seconds": 1.5}, "1.50 s of silence for audio that never came"),
        ({"reconnects": 2}, "2 reconnects"),
        (
            {"output": None, "codec": None, "silent": None, "audio_seconds": 0.0},
            "nothing was recorded: no audio arrived",
        ),
    ],
)
def test_a_recording_says_where_it_is_and_what_is_in_it(more: dict[str, Any], words: str) -> None:
    line = done_line(recorded(**more), SoundFaults())
    assert words in line
    assert "None" not in line


def test_what_does_not_ail_a_recording_is_not_said() -> None:
    assert done_line(recorded(), SoundFaults()) == "recorded 4.00 s of mu-law to a.wav"


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (SoundFaults(clipped=0.3), "clipped: 30% of the samples are cut off"),
        (SoundFaults(clipped=0.006), "clipped: 0.6% of the samples are cut off"),
        (SoundFaults(holes=1, hole_ms=60), "1 hole in the speech, 0.06 s lost before it came"),
        (SoundFaults(holes=7, hole_ms=840), "7 holes in the speech, 0.84 s lost before it came"),
    ],
)
def test_a_recording_says_what_is_wrong_with_its_sound(faults: SoundFaults, words: str) -> None:
    assert done_line(recorded(), faults) == f"recorded 4.00 s of mu-law to a.wav; {words}"


def simulated(**more: int) -> dict[str, int]:
    names = ("streams_joined", "sent", "fed_ms", "heard_ms", "lost_ms", "dropped")
    return dict.fromkeys(names, 0) | more


def test_a_simulation_says_who_came_and_what_was_heard() -> None:
    assert over_text(simulated(), None) == "nobody came"
    told = over_text(simulated(streams_joined=1, sent=50, fed_ms=2000, heard_ms=1500), "h.wav")
    assert told == (
        "1 stream opened; 50 frames sent to them; 2.00 s of sound came back, of which the phone "
        "heard 1.50 s; what the phone heard is in h.wav"
    )


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "this machine alone"),
        ("localhost", "this machine alone"),
        ("::1", "this machine alone"),
        ("192.168.1.7", "no public address"),
        ("fe80::1", "no public address"),
        ("0.0.0.0", ""),
        ("::", ""),
        ("8.8.8.8", ""),
        ("bot.example", ""),
    ],
)
def test_who_listens_where_no_platform_comes_is_told(host: str, words: str) -> None:
    warning = reach_warning(host)
    assert words in warning
    assert bool(warning) is bool(words)


def test_the_servers_as_they_are_get_no_address_for_a_connection() -> None:
    at = listening_fields(Encapsulation.RTP, "bot.example", 8765, is_tls=True, token=None)
    assert at["action"]["option"]["url"] == "wss://bot.example:8765/audio"
    assert at["action_deployed"]["option"]["external_host"] == CONNECTION_ID
    for bare, encapsulation in (("tcp", Encapsulation.AUDIOSOCKET), ("udp", Encapsulation.RTP)):
        named = listening_fields(
            encapsulation, "bot.example", 9092, bare=bare, is_tls=False, token=None
        )
        assert named["action"]["option"]["external_host"] == "bot.example:9092"
        assert named["action"]["option"]["transport"] == bare
        assert named["action_deployed"] is None


def test_sound_is_not_written_onto_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["record", "sim", "-o", "-"]) == 2
    said = capsys.readouterr()
    assert "onto the terminal" in said.err
    assert said.out == ""
