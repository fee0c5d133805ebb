"""`Simulator`: the platform's double, for a bot under test or a script without an account."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from voipbin_cli.simulator.embedded import EmbeddedSimulator
from voipbin_cli.transport.targets import parse_target


class SimulatedPlatform(EmbeddedSimulator):
    """A simulated platform, REST and media streams, for as long as the block lasts.

    It is a process of its own, so that its timing shares no interpreter with whoever is measured.
    `with` in a script, `async with` in asyncio.

    Args:
        scenario: what goes wrong: `jitter`, `stall+clipping`, `jitter,strength=80,seed=2`;
            `voipbin simulate --list` names them.
        heard: write what the phone hears (WAV).
        port: 0 takes a free one.
        options: further ones of a scenario: dialect, seed, source, duration, …

    Attributes (inside the block): `url`, `target`, `env`, `api_url`, `token`, `access_key`,
    `call_id`, `conference_ids`, `port`.

    Raises (on entry):
        UsageError: no such scenario or option.
        MachineError: the process did not start, or the port is taken.

    Example:
        >>> from voipbin_cli import Simulator, open_stream
        >>> with Simulator("clean", dialect="documented") as simulator:
        ...     with open_stream(simulator.url()) as stream:
        ...         frame = stream.receive()
        ...     report = simulator.report()
        >>> report["streams_joined"]
        1
    """

    def __init__(
        self,
        scenario: str = "clean",
        *,
        heard: str | os.PathLike[str] | None = None,
        port: int = 0,
        **options: object,
    ) -> None:
        named = parse_target(f"sim:{scenario}")
        given = {key.replace("_", "-"): str(value) for key, value in options.items()}
        path = None if heard is None else Path(heard)
        super().__init__(named.value, {**named.options, **given}, heard_path=path, port=port)

    @property
    def target(self) -> str:
        """The TARGET of its call or conference, for who has its credential: call/ID."""
        return f"{self.kind}/{self.target_id}"

    @property
    def env(self) -> Mapping[str, str]:
        """The environment in which a bot, or this package, finds it."""
        return {"VOIPBIN_API_URL": self.api_url, "VOIPBIN_TOKEN": self.token}

    def url(self, encapsulation: str = "rtp") -> str:
        """Return the address of its media stream, the credential in it."""
        base = self.api_url.replace("http", "ws", 1)
        query = f"encapsulation={encapsulation}&token={self.token}"
        return f"{base}/{self.kind}s/{self.target_id}/media_stream?{query}"

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, traceback)


Simulator = SimulatedPlatform
"""What users call it; `simulator.server.Simulator` is what the process runs."""
