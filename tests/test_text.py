"""Text that was given."""

from urllib.parse import quote

import pytest

from voipbin_cli.text import is_uuid, mask, printable

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


KEY = "Kq3+zX/81=" * 6
"""60 characters, some of which a URL quotes."""


QUOTED = quote(KEY, safe="")
# RFC 3986 2.1: the digits of an escape may be of either case.
LOWER = QUOTED.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")


@pytest.mark.parametrize("form", [KEY, QUOTED, LOWER])
def test_no_cut_of_ours_leaves_a_piece_of_a_secret(form):
    for limit in range(1, 140):
        told = printable(f"no account has {form}, sorry", limit, KEY)
        assert form[:2] not in told, limit
        assert len(told) <= limit


def test_no_cut_of_theirs_leaves_a_piece_that_can_be_known(monkeypatch):
    monkeypatch.setattr("voipbin_cli.environment._noted", {KEY: None})
    for kept in range(8, len(KEY) + 1):
        assert printable(f"unknown: {KEY[:kept]}") == "unknown: ***"
    assert printable(f"unknown: {KEY[:7]}") == f"unknown: {KEY[:7]}"


def test_a_secret_of_no_character_is_masked_like_any_other():
    # What JSON calls \ud800, and what Python makes of bytes of a variable that are no UTF-8.
    for secret in ("\ud800 sesame", "\udcff-sesame"):
        assert mask(f"is {secret} open?", secret) == "is *** open?"
