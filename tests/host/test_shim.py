"""The exit file: whole, torn at every byte, and with a shell's words in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.host.shim import SHIM, ExitFile, arguments, parse_exit


def test_the_command_is_the_last_word_of_the_shims_arguments() -> None:
    assert arguments("echo $(x)")[-3:] == ["/bin/sh", "-c", "echo $(x)"]
    assert "echo $(x)" not in SHIM


@pytest.mark.parametrize(
    ("data", "code", "number"),
    [
        (b"12\n0 end\n", 0, None),
        (b"12\n137 end\n", 137, None),
        (b"12\nKilled\n137 end\n", None, 9),
        (b'12\nshim: line 4: 13 Killed   (exec "$@")\n137 end\n', None, 9),
        (b"12\nTerminated\n143 end\n", None, 15),
        (b"12\nsomething odd\n3 end\n", 3, None),
        (b"12\nsomething odd\n255 end\n", 255, None),
    ],
)
def test_a_whole_file_tells_exit_code_or_signal(data: bytes, code: int | None, number: int | None) -> None:
    parsed = parse_exit(data)

    assert (parsed.pid, parsed.exit_code, parsed.signal) == (12, code, number)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 4_194_304), st.integers(0, 255), st.data())
def test_a_file_torn_at_any_byte_has_no_status(pid: int, status: int, data: st.DataObject) -> None:
    whole = f"{pid}\n{status} end\n".encode()
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]

    assert parse_exit(whole) == ExitFile(pid, status)
    assert parse_exit(torn).status is None
    assert parse_exit(torn).exit_code is None
    assert parse_exit(torn).pid in (0, pid)


def test_the_shells_own_trouble_is_kept_in_its_words() -> None:
    assert parse_exit(b"12\nsh: 4: Cannot fork\n") == ExitFile(12, None, "sh: 4: Cannot fork")


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=60))
def test_no_bytes_are_an_error(data: bytes) -> None:
    assert parse_exit(data).pid >= 0
