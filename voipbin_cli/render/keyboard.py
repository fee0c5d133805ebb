"""Single keys of a terminal while a stream runs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

KeyBindings = Mapping[str, Callable[[], None]]


@contextmanager
def keys_read(bindings: KeyBindings) -> Iterator[None]:
    """Call what is bound to each key as it is pressed, inside a running event loop.

    Does nothing without bindings, without a terminal on stdin, or where terminals have no
    termios (Windows): Ctrl-C works everywhere.
    """
    try:
        import termios
        import tty
    except ImportError:
        bindings = {}
    if not bindings or not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    loop = asyncio.get_running_loop()

    def pressed() -> None:
        for key in os.read(descriptor, 64).decode(errors="ignore"):
            if key in bindings:
                bindings[key]()

    try:
        tty.setcbreak(descriptor)
        loop.add_reader(descriptor, pressed)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
