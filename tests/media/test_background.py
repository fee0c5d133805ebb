from __future__ import annotations

import os
import random
import select
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

from tests.media import witnesses
from tests.support.cli import wait_until
from voipbin_cli.errors import MachineError
from voipbin_cli.media.background import BackgroundWriter
from voipbin_cli.media.writer import AppendFile, PipeWriter, open_new, open_writer


class Recorder:
    """A ByteWriter that keeps what it was told; `gate` holds its writes back."""

    def __init__(self, may_block=True):
        self.may_block = may_block
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def data(self):
        return b"".join(data for name, data in self.calls if name == "write")

    @property
    def syncs(self):
        return self.calls.count(("flush", True))

    def write(self, data):
        self.gate.wait()
        self.calls.append(("write", data))

    def flush(self, sync=False):
        self.calls.append(("flush", sync))

    def close(self):
        self.calls.append(("close", None))


def test_everything_given_is_there_after_close_in_order():
    recorder = Recorder()
    writer = BackgroundWriter(recorder, interval_s=0.001)
    for n in range(5000):
        writer.write(n.to_bytes(4, "big"))
    writer.close()
    assert recorder.data == b"".join(n.to_bytes(4, "big") for n in range(5000))
    assert recorder.calls[-1] == ("close", None)
    assert writer.pending_bytes == 0


def test_close_does_not_wait_for_the_interval():
    recorder = Recorder()
    writer = BackgroundWriter(recorder, interval_s=1000.0)
    writer.write(b"x")
    writer.close()
    writer.close()
    assert recorder.data == b"x"
    assert recorder.calls.count(("close", None)) == 1


def test_many_writes_become_few():
    recorder = Recorder()
    writer = BackgroundWriter(recorder, interval_s=1000.0)
    for _ in range(1000):
        writer.write(b"12")
    writer.close()
    assert [call for call in recorder.calls if call[0] == "write"] == [("write", b"12" * 1000)]


def test_drain_returns_when_the_file_holds_all(tmp_path):
    path = tmp_path / "a.wav"
    writer = BackgroundWriter(open_writer(str(path)), interval_s=1000.0)
    writer.write(b"ab" * 160)
    assert writer.pending_bytes == 320
    writer.drain()
    assert writer.pending_bytes == 0
    assert witnesses.by_stdlib_wave(path) == b"ab" * 160
    writer.close()


def test_it_syncs_by_the_clock_and_not_with_every_batch():
    recorder = Recorder()
    now_s = 0.0
    writer = BackgroundWriter(recorder, interval_s=1000.0, sync_s=0.5, clock=lambda: now_s)
    for step in range(1, 9):
        now_s = step * 0.25
        writer.write(b"x")
        writer.drain()
        # At 0.5, 1.0, 1.5 and 2.0 s one is due, after the batch.
        wait_until(lambda due=step // 2: recorder.syncs >= due)
        assert recorder.syncs == step // 2
    assert recorder.calls[:5] == [
        ("write", b"x"),
        ("flush", False),
        ("write", b"x"),
        ("flush", False),
        ("flush", True),
    ]
    writer.close()


def test_memory_is_bounded_and_a_standing_disk_is_an_error():
    recorder = Recorder()
    recorder.gate.clear()
    writer = BackgroundWriter(recorder, interval_s=0.001, limit_bytes=1000, stall_s=0.05)
    given = 0
    with pytest.raises(MachineError, match="took nothing"):
        given = fill(writer)
    assert writer.full
    assert writer.pending_bytes == 1000
    recorder.gate.set()
    writer.close()
    assert len(recorder.data) == 1000
    assert given == 0


def fill(writer):
    while True:
        writer.write(b"x" * 100)


def test_a_slow_disk_holds_the_caller_back_and_loses_nothing():
    recorder = Recorder()
    recorder.gate.clear()
    writer = BackgroundWriter(recorder, interval_s=0.001, limit_bytes=1000)
    opener = threading.Timer(0.05, recorder.gate.set)
    opener.start()
    for n in range(100):
        writer.write(bytes([n]) * 100)
        assert writer.pending_bytes <= 1000
    writer.close()
    opener.join()
    assert recorder.data == b"".join(bytes([n]) * 100 for n in range(100))


class Failing(Recorder):
    def write(self, data):
        raise MachineError("cannot write f: No space left on device")


def test_an_error_surfaces_on_the_next_calls_and_on_close():
    failing = Failing()
    writer = BackgroundWriter(failing, interval_s=1000.0)
    writer.write(b"x")
    with pytest.raises(MachineError, match="No space"):
        writer.drain()
    with pytest.raises(MachineError, match="No space"):
        writer.write(b"y")
    with pytest.raises(MachineError, match="No space"):
        writer.close()
    assert failing.calls == [("close", None)]
    writer.close()


def test_a_full_disk_under_the_thread(small_disk):
    path = small_disk / "a.wav"
    writer = BackgroundWriter(open_writer(str(path)), interval_s=0.001)
    with pytest.raises(MachineError, match="No space left on device"):
        fill_with_counter(writer)
    with pytest.raises(MachineError, match="No space left on device"):
        writer.close()
    kept = witnesses.by_sox(path)
    assert kept == counter_bytes(len(kept) // 2)
    assert len(kept) > 240_000


def counter_bytes(samples):
    return struct.pack(f"<{samples}H", *(n & 0xFFFF for n in range(samples)))


def fill_with_counter(writer):
    everything = counter_bytes(1 << 20)
    for at in range(0, len(everything), 320):
        writer.write(everything[at : at + 320])
    writer.drain()


def test_a_broken_pipe_keeps_its_name():
    class Broken(Recorder):
        def write(self, data):
            raise BrokenPipeError

    writer = BackgroundWriter(Broken(), interval_s=1000.0)
    writer.write(b"x")
    with pytest.raises(BrokenPipeError):
        writer.close()


def test_bytes_for_a_capture_take_the_same_way(tmp_path):
    path = tmp_path / "a.bin"
    writer = BackgroundWriter(AppendFile(open_new(str(path))))
    writer.write(b"block one ")
    writer.write(b"block two")
    writer.close()
    assert path.read_bytes() == b"block one block two"


def writer_threads():
    return [thread for thread in threading.enumerate() if thread.name == "voipbin-writer"]


def test_a_hundred_files_share_one_thread_and_it_ends_with_the_last(tmp_path):
    paths = [tmp_path / f"{n}.wav" for n in range(100)]
    writers = [BackgroundWriter(open_writer(str(path)), interval_s=0.01) for path in paths]
    for n, writer in enumerate(writers):
        for _ in range(50):
            writer.write(bytes([n, 1]) * 160)
    assert len(writer_threads()) == 1
    for writer in writers:
        writer.close()
    for n, path in enumerate(paths):
        assert witnesses.by_stdlib_wave(path) == bytes([n, 1]) * 8000
    wait_until(lambda: not writer_threads())


def test_a_file_goes_on_where_another_one_fails(tmp_path, small_disk):
    full = BackgroundWriter(open_writer(str(small_disk / "a.wav")), interval_s=0.001)
    good = BackgroundWriter(open_writer(str(tmp_path / "b.wav")), interval_s=0.001)
    with pytest.raises(MachineError, match="No space left on device"):
        fill_with_counter(full)
    good.write(b"ab" * 160)
    good.close()
    assert witnesses.by_stdlib_wave(tmp_path / "b.wav") == b"ab" * 160
    with pytest.raises(MachineError, match="No space left on device"):
        full.close()


def test_a_pipe_that_nobody_reads_holds_up_no_file(tmp_path):
    read, write = os.pipe()
    pipe = BackgroundWriter(PipeWriter(write), interval_s=0.001)
    pipe.write(bytes(1 << 20))  # a pipe takes 64 KiB
    wait_until(lambda: select.select([read], [], [], 0)[0])
    file = BackgroundWriter(open_writer(str(tmp_path / "a.wav")), interval_s=0.001)
    file.write(b"ab" * 160)
    file.drain()
    assert pipe.pending_bytes > 0
    file.close()
    drained = threading.Thread(target=lambda: [os.read(read, 1 << 20) for _ in range(16)])
    drained.start()
    pipe.close()
    drained.join()
    os.close(read)
    os.close(write)


# Tells on stdout what it has given and when; the frames count through their own samples.
VICTIM = """
import os, struct, sys, time
from voipbin_cli.media.background import BackgroundWriter
from voipbin_cli.media.writer import open_writer
writer = BackgroundWriter(open_writer(sys.argv[1]))
samples = 0
while True:
    frame = struct.pack("<160H", *((samples + n) & 0xFFFF for n in range(160)))
    writer.write(frame)
    samples += 160
    os.write(1, struct.pack("<QQ", time.monotonic_ns(), samples))
    time.sleep(0.004)
"""


def kill_at(path, delay_s):
    """Run the victim, kill -9 it after `delay_s` of writing; what it gave, as (ns, samples)."""
    child = subprocess.Popen([sys.executable, "-c", VICTIM, str(path)], stdout=subprocess.PIPE)
    first = child.stdout.read(16)
    time.sleep(delay_s)
    os.kill(child.pid, signal.SIGKILL)
    told = first + child.stdout.read()
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return [struct.unpack_from("<QQ", told, at) for at in range(0, len(told) // 16 * 16, 16)]


@pytest.mark.parametrize("seed", range(6))
def test_kill_minus_nine_at_a_random_instant_leaves_all_but_the_last_moment(tmp_path, seed):
    path = tmp_path / "a.wav"
    given = kill_at(path, 0.8 + random.Random(seed).random())
    kept = witnesses.by_stdlib_wave(path)
    assert witnesses.by_sox(path) == kept
    assert witnesses.by_libsndfile(path) == kept
    assert witnesses.by_ffmpeg(path) == kept
    assert kept == counter_bytes(len(kept) // 2)
    killed_ns = given[-1][0]
    # Half a second is the promise: a quarter for the interval, the rest for a busy machine.
    due = max(samples for ns, samples in given if ns <= killed_ns - 500_000_000)
    assert due <= len(kept) // 2 <= given[-1][1] + 160
