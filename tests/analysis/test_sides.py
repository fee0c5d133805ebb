"""Whose side a finding is on, by its direction and by what was judged."""

from __future__ import annotations

import pytest

from voipbin_cli.analysis.findings import Circumstances, find
from voipbin_cli.analysis.findings.sides import Side, side_of
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.finding_ids import FindingId

IN, OUT = Direction.IN, Direction.OUT


@pytest.mark.parametrize(
    ("finding", "stream", "datagrams"),
    [
        ("network-stall", Side.LINK, Side.NETWORK),
        ("jitter", Side.LINK, Side.NETWORK),
        ("lost-audio", Side.UPSTREAM, Side.NETWORK),
        ("sequence", Side.UPSTREAM, Side.NETWORK),
        ("upstream-loss", Side.PHONE, Side.SENDER),
        ("clipping", Side.PHONE, Side.SENDER),
        ("byte-order", Side.UPSTREAM, Side.SENDER),
        ("local-lag", Side.MACHINE, Side.MACHINE),
        ("auth", Side.SETTINGS, Side.SETTINGS),
        ("muted", Side.CALL, Side.CALL),
        ("closed-early", Side.PLATFORM, Side.SENDER),
        ("capture-cut", Side.CAPTURE, Side.CAPTURE),
        ("connection-lost", Side.UNKNOWN, Side.UNKNOWN),
        ("slow-response", Side.PROGRAM, Side.PROGRAM),
    ],
)
def test_a_media_stream_has_other_sides_than_packets_that_somebody_captured(
    finding: str, stream: Side, datagrams: Side
) -> None:
    assert side_of(FindingId(finding), IN, is_datagrams=False) is stream
    assert side_of(FindingId(finding), None, is_datagrams=True) is datagrams


@pytest.mark.parametrize("finding", FindingId)
def test_what_is_sent_is_the_programs_own(finding: FindingId) -> None:
    assert side_of(finding, OUT, is_datagrams=False) is Side.PROGRAM


def test_each_side_has_words() -> None:
    assert len({side.words for side in Side}) == len(Side)


@pytest.mark.parametrize(
    ("details", "side"),
    [
        ({"http_status": 500, "reason": "INTERNAL"}, Side.PLATFORM),
        ({"http_status": 502}, Side.LINK),  # a proxy's page
        ({"http_status": 400, "reason": "INVALID"}, Side.LINK),
        ({}, Side.LINK),
    ],
)
def test_a_platform_that_says_that_it_failed_is_to_blame(
    details: dict[str, object], side: Side
) -> None:
    around = Circumstances(refused=FindingId.CANNOT_CONNECT, details=details)
    measured = StreamFold(Encapsulation.RTP).measured()
    (found,) = [one for one in find(measured, around) if one.id is FindingId.CANNOT_CONNECT]
    assert found.side is side
