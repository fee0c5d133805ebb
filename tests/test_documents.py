"""What of a document that others wrote is taken, and as what."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.documents import (
    are_durations,
    are_scalars,
    is_flag,
    is_number,
    is_text,
    is_whole,
    json_object,
    of_shape,
    read_json,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400, "9" * 5000])
def test_a_number_that_is_none_is_null(number):
    assert read_json(f'{{"at": [{number}, 1.5, 7]}}') == {"at": [None, 1.5, 7]}


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100_000, "nan"])
def test_what_is_no_json_is_told_by_one_error(text):
    with pytest.raises(ValueError):
        read_json(text)
    assert json_object(text) == {}


@given(JSON)
def test_whatever_is_read_can_be_reckoned_with_and_written(value):
    read = read_json(json.dumps({"value": value}))
    json.dumps(read, allow_nan=False)
    if is_number(read["value"]):
        assert math.isfinite(read["value"] * 1e6)


@pytest.mark.parametrize(
    ("shape", "value", "fits"),
    [
        (is_text, "a", True),
        (is_text, ["a"], False),
        (is_flag, 1, False),
        (is_whole, True, False),
        (is_whole, 1.0, False),
        (is_number, 1.5, True),
        (is_number, 10**18, False),
        (are_durations, [0, 1.5], True),
        (are_durations, [1.5, None], False),
        (are_durations, [-1], False),
        (are_durations, 1.5, False),
        (are_scalars, {"a": 1, "b": None}, True),
        (are_scalars, {"a": []}, False),
    ],
)
def test_a_field_is_of_its_shape_or_is_left_out(shape, value, fits):
    fields = {"field": value, "other": value}
    assert of_shape(fields, {"field": shape}) == (
        {"other": value} | ({"field": value} if fits else {})
    )
