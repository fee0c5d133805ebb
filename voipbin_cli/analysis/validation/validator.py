"""Judges streams by the rules, both directions, with the same result however they were cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from voipbin_cli.analysis.farend.far_end import FarEnd
from voipbin_cli.analysis.farend.far_queue import CALL, QueueRule
from voipbin_cli.analysis.farend.heard_sound import HeardSound
from voipbin_cli.analysis.messages import EMPTY, Messages, joined
from voipbin_cli.analysis.validation.due import Spec, received, sent, taken_form, unknowing
from voipbin_cli.analysis.validation.judge import Judge, Part
from voipbin_cli.analysis.validation.tally import Tally
from voipbin_cli.codec import rtp
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.codec.fingerprint import Dialect, Fingerprint, name_dialect
from voipbin_cli.errors import DecodeError

# Sent frames that wait for the first received one, which tells what the far end takes: a minute.
_MAX_WAITING = 3000
# Who has heard a second of it had the time to send something.
_LISTENED_FRAMES = 50


class Validator:
    """Judges both directions of one stream; what comes in tells what may go out.

    `directions` are those that are judged; of both the first frames are looked at.
    `has_boundaries` is false where messages were cut out of bare samples here, `is_heard` where
    something beside the packets says that nobody can hear them. `is_two_way`: where nothing that
    was sent is here, nothing was. `queue` is how much may wait at the far end; `heard` gets the
    sound as the phone does.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        spec: Spec = Spec.AUTO,
        *,
        directions: Iterable[Direction] = tuple(Direction),
        is_datagrams: bool = False,
        has_boundaries: bool = True,
        is_heard: bool = True,
        is_two_way: bool = False,
        max_frames: int | None = None,
        queue: QueueRule = CALL,
        heard: HeardSound | None = None,
    ) -> None:
        self.encapsulation = encapsulation
        self.spec = spec
        self.tally = Tally()
        self._directions = frozenset(directions)
        self._manner = {
            "is_datagrams": is_datagrams,
            "has_boundaries": has_boundaries,
            "is_heard": is_heard,
        }
        self._is_two_way = is_two_way and not is_datagrams and len(self._directions) > 1
        self._queue = queue
        self._far_end = None if is_datagrams else FarEnd(queue)
        self._heard = heard
        self._left = dict.fromkeys(Direction, max_frames)
        self._in = Judge(received(encapsulation, spec, **self._manner))
        self._out: Judge | None = None
        self._sent = 0
        self._waiting = EMPTY
        self._fingerprint: Fingerprint | None = None
        self._begin()

    def _begin(self) -> None:
        self._before = self._in.frames, self._sent
        # Only RTP that comes tells what is taken: linear is due in the others.
        if self.encapsulation is not Encapsulation.RTP or self.spec is not Spec.AUTO:
            self._out = self._sent_judge(None)

    def add(self, direction: Direction, frames: Messages) -> Iterator[Part]:
        """Take messages in order; yield what is judged by now."""
        if direction is Direction.IN:
            if self._out is None and (fingerprint := _fingerprint(frames)):
                yield from self._counted(self._decide(fingerprint))
            yield from self._counted(self._in.add(self._wanted(direction, frames)))
            return
        frames = self._wanted(direction, frames)
        if self._out is not None:
            yield from self._counted(self._out.add(frames))
            return
        self._waiting = joined(self._waiting, frames).compact()
        if len(self._waiting) > _MAX_WAITING:
            yield from self._counted(self._decide(None))

    def finish(self) -> Iterator[Part]:
        """Yield the rest: the stream is over, or another connection begins."""
        yield from self._counted(self._in.finish())
        if self._out is None:
            yield from self._counted(self._decide(None))
        if self._out is not None:
            yield from self._counted(self._out.finish())
            if self._is_only_listening(self._out.frames):
                self.tally.add(part := self._out.nothing())
                yield part
            self._sent, self._out = self._out.frames, None
        if self._far_end is not None:
            self._far_end.restart()
        if self._heard is not None:
            self._heard.restart()
        self._begin()

    def _is_only_listening(self, sent_frames: int) -> bool:
        """Whether a connection brought some audio, and nothing was sent into it."""
        received_before, sent_before = self._before
        received = self._in.frames - received_before
        return self._is_two_way and received >= _LISTENED_FRAMES and sent_frames == sent_before

    @property
    def is_full(self) -> bool:
        """As many frames as were asked for have been judged, in each direction."""
        return all(self._left[direction] == 0 for direction in self._directions)

    @property
    def frames(self) -> dict[Direction, int]:
        """How many messages were judged."""
        sent_frames = self._out.frames if self._out else self._sent
        return {Direction.IN: self._in.frames, Direction.OUT: sent_frames}

    @property
    def dialect(self) -> Dialect | None:
        """What is received, None before anything was."""
        codec = self._in.codec
        if codec is None:
            return None
        return name_dialect(self.encapsulation, codec, self._fingerprint)

    def summary(self) -> dict[str, Any]:
        """Return the fields of the summary that the command line promises."""
        frames = self.frames
        dialect = self.dialect
        return {
            "encapsulation": self.encapsulation.value,
            "spec": self.spec.value,
            "dialect": dialect.value if dialect else None,
            "frames": sum(frames.values()),
            "frames_received": frames[Direction.IN],
            "frames_sent": frames[Direction.OUT],
            "far_end": self._far_end.result().as_fields() if self._far_end else None,
            **self.tally.as_fields(),
        }

    def _wanted(self, direction: Direction, frames: Messages) -> Messages:
        """As many as are to be judged."""
        if direction not in self._directions:
            return EMPTY
        left = self._left[direction]
        if left is None:
            return frames
        wanted = frames.part(0, left) if len(frames) > left else frames
        self._left[direction] = left - len(wanted)
        return wanted

    def _decide(self, fingerprint: Fingerprint | None) -> Iterator[Part]:
        """Begin to judge what is sent.

        What was sent before anything came could not know what the far end takes: there it is
        held to all else.
        """
        self._fingerprint = self._fingerprint or fingerprint
        waiting, self._waiting = self._waiting, EMPTY
        early: list[Part] = []
        if fingerprint is not None and len(waiting):
            due = unknowing(sent(self.encapsulation, self.spec, fingerprint, queue=self._queue))
            judge = Judge(due, self._sent, self._far_end)
            early = [*judge.add(waiting), *judge.finish()]
            waiting, self._sent = EMPTY, judge.frames
        self._out = self._sent_judge(fingerprint)
        return chain(early, self._out.add(waiting))

    def _sent_judge(self, fingerprint: Fingerprint | None) -> Judge:
        due = sent(self.encapsulation, self.spec, fingerprint, queue=self._queue, **self._manner)
        return Judge(due, self._sent, self._far_end)

    def _counted(self, parts: Iterable[Part]) -> Iterator[Part]:
        for part in parts:
            self.tally.add(part)
            if self._heard is not None and part.direction is Direction.OUT:
                taken = taken_form(self.encapsulation, self.spec, self._fingerprint)
                self._heard.add(part.facts.messages, taken)
            yield part


def _fingerprint(frames: Messages) -> Fingerprint | None:
    """The first packet's fields by which a far end can be told, None without one."""
    for n in range(min(len(frames), _MAX_WAITING)):
        try:
            packet = rtp.parse(frames.message(n))
        except DecodeError:
            continue
        return Fingerprint(packet.payload_type, packet.ssrc, packet.sequence_number)
    return None
