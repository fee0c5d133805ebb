from __future__ import annotations

import numpy as np

from voipbin_cli.capture.columns import chosen, column, rows


def test_columns_and_rows_start_at_any_byte():
    data = bytes([1, 2, 3, 4, 5])
    assert column(data, ">u2").tolist() == [0x0102, 0x0203, 0x0304, 0x0405]
    assert column(b"\1", ">u2").tolist() == []
    kind = np.dtype([("a", "u1"), ("b", ">u2")])
    found = rows(data, np.array([0, 2]), kind)
    assert found["a"].tolist() == [1, 3]
    assert found["b"].tolist() == [0x0203, 0x0405]


def test_chosen_copies_nothing_where_all_is_chosen():
    assert chosen(np.array([True, True])) == slice(None)
    assert chosen(np.array([True, False, True])).tolist() == [0, 2]
    assert len(np.arange(0)[chosen(np.zeros(0, bool))]) == 0
