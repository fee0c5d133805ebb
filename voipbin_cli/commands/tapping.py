"""What `voipbin stream tap` does once its options are read."""

from __future__ import annotations

import sys

from voipbin_cli.commands.live import Tell, opened_target, run_live
from voipbin_cli.commands.options import LiveOptions
from voipbin_cli.media.devices import list_devices
from voipbin_cli.render.jsonl import emit
from voipbin_cli.render.keys import KeyBindings
from voipbin_cli.render.tapping import TapLines, device_table, tap_line
from voipbin_cli.session.listening import ListenRequest
from voipbin_cli.session.live import Cause
from voipbin_cli.session.tap import Tap, TapAndTalk, Tapping, TapRequest

LOUDER = 1.25
PLAIN_LINE_S = 10.0


def show_devices(*, as_json: bool) -> None:
    """Print the sound devices. Raises MachineError without PortAudio."""
    devices = list_devices()
    if not as_json:
        device_table(devices)
        return
    for device in devices:
        emit("device", device._asdict())


def tap_stream(target: str, live: LiveOptions, request: TapRequest, *, overwrite: bool) -> None:
    """Hear TARGET until it ends. Raises what the session raises."""
    kind = TapAndTalk if request.microphone else Tap
    with opened_target(target, live) as stream:
        listen = ListenRequest(stream, live.duration, live.capture, overwrite)

        def make(tell: Tell) -> Tapping:
            return kind(listen, tell, tap=request)

        run_live(
            live,
            make,
            lambda status: TapLines(stream.label, status, with_keys=sys.stdin.isatty()),
            tap_line,
            keys=_keys,
            plain_every_s=PLAIN_LINE_S,
        )


def _keys(session: Tapping) -> KeyBindings:
    return {
        " ": session.toggle_mute,
        "+": lambda: session.change_volume(LOUDER),
        "-": lambda: session.change_volume(1 / LOUDER),
        "q": lambda: session.stream.stop(Cause.INTERRUPTED),
    }
