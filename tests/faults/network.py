"""Two network namespaces joined by a cable that can be cut, slowed and made to lose packets."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.support.cli import VOIPBIN, environment
from tests.support.needs import need, need_root, unavailable
from tests.support.peer import Peer

NEAR_HOST, FAR_HOST = "10.213.7.1", "10.213.7.2"
_CLONE_NEWNET = 0x40000000


class Cable:
    """`near` is where the client runs, `far` where the peer listens: names of namespaces."""

    def __init__(self, number: str) -> None:
        self.near, self.far = f"vb-{number}-near", f"vb-{number}-far"
        self._limited = False

    def make(self) -> None:
        """Lay it."""
        for name, host, side in ((self.near, NEAR_HOST, "near"), (self.far, FAR_HOST, "far")):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
            if side == "near":
                _ip("-n", name, "link", "add", "near", "type", "veth", "peer", "name", "far")
            else:
                _ip("-n", self.near, "link", "set", "far", "netns", name)
            _ip("-n", name, "address", "add", f"{host}/24", "dev", side)
            _ip("-n", name, "link", "set", side, "up")

    def remove(self) -> None:
        """Take it away, however much of it there is."""
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)

    def lose(self, percent: int) -> None:
        """Drop this share of the packets, in each direction, by chance.

        Where they arrive: a sender would be told of what is dropped where it is sent.
        """
        rule = f"numgen random mod 100 < {percent} counter drop"
        table = (
            f"table inet loss {{ chain input {{ type filter hook input priority 0; {rule}; }}; }}"
        )
        for name in (self.near, self.far):
            _run("ip", "netns", "exec", name, "nft", table)

    def lost(self) -> int:
        """How many packets were dropped since `lose`."""
        lists = [
            _run("ip", "netns", "exec", name, "nft", "list", "ruleset")
            for name in (self.near, self.far)
        ]
        return sum(map(int, re.findall(r"counter packets (\d+)", "".join(lists))))

    def pull(self) -> None:
        """Take the link down."""
        _ip("-n", self.near, "link", "set", "near", "down")

    def plug(self) -> None:
        """Bring it back."""
        _ip("-n", self.near, "link", "set", "near", "up")

    def slow_down(self, kbit: int) -> None:
        """Let no more through towards the client than this, and queue 4 kB, as cheap routers do."""
        limits = ["rate", f"{kbit}kbit", "burst", "1600", "limit", "4000"]
        _run("tc", "-n", self.far, "qdisc", "replace", "dev", "far", "root", "tbf", *limits)

    def narrow(self) -> None:
        """Let the near end's sockets keep no more than 4 kB that the far end has not taken."""
        setting = "echo 4096 4096 4096 >/proc/sys/net/ipv4/tcp_wmem"
        _run("ip", "netns", "exec", self.near, "sh", "-c", setting)

    def listen(self) -> socket.socket:
        """A socket that listens at the far end and can be used from anywhere in this process."""
        return self._from_afar(lambda: socket.create_server((FAR_HOST, 0), backlog=64))

    def nameserver(self) -> socket.socket:
        """Where the near end's questions arrive, at the far end; nobody answers yet."""

        def make() -> socket.socket:
            made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.bind((FAR_HOST, 53))
            return made

        return self._from_afar(make)

    def _from_afar(self, make: Callable[[], socket.socket]) -> socket.socket:
        """Make a socket by a thread that is in the far namespace."""

        def inside() -> socket.socket:
            with Path("/run/netns", self.far).open() as namespace:
                _enter(namespace.fileno())
            return make()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(inside).result()

    def start(
        self, *args: str, cwd: Path, env: Mapping[str, str], nameserver: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start `voipbin args` at the near end, with this nameserver alone."""
        wrapper: list[str] = []
        if nameserver is not None:
            (cwd / "resolv.conf").write_text(f"nameserver {nameserver}\n")
            mount = 'mount --bind resolv.conf /etc/resolv.conf && exec "$@"'
            wrapper = ["unshare", "--mount", "sh", "-c", mount, "sh"]
        return subprocess.Popen(
            ["ip", "netns", "exec", self.near, *wrapper, *VOIPBIN, *args],
            cwd=cwd,
            env=environment(cwd, env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


class FarPeer(Peer):
    """A hand-written peer at the far end of a cable."""

    def __init__(self, cable: Cable, *script: Any, receive_buffer: int = 0, **options: Any) -> None:
        super().__init__(*script, **options)
        self._listener.close()
        self._listener = cable.listen()
        if receive_buffer:
            # Those that are accepted have it from the one that listens (tcp(7)).
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = self._listener.getsockname()[1]

    def url(self, path: str = "/", *, host: str = FAR_HOST) -> str:
        return super().url(path, host=host)

    def http_url(self, path: str = "", *, host: str = FAR_HOST) -> str:
        return super().http_url(path, host=host)


@contextlib.contextmanager
def cable() -> Iterator[Cable]:
    """Lay a cable, or skip (in CI: fail) and say why."""
    for program in ("ip", "nft", "tc"):
        need(program)
    need_root()
    made = Cable(os.urandom(3).hex())
    try:
        try:
            made.make()
        except RuntimeError as refused:
            unavailable(f"network namespaces cannot be made here: {refused}")
        yield made
    finally:
        made.remove()


def _enter(descriptor: int) -> None:
    """setns(2), which Python has from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
