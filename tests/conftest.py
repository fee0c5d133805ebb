"""What holds for all tests.

A property has no deadline, as a busy machine would miss it. The secret of one test is none of the
next: it could be a word of what that one says. The terminal that they run in has no size.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

# Of the files that wait the longest ones: they go first, so that at the end no worker is left alone
# with one.
LONGEST = (
    "session/test_closing.py",
    "commands/test_record.py",
    "shell/test_examples.py",
    "commands/test_diagnose.py",
    "commands/test_validate.py",
    "session/test_diagnose.py",
    "hostile/test_servers.py",
    "hostile/test_strings.py",
    "faults/test_peers.py",
    "commands/test_login.py",
    "test_secrets.py",
    "commands/test_play.py",
    "faults/test_machine.py",
    "commands/test_serve.py",
    "shell/test_completions.py",
    "test_readme.py",
    "corpus/test_live.py",
    "faults/test_kill.py",
    "transport/test_connection.py",
)

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {f"tests/{name}": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.nodeid.partition("::")[0], len(ranks)))


@pytest.fixture(autouse=True)
def no_size_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)


@pytest.fixture(autouse=True)
def no_noted_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voipbin_cli.environment._noted", {})
