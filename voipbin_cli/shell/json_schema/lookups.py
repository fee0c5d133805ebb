"""What the commands print that run no stream: lists, credentials, checks, help."""

from __future__ import annotations

from dataclasses import fields

from voipbin_cli.errors import ExitStatus
from voipbin_cli.events import SUMMARY
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.session.checks import CheckState
from voipbin_cli.shell.json_schema.live import DIAGNOSE, TAP, VALIDATE
from voipbin_cli.shell.json_schema.rows import (
    ANY_OBJECT,
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Event,
    Key,
    each,
    one_of,
    optional,
    or_null,
    shared,
)
from voipbin_cli.transport.resources import CallState, ConferenceState

_CALLS, _CONFERENCES = ("calls list", "calls show"), ("conferences list", "conferences show")
_COUNTED = (Key("count", COUNT, "How many rows there were."),)
_LISTED = (
    *_COUNTED,
    Key("progressing", COUNT),
    Key("more", FLAG, "Whether there may be more: see --limit."),
)
_OUTLOOK = (
    Key("since", TEXT, "When it came into its status."),
    Key("streamable", FLAG, "Whether a media stream can be opened now."),
    Key("outlook", TEXT, "Why, or why not."),
)
_CALL = (*(Key(field.name, TEXT) for field in fields(CallState)), *_OUTLOOK)
_CONFERENCE = (
    *(Key(f.name, COUNT if f.name == "members" else TEXT) for f in fields(ConferenceState)),
    *_OUTLOOK,
)

EVENTS = (
    Event("call", "A call.", _CALLS[:1], _CALL),
    Event("conference", "A conference.", _CONFERENCES[:1], _CONFERENCE),
    Event(SUMMARY, "Of a list.", (_CALLS[0], _CONFERENCES[0]), _LISTED),
    Event(
        SUMMARY,
        "Of a call; of one that is over also how the phone's leg fared.",
        _CALLS[1:],
        (
            *_CALL,
            *optional(
                Key("phone_leg", or_null(shared("phone_leg"))),
                Key("phone_leg_untold", or_null(TEXT)),
            ),
        ),
    ),
    Event(SUMMARY, "Of a conference.", _CONFERENCES[1:], _CONFERENCE),
    Event(
        "device",
        "Of --list-devices: a sound device.",
        (TAP,),
        (
            Key("number", COUNT),
            Key("name", TEXT),
            Key("api", TEXT),
            Key("inputs", COUNT, "Channels."),
            Key("outputs", COUNT, "Channels."),
            Key("rate_hz", NUMBER),
            Key("is_default_input", FLAG),
            Key("is_default_output", FLAG),
        ),
    ),
    Event(
        "scenario",
        "Of --list: a scenario.",
        ("simulate",),
        (
            Key("name", TEXT),
            Key("summary", TEXT),
            Key("finding", or_null(one_of(FindingId)), "What diagnose has to find."),
            Key("harmless", FLAG),
        ),
    ),
    Event(
        SUMMARY,
        "Of --list, --list-devices, --list-findings, --list-rules, --explain, and of a query.",
        ("simulate", TAP, DIAGNOSE, VALIDATE, "archive query"),
        _COUNTED,
        of="list",
    ),
    Event(
        "check",
        "One thing that was looked at.",
        ("doctor",),
        (
            Key("topic", TEXT),
            Key("state", one_of(CheckState)),
            Key("words", TEXT),
            Key("hint", TEXT),
            Key("facts", ANY_OBJECT, "What was found, by name; which, the topic decides."),
        ),
    ),
    Event(
        SUMMARY,
        "Of all checks.",
        ("doctor",),
        (Key("version", TEXT), Key("bad", each(TEXT), "The topics that need something done.")),
    ),
    Event(
        "match",
        "Something that has the words in its name or meaning.",
        ("help",),
        tuple(Key(name, TEXT) for name in ("kind", "name", "meaning", "see", "symptom")),
    ),
    Event(SUMMARY, "Of a search.", ("help",), (Key("words", each(TEXT)), *_COUNTED)),
    Event(
        SUMMARY,
        "The completion script of a shell.",
        ("completion",),
        (
            Key("shell", TEXT),
            Key("installed", or_null(TEXT), "Where it was put."),
            Key("script", TEXT),
        ),
    ),
    Event(
        SUMMARY,
        "What is stored, and never the secret.",
        ("login",),
        (
            Key("profile", TEXT),
            Key("api_url", TEXT),
            Key("kind", TEXT, "token or accesskey."),
            Key("expires_at", or_null(NUMBER), "Unix time in seconds."),
            Key("kept_in", TEXT),
        ),
    ),
    Event(
        SUMMARY,
        "Which profile is forgotten.",
        ("logout",),
        (Key("forgotten", or_null(TEXT), "null: there was none."),),
    ),
    Event(
        SUMMARY,
        "The schema of these lines.",
        ("schema",),
        (Key("document", ANY_OBJECT, "A JSON Schema, draft 2020-12."),),
    ),
)

ERROR = (
    Key("status", one_of(()) | {"enum": [int(s) for s in ExitStatus if s]}, "Of the process."),
    Key("message", TEXT),
    Key("hint", TEXT, "What to do; may be empty."),
    *optional(
        Key("http_status", WHOLE),
        Key("reason", TEXT, "What the server gave."),
        Key("request_id", TEXT),
        Key("retry_after", {}, "Seconds, as the server said it."),
        Key("finding", one_of(FindingId), "The cause, as diagnose names it."),
        Key("call_status", TEXT),
        Key("hangup_by", TEXT, "Who ended a call that is over."),
        Key("hangup_reason", TEXT),
        Key("outage_s", NUMBER, "For how long a lost connection was gone."),
        Key("last_attempt", TEXT, "What the last attempt to connect failed of."),
        Key("program_status", WHOLE, "What the program of pipe exited with."),
        Key("cause", TEXT, "What a close code means."),
    ),
)
