"""The exchange: the rooms of one scenario, the streams in them, and what is planned for them."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.errors import MachineError
from voipbin_cli.simulator.caller.scripted_call import ScriptedCall
from voipbin_cli.simulator.caller.voices import Voices
from voipbin_cli.simulator.far_end import MediaChannel, messages
from voipbin_cli.simulator.load import PlacedCall
from voipbin_cli.simulator.media_stream import MediaStream
from voipbin_cli.simulator.rest_api import Join
from voipbin_cli.simulator.rooms import Room
from voipbin_cli.simulator.scenario import Admission, RoomKind, Scenario
from voipbin_cli.simulator.schedule import MS_NS, SECOND_NS
from voipbin_cli.simulator.sources import SILENT_FRAME, SoundLoop
from voipbin_cli.simulator.ticker import Ticker

_log = logging.getLogger("voipbin_cli.simulator")
_NOTES_KEPT = 200
# The call's clock starts this long after its first stream was accepted; a later stream's first
# frame is the next on that clock, but no sooner than 6 ms from its upgrade (observed: 5 to 45).
_CLOCK_START_NS = 10 * MS_NS
# Clocks start at multiples of this, so that one wake-up serves what is due in many calls.
_PHASE_NS = 5 * MS_NS
_SETTING_UP_NS = 6 * MS_NS


def build_rooms(scenario: Scenario, created_s: float) -> dict[RoomKind, list[Room]]:
    """The calls and conferences of a scenario, with ids that are the same in every run.

    The first of each is what the scenario is about; the other calls are over, and the last
    conference has one member.
    """
    over = Scenario(name=scenario.name, summary="", call_status="hangup")

    def room(kind: RoomKind, number: int, row: Scenario, members: int) -> Room:
        created = created_s - 60.0 * number
        return Room(
            kind, scenario.uuid(f"{kind}/{number}"), row, members=members, created_s=created
        )

    return {
        RoomKind.CALL: [
            room(RoomKind.CALL, number, over if number else scenario, 2)
            for number in range(scenario.calls)
        ],
        RoomKind.CONFERENCE: [
            room(RoomKind.CONFERENCE, number, scenario, members)
            for number, members in enumerate((scenario.members, 1))
        ],
    }


class Exchange:
    """Joins streams to rooms, and runs the rooms' clocks.

    `sound` is what the people say, unless `voices` say it by a script. `wall` gives Unix time in
    seconds. `on_end(room)` is called when a call is over.
    """

    def __init__(
        self,
        scenario: Scenario,
        sound: SoundLoop,
        ticker: Ticker,
        wall: Callable[[], float],
        *,
        voices: Voices | None = None,
        keeps_heard: bool = False,
    ) -> None:
        self.scenario = scenario
        self.rooms = build_rooms(scenario, wall())
        self.violations: deque[str] = deque(maxlen=_NOTES_KEPT)
        self.ends: deque[str] = deque(maxlen=_NOTES_KEPT)
        self.streams_joined = 0
        self.failure: MachineError | None = None
        self.on_end: Callable[[Room], None] = lambda room: None
        self._sound = sound if scenario.phone else SoundLoop(SILENT_FRAME)
        self._ticker = ticker
        self._wall = wall
        self._voices = voices
        self._keeps_heard = keeps_heard
        self._scripted_calls = self._calls_added = 0
        self._outage_until_ns = 0.0
        self._totals = dict.fromkeys(_COUNTED, 0)

    @property
    def target(self) -> Room:
        """The room that the scenario is about."""
        return self.rooms[self.scenario.kind][0]

    @property
    def in_outage(self) -> bool:
        """Whether new streams fail because the last one was lost just now."""
        return self._ticker.clock() < self._outage_until_ns

    def add_call(self) -> Room:
        """One more call, that is up."""
        calls = self.rooms[RoomKind.CALL]
        self._calls_added += 1
        room_id = self.scenario.uuid(f"call/added/{self._calls_added}")
        room = Room(RoomKind.CALL, room_id, self.scenario, members=2, created_s=self._wall())
        room.status = "progressing"
        calls.append(room)
        return room

    def remove_call(self, room: Room) -> None:
        """Forget a call that was added."""
        self.rooms[RoomKind.CALL].remove(room)

    def join(self, stream: MediaStream, encapsulation: Encapsulation) -> None:
        """Start a stream that we have dialed."""
        self.start_stream(stream, Join(stream.room, encapsulation, None))

    def make_stream(self, join: Join) -> MediaStream:
        """Make the stream; an encapsulation that nobody knows is accepted and stays mute."""
        channel = None
        if join.encapsulation in tuple(Encapsulation):
            encapsulation = Encapsulation(join.encapsulation)
            channel = MediaChannel(self.scenario, encapsulation, join.room.queue_rule)
        return MediaStream(join.room, channel, self._ticker, self.note_end, self.note_violation)

    def start_stream(self, stream: MediaStream, join: Join) -> None:
        """Start an accepted stream, and with the first one the room's clock."""
        room = join.room
        if not room.is_progressing or self.scenario.admission is Admission.CLOSE:
            stream.end("nothing to join")
            return
        self.streams_joined += 1
        if room.started_ns is None:
            self._start_clock(room, stream)
        elif room.scripted is not None:
            room.scripted.reconnected()
        room.streams.add(stream)
        if room.tap is not None and stream.channel is not None:
            room.tap.opened(Encapsulation(join.encapsulation))
        if join.expires_s is not None:
            left_s = join.expires_s - self._wall()
            self._at(self._ticker.clock(), left_s, partial(stream.end, "token expired"))
        if stream.channel is None or self.scenario.admission is Admission.MUTE:
            return
        if room.passes_straight_on and not self.scenario.phone:
            return  # the bridge of one member makes no frames of its own
        start = partial(self._start, stream, Encapsulation(join.encapsulation))
        if self.scenario.admission is Admission.MUTE_UNTIL_SENT:
            stream.start_on_first(start)
        else:
            start()

    def _start(self, stream: MediaStream, encapsulation: Encapsulation) -> None:
        seed = f"{self.scenario.seed}/{self.scenario.name}/{self.streams_joined}"
        sound = self._sound if stream.room.scripted is None else stream.room.scripted
        first = stream.room.frame_at(self._ticker.clock() + _SETTING_UP_NS)
        stream.start(
            messages(
                self.scenario,
                encapsulation,
                sound.frame,
                first=first,
                rng=random.Random(seed),
            )
        )

    def _at(self, start_ns: int, after_s: float, action: Callable[[], None]) -> None:
        def job(_now_ns: int) -> None:
            action()

        self._ticker.add_job(start_ns + round(after_s * SECOND_NS), job)

    def _start_clock(self, room: Room, stream: MediaStream) -> None:
        """Start the call's clock, and the times of what the scenario plans for the call."""
        start_ns = self._ticker.clock() + _CLOCK_START_NS
        start_ns += -start_ns % _PHASE_NS
        room.started_ns = start_ns
        room.scripted = self._scripted(room, stream)
        self._ticker.add_job(room.next_play_ns, partial(self._play, room))
        if self.scenario.duration_s is not None:
            self._at(start_ns, self.scenario.duration_s, partial(self.hang_up, room))
        if self.scenario.drop is not None:
            self._at(start_ns, self.scenario.drop.after_s, partial(self.drop, room))

    def _scripted(self, room: Room, stream: MediaStream) -> ScriptedCall | None:
        """The caller who follows a script, where this is a call of one."""
        if self._voices is None or room.scripted is not None:
            return room.scripted
        self._scripted_calls += 1
        return ScriptedCall(
            room.id,
            self._voices,
            stream.queue.level.rule,
            seed=self._scripted_calls,
            on_key=stream.on_key,
            keeps_heard=self._keeps_heard,
        )

    def _play(self, room: Room, _now_ns: int) -> int | None:
        """Play 20 ms to the phone; return the time of the next, None once the call is over."""
        if room.is_over or room.started_ns is None:
            return None
        try:
            room.play()
        except MachineError as error:
            self.failure, room.heard = error, None
            _log.error("%s", error.message)
        if room.scripted is not None and room.scripted.caller.hung_up:
            room.scripted.end("caller")
            self.hang_up(room)
        return room.next_play_ns

    def hang_up(self, room: Room | None = None) -> None:
        """End the call (the scenario's, unless another is named)."""
        room = room or self.target
        if room.is_over:
            return
        if room.scripted is not None:
            room.scripted.end("platform")
        room.hang_up(self._wall())
        self.on_end(room)

    def drop(self, room: Room | None = None) -> None:
        """Lose every connection to the call, which goes on, in the way of the scenario's drop."""
        room = room or self.target
        drop = self.scenario.drop
        if drop is not None:
            self._outage_until_ns = self._ticker.clock() + drop.outage_s * SECOND_NS
        room.was_dropped = True
        room.cut_all(dead=drop is not None and drop.frozen)

    def note_violation(self, what: str) -> None:
        """A client did what the platform's process dies of."""
        if len(self.violations) < _NOTES_KEPT:
            _log.warning("a client broke the contract: %s", what)
        self.violations.append(what)

    def note_end(self, stream: MediaStream, reason: str) -> None:
        """A stream is over."""
        stream.room.streams.discard(stream)
        if stream.room.tap is not None:
            stream.room.tap.ended(by_bot=reason == "closed by the client")
        self.ends.append(reason)
        for name, value in _counts(stream).items():
            self._totals[name] += value

    def report(self) -> dict[str, Any]:
        """What has happened so far: counts over all streams, how they ended, what they broke."""
        rooms = [room for group in self.rooms.values() for room in group]
        running = [stream for room in rooms for stream in room.streams]
        totals = dict(self._totals)
        for stream in running:
            for name, value in _counts(stream).items():
                totals[name] += value
        return {
            **totals,
            "streams_joined": self.streams_joined,
            "streams_now": len(running),
            "status": self.target.status,
            "call_ms": self.target.ticks_played * 20,
            "ends": list(self.ends),
            "violations": list(self.violations),
        }


def placed(room: Room) -> PlacedCall:
    """What came of a scripted call that is over."""
    assert room.scripted is not None
    assert room.started_ns is not None
    return PlacedCall(room.started_ns, room.scripted.outcome(), room.scripted.late_ms)


_COUNTED = ("sent", "received", "dropped", "fed_ms", "heard_ms", "lost_ms", "flushes")


def _counts(stream: Any) -> dict[str, int]:
    level = stream.queue.level
    values = (
        *(stream.sent, stream.received, stream.dropped),
        *(level.fed // 8, level.heard // 8, level.lost // 8, level.flushes),
    )
    return dict(zip(_COUNTED, values, strict=True))
