"""The environment as the user set it, and as children get it: the credential stays in here.

A library may start a program of its own (ctypes asks ldconfig where PortAudio is); that one has no
business with the credential either.
"""

from __future__ import annotations

import os
from collections import ChainMap
from collections.abc import Mapping

SERVE_TOKEN = "VOIPBIN_SERVE_TOKEN"
SECRET_VARIABLES = ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY", "VN_ACCESS_KEY", SERVE_TOKEN)

_kept: dict[str, str] = {}
_noted: dict[str, None] = {}


def keep_secrets() -> None:
    """Take the secrets out of what every child inherits; to be called before anything else."""
    for name in SECRET_VARIABLES:
        if name in os.environ:
            _kept[name] = os.environ.pop(name)


def user_environment() -> Mapping[str, str]:
    """The environment that the user gave, secrets included."""
    return ChainMap(_kept, os.environ)


def note_secret(value: str) -> None:
    """Count a secret that came from elsewhere (a profile, a URL, a prompt) among the others."""
    _noted[value] = None


def secret_values() -> tuple[str, ...]:
    """All that must not be said: the user's variables, and what was noted."""
    environment = user_environment()
    given = (value for name in SECRET_VARIABLES if (value := environment.get(name)))
    return tuple(dict.fromkeys((*given, *_noted)))
