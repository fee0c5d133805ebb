"""The first violations of a rule are listed, and no more."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.listing import Listing
from voipbin_cli.analysis.validation.validator import Validator
from voipbin_cli.codec.encapsulation import Direction, Encapsulation

EMPTY_FRAMES = from_messages([TimedMessage(b"\x10\0\0")] * 250)


@pytest.mark.parametrize(("most", "listed"), [(0, 0), (3, 3), (250, 250), (10_000, 250)])
def test_each_rule_and_direction_is_listed_so_often_over_all_parts(most: int, listed: int) -> None:
    validator, listing = Validator(Encapsulation.AUDIOSOCKET), Listing(most)
    found = []
    for direction in Direction:
        for at in range(0, 250, 100):
            for part in validator.add(direction, EMPTY_FRAMES.part(at, at + 100)):
                found += listing.violations(part)
    for part in validator.finish():
        found += listing.violations(part)
    empty = [one for one in found if one.rule.id == "audiosocket-empty"]
    for direction in Direction:
        frames = [one.frame for one in empty if one.direction is direction]
        assert frames == list(range(listed))
    counts = [one.count for one in validator.tally.groups if one.rule.id == "audiosocket-empty"]
    assert counts == [250, 250]
