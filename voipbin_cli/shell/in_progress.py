"""Calls and conferences in progress, for TAB: from the API, or from its answer of 5 s ago."""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from voipbin_cli.documents import is_number, is_text, json_object
from voipbin_cli.shell.command_line import LIMIT_S, CommandLine
from voipbin_cli.text import is_uuid

if TYPE_CHECKING:
    from voipbin_cli.transport.endpoint import Endpoint
    from voipbin_cli.transport.resources import ResourceState

KEPT_S = 5.0
LOOKED_AT = 100
FILE_NAME = "in-progress.json"


class InProgress(NamedTuple):
    """One call or conference in progress."""

    kind: str
    id: str
    help: str


def in_progress(line: CommandLine) -> list[InProgress]:
    """Return calls, then conferences, of the account that the command line would use."""
    endpoint = endpoint_of(line)
    credential = endpoint.credential
    if credential is None or (credential.expires_at or math.inf) <= time.time():
        return []
    path = cache_path(line.environ)
    key = _key(endpoint)
    kept = read_cache(path, key, time.time())
    if kept is not None:
        return kept
    import asyncio

    # An empty answer is kept first: where the API does not answer, the next TAB need not wait.
    write_cache(path, key, time.time(), [])
    found = asyncio.run(_ask(endpoint))
    write_cache(path, key, time.time(), found)
    return found


def endpoint_of(line: CommandLine) -> Endpoint:
    """Return the endpoint of the words typed so far. Raises as `find_endpoint` does."""
    from voipbin_cli.transport.endpoint import find_endpoint

    ca_file = line.option("--ca-file")
    return find_endpoint(
        line.environ,
        api_url=line.option("--api-url"),
        profile=line.option("--profile"),
        ca_file=Path(ca_file) if ca_file else None,
        insecure="--insecure" in line.words,
    )


def _key(endpoint: Endpoint) -> str:
    """Return what tells accounts apart in the cache: a digest, as the secret must not be kept."""
    secret = endpoint.credential.secret if endpoint.credential else ""
    return hashlib.sha256(f"{endpoint.api_url}\n{secret}".encode()).hexdigest()


async def _ask(endpoint: Endpoint) -> list[InProgress]:
    import asyncio

    from voipbin_cli.transport.api import Api

    async with Api(endpoint, timeout=LIMIT_S) as api:

        async def calls() -> list[InProgress]:
            listed = [state async for state in api.list_calls(limit=LOOKED_AT)]
            return [
                InProgress("call", state.id, f"{state.source} → {state.destination}")
                for state in listed
                if _is_offered(state)
            ]

        async def conferences() -> list[InProgress]:
            listed = [state async for state in api.list_conferences(limit=LOOKED_AT)]
            return [
                InProgress("conference", state.id, f"{state.name} ({_people(state.members)})")
                for state in listed
                if _is_offered(state)
            ]

        both = await asyncio.gather(calls(), conferences())
    return both[0] + both[1]


def _people(members: int) -> str:
    return "1 member" if members == 1 else f"{members} members"


def _is_offered(state: ResourceState) -> bool:
    # An id goes into a command line: only what is a UUID does.
    return state.is_progressing and is_uuid(state.id)


def cache_path(environ: Mapping[str, str]) -> Path:
    """Return where answers are kept: VOIPBIN_CACHE_DIR, or the user's directory for caches."""
    directory = environ.get("VOIPBIN_CACHE_DIR")
    if not directory:
        from platformdirs import user_cache_dir

        directory = user_cache_dir("voipbin", appauthor=False)
    return Path(directory) / FILE_NAME


def read_cache(path: Path, key: str, now_s: float) -> list[InProgress] | None:
    """Return what is kept for `key`; None when it is another's, too old, or unreadable."""
    try:
        document = json_object(path.read_bytes())
    except OSError:
        return None
    at, rows = document.get("at"), document.get("rows")
    if document.get("key") != key or not is_number(at) or not 0 <= now_s - at < KEPT_S:
        return None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        return None
    return [InProgress(*row) for row in rows]


def _is_row(row: object) -> bool:
    return isinstance(row, list) and len(row) == len(InProgress._fields) and all(map(is_text, row))


def write_cache(path: Path, key: str, now_s: float, rows: list[InProgress]) -> None:
    """Keep `rows`, readable by the user alone; where that cannot be done, do without."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".in-progress-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"key": key, "at": now_s, "rows": rows}, file)
        os.replace(temporary, path)
    except OSError:
        return
