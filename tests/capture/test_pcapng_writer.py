from __future__ import annotations

import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from decimal import Decimal
from itertools import pairwise

import pytest

from tests.capture.support import (
    START_NS,
    new_writer,
    open_capture,
    records_of,
    rtp_message,
    vector,
)
from tests.capture.tshark import fields, rtp_streams, tshark
from voipbin_cli.capture.captured import CaptureEventName
from voipbin_cli.codec.encapsulation import Direction

IN, OUT = Direction.IN, Direction.OUT
FRAME_NS = 20_000_000


@pytest.fixture
def saved(tmp_path):
    def save(sink, name="a.pcapng"):
        path = tmp_path / name
        path.write_bytes(sink.data)
        return path

    return save


def capture_of(name, saved):
    writer, sink = new_writer(name.partition("-")[0])
    writer.event(START_NS - 1000, CaptureEventName.OPEN, {"connection": 0})
    for n, (time_ns, data) in enumerate(vector(name)):
        writer.message(time_ns, IN, data)
        if n >= 3 and name.startswith("rtp"):
            # The platform's bridge takes linear under the very number it sends mu-law with.
            answer = rtp_message(n, payload=bytes(320), ssrc=0xABCDEF)
            writer.message(time_ns + 1_000_000, OUT, answer)
    writer.event(time_ns + 2_000_000, CaptureEventName.CLOSE, {"connection": 0, "code": 1006})
    writer.close()
    return saved(sink)


def arrival_jitter_ms(name):
    """RFC 3550 A.8 over the arrival times of a vector, worked out apart from any RTP clock."""
    times_ms = [time_ns / 1e6 for time_ns, _ in vector(name)]
    jitter, jitters = 0.0, []
    for before, now in pairwise(times_ms):
        jitter += (abs(now - before - 20.0) - jitter) / 16
        jitters.append(jitter)
    return jitters


@pytest.mark.parametrize(("name", "payload"), [("rtp-deployed", "PCMU"), ("rtp-linear", "X-S16LE")])
def test_wireshark_opens_rtp_as_rtp_with_the_right_clock_and_no_option(saved, name, payload):
    path = capture_of(name, saved)
    streams = {row["source"]: row for row in rtp_streams(path)}
    received, sent = streams["192.0.2.1"], streams["198.51.100.1"]
    assert received["payload"] == payload
    assert (received["packets"], received["lost"]) == ("50", "0")
    assert received["ssrc"] == "0x00000000"
    # A wrong clock would show as a jitter of up to 20 ms (or none at all without any clock).
    assert float(received["max_jitter"]) == pytest.approx(max(arrival_jitter_ms(name)), abs=0.01)
    assert float(received["max_jitter"]) > 0.05
    assert sent["payload"] == "X-S16LE"
    assert (sent["packets"], sent["lost"]) == ("47", "0")
    assert float(sent["max_jitter"]) < 0.3
    # And the number is the same in both directions, as on the platform.
    types = fields(path, "ip.src", "rtp.p_type", options=("-Y", "rtp"))
    assert {tuple(row) for row in types} == {("192.0.2.1", "96"), ("198.51.100.1", "96")}


def test_the_documented_decode_as_option_agrees(saved):
    path = capture_of("rtp-deployed", saved)
    assert rtp_streams(path, "-d", "udp.port==5004,rtp") == rtp_streams(path)


@pytest.mark.parametrize(
    "name", ["rtp-deployed", "sln-linear", "audiosocket-deployed", "sln-deployed"]
)
def test_each_packet_has_its_nanoseconds_direction_and_right_checksums(saved, name):
    path = capture_of(name, saved)
    rows = fields(
        path,
        "frame.time_epoch",
        "frame.packet_flags_direction",
        "ip.checksum.status",
        "udp.checksum.status",
        "udp.payload",
        "_ws.malformed",
        options=(
            *("-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"),
            *("-Y", "udp.srcport == 5006 && udp.dstport != 514 && ip.src == 192.0.2.1"),
        ),
    )
    expected = [
        [str(Decimal(time_ns).scaleb(-9)), "0x00000001", "1", "1", data.hex(), ""]
        for time_ns, data in vector(name)
    ]
    assert rows == expected


def test_every_packet_dissects(saved):
    path = capture_of("rtp-deployed", saved)
    rows = fields(path, "frame.protocols", "frame.packet_flags_direction")
    kinds = {row[0].removeprefix("eth:ethertype:ip:udp:") for row in rows}
    assert kinds == {"rtp", "sip", "sip:sdp", "syslog"}
    assert {row[1] for row in rows} == {"0x00000001", "0x00000002"}
    assert tshark(path, "-Y", "_ws.malformed || _ws.expert.severity >= 6291456") == ""


def test_the_section_comment_and_the_interface_say_what_a_reader_needs(saved):
    writer, sink = new_writer("audiosocket", command="record")
    writer.close()
    path = saved(sink)
    (comment,) = {row[0] for row in fields(capture_with_one(saved), "frame.interface_name")}
    assert comment == "voipbin"
    length = struct.unpack_from("<I", sink.data, 4)[0]
    section = sink.data[:length]
    told = json.loads(section[section.index(b'{"voipbin"') : section.rindex(b"}") + 1])
    assert told["voipbin"]["encapsulation"] == "audiosocket"
    assert told["voipbin"]["target"] == "call/abc"
    assert told["voipbin"]["command"] == "record"
    assert tshark(path) == ""


def capture_with_one(saved):
    writer, sink = new_writer("sln")
    writer.message(START_NS, IN, b"ab")
    writer.close()
    return saved(sink, "one.pcapng")


def test_events_read_as_words_in_the_packet_list(saved):
    writer, sink = new_writer("sln")
    writer.event(START_NS, CaptureEventName.RTT, {"ms": [12.5]})
    writer.close()
    assert 'LOCAL0.INFO: voipbin: {"event":"rtt","ms":[12.5]}' in tshark(saved(sink))


def test_an_event_may_not_hide_its_own_name():
    writer, _ = new_writer("sln")
    with pytest.raises(ValueError, match="event"):
        writer.event(START_NS, "x", {"event": 1})


def test_every_write_is_whole_blocks():
    writer, sink = new_writer("rtp")
    for n in range(40):
        writer.message(START_NS + n * FRAME_NS, IN, rtp_message(n, payload=bytes(n)))
        writer.event(START_NS, "rtt", {"ms": [n]})
    writer.message(START_NS, OUT, bytes(200_000))
    writer.close()
    for data in sink.writes:
        at = 0
        while at < len(data):
            (length,) = struct.unpack_from("<I", data, at + 4)
            assert length % 4 == 0
            assert data[at + length - 4 : at + length] == data[at + 4 : at + 8]
            at += length
        assert at == len(data)


def test_the_first_rtp_packet_waits_for_the_second_and_no_longer():
    writer, sink = new_writer("rtp")
    before = len(sink.writes)
    writer.message(START_NS, IN, rtp_message(0))
    writer.event(START_NS, "rtt", {"ms": [1]})
    assert len(sink.writes) == before
    writer.message(START_NS + FRAME_NS, IN, rtp_message(1))
    # INVITE, 200 OK, the packet, the event, the second packet.
    assert len(sink.writes) == before + 5
    writer.message(START_NS + 2 * FRAME_NS, IN, rtp_message(2))
    assert len(sink.writes) == before + 6


def test_a_lone_rtp_packet_is_not_lost_at_the_end():
    writer, sink = new_writer("rtp")
    writer.message(START_NS, IN, rtp_message(0))
    writer.close()
    writer.close()
    assert rtp_message(0) in sink.data
    assert sink.closed


def test_what_is_held_is_bounded():
    writer, sink = new_writer("rtp")
    before = len(sink.writes)
    writer.message(START_NS, OUT, rtp_message(0))
    for n in range(40):
        writer.event(START_NS, "rtt", {"ms": [n]})
    assert len(sink.writes) >= before + 32


def test_packets_a_second_apart_hold_the_others_up_once():
    writer, sink = new_writer("rtp")
    for n in range(200):
        if n % 50 == 0:
            writer.message(START_NS + n * FRAME_NS, OUT, rtp_message(n // 50))
        before = len(sink.writes)
        writer.message(START_NS + n * FRAME_NS, IN, rtp_message(n))
        if n >= 32:
            assert len(sink.writes) > before


def test_a_verdict_that_comes_later_corrects_the_first_guess(saved):
    writer, sink = new_writer("rtp")
    for n in range(20):
        if n == 10:
            writer.describe_media(
                START_NS + n * FRAME_NS, IN, payload_type=96, codec="alaw", clock_hz=8000
            )
        writer.message(START_NS + n * FRAME_NS, IN, rtp_message(n))
    writer.describe_media(START_NS, IN, payload_type=96, codec="alaw", clock_hz=8000)
    writer.close()
    path = saved(sink)
    rows = fields(path, "sdp.mime.type", options=("-Y", "sdp"))
    assert rows == [["PCMU"], ["PCMA"]]
    text = tshark(path, "-Y", "rtp")
    assert (text.count("PT=PCMU"), text.count("PT=PCMA")) == (10, 10)


def test_a_verdict_that_is_there_before_the_first_packet_holds_nothing():
    writer, sink = new_writer("rtp")
    writer.describe_media(START_NS, OUT, payload_type=96, codec="s16le", clock_hz=8000)
    before = len(sink.writes)
    writer.message(START_NS, OUT, rtp_message(0))
    assert len(sink.writes) == before + 1


def test_a_message_too_long_for_udp_is_split_and_says_so(saved):
    writer, sink = new_writer("sln")
    writer.message(START_NS, IN, bytes(65_507))
    writer.message(START_NS, IN, bytes(65_508))
    writer.close()
    rows = fields(saved(sink), "udp.length", "frame.comment")
    assert rows == [
        ["65515", ""],
        ["65515", "voipbin part 1 of 2"],
        ["9", "voipbin part 2 of 2"],
    ]


def test_text_messages_have_their_own_port(saved):
    writer, sink = new_writer("rtp")
    writer.message(START_NS, OUT, "grüß")
    writer.close()
    rows = fields(saved(sink), "udp.dstport", "udp.payload")
    assert rows == [["40006", "grüß".encode().hex()]]


VICTIM = """
import os, struct, sys
from voipbin_cli.capture.pcapng_writer import PcapngWriter
from voipbin_cli.capture.captured import CaptureMeta
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
writer = PcapngWriter(open(sys.argv[1], "xb", buffering=0), CaptureMeta(Encapsulation.RTP, "x"))
n = 0
while True:
    message = struct.pack(">BBHII", 0x80, 96, n & 0xFFFF, n * 160, 1) + bytes(160)
    writer.message(n, Direction.IN, message)
    n += 1
    os.write(1, struct.pack("<I", n))
"""


@pytest.mark.parametrize("seed", range(3))
def test_kill_minus_nine_tears_no_block_but_at_a_page_s_end(tmp_path, seed):
    path = tmp_path / "a.pcapng"
    child = subprocess.Popen([sys.executable, "-c", VICTIM, str(path)], stdout=subprocess.PIPE)
    told = child.stdout.read(4)
    time.sleep(0.05 + random.Random(seed).random() / 10)
    os.kill(child.pid, signal.SIGKILL)
    told += child.stdout.read()
    child.stdout.close()
    child.wait()
    given = int.from_bytes(told[-4:], "little")
    with open_capture(path) as capture:
        read = [message.time_ns for message in records_of(capture)]
        # The kernel ends a killed process's write early only where a page of the file ends.
        assert not capture.truncated or path.stat().st_size % mmap.PAGESIZE == 0
    # One more may have been written and not told; the first alone is held for the second.
    assert given - 1 <= len(read) <= given + 1
    assert read == list(range(len(read)))
    if not capture.truncated:
        assert len(fields(path, "rtp.seq", options=("-Y", "rtp"))) == len(read)
