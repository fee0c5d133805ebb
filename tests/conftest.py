"""What holds for all tests: a property has no deadline, as a busy machine would miss it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
