"""Who a process is, what it inherits, and that signals reach only the one that was meant."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from devopsclaw.host import process
from devopsclaw.model.process import Started


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own session that would live for a minute."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as child:
        yield child
        with suppress(ProcessLookupError):
            child.kill()


def test_only_the_allowed_part_of_the_environment_is_passed_on() -> None:
    own = {"HOME": "/h", "LC_TIME": "C", "TERM": "xterm", "DEVOPSCLAW_TOKEN": "secret", "LD_PRELOAD": "x"}

    base = process.base_environment(own)

    assert (base["HOME"], base["LC_TIME"], base["TERM"]) == ("/h", "C", "dumb")
    assert base["PATH"] == process.DEFAULT_PATH
    assert {"USER", "LOGNAME", "SHELL"} <= set(base)
    assert not {"DEVOPSCLAW_TOKEN", "LD_PRELOAD"} & set(base)


def test_a_user_without_an_entry_lives_in_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)

    assert process.base_environment({})["HOME"] == "/"


def test_a_process_is_named_by_pid_start_and_boot(sleeper: subprocess.Popen[bytes]) -> None:
    named = process.identity(sleeper.pid, process.boot_id())

    assert named == process.identity(sleeper.pid, process.boot_id())
    assert named.start_time >= process.start_time(os.getpid()) > 0
    assert len(named.boot_id) == 36


def test_a_process_that_is_gone_has_no_start_time(sleeper: subprocess.Popen[bytes]) -> None:
    sleeper.kill()
    sleeper.wait()

    assert process.start_time(sleeper.pid) == 0
    assert not process.group_lives(sleeper.pid)


def test_a_signal_reaches_only_the_process_that_was_meant(sleeper: subprocess.Popen[bytes]) -> None:
    named = process.identity(sleeper.pid, "")

    process.send(replace(named, start_time=named.start_time + 1), signal.SIGKILL)
    assert sleeper.poll() is None

    process.send(named, signal.SIGKILL)
    assert sleeper.wait() == -signal.SIGKILL
    process.send(named, signal.SIGKILL)


def test_without_pidfds_a_signal_goes_by_pid(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")

    process.send(Started(sleeper.pid, 0, ""), signal.SIGTERM)

    assert sleeper.wait() == -signal.SIGTERM


def test_group_0_is_nobody_and_not_our_own() -> None:
    process.send_group(0, signal.SIGKILL)

    assert not process.group_lives(0)


def test_a_group_is_signalled_as_a_whole(sleeper: subprocess.Popen[bytes]) -> None:
    assert process.group_lives(sleeper.pid)

    process.send_group(sleeper.pid, signal.SIGTERM)

    assert sleeper.wait() == -signal.SIGTERM
    process.send_group(sleeper.pid, signal.SIGTERM)


async def test_an_end_is_told_at_once_and_once(sleeper: subprocess.Popen[bytes]) -> None:
    ends: list[int] = []
    ended = asyncio.Event()

    def note() -> None:
        ends.append(1)
        ended.set()

    watch = process.ExitWatch(sleeper.pid, note)
    sleeper.kill()
    await asyncio.wait_for(ended.wait(), 5)
    watch.close()

    assert ends == [1]
    assert sleeper.wait() == -signal.SIGKILL


def test_only_our_own_ended_children_are_reaped(sleeper: subprocess.Popen[bytes]) -> None:
    assert not process.reap(sleeper.pid)
    assert not process.reap(1)


def test_a_stream_is_locked_private_and_numbered_past_the_shims_own(tmp_path: Path) -> None:
    descriptor = process.open_stream(tmp_path / "x", os.O_APPEND)

    with (tmp_path / "x").open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert descriptor >= process.FIRST_FREE
    assert not os.get_inheritable(descriptor)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        process.open_stream(tmp_path / "x", os.O_APPEND)
    os.close(descriptor)


def test_inherited_descriptors_are_kept_from_commands() -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)

    process.keep_descriptors()

    assert not os.get_inheritable(writer)
    assert os.get_inheritable(1)
    os.close(reader)
    os.close(writer)


async def test_a_program_of_ours_prints_into_its_file(tmp_path: Path) -> None:
    output = tmp_path / "log"
    output.write_text("before\n")

    argv = [sys.executable, "-c", "import os, sys; print(os.environ['X'], flush=True); sys.exit('oops')"]
    child = await process.spawn_program(argv, {"X": "y"}, output)

    assert await child.wait() == 1
    assert output.read_text() == "before\ny\noops\n"


SPAWNS = """
import os, sys
from pathlib import Path
from devopsclaw.host import process

files = [process.open_stream(Path(sys.argv[1]) / name, 0) for name in ("out", "err", "exit")]
pid = process.spawn("echo gr\\u00fcn", {"PATH": os.environ["PATH"]}, process.Streams(*files))
os.waitpid(pid, 0)
"""


def test_a_command_is_handed_over_as_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    plain = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    subprocess.run([sys.executable, "-c", SPAWNS, str(tmp_path)], env=plain, check=True)

    assert (tmp_path / "out").read_bytes() == "grün\n".encode()
