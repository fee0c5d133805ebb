"""Evidence in sentences, as a person reads it: what was counted, how long, how much, with units.

A row for each finding: clauses, each a template over the keys of its evidence or a function of
it. A clause that asks for what the evidence does not hold, holds as null or counts as none is left
out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from types import MappingProxyType
from typing import Any

from voipbin_cli.finding_ids import FindingId
from voipbin_cli.text import printable

_Evidence = Mapping[str, Any]
_Clause = str | Callable[[_Evidence], str]
# From here on a time is told in seconds.
_SECOND_MS = 500.0
_TONES_TOLD = 4
_TEXT_CHARACTERS = 160


class _Left(LookupError):
    """What a clause asks for is not there."""


class _Units(Formatter):
    """`{key:ms}` `{key:s}` `{key:%}` `{key:dBFS}` … show a value with its unit.

    `{key:stall}`, any other word, counts: 1 stall, 2 stalls; none leaves the clause out.
    """

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            raise _Left
        if not format_spec:
            return printable(str(value), _TEXT_CHARACTERS)
        if format_spec in _UNITS:
            return _UNITS[format_spec](value)
        if not value:
            raise _Left
        return counted(value, format_spec)


def time_text(ms: float) -> str:
    """96 ms, 0.71 s, 12.3 s."""
    if ms < _SECOND_MS:
        return f"{ms:.3g} ms" if ms < 10 else f"{ms:.0f} ms"
    return f"{ms / 1000:.2f} s" if ms < 10_000 else f"{ms / 1000:.1f} s"


def share_text(share: float) -> str:
    """15 %, 0.4 %; what is not none of it is never told as 0 %."""
    percent = 100 * share
    if percent >= 10 or percent == 0:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.05 else "under 0.1 %"


def counted(number: int, noun: str) -> str:
    """1 stall, 2 stalls, 3 flushes."""
    if number == 1:
        return f"{number} {noun}"
    return f"{number} {noun}{'es' if noun.endswith(('s', 'sh', 'ch', 'x')) else 's'}"


_UNITS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "ms": time_text,
        "s": lambda seconds: time_text(1000 * seconds),
        "%": share_text,
        "dBFS": lambda level: f"{level:.0f} dBFS",
        "dB": lambda level: f"{level:.0f} dB",
        "ppm": lambda ppm: f"{ppm:.0f} ppm",
        "Hz": lambda hertz: f"{hertz:.0f} Hz",
        "number": lambda number: f"{number:g}",
    }
)
_FORMAT = _Units()

_CODECS = {
    "mulaw": "mu-law",
    "alaw": "A-law",
    "s16le": "16-bit linear",
    "s16be": "16-bit linear with its bytes swapped",
    "mulaw or s16le": "mu-law or 16-bit linear",
    "u8": "unsigned 8-bit",
    "s8": "signed 8-bit",
    "rtp": "RTP",
    "sln": "SLN",
    "audiosocket": "AudioSocket",
}


def _named(value: object) -> str:
    return _CODECS.get(str(value), printable(str(value), _TEXT_CHARACTERS))


def _found(evidence: _Evidence) -> str:
    """What it is, and what it should be."""
    if "found" not in evidence:
        raise _Left
    found = evidence["found"]
    which = f" ({printable(str(evidence['which']))})" if evidence.get("which") else ""
    words = f"found {_named(found)}{which}" if found else "it is no codec that this tool knows"
    due = evidence.get("due", evidence.get("asked_for"))
    verb = "asked for" if "asked_for" in evidence else "due"
    return f"{words}; {verb}: {_named(due)}" if due else words


def _changes(evidence: _Evidence) -> str:
    """Where the codec becomes another."""
    changes = evidence.get("changes")
    if not changes:
        raise _Left
    told = (f"{_named(one['to'])} from frame {one['frame']} on" for one in changes)
    return ", ".join(told)


def _span(evidence: _Evidence) -> str:
    if (start := evidence.get("from_seconds")) is None:
        raise _Left
    end = evidence.get("to_seconds")
    return f"silent from {start:.1f} s " + ("to the end" if end is None else f"to {end:.1f} s")


def _whole_numbers(evidence: _Evidence) -> str:
    if evidence.get("missing_by_number") != 0:
        raise _Left
    return "no RTP number is missing"


def _goes_on(evidence: _Evidence) -> str:
    if not evidence.get("sound_goes_on"):
        raise _Left
    return "the sound goes on where it had stopped"


def _pings(evidence: _Evidence) -> str:
    if not evidence.get("pings_answered_since"):
        raise _Left
    return "pings are answered since"


def _tones(evidence: _Evidence) -> str:
    pairs = list(zip(evidence["frequencies_hz"], evidence["levels_dbfs"], strict=True))
    told = [f"{hertz:.0f} Hz at {level:.0f} dBFS" for hertz, level in pairs[:_TONES_TOLD]]
    more = len(pairs) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def _stamps(evidence: _Evidence) -> str:
    """What the timestamps count."""
    clock_hz, due_hz = evidence["clock_hz"], evidence["due"]
    if clock_hz is None:
        return f"timestamps go on by no steady rate; {due_hz} a second are due"
    if clock_hz == 0:
        return "timestamps stand still"
    return f"timestamps go on by {clock_hz} a second; {due_hz} are due"


def _sources(evidence: _Evidence) -> str:
    others = evidence.get("other_sources")
    if not others:
        raise _Left
    told = ", ".join(f"{printable(ssrc)} ({count} packets)" for ssrc, count in others.items())
    return f"other sources: {told}"


def _won_back(evidence: _Evidence) -> str:
    """How often it was lost, and what became of it."""
    count, back = evidence.get("count", 1), evidence.get("won_back", 0)
    if not back:
        return f"lost {_times(count)}, not reconnected"
    back_words = "" if back == count else f" {_times(back)}"
    longest = time_text(evidence.get("longest_ms") or 0.0)
    return f"lost {_times(count)}, reconnected{back_words}; the longest gap {longest}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _nothing_came(evidence: _Evidence) -> str:
    if evidence.get("messages"):
        raise _Left
    return "not one frame came"


def _ages(evidence: _Evidence) -> str:
    ages = evidence.get("connection_ages_s")
    if not ages:
        raise _Left
    return "the connection lived for " + ", ".join(time_text(1000 * age) for age in ages)


def _closed(evidence: _Evidence) -> str:
    """By whom it was ended, and with what words."""
    if (code := evidence.get("close_code")) is None:
        raise _Left
    reason = evidence.get("close_reason")
    said = f" “{printable(str(reason), _TEXT_CHARACTERS)}”" if reason else ""
    return f"close code {code}{said}, by {printable(str(evidence.get('ended_by', 'nobody')))}"


def _in_order(evidence: _Evidence) -> str:
    """What is wrong of the sequence, each where there is some."""
    kinds = {"missing": "missing", "duplicate": "twice", "reordered": "out of order"}
    told = [f"{evidence[name]} {words}" for name, words in kinds.items() if evidence.get(name)]
    if not told:
        raise _Left
    return f"of {evidence['expected']} packets " + ", ".join(told)


def _restarts(evidence: _Evidence) -> str:
    names = {
        "ssrc": "SSRC",
        "sequence": "sequence number",
        "timestamp": "timestamp",
        "payload_type": "payload type",
    }
    told = [words for name, words in names.items() if evidence.get(name)]
    return f"{counted(evidence['restarts'], 'change')} of {', '.join(told)}"


def _codecs(evidence: _Evidence) -> str:
    if not evidence.get("codecs"):
        raise _Left
    told = (f"payload type {printable(one['to'])}" for one in evidence["codecs"])
    return "then " + ", then ".join(told)


_HEARD: tuple[_Clause, ...] = (
    "the phone hears {heard_share:%} of it",
    "{holes:hole} of {holes_share:%} in all, the longest {longest_hole_ms:ms}",
    "{thrown_away_ms:ms} thrown away in {flushes:flush}",
)
_PAUSES: tuple[_Clause, ...] = (
    "{pauses:pause}, {total_ms:ms} in all, the longest {longest_ms:ms}",
)
_ASKED: tuple[_Clause, ...] = (
    "the API says that the call is {call_status}",
    "hung up by {hangup_by}",
    "{hangup_reason}",
    "asking the API: {look_up_of_the_call}",
)
_CLOSING: tuple[_Clause, ...] = (_closed, _ages, "the token expired at {token_expired_at}", *_ASKED)
_ANSWERED: tuple[_Clause, ...] = (
    "HTTP {http_status}",
    "{reason}",
    "try again in {retry_after:s}",
    "request {request_id}",
    "the last attempt: {last_attempt}",
    *_CLOSING,
)
_CODEC: tuple[_Clause, ...] = (
    _found,
    _changes,
    "payload type {payload_type}",
    "{malformed_messages:malformed message}",
)
_ANSWERS: tuple[_Clause, ...] = (
    "measured {times:time}",
    "half of them take over {p50_ms:ms}",
    "the longest {max_ms:ms}",
)
_BUFFERS = (
    "a 60 ms buffer would drop {late_in_60_ms_buffer:%}",
    "one of 120 ms {late_in_120_ms_buffer:%}",
    "one of 200 ms {late_in_200_ms_buffer:%}",
)

SENTENCES: Mapping[FindingId, Sequence[_Clause]] = MappingProxyType(
    {
        FindingId.CANNOT_CONNECT: _ANSWERED,
        FindingId.TLS: _ANSWERED,
        FindingId.AUTH: _ANSWERED,
        FindingId.FORBIDDEN: _ANSWERED,
        FindingId.NOT_FOUND: _ANSWERED,
        FindingId.RATE_LIMITED: _ANSWERED,
        FindingId.CALL_NOT_PROGRESSING: _ANSWERED,
        FindingId.CLOSED_EARLY: _ANSWERED,
        FindingId.CONNECTION_LOST: (
            _won_back,
            "nothing came in the last {silent_at_the_end_ms:ms}",
            "the last attempt: {last_attempt}",
            *_CLOSING,
        ),
        FindingId.NO_AUDIO: (
            _nothing_came,
            "{messages:message} came, none of them audio",
            "{members:member}",
            *_ASKED,
        ),
        FindingId.MUTED: (
            "mute_direction is {mute_direction}",
            "{silence_ratio:%} of the frames are silent",
        ),
        FindingId.LOCAL_LAG: (
            "this machine woke up as much as {late_ms_max:ms} late",
            "{gaps_excused:pause} of {excused_ms:ms} in all not held against the stream",
        ),
        FindingId.CAPTURE_CUT: ("{kept_bytes:byte} of each payload", "{packets:packet}"),
        FindingId.ENCRYPTED: ("told by {by}", "{codec}", "{frame_ms:ms} a packet"),
        FindingId.UNJUDGED_CODEC: (
            "found {found}",
            "{codec} at {clock_hz:Hz}, told by {by}",
            "{frame_ms:ms} a packet",
        ),
        FindingId.ENCAPSULATION_MISMATCH: (
            _found,
            "inside of {inside}",
            "{malformed_messages:malformed message}",
        ),
        FindingId.NOT_AUDIO: (
            "found {found} in the {where}",
            "found {found} in {frames:frame}, first in frame {first_frame}",
            "{text_messages:text message}",
        ),
        FindingId.WRONG_RATE: (
            "{samples_per_second:number} samples come each second; {due} are due",
            "{frame_samples:sample} each {frame_interval_ms:ms}",
        ),
        FindingId.MISALIGNED: ("from frame {from_frame} on",),
        FindingId.BYTE_ORDER: _CODEC,
        FindingId.CODEC_MISMATCH: _CODEC,
        FindingId.FRAME_SIZE: (
            "{frame_ms:ms} a frame; {due_ms:ms} are due",
            "some from {least_ms:ms}, some up to {most_ms:ms}",
        ),
        FindingId.SENDER_PACE: (
            "{frames_per_second:number} frames a second; {due:number} are due",
            *_HEARD,
        ),
        FindingId.SEQUENCE: (
            _in_order,
            "{left_out_before_each:number} numbers are left out before each packet",
            _sources,
        ),
        FindingId.NETWORK_STALL: (
            "the link carries {link_carries:%} of what it should, and is {behind_ms:ms} behind",
            "a batch each {period_ms:ms}",
            "{at_once_at_the_start_ms:ms} of audio at once at the start",
            "{count:stall}, the longest {longest_ms:ms}",
            *_BUFFERS,
        ),
        FindingId.UNDERRUN: (*_PAUSES, _whole_numbers, _goes_on, *_HEARD),
        FindingId.LOST_AUDIO: (
            "nothing came in the last {silent_at_the_end_ms:ms}",
            _pings,
            "{gaps:gap}, {lost_ms:ms} of audio in all ({share:%}), the longest {longest_ms:ms}",
            _whole_numbers,
        ),
        FindingId.JITTER: (
            *_BUFFERS,
            "an adaptive one would hold {adaptive_delay_ms:ms}",
            "jitter up to {interarrival_jitter_ms:ms}",
        ),
        FindingId.CLOCK_DRIFT: ("{ppm:ppm} ± {uncertainty_ppm:ppm}",),
        FindingId.UPSTREAM_LOSS: (
            "{holes:hole}, {lost_ms:ms} in all ({share:%})",
            "most are {length_ms:ms} long",
            "one each {period_ms:ms}",
        ),
        FindingId.REPEATED_AUDIO: (
            "{repeats:time} the same {piece_ms:ms}, {share:%} of the sound",
            "{listened_seconds:s} listened to",
        ),
        FindingId.CLICKS: (
            "{clicks:click} in the {listened_seconds:s} listened to",
            "one each {period_ms:ms}",
        ),
        FindingId.HUM: (_tones,),
        FindingId.CLIPPING: (
            "{clipping_ratio:%} of the samples are at the ceiling",
            "{overflow_ratio:%} jump to the other end of the scale",
            "peak {peak_dbfs:dBFS}, level {rms_dbfs:dBFS}",
        ),
        FindingId.DC_OFFSET: ("the mean is {dc_offset:%} of full scale",),
        FindingId.NOISE: ("noise of {noise_dbfs:dBFS}, level {rms_dbfs:dBFS}",),
        FindingId.LOW_LEVEL: ("level {rms_dbfs:dBFS}, peak {peak_dbfs:dBFS}",),
        FindingId.SILENCE: (
            _span,
            "{digital_silence_seconds:s} are nothing but zeros",
            "level {rms_dbfs:dBFS}",
        ),
        FindingId.ECHO: (
            "{delay_ms:ms} later, at {level_db:dB}",
            "we interrupted ourselves on it {interrupted_itself:time}",
        ),
        FindingId.SLOW_RESPONSE: _ANSWERS,
        FindingId.SLOW_BARGE_IN: _ANSWERS,
        FindingId.TALK_OVER: ("both speak for {talk_over_ms:ms} ({share:%})",),
        FindingId.DEAD_AIR: ("{total_ms:ms} in all, the longest {longest_ms:ms}",),
        FindingId.STREAM_RESTART: (_restarts, "first at frame {first_frame}", _codecs),
        FindingId.TELEPHONE_EVENTS: ("digits {digits}", "{events:event} in {packets:packet}"),
        FindingId.SILENCE_SUPPRESSION: (
            *_PAUSES,
            "{comfort_noise_packets:packet} of comfort noise",
        ),
        FindingId.TIMESTAMP_RATE: (_stamps,),
        FindingId.PAYLOAD_LABEL: (
            "payload type {payload_type} is sent, {due} is taken: {because}",
            "payload type {payload_type}, and the payload is {payload}",
            "kind {kind}, and the payload is {payload}",
        ),
    }
)


def evidence_text(finding: FindingId | str, evidence: _Evidence) -> str:
    """The evidence of a finding in a sentence; names and values where it has none of its own."""
    told = [words for clause in SENTENCES[FindingId(finding)] if (words := _said(clause, evidence))]
    return "; ".join(told) or _plain(evidence)


def _said(clause: _Clause, evidence: _Evidence) -> str:
    try:
        if isinstance(clause, str):
            return _FORMAT.vformat(clause, (), evidence)
        return clause(evidence)
    except LookupError:
        return ""


def _plain(evidence: _Evidence) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {printable(str(value), _TEXT_CHARACTERS)}"
        for name, value in evidence.items()
        if value is not None
    )
