"""How many scripted calls this machine carries just now, measured before it measures a bot."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable

from websockets.protocol import State
from websockets.server import ServerProtocol

from voipbin_cli.analysis.farend.far_queue import CALL, SILENT_TICK
from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.caller.scripted_call import ScriptedCall
from voipbin_cli.simulator.caller.voices import Voices
from voipbin_cli.simulator.far_end import MediaChannel, messages
from voipbin_cli.simulator.scenario import Scenario

_FRAMES = 400
# Above this share of a core frames begin to be late by chance; and the event loop, and what this
# loop leaves out, cost about as much again as half of what is measured here.
_BUSY_SHARE = 0.6
_OVERHEAD = 1.5


def own_limit(
    scenario: Scenario,
    encapsulation: Encapsulation,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> int:
    """Go through some seconds of a call as fast as it goes, over a pair of sockets of our own.

    `clock` is in ns and goes on while others have the machine: what they take is not ours.
    """
    assert scenario.caller is not None
    call = ScriptedCall("", Voices(scenario.caller), CALL)
    channel = MediaChannel(scenario, encapsulation, CALL)
    schedule = messages(scenario, encapsulation, call.frame, rng=random.Random(1))
    protocol = ServerProtocol(state=State.OPEN)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        began_ns = clock()
        for number in range(_FRAMES):
            body = next(schedule).body
            protocol.send_binary(body)
            ours.send(b"".join(protocol.data_to_send()))
            theirs.recv(4096)
            # As a client's message: masked, with a key of zeros.
            theirs.send(bytes([0x82, 0xFE, *len(body).to_bytes(2, "big"), 0, 0, 0, 0]) + body)
            protocol.receive_data(ours.recv(4096))
            for frame in protocol.events_received():
                now_ns = number * FRAME_NS
                effect = channel.take_message(bytes(frame.data), now_ns)  # type: ignore[union-attr]
                call.take(now_ns, now_ns, effect.pcm)
            call.hear(channel.queue.play() or SILENT_TICK)
        took_ns = (clock() - began_ns) / _FRAMES
    return max(1, int(_BUSY_SHARE * FRAME_NS / (_OVERHEAD * took_ns)))
