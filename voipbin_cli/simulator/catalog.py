"""Every scenario by name. To add one, add a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

from voipbin_cli.codec.audiosocket import Kind as AudioSocketKind
from voipbin_cli.codec.fingerprint import Dialect
from voipbin_cli.errors import UsageError
from voipbin_cli.finding_ids import FindingId
from voipbin_cli.simulator.distortions import (
    CLIPPING,
    DC_OFFSET,
    LOW_LEVEL,
    NOISE,
    UPSTREAM_LOSS,
    WRONG_RATE,
)
from voipbin_cli.simulator.faults import (
    CLOCK_DRIFT,
    FRAME_SIZE,
    JITTER,
    LATE_START,
    LOST_AUDIO,
    SEQUENCE,
    STALL,
)
from voipbin_cli.simulator.payloads import (
    ALAW,
    BYTE_ORDER,
    CODEC_CHANGE,
    MISALIGNED,
    TEXT,
    WAV_HEADER,
)
from voipbin_cli.simulator.scenario import (
    Admission,
    ConnectionDrop,
    Refusal,
    Scenario,
    combine,
    configure,
)
from voipbin_cli.text import did_you_mean

_UNAUTHORIZED = Refusal(401, "INVALID_CREDENTIALS", "The provided credentials are not valid.")
_FORBIDDEN = Refusal(403, "PERMISSION_DENIED", "You have no permission for this resource.")
_FROZEN = Refusal(403, "ACCOUNT_FROZEN", "The account is frozen.")
_DIRECT = Refusal(403, "DIRECT_ACCESS_NOT_SUPPORTED", "A direct token cannot be used here.")
_NOT_FOUND = Refusal(404, "CALL_NOT_FOUND", "The call was not found.")
_STATE = Refusal(409, "CALL_STATE_INVALID", "The call is not in a state that allows this.")
_LIMITED = Refusal(429, "RATE_LIMIT_EXCEEDED", "Too many requests.", retry_after_s=2)
_LIMITED_ONCE = replace(_LIMITED, retry_after_s=1, count=2, after_drop=True)
_BROKEN = Refusal(500, "INTERNAL", "Something went wrong.")
_UNAVAILABLE = Refusal(503, "UNAVAILABLE", "The service is not available.")

_ROWS = (
    Scenario("clean", "nothing is wrong"),
    # On the way.
    Scenario("jitter", "frames arrive unevenly", FindingId.JITTER, (JITTER,)),
    Scenario(
        "stall", "gaps, after which everything comes at once", FindingId.NETWORK_STALL, (STALL,)
    ),
    Scenario("lost-audio", "gaps that are never made up", FindingId.LOST_AUDIO, (LOST_AUDIO,)),
    Scenario(
        "upstream-loss",
        "zero blocks cut into the speech",
        FindingId.UPSTREAM_LOSS,
        (UPSTREAM_LOSS,),
    ),
    Scenario("clock-drift", "the far clock runs fast", FindingId.CLOCK_DRIFT, (CLOCK_DRIFT,)),
    Scenario(
        "sequence",
        "RTP sequence numbers missing, twice, reordered",
        FindingId.SEQUENCE,
        (SEQUENCE,),
    ),
    Scenario(
        "frame-size", "frames of 40 ms", FindingId.FRAME_SIZE, (FRAME_SIZE,), is_harmless=True
    ),
    Scenario("late-start", "the first frame comes late", None, (LATE_START,)),
    # What the bytes are.
    Scenario(
        "byte-order",
        "big-endian samples",
        FindingId.BYTE_ORDER,
        (BYTE_ORDER,),
        dialect=Dialect.LINEAR,
    ),
    Scenario("wrong-rate", "16,000 samples a second", FindingId.WRONG_RATE, (WRONG_RATE,)),
    Scenario(
        "misaligned",
        "samples shifted by a byte from some frame on",
        FindingId.MISALIGNED,
        (MISALIGNED,),
        dialect=Dialect.LINEAR,
    ),
    Scenario("codec-mismatch", "A-law where mu-law is due", FindingId.CODEC_MISMATCH, (ALAW,)),
    Scenario("codec-change", "mu-law turns into A-law", FindingId.CODEC_MISMATCH, (CODEC_CHANGE,)),
    Scenario(
        "payload-label",
        "payload type 8 and AudioSocket kind 12 on what is neither",
        FindingId.PAYLOAD_LABEL,
        reform={"payload_type": 8, "kind": AudioSocketKind.PCM_16K},
        is_harmless=True,
    ),
    Scenario(
        "timestamp-rate",
        "RTP timestamps count at 16 kHz",
        FindingId.TIMESTAMP_RATE,
        reform={"timestamp_per_sample": 2},
        is_harmless=True,
    ),
    Scenario("not-audio", "text instead of sound", FindingId.NOT_AUDIO, (TEXT,)),
    Scenario(
        "wav-header",
        "a WAV header before the sound",
        FindingId.NOT_AUDIO,
        (WAV_HEADER,),
        dialect=Dialect.LINEAR,
    ),
    # The signal.
    Scenario("silence", "frames come and hold silence", FindingId.SILENCE, source="silence"),
    Scenario(
        "muted",
        "the API says that the call is muted",
        FindingId.MUTED,
        source="silence",
        mute_direction="both",
    ),
    Scenario("clipping", "far too loud", FindingId.CLIPPING, (CLIPPING,)),
    Scenario("low-level", "far too soft", FindingId.LOW_LEVEL, (LOW_LEVEL,)),
    Scenario("dc-offset", "the samples' mean is far from zero", FindingId.DC_OFFSET, (DC_OFFSET,)),
    Scenario("noise", "loud noise over the speech", FindingId.NOISE, (NOISE,)),
    # The call and its streams.
    Scenario("hang-up", "the call ends after five seconds", duration_s=5.0),
    Scenario(
        "not-progressing",
        "the call is still ringing: accepted, then closed",
        FindingId.CALL_NOT_PROGRESSING,
        admission=Admission.CLOSE,
        call_status="ringing",
    ),
    Scenario(
        "closed-early",
        "accepted, then closed before any audio",
        FindingId.CLOSED_EARLY,
        admission=Admission.CLOSE,
    ),
    Scenario(
        "no-audio", "connected, and no frame comes", FindingId.NO_AUDIO, admission=Admission.MUTE
    ),
    Scenario(
        "mute-until-sent",
        "no frame comes before one is sent",
        admission=Admission.MUTE_UNTIL_SENT,
    ),
    Scenario(
        "drop-and-return",
        "the connection is lost; the next one works",
        FindingId.CONNECTION_LOST,
        drop=ConnectionDrop(3.0),
    ),
    Scenario(
        "outage",
        "connection and API are gone for three seconds",
        FindingId.CONNECTION_LOST,
        drop=ConnectionDrop(3.0, outage_s=3.0, with_api=True),
    ),
    Scenario(
        "drop-and-limited",
        "the connection is lost, and the next two are refused with Retry-After",
        FindingId.CONNECTION_LOST,
        drop=ConnectionDrop(3.0, outage_s=0.0),
        refusal=_LIMITED_ONCE,
    ),
    Scenario(
        "connection-lost",
        "the connection is lost and never comes back, while the call goes on",
        FindingId.CONNECTION_LOST,
        drop=ConnectionDrop(3.0, outage_s=float("inf")),
    ),
    Scenario(
        "frozen",
        "the connection falls dead without being closed; the next one works",
        FindingId.CONNECTION_LOST,
        drop=ConnectionDrop(3.0, outage_s=0.0, frozen=True),
    ),
    Scenario(
        "token-expires", "the token is good for five seconds", FindingId.AUTH, token_life_s=5.0
    ),
    # Refusals.
    Scenario(
        "auth", "401: the credentials are not accepted", FindingId.AUTH, refusal=_UNAUTHORIZED
    ),
    Scenario("forbidden", "403: no permission", FindingId.FORBIDDEN, refusal=_FORBIDDEN),
    Scenario("account-frozen", "403: the account is frozen", FindingId.FORBIDDEN, refusal=_FROZEN),
    Scenario("direct-token", "403: a direct token", FindingId.FORBIDDEN, refusal=_DIRECT),
    Scenario("not-found", "404: no such call", FindingId.NOT_FOUND, refusal=_NOT_FOUND),
    Scenario(
        "call-state",
        "409: the call is over",
        FindingId.CALL_NOT_PROGRESSING,
        refusal=_STATE,
        call_status="hangup",
    ),
    Scenario("rate-limited", "429 with Retry-After", FindingId.RATE_LIMITED, refusal=_LIMITED),
    Scenario("server-error", "500", FindingId.CANNOT_CONNECT, refusal=_BROKEN),
    Scenario("unavailable", "503", FindingId.CANNOT_CONNECT, refusal=_UNAVAILABLE),
)

SCENARIOS: Mapping[str, Scenario] = {row.name: row for row in _ROWS}


def find_scenario(names: str, options: Mapping[str, str] | None = None) -> Scenario:
    """Return the scenario of that name with its options; `a+b` is both at once.

    Raises:
        UsageError: no such scenario, or an option that it cannot take.
    """
    rows = []
    for name in names.split("+"):
        row = SCENARIOS.get(name or "clean")
        if row is None:
            told = {row.name: row.summary for row in SCENARIOS.values()}
            hint = did_you_mean(name, told, "`voipbin simulate --list` names them")
            raise UsageError(f"there is no scenario {name!r}", hint=hint)
        rows.append(row)
    return configure(reduce(combine, rows), options or {})
