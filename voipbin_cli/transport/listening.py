"""Why a port cannot be listened on, told as what happened and what to do."""

from __future__ import annotations

import errno
import socket

from voipbin_cli.errors import MachineError

# The kernel keeps these for root, and for who has CAP_NET_BIND_SERVICE (ip(7)).
_FIRST_FREE_PORT = 1024


def cannot_listen(
    host: str, port: int, error: OSError | OverflowError, *, option: str = "--port"
) -> MachineError:
    """Return what to tell when `port` on `host` cannot be had; `option` chooses another."""
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return MachineError(f"port {port} is in use", hint=f"choose another with {option}")
    if isinstance(error, socket.gaierror) or code == errno.EADDRNOTAVAIL:
        return MachineError(
            f"cannot listen on {host}:{port}: this machine has no such address",
            hint="give an address of this machine; --host 0.0.0.0 is every one of them",
        )
    if code == errno.EACCES and port < _FIRST_FREE_PORT:
        return MachineError(
            f"port {port} is kept for the system",
            hint=f"choose one of {_FIRST_FREE_PORT} or above with {option}",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return MachineError(
        f"cannot listen on {host}:{port}: {reason}", hint=f"choose another port with {option}"
    )
