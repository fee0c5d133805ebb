"""The list of public captures is whole, and what compares them with tshark finds what differs."""

from __future__ import annotations

import hashlib
import re
import struct
from pathlib import Path

import pytest

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.public_captures.__main__ import compare
from tests.public_captures.comparing import differences
from tests.public_captures.listing import LIST, PublicCapture, Stream, read_list, written
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.simulator.talker import speech

CAPTURES = read_list()
KINDS = set(re.findall(r"^\| ([\w ]+) \|", LIST.with_name("README.md").read_text(), re.MULTILINE))
NAME = "192.0.2.1:5006 > 198.51.100.1:5004 ssrc 0x00000007"
# 100 packets every 20 ms of which two are missing: what tshark says of them.
STREAM = Stream(NAME, "g711U", 98, 2, 0.0, 0.0)


def test_the_list_names_each_file_once_and_by_its_bytes() -> None:
    assert len(CAPTURES) >= 60
    assert len({capture.sha256 for capture in CAPTURES}) == len(CAPTURES)
    for capture in CAPTURES:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+", capture.repository)
        assert re.fullmatch(r"[0-9a-f]{40} [0-9a-f]{64}", f"{capture.commit} {capture.sha256}")
        assert not capture.path.startswith("/")


def test_the_list_is_as_it_is_written() -> None:
    assert LIST.read_text() == written(CAPTURES)


def test_each_difference_has_a_reason_that_is_explained() -> None:
    for capture in CAPTURES:
        assert {why for _, _, why in capture.differs} <= KINDS, capture.label
        assert all(stream.packets > 1 for stream in capture.streams)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A directory with a clone of one repository, and a capture in it."""
    payload = encode(Codec.MULAW, speech(3, 2.0).tobytes())
    rows = []
    for n in sorted({*range(100)} - {50, 70}):
        header = struct.pack(">BBHII", 0x80, 0, n, n * 160, 7)
        packet = udp(header + payload[160 * n :][:160])
        rows.append((n * 20_000_000, ethernet(ipv4(packet))))
    path = tmp_path / "owner" / "name" / "a" / "call.pcap"
    path.parent.mkdir(parents=True)
    path.write_bytes(pcap(rows))
    return tmp_path


def listed(clone: Path, *differs: tuple[str, str, str], stream: Stream = STREAM) -> PublicCapture:
    digest = hashlib.sha256((clone / "owner/name/a/call.pcap").read_bytes()).hexdigest()
    return PublicCapture("owner/name", "0" * 40, "a/call.pcap", digest, 0, (stream,), differs)


def test_what_agrees_has_no_difference(clone: Path) -> None:
    capture = listed(clone)
    path = capture.found_in(clone)
    assert path is not None
    assert list(differences(capture, path)) == []
    assert compare([capture], clone) == 0
    assert capture._replace(sha256="0" * 64).found_in(clone) is None


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("packets", 97, "packets"),
        ("lost", 3, "lost"),
        ("codec", "g711A", "codec"),
        ("mean_jitter_ms", 0.5, "mean jitter"),
        ("max_jitter_ms", 0.5, "max jitter"),
    ],
)
def test_a_figure_that_differs_wants_a_reason(
    clone: Path, field: str, value: object, what: str
) -> None:
    stream = STREAM._replace(**{field: value})
    assert compare([listed(clone, stream=stream)], clone) == 1
    assert compare([listed(clone, (NAME, what, "copies"), stream=stream)], clone) == 0
    assert compare([listed(clone, (NAME, what, "copies"))], clone) == 1


def test_a_stream_that_one_of_them_does_not_find_differs(clone: Path) -> None:
    other = NAME.replace("5004", "5008")
    capture = listed(clone, (NAME, "stream", "link"), stream=STREAM._replace(name=other))
    assert compare([capture], clone) == 1
    assert (
        compare([capture._replace(differs=(*capture.differs, (other, "stream", "chance")))], clone)
        == 0
    )
