"""An event loop that ends when its work does, though a name is still being looked up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` as `asyncio.run` does, but leave behind what its threads have not finished.

    getaddrinfo(3) cannot be cancelled: with nameservers that do not answer it takes 10 s and
    more, and asyncio.run waits for it whatever time limit has passed, or Ctrl-C.
    """
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Unawaited(max_workers=1))
        return runner.run(main)


class _Unawaited(ThreadPoolExecutor):
    """A daemon thread for each call; asyncio takes only kinds of ThreadPoolExecutor."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="voipbin-lookup", daemon=True).start()
        return future
