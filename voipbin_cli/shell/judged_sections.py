"""What the man pages of `diagnose` and `validate` tell of their results: ids and keys.

Ids follow from the rows of findings and rules. A test compares the keys with those of summaries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from voipbin_cli.analysis.findings import ROWS, FindingRow
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.rules import RULES
from voipbin_cli.archive.columns import TABLES, Column
from voipbin_cli.archive.rows import STATUS_WORDS
from voipbin_cli.shell.common_sections import Entry

_DIAGNOSE, _VALIDATE = ("diagnose",), ("validate",)
_BOTH = (*_DIAGNOSE, *_VALIDATE)

FINDINGS = tuple(
    Entry(row.id.value, f"{row.title} ({row.severity.value}). By {row.rests_on}.", _DIAGNOSE)
    for row in ROWS
)
RULE_IDS = tuple(
    Entry(str(rule.id), f"{rule.sentence} ({rule.severity.value}) {rule.clause}.", _VALIDATE)
    for rule in RULES.values()
)

# The last line of --json; with several streams in a capture a line of event "stream" for each
# before it.
SUMMARY = (
    Entry("target", "What was named: a label without secrets, or the file.", _BOTH),
    Entry("stream", "In a line of event stream: its ends and its source.", _BOTH),
    Entry("streams", "How many streams a capture holds.", _BOTH),
    Entry(
        "clients, client",
        "Behind a proxy: how many clients there were; of diagnose, whose findings and figures "
        "these are, counted from 0: those of the worst. Of a capture of several each has a line of "
        "event stream before it.",
        _BOTH,
    ),
    Entry("encapsulation", "rtp, sln or audiosocket.", _BOTH),
    Entry(
        "dialect, codec",
        "In which form of the platform's the audio comes, and in which codec; null where that is "
        "not known.",
        _BOTH,
    ),
    Entry("verdict", "ok, degraded (a warning) or bad (an error).", _DIAGNOSE),
    Entry(
        "findings",
        "The gravest first; each has id, severity, confidence (0 to 1), title, evidence, remedy, "
        "symptom, and the direction (in, out) where it has one.",
        _DIAGNOSE,
    ),
    Entry("metrics", "The figures of what is received: see METRICS.", _DIAGNOSE),
    Entry("metrics_sent", "The same of what was sent, null where that was nothing.", _DIAGNOSE),
    Entry("far_end", "What the far end made of what was sent, or null.", _BOTH),
    Entry(
        "conversation",
        "Of a call of which both directions are there and sound, else null: turns; response_ms "
        "(from the end of the caller's speech to the first sounding frame sent) and barge_in_ms "
        "(from the caller's onset while we sound until the phone hears us no more), each min, p50, "
        "p95, max, null where it never happened; false_barge_ins (words broken off for nobody, "
        "those that are certain); talk_over_ms; dead_air_ms (total and longest, of silences of two "
        "seconds and more); echo (delay_ms from when it was due to be heard until it came back, "
        "level_db against what was sent) or null; uncertainty_ms, within which 95 % of onsets and "
        "ends of speech are dated, more in noise. What cannot be told (a mix of several parties, "
        "music, our own voice coming back, two who do not listen to each other) is null, and "
        "untold says why. Of RTP in a capture of a network between says who is taken for the "
        "caller, and who answers.",
        _DIAGNOSE,
    ),
    Entry(
        "direction, other_way",
        "Of a stream of a capture of a network: in or out, as --ours or the capture's own marks "
        "(pcapng flags, Linux cooked captures) tell it, else null; and the flow of its other way, "
        "where that is there, too. Where the direction is known the summary is of both ways.",
        _DIAGNOSE,
    ),
    Entry("reconnects", "How often a lost connection was won back.", _DIAGNOSE),
    Entry("close", "How the last connection ended: code, reason, cause.", _DIAGNOSE),
    Entry("tcp", "Where media came in TCP: what was sent again, windows, round trips.", _DIAGNOSE),
    Entry(
        "captured_twice",
        "Packets that a mirror port shows a second time; each is counted once.",
        _BOTH,
    ),
    Entry(
        "neighbours",
        "Packets in the stream's own flow that are no RTP (STUN, DTLS, ZRTP, RTCP, ...), by what "
        "they are; they are not judged.",
        _BOTH,
    ),
    Entry(
        "transcoded",
        "The codec, clock and channels of what was decoded and judged as sound at 8 kHz.",
        _DIAGNOSE,
    ),
    Entry(
        "recording",
        "Of a sound file: coding, sample_rate_hz, judged_at_hz, channels, channels_judged, "
        "channels_are_same (one sound in both), digits by channel, and what is missing of it. Its "
        "first channel is metrics, its second metrics_sent; all that rests on times is null.",
        _DIAGNOSE,
    ),
    Entry("passed_over", "Packets of the capture that hold no media, by what they are.", _BOTH),
    Entry("spec", "What was measured against: documented, deployed or auto.", _VALIDATE),
    Entry(
        "frames, frames_received, frames_sent",
        "Messages that were judged, in all and in each direction.",
        _VALIDATE,
    ),
    Entry("result", "pass or fail.", _VALIDATE),
    Entry(
        "violations",
        "Rules that were broken: rule, severity, count, first_frame, message, reference; how "
        "often in each direction.",
        _VALIDATE,
    ),
)

# Figures by their names, beside those of METRICS that need an explanation.
FIGURES = (
    Entry("frames, duration_seconds", "From the first frame to the end of the last.", _DIAGNOSE),
    Entry("frame_ms", "The usual length of a frame.", _DIAGNOSE),
    Entry("frame_interval_ms", "Times between arrivals: min, mean, p50, p95, p99, max.", _DIAGNOSE),
    Entry(
        "interarrival_jitter_ms, jitter_clock_hz",
        "RFC 3550 A.8: mean, max, last; and the clock that it was computed with.",
        _DIAGNOSE,
    ),
    Entry(
        "sequence",
        "RFC 3550 A.1 and A.3: expected, received, missing, duplicate, reordered; null where "
        "there are no RTP headers.",
        _DIAGNOSE,
    ),
    Entry("stalls", "Pauses that caught up: count, total_ms, longest_ms.", _DIAGNOSE),
    Entry(
        "lost_audio_ms",
        "Audio that never came. A sender that waited lost none: see the finding underrun.",
        _DIAGNOSE,
    ),
    Entry(
        "clock_drift_ppm, clock_drift_uncertainty_ppm",
        "How much faster than ours the far clock runs, and how sure that is.",
        _DIAGNOSE,
    ),
    Entry("samples_per_second", "While audio flows; losses and stalls left out.", _DIAGNOSE),
    Entry("dc_offset", "The mean of all samples, of 32,768.", _DIAGNOSE),
    Entry("local_lag_ms", "How late this process itself woke up: p99, max.", _DIAGNOSE),
    Entry("rtt_ms", "Round trips of pings: min, p50, p99; null without any.", _DIAGNOSE),
    Entry(
        "mos",
        "ITU-T G.107: value, r_factor, model, assumptions; a value of null has its reason.",
        _DIAGNOSE,
    ),
    Entry(
        "buffers, delay_variation, bursts",
        "What playout buffers would have dropped; delays by their size; RFC 3611 4.7.2. What "
        "rests on headers is null where the messages are of another encapsulation, or text.",
        _DIAGNOSE,
    ),
    Entry("malformed_messages, text_messages", "Messages that hold no audio.", _DIAGNOSE),
)

Topic: TypeAlias = Mapping[str, tuple[Entry, ...]]
"""The sections of a page that is of no single command."""


def _finding_entry(row: FindingRow) -> Entry:
    meaning = f"{row.title}. It rests on {row.rests_on}. Remedy: {row.remedy}."
    explained = [other.id.value for other in ROWS if other.id in row.explains]
    if explained:
        meaning += f" Beside it these are not told: {', '.join(explained)}."
    return Entry(row.id.value, meaning)


_HEADINGS = {
    Severity.ERROR: "ERRORS",
    Severity.WARNING: "WARNINGS",
    Severity.INFO: "REMARKS",
}
_EVENTS = (
    Entry("event", "What the line is: summary, error, or what happened."),
    Entry("schema", "1: what keys mean. Keys are added to it; none is renamed or taken away."),
    Entry("time", "When it was told, in UTC (RFC 3339); a summary has none."),
    Entry(
        "summary",
        "The last line of every command, of lists too (count says how many rows there were). A "
        "capture has the summary of the run that wrote it.",
    ),
    Entry(
        "error",
        "After it, or in its place, where a command failed: status (that of the process), message, "
        "hint, and what the server gave: http_status, reason, request_id, retry_after.",
    ),
)


def _column_entry(column: Column) -> Entry:
    return Entry(f"{column.name} ({column.type})", column.about[0].upper() + column.about[1:] + ".")


TOPICS: Mapping[str, tuple[str, str, Topic]] = {
    "voipbin-findings": (
        "what diagnose can find, and what to do about it",
        "Causes, not symptoms: what explains something else is told in its place. An error gives "
        "`voipbin stream diagnose` the exit status 6. How sure a finding is stands beside it.",
        {
            heading: tuple(_finding_entry(row) for row in ROWS if row.severity is severity)
            for severity, heading in _HEADINGS.items()
        },
    ),
    "voipbin-json": (
        "what --json prints, for scripts",
        "Every command takes --json, before its name or behind it, and prints JSON Lines: one "
        "object a line, each with event and schema. Words for people go to stderr. Keys that a "
        "reader does not know are to be passed over: more of them may come.",
        {"EVENTS": _EVENTS, "SUMMARY OF DIAGNOSE AND VALIDATE": SUMMARY, "METRICS": FIGURES},
    ),
    "voipbin-dataset": (
        "the tables that archive diagnose writes",
        "A dataset is a directory of Parquet files, a folder a table; streams and findings have "
        "one more column, day, by which they are stored. The figures of a stream are those that "
        "`voipbin stream diagnose --json` gives of the same file, null where it gives none: see "
        "METRICS in voipbin-json(1). archive.json says the version of the tables, and holds the "
        "key with which addresses are hashed: who has it can find out which hash is which "
        "address, so it is left behind where a dataset is handed on.",
        {
            **{
                name.upper(): tuple(map(_column_entry, columns)) for name, columns in TABLES.items()
            },
            "STATUS OF A FILE": tuple(
                Entry(status.value, f"{words}.") for status, words in STATUS_WORDS.items()
            ),
        },
    ),
}
