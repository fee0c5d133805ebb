"""Control messages, as the documentation of Asterisk writes them."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec.chan_websocket import (
    MAX_TEXT,
    CommandName,
    ControlEvent,
    build_command,
    parse_event,
)
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.errors import DecodeError

PLAIN_START = (
    "MEDIA_START connection_id:media channel:WebSocket/media/0x78b36c003130 "
    "channel_id:1763000000.1 format:ulaw optimal_frame_size:160 ptime:20"
)
JSON_START = (
    '{"event":"MEDIA_START","connection_id":"media","channel":"WebSocket/media/0x78b36c003130",'
    '"channel_id":"1763000000.1","format":"ulaw","optimal_frame_size":160,"ptime":20,'
    '"channel_variables":{"A":"1"}}'
)


def test_both_forms_of_the_start_say_the_same() -> None:
    plain, as_json = parse_event(PLAIN_START), parse_event(JSON_START)
    assert plain.name == as_json.name == "MEDIA_START"
    assert (plain.is_json, as_json.is_json) == (False, True)
    assert plain.fields == {
        key: value for key, value in as_json.fields.items() if key != "channel_variables"
    }
    assert plain.fields["channel"] == "WebSocket/media/0x78b36c003130"


@pytest.mark.parametrize(
    ("name", "codec"),
    [("ulaw", Codec.MULAW), ("alaw", Codec.ALAW), ("slin", Codec.S16LE), ("slin16", None)],
)
def test_the_format_names_the_codec(name: str, codec: Codec | None) -> None:
    assert parse_event(f"MEDIA_START format:{name}").codec is codec
    assert parse_event(json.dumps({"event": "MEDIA_START", "format": name})).codec is codec


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("MEDIA_XOFF", ControlEvent("MEDIA_XOFF")),
        ("MEDIA_XON channel_id:1.2", ControlEvent("MEDIA_XON", {"channel_id": "1.2"})),
        (
            "DTMF_END digit:# channel_id:1.2",
            ControlEvent("DTMF_END", {"digit": "#", "channel_id": "1.2"}),
        ),
        ("DTMF_END digit::", ControlEvent("DTMF_END", {"digit": ":"})),
        (
            "MEDIA_MARK_PROCESSED a:b c",
            ControlEvent("MEDIA_MARK_PROCESSED", {"correlation_id": "a:b c"}),
        ),
        (
            '{"event":"DTMF_END","digit":"5"}',
            ControlEvent("DTMF_END", {"digit": "5"}, is_json=True),
        ),
        (
            ' {"event":"STATUS","queue_full":true}',
            ControlEvent("STATUS", {"queue_full": "true"}, True),
        ),
    ],
)
def test_events(text: str, event: ControlEvent) -> None:
    assert parse_event(text) == event


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("", "no-event"),
        ("hello there", "no-event"),
        ("{", "json"),
        ("{" * 50_000, "json"),
        ("[]", "no-event"),
        ('{"command":"ANSWER"}', "no-event"),
        ('{"event":7}', "no-event"),
        ("A" * 70_000, "too-long"),
    ],
)
def test_what_is_no_event(text: str, slug: str) -> None:
    with pytest.raises(DecodeError) as caught:
        parse_event(text)
    assert caught.value.slug == slug


@given(st.text())
def test_only_decode_errors_escape(text: str) -> None:
    with contextlib.suppress(DecodeError):
        parse_event(text)


def test_commands_in_both_forms() -> None:
    assert build_command(CommandName.HANGUP, is_json=False) == "HANGUP"
    assert build_command(CommandName.MARK_MEDIA, is_json=False, correlation_id="7") == (
        "MARK_MEDIA 7"
    )
    assert json.loads(build_command(CommandName.ANSWER, is_json=True)) == {"command": "ANSWER"}
    assert json.loads(build_command(CommandName.MARK_MEDIA, is_json=True, correlation_id="7")) == {
        "command": "MARK_MEDIA",
        "correlation_id": "7",
    }


def test_words_without_a_name_or_a_value_are_no_fields() -> None:
    event = parse_event("MEDIA_START channel:PJSIP/7 :lost lost also: format:ulaw")
    assert event.fields == {"channel": "PJSIP/7", "also": "", "format": "ulaw"}


def test_the_longest_text_that_is_taken() -> None:
    longest = "DTMF_END digit:".ljust(MAX_TEXT, "1")
    assert parse_event(longest).name == "DTMF_END"
    with pytest.raises(DecodeError) as caught:
        parse_event(longest + "1")
    assert caught.value.slug == "too-long"
