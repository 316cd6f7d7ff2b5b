"""Spill files: lengths that never shrink, exact gaps, and hashes of what is kept."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.host.spill_files import assert_is_behind_a_loss_of, opened

from devopsclaw.host.spill import CHUNK, Spill, punch
from devopsclaw.host.track import MARK
from devopsclaw.model.process import Gap, gap_of


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 10**12), st.integers(0, 10**9))
def test_what_is_kept_never_exceeds_the_cap_and_the_head_never_shrinks(length: int, cap: int) -> None:
    gap, more = gap_of("stdout", length, cap), gap_of("stdout", length + 1, cap)

    if gap is None:
        assert length <= cap
        return
    assert 0 <= gap.start < gap.end <= length
    assert length - (gap.end - gap.start) == cap
    assert more == Gap("stdout", gap.start, gap.end + 1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(8, 1000), st.integers(1, 400))
def test_reading_in_pieces_gives_what_was_kept(pieces: list[bytes], cap: int, limit: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        spill, streams = opened(Path(folder), cap)
        for piece in pieces:
            os.write(streams.stdout, piece)
            spill.measure("stdout")
        streams.close()
        whole = b"".join(pieces)
        found, offset = b"", 0
        for gap in [*spill.gaps("stdout"), Gap("stdout", len(whole), len(whole))]:
            while piece := spill.read("stdout", offset, limit):
                found, offset = found + piece, offset + len(piece)
            assert offset == gap.start
            offset = gap.end

        gap = gap_of("stdout", len(whole), cap) or Gap("stdout", len(whole), len(whole))
        assert found == whole[: gap.start] + whole[gap.end :]
        assert spill.digest("stdout") == hashlib.sha256(found).hexdigest()


def test_a_new_spill_is_empty_and_its_lock_is_held(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)

    assert (spill.measure("stdout"), spill.measure("stderr")) == (0, 0)
    assert spill.digest("stdout") == hashlib.sha256().hexdigest()
    assert [spill.is_held(name) for name in ("stdout", "stderr", "exit")] == [True] * 3
    streams.close()
    assert not spill.is_held("exit")
    assert not Spill(tmp_path, "unknown").is_held("exit")


def test_room_for_the_exit_status_is_set_aside(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)

    os.write(streams.exit, b"12\n3 end\n")

    assert spill.path("exit").stat().st_blocks > 0
    assert (spill.exit_file().pid, spill.exit_file().exit_code) == (12, 3)
    streams.close()


def test_a_file_that_was_emptied_goes_on_behind_what_was_seen(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"lost")
    assert spill.measure("stdout") == 4

    spill.path("stdout").write_bytes(b"kept")

    assert spill.measure("stdout") == 8
    assert_is_behind_a_loss_of(4, spill)
    assert "emptied its own stdout" in spill.troubles()[0]
    streams.close()


def test_a_file_that_was_emptied_twice_loses_both(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    for content in (b"first", b"two"):
        spill.path("stderr").write_bytes(content)
        spill.measure("stderr")

    assert spill.length("stderr") == 8
    assert spill.gaps("stderr") == [Gap("stderr", 0, 5)]
    streams.close()


def test_lines_of_one_length_that_replace_each_other_are_told_apart(tmp_path: Path) -> None:
    """`echo "step 1" >/dev/stderr; sleep 1; echo "step 2" >/dev/stderr`."""
    spill, streams = opened(tmp_path)
    for number in range(3):
        spill.path("stderr").write_bytes(b"step %d\n" % number)
        spill.measure("stderr")
    spill.path("stderr").write_bytes(b"step 3\n")
    spill.finish()

    assert (spill.length("stderr"), spill.lost("stderr")) == (28, 21)
    assert spill.read("stderr", 21, 99) == b"step 3\n"
    streams.close()


def test_a_last_change_that_a_coarse_clock_hides_is_seen_at_the_end(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    path = spill.path("stdout")
    before = path.stat().st_mtime_ns
    path.write_bytes(b"x" * len(MARK))
    os.utime(path, ns=(before, before))
    assert spill.measure("stdout") == 0, "neither size nor time has changed"

    spill.finish()

    assert spill.read("stdout", 0, 99) == b"x" * len(MARK)
    streams.close()


def test_after_the_end_the_length_does_not_change(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    os.write(streams.stdout, b"one")
    spill.finish()

    os.write(streams.stdout, b"two")

    assert spill.measure("stdout") == 3
    assert spill.read("stdout", 0, 100) == b"one"
    streams.close()


def test_the_surplus_is_punched_once_and_the_kept_bytes_stay(tmp_path: Path) -> None:
    cap = 4 * CHUNK
    spill, streams = opened(tmp_path, cap)
    for number in range(16):
        os.write(streams.stdout, bytes([number]) * CHUNK)
    spill.measure("stdout")
    before = spill.digest("stdout")

    surplus = spill.surplus("stdout")
    assert surplus is not None
    assert punch(spill.path("stdout"), *surplus)

    path = spill.path("stdout")
    assert spill.surplus("stdout") is None
    assert path.stat().st_size == 16 * CHUNK + len(MARK)
    assert path.stat().st_blocks * 512 <= cap + 64 * 1024
    assert spill.digest("stdout") == before
    streams.close()


def test_what_a_file_is_known_by_is_never_punched(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path, 0)
    os.write(streams.stdout, b"lost")
    spill.measure("stdout")
    spill.path("stdout").write_bytes(b"x" * 4 * CHUNK)
    assert spill.measure("stdout") == 4 + 4 * CHUNK

    surplus = spill.surplus("stdout")
    assert surplus is not None and punch(spill.path("stdout"), *surplus)
    os.write(streams.stdout, b"more")

    assert spill.measure("stdout") == 8 + 4 * CHUNK
    streams.close()


def test_removing_leaves_nothing_and_may_be_repeated(tmp_path: Path) -> None:
    spill, streams = opened(tmp_path)
    streams.close()

    spill.remove()
    spill.remove()

    assert list(tmp_path.iterdir()) == []
    assert spill.exit_file().pid == 0
