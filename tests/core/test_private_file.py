"""Files that only their owner may read: whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from devopsclaw.core.private_file import shown, write_private


@pytest.fixture
def open_mask() -> object:
    """A umask that forbids nothing, as a careless shell has."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_is_written_for_its_owner_only_whatever_the_umask(tmp_path: Path, open_mask: None) -> None:
    write_private(tmp_path / "a", "text é\n")

    assert (tmp_path / "a").read_bytes() == "text é\n".encode()
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_an_open_file_is_closed_to_others_when_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "a").chmod(0o666)

    write_private(tmp_path / "a", "new")

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_what_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError):
        write_private(tmp_path / "a", "new")

    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_private(tmp_path / "none" / "a", "new")


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    with (tmp_path / "a").open() as reader:
        write_private(tmp_path / "a", "new")
        assert reader.read() == "old"


@pytest.mark.parametrize(
    ("path", "text"), [("/h/u/.devopsclaw/x", "~/.devopsclaw/x"), ("/h/u", "/h/u"), ("/h/uu/x", "/h/uu/x")]
)
def test_paths_are_shown_as_people_write_them(path: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h/u")

    assert shown(Path(path)) == text
