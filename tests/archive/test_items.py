"""Which files an archive is made of."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from voipbin_cli.archive.items import Item, contents, items, listed
from voipbin_cli.errors import UsageError


def tar(members: dict[str, bytes], mode: str = "w") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return data.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_directories_globs_and_names_in_order(tmp_path: Path) -> None:
    for name in ("b/2.pcap", "b/1.pcap", "a.pcap", ".hidden", ".git/x", "b/.z"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * 3)
    whole = [Path(item.path).relative_to(tmp_path) for item in items([str(tmp_path)])]
    assert [str(path) for path in whole] == ["a.pcap", "b/1.pcap", "b/2.pcap"]
    assert len([*items([f"{tmp_path}/**/*.pcap"])]) == 3
    assert [*items([f"{tmp_path}/a.pcap"])] == [Item(f"{tmp_path}/a.pcap", 3)]


@pytest.mark.parametrize("name", ["none.pcap", "*.pcap", "http//x"])
def test_what_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is not there"):
        [*items([str(tmp_path / name)])]


def test_a_list_is_a_name_a_line(tmp_path: Path) -> None:
    (tmp_path / "list").write_text("one.pcap\n\n two.pcap \n")
    assert [*listed(str(tmp_path / "list"))] == ["one.pcap", "two.pcap"]
    with pytest.raises(UsageError, match="cannot read"):
        [*listed(str(tmp_path / "none"))]


MEMBERS = {"day/1.pcap": b"first" * 1000, "2.ulaw": b"second"}


@pytest.mark.parametrize(
    ("name", "archive"),
    [
        ("a.tar", tar(MEMBERS)),
        ("a.tgz", tar(MEMBERS, "w:gz")),
        ("a.tar.xz", tar(MEMBERS, "w:xz")),
        ("a.zip", zipped(MEMBERS)),
        ("no-suffix", tar(MEMBERS, "w:gz")),
    ],
)
def test_an_archive_holds_its_members(tmp_path: Path, name: str, archive: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(archive)
    found = {}
    for member, copy in contents(Item(str(path))):
        found[member] = Path(copy).read_bytes()
        # Bare samples are told by their suffix.
        assert Path(copy).suffix == Path(member.partition("!")[2]).suffix
    members = {f"{path}!{member}": content for member, content in MEMBERS.items()}
    assert found == members


def test_a_damaged_archive_gives_what_comes_before(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar(MEMBERS)[:5600])
    given = contents(Item(str(path)))
    name, copy = next(given)
    assert (name, Path(copy).stat().st_size) == (f"{path}!day/1.pcap", 5000)
    with pytest.raises(OSError, match="cut or damaged"):
        next(given)


def test_any_other_file_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(b"\x1f\x8b is no gzip")
    assert [*contents(Item(str(path)))] == [(str(path), str(path))]


def test_a_url_s_secrets_are_in_no_row() -> None:
    url = "http://me:pass@127.0.0.1:1/a.pcap?token=s3cret"
    assert Item(url).name == "http://127.0.0.1:1/a.pcap"
    with pytest.raises(OSError) as told:
        [*contents(Item(url))]
    assert "s3cret" not in str(told.value)
    assert "pass" not in str(told.value)


def test_a_store_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="cannot list nosuch://x/y"):
        [*items(["nosuch://x/y"])]


def test_an_object_is_fetched_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "a.pcap").write_bytes(b"bytes")
    ((name, copy),) = (
        (name, Path(copy).read_bytes())
        for item in items([f"file://{tmp_path}/*.pcap"])
        for name, copy in contents(item)
    )
    assert (name, copy) == (f"file://{tmp_path}/a.pcap", b"bytes")
