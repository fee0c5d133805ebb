"""A scenario: what is wrong with the stream, with the call and with the API, as one row."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.errors import UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.simulator.caller.script import CallerScript
from voipbin_cli.simulator.caller.toml_text import read_script
from voipbin_cli.simulator.forms import FORMS, Form
from voipbin_cli.simulator.schedule import Fault


class RoomKind(StrEnum):
    """What a `sim:` target is joined to."""

    CALL = "call"
    CONFERENCE = "conference"


class Admission(StrEnum):
    """What happens to a media stream after its upgrade was accepted."""

    STREAM = "stream"
    CLOSE = "close"  # TCP closed with no close frame, before any audio
    MUTE = "mute"  # nothing ever comes
    MUTE_UNTIL_SENT = "mute-until-sent"  # nothing comes before something was sent


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP answer instead of what was asked for; the first `count` times, or always."""

    status: int
    reason: str
    message: str
    retry_after_s: int | None = None
    count: int | None = None
    after_drop: bool = False


@dataclass(frozen=True, slots=True)
class ConnectionDrop:
    """The connection is lost `after_s` into the call, which goes on.

    New streams fail for `outage_s`, the API too if `with_api`. `frozen`: nothing is closed, the
    connection just falls silent and answers no ping.
    """

    after_s: float
    outage_s: float = 0.5
    with_api: bool = False
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the catalogue, or that row with options applied.

    `finding` is the id that a diagnosis should give, None for a healthy one; where it is but an
    info the scenario `is_harmless`.
    `duration_s`: the call ends that long after its first stream joined.
    `phone`: whether the phone sends RTP at all. `caller`: what the caller does by a script, and
    how his phone sounds, instead of `source`.
    """

    name: str
    summary: str
    finding: FindingId | None = None
    faults: tuple[Fault, ...] = ()
    admission: Admission = Admission.STREAM
    refusal: Refusal | None = None
    drop: ConnectionDrop | None = None
    call_status: str = "progressing"
    mute_direction: str = ""
    token_life_s: float = 7 * 86400.0
    reform: Mapping[str, Any] = field(default_factory=dict)

    dialect: Dialect = Dialect.DEPLOYED
    source: str = "speech"
    seed: int = 1
    kind: RoomKind = RoomKind.CALL
    members: int = 2
    phone: bool = True
    duration_s: float | None = None
    calls: int = 5
    caller: CallerScript | None = None
    is_harmless: bool = False

    def form(self, encapsulation: Encapsulation) -> Form:
        """How this scenario puts audio on the wire."""
        return replace(FORMS[self.dialect, encapsulation], **self.reform)

    def uuid(self, what: str) -> str:
        """A fixed id: the same scenario always has the same ids."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:voipbin:simulator:{self.name}:{what}"))


def combine(first: Scenario, second: Scenario) -> Scenario:
    """Both at once: the faults of both, and whatever else either of them changes."""
    plain = Scenario(name="", summary="")
    changed = {
        name: getattr(second, name)
        for name in Scenario.__slots__
        if getattr(second, name) != getattr(plain, name)
    }
    return replace(
        first,
        **changed
        | {
            "name": f"{first.name}+{second.name}",
            "summary": f"{first.summary}; {second.summary}",
            "finding": first.finding or second.finding,
            "is_harmless": first.is_harmless and second.is_harmless,
            "faults": first.faults + second.faults,
            "reform": {**first.reform, **second.reform},
        },
    )


def _choice(kind: type[StrEnum], *without: str) -> Callable[[str], StrEnum]:
    names = [str(member) for member in kind if member not in without]

    def convert(text: str) -> StrEnum:
        if text not in names:
            raise ValueError(f"one of {', '.join(names)}")
        return kind(text)

    return convert


def _whole(low: int, high: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a number from {low} to {high}")
        return int(text)

    return convert


def _real(low: float, high: float) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:,.15g} to {high:,.15g}")
        return value

    return convert


def _yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("yes or no")
    return text == "yes"


def _script(text: str) -> CallerScript:
    return read_script(Path(text))


class ScenarioOption:
    """One `key=value` that a scenario takes: the field it sets and how its text is read."""

    def __init__(self, field_name: str, convert: Callable[[str], Any], summary: str) -> None:
        self.field_name = field_name
        self.convert = convert
        self.summary = summary


OPTIONS: Mapping[str, ScenarioOption] = {
    "dialect": ScenarioOption("dialect", _choice(Dialect, "unknown"), "what the far end speaks"),
    "seed": ScenarioOption("seed", _whole(0, 2**31), "another seed, another run"),
    "kind": ScenarioOption("kind", _choice(RoomKind), "a call or a conference"),
    "members": ScenarioOption("members", _whole(1, 20), "people in the conference"),
    "source": ScenarioOption(
        "source", str, "speech, speech-gated, tone:HZ, music, silence, dtmf:KEYS, FILE"
    ),
    "caller": ScenarioOption("caller", _script, "a caller's script (TOML)"),
    "strength": ScenarioOption(
        "faults", _real(-1e6, 1e6), "how bad it is, in the unit of the fault"
    ),
    "duration": ScenarioOption("duration_s", _real(0, 1e6), "seconds until the call ends"),
    "phone": ScenarioOption("phone", _yes_no, "whether the phone sends any RTP"),
    "calls": ScenarioOption("calls", _whole(1, 10_000), "calls that the API lists"),
    "token-life": ScenarioOption("token_life_s", _real(0, 1e9), "seconds until the token expires"),
}


def configure(scenario: Scenario, options: Mapping[str, str]) -> Scenario:
    """Apply `key=value` options to a row.

    Raises:
        UsageError: an unknown key, or a value that it cannot have.
    """
    changes: dict[str, Any] = {}
    for key, text in options.items():
        option = OPTIONS.get(key)
        if option is None:
            raise UsageError(
                f"a simulated stream has no option {key!r}", hint=f"one of {', '.join(OPTIONS)}"
            )
        try:
            changes[option.field_name] = option.convert(text)
        except ValueError as error:
            raise UsageError(
                f"{key}={text} is not {error}", hint=f"{key} is {option.summary}"
            ) from None
    if "strength" in options:
        changes["faults"] = _with_strength(scenario, changes["faults"])
    return replace(scenario, **changes)


def _with_strength(scenario: Scenario, strength: float) -> tuple[Fault, ...]:
    if len(scenario.faults) != 1:
        raise UsageError(
            f"strength={strength:g}: {scenario.name} has no one fault to adjust",
            hint="leave strength out, or name one scenario that has a fault",
        )
    fault = scenario.faults[0]
    if not fault.allows(strength):
        raise UsageError(
            f"strength={strength:g} is not what {scenario.name} takes",
            hint=f"{fault.smallest:g} to {fault.largest:g} {fault.unit}",
        )
    return (replace(fault, strength=strength),)
