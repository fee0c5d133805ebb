"""`voipbin stream diagnose` as a user runs it: scenarios, captures, statuses, words."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tests.sounds import talkers
from tests.support.cli import Result, environment, finish, here, start, voipbin
from tests.support.needs import need
from tests.support.terminal import Terminal
from voipbin_cli.simulator.catalog import SCENARIOS

# A few that need sockets to show; the pure corpus has all that frames alone can show.
ON_SOCKETS = {
    "clean": (None, 0),
    "not-progressing": ("call-not-progressing", 6),
    "closed-early": ("closed-early", 6),
    "no-audio": ("no-audio", 6),
    "auth": ("auth", 6),
    "forbidden": ("forbidden", 6),
    "not-found": ("not-found", 6),
    "rate-limited": ("rate-limited", 6),
    "unavailable": ("cannot-connect", 6),
    "call-state": ("call-not-progressing", 6),
    "drop-and-return": ("connection-lost", 0),
    "connection-lost": ("connection-lost", 6),
    "frozen": ("connection-lost", 6),
    "muted": ("muted", 0),
    "hang-up": (None, 0),
    "mute-until-sent": (None, 0),
    "byte-order": ("byte-order", 6),
}


def _run(scenario: str, directory: Path) -> Result:
    capture = f"{scenario}.pcapng"
    options = ("-d", "6", "--json", "--give-up-after", "3", "--capture", capture)
    return voipbin("stream", "diagnose", f"sim:{scenario}", *options, cwd=directory)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Result, Result]]:
    """All of them, some at a time; and what their captures give."""
    directory = tmp_path_factory.mktemp("diagnose")
    with ThreadPoolExecutor(4) as pool:
        lives = list(pool.map(lambda name: _run(name, directory), ON_SOCKETS))
    return {
        name: (live, here("stream", "diagnose", f"{name}.pcapng", "--json", cwd=directory))
        for name, live in zip(ON_SOCKETS, lives, strict=True)
    }


@pytest.mark.parametrize("scenario", ON_SOCKETS)
def test_a_scenario_is_told_by_name(scenario: str, runs: dict[str, tuple[Result, Result]]) -> None:
    finding, status = ON_SOCKETS[scenario]
    live, _ = runs[scenario]
    grave = [f["id"] for f in live.summary["findings"] if f["severity"] != "info"]
    # On a busy machine that may be told beside it.
    grave = [name for name in grave if name != "local-lag"]
    assert grave[:1] == ([finding] if finding else [])
    assert live.status == status, live.stderr


@pytest.mark.parametrize("scenario", ON_SOCKETS)
def test_a_capture_gives_the_summary_of_the_run_that_wrote_it(
    scenario: str, runs: dict[str, tuple[Result, Result]]
) -> None:
    live, again = runs[scenario]
    assert again.summary == live.summary
    assert again.status == live.status


def test_every_scenario_names_what_a_diagnosis_finds() -> None:
    assert {name: row[0] for name, row in ON_SOCKETS.items()} == {
        name: SCENARIOS[name].finding for name in ON_SOCKETS
    }


def test_the_steps_are_told_as_they_pass(runs: dict[str, tuple[Result, Result]]) -> None:
    live, _ = runs["clean"]
    steps = [event for event in live.events if event["event"] == "step"]
    names = ["name", "tcp", "api", "call", "upgrade", "first frame"]
    assert [step["step"] for step in steps] == names
    assert all(step["passed"] and step["ms"] >= 0 for step in steps)
    failed = [event for event in runs["auth"][0].events if event["event"] == "step"]
    assert [(step["step"], step["passed"]) for step in failed][-1] == ("api", False)


def test_a_refusal_has_what_support_asks_for(runs: dict[str, tuple[Result, Result]]) -> None:
    (finding,) = runs["auth"][0].summary["findings"]
    assert finding["evidence"]["http_status"] == 401
    assert finding["evidence"]["request_id"]
    assert finding["evidence"]["reason"] == "INVALID_CREDENTIALS"


def test_words_name_verdict_evidence_and_remedy(tmp_path: Path) -> None:
    result = voipbin("stream", "diagnose", "sim:frame-size", "-d", "2", "-v", cwd=tmp_path)
    said = result.stdout.decode()
    assert said.endswith("ok: nothing is wrong\n")
    assert "info frame-size  frames are not 20 ms long" in said
    assert "  evidence  40 ms a frame; 20 ms are due\n" in said
    assert "  remedy    harmless" in said
    assert "p95" in said
    assert "MOS 4.41 (R 93.2, ITU-T G.107 narrowband" in said
    assert "\x1b" not in said
    assert "first frame" in result.stderr


def test_quiet_says_nothing(tmp_path: Path) -> None:
    result = voipbin("stream", "diagnose", "sim", "-d", "1", "-q", cwd=tmp_path)
    assert (result.status, result.stdout, result.stderr) == (0, b"", "")


def test_what_is_no_capture_is_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing to hear")
    result = voipbin("stream", "diagnose", "notes.txt", cwd=tmp_path)
    assert result.status == 2
    assert "neither a capture nor a dump" in result.stderr


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    result = voipbin("stream", "diagnose", "nowhere.pcapng", cwd=tmp_path)
    assert result.status == 2
    assert "nowhere.pcapng is neither a file nor a TARGET" in result.stderr


def test_a_truncated_capture_gives_what_it_holds(tmp_path: Path) -> None:
    voipbin("stream", "diagnose", "sim", "-d", "2", "--capture", "c.pcapng", "-q", cwd=tmp_path)
    whole = (tmp_path / "c.pcapng").read_bytes()
    (tmp_path / "cut.pcapng").write_bytes(whole[: len(whole) * 2 // 3])
    result = voipbin("stream", "diagnose", "cut.pcapng", "--json", cwd=tmp_path)
    assert 50 <= result.summary["metrics"]["frames"] <= 70
    assert "ends inside of a record" in result.stderr


def test_ctrl_c_gives_what_was_measured(tmp_path: Path) -> None:
    process = start("stream", "diagnose", "sim", "-d", "60", "--json", cwd=tmp_path)
    assert process.stdout is not None
    lines = []
    while b'"first frame"' not in (line := process.stdout.readline()):
        lines.append(line)
    time.sleep(1.5)
    os.kill(process.pid, signal.SIGINT)
    result = finish(process)
    summary = json.loads(result.stdout.splitlines()[-1])
    assert result.status == 130
    assert summary["event"] == "summary"
    assert 40 <= summary["metrics"]["frames"] <= 200
    assert summary["close"]["cause"] == "interrupted"


CHROMIUM = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with stalls and holes."""
    directory = tmp_path_factory.mktemp("report")
    options = ("-d", "5", "--report", "ticket.html")
    voipbin("stream", "diagnose", "sim:stall+upstream-loss", *options, cwd=directory)
    return directory / "ticket.html"


def test_a_report_is_one_file_that_asks_for_nothing_else(report: Path) -> None:
    text = report.read_text()
    assert "network-stall" in text
    assert "Remedy:" in text
    outside = re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?\s*(?:https?:)?//[^"')\s]+""", text)
    assert outside == []
    assert "default-src 'none'" in text
    assert len(text) < 2_000_000


def test_a_report_names_no_call_and_no_address_unless_it_is_asked_to(
    report: Path, tmp_path: Path
) -> None:
    numbers = re.compile(r"127\.0\.0\.1")
    assert not numbers.search(report.read_text())
    options = ("-d", "1", "--report", "open.html", "--with-numbers")
    voipbin("stream", "diagnose", "sim", *options, cwd=tmp_path)
    assert numbers.search((tmp_path / "open.html").read_text())


@pytest.mark.parametrize(
    "private",
    [
        "call/5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90",
        "10.1.2.3:5004",
        "2001:db8::1",
        "sip:alice@example.org",
        "+82 10-1234-5678",
        "+15551234567",
    ],
)
def test_private_numbers_are_left_out_and_figures_are_not(private: str) -> None:
    from voipbin_cli.render.report import without_numbers

    told = without_numbers({"a": [f"from {private}."], "request_id": private, "n": 1234567.5})
    rest = told["a"][0].removeprefix("from ").removesuffix(".")
    assert rest in ("…", "call/…")
    assert told["request_id"] == private
    assert told["n"] == 1234567.5
    assert without_numbers("drift +123 ppm, 8000 Hz, 713.2 ms") == (
        "drift +123 ppm, 8000 Hz, 713.2 ms"
    )


def chromium(page: Path, *options: str) -> str:
    """Open a page in a headless browser, and return what it printed."""
    browser = need("chromium")
    done = subprocess.run(
        [browser, *CHROMIUM, f"--user-data-dir={page.parent}/profile", *options, page.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout


def probed(report: Path, page: Path, script: str) -> Any:
    """What a script finds on the page once it is loaded and the player knows its length.

    The script is the body of a function, after some that look at a canvas.
    """
    probe = """<script>window.addEventListener("load", () => {
      const canvas = id => document.getElementById(id);
      const pixels = id => { const c = canvas(id);
        return c.getContext("2d").getImageData(0, 0, c.width, c.height).data; };
      const inks = id => new Set(new Uint32Array(pixels(id).buffer)).size;
      const drawn = id => new Uint32Array(pixels(id).buffer).reduce((a, b) => (31 * a + b) | 0, 0);
      const player = document.getElementById("player");
      const look = () => { SCRIPT };
      const told = () => { document.title = JSON.stringify(look()); };
      if (player.readyState) told(); else player.addEventListener("loadedmetadata", told);
    });</script></body>""".replace("SCRIPT", script)
    page.write_text(report.read_text().replace("</body>", probe))
    dom = chromium(page, "--virtual-time-budget=8000", "--dump-dom")
    found = re.search(r"<title>(\{.*?\})</title>", dom)
    assert found, dom[-500:]
    return json.loads(found[1])


def test_a_report_in_a_browser_draws_its_plots_and_has_a_player(
    report: Path, tmp_path: Path
) -> None:
    told = probed(
        report,
        tmp_path / "probed.html",
        """const ids = ["gaps", "delays", "jitter", "level", "histogram", "wave", "spectrogram"];
           const marks = document.querySelectorAll("#marks button").length;
           return { inks: ids.map(inks), seconds: player.duration, marks };""",
    )
    assert all(inks > 3 for inks in told["inks"]), told
    assert told["inks"][-1] > 50  # a spectrogram of speech
    assert 4.0 < told["seconds"] < 5.1  # what a stall holds back at the end is missing
    assert told["marks"] >= 1


def parsed(of_day: str, near: datetime) -> datetime:
    """What a plot calls a time of day."""
    clock = of_day.removesuffix(" UTC")
    form = "%H:%M:%S.%f" if "." in clock else "%H:%M:%S"
    return datetime.combine(near.date(), datetime.strptime(clock, form).time(), UTC)


def test_all_plots_of_a_report_zoom_and_move_together(report: Path, tmp_path: Path) -> None:
    told = probed(
        report,
        tmp_path / "zoomed.html",
        """const ids = ["gaps", "delays", "jitter", "level", "wave", "spectrogram"];
           const box = canvas("jitter").getBoundingClientRect();
           const over = { clientX: box.left + 300, clientY: box.top + 40 };
           canvas("jitter").dispatchEvent(new PointerEvent("pointermove", over));
           const told = ids.map(id => canvas(id).closest("figure").querySelector("b").textContent);
           canvas("jitter").dispatchEvent(new PointerEvent("pointerleave"));
           const left = document.querySelectorAll("figure.at").length;
           const states = [ids.map(drawn)];
           // What waits for the next frame of the screen, at once: there may be no screen.
           const turn = act => { act(); draw(); states.push(ids.map(drawn)); };
           const type = key => new KeyboardEvent("keydown", { key });
           const press = key => canvas("jitter").dispatchEvent(type(key));
           const wheel = { deltaY: -1, bubbles: true, cancelable: true, clientX: 300,
                          ctrlKey: true };
           turn(() => canvas("gaps").dispatchEvent(new WheelEvent("wheel", wheel)));
           turn(() => press("ArrowRight"));
           turn(() => canvas("level").dispatchEvent(new MouseEvent("dblclick")));
           turn(() => press("+"));
           turn(() => press("0"));
           const alone = new WheelEvent("wheel", { ...wheel, ctrlKey: false });
           return { states, told, left, began: data.began,
                    focusable: ids.map(id => canvas(id).tabIndex),
                    scrolls: canvas("gaps").dispatchEvent(alone),
                    names: ids.map(id => canvas(id).getAttribute("aria-label").length) };""",
    )
    whole, zoomed, moved, back, closer, again = told["states"]
    for before, after in ((whole, zoomed), (zoomed, moved), (moved, back), (back, closer)):
        assert all(a != b for a, b in zip(before, after, strict=True))
    assert whole == back == again
    assert told["focusable"] == [0] * 6
    assert told["scrolls"]  # the wheel alone is the page's
    assert min(told["names"]) > 7
    gap, delay, jitter, level, *_ = told["told"]
    assert re.fullmatch(r"[\d.]+ ms", gap)
    assert re.fullmatch(r"[\d.]+ ms", delay)
    assert re.fullmatch(r"RMS -[\d.]+ dBFS, peak -[\d.]+", level)
    seconds, of_day, value = jitter.split(" · ")
    moment = datetime.fromtimestamp(told["began"] + float(seconds.removesuffix(" s")), UTC)
    assert abs(parsed(of_day, moment) - moment).total_seconds() < 0.002
    assert abs(time.time() - told["began"]) < 600
    assert re.fullmatch(r"[\d.]+ ms", value)
    assert told["left"] == 0


def test_a_report_on_paper_is_white_and_wastes_no_page(report: Path, tmp_path: Path) -> None:
    need("pdftotext")
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    shutil.copy(report, page)
    chromium(page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
    text = subprocess.run(
        ["pdftotext", "-layout", paper, "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.rstrip("\f").split("\f")
    # This machine's own lag is a finding more, and only that may take another page.
    assert len(pages) <= 3 + ("local-lag" in text)
    assert "network-stall" in pages[0]
    assert "the wheel zoom" not in text
    assert re.search(r"\d+\.\d s: stall", text)  # where the trouble is, on paper too


def test_a_report_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "old.html").write_text("mine")
    result = voipbin("stream", "diagnose", "sim", "-d", "1", "--report", "old.html", cwd=tmp_path)
    assert result.status == 2
    assert (tmp_path / "old.html").read_text() == "mine"


def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    command = ("stream", "diagnose", "sim", "-d", "30", "--report", "nowhere/ticket.html")
    result = voipbin(*command, cwd=tmp_path, timeout=15)
    assert result.status == 5
    assert "cannot write" in result.stderr


def test_what_a_peer_sent_cannot_run_in_a_report() -> None:
    from voipbin_cli.analysis.diagnosis import DiagnosisFold
    from voipbin_cli.analysis.stream import StreamFold
    from voipbin_cli.codec.encapsulation import Encapsulation
    from voipbin_cli.render.report import to_html

    fold = StreamFold(Encapsulation.RTP)
    known = DiagnosisFold(fold)
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    known.told({"finding": "auth", "details": {"message": evil, "reason": evil}})
    step = {"step": evil, "passed": False, "ms": 1.0, "detail": evil}
    text = to_html(known.summary(evil), fold, [step])
    assert "<img" not in text
    assert "<script>alert" not in text


def test_a_terminal_shows_a_dashboard_of_80_columns(tmp_path: Path) -> None:
    command = (sys.executable, "-P", "-m", "voipbin_cli", "stream", "diagnose", "sim")
    with Terminal(*command, cwd=tmp_path, env=environment(tmp_path), columns=80) as terminal:
        terminal.wait_for("first frame")
        terminal.wait_for("● streaming")
        dashboard = terminal.wait_for("adaptive holds")
        assert "jitter" in dashboard
        assert "gaps" in dashboard
        terminal.wait_for("so far   nothing is wrong")
        terminal.wait_for("s left; Enter or Ctrl-C")
        terminal.type("\n")
        terminal.wait_for("ok: nothing is wrong")
        assert terminal.finish() == 0
    assert all(len(line) <= 80 for line in dashboard.split("\n"))


def test_a_run_ends_as_soon_as_its_cause_is_certain(tmp_path: Path) -> None:
    options = ("--until-sure", "-d", "20", "--json")
    result = voipbin("stream", "diagnose", "sim:byte-order", *options, cwd=tmp_path)
    assert (result.summary["findings"][0]["id"], result.status) == ("byte-order", 6)
    assert result.summary["metrics"]["duration_seconds"] < 10
    assert result.summary["close"]["cause"] == "finished"


def _two_sided() -> Any:
    """A second of a stream, and what the phone heard from 0.3 s on of what was sent into it."""
    from types import SimpleNamespace

    from tests.analysis.test_conversation_findings import CALM
    from voipbin_cli.analysis.conversation.conversation import Talk
    from voipbin_cli.analysis.conversation.turns import Span
    from voipbin_cli.analysis.diagnosis import DiagnosisFold
    from voipbin_cli.analysis.messages import Gathering
    from voipbin_cli.analysis.plots import BothTracks
    from voipbin_cli.analysis.stream import StreamFold
    from voipbin_cli.codec.encapsulation import Encapsulation

    fold, began_ns = StreamFold(Encapsulation.SLN, keep_samples=8000, keep_rows=50), 5_000_000_000
    known, messages = DiagnosisFold(fold), Gathering()
    known.opened()
    for n in range(50):
        messages.add(struct.pack("<160h", *range(-8000, 8000, 100)), began_ns + n * 20_000_000)
    fold.add(messages.frames())
    known.flush()
    at = lambda seconds: began_ns + round(seconds * 1e9)  # noqa: E731
    turns = CALM._replace(barge_in=(250.0,), barged_in_ns=(at(0.6),))
    talk = Talk(turns, None, caller=(Span(at(0.0), at(0.2)),), ours=(Span(at(0.3), at(0.85)),))
    sent = SimpleNamespace(heard=SimpleNamespace(began_ns=at(0.3)))
    return known, fold, BothTracks(sent, talk, struct.pack("<h", 5000) * 4000)


def test_both_sides_of_a_report_are_on_one_axis_of_time() -> None:
    _, fold, both = _two_sided()
    data = both.as_data(fold.measured().began_ns)
    assert (data["from"], data["caller"], data["ours"]) == (0.3, [[0.0, 0.2]], [[0.3, 0.85]])
    assert (data["interrupted"], data["response"]) == ([{"at": 0.6, "ms": 250.0}], [400, 600, 800])
    sound, rate_hz = soundfile.read(io.BytesIO(base64.b64decode(data["wav"])), dtype="int16")
    assert (rate_hz, sound.shape) == (8000, (4000,))
    assert abs(int(sound[0]) - 5000) < 150  # a step of mu-law there is 256
    untold = replace(both.talk, untold="a mix")
    assert replace(both, talk=untold).as_data(0)["interrupted"] == []
    assert replace(both, heard=b"").as_data(0) is None


def test_both_sides_are_drawn_and_what_the_phone_heard_plays(tmp_path: Path) -> None:
    from voipbin_cli.render.report import to_html

    known, fold, both = _two_sided()
    page = tmp_path / "two.html"
    page.write_text(to_html(known.summary("sim"), fold, [], both))
    told = probed(
        page,
        tmp_path / "probed.html",
        """const ids = ["tracks", "heard", "responses"], before = drawn("tracks");
           canvas("tracks").dispatchEvent(new KeyboardEvent("keydown", { key: "+" })); draw();
           return { inks: ids.map(inks), zooms: drawn("tracks") !== before, value: heard[0],
                    count: heard.length };""",
    )
    assert all(inks > 3 for inks in told["inks"]), told
    assert told["zooms"]
    assert (abs(told["value"] - 5000) < 150, told["count"]) == (True, 4000)


def test_an_earlier_run_beside_this_one_in_words_in_json_and_in_the_report(tmp_path: Path) -> None:
    healthy, jittery = (
        str(spoken_wav(tmp_path / f"{name}.wav", gain)) for name, gain in (("a", 0.5), ("b", 0.002))
    )
    kept = here("diagnose", healthy, "--json", cwd=tmp_path)
    (tmp_path / "before.json").write_bytes(kept.stdout)
    told = here("diagnose", jittery, "--compare", "before.json", "--json", cwd=tmp_path).summary
    level = next(row for row in told["comparison"]["figures"] if row["id"] == "level")
    assert level["outcome"] == "changed"
    assert told["comparison"]["before"]["name"] == "before.json"
    args = ("diagnose", jittery, "--compare", healthy, "--report", "r.html", "--ticket")
    said = here(*args, cwd=tmp_path).stdout.decode()
    line = next(line for line in said.splitlines() if line.startswith(f"beside {healthy}"))
    assert "level" in line
    assert "<h2>Compared</h2>" in (tmp_path / "r.html").read_text()
    assert "**compared:** beside" in said


def test_an_earlier_run_that_is_none_is_told_before_anything_is_listened_to(tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text("{}")
    result = here("diagnose", "sim", "--compare", "before.json", cwd=tmp_path)
    assert (result.status, result.stdout) == (2, b"")
    assert "holds no summary of a diagnosis" in result.stderr


def spoken_wav(path: Path, gain: float) -> Path:
    """Six seconds of a talker, so loud."""
    sound = talkers.talker("en-us", 1, 6.0) * gain
    soundfile.write(path, np.clip(np.rint(sound), -32768, 32767).astype(np.int16), 8000)
    return path
