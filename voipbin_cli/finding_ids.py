"""The ids of all that a diagnosis can find: one meaning each, and a promise to scripts."""

from __future__ import annotations

from enum import StrEnum


class FindingId(StrEnum):
    """What is wrong. An error names one where a diagnosis would find the same."""

    # Before the upgrade to WebSocket.
    CANNOT_CONNECT = "cannot-connect"
    TLS = "tls"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not-found"
    RATE_LIMITED = "rate-limited"
    CALL_NOT_PROGRESSING = "call-not-progressing"
    # The connection.
    CLOSED_EARLY = "closed-early"
    CONNECTION_LOST = "connection-lost"
    NO_AUDIO = "no-audio"
    MUTED = "muted"
    LOCAL_LAG = "local-lag"
    # What cannot be heard, while it can be told how it came.
    CAPTURE_CUT = "capture-cut"
    ENCRYPTED = "encrypted"
    UNJUDGED_CODEC = "unjudged-codec"
    # What the payload is.
    ENCAPSULATION_MISMATCH = "encapsulation-mismatch"
    NOT_AUDIO = "not-audio"
    WRONG_RATE = "wrong-rate"
    MISALIGNED = "misaligned"
    BYTE_ORDER = "byte-order"
    CODEC_MISMATCH = "codec-mismatch"
    FRAME_SIZE = "frame-size"
    # When the frames come.
    SENDER_PACE = "sender-pace"
    SEQUENCE = "sequence"
    NETWORK_STALL = "network-stall"
    UNDERRUN = "underrun"
    LOST_AUDIO = "lost-audio"
    JITTER = "jitter"
    CLOCK_DRIFT = "clock-drift"
    # The sound.
    UPSTREAM_LOSS = "upstream-loss"
    REPEATED_AUDIO = "repeated-audio"
    CLICKS = "clicks"
    HUM = "hum"
    CLIPPING = "clipping"
    DC_OFFSET = "dc-offset"
    NOISE = "noise"
    LOW_LEVEL = "low-level"
    SILENCE = "silence"
    # The conversation, from both tracks.
    ECHO = "echo"
    SLOW_RESPONSE = "slow-response"
    SLOW_BARGE_IN = "slow-barge-in"
    TALK_OVER = "talk-over"
    DEAD_AIR = "dead-air"
    # What RTP packets say beside their audio.
    STREAM_RESTART = "stream-restart"
    TELEPHONE_EVENTS = "telephone-events"
    SILENCE_SUPPRESSION = "silence-suppression"
    # Labels that say something else.
    TIMESTAMP_RATE = "timestamp-rate"
    PAYLOAD_LABEL = "payload-label"
