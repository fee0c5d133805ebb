"""The command-line toolkit for the live audio of VoIPBIN calls and conferences, and its library.

A plain name (`record`, `play`, `diagnose`, `validate`, `compare`) blocks, for scripts; the name
with `_stream` is its coroutine on a live stream, for asyncio. What lasts (`Simulator`, `CallHost`,
`open_stream`) takes `with` in a script and `async with` in asyncio. What is named here stays.
"""

from __future__ import annotations

# The type is for a checker alone: each name loads its module when it is first used.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voipbin_cli.analysis.findings import Finding, Verdict
    from voipbin_cli.analysis.severity import Severity
    from voipbin_cli.archive.rows import FileRows, rows_of
    from voipbin_cli.codec.codecs import Codec, decode, encode
    from voipbin_cli.codec.dialect import AudioFrame, FrameDecoder
    from voipbin_cli.codec.encapsulation import Direction, Encapsulation, Packer, Unit, unpack
    from voipbin_cli.codec.fingerprint import Dialect
    from voipbin_cli.codec.rtp import RtpPacket
    from voipbin_cli.errors import (
        ConnectionFailed,
        DecodeError,
        MachineError,
        NothingToJudge,
        Refused,
        UsageError,
        VoipbinError,
    )
    from voipbin_cli.public.call_result import CallResult
    from voipbin_cli.public.called_bot import BotCall, CallHost
    from voipbin_cli.public.checker import Validation, validate, validate_stream
    from voipbin_cli.public.comparing import Compared, compare
    from voipbin_cli.public.connecting import Connecting
    from voipbin_cli.public.diagnosing import diagnose
    from voipbin_cli.public.examiner import Diagnosis
    from voipbin_cli.public.live_examiner import diagnose_stream
    from voipbin_cli.public.player import Played, play, play_stream
    from voipbin_cli.public.recorder import Recorded, record, record_stream
    from voipbin_cli.public.simulated import Simulator
    from voipbin_cli.public.stream import Frame, PlainStream, Stream, open_stream
    from voipbin_cli.public.summary import Summary
    from voipbin_cli.simulator.caller.script import (
        BeSilent,
        CallerScript,
        Handset,
        HangUp,
        Interrupt,
        PressDigits,
        Say,
        SayNothing,
        WaitForBegin,
        WaitForEnd,
    )

__version__ = "0.2.0"
USER_AGENT = f"voipbin/{__version__}"

__all__ = [
    "AudioFrame",
    "BeSilent",
    "BotCall",
    "CallHost",
    "CallResult",
    "CallerScript",
    "Codec",
    "Compared",
    "Connecting",
    "ConnectionFailed",
    "DecodeError",
    "Diagnosis",
    "Dialect",
    "Direction",
    "Encapsulation",
    "FileRows",
    "Finding",
    "Frame",
    "FrameDecoder",
    "Handset",
    "HangUp",
    "Interrupt",
    "MachineError",
    "NothingToJudge",
    "Packer",
    "PlainStream",
    "Played",
    "PressDigits",
    "Recorded",
    "Refused",
    "RtpPacket",
    "Say",
    "SayNothing",
    "Severity",
    "Simulator",
    "Stream",
    "Summary",
    "Unit",
    "UsageError",
    "Validation",
    "Verdict",
    "VoipbinError",
    "WaitForBegin",
    "WaitForEnd",
    "__version__",
    "compare",
    "decode",
    "diagnose",
    "diagnose_stream",
    "encode",
    "open_stream",
    "play",
    "play_stream",
    "record",
    "record_stream",
    "rows_of",
    "unpack",
    "validate",
    "validate_stream",
]

_HOMES = {
    "analysis.findings": ("Finding", "Verdict"),
    "analysis.severity": ("Severity",),
    "archive.rows": ("FileRows", "rows_of"),
    "codec.codecs": ("Codec", "decode", "encode"),
    "codec.dialect": ("AudioFrame", "FrameDecoder"),
    "codec.encapsulation": ("Direction", "Encapsulation", "Packer", "Unit", "unpack"),
    "codec.fingerprint": ("Dialect",),
    "codec.rtp": ("RtpPacket",),
    "errors": (
        "ConnectionFailed",
        "DecodeError",
        "MachineError",
        "NothingToJudge",
        "Refused",
        "UsageError",
        "VoipbinError",
    ),
    "public.call_result": ("CallResult",),
    "public.called_bot": ("BotCall", "CallHost"),
    "public.checker": ("Validation", "validate", "validate_stream"),
    "public.comparing": ("Compared", "compare"),
    "public.connecting": ("Connecting",),
    "public.diagnosing": ("diagnose",),
    "public.examiner": ("Diagnosis",),
    "public.live_examiner": ("diagnose_stream",),
    "public.player": ("Played", "play", "play_stream"),
    "public.recorder": ("Recorded", "record", "record_stream"),
    "public.simulated": ("Simulator",),
    "public.stream": ("Frame", "PlainStream", "Stream", "open_stream"),
    "public.summary": ("Summary",),
    "simulator.caller.script": (
        "BeSilent",
        "CallerScript",
        "HangUp",
        "Handset",
        "Interrupt",
        "PressDigits",
        "Say",
        "SayNothing",
        "WaitForBegin",
        "WaitForEnd",
    ),
}


def __getattr__(name: str) -> Any:
    """Load what is named here, when it is first asked for."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f"voipbin_cli.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
