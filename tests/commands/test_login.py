"""`voipbin login` and `logout` as a user runs them."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import voipbin_cli
from tests.support.cli import VOIPBIN, Result, environment, voipbin
from tests.support.peer import Answer, Peer, Request, document, envelope
from tests.support.terminal import Terminal
from voipbin_cli.simulator.embedded import EmbeddedSimulator

USERNAME, PASSWORD = "simulator@example.com", "simulator"
LIST = ("GET", "/v1.0/calls")
EMPTY = document({"result": [], "next_page_token": ""})


def jwt(expires_s: float) -> str:
    """A token as RFC 7519 3.1 writes it; its signature means nothing to us."""
    parts = [{"alg": "HS256"}, {"exp": int(expires_s)}]
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in parts]
    return b".".join([*encoded, b"c2lnbmVk"]).decode()


@pytest.fixture(scope="module")
def simulator() -> Iterator[EmbeddedSimulator]:
    with EmbeddedSimulator("clean") as running:
        yield running


def login(home: Path, given: str, *args: str, **env: str) -> Result:
    """Run `voipbin login args` with `given` on its stdin."""
    done = subprocess.run(
        [*VOIPBIN, "login", *args],
        cwd=home,
        env=environment(home, env),
        input=given.encode(),
        capture_output=True,
        timeout=60,
    )
    assert not given.strip() or given.strip() not in (done.stdout + done.stderr).decode()
    return Result(done.returncode, done.stdout, done.stderr.decode())


def profiles(home: Path) -> Path:
    return home / ".config" / "voipbin" / "profiles.json"


@pytest.mark.parametrize(
    ("flags", "secret"),
    [
        (("--token-stdin",), "token"),
        (("--accesskey-stdin",), "access_key"),
        (("-u", USERNAME, "--password-stdin"), None),
    ],
)
def test_what_comes_from_stdin_is_tried_kept_and_used(
    tmp_path: Path, simulator: EmbeddedSimulator, flags: tuple[str, ...], secret: str | None
) -> None:
    given = getattr(simulator, secret) if secret else PASSWORD
    result = login(tmp_path, f"{given}\n", *flags, "--api-url", simulator.api_url)
    assert result.status == 0, result.stderr
    assert result.stdout == b""
    assert str(profiles(tmp_path)) in result.stderr
    assert stat.S_IMODE(profiles(tmp_path).stat().st_mode) == 0o600
    listed = voipbin("calls", "list", "--json", cwd=tmp_path)
    assert listed.status == 0
    assert listed.events[0]["id"] == simulator.call_id


@pytest.mark.parametrize("flag", ["--token-stdin", "--accesskey-stdin"])
def test_a_credential_that_the_api_refuses_is_not_kept(
    tmp_path: Path, simulator: EmbeddedSimulator, flag: str
) -> None:
    result = login(tmp_path, "not-the-right-one", flag, "--api-url", simulator.api_url)
    assert result.status == 4
    assert "401" in result.stderr
    assert not profiles(tmp_path).exists()


def test_a_wrong_password_is_said_as_such(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    flags = ("-u", USERNAME, "--password-stdin", "--api-url", simulator.api_url)
    result = login(tmp_path, "wrong-password", *flags)
    assert result.status == 4
    assert "does not know this username with this password" in result.stderr


def test_an_expired_token_never_reaches_the_api(tmp_path: Path) -> None:
    with Peer(routes={LIST: EMPTY}) as peer:
        token = jwt(time.time() - 7200)
        result = login(tmp_path, token, "--token-stdin", "--api-url", peer.http_url("/v1.0"))
        assert result.status == 4
        assert "expired 2h ago" in result.stderr
        assert peer.requests == []


def test_an_expired_token_stops_a_lookup_before_it_is_made(tmp_path: Path) -> None:
    with Peer(routes={LIST: EMPTY}) as peer:
        env = {"VOIPBIN_TOKEN": jwt(time.time() - 90), "VOIPBIN_API_URL": peer.http_url("/v1.0")}
        result = voipbin("calls", "list", "--json", cwd=tmp_path, env=env)
        assert result.status == 4
        assert "(from VOIPBIN_TOKEN) expired 1m ago" in result.stderr
        assert "voipbin login" in result.stderr
        assert [event["event"] for event in result.events] == ["error"]
        assert peer.requests == []


def test_profiles_keep_their_addresses_apart(tmp_path: Path) -> None:
    def answer_as(name: str) -> Answer:
        return document({"result": [{"id": name, "status": "progressing"}], "next_page_token": ""})

    with Peer(routes={LIST: answer_as("one")}) as one, Peer(routes={LIST: answer_as("two")}) as two:
        for name, peer in {"first": one, "second": two}.items():
            flags = ("--profile", name, "--token-stdin", "--api-url", peer.http_url("/v1.0"))
            assert login(tmp_path, f"secret-of-{name}", *flags).status == 0

        def listed(*args: str) -> str:
            found: str = voipbin("calls", "list", "--json", *args, cwd=tmp_path).events[0]["id"]
            return found

        assert listed() == "two"  # the last one logged in is current
        assert listed("--profile", "first") == "one"
        # A new login of a profile goes where the profile belongs.
        assert login(tmp_path, "renewed", "--profile", "first", "--token-stdin").status == 0
        assert listed() == "one"
        assert "renewed" in one.requests[-1].target


def test_login_heeds_no_other_credential(tmp_path: Path) -> None:
    seen: list[Request] = []

    def refuse(request: Request) -> Answer:
        seen.append(request)
        return envelope(401, "INVALID_CREDENTIALS", "No.", "r-1")

    with Peer(routes={LIST: refuse}) as peer:
        env = {"VOIPBIN_TOKEN": "from-the-environment", "VOIPBIN_PROFILE": "unheard-of"}
        url = peer.http_url("/v1.0")
        result = login(tmp_path, "the-new-one", "--token-stdin", "--api-url", url, **env)
        assert result.status == 4
        assert "the-new-one" in seen[0].target
        assert "from-the-environment" not in seen[0].target


def test_a_variable_that_overrides_profiles_is_pointed_out(tmp_path: Path) -> None:
    with Peer(routes={LIST: EMPTY}) as peer:
        flags = ("--token-stdin", "--api-url", peer.http_url("/v1.0"))
        result = login(tmp_path, "a-new-token", *flags, VOIPBIN_ACCESSKEY="older")
        assert result.status == 0
        assert "VOIPBIN_ACCESSKEY is set" in result.stderr
        assert "older" not in result.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--token-stdin", "--accesskey-stdin"), "several ways"),
        (("--token-stdin", "--username", "me"), "several ways"),
        (("--password-stdin",), "whose password"),
        ((), "no terminal to ask on"),
        (("--token-stdin",), "stdin does not hold a secret"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    tmp_path: Path, flags: tuple[str, ...], words: str
) -> None:
    result = login(tmp_path, "", *flags)
    assert result.status == 2
    assert words in result.stderr


@pytest.mark.parametrize("flags", ["", "--token-stdin"])
def test_a_closed_stdin_is_wrong_usage(tmp_path: Path, flags: str) -> None:
    command = ["sh", "-c", f'"$@" login {flags} <&-', "sh", *VOIPBIN]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path), capture_output=True, timeout=60
    )
    assert (done.returncode, b"bug" in done.stderr) == (2, False)


@pytest.mark.parametrize("given", ["two\nlines", "x" * 20_000])
def test_what_is_no_secret_is_not_sent(tmp_path: Path, given: str) -> None:
    with Peer(routes={LIST: EMPTY}) as peer:
        url = peer.http_url("/v1.0")
        assert login(tmp_path, given, "--token-stdin", "--api-url", url).status == 2
        assert peer.requests == []


def test_at_a_terminal_it_asks_and_never_shows_the_secret(
    tmp_path: Path, simulator: EmbeddedSimulator
) -> None:
    command = (*VOIPBIN, "login", "--api-url", simulator.api_url)
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path)) as terminal:
        terminal.wait_for("Which [1]: ")
        terminal.type("9\n")
        terminal.wait_for("a number from 1 to 3")
        terminal.wait_for("Which [1]: ")
        terminal.type("3\n")
        terminal.wait_for("User name: ")
        terminal.type(f"{USERNAME}\n")
        terminal.wait_for("Password (not shown): ")
        terminal.type(f"{PASSWORD}\n")
        terminal.wait_for("profile default is now the current one")
        assert terminal.finish() == 0
        # The user's name begins with the password: it must be there that once only.
        assert terminal.screen.count(PASSWORD) == 1
    stored = json.loads(profiles(tmp_path).read_text())["profiles"]["default"]
    assert stored["username"] == USERNAME
    assert PASSWORD not in stored["secret"]


def test_ctrl_c_at_a_question_leaves_nothing(tmp_path: Path) -> None:
    with Terminal(*VOIPBIN, "login", cwd=tmp_path, env=environment(tmp_path)) as terminal:
        terminal.wait_for("Which [1]: ")
        terminal.type("\n")
        terminal.wait_for("Token (not shown): ")
        terminal.type("\x03")
        assert terminal.finish() == 130
    assert not profiles(tmp_path).exists()


def test_logout_forgets_and_says_what(tmp_path: Path, simulator: EmbeddedSimulator) -> None:
    flags = ("--token-stdin", "--api-url", simulator.api_url)
    assert login(tmp_path, simulator.token, *flags).status == 0
    wrong = voipbin("logout", "--profile", "defualt", cwd=tmp_path)
    assert wrong.status == 2
    assert "kept are: default" in wrong.stderr
    assert "default is forgotten" in voipbin("logout", cwd=tmp_path).stderr
    assert simulator.token not in profiles(tmp_path).read_text()
    again = voipbin("logout", cwd=tmp_path)
    assert (again.status, "no profile is stored" in again.stderr) == (0, True)
    assert voipbin("calls", "list", cwd=tmp_path).status == 4


CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"


@pytest.mark.parametrize("in_url", [False, True])
def test_an_expired_token_stops_a_stream_before_it_is_opened(tmp_path: Path, in_url: bool) -> None:
    with Peer() as peer:
        token = jwt(time.time() - 90)
        path = f"/v1.0/calls/{CALL}/media_stream?encapsulation=rtp"
        target = peer.url(f"{path}&token={token}") if in_url else CALL
        env = {"VOIPBIN_API_URL": peer.http_url("/v1.0")}
        env |= {} if in_url else {"VOIPBIN_TOKEN": token}
        result = voipbin("stream", "record", target, "-d", "1", cwd=tmp_path, env=env)
        assert result.status == 4
        assert f"(from {'the URL' if in_url else 'VOIPBIN_TOKEN'}) expired 1m ago" in result.stderr
        assert token not in result.stderr
        assert (peer.connections, peer.requests) == (0, [])


def test_a_url_without_a_credential_is_taken_as_it_stands(tmp_path: Path) -> None:
    with Peer() as peer:
        target = peer.url(f"/v1.0/calls/{CALL}/media_stream")
        voipbin("stream", "record", target, "-d", "0.2", cwd=tmp_path)
        assert peer.upgrades == 1


# A keyring of the system's kind: another process finds what this one stored.
RING = """
import json, os
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

PATH = os.environ["RING"]

class Ring(KeyringBackend):
    priority = 9
    name = "test ring"

    def _read(self):
        return json.load(open(PATH)) if os.path.exists(PATH) else {}

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        json.dump(self._read() | {f"{service}/{username}": password}, open(PATH, "w"))

    def delete_password(self, service, username):
        kept = self._read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError
        json.dump(kept, open(PATH, "w"))
"""


def test_where_there_is_a_keyring_the_secret_is_there_and_nowhere_else(
    tmp_path: Path, simulator: EmbeddedSimulator
) -> None:
    (tmp_path / "ring.py").write_text(RING)
    package = Path(voipbin_cli.__file__).parents[1]
    env = {
        "PYTHONPATH": f"{tmp_path}:{package}",
        "PYTHON_KEYRING_BACKEND": "ring.Ring",
        "RING": str(tmp_path / "ring.json"),
    }
    flags = ("--token-stdin", "--api-url", simulator.api_url)
    result = login(tmp_path, simulator.token, *flags, **env)
    assert result.status == 0, result.stderr
    assert "its secret is in the keyring (test ring)" in result.stderr
    assert simulator.token not in profiles(tmp_path).read_text()
    assert simulator.token in (tmp_path / "ring.json").read_text()
    assert voipbin("calls", "list", cwd=tmp_path, env=env).status == 0
    assert voipbin("logout", cwd=tmp_path, env=env).status == 0
    assert (tmp_path / "ring.json").read_text() == "{}"


def test_the_official_clients_settings_work_as_they_are(tmp_path: Path) -> None:
    with Peer(routes={LIST: EMPTY}) as peer:
        url = peer.http_url("/v1.0")
        (tmp_path / ".vn").mkdir()
        (tmp_path / ".vn" / "config.yaml").write_text(
            "current_profile: work\n"
            "profiles:\n"
            f"  work: {{access_key: key-of-the-file, api_url: '{url}'}}\n"
            "  other: {access_key: another}\n"
        )
        assert voipbin("calls", "list", cwd=tmp_path).status == 0
        env = {"VN_ACCESS_KEY": "key-of-the-variable", "VOIPBIN_API_URL": url}
        assert voipbin("calls", "list", cwd=tmp_path, env=env).status == 0
        assert "accesskey=key-of-the-file" in peer.requests[0].target
        assert "accesskey=key-of-the-variable" in peer.requests[1].target
        # What was logged in to comes before both.
        assert login(tmp_path, "logged-in", "--accesskey-stdin", "--api-url", url).status == 0
        assert voipbin("calls", "list", cwd=tmp_path, env=env).status == 0
        assert "accesskey=logged-in" in peer.requests[-1].target
