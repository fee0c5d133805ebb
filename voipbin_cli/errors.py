"""Every way in which this program gives up, with the exit status that scripts key on."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class ExitStatus(IntEnum):
    """Exit statuses of every command; the man pages print the same list."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONNECTION = 3
    REFUSED = 4
    MACHINE = 5
    FOUND = 6
    INTERRUPTED = 130


class VoipbinError(Exception):
    """Something the user can be told in one line, with one line of what to do.

    `details` holds what scripts get beside `message` and `hint` (`http_status`, `reason`,
    `request_id`); it never holds a secret.
    """

    status = ExitStatus.BUG

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = {name: value for name, value in details.items() if value is not None}


class UsageError(VoipbinError):
    """Wrong usage: an option, a TARGET, an input file, or an output that exists."""

    status = ExitStatus.USAGE


class ConnectionFailed(VoipbinError):
    """No connection, or it was lost and not won back, or nothing ever arrived."""

    status = ExitStatus.CONNECTION


class NothingToJudge(VoipbinError):
    """There was no frame in what was to be judged."""

    status = ExitStatus.CONNECTION


class Refused(VoipbinError):
    """The server answered, and the answer is no."""

    status = ExitStatus.REFUSED


class IsConference(Refused):
    """No call has the id that was given alone, but a conference has: `target` names that."""

    def __init__(self, identifier: str) -> None:
        self.target = f"conference/{identifier}"
        super().__init__(
            f"no call has the id {identifier}, but a conference has",
            hint=f"give {self.target}",
            http_status=404,
            reason="CALL_NOT_FOUND",
        )


class MachineError(VoipbinError):
    """This machine: audio device, disk full, cannot write."""

    status = ExitStatus.MACHINE


class DecodeError(VoipbinError):
    """Bytes that are not what they should be: the peer's or the file's fault.

    `slug` is stable and meant for tests and scripts; the sentence is free to change; `offset`
    is the index of the first offending byte.
    """

    status = ExitStatus.USAGE

    def __init__(self, slug: str, sentence: str, *, offset: int = 0) -> None:
        super().__init__(sentence)
        self.slug = slug
        self.offset = offset
