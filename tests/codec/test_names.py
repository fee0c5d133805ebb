"""What the package offers, and what an import of it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import voipbin_cli.codec as codec


def test_every_public_name_has_one_home() -> None:
    assert sorted(codec._HOME_OF) == sorted(codec.__all__)
    for name in codec.__all__:
        assert getattr(codec, name).__class__ is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        codec.no_such_name  # noqa: B018


def test_the_enums_do_not_load_numpy() -> None:
    script = (
        "import sys; from voipbin_cli.codec import Encapsulation, Packer, Codec, mulaw_to_s16le; "
        "mulaw_to_s16le(bytes(160)); sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
