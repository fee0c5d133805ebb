"""Sound devices through PortAudio: found by number or name, opened at a rate they support."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voipbin_cli.errors import MachineError, UsageError

Samples = npt.NDArray[np.float32]

# 20 ms a block: blocks of 10 ms would save 10 ms of delay, and cost twice the wake-ups.
BLOCKS_PER_SECOND = 50
USUAL_RATES_HZ = (48000, 44100, 16000, 8000)

_PORTAUDIO = {
    "linux": "apt-get install libportaudio2, or dnf install portaudio, or pacman -S portaudio",
    "darwin": "brew install portaudio",
    "win32": "pip install --force-reinstall sounddevice",
}


class Device(NamedTuple):
    """One sound device. `inputs` and `outputs` are channels."""

    number: int
    name: str
    api: str
    inputs: int
    outputs: int
    rate_hz: float
    is_default_input: bool
    is_default_output: bool


def sound_system() -> Any:
    """Return the sounddevice module.

    Raises MachineError where there is no PortAudio, with the package to install.
    """
    try:
        import sounddevice
    except OSError as problem:  # the module is there, and the library is not
        hint = _PORTAUDIO.get(sys.platform, "install the PortAudio library")
        raise MachineError(f"there is no PortAudio on this machine: {problem}", hint=hint) from None
    _quiet_alsa()
    return sounddevice


@functools.cache
def _quiet_alsa() -> None:
    """Keep ALSA from writing its messages, an underrun say, into what the terminal shows.

    Its handler becomes a C function that does nothing: no thread of its has to wait for Python.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(ctypes.CDLL(None).getpid)


def sound_system_version() -> str:
    """Return which PortAudio this is, in its own words. Raises MachineError without one."""
    return str(sound_system().get_portaudio_version()[1])


def list_devices() -> list[Device]:
    """Return all devices. Raises MachineError without PortAudio."""
    system = sound_system()
    apis = [api["name"] for api in system.query_hostapis()]
    default_input, default_output = system.default.device
    return [
        Device(
            number=row["index"],
            name=row["name"],
            api=apis[row["hostapi"]],
            inputs=row["max_input_channels"],
            outputs=row["max_output_channels"],
            rate_hz=row["default_samplerate"],
            is_default_input=row["index"] == default_input,
            is_default_output=row["index"] == default_output,
        )
        for row in system.query_devices()
    ]


def find_device(wanted: str | None, devices: list[Device], *, output: bool) -> Device:
    """Return the device of that number, or the only one with that part of a name.

    None asks for the system's default. Raises UsageError where the words fit none or several,
    MachineError where this machine has no device at all.
    """
    usable = [d for d in devices if (d.outputs if output else d.inputs)]
    what = "output" if output else "input"
    if not usable:
        raise MachineError(
            f"this machine has no sound {what}",
            hint="plug one in, or record to a file: voipbin stream record",
        )
    if wanted is None:
        default = [d for d in usable if (d.is_default_output if output else d.is_default_input)]
        return (default or usable)[0]
    if wanted.isdecimal():
        fitting = [d for d in usable if d.number == int(wanted)]
    else:
        exact = [d for d in usable if d.name.lower() == wanted.lower()]
        fitting = exact or [d for d in usable if wanted.lower() in d.name.lower()]
    if len(fitting) == 1:
        return fitting[0]
    names = ", ".join(f"{d.number} {d.name}" for d in fitting or usable)
    problem = "fits several devices" if fitting else f"is no sound {what}"
    raise UsageError(f"{wanted!r} {problem}", hint=f"choose one of: {names}")


class DeviceStream:
    """A running PortAudio stream. `rate_hz` and `channels` are what the device was opened with."""

    def __init__(self, opened: Any, rate_hz: int, channels: int, name: str) -> None:
        self._opened = opened
        self.rate_hz = rate_hz
        self.channels = channels
        self.name = name

    @property
    def is_alive(self) -> bool:
        """Whether the device still asks for, or gives, sound."""
        try:
            return bool(self._opened.active)
        except sound_system().PortAudioError:
            return False

    def start(self) -> None:
        """Let the callbacks begin. Raises MachineError."""
        _guard(self._opened.start, self.name)

    def close(self) -> None:
        """Stop at once and give the device back; a device that is gone is no error."""
        problems = sound_system().PortAudioError
        for step in (self._opened.abort, self._opened.close):
            try:
                step()
            except problems:
                continue


def open_output(device: Device, fill: Callable[[Samples, int, bool], None]) -> DeviceStream:
    """Open a loudspeaker; `fill(samples, channels, ran_dry)` is called for each block, and must
    not block.

    `samples` is float32 of the shape (count, channels); `ran_dry`: the device had nothing to play
    before this block. Raises MachineError.
    """

    def callback(samples: Samples, _count: int, _time: Any, status: Any) -> None:
        fill(samples, samples.shape[1], bool(status.output_underflow))

    return _open(device, "OutputStream", "check_output_settings", device.outputs, callback)


def open_input(device: Device, take: Callable[[Samples], None]) -> DeviceStream:
    """Open a microphone; `take(samples)` gets each block as mono float32. Raises MachineError."""

    def callback(samples: Samples, _count: int, _time: Any, _status: Any) -> None:
        take(samples.mean(axis=1, dtype=np.float32))

    return _open(device, "InputStream", "check_input_settings", device.inputs, callback)


def _open(
    device: Device, kind: str, check: str, most: int, callback: Callable[..., None]
) -> DeviceStream:
    system = sound_system()
    rate_hz, channels = _settings(device, getattr(system, check), most, system.PortAudioError)
    opened = _guard(
        lambda: getattr(system, kind)(
            samplerate=rate_hz,
            blocksize=rate_hz // BLOCKS_PER_SECOND,
            device=device.number,
            channels=channels,
            dtype="float32",
            latency="low",
            callback=callback,
        ),
        device.name,
    )
    return DeviceStream(opened, rate_hz, channels, device.name)


def _settings(
    device: Device, check: Callable[..., None], most: int, problem: type[Exception]
) -> tuple[int, int]:
    """Return the first rate and number of channels that the device takes: its own, if it can."""
    own = round(device.rate_hz)
    for rate_hz in dict.fromkeys((own, *USUAL_RATES_HZ)):
        for channels in (1, min(2, most)):
            try:
                check(device=device.number, channels=channels, dtype="float32", samplerate=rate_hz)
            except (problem, ValueError):
                continue
            return rate_hz, channels
    raise MachineError(
        f"{device.name} takes none of the usual sample rates",
        hint="choose another with --device; --list-devices names them",
    )


def _guard(action: Callable[[], Any], name: str) -> Any:
    try:
        return action()
    except sound_system().PortAudioError as problem:
        raise MachineError(
            f"{name} cannot be used: {problem.args[0] if problem.args else problem}",
            hint="another program may hold it; choose another with --device",
        ) from None
