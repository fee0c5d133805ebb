"""What several commands say in the same keys: findings, broken rules, how a stream ended."""

from __future__ import annotations

from voipbin_cli.analysis.findings import Verdict
from voipbin_cli.analysis.findings.sides import Side
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.rules import RuleId
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.session.ending import Cause
from voipbin_cli.shell.json_schema.measured import CONVERSATION, FAR_END, METRICS
from voipbin_cli.shell.json_schema.rows import (
    ANY_OBJECT,
    COUNT,
    NUMBER,
    RATIO,
    TEXT,
    WHOLE,
    Key,
    Shape,
    each,
    figures,
    keys_of,
    one_of,
    or_null,
    shared,
)

DIRECTION = one_of(Direction)
ENCAPSULATION = one_of(Encapsulation)
CODEC = or_null(one_of(Codec))
DIALECT = or_null(one_of(Dialect))
SEVERITY = one_of(Severity)
# A target is a label without secrets.
TARGET = Key("target", or_null(TEXT), "What was named: a label without secrets, or the file.")
_FINDING = (
    Key("id", one_of(FindingId), "See voipbin-findings(1)."),
    Key("direction", DIRECTION, "Left out where it is of the way to both.", is_optional=True),
    Key("severity", SEVERITY),
    Key("confidence", RATIO, "Of those told with 0.9, nine in ten are right."),
    Key("title", TEXT),
    Key("evidence", ANY_OBJECT, "Figures by name; which, the finding decides."),
    Key("side", one_of(Side), "Whose side it is on."),
    Key("remedy", TEXT),
    Key("symptom", TEXT, "How it shows."),
)
_VIOLATION = (
    Key("rule", one_of(RuleId), "See voipbin-stream-validate(1)."),
    Key("severity", SEVERITY),
    Key("direction", DIRECTION),
    Key("count", COUNT, "How often in this direction."),
    Key("first_frame", COUNT, "Counted from 0 in each direction."),
    Key("message", TEXT),
    Key("reference", TEXT, "The clause."),
    Key("consequence", TEXT, "What the far end does with such a frame."),
)
CAUSE = Key("cause", one_of(Cause), "Why it ended.")
_CLOSE = (
    Key("code", or_null(WHOLE), "The WebSocket close code (RFC 6455 7.4.1)."),
    Key("reason", or_null(TEXT), "What the far end gave as its reason."),
    CAUSE,
)
PHONE_LEG = (
    Key("mos", or_null(NUMBER)),
    Key("loss_percent", or_null(NUMBER)),
    Key("jitter_ms", or_null(NUMBER)),
    Key("round_trip", or_null(NUMBER), "In the gateway's own unit, which is not documented."),
    Key("packets", or_null(NUMBER)),
)

SHARED: dict[str, Shape] = {
    "metrics": keys_of(METRICS),
    "far_end": keys_of(FAR_END),
    "conversation": keys_of(CONVERSATION),
    "finding": keys_of(_FINDING),
    "violation": keys_of(_VIOLATION),
    "close": keys_of(_CLOSE),
    "phone_leg": keys_of(PHONE_LEG),
}
"""Shapes that stand in the document once, by their names."""

CLOSE = Key("close", shared("close"), "How the last connection ended: code, reason, cause.")
RECONNECTS = Key("reconnects", COUNT, "How often a lost connection was won back.")
VERDICT = Key("verdict", one_of(Verdict), "ok, degraded (a warning) or bad (an error).")
FINDINGS = Key(
    "findings",
    each(shared("finding")),
    "The gravest first; each has id, severity, confidence (0 to 1), title, evidence, side, remedy, "
    "symptom, and the direction (in, out) where it has one.",
)
FAR_END_KEY = Key(
    "far_end", or_null(shared("far_end")), "What the far end made of what was sent, or null."
)
JUDGED = (
    VERDICT,
    FINDINGS,
    Key("metrics", shared("metrics"), "The figures of what is received: see METRICS."),
    Key(
        "metrics_sent",
        or_null(shared("metrics")),
        "The same of what was sent, null where that was nothing.",
    ),
    FAR_END_KEY,
    Key(
        "conversation",
        or_null(shared("conversation")),
        "Of a call of which both directions are there and sound, else null. What cannot be told of "
        "it (a mix of several parties, music, our own voice coming back, two who do not listen to "
        "each other) is null, and untold says why. See CONVERSATION in voipbin-json(1).",
    ),
)
BROKEN = (
    Key("result", one_of(("pass", "fail")), "pass or fail."),
    Key(
        "violations",
        each(shared("violation")),
        "Rules that were broken: rule, severity, direction, count, first_frame, message, "
        "reference, consequence.",
    ),
)
SEND_ERROR = Key(
    "send_error_ms",
    or_null(figures(NUMBER, "p50", "p99", "max")),
    "How far from the 20 ms grid frames were sent: p50, p99, max; null where none was.",
)
LATE_FRAMES = Key(
    "late_frames", COUNT, "Frames that were so late that all after them were delayed."
)
