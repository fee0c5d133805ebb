"""The ids of findings are a promise to scripts: none may change, none may lack its row."""

from __future__ import annotations

from voipbin_cli.analysis.findings import BY_ID, ROWS
from voipbin_cli.finding_ids import FindingId

# As the command line's contract has them, in its order.
PROMISED = """
    cannot-connect tls auth forbidden not-found rate-limited call-not-progressing closed-early
    no-audio silence muted network-stall lost-audio upstream-loss jitter clock-drift wrong-rate
    stream-restart telephone-events silence-suppression
    frame-size sequence timestamp-rate payload-label byte-order misaligned codec-mismatch not-audio
    clipping low-level dc-offset noise local-lag connection-lost sender-pace underrun
    encapsulation-mismatch repeated-audio clicks hum unjudged-codec encrypted
    capture-cut echo slow-response dead-air talk-over slow-barge-in
"""


def test_each_promised_id_is_there_and_no_other() -> None:
    assert sorted(FindingId) == sorted(PROMISED.split())


def test_each_id_has_one_row() -> None:
    assert len(ROWS) == len(BY_ID)
    assert set(BY_ID) == set(FindingId)
