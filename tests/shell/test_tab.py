"""What TAB asks the tool: the right account, quickly, and never a word of complaint."""

from __future__ import annotations

import base64
import json
import stat
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import VOIPBIN, environment
from tests.support.peer import NEVER_ANSWER, Answer, Peer, document
from voipbin_cli.errors import ConnectionFailed
from voipbin_cli.shell import in_progress as progress
from voipbin_cli.shell import tab
from voipbin_cli.shell.command_line import CommandLine
from voipbin_cli.shell.in_progress import InProgress, in_progress, read_cache, write_cache
from voipbin_cli.shell.tab import Completion, answer

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
CONFERENCE = "8627a367-94f9-510c-9b91-4bdb3f89f02c"
SECRET = "s3cret-of-tab"
CALLS, CONFERENCES = ("GET", "/v1.0/calls"), ("GET", "/v1.0/conferences")


def page(*rows: Mapping[str, Any]) -> Answer:
    return document({"result": rows, "next_page_token": ""})


def platform(*calls: Mapping[str, Any]) -> Peer:
    listed = calls or ({"id": CALL, "status": "progressing", "source": {"target": "+1"}},)
    conference = {"id": CONFERENCE, "status": "progressing", "name": "weekly"}
    return Peer(routes={CALLS: page(*listed), CONFERENCES: page(conference)})


def line(
    home: Path, peer: Peer | None, current: str = "", words: Sequence[str] = ()
) -> CommandLine:
    environ = {"VOIPBIN_ACCESSKEY": SECRET, "VOIPBIN_CACHE_DIR": str(home / "cache")}
    if peer is not None:
        environ["VOIPBIN_API_URL"] = peer.http_url("/v1.0")
    return CommandLine(current, words, environ)


def press_tab(
    kind: str, home: Path, peer: Peer, *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    asked = line(home, peer)
    env = environment(home, {**asked.environ, "_VOIPBIN_COMPLETE": kind})
    return subprocess.run(
        [*VOIPBIN, *arguments], cwd=home, env=env, capture_output=True, timeout=60
    )


def test_ids_come_with_what_tells_them_apart(tmp_path: Path) -> None:
    with platform() as peer:
        done = press_tab("targets", tmp_path, peer, "", "stream", "record")
    lines = done.stdout.decode().splitlines()
    assert lines == [f"{CALL}\t+1 →", f"conference/{CONFERENCE}\tweekly (0 members)"]
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_begun_form_of_target_is_kept(tmp_path: Path) -> None:
    with platform() as peer:
        assert answer("targets", line(tmp_path, peer, "call/5"))[0].value == f"call/{CALL}"
        found = answer("targets", line(tmp_path, peer, "conf"))
        assert [row.value for row in found] == [f"conference/{CONFERENCE}"]
        assert answer("calls", line(tmp_path, peer, "zz")) == []


def test_only_what_is_in_progress_and_has_an_id_is_offered(tmp_path: Path) -> None:
    rows = [
        {"id": CALL, "status": "progressing"},
        {"id": CALL.replace("5", "6"), "status": "hangup"},
        {"id": "$(reboot)", "status": "progressing"},
        {"id": CALL + "\n" + CALL, "status": "progressing"},
        {"status": "progressing"},
    ]
    with platform(*rows) as peer:
        assert [row.value for row in answer("calls", line(tmp_path, peer))] == [CALL]


def test_a_second_tab_asks_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(progress.time, "time", lambda: now_s)
    with platform() as peer:
        first = in_progress(line(tmp_path, peer))
        now_s += progress.KEPT_S - 0.1
        assert in_progress(line(tmp_path, peer)) == first
        assert len(peer.requests) == 2  # calls and conferences, once
        now_s += 0.2
        in_progress(line(tmp_path, peer))
        assert len(peer.requests) == 4


def test_another_account_gets_answers_of_its_own(tmp_path: Path) -> None:
    with (
        platform() as one,
        platform({"id": CALL.replace("5", "7"), "status": "progressing"}) as two,
    ):
        here = in_progress(line(tmp_path, one))
        url = two.http_url("/v1.0")
        there = in_progress(line(tmp_path, one, words=["calls", "show", "--api-url", url]))
        assert there[0].id != here[0].id
        spelt = in_progress(line(tmp_path, one, words=["calls", "show", f"--api-url={url}"]))
        assert spelt == there
        assert all(SECRET in request.target for request in one.requests + two.requests)


def test_what_is_kept_is_private_and_holds_no_secret(tmp_path: Path) -> None:
    with platform() as peer:
        in_progress(line(tmp_path, peer))
    kept = tmp_path / "cache" / progress.FILE_NAME
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert SECRET not in kept.read_text()


ROWS = [InProgress("call", CALL, "+1 → +2")]


def test_what_is_kept_is_for_one_account_and_a_few_seconds(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "kept.json"
    assert read_cache(path, "key", 10.0) is None
    write_cache(path, "key", 10.0, ROWS)
    assert read_cache(path, "key", 10.0) == ROWS
    assert read_cache(path, "key", 14.9) == ROWS
    assert read_cache(path, "key", 15.0) is None
    assert read_cache(path, "key", 9.9) is None  # the clock was set back
    assert read_cache(path, "another", 10.0) is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"key":"key","at":"x","rows":[]}',
        '{"key":"key","at":9,"rows":[[1]]}',
        "\xff",
    ],
)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "kept.json").write_text(content, encoding="latin-1")
    assert read_cache(tmp_path / "kept.json", "key", 10.0) is None


def test_where_nothing_can_be_kept_it_works_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, where a directory is wanted")
    with platform() as peer:
        assert in_progress(line(tmp_path, peer))[0].id == CALL


def test_after_silence_the_next_tab_does_not_wait_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress.time, "time", lambda: 1000.0)
    with Peer(routes={CALLS: NEVER_ANSWER, CONFERENCES: NEVER_ANSWER}) as peer:
        with pytest.raises(ConnectionFailed):
            in_progress(line(tmp_path, peer))
        asked = len(peer.requests)
        assert in_progress(line(tmp_path, peer)) == []
        assert len(peer.requests) == asked


def test_a_platform_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with Peer(routes={CALLS: NEVER_ANSWER, CONFERENCES: NEVER_ANSWER}) as peer:
        done = press_tab("targets", tmp_path, peer, "")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_it_does_not_wait_for_what_takes_longer_than_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, released = threading.Event(), threading.Event()

    def slow(_line: CommandLine) -> list[Completion]:
        release.wait()
        released.set()
        return [Completion("late", "")]

    monkeypatch.setattr(tab, "SOURCES", {"calls": slow})
    assert answer("calls", CommandLine("", [], {}), limit_s=0.01) == []
    assert not released.is_set()
    release.set()


@pytest.mark.parametrize("answered", [Answer(500), Answer(200, {}, b"<html>"), Answer(401)])
@pytest.mark.parametrize("kind", ["targets", "devices", "profiles", "no-such-kind"])
def test_whatever_goes_wrong_there_is_silence(tmp_path: Path, answered: Answer, kind: str) -> None:
    (tmp_path / ".config" / "voipbin").mkdir(parents=True)
    (tmp_path / ".config" / "voipbin" / "profiles.json").write_text("not JSON")
    with Peer(routes={CALLS: answered, CONFERENCES: answered}) as peer:
        done = press_tab(kind, tmp_path, peer, "zz")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_an_expired_token_is_not_sent(tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": int(time.time()) - 5}).encode())
    with platform() as peer:
        asked = line(tmp_path, peer)
        environ = {**asked.environ, "VOIPBIN_TOKEN": f"e30.{claims.decode().rstrip('=')}.c2ln"}
        assert answer("targets", asked._replace(environ=environ)) == []
        assert peer.requests == []


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    with platform() as peer:
        env = environment(tmp_path, {**line(tmp_path, peer).environ, "_VOIPBIN_COMPLETE": "calls"})
        done = subprocess.run(
            ["sh", "-c", '"$@" >&-', "sh", *VOIPBIN, ""],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--profile", "a"], "a"),
        (["--profile=a=b"], "a=b"),
        (["--profile"], None),
        (["--profiles", "a"], None),
        ([], None),
    ],
)
def test_an_option_typed_before_is_found(words: list[str], value: str | None) -> None:
    assert CommandLine("", words, {}).option("--profile") == value
