"""Text that was given."""

import pytest

from voipbin_cli.text import is_uuid

UUID = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UUID, True),
        ("00000000-0000-0000-0000-000000000000", True),  # the nil UUID (RFC 9562 section 5.9)
        (UUID.upper(), False),
        (UUID + "\n", False),
        (UUID[:-1], False),
        (UUID.replace("-", ""), False),
        ("{" + UUID + "}", False),
        ("g" + UUID[1:], False),
        ("", False),
    ],
)
def test_a_uuid_is_five_groups_of_lower_case_hex_digits(text, expected):
    assert is_uuid(text) is expected
