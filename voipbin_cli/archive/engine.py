"""Diagnoses items on the cores of this machine, or on a cluster, by Dask.

What is on its way is bounded: another chunk of items is handed out when one has come back. Each
thread of a worker has a reader of its own (`archive.reader`). A worker that dies loses nothing:
its chunk is done again by another one, and rows count once they have come back.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from voipbin_cli.archive.items import Item
from voipbin_cli.archive.reader import Reader
from voipbin_cli.archive.rows import FileRows, Status, unread
from voipbin_cli.errors import ConnectionFailed, UsageError

# A chunk is handed out at once: small enough to be done again, large enough to be worth the way.
_CHUNK_ITEMS, _CHUNK_BYTES = 16, 64 << 20
# So many chunks a thread are on their way at once.
_WAITING = 3
_CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Engine:
    """Where it runs: `scheduler` is the address of a cluster, without one this machine's cores,
    `workers` of them (0: all). A file may take `limit_s` seconds."""

    scheduler: str | None = None
    workers: int = 0
    limit_s: float = 300.0


def diagnosed(
    items: Iterable[Item], key: bytes | None, known: frozenset[str], engine: Engine
) -> Iterator[FileRows]:
    """The rows of all files, as they come; of contents in `known` none.

    Raises ConnectionFailed where a cluster cannot be reached, or goes away.
    """
    with _client(engine) as client:
        from distributed import as_completed

        name = secrets.token_hex(8)
        # Made by a task, and not sent as data: a worker that is lost cannot take it along.
        job = client.submit(_Job, name, key, known, engine.limit_s, pure=False)
        chunks = _chunks(items)
        threads = sum(client.nthreads().values())
        waiting = as_completed()
        sent: dict[Any, list[Item]] = {}

        def hand_out(chunk: list[Item]) -> None:
            future = client.submit(_read, chunk, job, pure=False, key=None)
            sent[future.key] = chunk
            waiting.add(future)

        for chunk in islice(chunks, _WAITING * max(1, threads)):
            hand_out(chunk)
        for future in waiting:
            chunk = sent.pop(future.key)
            if future.status == "finished":
                yield from future.result()
            elif future.cancelled():
                raise ConnectionFailed(
                    "the scheduler is gone", hint="--resume goes on once it is there again"
                )
            elif len(chunk) > 1:  # which of them it was is not known: each by itself
                for item in chunk:
                    hand_out([item])
            else:
                why = f"the workers that read it ended ({type(future.exception()).__name__})"
                yield unread(chunk[0].name, Status.DIED, why)
            future.release()
            for following in islice(chunks, 1):
                hand_out(following)
        client.run(_close_readers, name)


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += item.bytes or 0
        if len(chunk) == _CHUNK_ITEMS or size > _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


@contextmanager
def _client(engine: Engine) -> Iterator[Any]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "an archive wants Dask, which is not installed", hint="pip install 'voipbin[archive]'"
        ) from error
    # It tells of each worker that is lost with a traceback; what it comes to is told here.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set({"distributed.admin.tick.limit": "1h"}):
        if engine.scheduler is None:
            with (
                LocalCluster(
                    n_workers=1,
                    threads_per_worker=engine.workers or os.cpu_count(),
                    processes=False,
                    # Dask serves pages of its own state: to this machine alone.
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(engine.scheduler, timeout=_CONNECT_S)
        except (OSError, ValueError) as error:
            raise ConnectionFailed(
                f"no scheduler answers at {engine.scheduler}: {error}",
                hint="a Dask scheduler's address is like tcp://host:8786",
            ) from error
        with client:
            yield client


@dataclass(frozen=True, slots=True)
class _Job:
    """What is the same for all chunks of a run."""

    name: str
    key: bytes | None
    known: frozenset[str]
    limit_s: float


# Of each thread of this worker, by the run that it is of.
_readers: dict[tuple[str, int], Reader] = {}


def _read(chunk: list[Item], job: _Job) -> list[FileRows]:
    """Read a chunk, with the reader of this thread."""
    mine = job.name, threading.get_ident()
    reader = _readers.get(mine)
    if reader is None:
        reader = _readers[mine] = Reader(job.key, job.known, job.limit_s)
    return [rows for item in chunk for rows in reader.read(item)]


def _close_readers(name: str) -> None:
    for mine in [mine for mine in _readers if mine[0] == name]:
        _readers.pop(mine).close()
