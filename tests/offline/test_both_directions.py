"""Captures that hold what was sent, too: the findings of each way, and the callee's sound."""

from __future__ import annotations

import wave
from heapq import merge
from pathlib import Path

import pytest

from tests.analysis.test_sent import received, right, speech
from tests.capture.support import new_writer
from tests.corpus.runs import START_NS
from tests.support.cli import here
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.offline.diagnose import diagnose_file

MS = 1_000_000
RTP = Encapsulation.RTP


def capture(path: Path, frame_ms: int) -> Path:
    """Ten seconds of a healthy call, and a bot that speaks into it, a frame each `frame_ms`."""
    writer, sink = new_writer("rtp")
    heard = ((m.time_ns, Direction.IN, m.data) for m in received(Dialect.DEPLOYED, RTP))
    frames = right(Dialect.DEPLOYED, RTP)
    times = range(START_NS, START_NS + 10_000 * MS, frame_ms * MS)
    said = ((at_ns, Direction.OUT, next(frames)) for at_ns in times)
    for at_ns, way, data in merge(heard, said, key=lambda row: row[0]):
        writer.message(at_ns, way, data)
    writer.close()
    path.write_bytes(sink.data)
    return path


def test_each_direction_has_its_findings_and_figures(tmp_path: Path) -> None:
    done = here("stream", "diagnose", capture(tmp_path / "c.pcapng", 25), "--json", cwd=tmp_path)
    assert done.status == 6
    (found,) = (one for one in done.summary["findings"] if one.get("direction") == "out")
    assert found["id"] == "sender-pace"
    assert "start + n x 20 ms" in found["remedy"]
    # 400 frames in 9.98 s, and the holes between them: a fifth
    assert done.summary["metrics_sent"]["frames"] == 400
    assert done.summary["far_end"]["heard_share"] == pytest.approx(0.8, abs=0.01)
    assert done.summary["metrics"]["frames"] == 500


def test_words_tell_the_verdict_by_direction(tmp_path: Path) -> None:
    done = here("stream", "diagnose", capture(tmp_path / "c.pcapng", 25), cwd=tmp_path)
    words = done.stdout.decode()
    assert "\nreceived  ok\nsent      bad: sender-pace\n" in words
    assert "(sender-pace, " in words
    assert "  side      your program\n" in words
    assert "the phone hears 80" in words


def test_the_callees_sound_has_the_holes(tmp_path: Path) -> None:
    path, heard = capture(tmp_path / "c.pcapng", 40), tmp_path / "heard.wav"
    done = here("stream", "diagnose", path, "--heard", heard, "-q", cwd=tmp_path)
    assert done.status == 6
    with wave.open(str(heard)) as file:
        pcm = file.readframes(file.getnframes())
    ticks = [pcm[at : at + 320] for at in range(0, len(pcm), 320)]
    said = [tick for tick in ticks if any(tick)]
    assert said == [frame for frame in map(speech, range(250)) if any(frame)]
    assert len(ticks) == pytest.approx(2 * 250, abs=2)


def test_where_nobody_says_what_is_sent_no_sound_is_made(tmp_path: Path) -> None:
    for command, says in (("diagnose", "--heard"), ("validate", "--proxy")):
        done = here("stream", command, "sim", "--heard", "x.wav", cwd=tmp_path)
        assert (done.status, says in done.stderr) == (2, True)
    assert list(tmp_path.glob("*.wav")) == []


def test_without_anything_sent_nothing_is_told_of_it(tmp_path: Path) -> None:
    writer, sink = new_writer("sln")
    for message in received(Dialect.DEPLOYED, Encapsulation.SLN):
        writer.message(message.time_ns, Direction.IN, message.data)
    writer.close()
    path = tmp_path / "c.pcapng"
    path.write_bytes(sink.data)
    summary = diagnose_file(str(path)).summary
    assert (summary["metrics_sent"], summary["far_end"]) == (None, None)
