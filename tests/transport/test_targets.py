"""TARGET in all its forms."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.errors import UsageError
from voipbin_cli.transport.targets import Target, TargetKind, parse_target

CALL = "5f2a8c1e-0d3b-4c57-9e6f-2b7d1a4c8e90"
STREAM = f"wss://user:s3cret@api.example:8443/v1.0/conferences/{CALL.upper()}/media_stream"


@pytest.mark.parametrize(
    ("text", "kind", "value", "label", "stem"),
    [
        (CALL, TargetKind.CALL, CALL, f"call/{CALL}", f"call-{CALL}"),
        (CALL.upper(), TargetKind.CALL, CALL, f"call/{CALL}", f"call-{CALL}"),
        (f"call/{CALL}", TargetKind.CALL, CALL, f"call/{CALL}", f"call-{CALL}"),
        (
            f" conference/{CALL}\n",
            TargetKind.CONFERENCE,
            CALL,
            f"conference/{CALL}",
            f"conference-{CALL}",
        ),
        ("sim", TargetKind.SIM, "clean", "sim:clean", "sim-clean"),
        ("sim:", TargetKind.SIM, "clean", "sim:clean", "sim-clean"),
        ("sim:lost-audio", TargetKind.SIM, "lost-audio", "sim:lost-audio", "sim-lost-audio"),
        ("ws://h:99/x/y?z=1#f", TargetKind.URL, "ws://h:99/x/y?z=1#f", "ws://h:99/x/y", "stream-h"),
        ("WSS://[::1]:9/", TargetKind.URL, "WSS://[::1]:9/", "wss://[::1]:9/", "stream--1"),
    ],
)
def test_every_form(text: str, kind: TargetKind, value: str, label: str, stem: str) -> None:
    target = parse_target(text)
    assert (target.kind, target.value) == (kind, value)
    assert target.label == label
    assert target.file_stem == stem


def test_the_simulators_options_are_passed_on() -> None:
    target = parse_target("sim:jitter,dialect=linear, seed=7,source=a=b.wav")
    assert target.value == "jitter"
    assert target.options == {"dialect": "linear", "seed": "7", "source": "a=b.wav"}
    assert target.label == "sim:jitter,dialect=linear,seed=7,source=a=b.wav"


def test_a_stream_url_names_its_resource_and_shows_no_secret() -> None:
    target = parse_target(f"{STREAM}?encapsulation=sln&token=t0psecret&accesskey=t0psecret&x=")
    assert target.options == {"encapsulation": "sln", "x": ""}
    assert target.resource == (TargetKind.CONFERENCE, CALL)
    assert target.file_stem == f"conference-{CALL}"
    shown = f"{target} {target!r} {target.label} {target.file_stem} {target.options}"
    assert "s3cret" not in shown
    assert "t0psecret" not in shown
    assert "user" not in shown


def test_a_target_without_a_resource_says_so() -> None:
    assert parse_target("sim").resource is None
    assert parse_target("ws://h/echo").resource is None
    assert parse_target(CALL).resource == (TargetKind.CALL, CALL)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "call/",
        "conference/7",
        f"call/{CALL}/",
        f"calls/{CALL}",
        f"{CALL}0",
        CALL.replace("-", ""),
        f"{{{CALL}}}",
        f"x/call/{CALL}",
        "simulator",
        "SIM",
        "sim:a,b",
        "sim:a,=1",
        "ws://",
        "ws:///path",
        "wss://h:port/",
        "wss://h:99999/",
        "ws://h/a b",
        "ws://h/\x1b[2J",
        "ftp://h/",
        "recording.wav",
    ],
)
def test_anything_else_is_wrong_usage_with_the_forms_as_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text)
    assert caught.value.hint
    assert caught.value.message.isprintable()


def test_the_apis_own_address_is_told_from_a_stream() -> None:
    with pytest.raises(UsageError, match="is no address of a stream") as caught:
        parse_target("https://api.voipbin.net/v1.0?token=t0psecret")
    assert "--api-url" in caught.value.hint
    assert "t0psecret" not in caught.value.message


def test_a_streams_address_may_be_as_the_documents_write_it() -> None:
    written = f"https://api.example/v1.0/calls/{CALL}/media_stream?encapsulation=sln&token=t0ps"
    target = parse_target(written)
    assert target.value == written.replace("https://", "wss://")
    assert target.resource == (TargetKind.CALL, CALL)
    assert parse_target(f"http://h/calls/{CALL}/media_stream/").value.startswith("ws://h/")


@pytest.mark.parametrize(
    "text",
    [
        "https://api.voipbin.net/v1.0/calls/<call-id>/media_stream?encapsulation=rtp",
        "wss://h/v1.0/calls/{call_id}/media_stream",
        f"https://h/v1.0/calls/{CALL}/media_stream?encapsulation=rtp&token=<YOUR_AUTH_TOKEN>",
    ],
)
def test_an_example_of_the_documents_is_told_from_an_address(text: str) -> None:
    with pytest.raises(UsageError, match="is an example"):
        parse_target(text)


def test_a_token_given_as_a_target_by_mistake_is_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        parse_target("eyJhbGciOiJIUzI1NiJ9.eyJpZCI6InQwcHNlY3JldCJ9.c2lnbmF0dXJl")
    assert "eyJ" not in caught.value.message


@given(st.text(max_size=80))
def test_only_usage_errors_escape_and_stems_are_file_names(text: str) -> None:
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert isinstance(target, Target)
    assert set(target.file_stem) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )
    assert target.label.isprintable()


def test_parsing_a_target_loads_no_network_library() -> None:
    code = (
        "import sys; from voipbin_cli.transport.targets import parse_target; parse_target('sim');"
        "bad = {'websockets', 'httpx2', 'numpy', 'ssl', 'asyncio'} & set(sys.modules);"
        "sys.exit(repr(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("ws://127.0.0.1:99999/", "has the port '99999'; ports are numbers from 1 to 65535"),
        ("ws://h:0/", "has the port '0'"),
        ("ws://user:s3cret@h:x1/", "has the port 'x1'"),
        ("ws:///audio", "has no host"),
        ("ws://h/a b", "has a space"),
        ("ws://[::1/", "cannot be read"),
    ],
)
def test_a_url_that_leads_nowhere_is_told_why(url: str, fault: str) -> None:
    with pytest.raises(UsageError) as told:
        parse_target(url)
    assert told.value.message.startswith(f"not a TARGET: the URL {fault}")
    assert "s3cret" not in told.value.message
