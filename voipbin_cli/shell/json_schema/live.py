"""What the commands that run a stream print: record, play, tap, pipe, serve, and simulate."""

from __future__ import annotations

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.events import SUMMARY
from voipbin_cli.shell.json_schema.parts import (
    CAUSE,
    CLOSE,
    CODEC,
    DIALECT,
    ENCAPSULATION,
    FAR_END_KEY,
    FINDINGS,
    JUDGED,
    LATE_FRAMES,
    RECONNECTS,
    SEND_ERROR,
    TARGET,
    VERDICT,
)
from voipbin_cli.shell.json_schema.rows import (
    COUNT,
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Event,
    Key,
    counts,
    each,
    figures,
    keys_of,
    one_of,
    optional,
    or_null,
    shared,
)

RECORD, PLAY, TAP, PIPE, SERVE = (
    f"stream {name}" for name in ("record", "play", "tap", "pipe", "serve")
)
DIAGNOSE, VALIDATE = "stream diagnose", "stream validate"
_CALLS = (RECORD, PLAY, TAP, PIPE)
_STREAMS = (*_CALLS, DIAGNOSE, VALIDATE)
_PEER = Key("peer", COUNT, "Which of those that connected, counted from 1.")
_CLIENT = Key("client", COUNT, "Which of the proxy's clients, counted from 0.")

_STREAM = (
    TARGET,
    Key("encapsulation", ENCAPSULATION, "rtp, sln or audiosocket."),
    Key("dialect", DIALECT, "In which form of the platform's the audio comes; null: not known."),
    Key("codec", CODEC, "Of what is received; null: not known."),
    Key("codec_sent", CODEC, "Of what was sent; null where that was nothing."),
    Key("payload_type", or_null(WHOLE), "Of what is received, in RTP."),
    Key("timestamp_step", or_null(WHOLE), "By how much RTP timestamps grow from frame to frame."),
    Key("frames_received", COUNT),
    Key("frames_sent", COUNT),
    Key("bytes_received", COUNT),
    Key("malformed_messages", COUNT, "Messages that are no frame."),
    Key("audio_seconds", NUMBER, "How much of an asked-for duration there was."),
    Key("elapsed_seconds", NUMBER, "From the start of the run to its end."),
    RECONNECTS,
    CLOSE,
)
_KEPT = (
    Key("filled_seconds", NUMBER, "Silence in place of audio that never came."),
    Key("output", or_null(TEXT), "The file; null where nothing was kept."),
)
_SILENT = Key(
    "silent", or_null(FLAG), "Whether every sample of the file is zero; null where there is none."
)
_SENT = (
    Key("payload_type_sent", or_null(WHOLE)),
    Key("spoken_seconds", NUMBER, "How much of what was to be said was sent."),
    SEND_ERROR,
    Key(
        "max_lead_ms",
        NUMBER,
        "How much audio was at most ahead of its time, ms, the frame just sent counted.",
    ),
    LATE_FRAMES,
    Key("delayed_seconds", NUMBER, "By how much in all."),
)
_SENT_JUDGED = (
    VERDICT._replace(meaning="Of what was sent."),
    FINDINGS,
    Key("metrics_sent", or_null(shared("metrics"))),
    FAR_END_KEY,
)

_TAKES = or_null(figures(NUMBER, "min", "p50", "p95", "max"))
_LOAD_ROW = (
    *(Key(n, COUNT) for n in ("calls_from", "calls_to", "calls", "failed", "responses")),
    Key("response_ms", _TAKES),
    Key("barge_in_ms", _TAKES),
    Key("holes_per_minute", or_null(NUMBER)),
    Key("heard_share", or_null(NUMBER)),
    Key("timeouts", COUNT),
    Key("send_error_ms", figures(or_null(NUMBER), "p50", "p99", "max")),
    Key("is_reliable", FLAG),
)
_SCRIPT_ROW = (
    Key("row", COUNT),
    Key("do", TEXT),
    Key("began_ms", NUMBER),
    Key("ended_ms", NUMBER),
    Key("timed_out", FLAG),
    Key("response_ms", or_null(NUMBER)),
    Key("barge_in_ms", or_null(NUMBER)),
)

EVENTS = (
    Event(
        "open",
        "A connection is up.",
        _STREAMS,
        (Key("connection", COUNT, "Which one, counted from 1."),),
    ),
    Event(
        "dialect",
        "It is known what the stream is.",
        _STREAMS,
        (
            Key("codec", one_of(Codec)),
            Key("dialect", one_of(Dialect)),
            Key("timestamp_step", or_null(WHOLE)),
            Key("timestamp_hz", or_null(WHOLE)),
            Key("confidence", NUMBER),
            Key("reason", TEXT, "What speaks for it."),
        ),
    ),
    Event(
        "sending",
        "It is chosen in which form audio is sent.",
        _CALLS,
        (
            Key("codec_sent", one_of(Codec)),
            Key("payload_type_sent", or_null(WHOLE)),
            Key("reason", TEXT),
        ),
    ),
    Event(
        "lost",
        "The connection broke.",
        _STREAMS,
        (Key("code", WHOLE, "The close code (RFC 6455 7.4.1)."), Key("reason", TEXT)),
    ),
    Event(
        "reconnecting",
        "The next attempt is made after a while.",
        _STREAMS,
        (Key("delay_seconds", NUMBER), Key("error", or_null(TEXT), "What the last one failed of.")),
    ),
    Event(
        "warning",
        "Something that does not end the run.",
        (*_STREAMS, SERVE),
        (Key("message", TEXT), *optional(Key("hint", TEXT), _PEER)),
    ),
    Event(
        "dtmf",
        "A digit was heard.",
        (*_CALLS, SERVE),
        (Key("digit", TEXT), *optional(Key("at_ms", WHOLE, "On the clock of the audio."), _PEER)),
    ),
    Event(
        "speech",
        "Somebody begins to speak, or falls silent.",
        (PIPE,),
        (Key("speaking", FLAG), Key("at_ms", NUMBER)),
    ),
    Event(
        "device",
        "Where it is played.",
        (TAP,),
        (Key("name", TEXT), Key("rate_hz", NUMBER)),
    ),
    Event(
        "program",
        "The program closed its output, or ended.",
        (PIPE,),
        optional(Key("stdout", one_of(["closed"])), Key("status", WHOLE)),
    ),
    Event(
        "barge-in",
        "The caller interrupted; what was still to be said is dropped.",
        (PIPE,),
        (Key("dropped_seconds", NUMBER, "How much that was."),),
    ),
    Event(
        "state",
        "Told to the program alone (--events): whether it is heard.",
        (PIPE,),
        (Key("state", one_of(("open", "reconnecting", "closed"))), *optional(CAUSE)),
    ),
    Event(
        "listening",
        "Of --proxy: the port is open.",
        (DIAGNOSE, VALIDATE),
        (Key("address", TEXT),),
    ),
    Event(
        "client",
        "Of --proxy: one connected.",
        (DIAGNOSE, VALIDATE),
        (_CLIENT, Key("encapsulation", ENCAPSULATION)),
    ),
    Event(
        "gone",
        "Of --proxy: one is gone.",
        (DIAGNOSE, VALIDATE),
        (
            _CLIENT,
            Key("by", TEXT, "Who ended it."),
            Key("code", WHOLE),
            Key("abrupt", FLAG, "Without a close frame."),
        ),
    ),
    Event(
        "listening",
        "The port is open.",
        (SERVE,),
        (
            Key("address", TEXT),
            Key("action", or_null({"type": "object"}), "The flow action, as documented."),
            Key("action_deployed", or_null({"type": "object"}), "As its servers take it."),
        ),
    ),
    Event(
        "connected",
        "The platform connected.",
        (SERVE,),
        (_PEER, Key("address", TEXT), Key("identity", or_null(TEXT))),
    ),
    Event(
        "media-start",
        "MEDIA_START came: media is bare from here on.",
        (SERVE,),
        (_PEER, Key("format", one_of(Codec)), Key("channel", TEXT)),
    ),
    Event("flow", "The peer asks for a pause, or ends it.", (SERVE,), (_PEER, Key("paused", FLAG))),
    Event(
        "control",
        "Another control message.",
        (SERVE,),
        (_PEER, Key("name", TEXT), Key("fields", counts(TEXT))),
    ),
    Event("recording", "Where its audio goes.", (SERVE,), (_PEER, Key("output", TEXT))),
    Event(
        "disconnected",
        "It is gone.",
        (SERVE,),
        (_PEER, Key("frames_sent", COUNT), SEND_ERROR, LATE_FRAMES),
    ),
    Event(SUMMARY, "Of a recording.", (RECORD,), (*_STREAM, *_KEPT, _SILENT)),
    Event(
        SUMMARY,
        "Of what was played.",
        (PLAY,),
        (
            *_STREAM,
            *_SENT,
            Key("all_sent", FLAG, "Whether everything was."),
            *_SENT_JUDGED,
            *_KEPT,
            _SILENT._replace(is_optional=True),
        ),
    ),
    Event(
        SUMMARY,
        "Of what was heard; with --mic also of what was said, and of both.",
        (TAP,),
        (
            *_STREAM,
            *_KEPT,
            Key("device", or_null(TEXT)),
            Key("played_seconds", NUMBER),
            Key("concealed_ms", NUMBER),
            Key("late_frames_heard", COUNT, "Frames that came too late to be played."),
            Key("underruns", COUNT),
            Key("delay_ms", figures(NUMBER, "last", "mean")),
            Key("far_clock_ppm", NUMBER),
            *optional(*_SENT, *JUDGED, _SILENT),
        ),
    ),
    Event(
        SUMMARY,
        "Of a program in a call: what it heard and said.",
        (PIPE,),
        (
            *_STREAM,
            *_SENT,
            Key("program_status", or_null(WHOLE), "What it exited with."),
            Key("barge_ins", COUNT),
            Key("dropped_seconds", NUMBER, "What it said too far ahead, or was interrupted in."),
            Key("unread_seconds", NUMBER, "What it did not read in time."),
            *JUDGED,
            *optional(*_KEPT, _SILENT),
        ),
    ),
    Event(
        SUMMARY,
        "Of all peers.",
        (SERVE,),
        (
            Key("encapsulation", ENCAPSULATION),
            Key("peers", COUNT),
            Key("frames_sent", COUNT),
            Key("audio_seconds", NUMBER),
            SEND_ERROR,
            LATE_FRAMES,
        ),
    ),
    Event(
        "ready",
        "It listens; what a client needs to know.",
        ("simulate",),
        (
            Key("scenario", TEXT),
            Key("port", COUNT),
            *(Key(n, TEXT) for n in ("api_url", "token", "access_key", "username", "password")),
            Key("kind", one_of(("call", "conference")), "What the scenario is of."),
            Key("target_id", TEXT),
            Key("call_id", TEXT),
            Key("conference_ids", each(TEXT)),
        ),
    ),
    Event(
        "call",
        "Of --caller: what came of a scripted call, in ms of it.",
        ("simulate",),
        (
            Key("call", TEXT),
            Key("duration_seconds", NUMBER),
            Key("ended_by", TEXT, "caller, bot or platform; empty: it goes on."),
            Key("rows", each(keys_of(_SCRIPT_ROW)), "What came of each row of the script."),
            Key("bot_ms", each(each(NUMBER)), "From when to when the bot sounded at the phone."),
            Key("conversation", shared("conversation")),
            Key("heard", or_null(shared("far_end")), "What the phone heard of the bot."),
            Key("digits_pressed", TEXT),
            Key("timeouts", COUNT, "How often the bot was waited for in vain."),
            Key("send_error_ms", figures(or_null(NUMBER), "p50", "p99", "max")),
            Key("is_reliable", FLAG, "Whether this machine was punctual itself."),
        ),
    ),
    Event("call-up", "Of --calls: a call can be joined.", ("simulate",), (Key("call", TEXT),)),
    Event(
        SUMMARY,
        "Of --calls: what came of many calls at once.",
        ("simulate",),
        (
            Key("load", each(keys_of(_LOAD_ROW)), "By how many calls went on at once."),
            Key("calls_at_once", COUNT, "At most."),
            Key("calls", COUNT),
            Key("failed", COUNT),
            Key("failures", each(TEXT), "Why: up to ten reasons."),
            Key("own_limit_calls", or_null(COUNT), "How many this machine carries."),
            Key("slow_from_calls", or_null(COUNT), "From how many on this machine was slow."),
            Key("until", or_null(TEXT), "The limit that was asked for."),
            Key("broke_at_calls", or_null(COUNT), "From how many on it was passed."),
            Key("is_reliable", FLAG, "Whether this machine was punctual itself."),
        ),
        of="load",
    ),
    Event(
        SUMMARY,
        "Of all streams, in frames and milliseconds of audio.",
        ("simulate",),
        (
            *(
                Key(name, COUNT)
                for name in ("sent", "received", "dropped", "fed_ms", "heard_ms", "lost_ms")
            ),
            *(Key(name, COUNT) for name in ("flushes", "streams_joined", "streams_now")),
            Key("status", TEXT, "Of the call."),
            Key("call_ms", COUNT),
            Key("ends", each(TEXT), "Why streams ended."),
            Key("violations", each(TEXT), "What clients did against the contract."),
            *optional(Key("connections", COUNT), Key("wakeups", COUNT)),
        ),
    ),
)
