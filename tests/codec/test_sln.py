"""SLN messages."""

from __future__ import annotations

import pytest

from voipbin_cli.codec import sln
from voipbin_cli.errors import DecodeError


def test_a_message_is_its_samples() -> None:
    assert sln.parse(b"abc") == b"abc"
    assert sln.parse(b"abcd", sample_bytes=2) == b"abcd"
    assert sln.build(b"abc") == b"abc"


def test_an_empty_message_is_no_frame() -> None:
    with pytest.raises(DecodeError) as caught:
        sln.parse(b"")
    assert caught.value.slug == "empty"


def test_half_a_sample_is_refused_where_linear_is_due() -> None:
    with pytest.raises(DecodeError) as caught:
        sln.parse(b"abc", sample_bytes=2)
    assert (caught.value.slug, caught.value.offset) == ("odd-length", 2)


def test_the_longest_message_that_is_taken() -> None:
    assert len(sln.build(bytes(65535))) == 65535


@pytest.mark.parametrize("payload", [b"", bytes(65536)])
def test_what_the_platform_does_not_survive_is_never_built(payload: bytes) -> None:
    with pytest.raises(ValueError):
        sln.build(payload)
