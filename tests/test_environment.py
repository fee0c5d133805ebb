"""What children inherit, and what stays here."""

from __future__ import annotations

import os
import subprocess

import pytest

from voipbin_cli.environment import (
    SECRET_VARIABLES,
    keep_secrets,
    note_secret,
    secret_values,
    user_environment,
)


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process had just begun."""
    monkeypatch.setattr("voipbin_cli.environment._kept", {})
    monkeypatch.setattr("voipbin_cli.environment._noted", {})


def test_a_secret_from_elsewhere_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.setenv("VOIPBIN_TOKEN", "a token")
    for value in ("a password", "a token", "a password"):
        note_secret(value)
    keep_secrets()
    assert set(secret_values()) >= {"a token", "a password"}
    assert len(secret_values()) == len(set(secret_values()))


def test_children_get_everything_but_the_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    for name in (*SECRET_VARIABLES, "VOIPBIN_PROFILE"):
        monkeypatch.setenv(name, f"the {name}")
    keep_secrets()
    child = subprocess.run(["env"], capture_output=True, text=True, check=True).stdout
    assert "the VOIPBIN_PROFILE" in child
    assert "TOKEN" not in child
    assert "KEY" not in child.replace("KEYRING", "")
    assert user_environment()["VOIPBIN_TOKEN"] == "the VOIPBIN_TOKEN"
    assert secret_values() == tuple(f"the {name}" for name in SECRET_VARIABLES)


def test_without_secrets_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    for name in SECRET_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    before = dict(os.environ)
    keep_secrets()
    assert dict(os.environ) == before
    assert secret_values() == ()
