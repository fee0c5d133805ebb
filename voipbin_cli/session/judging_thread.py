"""Judging beside the relaying: a thread, so that no frame waits for what is said of others."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol

from voipbin_cli.analysis.conversation.talk_watch import TalkGlance
from voipbin_cli.codec.encapsulation import Direction
from voipbin_cli.session.talk_watching import TalkWatching
from voipbin_cli.transport.connection import Message

# Each time the relay has waited for a socket it wants the interpreter back, and gets it after so
# long at the most; Python's own 5 ms would be a quarter of a frame.
SWITCH_S = 0.0001
# So many messages are handed over at once: a second of both directions.
_BATCH = 100


class TalkJudge(Protocol):
    """Hears both ways of one client's stream, in a thread of its own, in order."""

    def hear(self, direction: Direction, message: Message) -> None:
        """A message has come by."""

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """This process woke up so late."""

    def over(self, at_ns: int, pings: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """The client or its far end is gone; `fields` as a capture has them of a close."""


class JudgingThread:
    """Runs what it is given, in order. The first error ends that, and `finish` raises it."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._error: BaseException | None = None
        self._usual_s = sys.getswitchinterval()
        self._thread = threading.Thread(target=self._run, name="judging", daemon=True)

    def start(self) -> None:
        """Begin."""
        sys.setswitchinterval(SWITCH_S)
        self._thread.start()

    def put(self, work: Callable[[], None]) -> None:
        """Do this after all that was given before."""
        self._work.put(work)

    def finish(self) -> None:
        """Wait until all of it is done. Raises what it raised."""
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join()
        sys.setswitchinterval(self._usual_s)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if self._error is None:
                try:
                    work()
                except BaseException as error:
                    self._error = error


class JudgeAside:
    """Hands what a judge is to hear to the thread, some messages at a time.

    `watching` hears the same from the first look on: what nobody watches costs nothing.
    """

    def __init__(self, judge: TalkJudge, thread: JudgingThread, watching: TalkWatching) -> None:
        self.frames = dict.fromkeys(Direction, 0)
        self._judge = judge
        self._thread = thread
        self._watching = watching
        self._glance = TalkGlance()
        self._is_watched = self._is_looking = False
        self._held: list[Callable[[], None]] = []

    def hear(self, direction: Direction, message: Message) -> None:
        """Hand it over, now or with those that follow."""
        self.frames[direction] += 1
        self._hold(partial(self._hear, direction, message))

    def look(self, now_ns: int) -> TalkGlance:
        """Return how it stood at the look before, and have the thread look again."""
        self._is_watched = True
        if not self._is_looking:
            self._is_looking = True
            self._held.append(partial(self._look, now_ns))
            self._pass_on()
        return self._glance

    def _hear(self, direction: Direction, message: Message) -> None:
        self._judge.hear(direction, message)
        if self._is_watched:
            self._watching.hear(direction, message)

    def _look(self, now_ns: int) -> None:
        self._glance = self._watching.look(now_ns)
        self._is_looking = False

    def tell(self, work: Callable[[], None]) -> None:
        """Have the judge told something in its place among the messages."""
        self._hold(work)

    def lagged(self, at_ns: int, late_ns: int) -> None:
        """Hand that over in its place among the messages."""
        self._hold(partial(self._judge.lagged, at_ns, late_ns))

    def over(self, at_ns: int, pings: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        """Hand over the rest."""
        self._held.append(partial(self._judge.over, at_ns, pings, fields))
        self._pass_on()

    def _hold(self, work: Callable[[], None]) -> None:
        self._held.append(work)
        if len(self._held) >= _BATCH:
            self._pass_on()

    def _pass_on(self) -> None:
        held, self._held = self._held, []
        self._thread.put(partial(_do_all, held))


def _do_all(works: list[Callable[[], None]]) -> None:
    for work in works:
        work()
