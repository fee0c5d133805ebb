"""Calls and conferences: their clock, their state as the API shows it, and the streams in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from voipbin_cli.analysis.farend import far_queue as farqueue
from voipbin_cli.analysis.farend.far_queue import FarQueue, QueueRule
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES
from voipbin_cli.simulator.call_tap import CallTap
from voipbin_cli.simulator.caller.scripted_call import ScriptedCall
from voipbin_cli.simulator.phone import Heard, mix
from voipbin_cli.simulator.scenario import RoomKind, Scenario

_CONFERENCE_STATUS = {"ringing": "starting", "hangup": "terminated"}
_OVER = ("hangup", "terminated")
# The phone plays half a frame (10 ms) after the far end sends: the jitter of a client that sends in
# step with what it gets then decides nothing.
_PLAY_OFFSET_NS = FRAME_NS // 2


class RoomMember(Protocol):
    """What a room needs of a media stream."""

    queue: FarQueue

    def cut(self, *, dead: bool = False) -> None:
        """End it with no close frame; `dead`: without closing anything."""


class Room:
    """One call or conference.

    Its clock starts (`started_ns`) when the first stream joins, so that a scenario's schedule is
    the same in every run. `scripted`: its caller follows a script.
    """

    def __init__(
        self, kind: RoomKind, room_id: str, scenario: Scenario, *, members: int, created_s: float
    ) -> None:
        self.kind = kind
        self.id = room_id
        self.members = members
        self.scenario = scenario
        self.status = scenario.call_status
        if kind is RoomKind.CONFERENCE:
            self.status = _CONFERENCE_STATUS.get(self.status, self.status)
        self.created_s = created_s
        self.ended_s: float | None = None
        self.started_ns: int | None = None
        self.streams: set[RoomMember] = set()
        self.heard: Heard | None = None
        self.scripted: ScriptedCall | None = None
        self.tap: CallTap | None = None
        self.ticks_played = 0
        self.was_dropped = False

    @property
    def is_progressing(self) -> bool:
        """Whether media can be joined."""
        return self.status == "progressing"

    @property
    def is_over(self) -> bool:
        """Whether it has ended for good."""
        return self.status in _OVER

    @property
    def passes_straight_on(self) -> bool:
        """Whether this is a conference of one member, whose frames are handed on as they come."""
        return self.kind is RoomKind.CONFERENCE and self.members == 1

    @property
    def queue_rule(self) -> QueueRule:
        """How much audio may wait for the phone here, and what an overflow does to it."""
        if self.kind is RoomKind.CONFERENCE:
            return farqueue.CONFERENCE_OF_ONE if self.members == 1 else farqueue.CONFERENCE
        return farqueue.CALL if self.scenario.phone else farqueue.CALL_WITHOUT_RTP

    def frame_at(self, now_ns: int) -> int:
        """The number of the next frame on the call's clock."""
        assert self.started_ns is not None
        return max(0, -(-(now_ns - self.started_ns) // FRAME_NS))

    def play(self) -> None:
        """Let the phone hear the next 20 ms of what waits in every stream's queue."""
        self.ticks_played += 1
        pcm = mix(stream.queue.play() for stream in self.streams)
        if self.scripted is not None:
            self.scripted.hear(pcm)
        if self.heard is not None:
            self.heard(pcm)

    @property
    def next_play_ns(self) -> int:
        """When the phone plays the next 20 ms."""
        assert self.started_ns is not None
        return self.started_ns + _PLAY_OFFSET_NS + self.ticks_played * FRAME_NS

    def took(self, pcm: bytes, waiting: int | None, now_ns: int) -> None:
        """A message of a stream came, behind `waiting` samples; None: it was thrown away."""
        if self.scripted is not None and self.started_ns is not None:
            begins_ns = None
            if waiting is not None:
                begins_ns = self.next_play_ns - self.started_ns
                begins_ns += waiting * FRAME_NS // FRAME_SAMPLES
            self.scripted.take(now_ns - self.started_ns, begins_ns, pcm)

    def flushed(self, now_ns: int) -> None:
        """All that waited of a stream was thrown away, as it had asked."""
        if self.scripted is not None and self.started_ns is not None:
            self.scripted.flush(now_ns - self.started_ns)

    def hang_up(self, now_s: float) -> None:
        """End it: first the status that the API shows, then every stream, with no close frame."""
        self.status = "terminated" if self.kind is RoomKind.CONFERENCE else "hangup"
        self.ended_s = now_s
        self.cut_all()

    def cut_all(self, *, dead: bool = False) -> None:
        """End every stream with no close frame while the call goes on."""
        for stream in tuple(self.streams):
            stream.cut(dead=dead)

    def to_json(self) -> dict[str, Any]:
        """The object that the API shows."""
        return _VIEWS[self.kind](self)


def timestamp(at_s: float) -> str:
    """A time as the API writes it."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _address(number: str) -> dict[str, str]:
    return {"type": "tel", "target": number, "target_name": "", "name": "", "detail": ""}


def _call(room: Room) -> dict[str, Any]:
    """A call; its `tm_*` fields are absent until they happen."""
    scenario = room.scenario
    view: dict[str, Any] = {
        "id": room.id,
        "customer_id": scenario.uuid("customer"),
        "type": "flow",
        "source": _address("+15550100"),
        "destination": _address("+15550101"),
        "status": room.status,
        "mute_direction": scenario.mute_direction,
        "direction": "incoming",
        "hangup_by": "",
        "hangup_reason": "",
        "tm_create": timestamp(room.created_s),
        "tm_ringing": timestamp(room.created_s + 0.1),
        "tm_update": timestamp(room.ended_s or room.created_s),
    }
    if room.is_progressing or room.is_over:
        view["tm_progressing"] = timestamp(room.created_s + 1.0)
    if room.is_over:
        view |= {"hangup_by": "remote", "hangup_reason": "normal"}
        view["tm_hangup"] = timestamp(room.ended_s or room.created_s + 2.0)
    return view


def _conference(room: Room) -> dict[str, Any]:
    """A conference; its `tm_*` fields are null until they happen."""
    scenario = room.scenario
    ended = timestamp(room.ended_s or room.created_s) if room.is_over else None
    return {
        "id": room.id,
        "customer_id": scenario.uuid("customer"),
        "type": "conference",
        "status": room.status,
        "name": "simulated",
        "detail": f"{room.members} members",
        "conferencecall_ids": [scenario.uuid(f"{room.id}/member/{n}") for n in range(room.members)],
        "tm_create": timestamp(room.created_s),
        "tm_end": ended,
        "tm_update": None,
        "tm_delete": None,
    }


_VIEWS: dict[RoomKind, Callable[[Room], dict[str, Any]]] = {
    RoomKind.CALL: _call,
    RoomKind.CONFERENCE: _conference,
}
