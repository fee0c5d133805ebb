"""What is said of wrong usage: what happened, what to do, the status, and never Python's words."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

from voipbin_cli.errors import Refused
from voipbin_cli.main import main
from voipbin_cli.session.program import start_hint

ID = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
URL = f"https://api.example/v1.0/calls/{ID}/media_stream"

# The command line, what happened, what to do. All exit with 2.
ROWS = [
    # Commands
    ("recrod sim", "there is no command recrod", "did you mean voipbin record?"),
    ("stream recrod sim", "there is no command recrod", "did you mean voipbin stream record?"),
    ("listen sim", "there is no command listen", "did you mean voipbin stream tap?"),
    ("save sim", "there is no command save", "did you mean voipbin stream record?"),
    ("quality sim", "there is no command quality", "did you mean voipbin stream diagnose?"),
    ("sim", "there is no command sim", "did you mean voipbin simulate?"),
    ("stream list", "there is no command list", "did you mean voipbin calls list?"),
    ("call list", "there is no command call", "did you mean voipbin calls?"),
    ("version", "there is no command version", "did you mean voipbin --version?"),
    ("words.txt", "there is no command words.txt", "voipbin stream diagnose words.txt?"),
    (ID, "there is no command", f"voipbin stream diagnose {ID}?"),
    ("xyzzy", "there is no command xyzzy", "`voipbin help WORD` searches"),
    ("help xyzzy", "nothing is called 'xyzzy'", "`voipbin help loss`"),
    # Options
    ("record sim --token x", "there is no option --token", "a credential is never an option"),
    ("record sim --ouput x", "there is no option --ouput", "did you mean --output?"),
    ("record sim --force", "there is no option --force", "did you mean --overwrite?"),
    ("record sim -k", "there is no option -k", "did you mean --insecure?"),
    ("record sim --lead 3", "there is no option --lead", "an option of voipbin stream play"),
    ("record sim --quux", "there is no option --quux", "see: voipbin record --help"),
    ("calls list --max 3", "there is no option --max", "did you mean --limit?"),
    ("login --token x", "there is no option --token", "did you mean --token-stdin?"),
    ("record sim -d", "-d wants a value behind it", "see: voipbin record --help"),
    ("record sim --fill=1", "--fill takes no value", "see: voipbin record --help"),
    ("record sim a.wav", "too many arguments: a.wav", "a file to write goes to -o"),
    ("calls show", "CALL_ID is missing", "see: voipbin calls show --help"),
    # Values
    ("record sim -d 0", "a duration must be above 0", "1m30s or 1:30"),
    ("record sim -d 99999999999999", "is too long", "a year is the most"),
    ("record sim -d soon", "'soon' is not a duration", "1m30s or 1:30"),
    ("record sim -e slin", "--encapsulation takes rtp, sln or audiosocket", "did you mean sln?"),
    ("record sim --auth cookie", "--auth takes query or header, not 'cookie'", "see --help"),
    ("play sim a.wav --payload ulaw", "--payload takes auto, pcmu or l16", "see --help"),
    ("play sim a.wav --gain 1000", "a number from -100 to 100, not '1000'", "voipbin play --help"),
    ("play sim a.wav --lead 90", "a whole number from 0 to 80, not '90'", "voipbin play --help"),
    ("play sim a.wav --payload-type 200", "'200' is no payload type", "auto, or 0 to 127"),
    ("tap sim --buffer 0", "'0' is not a buffer", "auto, or 20 to 500 (ms)"),
    ("diagnose sim --dead-air -1", "a number of 0 or more, not '-1'", "voipbin diagnose --help"),
    ("diagnose --explain loss", "no finding is called 'loss'", "lost-audio or upstream-loss?"),
    ("validate --explain nope", "no rule is called 'nope'", "--list-rules names them"),
    ("record sim:loss", "there is no scenario 'loss'", "did you mean lost-audio or"),
    ("record sim:jitter,seed", "seed is not key=value", "sim:jitter,dialect=linear,seed=7"),
    # Nothing where a value belongs
    ("record sim -o ''", "--output is empty", "leave it out"),
    ("record sim --capture ''", "--capture is empty", "leave it out"),
    ("record sim --api-url ''", "--api-url is empty", "leave it out"),
    ("play sim ''", "FILE is empty", "leave it out"),
    ("diagnose sim --report ''", "--report is empty", "leave it out"),
    ("simulate --heard ''", "--heard is empty", "leave it out"),
    ("login --username ''", "--username is empty", "leave it out"),
    ("record sim -d ''", "a duration is empty", "leave it out"),
    ("record sim -e ''", "--encapsulation is empty", "leave it out"),
    ("play sim a.wav --payload-type ''", "a payload type is empty", "leave it out"),
    ("play sim -", "standard input is empty", "sox FILE -t wav -"),
    # Nobody to ask
    ("login --username me", "there is no terminal to ask on", "--password-stdin"),
    ("logout --profile lab", "there is no profile 'lab'", "no profile is kept"),
    ("diagnose", "TARGET is missing", "or a file's name"),
    ("serve words.txt", "too many arguments: words.txt", "a file to play goes to --file"),
    ("record sim,jitter", "not a TARGET: sim,jitter", "sim:SCENARIO"),
    ("simulate --scenario jitter,strength=x", "strength=x is not a number from -1,000,000", "unit"),
    ("serve --file a.wav --transport udp -e sln", "udp speaks rtp and nothing else", "leave out"),
    ("serve --file a.wav --transport udp --token x", "has no path", "leave out --token"),
    ("serve --file a.wav --transport udp --cert x", "udp has no TLS", "leave out --cert"),
    # Files
    ("record sim -o place", "place is a directory", "name a file in it"),
    ("record sim -o call", "call has no suffix", "use one of: .wav"),
    ("record sim -o words.xyz", "no audio format is called 'xyz'", "use one of: .wav"),
    ("record sim -o a.wav --capture a.wav", "a.wav cannot take two outputs", "a file of its own"),
    ("diagnose sim --report place", "place is a directory", "name a file in it"),
    ("play sim nowhere.wav", "cannot read nowhere.wav", "check the name"),
    ("play sim empty.wav", "empty.wav is empty", "a file with sound in it"),
    ("play empty.wav", "TARGET is missing: empty.wav is a file", "TARGET comes first"),
    ("record empty.wav", "TARGET is missing: empty.wav is a file", "diagnose FILE` judges"),
    ("diagnose nowhere.pcap", "neither a file nor a TARGET", "there is no such file"),
    ("diagnose place", "cannot read place", "the name of a capture"),
    ("diagnose words.txt", "words.txt is text", "captures are pcap"),
    # Targets
    ("record ''", "TARGET is missing", "give a call's UUID"),
    ("record conference/", "the id after `conference/` is missing", "conference/UUID"),
    ("record 12345", "12345 is not a UUID", "a UUID looks like"),
    ("record https://api.example/v1.0", "is no address of a stream", "ends in /media_stream"),
    (f"record {URL.replace(ID, '<call-id>')}", "is an example", "put your own there"),
    ("diagnose sim --pcap", "--pcap is for a call", "--pcap call/UUID"),
    ("calls show abc", "not a call's id: abc", "`voipbin calls list` shows them"),
]
# What only somebody who reads Python understands.
_PYTHON = re.compile(r"None|Errno|Traceback|Error:|_ssl|valid (int|float)|\[Errno|<class|0x")


@pytest.mark.parametrize(("line", "what", "hint"), ROWS, ids=lambda text: text[:40])
def test_an_error_says_what_happened_and_what_to_do(
    line: str,
    what: str,
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import shlex

    (tmp_path / "place").mkdir()
    (tmp_path / "empty.wav").touch()
    (tmp_path / "words.txt").write_text("Some words, and no sound at all.\n" * 40)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert main(shlex.split(line)) == 2
    said, advised = capsys.readouterr().err.splitlines()
    assert said.startswith("voipbin: ")
    assert what in said
    assert advised.startswith("hint: ")
    assert hint in advised
    assert not _PYTHON.search(said + advised)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "No such file or directory"), "check its name"),
        (PermissionError(13, "Permission denied"), "chmod +x"),
        (OSError(8, "Exec format error"), "after --"),
    ],
)
def test_a_program_that_cannot_be_started_is_advised_by_the_reason(
    error: OSError, words: str
) -> None:
    assert words in start_hint(error)


def _advised(target: str, status: int, hint: str) -> str:
    from voipbin_cli.commands.opened_target import opened_target
    from voipbin_cli.commands.options import ApiOptions, LiveOptions
    from voipbin_cli.transport.targets import parse_target

    live = LiveOptions(api=ApiOptions(api_url="http://127.0.0.1:1/v1.0"))
    with pytest.raises(Refused) as caught, opened_target(parse_target(target), live):
        raise Refused("no", hint=hint, http_status=status)
    return caught.value.hint


def test_what_is_advised_fits_the_way_in_which_the_stream_was_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VOIPBIN_TOKEN", "a-token")
    address = URL.replace("https:", "wss:")
    assert "VOIPBIN_TOKEN" not in _advised(address, 401, "set VOIPBIN_TOKEN")
    assert _advised(address, 404, "check the id (--api-url)") == "check the id"
    assert f"conference/{ID}" in _advised(f"call/{ID}", 404, "check the id")
    assert _advised(ID, 401, "set VOIPBIN_TOKEN") == "set VOIPBIN_TOKEN"
