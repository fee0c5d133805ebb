"""A bot behind the proxy is diagnosed while it works, and its capture says the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.support.cli import Result, environment, finish, here, start, voipbin
from tests.support.terminal import Terminal

# Sends back what it has got: mu-law, where linear is due.
BOT = """
import sys
from websockets.sync.client import connect
with connect(sys.argv[1], compression=None) as client:
    for _ in range(80):
        client.send(client.recv())
"""


# Sends its sound as text.
TEXT_BOT = BOT.replace("client.recv()", "'{\"media\": ' + repr(client.recv()[:8]) + '}'")


def proxied(bot: str, tmp_path: Path) -> Result:
    """What is said of a bot; that its capture says the same is checked on the way."""
    process = start("stream", "diagnose", "sim", "-e", "sln", "--proxy", "0", "--json",
                    "--capture", "c.pcapng", "--heard", "heard.wav", cwd=tmp_path)  # fmt: skip
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["address"]
    subprocess.run([sys.executable, "-c", bot, address], check=True)
    process.send_signal(signal.SIGINT)
    done = finish(process)
    again = here("stream", "diagnose", "c.pcapng", "--json", cwd=tmp_path).summary
    for name in ("findings", "metrics", "metrics_sent", "far_end", "conversation"):
        assert again[name] == done.summary[name]
    return done


def test_an_echoing_bot_is_told_that_its_codec_is_noise(tmp_path: Path) -> None:
    done = proxied(BOT, tmp_path)
    first = done.summary["findings"][0]
    assert (first["id"], first["direction"]) == ("codec-mismatch", "out")
    assert done.status == 6
    assert done.summary["metrics_sent"]["frames"] == 80
    assert done.summary["clients"] == 1
    assert (tmp_path / "heard.wav").stat().st_size > 10_000


def test_a_bot_that_sends_text_is_told_so(tmp_path: Path) -> None:
    done = proxied(TEXT_BOT, tmp_path)
    first = done.summary["findings"][0]
    assert (first["id"], first["direction"], done.status) == ("not-audio", "out", 6)


def test_what_is_heard_replaces_a_file_only_where_asked(tmp_path: Path) -> None:
    (tmp_path / "heard.wav").write_bytes(b"kept")
    options = ("stream", "diagnose", "sim", "--proxy", "0", "--heard", "heard.wav", "-d", "0.2")
    refused = voipbin(*options, cwd=tmp_path)
    assert refused.status == 2
    assert "--overwrite" in refused.stderr
    assert voipbin(*options, "--overwrite", cwd=tmp_path).status == 3


def test_no_client_is_nothing_to_judge(tmp_path: Path) -> None:
    done = voipbin("stream", "diagnose", "sim", "--proxy", "0", "-d", "0.2", "--json", cwd=tmp_path)
    assert done.status == 3
    assert "no client connected" in done.stderr


def test_a_terminal_shows_both_directions_and_a_stopped_one_holds_nobody_up(tmp_path: Path) -> None:
    """Ctrl-S stops the terminal; a view that waited for it would hold up the media."""
    command = (sys.executable, "-P", "-m", "voipbin_cli", "stream", "diagnose", "sim", "-e", "sln",
               "--proxy", "0")  # fmt: skip
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path), columns=80) as terminal:
        address = terminal.wait_for("ln;").split()[-1].rstrip(";")
        bot = subprocess.Popen([sys.executable, "-c", BOT, address])
        terminal.wait_for("● 1 connected")
        rows = terminal.wait_for("far end: ").split("\n")[1:]
        assert [row.split()[0] for row in rows] == ["received", "sent", "answers", "frames"]
        assert max(map(len, rows)) <= 80
        terminal.wait_for("client speaks")
        terminal.type("\x13")
        assert bot.wait(20) == 0
        terminal.type("\x11\x03")
        terminal.wait_for("sent      bad: codec-mismatch")
        assert terminal.finish() == 6


# Listens only.
LISTENER = BOT.replace("client.send(client.recv())", "client.recv()")


def test_of_two_clients_it_is_said_whose_the_findings_are(tmp_path: Path) -> None:
    """Both at once: the second sends its sound as text, the first nothing at all."""
    process = start("stream", "diagnose", "sim", "-e", "sln", "--proxy", "0", "--json",
                    "--capture", "c.pcapng", cwd=tmp_path)  # fmt: skip
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["address"]
    bots = []
    for number, bot in enumerate((LISTENER, TEXT_BOT)):
        bots.append(subprocess.Popen([sys.executable, "-c", bot, address]))
        wait_for_client(process.stdout, number)
    assert [bot.wait(30) for bot in bots] == [0, 0]
    process.send_signal(signal.SIGINT)
    done = finish(process)
    again = voipbin("stream", "diagnose", "c.pcapng", "--json", cwd=tmp_path)
    for told in (done.summary, again.summary):
        assert (told["clients"], told["client"]) == (2, 1)
        assert told["findings"][0]["id"] == "not-audio"
    live = [line for line in done.events if line["event"] == "stream"]
    assert [line["stream"] for line in live] == ["client 1", "client 0"]
    assert live[0]["findings"] == done.summary["findings"]
    streams = {line["stream"]: line for line in again.events if line["event"] == "stream"}
    assert set(streams) == {"client 0", "client 1"}
    assert "not-audio" not in {row["id"] for row in streams["client 0"]["findings"]}
    assert streams["client 0"]["metrics"]["frames"] >= 80
    judged = voipbin("stream", "validate", "c.pcapng", "--json", cwd=tmp_path).summary
    assert judged["clients"] == 2
    assert judged["frames_received"] >= 160


def wait_for_client(told: IO[bytes], number: int) -> None:
    """Read on until that client is there."""
    for line in told:
        event = json.loads(line)
        if event["event"] == "client" and event["client"] == number:
            return
    raise AssertionError("it never came")
