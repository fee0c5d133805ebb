"""Profiles of `voipbin login`: names and addresses in a file, secrets in the system's keyring.

The file is `profiles.json` under platformdirs' `user_config_dir("voipbin")`, or under the
directory that VOIPBIN_CONFIG_DIR names. Where the system has no usable keyring (a server, a
container) the secret is in that file, too, which is readable by its owner alone. Whoever changes
it holds `profiles.lock` beside it meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from voipbin_cli.documents import is_text, read_json
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.file_lock import try_lock
from voipbin_cli.transport.credentials import CredentialKind

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "voipbin"
DEFAULT_PROFILE = "default"
FILE_NAME = "profiles.json"
_FILE_LIMIT_BYTES = 1024 * 1024
_LOCK_PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Profile:
    """One stored login. Its repr does not show the secret."""

    name: str
    kind: CredentialKind
    secret: str
    api_url: str | None = None
    username: str | None = None

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, {self.kind}, api_url={self.api_url!r})"


class ProfileStore:
    """Loads, saves and deletes profiles under `directory`.

    `backend` is the keyring to use: the system's by default, None for none at all.
    """

    def __init__(self, directory: Path, backend: KeyringBackend | None) -> None:
        self.path = directory / FILE_NAME
        self._backend = backend

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> ProfileStore:
        """The store of whoever runs this."""
        directory = environ.get("VOIPBIN_CONFIG_DIR")
        if not directory:
            from platformdirs import user_config_dir

            directory = user_config_dir("voipbin", appauthor=False)
        store = cls(Path(directory), None)
        # Most runs have no profile, and need not pay for the keyring's import.
        if store.path.exists():
            store._backend = usable_keyring()
        return store

    def with_keyring(self) -> ProfileStore:
        """The same store, ready to save into the system's keyring if there is one."""
        self._backend = self._backend or usable_keyring()
        return self

    @property
    def names(self) -> list[str]:
        """All profiles, in the order in which they were made."""
        return list(self._read()["profiles"])

    def address(self, name: str) -> str | None:
        """The API's address kept with a profile, be its secret lost or not."""
        row = self._read()["profiles"].get(name)
        return _string(row, "api_url") if isinstance(row, dict) else None

    def load(self, name: str | None = None) -> Profile | None:
        """The profile of that name, or the current one; None when there is none.

        Raises:
            UsageError: the file is unreadable, or the keyring does not give the secret.
        """
        document = self._read()
        name = name or document["current"]
        row = document["profiles"].get(name)
        if not isinstance(name, str) or not isinstance(row, dict):
            return None
        secret = row.get("secret") or self._secret_in_keyring(name)
        try:
            kind = CredentialKind(row.get("kind", ""))
        except ValueError:
            raise self._damaged() from None
        if not isinstance(secret, str) or not secret:
            raise UsageError(
                f"the keyring has no secret for the profile {name!r}",
                hint=f"`voipbin login --profile {name}` stores it anew",
            )
        return Profile(name, kind, secret, _string(row, "api_url"), _string(row, "username"))

    def save(self, profile: Profile, *, make_current: bool = True) -> str:
        """Store a profile and return where its secret is now, in words.

        Raises:
            MachineError: the file cannot be written.
        """
        self._read()  # what is damaged is told before the keyring is touched
        where = self._put_in_keyring(profile)
        row = {"kind": profile.kind.value, "api_url": profile.api_url, "username": profile.username}
        if where is None:
            row["secret"] = profile.secret
        with self._changing() as document:
            document["profiles"][profile.name] = {k: v for k, v in row.items() if v is not None}
            if make_current or document["current"] is None:
                document["current"] = profile.name
        return where or f"the file {self.path} (readable by you alone)"

    def delete(self, name: str | None = None) -> str | None:
        """Forget a profile (the current one by default); its name, or None if there was none."""
        name = name or self._read()["current"]
        if not isinstance(name, str) or name not in self._read()["profiles"]:
            return None
        if self._backend is not None:
            with contextlib.suppress(Exception):
                self._backend.delete_password(SERVICE, name)
        with self._changing() as document:
            document["profiles"].pop(name, None)
            if document["current"] == name:
                document["current"] = next(iter(document["profiles"]), None)
        return name

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """Give out what is stored, for a change that no other process comes between.

        Raises:
            MachineError: the file cannot be written, or another one holds it.
        """
        lock = self._done(self._locked)
        try:
            document = self._read()
            yield document
            self._done(lambda: self._write(document))
        finally:
            os.close(lock)  # which unlocks it

    def _locked(self) -> int:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(lock)
        except OSError:
            os.close(lock)
            raise
        return lock

    def _secret_in_keyring(self, name: str) -> str | None:
        if self._backend is None:
            return None
        try:
            return self._backend.get_password(SERVICE, name)
        except Exception:  # a locked or broken keyring raises what it likes
            return None

    def _put_in_keyring(self, profile: Profile) -> str | None:
        """Where the keyring put the secret, in words; None when it did not."""
        if self._backend is None:
            return None
        try:
            self._backend.set_password(SERVICE, profile.name, profile.secret)
            if self._backend.get_password(SERVICE, profile.name) != profile.secret:
                return None
        except Exception:  # no keyring is a reason to fail: the file is there
            return None
        return f"the keyring ({self._backend.name})"

    def _read(self) -> dict[str, Any]:
        try:
            with self.path.open("rb") as file:
                document = read_json(file.read(_FILE_LIMIT_BYTES))
        except (FileNotFoundError, NotADirectoryError):
            return {"current": None, "profiles": {}}
        except (OSError, ValueError):
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("profiles"), dict):
            raise self._damaged()
        current = document.get("current")
        if not (current is None or is_text(current)):
            raise self._damaged()
        return {"current": current, "profiles": document["profiles"]}

    def _damaged(self) -> UsageError:
        return UsageError(
            f"{self.path} cannot be read as profiles", hint="delete it, then `voipbin login` again"
        )

    def _write(self, document: dict[str, Any]) -> None:
        """Replace the file whole (a temporary one of mode 0600, then a rename)."""
        handle, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".profiles-")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            os.unlink(temporary)
            raise

    def _done(self, action: Callable[[], T]) -> T:
        """Return what `action` does; what the disk refuses is told without its traceback."""
        try:
            return action()
        except OSError as error:
            problem = error.strerror or "cannot be written"
        raise MachineError(f"{self.path}: {problem}", hint="set VOIPBIN_CONFIG_DIR elsewhere")


def _lock(descriptor: int) -> None:
    """Lock a file for this process, once nobody else has it, where its file system has locks.

    Raises OSError where another one has it for ten seconds.
    """
    deadline_s = time.monotonic() + _LOCK_PATIENCE_S
    while True:
        try:
            return try_lock(descriptor)
        except (BlockingIOError, PermissionError):  # taken: in POSIX and in Windows
            if time.monotonic() > deadline_s:
                raise
        except OSError:
            return None
        time.sleep(0.02)


def _string(row: dict[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if isinstance(value, str) else None


def usable_keyring() -> KeyringBackend | None:
    """The system's keyring, or None where there is none that keeps anything."""
    try:
        import keyring
        from keyring.backends import chainer, fail, null

        backend = keyring.get_keyring()
        if isinstance(backend, (fail.Keyring, null.Keyring)) or backend.priority <= 0:
            return None
        if isinstance(backend, chainer.ChainerBackend) and not backend.backends:
            return None
    except Exception:  # a broken backend must not keep anyone from logging in
        return None
    return backend
