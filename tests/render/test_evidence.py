"""Evidence as a person reads it: each finding has its sentences, and none tells of nothing."""

from __future__ import annotations

from string import Formatter

import pytest

from voipbin_cli.finding_ids import FindingId
from voipbin_cli.render.evidence import SENTENCES, counted, evidence_text, share_text, time_text

STALLS = {
    "count": 2,
    "longest_ms": 710.1,
    "total_ms": 1412.2,
    "late_in_60_ms_buffer": 0.1508,
    "late_in_200_ms_buffer": None,
}


@pytest.mark.parametrize(
    ("finding", "evidence", "words"),
    [
        ("network-stall", STALLS, "2 stalls, the longest 0.71 s; a 60 ms buffer would drop 15 %"),
        ("network-stall", {**STALLS, "count": 0}, "a 60 ms buffer would drop 15 %"),
        (
            "lost-audio",
            {"gaps": 1, "lost_ms": 96.0, "share": 0.004, "longest_ms": 96, "missing_by_number": 0},
            "1 gap, 96 ms of audio in all (0.4 %), the longest 96 ms; no RTP number is missing",
        ),
        (
            "lost-audio",
            {"gaps": 0, "silent_at_the_end_ms": 3000.0},
            "nothing came in the last 3.00 s",
        ),
        (
            "codec-mismatch",
            {"found": None, "due": "mulaw or s16le"},
            "it is no codec that this tool knows; due: mu-law or 16-bit linear",
        ),
        (
            "codec-mismatch",
            {"found": "stereo", "which": "two talkers"},
            "found stereo (two talkers)",
        ),
        (
            "connection-lost",
            {"count": 1, "won_back": 0, "longest_ms": 0.0},
            "lost once, not reconnected",
        ),
        (
            "connection-lost",
            {"count": 2, "won_back": 1, "longest_ms": 1200.0, "close_code": 1011},
            "lost 2 times, reconnected once; the longest gap 1.20 s; close code 1011, by nobody",
        ),
        (
            "sequence",
            {"expected": 100, "missing": 3, "duplicate": 0, "reordered": 1},
            "of 100 packets 3 missing, 1 out of order",
        ),
        ("timestamp-rate", {"clock_hz": 0, "due": 8000}, "timestamps stand still"),
        ("silence", {"from_seconds": 3.0, "to_seconds": None}, "silent from 3.0 s to the end"),
        ("hum", {"frequencies_hz": [50.0], "levels_dbfs": [-30.2]}, "50 Hz at -30 dBFS"),
        ("auth", {"http_status": 401, "reason": "EXPIRED"}, "HTTP 401; EXPIRED"),
        ("auth", {"anything_else": "at all"}, "anything else at all"),
        ("no-audio", {"frames": 0, "members": None}, "not one frame came"),
    ],
)
def test_evidence_is_a_sentence(finding: str, evidence: dict[str, object], words: str) -> None:
    assert evidence_text(finding, evidence) == words


def test_every_finding_has_sentences_and_templates_can_be_read() -> None:
    assert set(SENTENCES) == set(FindingId)
    for clauses in SENTENCES.values():
        for clause in clauses:
            if isinstance(clause, str):
                assert any(key for _, key, _, _ in Formatter().parse(clause)), clause


def test_evidence_of_others_cannot_move_a_cursor() -> None:
    assert "\x1b" not in evidence_text("auth", {"reason": "\x1b[2J"})
    assert "\x1b" not in evidence_text("codec-mismatch", {"found": "\x1b[2J"})
    assert "\x1b" not in evidence_text("sequence", {"other_sources": {"\x1b[2J": 3}})


def test_units() -> None:
    assert [time_text(ms) for ms in (7.25, 96.2, 499.4, 710.1, 12_345)] == [
        "7.25 ms",
        "96 ms",
        "499 ms",
        "0.71 s",
        "12.3 s",
    ]
    assert [share_text(share) for share in (0.0, 0.0001, 0.004, 0.15, 1.0)] == [
        "0 %",
        "under 0.1 %",
        "0.4 %",
        "15 %",
        "100 %",
    ]
    assert [counted(1, "flush"), counted(2, "flush"), counted(3, "stall")] == [
        "1 flush",
        "2 flushes",
        "3 stalls",
    ]
