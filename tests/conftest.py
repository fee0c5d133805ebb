"""What holds for all tests.

A property has no deadline, as a busy machine would miss it. The secret of one test is none of the
next: it could be a word of what that one says. The terminal that they run in has no size.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")


@pytest.fixture(autouse=True)
def no_size_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)


@pytest.fixture(autouse=True)
def no_noted_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voipbin_cli.environment._noted", {})
