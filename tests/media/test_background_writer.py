from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

import pytest

from tests.media import witnesses
from voipbin_cli.errors import MachineError
from voipbin_cli.media.audio_writer import AppendFile, PipeWriter, open_new, open_writer
from voipbin_cli.media.background_writer import BackgroundWriter


class Recorder:
    """A ByteWriter that keeps what it was told; `gate` holds its writes back."""

    def __init__(self, filesystem=-1):
        self.filesystem = filesystem
        self.calls = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def data(self):
        return b"".join(data for name, data in self.calls if name == "write")

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
    writer = BackgroundWriter(recorder, interval_s=0.25, sync_s=0.5, clock=lambda: now_s)
    synced_at = []
    for step in range(1, 9):
        now_s = step * 0.25
        writer.write(b"x")
        writer.drain()
        # The sync comes after what `drain` waits for, and before anything else is written.
        if eventually(lambda: recorder.calls[-1] == ("flush", True), within_s=0.05):
            synced_at.append(now_s)
    # At 0.25, 0.5, … 2.0 s: every second one is due.
    assert synced_at == [0.5, 1.0, 1.5, 2.0]
    writer.close()


def eventually(is_so, within_s=5.0):
    """Whether `is_so()` becomes true in time."""
    end_s = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.001)
    return True


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


def writer_threads():
    return [thread for thread in threading.enumerate() if thread.name == "voipbin-writer"]


def test_many_files_share_one_thread_that_ends_with_the_last(tmp_path):
    assert eventually(lambda: not writer_threads())
    paths = [tmp_path / f"{n}.wav" for n in range(100)]
    writers = [BackgroundWriter(open_writer(str(path)), interval_s=0.01) for path in paths]
    for frame in range(50):
        for n, writer in enumerate(writers):
            writer.write(bytes([n, frame]) * 160)
        time.sleep(0.001)
    assert len(writer_threads()) == 1
    for writer in writers:
        writer.close()
    assert eventually(lambda: not writer_threads())
    for n, path in enumerate(paths):
        expected = b"".join(bytes([n, frame]) * 160 for frame in range(50))
        assert witnesses.by_stdlib_wave(path) == expected
    again = BackgroundWriter(open_writer(str(tmp_path / "again.wav")))
    again.write(b"ab")
    again.close()
    assert witnesses.by_stdlib_wave(tmp_path / "again.wav") == b"ab"


def test_a_file_that_fails_leaves_its_neighbour_alone():
    failing, sound = Failing(), Recorder()
    broken, whole = (BackgroundWriter(file, interval_s=0.001) for file in (failing, sound))
    broken.write(b"x")
    with pytest.raises(MachineError, match="No space"):
        broken.drain()
    for _ in range(10):
        whole.write(b"y")
        whole.drain()
    whole.close()
    assert sound.data == b"y" * 10
    with pytest.raises(MachineError, match="No space"):
        broken.close()


def test_a_disk_filled_by_one_file_takes_the_other_again_when_there_is_room(small_disk):
    large = BackgroundWriter(open_writer(str(small_disk / "large.wav")), interval_s=0.001)
    small = BackgroundWriter(open_writer(str(small_disk / "small.wav")), interval_s=0.001)
    small.write(b"before")
    small.drain()
    with pytest.raises(MachineError, match="No space left on device"):
        fill_with_counter(large)
    with pytest.raises(MachineError, match="No space left on device"):
        large.close()
    (small_disk / "large.wav").unlink()
    small.write(b"behind")
    small.close()
    assert witnesses.by_sox(small_disk / "small.wav") == b"beforebehind"


def test_a_pipe_that_nobody_reads_holds_up_no_file(tmp_path):
    read_fd, write_fd = os.pipe()
    pipe = BackgroundWriter(PipeWriter(write_fd), interval_s=0.001)
    pipe.write(bytes(1 << 20))  # more than any pipe takes
    file = BackgroundWriter(open_writer(str(tmp_path / "a.wav")), interval_s=0.001)
    for n in range(20):
        file.write(bytes([n]) * 320)
        file.drain()
    file.close()
    assert witnesses.by_stdlib_wave(tmp_path / "a.wav") == b"".join(
        bytes([n]) * 320 for n in range(20)
    )
    assert pipe.pending_bytes > 1 << 19  # a pipe holds some of it
    os.close(read_fd)
    with pytest.raises(BrokenPipeError):
        pipe.close()
    os.close(write_fd)


def test_a_file_system_that_hangs_holds_up_its_own_files_only():
    hung, sound = Recorder(-1), Recorder(-2)
    hung.gate.clear()
    waiting, working = (BackgroundWriter(file, interval_s=0.001) for file in (hung, sound))
    waiting.write(b"x")
    working.write(b"y")
    working.close()
    assert sound.data == b"y"
    assert waiting.pending_bytes == 1
    hung.gate.set()
    waiting.close()
    assert hung.data == b"x"


def test_what_failed_is_never_full():
    failing = Failing()
    writer = BackgroundWriter(failing, interval_s=1000.0, limit_bytes=10)
    writer.write(b"x" * 10)
    with pytest.raises(MachineError):
        writer.drain()
    assert not writer.full  # or whoever waits for room would wait for ever
    with pytest.raises(MachineError):
        writer.close()


# A process that forks has the writer's thread in the parent alone.
FORKED = """
import os, sys
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.media.audio_writer import open_writer
writer = BackgroundWriter(open_writer(sys.argv[1]))
writer.write(b"parent")
child = os.fork()
if not child:
    own = BackgroundWriter(open_writer(sys.argv[2]))
    own.write(b"child!")
    own.close()
    writer.close()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
writer.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no process")
def test_a_forked_process_has_a_thread_of_its_own(tmp_path):
    parent, child = tmp_path / "parent.wav", tmp_path / "child.wav"
    subprocess.run([sys.executable, "-c", FORKED, parent, child], check=True, timeout=20)
    assert witnesses.by_stdlib_wave(parent) == b"parent"
    assert witnesses.by_stdlib_wave(child) == b"child!"


def test_a_process_ends_with_a_writer_that_nobody_closed(tmp_path):
    code = (
        "import sys; from voipbin_cli.media import audio_writer, background_writer\n"
        "background_writer.BackgroundWriter(audio_writer.open_writer(sys.argv[1])).write(b'ab')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.wav"], capture_output=True, timeout=20
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert witnesses.by_stdlib_wave(tmp_path / "a.wav") in (b"", b"ab")


def test_bytes_for_a_capture_take_the_same_way(tmp_path):
    path = tmp_path / "a.bin"
    writer = BackgroundWriter(AppendFile(open_new(str(path))))
    writer.write(b"block one ")
    writer.write(b"block two")
    writer.close()
    assert path.read_bytes() == b"block one block two"


# Tells on stdout what it has given and when; the frames count through their own samples. Other
# files get the same.
VICTIM = """
import os, struct, sys, time
from voipbin_cli.media.background_writer import BackgroundWriter
from voipbin_cli.media.audio_writer import open_writer
writers = [BackgroundWriter(open_writer(path)) for path in sys.argv[1:]]
samples = 0
while True:
    frame = struct.pack("<160H", *((samples + n) & 0xFFFF for n in range(160)))
    for writer in writers:
        writer.write(frame)
    samples += 160
    os.write(1, struct.pack("<QQ", time.monotonic_ns(), samples))
    time.sleep(0.004)
"""


def kill_at(paths, delay_s):
    """Run the victim, kill -9 it after `delay_s` of writing; what it gave, as (ns, samples)."""
    child = subprocess.Popen([sys.executable, "-c", VICTIM, *paths], stdout=subprocess.PIPE)
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
    given = kill_at([path], 0.8 + random.Random(seed).random())
    kept = witnesses.by_stdlib_wave(path)
    assert witnesses.by_sox(path) == kept
    assert witnesses.by_libsndfile(path) == kept
    assert witnesses.by_ffmpeg(path) == kept
    assert kept == counter_bytes(len(kept) // 2)
    assert due_at_least(given) <= len(kept) // 2 <= given[-1][1] + 160


def test_kill_minus_nine_costs_a_hundred_files_no_more_than_one(tmp_path):
    paths = [tmp_path / f"{n}.wav" for n in range(100)]
    given = kill_at(paths, 1.3)
    for path in paths:
        kept = witnesses.by_stdlib_wave(path)
        assert kept == counter_bytes(len(kept) // 2)
        assert due_at_least(given) <= len(kept) // 2 <= given[-1][1] + 160


def due_at_least(given):
    """How many samples have to be there after the last of `given`."""
    killed_ns = given[-1][0]
    # Half a second is the promise: a quarter for the interval, the rest for a busy machine.
    return max(samples for ns, samples in given if ns <= killed_ns - 500_000_000)


@pytest.mark.parametrize("is_read", [True, False])
def test_a_named_pipe_waits_for_its_reader_and_not_for_ever(tmp_path, is_read):
    path = tmp_path / "pipe.raw"
    os.mkfifo(path)
    writer = BackgroundWriter(open_writer(str(path)), interval_s=0.01, stall_s=0.3)
    writer.write(b"abcd")
    if is_read:
        with path.open("rb") as reader:
            writer.close()
            assert reader.read() == b"abcd"
    else:
        with pytest.raises(MachineError, match=r"nobody read .* for 0\.3 s"):
            writer.close()
