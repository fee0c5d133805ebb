"""A batch of each reader that takes many packets at once, and that a broken reader is found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.fuzz import many
from voipbin_cli.codec import rtp

FEW = 60


@pytest.mark.parametrize("name", many.READERS)
def test_a_batch_breaks_nothing(name: str) -> None:
    reader = dataclasses.replace(many.READERS[name], batch=FEW)
    messages = next(many.batches(reader, seed=1))
    assert len(messages) == FEW
    reader.read(messages)


def test_mutations_are_of_all_kinds_and_the_same_for_a_seed() -> None:
    seed = bytes(range(100))
    found, again = (many.mutated([seed], 500, np.random.default_rng(7)) for _ in range(2))
    assert (found.data, found.size.tolist()) == (again.data, again.size.tolist())
    texts = {found.message(n) for n in range(len(found))}
    assert len(texts) > 400
    assert (
        {len(text) < 100 for text in texts} == {len(text) > 100 for text in texts} == {True, False}
    )


@pytest.mark.parametrize("name", ["rtp_columns", "rtp_messages"])
def test_a_broken_reader_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = rtp.parse

    def broken(data: bytes) -> rtp.RtpPacket:
        return parse(data)._replace(sequence_number=len(data), payload=b"")

    monkeypatch.setattr(rtp, "parse", broken)
    reader = dataclasses.replace(many.READERS[name], batch=FEW)

    messages = next(many.batches(reader, seed=1))
    with pytest.raises(AssertionError):
        reader.read(messages)
