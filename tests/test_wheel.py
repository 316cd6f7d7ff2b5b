"""What is shipped, seen in a wheel that is built without network from a copy of the source."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("src", "themes", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel of this source; a copy, since building writes the build's version file."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in SOURCES:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, folder / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    subprocess.run(build, cwd=folder, check=True, capture_output=True)
    with zipfile.ZipFile(next((folder / "dist").glob("*.whl"))) as opened:
        yield opened


def shipped(wheel: zipfile.ZipFile) -> set[str]:
    """The names of all files."""
    return set(wheel.namelist())


@pytest.mark.parametrize("folder", ["themes"])
def test_the_data_folders_are_inside(wheel: zipfile.ZipFile, folder: str) -> None:
    files = {f"devopsclaw/{path.relative_to(ROOT)}" for path in (ROOT / folder).iterdir()}

    assert files and files <= shipped(wheel)


def test_every_file_of_the_package_is_inside(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "src" / "devopsclaw"
    files = {
        f"devopsclaw/{path.relative_to(package)}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert files <= shipped(wheel)


def test_the_licence_is_inside(wheel: zipfile.ZipFile) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in shipped(wheel))


def test_version_and_build_time_are_baked_in(wheel: zipfile.ZipFile) -> None:
    baked = wheel.read("devopsclaw/_build.py").decode()

    assert 'VERSION = "' in baked and 'BUILT = "2' in baked


def test_the_program_s_name_is_installed(wheel: zipfile.ZipFile) -> None:
    entry = next(name for name in shipped(wheel) if name.endswith("entry_points.txt"))

    assert "devopsclaw = devopsclaw.__main__:main" in wheel.read(entry).decode()
