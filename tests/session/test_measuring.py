from __future__ import annotations

import pytest

from tests.support.peer import vector_messages
from voipbin_cli.analysis.facts.frames import Message as Row
from voipbin_cli.analysis.facts.frames import from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.session.measuring import Measuring
from voipbin_cli.transport.connection import Message

SECOND = [Message(at_ns, data) for at_ns, data in vector_messages("rtp-deployed")]


def test_the_figures_are_those_of_messages_fed_one_by_one():
    fold, plain = StreamFold(Encapsulation.RTP), StreamFold(Encapsulation.RTP)
    measuring = Measuring(fold)
    broke_at_ns = SECOND[36].arrival_ns + 1
    for start, end in ((0, 1), (1, 31), (31, 33), (33, 37)):
        measuring.take(SECOND[start:end])
    measuring.broke(broke_at_ns)
    measuring.take(SECOND[40:])
    measuring.flush()
    for n, message in enumerate(SECOND):
        if n == 37:
            plain.broke(broke_at_ns)
        if not 37 <= n < 40:
            plain.add(from_messages([Row(message.data, message.arrival_ns)]))
    plain.flush()
    assert fold.measured() == plain.measured()
    assert fold.measured().frames == len(SECOND) - 3


@pytest.mark.parametrize("count", [24, 25, 26])
def test_the_fold_has_a_block_as_soon_as_it_is_whole(count):
    fold = StreamFold(Encapsulation.RTP)
    measuring = Measuring(fold)
    for message in SECOND[:count]:
        measuring.take([message])
    assert fold.measured().messages == (25 if count >= 25 else 0)
    measuring.catch_up()
    assert fold.measured().messages == count
