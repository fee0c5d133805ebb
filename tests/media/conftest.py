"""A disk that fills up within a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import disk

SMALL_DISK_BYTES = 256 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted tmpfs of 256 KiB."""
    with disk.small_disk(tmp_path / "small", kib=SMALL_DISK_BYTES // 1024) as mount_point:
        yield mount_point
