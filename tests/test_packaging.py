"""What is shipped: wheel, sdist, and where an installation puts things."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest

import voipbin_cli
from tests.support.needs import need
from voipbin_cli.shell.completions import scripts
from voipbin_cli.shell.man import DATE, pages

# tests/run keeps the tests away from the source tree, and says where that is.
ROOT = Path(os.environ.get("VOIPBIN_SOURCE") or Path(__file__).parents[1])
# Below an installation's prefix, where each shell and man look.
SHARED = {
    "share/bash-completion/completions/voipbin": scripts()["voipbin.bash"],
    "share/zsh/site-functions/_voipbin": scripts()["_voipbin"],
    "share/fish/vendor_completions.d/voipbin.fish": scripts()["voipbin.fish"],
    "share/voipbin/completions/voipbin.ps1": scripts()["voipbin.ps1"],
} | {f"share/man/man1/{name}": text for name, text in pages().items()}


def build(source: Path, target: Path) -> tuple[Path, Path]:
    """Build wheel and sdist of `source`; offline, with the hatchling that is there."""
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(target)]
    done = subprocess.run(command, cwd=source, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if not (ROOT / "voipbin_cli").is_dir():
        pytest.skip("the source tree is not here")
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed")
    return build(ROOT, tmp_path_factory.mktemp("dist"))


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_holds_the_package_and_what_shells_and_man_look_for(
    built: tuple[Path, Path],
) -> None:
    files = contents(built[0])
    data = f"voipbin-{voipbin_cli.__version__}.data/data/"
    shared = {n.removeprefix(data): t.decode() for n, t in files.items() if n.startswith(data)}
    assert shared == SHARED
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "voipbin_cli").rglob("*.py")}
    assert sources | {"voipbin_cli/py.typed"} <= set(files)
    outside = [name for name in files if not name.startswith(("voipbin_cli/", "voipbin-"))]
    assert outside == []


def test_the_wheel_says_what_it_is(built: tuple[Path, Path]) -> None:
    files = contents(built[0])
    info = f"voipbin-{voipbin_cli.__version__}.dist-info"
    about = email.message_from_bytes(files[f"{info}/METADATA"])
    assert about["Version"] == voipbin_cli.__version__
    assert about["Requires-Python"] == ">=3.11"
    assert about["License-Expression"] == "Apache-2.0"
    assert f"{info}/licenses/LICENSE" in files
    assert b"voipbin = voipbin_cli.__main__:run" in files[f"{info}/entry_points.txt"]
    assert b"Tag: py3-none-any" in files[f"{info}/WHEEL"]


def test_a_wheel_built_from_the_sdist_is_the_same(built: tuple[Path, Path], tmp_path: Path) -> None:
    with tarfile.open(built[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    again, _ = build(source, tmp_path / "dist")
    assert contents(again) == contents(built[0])


def test_the_sdist_can_be_tested(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"pyproject.toml", "LICENSE", "README.md", "tests/run", "tests/test_packaging.py"}
    wanted |= {f"completions/{name}" for name in scripts()} | {
        f"man/man1/{name}" for name in pages()
    }
    assert wanted <= names


def test_what_pip_lays_out_runs_and_is_found(built: tuple[Path, Path], tmp_path: Path) -> None:
    if find_spec("pip") is None:
        pytest.skip("pip is not installed")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    where = ["--ignore-installed", "--prefix", str(tmp_path), str(built[0])]
    subprocess.run([*pip, *where], check=True, capture_output=True, timeout=120)
    assert {name for name in SHARED if not (tmp_path / name).is_file()} == set()
    packages = next(tmp_path.glob("lib*/python3.*/site-packages"))
    env = {
        **os.environ,
        "PYTHONPATH": str(packages),
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
    }
    version = subprocess.run(["voipbin", "-V"], env=env, capture_output=True, timeout=60)
    assert version.stdout.decode() == f"voipbin {voipbin_cli.__version__}\n"
    manual = subprocess.run(
        [need("man"), "-w", "voipbin"],
        env={"PATH": env["PATH"], "MANPATH": f"{tmp_path}/share/man"},
        capture_output=True,
        timeout=60,
    )
    assert manual.stdout.decode().strip() == f"{tmp_path}/share/man/man1/voipbin.1"


def test_this_installation_has_its_shared_files() -> None:
    try:
        installed = metadata.distribution("voipbin")
    except metadata.PackageNotFoundError:
        pytest.skip("the tests run against the source tree")
    files = {os.path.normpath(str(f.locate())): f for f in installed.files or []}
    if not any(name.endswith("voipbin_cli/main.py") for name in files):
        pytest.skip("an editable installation brings none")
    for name, text in SHARED.items():
        (path,) = (found for found in files if found.endswith(name))
        assert Path(path).read_text(encoding="utf-8") == text
    (script,) = installed.entry_points.select(group="console_scripts")
    assert (script.name, script.value) == ("voipbin", "voipbin_cli.__main__:run")


def test_the_changelog_and_the_man_pages_are_of_this_version_and_its_day() -> None:
    if not (ROOT / "CHANGELOG.md").is_file():
        pytest.skip("the source tree is not here")
    text = (ROOT / "CHANGELOG.md").read_text()
    found = re.search(r"^## \[(\d[^]]*)\] - (\S+)$", text, re.MULTILINE)
    assert found is not None
    assert found.groups() == (voipbin_cli.__version__, DATE)


def test_every_dependency_is_in_the_licence_note() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {re.split(r"[<>=!~ ;\[]", wanted)[0] for wanted in project["dependencies"]}
    # Its first table; what is behind the next heading is of weaknesses.
    note = (ROOT / "THIRD-PARTY.md").read_text().partition("\n## ")[0]
    noted = dict(re.findall(r"^\| ([a-z0-9]+) \| (.+?) \|", note, re.MULTILINE))
    noted.pop("package")
    assert set(noted) == needed
    for name, licence in noted.items():
        about = metadata.metadata(name)
        said = about.get("License-Expression") or about.get("License") or str(about.items())
        # BSD-3-Clause, "BSD 3-Clause License": the same in two spellings.
        assert re.split(r"[- ]", licence)[0] in said, (name, said)
