"""A sound card without hardware: a PulseAudio of the test's own with null sinks.

What is played on `spk` can be recorded from its monitor; what is played into `micfeed` is what
the microphone `mic` hears. `norewinds=1` is what keeps a null sink in step.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.needs import need, unavailable

PROGRAMS = ("pulseaudio", "parec", "pacat")


def environment(directory: Path) -> dict[str, str]:
    """The variables with which programs find this PulseAudio, and no other."""
    return {
        "HOME": str(directory),
        "XDG_RUNTIME_DIR": str(directory),
        "PULSE_RUNTIME_PATH": str(directory),
        "PULSE_SERVER": f"unix:{directory}/native",
    }


@contextlib.contextmanager
def pulseaudio(directory: Path, rate_hz: int = 8000) -> Iterator[dict[str, str]]:
    """Run a server and yield the environment to use it in."""
    for program in PROGRAMS:
        need(program)
    sink = f"module-null-sink norewinds=1 rate={rate_hz} channels=1 format=s16le sink_name="
    modules = [
        "module-native-protocol-unix",
        f"{sink}spk",
        f"{sink}micfeed",
        "module-remap-source source_name=mic master=micfeed.monitor",
    ]
    found = {**os.environ, **environment(directory)}
    (directory / "pulse.pa").write_text("")
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        + [word for module in modules for word in ("-L", module)],
        env=found,
        stdout=subprocess.DEVNULL,
        stderr=(directory / "pulseaudio.log").open("wb"),
    )
    try:
        deadline = time.monotonic() + 10
        while not (directory / "native").exists():
            if server.poll() is not None or time.monotonic() > deadline:
                unavailable("PulseAudio does not start here")
            time.sleep(0.02)
        yield environment(directory)
    finally:
        server.terminate()
        server.wait(10)


@contextlib.contextmanager
def recorded(device: str, path: Path, env: dict[str, str], rate_hz: int = 8000) -> Iterator[None]:
    """Record what `device` gives into `path`, s16le mono."""
    command = ["parec", f"--device={device}", f"--rate={rate_hz}", "--channels=1"]
    command += ["--format=s16le"]
    with path.open("wb") as file:
        recorder = subprocess.Popen(
            [*command, "--raw", "--latency-msec=20"], stdout=file, env={**os.environ, **env}
        )
        try:
            time.sleep(0.3)
            yield
            time.sleep(0.3)
        finally:
            recorder.send_signal(signal.SIGINT)
            recorder.wait(10)
