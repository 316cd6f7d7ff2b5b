"""The output store: contiguous, each byte once, short output shared, long output in files."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.db import Database
from devopsclaw.core.outputs import SHORT, Outputs
from devopsclaw.model.errors import BadParams, Damaged

MIGRATIONS = Path(__file__).parents[2] / "src" / "devopsclaw" / "core" / "migrations" / "core"

ONE, TWO = "a1" * 16, "b2" * 16


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "core.db", MIGRATIONS) as opened:
        yield opened


@pytest.fixture
def outputs(database: Database, tmp_path: Path) -> Outputs:
    return Outputs(database, tmp_path / "output")


async def count(database: Database, table: str) -> int:
    def work(connection: sqlite3.Connection) -> int:
        number: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return number

    return await database.read(work)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


async def test_what_was_appended_is_read_back(outputs: Outputs) -> None:
    assert await outputs.append(ONE, "stdout", 0, b"hello ") == 6
    assert await outputs.append(ONE, "stdout", 6, b"world\n") == 12
    await outputs.append(ONE, "stderr", 0, b"oh")

    assert await outputs.read(ONE, "stdout") == b"hello world\n"
    assert await outputs.read(ONE, "stdout", 6, 3) == b"wor"
    assert await outputs.read(ONE, "stdout", 50) == b""
    assert await outputs.length(ONE, "stdout") == 12
    assert await outputs.sha256(ONE, "stdout") == sha256(b"hello world\n")
    assert await outputs.read(ONE, "stderr") == b"oh"


async def test_nothing_came_yet(outputs: Outputs) -> None:
    assert await outputs.length(ONE, "stdout") == 0
    assert await outputs.read(ONE, "stdout") == b""
    assert await outputs.sha256(ONE, "stdout") == sha256(b"")
    await outputs.close(ONE)
    assert await outputs.length(ONE, "stdout") == 0


async def test_what_comes_twice_is_kept_once(outputs: Outputs) -> None:
    await outputs.append(ONE, "stdout", 0, b"abcdef")

    assert await outputs.append(ONE, "stdout", 0, b"abcdef") == 6
    assert await outputs.append(ONE, "stdout", 2, b"cd") == 6
    assert await outputs.append(ONE, "stdout", 4, b"efgh") == 8

    assert await outputs.read(ONE, "stdout") == b"abcdefgh"


async def test_a_hole_is_an_error_that_names_it(outputs: Outputs) -> None:
    await outputs.append(ONE, "stdout", 0, b"abc")

    with pytest.raises(Damaged, match=f"stdout of command {ONE} has a hole: bytes 3 to 10 are missing"):
        await outputs.append(ONE, "stdout", 10, b"k")
    with pytest.raises(Damaged, match="bytes 3 to 4 are missing"):
        await outputs.skip(ONE, "stdout", 4, 8)

    assert await outputs.length(ONE, "stdout") == 3


async def test_a_gap_that_the_node_announced_is_no_hole(outputs: Outputs) -> None:
    await outputs.append(ONE, "stdout", 0, b"abc")

    assert await outputs.skip(ONE, "stdout", 3, 100) == 100
    assert await outputs.skip(ONE, "stdout", 3, 100) == 100
    assert await outputs.append(ONE, "stdout", 100, b"xyz") == 103

    found = await outputs.stream(ONE, "stdout")
    assert (found.length, found.kept, found.gaps) == (103, 6, ((3, 100),))
    assert await outputs.read(ONE, "stdout") == b"abcxyz"
    assert await outputs.sha256(ONE, "stdout") == sha256(b"abcxyz")


@pytest.mark.parametrize("size", [4, 3 * SHORT], ids=["a row", "a file"])
async def test_what_a_command_threw_away_itself_is_not_kept_here_either(outputs: Outputs, size: int) -> None:
    await outputs.append(ONE, "stdout", 0, b"x" * size)

    assert await outputs.skip(ONE, "stdout", 0, size + 1) == size + 1
    await outputs.append(ONE, "stdout", size + 1, b"kept")
    await outputs.close(ONE)

    found = await outputs.stream(ONE, "stdout")
    assert (found.length, found.kept, found.gaps) == (size + 5, 4, ((0, size + 1),))
    assert await outputs.read(ONE, "stdout") == b"kept"
    assert await outputs.sha256(ONE, "stdout") == hashlib.sha256(b"kept").hexdigest()


async def test_equal_short_outputs_are_stored_once(outputs: Outputs, database: Database) -> None:
    for command in (ONE, TWO):
        await outputs.append(command, "stdout", 0, b"same")
        await outputs.append(command, "stderr", 0, b"other")
        await outputs.close(command)
        await outputs.close(command)

    assert await count(database, "contents") == 2
    for command in (ONE, TWO):
        assert await outputs.read(command, "stdout") == b"same"
        assert await outputs.sha256(command, "stdout") == sha256(b"same")


async def test_long_output_is_a_file_of_the_owner(
    outputs: Outputs, database: Database, tmp_path: Path
) -> None:
    data = bytes(range(256)) * 100
    await outputs.append(ONE, "stdout", 0, data[:SHORT])
    assert not (tmp_path / "output").exists()

    for start in range(SHORT, len(data), 5000):
        await outputs.append(ONE, "stdout", start, data[start : start + 5000])
    await outputs.close(ONE)

    path = tmp_path / "output" / "a1" / f"{ONE}.stdout"
    assert path.read_bytes() == data
    assert path.stat().st_mode & 0o777 == 0o600
    assert await outputs.read(ONE, "stdout", 20_000, 100) == data[20_000:20_100]
    assert await outputs.sha256(ONE, "stdout") == sha256(data)
    assert await count(database, "contents") == 0


async def test_after_a_crash_the_file_is_written_over_from_where_the_database_stands(
    outputs: Outputs, tmp_path: Path
) -> None:
    await outputs.append(ONE, "stdout", 0, b"x" * 20_000)
    path = tmp_path / "output" / "a1" / f"{ONE}.stdout"
    with path.open("ab") as file:
        file.write(b"written, but not counted")

    assert await outputs.length(ONE, "stdout") == 20_000
    await outputs.append(ONE, "stdout", 20_000, b"the truth")

    assert await outputs.read(ONE, "stdout", 20_000) == b"the truth"
    assert await outputs.sha256(ONE, "stdout") == sha256(b"x" * 20_000 + b"the truth")


@pytest.mark.parametrize("size", [3, SHORT, SHORT + 1])
async def test_a_closed_stream_ignores_what_it_has_and_goes_on_with_what_is_new(
    size: int, outputs: Outputs
) -> None:
    begun = b"x" * size
    for command in (ONE, TWO):
        await outputs.append(command, "stdout", 0, begun)
        await outputs.close(command)

    assert await outputs.append(ONE, "stdout", 0, begun) == size
    assert (await outputs.stream(ONE, "stdout")).sha256
    assert await outputs.append(ONE, "stdout", size, b"yz") == size + 2
    await outputs.close(ONE)

    assert await outputs.read(ONE, "stdout", 0, size + 9) == begun + b"yz"
    assert await outputs.sha256(ONE, "stdout") == sha256(begun + b"yz")
    assert await outputs.read(TWO, "stdout", 0, size + 9) == begun


async def test_a_file_that_is_gone_is_said(outputs: Outputs, tmp_path: Path) -> None:
    await outputs.append(ONE, "stdout", 0, b"x" * 20_000)
    (tmp_path / "output" / "a1" / f"{ONE}.stdout").unlink()

    with pytest.raises(Damaged, match="No such file"):
        await outputs.read(ONE, "stdout")


async def test_a_disk_that_takes_nothing_is_said_and_the_length_stays(
    outputs: Outputs, tmp_path: Path
) -> None:
    (tmp_path / "output").write_text("a file where the folder should be")

    with pytest.raises(Damaged, match="Not a directory"):
        await outputs.append(ONE, "stdout", 0, b"x" * 20_000)
    assert await outputs.length(ONE, "stdout") == 0


@pytest.mark.parametrize(("command", "stream"), [("../../etc", "stdout"), (ONE, "stdin"), ("", "stderr")])
async def test_names_are_no_paths(outputs: Outputs, command: str, stream: str) -> None:
    with pytest.raises(BadParams, match="there is no output"):
        await outputs.append(command, stream, 0, b"x")


@settings(deadline=None, max_examples=25)
@given(
    data=st.binary(min_size=1, max_size=200),
    repeat=st.sampled_from([1, 200]),
    cuts=st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 20_000)), max_size=12),
)
async def test_pieces_that_repeat_and_overlap_make_the_whole(
    data: bytes, repeat: int, cuts: list[tuple[int, int]]
) -> None:
    whole = data * repeat
    with TemporaryDirectory() as folder:
        async with await Database.open(Path(folder) / "core.db", MIGRATIONS) as database:
            outputs = Outputs(database, Path(folder) / "output")
            length = 0
            for back, size in cuts:
                start = max(0, length - back % 500)
                length = await outputs.append(ONE, "stdout", start, whole[start : start + size])
            await outputs.append(ONE, "stdout", length, whole[length:])
            await outputs.close(ONE)

            assert await outputs.read(ONE, "stdout", 0, len(whole)) == whole
            assert await outputs.sha256(ONE, "stdout") == sha256(whole)


async def test_a_file_that_somebody_deleted_is_a_gap_and_holds_nothing_up(
    outputs: Outputs, tmp_path: Path
) -> None:
    long = b"x" * (SHORT + 1)
    await outputs.append(ONE, "stdout", 0, long)
    (tmp_path / "output" / ONE[:2] / f"{ONE}.stdout").unlink()

    await outputs.close(ONE)

    found = await outputs.stream(ONE, "stdout")
    assert (found.length, found.kept, found.gaps) == (len(long), 0, ((0, len(long)),))
    assert (found.sha256, await outputs.read(ONE, "stdout")) == (sha256(b""), b"")
