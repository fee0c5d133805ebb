"""The credential in everything that this program writes, says, starts or leaves behind.

Each command runs against a real peer with a credential that is told from all else, in the way
that a user gives it; then every byte that came of it is looked through, as is the process list
and the environment of what it started.
"""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
import soundfile
from websockets.sync.client import connect

from tests.faults.streams import CALL, OVER, PROGRESSING, STATE, packets
from tests.support import pulse
from tests.support.cli import VOIPBIN, Result, environment, finish, start, voipbin
from tests.support.peer import (
    Answer,
    Close,
    Fin,
    Peer,
    Received,
    Request,
    Send,
    Step,
    document,
    envelope,
)

# Characters that have to be quoted in a URL: they are looked for in both forms.
SECRET = "tOp+sEcReT/4711=="
FORMS = tuple(
    form.encode()
    for form in (
        SECRET,
        quote(SECRET, safe=""),
        "tOp sEcReT/4711",
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
        "sEcReT",
    )
)
CONFERENCE = f"/v1.0/conferences/{CALL}"
PAGE = document({"result": [{"id": CALL, "status": "progressing"}], "next_page_token": ""})
# A server that says the credential back, wherever it can.
ECHO = envelope(401, f"BAD {SECRET}", f"{SECRET} is not known", f"req-{SECRET}")
ROUTES = {
    STATE: OVER,
    ("GET", "/v1.0/calls"): PAGE,
    ("GET", "/v1.0/conferences"): PAGE,
    ("GET", CONFERENCE): OVER,
}
ECHOES = dict.fromkeys(ROUTES, ECHO)
STREAM: list[Step] = [*map(Send, packets(40)), Fin()]


@dataclass(frozen=True)
class Walk:
    """A command, how it ends, and the files that it leaves besides its capture."""

    words: list[str]
    leaves: tuple[str, ...] = ()
    script: list[Step] = field(default_factory=lambda: STREAM)


PROGRAM = "env >env.txt; tr '\\0' '\\n' </proc/self/environ >>env.txt; cat >/dev/null"
LIVE = {
    "record": Walk(["record", CALL, "-o", "call.wav", "-v"], ("call.wav",)),
    "record -vv": Walk(["record", CALL, "-o", "call.flac", "-vv"], ("call.flac",)),
    "play": Walk(
        ["play", CALL, "--dtmf", "1", "--record", "back.wav", "-v"],
        ("back.wav",),
        # The digit lasts 0.2 s.
        script=[*STREAM[:-1], Received(10)],
    ),
    "validate": Walk(["validate", CALL, "-v"]),
    "diagnose": Walk(["diagnose", CALL, "--report", "report.html", "-v"], ("report.html",)),
    "pipe": Walk(["pipe", CALL, "-v", "--", "sh", "-c", PROGRAM], ("env.txt",)),
}
OTHERS = [
    ["calls", "list"],
    ["calls", "show", CALL],
    ["conferences", "list"],
    ["conferences", "show", CALL],
    ["doctor"],
]


def assert_absent(data: bytes, where: str) -> None:
    found = [form for form in FORMS if form in data]
    assert not found, f"{where} holds {found[0]!r}: …{context(data, found[0])!r}…"


def context(data: bytes, form: bytes) -> bytes:
    at = data.index(form)
    return data[max(0, at - 80) : at + 80]


def look_through(directory: Path, *, but: Path | None = None) -> None:
    """Names and contents of all files below, but for the one where it has to be."""
    for path in directory.rglob("*"):
        assert_absent(str(path.relative_to(directory)).encode(), "a file name")
        if path.is_file() and path != but:
            assert_absent(path.read_bytes(), path.name)


def assert_left(directory: Path, pattern: str) -> None:
    """A search of a file that is not there, or has nothing in it, finds nothing."""
    (path,) = directory.glob(pattern)
    assert path.stat().st_size > 0, path.name


class Onlooker:
    """What anyone on this machine sees of a process and of all that it starts, while it runs."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.commands: set[bytes] = set()
        self.environments: dict[str, bytes] = {}
        self._process = process
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while self._process.poll() is None:
            self._look_at(str(self._process.pid), is_child=False)
            time.sleep(0.01)

    def _look_at(self, pid: str, *, is_child: bool) -> None:
        try:
            self.commands.add(Path(f"/proc/{pid}/cmdline").read_bytes())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            # Between fork and exec it is its parent still.
            if is_child and command != self._own_command():
                self.environments[pid] = Path(f"/proc/{pid}/environ").read_bytes()
            for task in Path(f"/proc/{pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    self._look_at(child, is_child=True)
        except OSError:
            return

    def _own_command(self) -> bytes:
        return b"\0".join(str(word).encode() for word in self._process.args) + b"\0"

    def check(self) -> None:
        self._thread.join()
        for command in self.commands:
            assert_absent(command, "the process list")
        for environ in self.environments.values():
            assert_absent(environ, "the environment of a child")


def run_and_look(
    directory: Path,
    command: list[str],
    env: dict[str, str],
    *,
    status: int = 0,
    leaves: tuple[str, ...] = (),
    expect_children: bool = False,
    meanwhile: Callable[[subprocess.Popen[bytes]], bytes] = lambda _: b"",
    keeper: Path | None = None,
) -> Result:
    """Run it to its end, watched; nothing that comes of it may hold the credential.

    `meanwhile` may read of its stdout, and returns what it has read.
    """
    home, work = directory / "home", directory / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    process = start(*command, cwd=work, env={**env, "HOME": str(home)})
    onlooker = Onlooker(process)
    said = meanwhile(process)
    result = finish(process)
    onlooker.check()
    assert result.status == status, result.stderr
    assert_absent(said + result.stdout, "stdout")
    assert_absent(result.stderr.encode(), "stderr")
    for pattern in leaves:
        assert_left(work, pattern)
    look_through(directory, but=keeper)
    assert bool(onlooker.environments) >= expect_children
    return result


def variables(peer: Peer, kind: str) -> dict[str, str]:
    return {f"VOIPBIN_{kind}": SECRET, "VOIPBIN_API_URL": peer.http_url("/v1.0")}


def on_a_call(script: list[Step]) -> Peer:
    """The call progresses until it has had its one stream."""
    peer = Peer(script)

    def state(_request: Request) -> Answer:
        return OVER if peer.upgrades else PROGRESSING

    peer.routes = {**ROUTES, STATE: state}
    return peer


def assert_travelled(peer: Peer) -> None:
    """Else there would be nothing to find."""
    assert peer.upgrades == 1
    assert any(quote(SECRET, safe="") in request.target for request in peer.requests)


@pytest.mark.parametrize("name", LIVE)
def test_a_live_command_lets_it_out_nowhere(name: str, tmp_path: Path) -> None:
    walk = LIVE[name]
    with on_a_call(walk.script) as peer:
        run_and_look(
            tmp_path,
            ["stream", walk.words[0], "--json", "--capture", "call.pcapng", *walk.words[1:]],
            variables(peer, "TOKEN"),
            leaves=("call.pcapng", *walk.leaves),
            expect_children=name == "pipe",
        )
        assert_travelled(peer)


def test_tap_lets_it_out_nowhere(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with pulse.pulseaudio(home) as card, on_a_call(STREAM) as peer:
        (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }")
        run_and_look(
            tmp_path,
            ["stream", "tap", CALL, "-v", "--json", "-o", "call.wav", "--capture", "call.pcapng"],
            {**card, **variables(peer, "TOKEN")},
            leaves=("call.wav", "call.pcapng"),
        )
        assert_travelled(peer)


def visit(process: subprocess.Popen[bytes], count: int, *, echo: bool) -> bytes:
    """Hear `count` messages at the address that a server tells, then interrupt it."""
    assert process.stdout is not None
    line = process.stdout.readline()
    with connect(json.loads(line)["address"], compression=None) as client:
        for _ in range(count):
            message = client.recv()
            if echo:
                client.send(message)
    process.send_signal(signal.SIGINT)
    return line


def test_a_proxy_lets_it_out_nowhere(tmp_path: Path) -> None:
    """Nor to who connects, whose address is one without it."""
    command = ["stream", "validate", CALL, "--proxy", "0", "-v", "--json"]
    with on_a_call(STREAM) as peer:
        run_and_look(
            tmp_path,
            [*command, "--capture", "call.pcapng"],
            variables(peer, "TOKEN"),
            leaves=("call.pcapng",),
            meanwhile=lambda process: visit(process, 40, echo=False),
        )
        assert_travelled(peer)


def test_serve_lets_it_out_nowhere(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    soundfile.write(tmp_path / "work" / "tone.wav", [0.1, -0.1] * 4000, 8000)
    command = ["stream", "serve", "--file", "tone.wav", "--port", "0", "--record", "kept"]
    run_and_look(
        tmp_path,
        [*command, "-v", "--json"],
        {"VOIPBIN_TOKEN": SECRET},
        leaves=("kept/*.wav",),
        meanwhile=lambda process: visit(process, 20, echo=True),
    )


def log_in(home: Path, api_url: str) -> Path:
    """Store it; return the file that it is in."""
    subprocess.run(
        [*VOIPBIN, "login", "--token-stdin", "--api-url", api_url],
        input=SECRET.encode() + b"\n",
        cwd=home,
        env=environment(home),
        capture_output=True,
        check=True,
    )
    (keeper,) = keepers(home)
    return keeper


def keepers(home: Path) -> list[Path]:
    """The files that hold it."""
    return [path for path in home.rglob("*") if path.is_file() and holds(path)]


def test_a_credential_that_login_has_kept_is_let_out_nowhere(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    with on_a_call(STREAM) as peer:
        keeper = log_in(tmp_path / "home", peer.http_url("/v1.0"))
        run_and_look(
            tmp_path,
            ["stream", "record", CALL, "-vv", "-o", "call.wav", "--capture", "call.pcapng"],
            {},
            leaves=("call.wav", "call.pcapng"),
            keeper=keeper,
        )
        assert_travelled(peer)


@pytest.mark.parametrize("kind", ["TOKEN", "ACCESSKEY"])
@pytest.mark.parametrize("auth", ["query", "header"])
def test_a_server_that_says_it_back_does_not_get_it_printed(
    kind: str, auth: str, tmp_path: Path
) -> None:
    with Peer(upgrade=ECHO, routes=ECHOES) as peer:
        for command in (["stream", "record", CALL], ["calls", "show", CALL]):
            run_and_look(
                tmp_path, [*command, "--auth", auth, *(["-v"] * (command[0] == "stream"))],
                variables(peer, kind), status=4,
            )  # fmt: skip


@pytest.mark.parametrize("auth", ["query", "header"])
def test_a_stream_that_says_it_back_is_recorded_and_not_told(auth: str, tmp_path: Path) -> None:
    """Neither in words, nor in the text messages of the capture."""
    script: list[Step] = [*map(Send, packets(10)), Send(SECRET), Close(1008, f"no {SECRET}")]
    command = ["stream", "record", CALL, "--auth", auth, "-v", "--json", "-o", "call.wav"]
    command += ["--capture", "call.pcapng"]
    with on_a_call(script) as peer:
        env = variables(peer, "TOKEN")
        result = run_and_look(tmp_path, command, env, leaves=("call.wav", "call.pcapng"))
    assert result.summary["close"]["reason"] == "no ***"


def test_a_server_that_says_it_back_where_texts_are_cut_leaves_no_piece(tmp_path: Path) -> None:
    # Texts of others are cut at 500 characters.
    echo = envelope(401, "BAD", "." * (500 - 10) + SECRET, "id")
    with Peer(upgrade=echo, routes=dict.fromkeys(ROUTES, echo)) as peer:
        command = ["stream", "record", CALL, "--json"]
        run_and_look(tmp_path, command, variables(peer, "TOKEN"), status=4)


def test_a_loss_that_says_it_back_is_told_without(tmp_path: Path) -> None:
    script: list[Step] = [*map(Send, packets(10)), Close(1011, f"no {SECRET}")]
    with Peer(script, routes={STATE: PROGRESSING}) as peer:
        result = run_and_look(
            tmp_path,
            ["stream", "record", CALL, "-v", "--no-reconnect", "-o", "call.wav"],
            variables(peer, "TOKEN"),
            status=3,
            leaves=("call.wav",),
        )
    assert "(1011): no ***" in result.stderr


@pytest.mark.parametrize("command", OTHERS, ids=" ".join)
def test_other_commands_let_it_out_nowhere(command: list[str], tmp_path: Path) -> None:
    with Peer(routes=ROUTES) as peer:
        run_and_look(tmp_path, [*command, "--json"], variables(peer, "TOKEN"))
        assert peer.requests


def test_a_url_that_holds_it_is_told_without(tmp_path: Path) -> None:
    """Only the process list holds it then: that is where the user has put it."""
    with Peer(STREAM) as peer:
        url = peer.url(f"/x?encapsulation=rtp&token={quote(SECRET, safe='')}")
        result = voipbin(
            *["stream", "record", url, "-v", "--json", "--no-reconnect", "-o", "call.wav"],
            *["--capture", "call.pcapng"],
            cwd=tmp_path,
        )
    assert result.summary["frames_received"] == 40
    assert_absent(result.stdout + result.stderr.encode(), "the output")
    look_through(tmp_path)


def test_the_embedded_simulator_is_not_given_it(tmp_path: Path) -> None:
    env = {"VOIPBIN_TOKEN": SECRET, "VOIPBIN_ACCESSKEY": SECRET, "VN_ACCESS_KEY": SECRET}
    command = ["stream", "record", "sim", "-d", "0.5", "-o", "call.wav", "-v"]
    run_and_look(tmp_path, command, env, leaves=("call.wav",), expect_children=True)


# Raises with the credential in hand: in the library where it sends the request, and in our own
# code with the URL, and with the bare secret.
BREAK = """
def broken(*args, **kwargs):
    raise RuntimeError(f"this is a bug: {{args!r}} {{kwargs!r}} {{{secret}[::-1].decode()}}")

import {module}
{module}.{name} = broken
"""
BUGS = {
    "the library": ("websockets.client", "ClientProtocol.send_request"),
    "the URL": ("voipbin_cli.session.live", "open_connection"),
    "the endpoint": ("voipbin_cli.transport.endpoint", "Endpoint.stream_url"),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize(
    ("is_kept", "options"),
    [(False, []), (False, ["-qv"]), (True, ["-vv"])],
    ids=["variable", "variable, -qv", "profile, -vv"],
)
def test_a_bug_s_words_and_traceback_do_not_hold_it(
    is_kept: bool, bug: str, options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    module, name = BUGS[bug]
    with Peer(STREAM, routes=ROUTES) as peer:
        keeper = log_in(tmp_path / "home", peer.http_url("/v1.0")) if is_kept else None
        write_bug(tmp_path / "broken", module, name)
        result = run_and_look(
            tmp_path,
            ["stream", "record", CALL, *options],
            {**({} if is_kept else variables(peer, "TOKEN")), "PYTHONPATH": "../broken"},
            status=3 if bug == "the library" else 1,
            keeper=keeper,
        )
    # The secret that the bug told is in what was printed, masked.
    assert ("this is a bug: " in result.stderr) == (bug != "the library")
    assert ("Traceback" in result.stderr) == (bug != "the library" and bool(options))


def write_bug(directory: Path, module: str, name: str) -> None:
    """The file that Python imports first, without the secret's own characters in one piece."""
    directory.mkdir()
    program = BREAK.format(module=module, name=name, secret=SECRET.encode()[::-1])
    (directory / "sitecustomize.py").write_text(program)


def test_what_login_keeps_is_for_the_owner_alone(tmp_path: Path) -> None:
    """The one place where it has to be; and nothing is said of it on the way in or out."""
    said = b""
    with Peer(routes=ROUTES) as peer:
        api = ["--api-url", peer.http_url("/v1.0")]
        for command in (["login", "--token-stdin", *api], ["logout"]):
            done = subprocess.run(
                [*VOIPBIN, *command],
                input=SECRET.encode() + b"\n",
                cwd=tmp_path,
                env=environment(tmp_path),
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            said += done.stdout + done.stderr
            if command[0] == "login":
                (keeper,) = keepers(tmp_path)
                assert keeper.stat().st_mode & 0o777 == 0o600
    assert_absent(said, "what login and logout say")
    look_through(tmp_path)


def holds(path: Path) -> bool:
    return any(form in path.read_bytes() for form in FORMS)


def test_an_interrupted_command_lets_it_out_nowhere(tmp_path: Path) -> None:
    with Peer(upgrade=Answer(raw=b"", hold=True), routes=ROUTES) as peer:
        process = start("stream", "record", CALL, "-v", cwd=tmp_path, env=variables(peer, "TOKEN"))
        peer.wait_for(lambda p: p.requests)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        result = finish(process)
    assert_absent(result.stdout + result.stderr.encode(), "the output")
