"""What `diagnose` and `validate` print."""

from __future__ import annotations

from voipbin_cli.analysis.comparison.comparison import Effect
from voipbin_cli.analysis.comparison.figures import FigureId
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.validation.due import Spec
from voipbin_cli.analysis.validation.rules import RuleId
from voipbin_cli.events import SUMMARY
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.shell.json_schema.live import DIAGNOSE, VALIDATE
from voipbin_cli.shell.json_schema.parts import (
    BROKEN,
    CLOSE,
    CODEC,
    DIALECT,
    DIRECTION,
    ENCAPSULATION,
    FAR_END_KEY,
    JUDGED,
    RECONNECTS,
    SEVERITY,
    TARGET,
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

_TCP = keys_of(
    (
        *(Key(n, COUNT) for n in ("retransmissions", "reordered", "zero_windows", "missing_bytes")),
        Key("round_trip_ms", or_null(figures(NUMBER, "p50", "p99", "max"))),
    )
)
_WHAT = (
    Key("encapsulation", or_null(ENCAPSULATION), "rtp, sln or audiosocket."),
    Key(
        "dialect",
        DIALECT,
        "In which form of the platform's the audio comes; null where that is not known.",
    ),
)
_DIAGNOSED = (
    *_WHAT,
    Key("codec", CODEC, "In which codec it comes; null where that is not known."),
    *JUDGED,
)
_BESIDE = optional(
    Key(
        "captured_twice",
        COUNT,
        "Packets that a mirror port shows a second time; each is counted once.",
    ),
    Key(
        "neighbours",
        counts(),
        "Packets in the stream's own flow that are no RTP (STUN, DTLS, ZRTP, RTCP, ...), by what "
        "they are; they are not judged.",
    ),
)
_OF_CAPTURE = (
    *optional(
        Key(
            "direction",
            or_null(DIRECTION),
            "Of a stream of a capture of a network: in or out, as --ours or the capture's own "
            "marks (pcapng flags, Linux cooked captures) tell it, else null or left out. Where it "
            "is known the summary is of both ways.",
        ),
        Key("other_way", TEXT, "The flow of its other way, where that is there, too."),
        Key(
            "tcp",
            keys_of((Key("from_client", _TCP), Key("from_server", _TCP))),
            "Where media came in TCP: what was sent again, windows, round trips.",
        ),
        Key(
            "transcoded",
            keys_of(
                (
                    Key("codec", TEXT),
                    Key("clock_hz", WHOLE),
                    Key("channels", COUNT),
                    Key("by", or_null(TEXT)),
                )
            ),
            "The codec, clock and channels of what was decoded and judged as sound at 8 kHz.",
        ),
    ),
    *_BESIDE,
)
_STREAM = Key("stream", TEXT, "Its ends and its source, or which client.")
_STREAMS = Key("streams", COUNT, "How many streams a capture holds.")
_CLIENTS = Key("clients", COUNT, "Behind a proxy: how many clients there were.")
_PASSED_OVER = Key(
    "passed_over", counts(), "Packets of the capture that hold no media, by what they are."
)
_RECORDING = keys_of(
    (
        Key("coding", or_null(TEXT)),
        Key("sample_rate_hz", WHOLE),
        Key("judged_at_hz", WHOLE),
        Key("channels", COUNT),
        Key("channels_judged", COUNT),
        Key("channels_are_same", or_null(FLAG)),
        Key("missing", or_null(TEXT)),
        Key("digits", each(TEXT)),
    )
)
_OUTCOME = Key("outcome", one_of(Effect))
_FIGURE_ID = one_of(FigureId)
_COMPARED_WAY = Key("direction", or_null(DIRECTION), "null: of both together.")
_COMPARISON = keys_of(
    (
        _OUTCOME,
        Key(
            "before",
            keys_of(
                (
                    Key("name", TEXT, "The file of the earlier run."),
                    TARGET,
                    Key("verdict", or_null(TEXT)),
                    Key("frames", or_null(NUMBER)),
                    Key("duration_seconds", or_null(NUMBER)),
                )
            ),
        ),
        Key("differs", counts(each(or_null(TEXT)))),
        Key(
            "figures",
            each(
                keys_of(
                    (
                        Key("id", _FIGURE_ID),
                        _COMPARED_WAY,
                        Key("unit", TEXT),
                        *(Key(n, NUMBER) for n in ("before", "after", "change")),
                        *(Key(n, NUMBER) for n in ("change_low", "change_high")),
                        _OUTCOME,
                    )
                )
            ),
        ),
        Key(
            "findings",
            each(
                keys_of(
                    (
                        Key("id", TEXT),
                        _COMPARED_WAY,
                        Key("severity", TEXT),
                        Key("title", TEXT),
                        Key("change", one_of(("new", "gone"))),
                        Key("rests_on", or_null(_FIGURE_ID)),
                        Key("certain", FLAG),
                        _OUTCOME,
                    )
                )
            ),
        ),
        Key(
            "not_compared",
            each(keys_of((Key("id", _FIGURE_ID), _COMPARED_WAY, Key("reason", TEXT)))),
        ),
    )
)
DIAGNOSIS = (
    TARGET,
    *_DIAGNOSED,
    *optional(
        RECONNECTS,
        CLOSE._replace(shape=or_null(CLOSE.shape)),
        _STREAMS,
        _CLIENTS,
        Key(
            "client",
            COUNT,
            "Behind a proxy: whose findings and figures these are, counted from 0: those of the "
            "worst. Of a capture of several each has a line of event stream before it.",
        ),
        _PASSED_OVER,
        Key(
            "comparison",
            _COMPARISON,
            "Of --compare: what changed from an earlier run to this one, beyond its uncertainty "
            "(99 %). outcome is same, better, worse or changed; differs names what the two do not "
            "have in common, before and now; figures hold both values, and from where to where "
            "the change is; a finding that is new or gone is certain unless the figure that it "
            "rests on is the same.",
        ),
        Key(
            "recording",
            _RECORDING,
            "Of a sound file: coding, sample_rate_hz, judged_at_hz, channels, channels_judged, "
            "channels_are_same (one sound in both), digits by channel, and what is missing of it. "
            "Its first channel is metrics, its second metrics_sent; all that rests on times is "
            "null.",
        ),
    ),
    *_OF_CAPTURE,
)
_VALIDATED = (
    *_WHAT,
    Key("spec", or_null(one_of(Spec)), "What was measured against."),
    Key("frames", COUNT, "Messages that were judged."),
    *optional(
        Key("frames_received", COUNT, "Those that came."),
        Key("frames_sent", COUNT, "Those that were sent."),
        FAR_END_KEY,
    ),
    *BROKEN,
)
VALIDATION = (
    TARGET,
    *(key._replace(is_optional=key.name == "dialect") for key in _VALIDATED),
    *optional(_STREAMS, _CLIENTS, _PASSED_OVER),
    *_BESIDE,
)
_BROKEN_SEVERITY = or_null(one_of(Severity))

EVENTS = (
    Event(
        "step",
        "A step on the way to the stream.",
        (DIAGNOSE,),
        (
            Key("step", TEXT, "name, tcp, tls, api, call, upgrade, first frame."),
            Key("passed", FLAG),
            Key("ms", NUMBER, "How long it took."),
            Key("detail", TEXT),
        ),
    ),
    Event(
        "phone-leg",
        "Of --pcap and of a call that is over: how the phone's RTP fared, by the platform's count.",
        (DIAGNOSE,),
        (
            Key("phone_leg", or_null(shared("phone_leg"))),
            Key("phone_leg_untold", or_null(TEXT), "Why that is null."),
        ),
    ),
    Event(
        "stream",
        "One of several streams of a capture, or clients of a proxy.",
        (DIAGNOSE,),
        (_STREAM, *_DIAGNOSED, *_OF_CAPTURE),
    ),
    Event(
        "stream",
        "One of several streams of a capture.",
        (VALIDATE,),
        (_STREAM, *(k._replace(is_optional=k.name == "dialect") for k in _VALIDATED), *_BESIDE),
    ),
    Event(
        "violation",
        "A rule is broken in a frame.",
        (VALIDATE,),
        (
            Key("frame", COUNT, "Counted from 0 in each direction."),
            Key("direction", DIRECTION),
            Key("rule", one_of(RuleId)),
            Key("severity", SEVERITY),
            Key("message", TEXT),
            *optional(
                Key("stream", TEXT, "Of which of several streams."),
                Key("client", COUNT, "Of which of a proxy's clients, counted from 0."),
            ),
        ),
    ),
    Event(
        "frame",
        "With --hex: what each byte of a message means.",
        (VALIDATE,),
        (
            Key("frame", COUNT),
            Key(
                "fields",
                each(
                    keys_of(
                        (
                            Key("name", TEXT),
                            Key("offset", COUNT),
                            Key("bytes", COUNT),
                            Key("value", TEXT),
                            Key("meaning", TEXT),
                        )
                    )
                ),
            ),
        ),
    ),
    Event(
        "finding",
        "Of --list-findings and --explain: a cause that can be found.",
        (DIAGNOSE,),
        (
            Key("id", one_of(FindingId)),
            Key("severity", SEVERITY, "The usual one."),
            *(Key(name, TEXT) for name in ("meaning", "rests_on", "remedy", "symptom")),
            Key("explains", each(one_of(FindingId)), "Those that are not told beside it."),
        ),
    ),
    Event(
        "rule",
        "Of --list-rules and --explain: a rule.",
        (VALIDATE,),
        (
            Key("rule", one_of(RuleId)),
            Key("severity", SEVERITY),
            Key("severities", figures(_BROKEN_SEVERITY, *Spec), "By --spec; null: no rule there."),
            Key("encapsulations", each(ENCAPSULATION)),
            Key("directions", each(DIRECTION)),
            *(Key(name, TEXT) for name in ("sentence", "consequence", "reference")),
        ),
    ),
    Event(SUMMARY, "Of a diagnosis: of the worst of several streams.", (DIAGNOSE,), DIAGNOSIS),
    Event(SUMMARY, "Of a validation: of all of several streams.", (VALIDATE,), VALIDATION),
)
