"""Who lives, out of golden lines of the kernel and out of this machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host import census
from devopsclaw.host.process import EXECUTION

TAIL = b" S 10 77 66 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 9 9\n"


@pytest.mark.parametrize("name", ["sleep", "a) R 1 (b", "", "two words"])
def test_a_process_is_read_whatever_its_name_holds(name: str) -> None:
    assert census.parse_stat(b"12 (" + name.encode() + b")" + TAIL) == (name, "S", 66, 4711)


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=80).filter(lambda data: len(data.split()) < 20))
def test_what_is_no_such_line_is_nobody(data: bytes) -> None:
    assert census.parse_stat(data) is None


def test_the_command_is_read_out_of_an_environment() -> None:
    mark = EXECUTION.encode()

    assert census.parse_execution(b"A=1\0" + mark + b"=abc\0B=2\0") == "abc"
    assert census.parse_execution(b"X" + mark + b"=abc\0" + mark) == ""
    assert census.parse_execution(b"") == ""


def test_zombies_and_half_gone_processes_are_left_out(tmp_path: Path) -> None:
    for pid, line in {"5": b"5 (z) Z" + TAIL[2:], "6": b"", "7": b"7 (alive)" + TAIL}.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "stat").write_bytes(line)
    (tmp_path / "self").mkdir()

    assert census.residents(tmp_path) == [census.Resident(7, "alive", 66, 4711, "")]


def test_without_proc_nobody_is_found(tmp_path: Path) -> None:
    assert census.residents(tmp_path / "none") == []


async def test_members_carry_the_id_or_share_the_session() -> None:
    marked = {**os.environ, EXECUTION: "census-test"}
    with (
        subprocess.Popen(["sleep", "60"], env=marked) as carrier,
        subprocess.Popen(["sleep", "60"], start_new_session=True) as leader,
    ):
        counted = census.Census()
        by_id = await counted.members("census-test", 0)
        by_session = await counted.members("another", leader.pid)
        carrier.kill()
        leader.kill()

    assert [each.words for each in by_id] == [f"{carrier.pid} sleep"]
    assert by_session == [], "the shim itself is no member"


async def test_those_who_ask_together_share_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []

    def count() -> list[census.Resident]:
        counts.append(1)
        return []

    monkeypatch.setattr(census, "residents", count)

    counted = census.Census()
    await asyncio.gather(*(counted.take() for _ in range(100)))

    assert len(counts) <= 2
