"""What TLS connections of a capture hold, decrypted by tshark with the keys of one of their ends.

tshark gives the bytes of each connection in order and as they are sealed, a record of TLS or
several a line. What they mean is read here, as in a connection that was never encrypted.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from ipaddress import IPv6Address, ip_address

from voipbin_cli.capture.layers import MAPPED
from voipbin_cli.capture.tcp import ConnectionRun, Run, TcpConnection
from voipbin_cli.errors import MachineError, UsageError

# Of what tshark would read in the bytes: left to be read here.
_LEFT_ALONE = ("http", "http2", "websocket")
_FIELDS = (
    "frame.time_epoch",
    "ip.src",
    "ipv6.src",
    "tcp.srcport",
    "ip.dst",
    "ipv6.dst",
    "tcp.dstport",
    "data.data",
)
HOW_TO_GET_KEYS = (
    "voipbin stream diagnose --keylog FILE takes the keys that a client wrote: SSLKEYLOGFILE=FILE "
    "in the environment of a browser or curl, ssl.SSLContext.keylog_filename in Python, "
    "node --tls-keylog=FILE, tls.Config.KeyLogWriter in Go"
)


def decrypted(
    path: str, keylog: str, connections: Iterable[TcpConnection]
) -> Iterator[ConnectionRun]:
    """Yield what some connections of a capture hold, piece by piece, in the capture's order.

    Raises UsageError for keys that cannot be read, MachineError without tshark.
    """
    sealed = {connection.client: connection for connection in connections}
    if not sealed:
        return
    if not os.access(keylog, os.R_OK) or os.path.isdir(keylog):
        raise UsageError(f"cannot read the keys in {keylog}", hint=HOW_TO_GET_KEYS)
    program = shutil.which("tshark")
    if program is None:
        raise MachineError(
            "--keylog needs tshark, which decrypts", hint="apt install tshark, or wireshark.org"
        )
    ports = sorted({ends[4] & 0xFFFF for ends in sealed})
    command = [program, "-n", "-r", path, *_options(os.path.abspath(keylog), ports)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                yield from _runs(line.decode("ascii", "replace"), sealed)
        finally:
            process.kill()


def _options(keylog: str, ports: list[int]) -> list[str]:
    options = ["-o", f"tls.keylog_file:{keylog}", "-Y", "tls && data", "-T", "fields"]
    options += [word for name in _LEFT_ALONE for word in ("--disable-protocol", name)]
    options += [word for port in ports for word in ("-d", f"tcp.port=={port},tls")]
    return options + [word for name in _FIELDS for word in ("-e", name)]


def _runs(line: str, sealed: dict[tuple[int, ...], TcpConnection]) -> Iterator[ConnectionRun]:
    """The bytes of one line: none where it is of another connection."""
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != len(_FIELDS):
        return
    at, *ends, data = fields
    # In a tunnel each layer has addresses: the innermost come last.
    source, source6, port, to, to6, to_port = (field.split(",")[-1] for field in ends)
    try:
        client = (*_words(source6 or source), *_words(to6 or to), int(port) << 16 | int(to_port))
        server = (*client[2:4], *client[:2], int(to_port) << 16 | int(port))
        time_ns = int(Decimal(at) * 1_000_000_000)
        sealed_bytes = bytes.fromhex(data.replace(",", ""))
    except (ValueError, InvalidOperation):
        return
    for key, is_from_client in ((client, True), (server, False)):
        if key in sealed:
            yield ConnectionRun(sealed[key], is_from_client, Run(time_ns, sealed_bytes, False))


def _words(told: str) -> tuple[int, int]:
    """An address as `Datagrams.ends_of` has it."""
    address = ip_address(told)
    if isinstance(address, IPv6Address):
        return int(address) >> 64, int(address) & 0xFFFF_FFFF_FFFF_FFFF
    return 0, MAPPED | int(address)
