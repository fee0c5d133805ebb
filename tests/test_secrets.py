"""The credential in everything that this program writes, says, starts or leaves behind.

Each command runs against a real peer with a credential that is told from all else, in the way
that a user gives it; then every byte that came of it is looked through, as is the process list
and the environment of what it started.
"""

from __future__ import annotations

import base64
import signal
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.faults.streams import CALL, STATE, packets
from tests.support.cli import VOIPBIN, environment, finish, start, voipbin
from tests.support.peer import Answer, Fin, Peer, Reset, Send, Step, document, envelope

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
OVER = document({"id": CALL, "status": "hangup"})
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
LIVE = {
    "record": ["record", CALL, "-o", "call.wav"],
    "play": ["play", CALL, "--dtmf", "1", "--record", "back.wav"],
    "validate": ["validate", CALL],
    "diagnose": ["diagnose", CALL, "--report", "report.html"],
    "pipe": ["pipe", CALL],
}
PROGRAM = ["--", "sh", "-c", "env; tr '\\0' ' ' </proc/self/environ; cat >/dev/null"]
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


def look_through(directory: Path) -> None:
    """Names and contents of all files below."""
    for path in directory.rglob("*"):
        assert_absent(str(path.relative_to(directory)).encode(), "a file name")
        if path.is_file():
            assert_absent(path.read_bytes(), path.name)


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
    directory: Path, command: list[str], env: dict[str, str], *, expect_children: bool = False
) -> None:
    """Run it to its end, watched; nothing that comes of it may hold the credential."""
    home = directory / "home"
    work = directory / "work"
    home.mkdir(exist_ok=True)
    work.mkdir(exist_ok=True)
    process = start(*command, cwd=work, env={**env, "HOME": str(home)})
    onlooker = Onlooker(process)
    result = finish(process)
    onlooker.check()
    assert_absent(result.stdout, "stdout")
    assert_absent(result.stderr.encode(), "stderr")
    look_through(work)
    assert bool(onlooker.environments) >= expect_children
    assert "Usage" not in result.stderr, result.stderr


def variables(peer: Peer, kind: str) -> dict[str, str]:
    return {f"VOIPBIN_{kind}": SECRET, "VOIPBIN_API_URL": peer.http_url("/v1.0")}


def has_command(name: str) -> bool:
    from voipbin_cli.main import stream

    return any(command.name == name for command in stream.registered_commands)


@pytest.mark.parametrize("name", LIVE)
def test_a_live_command_lets_it_out_nowhere(name: str, tmp_path: Path) -> None:
    if not has_command(name):
        pytest.skip(f"there is no stream {name}")
    command = ["stream", *LIVE[name], "-v", "--json", "--capture", "call.pcapng"]
    with Peer(STREAM, routes=ROUTES) as peer:
        program = PROGRAM if name == "pipe" else []
        env = variables(peer, "TOKEN")
        run_and_look(tmp_path, [*command, *program], env, expect_children=name == "pipe")
        asked = [request.target for request in peer.requests]
    # It did travel: else there would be nothing to find.
    assert any(quote(SECRET, safe="") in target for target in asked)


@pytest.mark.parametrize("kind", ["TOKEN", "ACCESSKEY"])
@pytest.mark.parametrize("auth", ["query", "header"])
def test_a_server_that_says_it_back_does_not_get_it_printed(
    kind: str, auth: str, tmp_path: Path
) -> None:
    with Peer(upgrade=ECHO, routes=ECHOES) as peer:
        for command in (["stream", "record", CALL], ["calls", "show", CALL]):
            run_and_look(
                tmp_path, [*command, "--auth", auth, *(["-v"] * (command[0] == "stream"))],
                variables(peer, kind),
            )  # fmt: skip


def test_a_stream_that_says_it_back_is_recorded_and_not_told(tmp_path: Path) -> None:
    """What the peer puts into the stream is the stream; only the words around it are ours."""
    script: list[Step] = [*map(Send, packets(10)), Reset()]
    answers = iter([OVER])
    with Peer(script, routes={STATE: lambda _: next(answers, ECHO)}) as peer:
        run_and_look(
            tmp_path,
            ["stream", "record", CALL, "-v", "-o", "call.wav"],
            variables(peer, "TOKEN"),
        )


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
    run_and_look(tmp_path, command, env, expect_children=True)


# Raises with the credential in hand: in the library where it sends the request, and in our own
# code with the URL, and with the bare secret.
BREAK = """
import os

def broken(*args, **kwargs):
    raise RuntimeError(f"this is a bug: {{args!r}} {{kwargs!r}} {{os.environ['VOIPBIN_TOKEN']}}")

import {module}
{module}.{name} = broken
"""
BUGS = {
    "the library": ("websockets.client", "ClientProtocol.send_request"),
    "the URL": ("voipbin_cli.session.live", "open_connection"),
    "the endpoint": ("voipbin_cli.transport.endpoint", "Endpoint.stream_url"),
}


@pytest.mark.parametrize("options", [[], ["-v"]], ids=["plain", "verbose"])
@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_s_words_and_traceback_do_not_hold_it(
    bug: str, options: list[str], tmp_path: Path
) -> None:
    (tmp_path / "broken").mkdir()
    module, name = BUGS[bug]
    program = BREAK.format(module=module, name=name)
    (tmp_path / "broken" / "sitecustomize.py").write_text(program)
    with Peer(STREAM, routes=ROUTES) as peer:
        env = {**variables(peer, "TOKEN"), "PYTHONPATH": str(tmp_path / "broken")}
        run_and_look(tmp_path, ["stream", "record", CALL, *options], env)
        result = voipbin("stream", "record", CALL, *options, cwd=tmp_path, env=env)
    assert result.status == (3 if bug == "the library" else 1)
    assert ("Traceback" in result.stderr) == (bug != "the library" and bool(options))


def test_what_login_keeps_is_for_the_owner_alone(tmp_path: Path) -> None:
    """The one place where it has to be; and nothing is said of it on the way in or out."""
    with Peer(routes=ROUTES) as peer:
        said = b""
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
                keepers = [p for p in tmp_path.rglob("*") if p.is_file() and holds(p)]
                assert len(keepers) == 1
                assert keepers[0].stat().st_mode & 0o777 == 0o600
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
