"""What one file comes to, as rows: the function that an engine maps over an archive."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from voipbin_cli.archive.columns import FINDINGS, STREAMS, Row, taken
from voipbin_cli.errors import NothingToJudge, VoipbinError

if TYPE_CHECKING:
    from voipbin_cli.offline.diagnose import DiagnosedStream

_READ_BYTES = 1 << 20
_ID_BYTES = 16
_HIDDEN_BYTES = 8


class Status(StrEnum):
    """What became of a file."""

    DIAGNOSED = "diagnosed"
    EMPTY = "empty"
    UNREAD = "unread"
    COPY = "copy"
    KNOWN = "known"
    DIED = "died"
    ENDLESS = "took too long"
    FAILED = "failed"

    @property
    def is_trouble(self) -> bool:
        """Somebody should look at the file."""
        return self not in (Status.DIAGNOSED, Status.EMPTY, Status.COPY, Status.KNOWN)


STATUS_WORDS = {
    Status.DIAGNOSED: "It holds streams, which have their rows",
    Status.EMPTY: "It was read, and holds no stream",
    Status.UNREAD: "It cannot be opened, is damaged, or is nothing that is read",
    Status.COPY: "Its content is that of another file, which has the rows",
    Status.KNOWN: "An earlier run wrote its rows: of this one it has none",
    Status.DIED: "What read it ended: it crashed a library, or took all the memory",
    Status.ENDLESS: "It took longer than --file-limit",
    Status.FAILED: "Reading it met a mistake in this program: please report it",
}


@dataclass(frozen=True, slots=True)
class FileRows:
    """What one file came to: its row, and those of its streams and of their findings."""

    file: Row
    streams: tuple[Row, ...] = ()
    findings: tuple[Row, ...] = ()

    @property
    def status(self) -> Status:
        """What became of it."""
        return Status(self.file["status"])

    @property
    def id(self) -> str:
        """Of its content; empty where it could not be read."""
        return str(self.file["file_id"] or "")

    def as_copy(self) -> FileRows:
        """The rows of a file whose content has its rows already."""
        return FileRows(_file_row(self.id, self.file["file"], self.file["bytes"], Status.COPY))


@dataclass(frozen=True, slots=True)
class Names:
    """How addresses are written: as they are, or hashed with a key that only the dataset has."""

    key: bytes | None

    def of(self, address: str) -> str:
        """The same for the same address, and with a key no way back from it."""
        if self.key is None or not address:
            return address
        digest = hashlib.blake2b(address.encode(), key=self.key, digest_size=_HIDDEN_BYTES)
        return digest.hexdigest()

    def of_call(self, call: str) -> str:
        """A Call-ID may end with its host's address (RFC 3261 8.1.1.4), and a URL has one."""
        if "://" in call:
            parts = urlsplit(call)
            return parts._replace(netloc=self.of(parts.netloc)).geturl()
        word, at, host = call.partition("@")
        return word + at + self.of(host)


def rows_of(
    path: str,
    *,
    key: bytes | None,
    name: str = "",
    is_known: Callable[[str], bool] | None = None,
) -> FileRows:
    """Diagnose a capture or a recording, and give the rows that a dataset has of it.

    What an engine maps over an archive (Dask, Ray, Spark): it takes a path and gives plain values,
    and never raises for what is wrong with a file, which its row says. A file that crashes a
    library ends the process; `voipbin archive diagnose` has one for that.

    Args:
        path: A capture, an rtpdump or a recording on this machine.
        key: Addresses are hashed with it (1 to 64 bytes); None: they stand as they are.
        name: What the rows call the file; its path where nothing is given.
        is_known: Asked with the id of the content; what is known is not diagnosed again.

    Example:
        >>> from voipbin_cli import record, rows_of
        >>> _ = record("sim", "call.wav", duration_s=1)
        >>> rows = rows_of("call.wav", key=None)
        >>> rows.file["status"], rows.streams[0]["verdict"], rows.findings
        ('diagnosed', 'ok', ())
    """
    name = name or path
    try:
        file_id, size = _identity(path)
    except OSError as error:
        return unread(name, Status.UNREAD, f"cannot read it: {error.strerror or error}")
    if is_known is not None and is_known(file_id):
        return FileRows(_file_row(file_id, name, size, Status.KNOWN))
    try:
        return _diagnosed(path, name, file_id, size, Names(key))
    except NothingToJudge as error:
        return _without(file_id, name, size, Status.EMPTY, error.message.replace(path, name))
    except VoipbinError as error:
        return _without(file_id, name, size, Status.UNREAD, error.message.replace(path, name))
    except Exception as error:  # the next file is none the worse for it
        why = f"{type(error).__name__}: {error}"
        return _without(file_id, name, size, Status.FAILED, why)


def unread(name: str, status: Status, why: str) -> FileRows:
    """The row of a file of which nothing else is known."""
    return _without("", name, None, status, why)


def _without(file_id: str, name: str, size: int | None, status: Status, why: str) -> FileRows:
    return FileRows(_file_row(file_id, name, size, status) | {"why": why})


def _file_row(file_id: str, name: str, size: int | None, status: Status) -> Row:
    return {
        "file_id": file_id or None,
        "file": name,
        "bytes": size,
        "status": status.value,
        "why": None,
        "streams": 0,
        "verdict": None,
        "is_cut": None,
    }


def _identity(path: str) -> tuple[str, int]:
    """The id of a content, and its size."""
    digest = hashlib.blake2b(digest_size=_ID_BYTES)
    with open(path, "rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
        return digest.hexdigest(), os.fstat(file.fileno()).st_size


def _diagnosed(path: str, name: str, file_id: str, size: int, names: Names) -> FileRows:
    from voipbin_cli.offline.diagnose import diagnose_file

    found = diagnose_file(path)
    file = _file_row(file_id, name, size, Status.DIAGNOSED) | {
        "streams": len(found.streams),
        "verdict": found.streams[0].diagnosis.verdict.value,
        "is_cut": found.truncated,
    }
    streams: list[Row] = []
    findings: list[Row] = []
    for number, stream in enumerate(found.streams):
        of_it = {"file_id": file_id, "file": name, "stream": number}
        fields = found.summary if len(found.streams) == 1 else stream.as_fields()
        row = of_it | _stream_row(stream, fields, names)
        streams.append(row)
        findings += (
            of_it | {"started": row["started"]} | _finding_row(finding)
            for finding in fields["findings"]
        )
    return FileRows(file, tuple(streams), tuple(findings))


def _stream_row(stream: DiagnosedStream, fields: dict[str, Any], names: Names) -> Row:
    first: dict[str, Any] = next(iter(fields["findings"]), {})
    flow = stream.flow
    ends = (
        {
            "source": f"{names.of(str(flow.source))}:{flow.source_port}",
            "source_host": names.of(str(flow.source)),
            "destination": f"{names.of(str(flow.destination))}:{flow.destination_port}",
            "destination_host": names.of(str(flow.destination)),
        }
        if flow
        else dict.fromkeys(("source", "source_host", "destination", "destination_host"))
    )
    return {
        "call_id": names.of_call(stream.call) or None,
        "started": _utc(stream.began_ns),
        **ends,
        "direction": stream.direction.value if stream.direction else None,
        "finding": first.get("id"),
        "confidence": first.get("confidence"),
        **taken(STREAMS, fields),
    }


def _finding_row(finding: dict[str, Any]) -> Row:
    return taken(FINDINGS, finding) | {"evidence": json.dumps(finding["evidence"])}


def _utc(time_ns: int | None) -> datetime | None:
    """A time as tables have it: in UTC, which its type does not say."""
    if time_ns is None:
        return None
    return datetime.fromtimestamp(time_ns / 1e9, UTC).replace(tzinfo=None)
