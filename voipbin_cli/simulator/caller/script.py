"""What a caller does, as rows, and the phone that he does it on.

>>> script = CallerScript((WaitForBegin(), WaitForEnd(), Say(seconds=1.5), WaitForEnd(), HangUp()))
>>> [row_name(row) for row in script.rows]
['wait-for-begin', 'wait-for-end', 'say', 'wait-for-end', 'hang-up']
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from reprlib import repr as short
from typing import NamedTuple, TypeAlias

from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.sources import DTMF_KEYS


class _Range(NamedTuple):
    low: float
    high: float


# What a number of that name can be, in every row and of the handset.
_RANGES: Mapping[str, _Range] = {
    "seconds": _Range(0.02, 600),
    "timeout_s": _Range(0.1, 600),
    "after_ms": _Range(0, 60_000),
    "noise_dbfs": _Range(-96, -10),
    "level_db": _Range(-60, 30),
    "echo_delay_ms": _Range(10, 1000),
    "echo_db": _Range(-60, 0),
    "loss_percent": _Range(0, 100),
    "times": _Range(1, 1000),
    "seed": _Range(0, 2**31),
}
_WHOLE = ("times", "seed")


class ScriptError(UsageError):
    """A row that cannot be; `key` is the field that is wrong."""

    def __init__(self, message: str, key: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.key = key


def _check_number(key: str, value: object) -> None:
    low, high = _RANGES[key]
    kinds = (int,) if key in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        whole = "a whole number" if key in _WHOLE else "a number"
        raise ScriptError(f"{key} = {short(value)} is not {whole} from {low:g} to {high:g}", key)


class _Checked:
    """Fields are checked as soon as there is a row. Raises ScriptError."""

    __slots__ = ()

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            if one.name in _RANGES and not (value is None and "None" in str(one.type)):
                _check_number(one.name, value)
            elif one.type == "str" and not (isinstance(value, str) and value):
                raise ScriptError(f"{one.name} = {short(value)} is no text", one.name)


@dataclass(frozen=True, slots=True)
class Say(_Checked):
    """Say something: `sound` is a WAV file (8 kHz, mono, 16 bit), or of speech-like sound
    ("speech"), a tone ("tone:440"), music ("music") so many `seconds`. It has no meaning.
    """

    sound: str = "speech"
    seconds: float = 2.0


@dataclass(frozen=True, slots=True)
class WaitForBegin(_Checked):
    """Wait until the bot sounds; go on after `timeout_s` where it does not."""

    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class WaitForEnd(_Checked):
    """Wait until the bot has spoken and is silent again: 0.4 s, as shorter pauses end no turn."""

    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class SayNothing(_Checked):
    """Say nothing; the room's noise, and the echo, go on."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Interrupt(_Checked):
    """Speak once the bot has spoken for `after_ms`; after `timeout_s` all the same."""

    after_ms: float = 500.0
    sound: str = "speech"
    seconds: float = 1.5
    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class PressDigits(_Checked):
    """Press keys (0 to 9, A to D, * and #), 100 ms each and 100 ms apart.

    They are heard as tones (Q.23); where a far end tells of keys beside the sound (AudioSocket
    over TCP, chan_websocket) it does that, as Asterisk does, and there is silence instead.
    """

    digits: str

    def __post_init__(self) -> None:
        """Raise ScriptError for what is no key."""
        _Checked.__post_init__(self)
        for key in self.digits:
            if key not in DTMF_KEYS:
                raise ScriptError(
                    f"digits = {short(self.digits)}: there is no key {key!r}",
                    "digits",
                    hint="0 to 9, A to D, * and #",
                )


@dataclass(frozen=True, slots=True)
class BeSilent(_Checked):
    """The microphone is muted: exact silence, with neither noise nor echo."""

    seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class HangUp(_Checked):
    """End the call; the end of the script does it, too."""


Row: TypeAlias = (
    Say | WaitForBegin | WaitForEnd | SayNothing | Interrupt | PressDigits | BeSilent | HangUp
)

ROWS: Mapping[str, type[Row]] = {
    "say": Say,
    "wait-for-begin": WaitForBegin,
    "wait-for-end": WaitForEnd,
    "pause": SayNothing,
    "interrupt": Interrupt,
    "press": PressDigits,
    "be-silent": BeSilent,
    "hang-up": HangUp,
}
_NAMES = {kind: name for name, kind in ROWS.items()}


def row_name(row: Row) -> str:
    """What a row is called in files and results."""
    return _NAMES[type(row)]


@dataclass(frozen=True, slots=True)
class Handset(_Checked):
    """The caller's phone and room.

    `noise_dbfs`: the room's noise, None for none. `level_db`: how much louder he speaks.
    `echo_delay_ms`: what the phone plays comes back so much later, `echo_db` loud; None: not at
    all. `loss_percent`: of the frames on the phone's own leg, which come as exact zero.
    """

    noise_dbfs: float | None = -70.0
    level_db: float = 0.0
    echo_delay_ms: float | None = None
    echo_db: float = -20.0
    loss_percent: float = 0.0


@dataclass(frozen=True, slots=True)
class CallerScript(_Checked):
    """The rows, `times` over, and the handset; `seed` chooses voice, noise and what is lost."""

    rows: tuple[Row, ...]
    handset: Handset = field(default_factory=Handset)
    times: int = 1
    seed: int = 1

    def __post_init__(self) -> None:
        """Raise ScriptError for a script of nothing."""
        _Checked.__post_init__(self)
        if not self.rows:
            raise ScriptError("the caller does nothing", "caller", hint="such as say, and hang-up")
