"""The commands as data, and a user with a shell and a simulated platform."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.shell.shells import install
from tests.support.cli import environment
from voipbin_cli.render.tree import Command
from voipbin_cli.shell.command_tree import command_tree
from voipbin_cli.simulator.embedded import EmbeddedSimulator


@pytest.fixture(scope="session")
def tree() -> Command:
    return command_tree()


@dataclass(frozen=True)
class User:
    """Someone with a home, `voipbin` on the PATH, and an account."""

    home: Path
    env: dict[str, str]
    simulator: EmbeddedSimulator


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    home = tmp_path_factory.mktemp("user")
    for name in ("call.wav", "two words.wav"):
        (home / name).touch()
    with EmbeddedSimulator("clean") as simulator:
        settings = {
            "PATH": install(home / "bin"),
            "VOIPBIN_API_URL": simulator.api_url,
            "VOIPBIN_TOKEN": simulator.token,
        }
        yield User(home, environment(home, settings), simulator)
