from __future__ import annotations

import asyncio
import socket

import pytest

from voipbin_cli.session.loop_turns import LoopTurns


def test_pieces_are_done_in_order_and_what_the_sockets_brought_comes_between():
    async def main() -> list[str]:
        done: list[str] = []
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        with near, far:
            loop.add_reader(near, lambda: done.append(near.recv(1).decode()))
            turns = LoopTurns()
            for n in range(3):

                def piece(n: int = n) -> None:
                    done.append(f"piece {n}")
                    far.send(str(n).encode())

                turns(piece)
            assert done == []
            while len(done) < 6:
                await asyncio.sleep(0.001)
            loop.remove_reader(near)
        return done

    assert asyncio.run(main()) == ["piece 0", "0", "piece 1", "1", "piece 2", "2"]


def test_finish_does_what_waits_now_and_no_turn_is_left():
    async def main() -> list[int]:
        done: list[int] = []
        turns = LoopTurns()
        for n in range(3):
            turns(lambda n=n: done.append(n))
        turns.finish()
        assert done == [0, 1, 2]
        turns(lambda: done.append(3))
        await asyncio.sleep(0.01)
        return done

    assert asyncio.run(main()) == [0, 1, 2, 3]


def test_an_error_is_raised_by_who_comes_next_and_by_the_end():
    async def main() -> None:
        turns = LoopTurns()
        turns(lambda: 1 // 0)
        turns(lambda: None)
        await asyncio.sleep(0.01)
        with pytest.raises(ZeroDivisionError):
            turns(lambda: None)
        with pytest.raises(ZeroDivisionError):
            turns.finish()

    asyncio.run(main())
