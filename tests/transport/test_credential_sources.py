"""Where credentials come from: each source before the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from voipbin_cli.errors import UsageError
from voipbin_cli.transport.credential_sources import find_credential
from voipbin_cli.transport.credentials import CredentialKind
from voipbin_cli.transport.profiles import Profile, ProfileStore


@pytest.fixture
def store(tmp_path: Path) -> ProfileStore:
    return ProfileStore(tmp_path / "config", None)


def official(home: Path, text: str) -> None:
    (home / ".vn").mkdir()
    (home / ".vn" / "config.yaml").write_text(text)


OFFICIAL = """
current_profile: work
profiles:
  work: {access_key: vn-work-key, api_url: "https://work.example/v1.0"}
  other: {access_key: vn-other-key}
"""


def test_each_source_comes_before_the_next(store: ProfileStore, tmp_path: Path) -> None:
    official(tmp_path, OFFICIAL)
    store.save(Profile("default", CredentialKind.TOKEN, "stored-token"))
    environ = {
        "VOIPBIN_TOKEN": "env-token",
        "VOIPBIN_ACCESSKEY": "env-key",
        "VN_ACCESS_KEY": "vn-env-key",
    }
    found = []
    for gone in ("VOIPBIN_TOKEN", "VOIPBIN_ACCESSKEY", "profile", "VN_ACCESS_KEY", "file"):
        credential = find_credential(environ, store=store, home=tmp_path)
        assert credential is not None
        found.append((credential.kind.value, credential.secret, credential.source))
        environ.pop(gone, None)
        if gone == "profile":
            store.delete()
    assert found == [
        ("token", "env-token", "VOIPBIN_TOKEN"),
        ("accesskey", "env-key", "VOIPBIN_ACCESSKEY"),
        ("token", "stored-token", "profile default"),
        ("accesskey", "vn-env-key", "VN_ACCESS_KEY"),
        ("accesskey", "vn-work-key", str(tmp_path / ".vn" / "config.yaml")),
    ]


def test_no_credential_anywhere_is_none(store: ProfileStore, tmp_path: Path) -> None:
    assert find_credential({"VOIPBIN_TOKEN": "  "}, store=store, home=tmp_path) is None


def test_the_official_clients_api_comes_with_its_key(store: ProfileStore, tmp_path: Path) -> None:
    official(tmp_path, OFFICIAL)
    credential = find_credential({}, store=store, home=tmp_path)
    assert credential is not None
    assert credential.api_url == "https://work.example/v1.0"


@pytest.mark.parametrize(
    "text",
    [
        *["", "null", "[]", "profiles: 7", "profiles: {default: {access_key: 7}}", "a: b"],
        *["current_profile: [a]\nprofiles: {a: {access_key: k}}", "current_profile: {a: b}"],
        "profiles: {default: [access_key]}",
    ],
)
def test_an_official_config_without_a_key_gives_none(
    text: str, store: ProfileStore, tmp_path: Path
) -> None:
    official(tmp_path, text)
    assert find_credential({}, store=store, home=tmp_path) is None


@pytest.mark.parametrize(
    "wrong", ["\t- : [", "a: !!int ''", "a: !!timestamp x", "? [a]: b", "a: 2024-13-41"]
)
def test_a_broken_official_config_is_told_without_its_contents(
    wrong: str, store: ProfileStore, tmp_path: Path
) -> None:
    official(tmp_path, f"access_key: t0psecret\n{wrong}")
    with pytest.raises(UsageError, match="is not YAML") as caught:
        find_credential({}, store=store, home=tmp_path)
    assert caught.value.__context__ is None
    assert "t0psecret" not in caught.value.message


def test_the_profile_asked_for_must_exist(store: ProfileStore, tmp_path: Path) -> None:
    store.save(Profile("a", CredentialKind.TOKEN, "token-a"))
    store.save(Profile("b", CredentialKind.ACCESSKEY, "key-b", "https://b.example/v1.0"))
    by_option = find_credential({"VOIPBIN_PROFILE": "b"}, "a", store=store, home=tmp_path)
    by_environment = find_credential({"VOIPBIN_PROFILE": "b"}, store=store, home=tmp_path)
    assert by_option is not None
    assert by_environment is not None
    assert (by_option.secret, by_environment.secret) == ("token-a", "key-b")
    assert by_environment.api_url == "https://b.example/v1.0"
    with pytest.raises(UsageError, match="there is no profile 'c'") as caught:
        find_credential({}, "c", store=store, home=tmp_path)
    assert "voipbin login --profile c" in caught.value.hint


@pytest.mark.parametrize("secret", ["line\nbreak", "null\0", "ümlaut", "tab\there"])
def test_a_secret_that_cannot_travel_in_a_header_is_refused(
    secret: str, store: ProfileStore, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="VOIPBIN_TOKEN can be none") as caught:
        find_credential({"VOIPBIN_TOKEN": secret}, store=store, home=tmp_path)
    assert secret not in caught.value.message
