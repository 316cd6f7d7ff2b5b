"""What the next life of a daemon makes of spill files: killed at each point, and what nobody can read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tests.host.spill_files import again, assert_is_behind_a_loss_of, block, opened, spoil

from devopsclaw.host.shim import ExitFile
from devopsclaw.host.spill import CHUNK, EXIT_RESERVED, Spill, punch
from devopsclaw.model.errors import Damaged
from devopsclaw.model.process import Gap


def test_a_life_that_told_nothing_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    _, streams = opened(tmp_path)
    os.write(streams.stdout, b"unseen")
    streams.close()
    Spill(tmp_path, "c").path("stdout").write_bytes(b"kept")

    spill = again(tmp_path)
    spill.measure("stdout")

    assert_is_behind_a_loss_of(0, spill)


def test_killed_before_the_file_was_emptied_the_next_life_knows_what_was_told(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    streams.close()
    spill.path("stdout").write_bytes(b"kept")

    later = again(tmp_path)
    later.finish()

    assert_is_behind_a_loss_of(4, later)
    assert "emptied its own stdout" in later.troubles()[0]


@pytest.mark.parametrize("kills", [1, 2])
def test_killed_after_the_loss_was_seen_the_next_life_knows_it(tmp_path: Path, kills: int) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    spill.path("stdout").write_bytes(b"ke")
    spill.measure("stdout")
    os.write(streams.stdout, b"pt")
    streams.close()

    for _ in range(kills):
        spill = again(tmp_path)
        spill.measure("stdout")

    assert_is_behind_a_loss_of(4, spill)


def test_killed_after_the_loss_was_seen_and_emptied_again_meanwhile(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    spill.path("stdout").write_bytes(b"second")
    spill.measure("stdout")
    streams.close()
    spill.path("stdout").write_bytes(b"kept")

    later = again(tmp_path)
    later.finish()

    assert_is_behind_a_loss_of(10, later)


def test_killed_after_the_end_and_before_the_journal_has_it_the_same_is_found(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    spill.path("stdout").write_bytes(b"kept")
    spill.finish()
    streams.close()

    later = again(tmp_path)
    later.finish()

    assert_is_behind_a_loss_of(4, spill)
    assert_is_behind_a_loss_of(4, later)


def test_what_the_journal_has_of_a_finished_command_says_where_the_rest_lies(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    spill.path("stdout").write_bytes(b"kept")
    spill.finish()
    streams.close()

    later = Spill(tmp_path, "c")
    later.recall({"stdout": 8, "stderr": 0}, spill.gaps("stdout"))

    assert_is_behind_a_loss_of(4, later)


def test_a_recalled_gap_in_the_middle_moves_nothing(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path, 8)
    os.write(streams.stdout, b"0123456789abcdef")
    spill.finish()
    streams.close()

    later = Spill(tmp_path, "c", 8)
    later.recall({"stdout": 16, "stderr": 0}, spill.gaps("stdout"))

    assert later.gaps("stdout") == spill.gaps("stdout") == [Gap("stdout", 6, 14)]
    assert (later.read("stdout", 0, 99), later.read("stdout", 14, 99)) == (b"012345", b"ef")


def test_nothing_is_told_that_could_not_be_noted(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"unnoted")
    spill.path("exit").unlink()

    with pytest.raises(Damaged, match=r"cannot read .*c.exit"):
        spill.measure("stdout")

    assert spill.length("stdout") == 0
    streams.close()


def test_a_note_does_not_touch_what_the_shim_says(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.exit, b"12\n")
    os.write(streams.stdout, b"one")
    spill.measure("stdout")
    os.write(streams.exit, b"3 end\n")

    assert spill.exit_file() == ExitFile(12, 3)
    assert spill.path("exit").stat().st_size == EXIT_RESERVED
    assert again(tmp_path).length("stdout") == 3
    streams.close()


def test_a_command_without_files_has_nothing_to_go_on_from(tmp_path: Path) -> None:
    spill = again(tmp_path)

    assert (spill.length("stdout"), spill.exit_file()) == (0, ExitFile())


# What cannot be read


def test_a_stream_that_cannot_be_read_is_lost_at_the_end_and_the_other_is_not(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    os.write(streams.stderr, b"kept")
    spill.measure("stdout")
    spoil(spill.path("stdout"))

    with pytest.raises(Damaged, match=r"cannot read .*c.stdout"):
        spill.measure("stdout")
    spill.finish()

    assert (spill.length("stdout"), spill.gaps("stdout")) == (4, [Gap("stdout", 0, 4)])
    assert spill.digest("stdout") == hashlib.sha256().hexdigest()
    assert spill.read("stderr", 0, 9) == b"kept"
    (why,) = spill.troubles()
    assert "c.stdout: Too many levels" in why
    streams.close()


def test_a_stream_that_was_deleted_was_not_emptied_by_its_command(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"told")
    spill.measure("stdout")
    spill.path("stdout").unlink()

    spill.finish()

    (why,) = spill.troubles()
    assert "No such file" in why and "emptied" not in why
    streams.close()


def test_files_that_cannot_be_used_say_which_and_why(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    streams.close()
    for name in ("stdout", "exit"):
        spoil(spill.path(name))

    for refused in (spill.exit_file, spill.resume, lambda: spill.read("stdout", 0, 1)):
        with pytest.raises(Damaged, match=r"cannot read .*: Too many levels"):
            refused()
    block(spill.path("stdout"))
    with pytest.raises(Damaged, match=r"cannot delete .*c.stdout: Is a directory"):
        spill.remove()


def test_a_file_that_cannot_be_opened_is_not_punched(tmp_path: Path) -> None:
    assert punch(tmp_path / "gone", 0, CHUNK) is False
