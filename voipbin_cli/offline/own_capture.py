"""Our own captures, step by step: what was received, what was sent, and what happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Mask
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_columns, from_messages
from voipbin_cli.capture.capture_file import Capture
from voipbin_cli.capture.captured import CapturedEvent, CapturedMessage, CaptureEventName
from voipbin_cli.capture.own_messages import MessageChunk
from voipbin_cli.capture.records import DIRECTION_CODES
from voipbin_cli.codec.encapsulation import Direction


class Passage(NamedTuple):
    """Messages of one direction, in order; `client` is the proxy's client whose they are."""

    direction: Direction
    messages: Messages
    client: int = 0


Step = Passage | CapturedEvent


def steps(capture: Capture, events: Collection[str]) -> Iterator[Step]:
    """Walk through a capture of ours; events that are not in `events` are passed over.

    Steps are in file order. Between two events the directions are apart: first what was sent
    before anything was received, then what was received, then what was sent after that. So whoever
    judges what is sent by what is received knows what the sender could not know yet.
    """
    for chunk in capture.message_chunks():
        yield from _steps_of(chunk, events)


def is_reconnection(event: CapturedEvent) -> bool:
    """Whether another connection of the stream begins here, the first one not counted.

    Each client of a proxy has a stream of its own.
    """
    is_another = bool(event.fields.get("connection")) and "client" not in event.fields
    return event.name == CaptureEventName.OPEN and is_another


def _steps_of(chunk: MessageChunk, events: Collection[str]) -> Iterator[Step]:
    start = 0
    for position, record in chunk.others:
        if isinstance(record, CapturedEvent) and record.name not in events:
            continue
        stop = int(chunk.position.searchsorted(position))
        yield from _passages(chunk, start, stop)
        start = stop
        yield record if isinstance(record, CapturedEvent) else _single(record)
    yield from _passages(chunk, start, len(chunk.position))


def _single(message: CapturedMessage) -> Passage:
    row = TimedMessage(message.data, message.time_ns)
    return Passage(message.direction, from_messages([row]), message.client)


def _passages(chunk: MessageChunk, start: int, stop: int) -> Iterator[Passage]:
    if start == stop:
        return
    received = chunk.direction[start:stop] == DIRECTION_CODES[Direction.IN]
    messages = from_columns(
        chunk.data,
        chunk.offset[start:stop],
        chunk.length_bytes[start:stop],
        time_ns=chunk.time_ns[start:stop],
        size=chunk.wire_bytes[start:stop],
    )
    clients = chunk.client[start:stop]
    if (clients == clients[0]).all():
        yield from _of_client(messages, received, int(clients[0]))
        return
    for client in np.unique(clients).tolist():
        theirs = clients == client
        yield from _of_client(messages.chosen(theirs), received[theirs], client)


def _of_client(messages: Messages, received: Mask, client: int) -> Iterator[Passage]:
    if received.all():
        yield Passage(Direction.IN, messages, client)
        return
    early = int(received.argmax()) if received.any() else len(received)
    if early:
        yield Passage(Direction.OUT, messages.part(0, early), client)
    if early < len(received):
        yield Passage(Direction.IN, messages.chosen(received), client)
    late = ~received
    late[:early] = False
    if late.any():
        yield Passage(Direction.OUT, messages.chosen(late), client)
