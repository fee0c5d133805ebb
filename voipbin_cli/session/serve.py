"""`serve`: the platform connects here, and hears what we play to it; each peer on its own grid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from voipbin_cli.codec.codecs import FRAME_NS
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.events import Tell
from voipbin_cli.session.pacer import Errors
from voipbin_cli.session.send_form import check_choice
from voipbin_cli.session.served_peer import ServedPeer, ServeRequest
from voipbin_cli.transport.websocket_server import Peer

# Who is refused again and again under other names fills no terminal and no log.
_CAUSES_TOLD = 8


class Serving:
    """Serves every peer that comes, and adds up what was sent.

    Raises UsageError where a payload was fixed and there is no choice.
    """

    def __init__(self, request: ServeRequest, tell: Tell) -> None:
        check_choice(request.encapsulation, request.payload, request.payload_type)
        self.request = request
        self.peers = 0
        self.frames_sent = 0
        self.late_frames = 0
        self.errors = Errors()
        self._tell = tell
        self._connected: set[ServedPeer] = set()
        self._turned_away: set[str] = set()

    async def handle(self, peer: Peer) -> None:
        """Serve one peer; what goes wrong with it is told, and harms no other."""
        self.peers += 1
        served = ServedPeer(peer, self.peers, self.request, self._tell)
        self._connected.add(served)
        served.tell("connected", {"address": peer.name, "identity": peer.identity})
        try:
            await served.run()
        except MachineError as error:
            served.tell("warning", {"message": f"{served.name}: {error.message}"})
        finally:
            self._connected.discard(served)
            self._count(served)
            await peer.close()

    def turned_away(self, why: str) -> None:
        """Tell of who was refused, once for each cause, and of no more than some."""
        if why not in self._turned_away and len(self._turned_away) < _CAUSES_TOLD:
            self._turned_away.add(why)
            self.warn(f"turned away: {why}")

    def warn(self, message: str) -> None:
        """Tell of what harms no peer that is there."""
        self._tell("warning", {"message": message})

    def _count(self, served: ServedPeer) -> None:
        pacer = served.sender.pacer
        self.frames_sent += served.sender.frames_sent
        self.late_frames += pacer.late_frames
        self.errors.merge(pacer.errors)
        served.tell(
            "disconnected",
            {
                "frames_sent": served.sender.frames_sent,
                "send_error_ms": pacer.errors.as_fields(),
                "late_frames": pacer.late_frames,
            },
        )

    @property
    def connected(self) -> int:
        """Peers that are there now."""
        return len(self._connected)

    @property
    def sent_now(self) -> int:
        """Frames sent to all peers, those that are there included."""
        return self.frames_sent + sum(served.sender.frames_sent for served in self._connected)

    def summary(self) -> dict[str, Any]:
        """Return the fields of the summary."""
        return {
            "encapsulation": self.request.encapsulation.value,
            "peers": self.peers,
            "frames_sent": self.frames_sent,
            "audio_seconds": round(self.frames_sent * FRAME_NS / 1e9, 3),
            "send_error_ms": self.errors.as_fields(),
            "late_frames": self.late_frames,
        }


def made_directory(path: str | None) -> Path | None:
    """Return the directory, made where it is not there. Raises UsageError and MachineError."""
    if path is None:
        return None
    directory = Path(path)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{path} is not a directory") from None
    except OSError as error:
        raise MachineError(f"cannot make {path}: {error.strerror}") from None
    return directory
