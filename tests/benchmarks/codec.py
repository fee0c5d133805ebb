"""The codec layer beside audioop, dpkt and aiortc, in one run: python tests/benchmarks/codec.py"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np

from tests.benchmarks.harness import Row, Work, medians_ns, show
from voipbin_cli.codec import codecs, g711, rtp
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.dialect import FrameDecoder
from voipbin_cli.codec.encapsulation import Encapsulation, Packer

HOUR_SAMPLES = 8000 * 3600
BLOCK = 32768


def rival(name: str) -> ModuleType | None:
    """Return the module, None where it is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return import_module(name)
        except ImportError:
            return None


def compare(
    name: str, ours: Work, theirs: Work | None, by: str, target: str, *, unit: str, calls: int
) -> Row:
    """Return one row of the table."""
    scale = {"ms": 1e6, "µs": 1e3}[unit]
    works = [ours] if theirs is None else [ours, theirs]
    times = medians_ns(works, calls=calls, rounds=7 if unit == "ms" else 15)
    return Row(
        name, unit, times[0] / scale, times[1] / scale if theirs is not None else None, by, target
    )


def bulk_rows(audioop: ModuleType | None) -> list[Row]:
    """Return an hour of audio decoded and encoded."""
    rng = np.random.default_rng(1)
    sound = np.clip(rng.laplace(0, 2000, HOUR_SAMPLES), -32768, 32767).astype("<i2").tobytes()
    codes = g711.s16le_to_mulaw(sound)
    blocks = [codes[start : start + BLOCK] for start in range(0, len(codes), BLOCK)]
    decode = encode = in_blocks = None
    if audioop is not None:
        decode = lambda: audioop.ulaw2lin(codes, 2)  # noqa: E731
        encode = lambda: audioop.lin2ulaw(sound, 2)  # noqa: E731
        in_blocks = lambda: [None for b in blocks if not audioop.ulaw2lin(b, 2)]  # noqa: E731
    return [
        compare(f"1 h mu-law {how}", ours, theirs, "audioop", target, unit="ms", calls=1)
        for how, ours, theirs, target in (
            ("decoded to an array", lambda: codecs.samples(Codec.MULAW, codes), decode, ">= 2"),
            ("decoded to bytes", lambda: g711.mulaw_to_s16le(codes), decode, ">= 2"),
            (
                "decoded in blocks of 32 KiB",
                lambda: [None for b in blocks if not g711.mulaw_to_s16le(b)],
                in_blocks,
                "",
            ),
            ("encoded", lambda: g711.s16le_to_mulaw(sound), encode, ">= 6"),
        )
    ]


def frame_rows(audioop: ModuleType | None) -> list[Row]:
    """Return one frame of 160 samples."""
    codes = bytes(range(160))
    sound = g711.mulaw_to_s16le(codes)
    decode = encode = None
    if audioop is not None:
        decode = lambda: audioop.ulaw2lin(codes, 2)  # noqa: E731
        encode = lambda: audioop.lin2ulaw(sound, 2)  # noqa: E731
    return [
        compare(
            "160-byte frame decoded",
            lambda: g711.mulaw_to_s16le(codes),
            decode,
            "audioop",
            "ours <= 2 µs",
            unit="µs",
            calls=5000,
        ),
        compare(
            "160-sample frame encoded",
            lambda: g711.s16le_to_mulaw(sound),
            encode,
            "audioop",
            "",
            unit="µs",
            calls=5000,
        ),
    ]


def rtp_rows() -> list[Row]:
    """Return one packet of 172 bytes, parsed and built."""
    packet = rtp.RtpPacket(
        payload_type=96, sequence_number=7, timestamp=1120, ssrc=5, payload=bytes(range(160))
    )
    data = rtp.build(packet)
    rows = []
    if (dpkt := rival("dpkt.rtp")) is not None:
        rows.append(("dpkt", lambda: dpkt.RTP(data), ">= 2"))
    if (aiortc := rival("aiortc.rtp")) is not None:
        rows.append(("aiortc", lambda: aiortc.RtpPacket.parse(data), ""))
    if (scapy := rival("scapy.layers.rtp")) is not None:
        rows.append(("scapy", lambda: scapy.RTP(data), ""))
    parsed = [
        compare(
            "RTP packet parsed", lambda: rtp.parse(data), work, by, target, unit="µs", calls=5000
        )
        for by, work, target in rows or [("-", None, "")]
    ]
    built = compare(
        "RTP packet built", lambda: rtp.build(packet), None, "-", "", unit="µs", calls=5000
    )
    return [*parsed, built]


def decoder_rows() -> list[Row]:
    """Return the whole way of a message through a settled decoder."""
    rng = np.random.default_rng(2)
    noise = np.convolve(rng.normal(size=160 * 64 + 8), np.ones(8), "same")[: 160 * 64]
    rows = []
    for name, codec, per_sample in (
        ("172-byte RTP message (mu-law)", Codec.MULAW, 1),
        ("332-byte RTP message (linear)", Codec.S16LE, 2),
    ):
        wire = codecs.encode(codec, (noise * 800).astype("<i2").tobytes())
        size = 160 * codec.sample_bytes
        packer = Packer(
            Encapsulation.RTP,
            payload_type=96,
            ssrc=0,
            sequence_number=1,
            timestamp=160,
            timestamp_per_sample=per_sample,
        )
        messages = [packer.pack(wire[i : i + size], 160) for i in range(0, len(wire), size)]
        decoder = FrameDecoder(Encapsulation.RTP)
        for message in messages * 4:
            decoder.feed(message)

        def feed_all(decoder: FrameDecoder = decoder, messages: list[bytes] = messages) -> None:
            for message in messages:
                decoder.feed(message)

        row = compare(name, feed_all, None, "-", "~ 6 µs", unit="µs", calls=20)
        rows.append(row._replace(name=f"{name} fed", ours=row.ours / len(messages)))
    return rows


def main() -> None:
    """Print the table."""
    audioop = rival("audioop")
    show([*bulk_rows(audioop), *frame_rows(audioop), *rtp_rows(), *decoder_rows()])


if __name__ == "__main__":
    main()
