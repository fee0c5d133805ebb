"""The figures of a stream: `metrics`, `metrics_sent`, `far_end`, `conversation`."""

from __future__ import annotations

from voipbin_cli.analysis.arrivals.bursts import VariationFold
from voipbin_cli.analysis.metrics import identified
from voipbin_cli.analysis.playout.target_delay import POLICIES
from voipbin_cli.shell.json_schema.rows import (
    COUNT,
    NUMBER,
    RATIO,
    TEXT,
    WHOLE,
    Key,
    each,
    figures,
    keys_of,
    or_null,
)

_SOME = or_null(NUMBER)
_BUFFER = keys_of(
    (
        Key("frames", COUNT),
        Key("late", COUNT),
        Key("late_ratio", RATIO),
        Key("mean_delay_ms", _SOME),
        Key("late_runs", COUNT),
    )
)
_BURSTS = (
    *(Key(name, or_null(COUNT)) for name in ("frames", "lost")),
    *(
        Key(name, _SOME)
        for name in ("loss_ratio", "burst_density", "gap_density", "burst_ms", "gap_ms")
    ),
    Key("mean_run_frames", _SOME),
    Key("longest_run_frames", or_null(COUNT)),
    Key("burst_ratio", _SOME),
    Key("loss_runs", or_null(each(COUNT))),
)
_MOS = (
    Key("value", _SOME),
    Key("r_factor", _SOME),
    Key("model", TEXT),
    Key("assumptions", each(TEXT)),
    Key("reason", or_null(TEXT)),
)

METRICS = (
    Key("frames", COUNT, "How many frames came."),
    Key("duration_seconds", NUMBER, "From the first frame to the end of the last."),
    Key(
        "frame_interval_ms",
        or_null(figures(_SOME, "min", "mean", "p50", "p95", "p99", "max")),
        "Times between arrivals: min, mean, p50, p95, p99, max.",
    ),
    Key(
        "interarrival_jitter_ms",
        figures(_SOME, "mean", "max", "last", "uncertainty"),
        "RFC 3550 A.8: mean, max, last; and within how much of the mean that of another stretch of "
        "the same stream would be in 99 of 100 (null of less than some five seconds).",
    ),
    Key("jitter_clock_hz", or_null(WHOLE), "The clock that it was computed with."),
    Key(
        "sequence",
        or_null(figures(WHOLE, "expected", "received", "missing", "duplicate", "reordered")),
        "RFC 3550 A.1 and A.3: expected, received, missing, duplicate, reordered; null where "
        "there are no RTP headers.",
    ),
    Key(
        "stalls",
        figures(_SOME, "count", "total_ms", "longest_ms"),
        "Pauses that caught up: count, total_ms, longest_ms.",
    ),
    Key(
        "lost_audio_ms",
        _SOME,
        "Audio that never came. A sender that waited lost none: see the finding underrun.",
    ),
    Key(
        "upstream_loss_ms",
        _SOME,
        "The length of all holes in the sound: 5 to 400 ms of one value, as a rule zero, at which "
        "sound breaks off, or behind which it starts, at 25 dB and less under its usual level. 0 "
        "unless some of them prove a loss; holes in pauses are not counted. Zeros that pad short "
        "chunks are.",
    ),
    Key("clock_drift_ppm", _SOME, "How much faster than ours the far clock runs."),
    Key("clock_drift_uncertainty_ppm", _SOME, "How sure that is."),
    Key(
        "level_dbfs",
        figures(_SOME, "rms", "peak", "uncertainty_db"),
        "RMS and peak of all samples; 0 dBFS is a square wave at full scale. uncertainty_db is of "
        "rms, by how much the seconds differ (99 %).",
    ),
    Key("silence_ratio", _SOME, "The share of 20 ms frames under -55 dBFS."),
    Key(
        "clipping_ratio",
        _SOME,
        "The share of samples that stand at a ceiling: the largest or the lowest value of their "
        "second, where that value is a flat top of three and more equal samples with a corner (a "
        "neighbour a fifth lower) three times and more in the stream. At full scale or at any "
        "level above -36 dBFS.",
    ),
    Key("dc_offset", _SOME, "The mean of all samples; 1 is full scale."),
    Key(
        "noise_dbfs",
        _SOME,
        "The level that one frame in ten stays under, frames of zero left out.",
    ),
    Key(
        "local_lag_ms",
        figures(_SOME, "p99", "max"),
        "How late this process itself woke up: p99, max.",
    ),
    Key(
        "rtt_ms",
        or_null(figures(_SOME, "min", "p50", "p99")),
        "Round trips of pings: min, p50, p99; null without any.",
    ),
    Key(
        "mos",
        keys_of(_MOS),
        "ITU-T G.107: value, r_factor, model, assumptions; a value of null has its reason.",
    ),
    Key("frame_ms", _SOME, "The usual length of a frame."),
    Key("samples_per_second", _SOME, "While audio flows; losses and stalls left out."),
    Key(
        "buffers",
        or_null(figures(_BUFFER, *identified({policy.name: None for policy in POLICIES}))),
        "What playout buffers would have dropped: fixed_60_ms, fixed_120_ms, fixed_200_ms, "
        "adaptive. The same with spaces in their names (fixed 60 ms) are older, and go with "
        "schema 2. What rests on headers is null where the messages are of another "
        "encapsulation, or text.",
    ),
    Key(
        "delay_variation",
        or_null(figures(or_null(COUNT), *identified(VariationFold().result()))),
        "Frames by how much later than the earliest they came, in milliseconds: under_50, "
        "from_50_to_70, ..., from_300. The same as <50, 50-70, ..., >=300 are older, and go with "
        "schema 2.",
    ),
    Key("bursts", or_null(keys_of(_BURSTS)), "Losses in time: RFC 3611 4.7.2, and runs of loss."),
    Key("malformed_messages", COUNT, "Messages that are no frame."),
    Key("text_messages", COUNT, "Text messages, which hold no audio."),
)

FAR_END = (
    Key("heard_share", RATIO, "Of the time that the sound takes, how much the phone hears."),
    *(Key(name, NUMBER) for name in ("fed_ms", "heard_ms", "lost_ms")),
    Key("flushes", COUNT, "How often what waited there was thrown away."),
    Key("holes", COUNT, "Gaps that the sender's waits tore into sound."),
    *(Key(name, NUMBER) for name in ("holes_ms", "longest_hole_ms")),
)

_SPREAD = or_null(
    keys_of(
        (
            *(Key(name, NUMBER) for name in ("min", "p50", "p95", "max")),
            Key("times", COUNT, "How often it happened."),
            Key("p50_low", _SOME, "The median is from here with 99 %; null of fewer than eight."),
            Key("p50_high", _SOME),
        )
    )
)
CONVERSATION = (
    Key("turns", or_null(COUNT), "How often one began to speak after the other did."),
    Key(
        "response_ms",
        _SPREAD,
        "From the end of the caller's speech to the first sounding frame sent.",
    ),
    Key(
        "barge_in_ms",
        _SPREAD,
        "From the caller's onset while we sound until the phone hears us no more.",
    ),
    Key("false_barge_ins", or_null(COUNT), "Words broken off for nobody, those that are certain."),
    Key("talk_over_ms", _SOME, "For how long both spoke at once."),
    Key("dead_air_ms", figures(NUMBER, "total", "longest"), "Silences of two seconds and more."),
    Key(
        "echo",
        or_null(figures(NUMBER, "delay_ms", "level_db")),
        "delay_ms from when it was due to be heard until it came back, level_db against what was "
        "sent.",
    ),
    Key("uncertainty_ms", NUMBER, "Within which 95 % of onsets and ends of speech are dated."),
    Key("untold", or_null(TEXT), "Why what is null cannot be told."),
    Key(
        "between",
        figures(TEXT, "caller", "answers"),
        "Of RTP in a capture of a network: who is taken for the caller, and who answers.",
        is_optional=True,
    ),
)
