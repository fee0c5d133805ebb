"""`--heard FILE`: the sound as the callee gets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def hearing(
    path: str | None, *, capture: str | None = None, overwrite: bool = False
) -> Iterator[Callable[[bytes], None] | None]:
    """Give what takes the samples for `path`, and finish the file; None where none is wanted.

    `capture` is another file of the same run; `overwrite` replaces a file that exists.
    Says so where there was nothing to hear.
    Raises UsageError and MachineError as files do.
    """
    from voipbin_cli.media.kept_sound import KeptSound
    from voipbin_cli.render.problems import say

    if path is None:
        yield None
        return
    sound = KeptSound(path, capture=capture, overwrite=overwrite)
    try:
        yield sound.write
    finally:
        sound.close()
    if sound.is_empty:
        say(f"nothing was sent that anybody could hear: {path} was not made")
