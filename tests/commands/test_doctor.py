"""`voipbin doctor`: what it finds, what it says, and what it never says."""

from __future__ import annotations

import time
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Result, voipbin
from tests.support.peer import Answer, Peer, document, envelope
from voipbin_cli.errors import MachineError
from voipbin_cli.media import devices
from voipbin_cli.session import checks as machine
from voipbin_cli.session.checks import CheckState
from voipbin_cli.transport.credentials import Credential, CredentialKind
from voipbin_cli.transport.endpoint import Endpoint

LIST = ("GET", "/v1.0/calls")
CUSTOMER = ("GET", "/v1.0/customer")
SECRET = "s3cret-of-the-doctor"
EMPTY = document({"result": [], "next_page_token": ""})


def examine(
    home: Path, answer: Answer, *args: str, customer: Answer | None = None, **env: str
) -> Result:
    routes = {LIST: answer} | ({CUSTOMER: customer} if customer else {})
    with Peer(routes=routes) as peer:
        settings = {"VOIPBIN_API_URL": peer.http_url("/v1.0"), "VOIPBIN_ACCESSKEY": SECRET, **env}
        result = voipbin("doctor", *args, cwd=home, env=settings)
    assert SECRET not in result.stdout.decode() + result.stderr
    return result


def device(number: int, name: str, **more: Any) -> devices.Device:
    base = {"inputs": 0, "outputs": 0, "is_default_input": False, "is_default_output": False}
    return devices.Device(number, name, "ALSA", rate_hz=48000.0, **{**base, **more})


def checks(result: Result) -> dict[str, dict[str, Any]]:
    return {event["topic"]: event for event in result.events if event["event"] == "check"}


def test_a_machine_in_order(tmp_path: Path) -> None:
    result = examine(tmp_path, EMPTY, "--json")
    assert result.status == 0
    found = checks(result)
    assert list(found)[:2] == ["voipbin", "libraries"]
    assert found["credential"]["facts"]["source"] == "VOIPBIN_ACCESSKEY"
    assert "takes the credential" in found["api"]["words"]
    assert str(tmp_path) in found["keyring"]["words"]
    assert result.summary["bad"] == []


def test_one_screen_of_eighty_columns(tmp_path: Path) -> None:
    lines = examine(tmp_path, EMPTY).stdout.decode().splitlines()
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_a_machine_without_portaudio_has_everything_but_tap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> str:
        raise MachineError("there is no PortAudio on this machine", hint="apt-get install it")

    monkeypatch.setattr(devices, "sound_system_version", missing)
    found = machine.sound_check()
    assert (found.state, found.facts["portaudio"]) == (CheckState.NOTE, None)
    assert found.hint == "only `voipbin stream tap` needs it: apt-get install it"


def test_the_device_that_tap_would_play_to_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        device(0, "Microphone", inputs=1),
        device(1, "HDMI", outputs=2),
        device(2, "Headphones", outputs=2, is_default_output=True),
    ]
    monkeypatch.setattr(devices, "sound_system_version", lambda: "PortAudio V19.7, revision 1b2")
    monkeypatch.setattr(devices, "list_devices", lambda: rows)
    assert machine.sound_check().words == "PortAudio V19.7; plays to Headphones, of 2 in all"
    monkeypatch.setattr(devices, "list_devices", lambda: rows[:1])
    assert machine.sound_check().state is CheckState.NOTE


@pytest.mark.parametrize("shift_s", [-40.0, 3700.0])
def test_the_clock_is_compared_with_the_apis(tmp_path: Path, shift_s: float) -> None:
    date = {"Date": formatdate(time.time() + shift_s, usegmt=True)}
    found = checks(examine(tmp_path, Answer(200, date, EMPTY.body), "--json"))["clock"]
    assert found["state"] == "note"
    # What the API's clock is behind, ours is ahead.
    assert found["facts"]["ahead_s"] == pytest.approx(-shift_s, abs=5)
    assert ("ahead of" in found["words"]) is (shift_s < 0)


@pytest.mark.parametrize(
    ("server_s", "round_trip_s", "now_s", "state"),
    [
        # The Date of 100.99 says 100; the answer is here at 101: half a second apart.
        (100.0, 0.0, 101.0, CheckState.OK),
        (100.0, 0.0, 102.5, CheckState.OK),  # 2.0 s, the limit
        (100.0, 0.0, 102.6, CheckState.NOTE),
        (100.0, 4.0, 104.5, CheckState.OK),  # sent two seconds before it came
        (100.0, 0.0, 98.4, CheckState.NOTE),
    ],
)
def test_a_date_is_whole_seconds_from_within_the_round_trip(
    server_s: float, round_trip_s: float, now_s: float, state: CheckState
) -> None:
    assert machine.clock_check(server_s, round_trip_s, now_s).state is state


@pytest.mark.parametrize(
    ("customer", "told", "words"),
    [
        (document({"metadata": {"rtp_debug": True}}), True, "rtp_debug is on"),
        (document({"metadata": {"rtp_debug": False}}), False, "rtp_debug is off"),
        (document({"metadata": {"rtp_debug": "on"}}), None, "the API does not say"),
        (document({"name": "x"}), None, "the API does not say"),
        (envelope(403, "NO_RIGHT", "No.", "req-3"), None, "an admin or manager"),
    ],
)
def test_it_tells_whether_the_platform_captures_sound(
    customer: Answer, told: bool | None, words: str, tmp_path: Path
) -> None:
    result = examine(tmp_path, EMPTY, "--json", customer=customer)
    found = checks(result)["captures"]
    assert (found["facts"]["rtp_debug"], result.status) == (told, 0)
    assert words in found["words"]
    assert ("rtp_debug" in found["hint"]) is (told is False)


def test_a_refused_credential_is_bad_and_ends_with_status_4(tmp_path: Path) -> None:
    refusal = envelope(401, "INVALID_CREDENTIALS", "Wrong.", "req-9")
    result = examine(tmp_path, refusal, "--json")
    assert result.status == 4
    assert result.summary["bad"] == ["api"]
    assert checks(result)["api"]["facts"]["request_id"] == "req-9"


def test_an_api_out_of_reach_is_bad_and_ends_with_status_3(tmp_path: Path) -> None:
    result = examine(tmp_path, EMPTY, "--json", "--api-url", "http://127.0.0.1:1/v1.0")
    assert result.status == 3
    assert checks(result)["api"]["state"] == "bad"
    assert "terminal" in checks(result)  # one bad thing does not hide the rest


def test_a_damaged_profile_file_is_told_and_not_fatal(tmp_path: Path) -> None:
    (tmp_path / ".config" / "voipbin").mkdir(parents=True)
    (tmp_path / ".config" / "voipbin" / "profiles.json").write_text("{")
    result = voipbin("doctor", "--json", cwd=tmp_path)
    assert result.status == 2
    assert checks(result)["credential"]["state"] == "bad"


def test_without_a_credential_it_says_how_to_get_one(tmp_path: Path) -> None:
    refusal = envelope(401, "AUTHENTICATION_REQUIRED", "Who?", "req-1")
    result = examine(tmp_path, refusal, "--json", VOIPBIN_ACCESSKEY="")
    assert result.status == 0
    assert checks(result)["credential"]["state"] == "note"
    assert "wants a credential" in checks(result)["api"]["words"]


def test_an_expired_token_is_bad() -> None:
    token = "e30.eyJleHAiOiAxMDAwfQ.c2ln"  # {"exp": 1000}
    endpoint = Endpoint(credential=Credential(CredentialKind.TOKEN, token, "profile x"))
    assert machine.credential_check(endpoint, now_s=999.0).state is CheckState.OK
    late = machine.credential_check(endpoint, now_s=4600.0)
    assert (late.state, late.words) == (CheckState.BAD, "token from profile x, expired 1h ago")


def test_a_completion_script_is_found_and_its_use_told_where_shells_do_not_look() -> None:
    script = Path("/opt/venv/share/zsh/site-functions/_voipbin")
    found = machine.shell_check({"SHELL": "/usr/bin/zsh"}, [Path("/opt/venv/x"), script])
    assert str(script) in found.words
    assert found.hint.endswith("before compinit: fpath=(/opt/venv/share/zsh/site-functions $fpath)")
    seen = machine.shell_check({"SHELL": "zsh", "XDG_DATA_DIRS": "/opt/venv/share"}, [script])
    assert (seen.state, seen.hint) == (CheckState.OK, "")
    assert machine.shell_check({"SHELL": "/bin/bash"}, [script]).state is CheckState.NOTE
    assert machine.shell_check({"SHELL": "/bin/tcsh"}, [script]).state is CheckState.OK


def test_a_terminal_without_unicode_is_served_in_ascii(tmp_path: Path) -> None:
    result = examine(tmp_path, EMPTY, PYTHONIOENCODING="ascii")
    assert result.status == 0
    assert result.stdout.isascii()
    assert b"PYTHONUTF8=1" in result.stdout
