"""What a child process writes to its stderr, while a view holds the terminal."""

from __future__ import annotations

import asyncio
import codecs
import os
from collections.abc import Callable

_AT_ONCE_BYTES = 65536


class ChildErrors:
    """A pipe for a child's stderr; `said` gets its text as it comes, in pieces of any length."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._read_end: int | None
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)

    def started(self) -> None:
        """The child has its end: read ours."""
        os.close(self.write_end)
        assert self._read_end is not None
        asyncio.get_running_loop().add_reader(self._read_end, self._read)

    def failed(self) -> None:
        """There is no child."""
        os.close(self.write_end)
        self._close()

    def finish(self) -> None:
        """The child is over: take what is there; who inherited its stderr is not waited for."""
        while self._read():
            pass
        if self._read_end is not None:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self._close()

    def _read(self) -> bool:
        """Pass on what is there; return whether there may be more."""
        if self._read_end is None:
            return False
        try:
            data = os.read(self._read_end, _AT_ONCE_BYTES)
        except BlockingIOError:
            return False
        if not data:
            asyncio.get_running_loop().remove_reader(self._read_end)
            self._close()
            return False
        self._said(self._decoder.decode(data))
        return True

    def _close(self) -> None:
        if self._read_end is not None:
            os.close(self._read_end)
            self._read_end = None
