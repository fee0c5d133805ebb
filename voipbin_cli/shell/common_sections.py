"""What man pages say beyond the commands' own help: statuses, environment, files, targets."""

from __future__ import annotations

from typing import NamedTuple

from voipbin_cli.errors import ExitStatus
from voipbin_cli.render.tree import Command


class Entry(NamedTuple):
    """A term and what it means. `only` names the commands that it concerns; empty: all."""

    term: str
    meaning: str
    only: tuple[str, ...] = ()

    def concerns(self, command: Command) -> bool:
        """Whether the entry belongs on the page of `command`; on voipbin's own, all do."""
        if not self.only or not command.path:
            return True
        # Those of an archive give other results than the commands of a stream by the same names.
        group, *_, name = ("", *command.path)[-2:]
        return (f"archive {name}" if group == "archive" else name) in self.only


_STREAMS = ("record", "play", "tap", "diagnose", "validate", "serve", "pipe")
_LISTENERS = ("record", "play", "tap", "diagnose", "validate", "pipe")

STATUSES = (
    Entry(
        str(int(ExitStatus.DONE)),
        "Done; for record and tap also when the call ended, or Ctrl-C ended a run without "
        "--duration.",
    ),
    Entry(str(int(ExitStatus.BUG)), "A bug in this program."),
    Entry(
        str(int(ExitStatus.USAGE)),
        "Wrong usage: a bad option, a bad TARGET, a file that exists, an unreadable input.",
    ),
    Entry(
        str(int(ExitStatus.CONNECTION)),
        "No connection, or it was lost and not won back; or nothing ever arrived; for play: the "
        "call ended before everything was sent.",
    ),
    Entry(
        str(int(ExitStatus.REFUSED)),
        "Refused: HTTP 401, 403, 404, 409 or 429, or the call is not progressing; or a close code "
        "in mid-stream refused the credential (3000, 3003, 4401, 4403, and 1008 where its reason "
        "or the token says that it expired), which is not sent again then.",
    ),
    Entry(
        str(int(ExitStatus.MACHINE)),
        "This machine: no audio device, disk full, cannot write.",
    ),
    Entry(
        str(int(ExitStatus.FOUND)),
        "validate: a rule of severity error was broken. diagnose: a finding of severity error. "
        "archive diagnose: one of the severity that --fail-on names, in what this run read.",
        ("validate", "diagnose", "archive diagnose"),
    ),
    Entry(
        str(int(ExitStatus.INTERRUPTED)),
        "Ctrl-C before the asked-for duration was over; what was recorded is complete and "
        "readable.",
    ),
)

_API = (*_STREAMS, "list", "show", "login", "logout", "doctor")

ENVIRONMENT = (
    Entry("VOIPBIN_TOKEN", "A token; comes before everything else that holds a credential.", _API),
    Entry("VOIPBIN_ACCESSKEY", "An access key; comes after VOIPBIN_TOKEN.", _API),
    Entry("VN_ACCESS_KEY", "The official client's access key; comes after profiles.", _API),
    Entry("VOIPBIN_API_URL", "The API's address, as --api-url.", _API),
    Entry("VOIPBIN_PROFILE", "A profile of voipbin login, as --profile.", _API),
    Entry("VOIPBIN_CONFIG_DIR", "Where profiles are kept.", _API),
    Entry("VOIPBIN_CACHE_DIR", "Where TAB keeps the ids of what is in progress.", ("voipbin",)),
    Entry(
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy on the way to the API, and what needs none.",
        _API,
    ),
    Entry(
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "Certificates to trust in place of the system's, as --ca-file. A private authority needs "
        "no key usage (RFC 5280 section 4.2.1.3) in its certificate, whatever the Python.",
        _API,
    ),
    Entry("NO_COLOR", "Set to anything: no colours on the terminal."),
)

FILES = (
    Entry(
        "~/.config/voipbin/profiles.json",
        "Profiles of voipbin login; their secrets too where the system has no keyring, and then "
        "readable by you alone. On macOS under ~/Library/Application Support, on Windows under "
        "%LOCALAPPDATA%.",
        _API,
    ),
    Entry(
        "~/.vn/config.yaml", "The official client's profiles, taken when there is no other.", _API
    ),
    Entry(
        "~/.cache/voipbin/in-progress.json",
        "What TAB found in progress, for five seconds.",
        ("voipbin",),
    ),
)

TARGETS = (
    Entry("UUID, call/UUID", "A call on the configured API.", _LISTENERS),
    Entry("conference/UUID", "A conference.", _LISTENERS),
    Entry(
        "ws://..., wss://...",
        "This address as it stands. One that begins with https:// and ends in /media_stream, as "
        "the documents write it, is taken for its wss:// one.",
        _LISTENERS,
    ),
    Entry(
        "sim, sim:SCENARIO[,KEY=VALUE...]",
        "The simulator, started for this command alone; no account is needed. "
        "voipbin simulate --list names the scenarios.",
        _LISTENERS,
    ),
)
