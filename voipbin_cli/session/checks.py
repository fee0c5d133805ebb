"""What `doctor` looks at: this machine, the way to the API, the shell."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from voipbin_cli import __version__
from voipbin_cli.errors import ExitStatus, MachineError, VoipbinError
from voipbin_cli.text import span_text, utc_text
from voipbin_cli.transport.api import Api, Probe, ask_endpoint
from voipbin_cli.transport.endpoint import Endpoint
from voipbin_cli.transport.phone_leg import HOW_TO_CAPTURE, RIGHT
from voipbin_cli.transport.profiles import ProfileStore, usable_keyring

LIBRARIES = ("websockets", "httpx2", "numpy", "soundfile", "sounddevice", "soxr")
# Logs of two machines can be laid side by side up to here.
CLOCKS_AGREE_S = 2.0
# By shell: where a completion script lies in a directory for data, and what brings it into use
# when the shell does not look there (a virtual environment).
COMPLETIONS = {
    "bash": ("bash-completion/completions/voipbin", "in ~/.bashrc: source {script}"),
    "zsh": ("zsh/site-functions/_voipbin", "in ~/.zshrc, before compinit: fpath=({dir} $fpath)"),
    "fish": ("fish/vendor_completions.d/voipbin.fish", "in config.fish: source {script}"),
    "pwsh": ("voipbin/completions/voipbin.ps1", "in $PROFILE: . {script}"),
}


class CheckState(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `status` is what `doctor` exits with when it failed."""

    topic: str
    state: CheckState
    words: str
    hint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: ExitStatus = ExitStatus.DONE


def machine_checks(environ: Mapping[str, str]) -> list[Check]:
    """Look at what is installed here, and at what it runs on."""
    return [version_check(), libraries_check(), sound_check(), keyring_check(environ)]


def version_check() -> Check:
    """Tell which voipbin on which Python on which system."""
    facts = {
        "version": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "system": platform.platform(),
    }
    words = f"{__version__}, Python {facts['python']}, {facts['system']}"
    return Check("voipbin", CheckState.OK, words, facts=facts)


def libraries_check() -> Check:
    """Tell the versions of what is built on."""
    facts = {name: _version(name) for name in LIBRARIES}
    missing = [name for name, version in facts.items() if version is None]
    words = ", ".join(f"{name} {version or 'missing'}" for name, version in facts.items())
    if missing:
        hint = f"pip install {' '.join(missing)}"
        return Check("libraries", CheckState.BAD, words, hint, facts, ExitStatus.MACHINE)
    return Check("libraries", CheckState.OK, words, facts=facts)


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def sound_check() -> Check:
    """Tell what `tap` would play to. It is the one command that needs PortAudio."""
    from voipbin_cli.media.devices import list_devices, sound_system_version

    try:
        # Without the revision that some builds add.
        version = sound_system_version().partition(",")[0]
        devices = list_devices()
    except MachineError as error:
        hint = f"only `voipbin stream tap` needs it: {error.hint}"
        return Check(
            "sound", CheckState.NOTE, error.message, hint, {"portaudio": None, "devices": []}
        )
    facts = {"portaudio": version, "devices": [device._asdict() for device in devices]}
    speakers = [device for device in devices if device.outputs]
    if not speakers:
        words = f"{version}, and no device to play to"
        return Check("sound", CheckState.NOTE, words, "only `voipbin stream tap` needs one", facts)
    default = next((device for device in speakers if device.is_default_output), speakers[0])
    words = f"{version}; plays to {default.name}, of {len(speakers)} in all"
    return Check("sound", CheckState.OK, words, facts=facts)


def keyring_check(environ: Mapping[str, str]) -> Check:
    """Tell where `login` would keep a secret."""
    backend = usable_keyring()
    if backend is not None:
        return Check("keyring", CheckState.OK, backend.name, facts={"backend": backend.name})
    path = ProfileStore.of_user(environ).path
    words = f"none; secrets of `voipbin login` go to {path}, readable by you alone"
    return Check("keyring", CheckState.OK, words, facts={"backend": None, "file": str(path)})


def platform_checks(endpoint: Endpoint, *, timeout_s: float) -> list[Check]:
    """Look at the credential, and ask the API with it."""
    checks = [credential_check(endpoint, time.time())]
    try:
        probe = ask_endpoint(endpoint, Api.probe, timeout_s=timeout_s)
    except VoipbinError as error:
        return [*checks, failed("api", error, {"url": endpoint.api_url})]
    checks.append(api_check(endpoint, probe))
    if probe.error is None:
        checks.append(capture_check(endpoint, timeout_s=timeout_s))
    if probe.server_time_s is not None:
        checks.append(clock_check(probe.server_time_s, probe.round_trip_s, time.time()))
    return checks


def failed(topic: str, error: VoipbinError, facts: Mapping[str, Any]) -> Check:
    """Return the check that ended with an error."""
    return Check(
        topic, CheckState.BAD, error.message, error.hint, {**facts, **error.details}, error.status
    )


def credential_check(endpoint: Endpoint, now_s: float) -> Check:
    """Tell where the credential comes from and how long it is good; never what it is."""
    credential = endpoint.credential
    if credential is None:
        hint = "voipbin login, or set VOIPBIN_TOKEN or VOIPBIN_ACCESSKEY; sim needs none"
        return Check("credential", CheckState.NOTE, "none was found", hint, {"source": None})
    expires = credential.expires_at
    facts = {"kind": str(credential.kind), "source": credential.source, "expires_at": expires}
    words = f"{credential.kind} from {credential.source}"
    if expires is None:
        return Check("credential", CheckState.OK, words, facts=facts)
    if expires > now_s:
        words += f", good until {utc_text(expires)}"
        return Check("credential", CheckState.OK, words, facts=facts)
    words += f", expired {span_text(now_s - expires)} ago"
    return Check("credential", CheckState.BAD, words, "voipbin login", facts, ExitStatus.REFUSED)


def api_check(endpoint: Endpoint, probe: Probe) -> Check:
    """Tell whether the API takes the credential, and how far away it is."""
    facts: dict[str, Any] = {
        "url": endpoint.api_url,
        "round_trip_ms": round(probe.round_trip_s * 1000, 1),
    }
    words = f"{endpoint.api_url} answers in {probe.round_trip_s * 1000:.0f} ms"
    if probe.error is None:
        return Check("api", CheckState.OK, f"{words} and takes the credential", facts=facts)
    facts |= probe.error.details
    if endpoint.credential is None and probe.error.details.get("http_status") == 401:
        return Check("api", CheckState.OK, f"{words} and wants a credential", facts=facts)
    words += f", but {probe.error.message}"
    return Check("api", CheckState.BAD, words, probe.error.hint, facts, probe.error.status)


def capture_check(endpoint: Endpoint, *, timeout_s: float) -> Check:
    """Tell whether the platform captures the sound of calls, for `diagnose --pcap`."""
    try:
        is_on = ask_endpoint(endpoint, Api.get_rtp_debug, timeout_s=timeout_s)
    except VoipbinError as error:
        is_refused = error.details.get("http_status") == 403
        words = f"rtp_debug: not told: {RIGHT if is_refused else error.message}"
        return Check("captures", CheckState.OK, words, facts={"rtp_debug": None, **error.details})
    facts = {"rtp_debug": is_on}
    if is_on is None:
        return Check("captures", CheckState.OK, "rtp_debug: the API does not say", facts=facts)
    if is_on:
        words = "rtp_debug is on: `voipbin stream diagnose --pcap` has the sound of calls"
        return Check("captures", CheckState.OK, words, facts=facts)
    words = "rtp_debug is off: captures by the platform (diagnose --pcap) hold no sound"
    return Check("captures", CheckState.OK, words, HOW_TO_CAPTURE, facts)


def clock_check(server_s: float, round_trip_s: float, now_s: float) -> Check:
    """Compare the API's clock, which shows whole seconds, with ours at the answer's arrival."""
    # The Date header was cut to the second somewhere within the round trip.
    ahead_s = now_s - round_trip_s / 2 - (server_s + 0.5)
    facts = {"ahead_s": round(ahead_s, 1), "uncertainty_s": round(0.5 + round_trip_s / 2, 1)}
    if abs(ahead_s) <= CLOCKS_AGREE_S:
        return Check("clock", CheckState.OK, "agrees with the API's", facts=facts)
    where = "ahead of" if ahead_s > 0 else "behind"
    return Check(
        "clock",
        CheckState.NOTE,
        f"{span_text(abs(ahead_s))} {where} the API's",
        "set this machine's clock (NTP): tokens and log times are judged by it",
        facts,
    )


def installed_files() -> list[Path]:
    """Return where everything of this installation lies; nothing when run from its sources."""
    try:
        files = metadata.files("voipbin") or []
    except metadata.PackageNotFoundError:
        return []
    return [Path(os.path.normpath(str(file.locate()))) for file in files]


def shell_check(environ: Mapping[str, str], installed: Sequence[Path]) -> Check:
    """Tell where the completion script of the user's shell lies, and how it comes into use."""
    shell = Path(environ.get("SHELL", "")).name or ("pwsh" if os.name == "nt" else "")
    facts: dict[str, Any] = {"shell": shell, "script": None}
    if shell not in COMPLETIONS:
        return Check(
            "shell", CheckState.OK, f"{shell or 'unknown'}, no completion for it", facts=facts
        )
    place, use = COMPLETIONS[shell]
    own = own_completion(shell, environ)
    known = [own] if own.is_file() else installed
    script = next((path for path in known if path.as_posix().endswith(place)), None)
    if script is None:
        hint = f"voipbin completion {shell} --install"
        return Check("shell", CheckState.NOTE, f"{shell}, completion not installed", hint, facts)
    facts["script"] = str(script)
    data = Path(script.as_posix().removesuffix(f"/{place}"))
    hint = "" if data in data_directories(environ) else use.format(script=script, dir=script.parent)
    return Check("shell", CheckState.OK, f"{shell}, completion in {script}", hint, facts)


def own_completion(shell: str, environ: Mapping[str, str]) -> Path:
    """Return where a user's own completion script of `shell` lies, a key of COMPLETIONS."""
    return data_directories(environ)[0] / COMPLETIONS[shell][0]


def data_directories(environ: Mapping[str, str]) -> list[Path]:
    """Return where shells look for the files of programs (XDG base directories)."""
    own = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    shared = environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    return [Path(own), *map(Path, shared.split(os.pathsep))]
