"""Rules judged live, in both directions, and again from the capture of the same run."""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.session.fakes import CLOSED, Say, Wait, far_end, frames, packet
from tests.session.test_play import Told
from tests.support.peer import vector_messages
from tests.support.virtual_time import VirtualTimeLoop, run_virtually
from voipbin_cli.analysis.validation.judge import Part, Violation
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.offline.validate import FileValidation
from voipbin_cli.session.ending import Cause, Close
from voipbin_cli.session.sender import Voice
from voipbin_cli.session.session import Session, SessionRequest
from voipbin_cli.session.validate import LiveValidation, validate_session

Found = list[tuple[str, str, int]]
DEPLOYED = [Say((data,)) for _, data in vector_messages("rtp-deployed")]


def as_found(violations: list[Violation], rule: str) -> Found:
    return [(v.rule.id, v.direction.value, v.frame) for v in violations if v.rule.id == rule]


class Judged:
    """A run, what it found, and what its capture shows again."""

    def __init__(
        self, script: list[Any], path: Path, scope: Scope, *, keepalive: bool = True
    ) -> None:
        self.violations: list[Violation] = []
        with far_end([script]) as far:
            request = SessionRequest(far.request(keepalive=keepalive), capture=str(path))
            judge = LiveValidation(request, scope, lambda p: self.violations.extend(p.violations()))

            async def main(loop: VirtualTimeLoop) -> tuple[Session, Close]:
                session = validate_session(
                    request, Told(), judge, clock=loop.time_ns, rng=Random(1)
                )
                return session, await session.run()

            self.session, self.close = run_virtually(main)
            self.sent = far.connections[0].sent
        self.groups = judge.groups()
        again = FileValidation(str(path), scope, None)
        self.again = [v for part, _ in again.parts() for v in part.violations()]
        self.again_summary = again.summary

    def _note(self, part: Part) -> None:
        self.violations.extend(part.violations())


def with_ssrc(data: bytes, ssrc: int) -> bytes:
    return data[:8] + struct.pack("!I", ssrc) + data[12:]


def test_a_source_that_changes_in_what_is_received_is_told_live_and_from_the_capture(
    tmp_path: Path,
) -> None:
    changed = [Say((with_ssrc(packet(n), 0xBADCAFE),)) for n in range(10, 20)]
    run = Judged([*frames(10), *changed, CLOSED], tmp_path / "a.pcapng", Scope())
    # Frame 10 is the first of the other source.
    expected = [("rtp-ssrc-changed", "in", 10)]
    assert as_found(run.violations, "rtp-ssrc-changed") == expected
    assert as_found(run.again, "rtp-ssrc-changed") == expected
    assert run.session.summary(run.close) == run.again_summary | {"target": "a call"}


def test_what_keeps_a_far_end_awake_is_one_source(tmp_path: Path) -> None:
    run = Judged([Wait(1.01), *DEPLOYED, Wait(3.0), CLOSED], tmp_path / "a.pcapng", Scope())
    assert len(run.sent) >= 8
    assert as_found(run.violations, "rtp-ssrc-changed") == []
    assert as_found(run.again, "rtp-ssrc-changed") == []


def test_a_source_that_changes_in_what_is_sent_is_told_live_and_from_the_capture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that begins anew with its fourth message."""
    message = Voice.message

    def forgetful(voice: Voice, *args: Any, **named: Any) -> bytes:
        sent.append(1)
        if len(sent) == 4:
            voice.restart()
        return message(voice, *args, **named)

    sent: list[int] = []
    monkeypatch.setattr(Voice, "message", forgetful)
    run = Judged([Wait(1.01), *DEPLOYED, Wait(3.0), CLOSED], tmp_path / "a.pcapng", Scope())
    expected = [("rtp-ssrc-changed", "out", 3)]
    assert as_found(run.violations, "rtp-ssrc-changed") == expected
    assert as_found(run.again, "rtp-ssrc-changed") == expected


def test_the_most_frames_that_were_asked_for_end_the_run_as_finished(tmp_path: Path) -> None:
    scope = Scope(direction=Direction.IN, max_frames=25)
    run = Judged([*frames(500)], tmp_path / "a.pcapng", scope, keepalive=False)
    assert run.close.cause is Cause.FINISHED
    assert run.session.summary(run.close)["frames"] == 25
    assert run.session.problem(run.close) is None
