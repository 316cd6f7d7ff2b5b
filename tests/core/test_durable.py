"""Names that are durable: it is the folder that is put on disk, and nothing stays open."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from devopsclaw.core.durable import sync_folder


def open_descriptors() -> set[str]:
    """What this process has open."""
    found = set()
    for each in Path("/dev/fd").iterdir():
        try:
            found.add(f"{each.name}: {each.readlink()}")
        except OSError:  # the one that listed them
            continue
    return found


def test_it_is_the_folder_itself_that_is_put_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, int]] = []

    def fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        synced.append((status.st_dev, status.st_ino))

    monkeypatch.setattr(os, "fsync", fsync)

    sync_folder(tmp_path)

    assert synced == [(tmp_path.stat().st_dev, tmp_path.stat().st_ino)]


def test_a_real_folder_is_synced_and_closed_again(tmp_path: Path) -> None:
    before = open_descriptors()
    (tmp_path / "new").touch()

    sync_folder(tmp_path)

    assert open_descriptors() == before


def test_a_disk_that_fails_is_told_and_the_folder_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(os, "fsync", fsync)
    before = open_descriptors()

    with pytest.raises(OSError, match="Input/output error"):
        sync_folder(tmp_path)

    assert open_descriptors() == before


@pytest.mark.parametrize("name", ["missing", "file", "link-to-file"])
def test_what_is_no_folder_is_an_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link-to-file").symlink_to("file")

    with pytest.raises(OSError):
        sync_folder(tmp_path / name)
