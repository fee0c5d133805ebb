"""Profiles on disk and in a keyring."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import chainer, fail, null

from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.transport.credentials import CredentialKind
from voipbin_cli.transport.profiles import Profile, ProfileStore, usable_keyring


class DictKeyring(KeyringBackend):
    """A keyring in memory, of the library's own base class."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class LockedKeyring(DictKeyring):
    """There, and it says no to everything."""

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked

    def set_password(self, service: str, username: str, password: str) -> None:
        raise keyring.errors.PasswordSetError

    def delete_password(self, service: str, username: str) -> None:
        raise keyring.errors.PasswordDeleteError


TOKEN = Profile("work", CredentialKind.TOKEN, "t0psecret", "https://api.example/v1.0", "me@x")
KEY = Profile("home", CredentialKind.ACCESSKEY, "k3y")


@pytest.mark.parametrize(
    "backend", [None, DictKeyring(), LockedKeyring()], ids=lambda backend: type(backend).__name__
)
def test_what_was_saved_is_loaded(tmp_path: Path, backend: KeyringBackend | None) -> None:
    store = ProfileStore(tmp_path / "new" / "directory", backend)
    store.save(TOKEN)
    store.save(KEY)
    assert store.names == ["work", "home"]
    assert store.load("work") == TOKEN
    assert store.load() == KEY  # the last login is the current one
    assert store.load("nobody") is None


def test_with_a_keyring_the_file_holds_no_secret(tmp_path: Path) -> None:
    backend = DictKeyring()
    store = ProfileStore(tmp_path, backend)
    where = store.save(TOKEN)
    assert where == f"the keyring ({backend.name})"
    assert "t0psecret" not in store.path.read_text()
    assert backend.kept == {("voipbin", "work"): "t0psecret"}


@pytest.mark.parametrize(
    "backend", [None, LockedKeyring()], ids=lambda backend: type(backend).__name__
)
def test_without_one_the_file_is_its_owners_alone(
    tmp_path: Path, backend: KeyringBackend | None
) -> None:
    store = ProfileStore(tmp_path / "voipbin", backend)
    old_mask = os.umask(0)
    try:
        where = store.save(TOKEN)
    finally:
        os.umask(old_mask)
    assert str(store.path) in where
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    left = {path.name for path in store.path.parent.iterdir()}
    assert left == {"profiles.json", "profiles.lock"}


def test_a_file_that_others_could_read_is_closed_by_the_next_save(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path, None)
    store.save(TOKEN)
    store.path.chmod(0o644)
    store.save(KEY)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_deleting_takes_the_secret_along_and_makes_another_one_current(tmp_path: Path) -> None:
    backend = DictKeyring()
    store = ProfileStore(tmp_path, backend)
    store.save(TOKEN)
    store.save(KEY)
    assert store.delete() == "home"
    assert store.load() == TOKEN
    assert store.delete("work") == "work"
    assert backend.kept == {}
    assert store.delete("work") is None
    assert store.delete() is None
    assert store.load() is None


def test_a_profile_whose_secret_left_the_keyring_says_how_to_get_it_back(tmp_path: Path) -> None:
    backend = DictKeyring()
    store = ProfileStore(tmp_path, backend)
    store.save(TOKEN)
    backend.kept.clear()
    with pytest.raises(UsageError, match="no secret for the profile 'work'") as caught:
        store.load()
    assert "voipbin login --profile work" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"profiles": 1}',
        '{"current": ["a"], "profiles": {}}',
        '{"current": "a", "profiles": {"a": {"secret": "s"}}}',
    ],
)
def test_a_damaged_file_is_wrong_usage(tmp_path: Path, text: str) -> None:
    (tmp_path / "profiles.json").write_text(text)
    with pytest.raises(UsageError, match="cannot be read as profiles"):
        ProfileStore(tmp_path, None).load()


def test_a_directory_that_cannot_be_written_is_this_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError) as caught:
        ProfileStore(tmp_path / "file" / "below", None).save(TOKEN)
    assert caught.value.__context__ is None


def test_a_profile_does_not_show_its_secret() -> None:
    assert "t0psecret" not in f"{TOKEN!r} {TOKEN}"


def test_the_users_store_is_where_the_variable_says(tmp_path: Path) -> None:
    assert ProfileStore.of_user({"VOIPBIN_CONFIG_DIR": str(tmp_path)}).path == (
        tmp_path / "profiles.json"
    )
    assert ProfileStore.of_user({}).path.parts[-2:] == ("voipbin", "profiles.json")


@pytest.mark.parametrize(
    ("backend", "usable"),
    [
        (fail.Keyring(), False),
        (null.Keyring(), False),
        (chainer.ChainerBackend(), False),
        (DictKeyring(), True),
    ],
    ids=["fail", "null", "empty chain", "a real one"],
)
def test_a_keyring_that_keeps_nothing_is_none(
    backend: KeyringBackend, usable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(backend, chainer.ChainerBackend):
        monkeypatch.setattr(chainer.ChainerBackend, "backends", [])
        monkeypatch.setattr(chainer.ChainerBackend, "priority", 10)
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    try:
        assert (usable_keyring() is backend) == usable
    finally:
        keyring.set_keyring(before)


def test_the_file_is_readable_json_for_a_person(tmp_path: Path) -> None:
    store = ProfileStore(tmp_path, None)
    store.save(TOKEN)
    assert json.loads(store.path.read_text()) == {
        "current": "work",
        "profiles": {
            "work": {
                "kind": "token",
                "api_url": "https://api.example/v1.0",
                "username": "me@x",
                "secret": "t0psecret",
            }
        },
    }


def test_many_that_save_at_once_lose_no_profile(tmp_path: Path) -> None:
    names = [f"p{n}" for n in range(12)]
    stores = [ProfileStore(tmp_path, None) for _ in names]
    with ThreadPoolExecutor(len(names)) as pool:
        profiles = [Profile(name, CredentialKind.TOKEN, "s") for name in names]
        assert all(pool.map(ProfileStore.save, stores, profiles))
    assert sorted(stores[0].names) == sorted(names)


def test_a_lock_that_is_never_given_back_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voipbin_cli.transport.profiles._LOCK_PATIENCE_S", 0.1)
    with (tmp_path / "profiles.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(MachineError, match="Resource temporarily unavailable"):
            ProfileStore(tmp_path, None).save(Profile("a", CredentialKind.TOKEN, "s"))
