"""What RTP timestamps count."""

from __future__ import annotations

from voipbin_cli.codec.rtp import RtpPacket
from voipbin_cli.codec.timestamps import TimestampSteps


def observed(*packets: tuple[int, int, int]) -> TimestampSteps:
    steps = TimestampSteps()
    for sequence_number, timestamp, size in packets:
        steps.observe(
            RtpPacket(
                payload_type=96,
                sequence_number=sequence_number,
                timestamp=timestamp,
                ssrc=0,
                payload=bytes(size),
            )
        )
    return steps


def test_a_step_needs_two_packets_in_a_row() -> None:
    assert observed().usual() is None
    assert observed((1, 160, 160)).usual() is None
    assert observed((1, 160, 160), (3, 480, 160)).usual() is None


def test_the_usual_step_survives_both_wraps_and_a_jump() -> None:
    steps = observed(
        (65534, 2**32 - 160, 160), (65535, 0, 160), (0, 160, 160), (1, 99999, 160), (2, 100159, 160)
    )
    assert steps.usual() == (160, 160)


def test_the_only_step_may_be_over_both_wraps() -> None:
    assert observed((65535, 2**32 - 160, 160), (0, 0, 160)).usual() == (160, 160)


def test_a_step_belongs_to_the_size_it_was_seen_with() -> None:
    # The step from one packet to the next is the length of the first.
    steps = observed((1, 0, 320), (2, 160, 320), (3, 320, 160))
    assert (steps.step_for(320), steps.step_for(160)) == (160, None)


def test_a_clock_that_jumps_at_every_packet_cannot_make_it_grow() -> None:
    steps = observed(*((n, n * n * 1000, 160) for n in range(200)))
    assert len(steps._steps) <= 64
