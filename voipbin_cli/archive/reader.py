"""A process that reads files, and may die of one, or never come back from one.

What is read was written by others: a file may make a library crash, or take all the memory there
is. So it is read in a process of its own, which is begun anew where one is lost; that file's row
says what became of it, and the next one is none the worse for it.

Run as a program, this is the process: it takes items from standard input and gives rows back.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import IO, Any

from voipbin_cli.archive.items import Item, contents
from voipbin_cli.archive.rows import FileRows, Status, rows_of, unread

_HEADER_BYTES = 8
# Each core has a reader: threads of numpy's libraries would only be in each other's way.
_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Reader:
    """Diagnoses items, one after the other; not for two threads at once.

    `key` hashes addresses; contents whose ids are in `known` are not diagnosed again. A file may
    take `limit_s` seconds. `close` ends the process.
    """

    def __init__(self, key: bytes | None, known: frozenset[str], limit_s: float) -> None:
        self._told = (key, known)
        self._limit_s = limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._is_late = False

    def read(self, item: Item) -> Iterator[FileRows]:
        """The rows of all files that an item holds."""
        begun = 0
        while True:
            pending, before = "", begun
            self._tell((item, begun))
            while (said := self._answer()) is not None:
                if isinstance(said, FileRows):
                    pending = ""
                    yield said
                elif isinstance(said, str):
                    pending, begun = said, begun + 1
                else:
                    return
            lost = self._lost(pending or item.name)
            if pending or begun == before:
                yield lost
            if begun == before:  # it never came to another file: it would not the next time
                return

    @property
    def pid(self) -> int | None:
        """Of the process; None where there is none now."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _tell(self, told: object) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "voipbin_cli.archive.reader"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | dict.fromkeys(_ONE_THREAD, "1"),
            )
            self._tell(self._told)
            assert self._process.stdout is not None
            _received(self._process.stdout)  # it is ready: the time of a file is its own
        assert self._process.stdin is not None
        with suppress(OSError):  # it is dead, which its output will tell
            _send(self._process.stdin, told)

    def _answer(self) -> Any:
        """What the process says next; None where it is gone, or says nothing for too long."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        self._is_late = False
        late = threading.Timer(self._limit_s, self._end_late)
        late.daemon = True
        late.start()
        try:
            return _received(process.stdout)
        finally:
            late.cancel()

    def _end_late(self) -> None:
        self._is_late = True
        if self._process is not None:
            self._process.kill()

    def _lost(self, name: str) -> FileRows:
        """The row of the file at which the process ended."""
        assert self._process is not None
        status = self._process.wait()
        self.close()
        if self._is_late:
            return unread(name, Status.ENDLESS, f"it took more than {self._limit_s:g} s")
        ended = f"signal {-status}" if status < 0 else f"status {status}"
        return unread(name, Status.DIED, f"what read it ended with {ended}")


def _send(pipe: IO[bytes], value: object) -> None:
    data = pickle.dumps(value)
    pipe.write(len(data).to_bytes(_HEADER_BYTES, "big") + data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> Any:
    """The next value, None at the end."""
    header = pipe.read(_HEADER_BYTES)
    size = int.from_bytes(header, "big")
    data = pipe.read(size)
    return pickle.loads(data) if len(header) == _HEADER_BYTES and len(data) == size else None


def _serve(pipe_in: IO[bytes], pipe_out: IO[bytes]) -> None:
    from voipbin_cli.offline import diagnose  # noqa: F401 - loaded before the first file is

    key, known = _received(pipe_in)
    _send(pipe_out, ())
    while (told := _received(pipe_in)) is not None:
        item, begun = told
        try:
            for name, path in islice(contents(item), begun, None):
                _send(pipe_out, name)
                _send(pipe_out, rows_of(path, key=key, name=name, is_known=known.__contains__))
        except OSError as error:
            why = f"cannot read it: {error.strerror or error}"
            _send(pipe_out, unread(item.name, Status.UNREAD, why))
        _send(pipe_out, ())


def main() -> None:
    """Read items until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began it ends it
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # rather this than anything else, where memory is out
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    with suppress(BrokenPipeError):
        _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
