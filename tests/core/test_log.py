"""The program's own log: lines, levels, rotation, rights, and no secrets."""

from __future__ import annotations

import io
import json
import logging
import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.core import log as log_module
from devopsclaw.core.log import OLD_FILES, logging_to
from devopsclaw.core.paths import Home
from devopsclaw.core.redact import Mask
from devopsclaw.model.errors import Damaged

LOGGER = logging.getLogger("devopsclaw.test")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


def _lines(home: Home, role: str = "core") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home.log / f"{role}.jsonl").read_text().splitlines()]


def test_each_record_is_one_line_of_json(home: Home) -> None:
    with logging_to(home, "core", "info", Mask()):
        LOGGER.warning("node %s\nlost", "web-1", extra={"node": "web-1", "tries": 3})

    (line,) = _lines(home)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "devopsclaw.test",
        "message": "node web-1\nlost",
        "node": "web-1",
        "tries": 3,
    }


def test_a_traceback_is_kept(home: Home) -> None:
    with logging_to(home, "core", "info", Mask()):
        try:
            raise ValueError("broken")
        except ValueError:
            LOGGER.exception("it failed", stack_info=True)

    (line,) = _lines(home)
    assert "ValueError: broken" in line["error"]
    assert "test_a_traceback_is_kept" in line["stack"]


@pytest.mark.parametrize(("level", "kept"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_the_least_that_is_logged(level: str, kept: int, home: Home) -> None:
    with logging_to(home, "core", level, Mask()):
        for each in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            LOGGER.log(each, "x")

    assert len(_lines(home)) == kept


def test_libraries_are_heard_from_warnings_on(home: Home) -> None:
    with logging_to(home, "core", "debug", Mask()):
        logging.getLogger("some.library").info("chatter")
        logging.getLogger("some.library").warning("trouble")

    assert [line["message"] for line in _lines(home)] == ["trouble"]


def test_with_debug_everything_of_ours_is_shown_as_well(home: Home) -> None:
    shown = io.StringIO()

    with logging_to(home, "core", "error", Mask(["hunter2"]), debug=shown):
        LOGGER.debug("hello hunter2")

    assert json.loads(shown.getvalue())["message"] == "hello ***"
    assert [line["message"] for line in _lines(home)] == ["hello ***"]


def test_without_debug_nothing_is_shown(home: Home, capfd: pytest.CaptureFixture[str]) -> None:
    with logging_to(home, "core", "debug", Mask()):
        LOGGER.error("x")

    assert capfd.readouterr() == ("", "")


def test_the_block_leaves_logging_as_it_was(home: Home) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, logging.getLogger("devopsclaw").level)

    with logging_to(home, "core", "debug", Mask()):
        assert root.handlers != before[0]

    assert (list(root.handlers), root.level, logging.getLogger("devopsclaw").level) == before


def test_roles_have_their_own_files(home: Home) -> None:
    with logging_to(home, "relay", "info", Mask()):
        LOGGER.info("x")

    assert [file.name for file in home.log.iterdir()] == ["relay.jsonl"]


def test_the_files_are_rotated_and_stay_private(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "FILE_SIZE", 200)
    mask = os.umask(0)
    try:
        with logging_to(home, "core", "info", Mask()):
            for number in range(40):
                LOGGER.info("line %d", number)
    finally:
        os.umask(mask)

    files = sorted(home.log.iterdir())
    assert len(files) == 1 + OLD_FILES
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert _lines(home)[-1]["message"] == "line 39"


def test_a_file_that_was_open_to_others_is_closed_to_them(home: Home) -> None:
    home.log.mkdir()
    file = home.log / "core.jsonl"
    file.write_text("")
    file.chmod(0o644)

    with logging_to(home, "core", "info", Mask()):
        pass

    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_opened_is_told(home: Home) -> None:
    home.log.write_text("")

    with (
        pytest.raises(Damaged, match=r"core\.jsonl cannot be opened"),
        logging_to(home, "core", "info", Mask()),
    ):
        pass


@contextmanager
def _full_disk(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_lines_that_a_full_disk_refuses_are_counted_and_told_later(
    home: Home, capfd: pytest.CaptureFixture[str]
) -> None:
    with logging_to(home, "core", "info", Mask()):
        LOGGER.info("before")
        with _full_disk((home.log / "core.jsonl").stat().st_size):
            LOGGER.info("refused")
            LOGGER.info("refused as well")
        LOGGER.info("after")
        LOGGER.info("later")

    assert [(line["message"], line.get("lost")) for line in _lines(home)] == [
        ("before", None),
        ("after", 2),
        ("later", None),
    ]
    assert capfd.readouterr().err == ""


def test_a_disk_that_stays_full_does_not_break_the_end(home: Home) -> None:
    with logging_to(home, "core", "info", Mask()):
        LOGGER.info("before")
        with _full_disk((home.log / "core.jsonl").stat().st_size):
            LOGGER.info("refused")

    assert len(_lines(home)) == 1


def test_no_secret_is_logged_wherever_it_stands(home: Home) -> None:
    secret = 'hun"ter\\2é'
    with logging_to(home, "core", "info", Mask([secret, ""])):
        LOGGER.info(
            "token %s", secret, extra={"token": secret, "many": [{"k": (secret, 1)}], secret: {secret}}
        )
        try:
            raise ValueError(f"bad {secret}")
        except ValueError:
            LOGGER.exception("x")

    text = (home.log / "core.jsonl").read_text()
    assert json.dumps(secret)[1:-1] not in text
    assert "hun" not in text
    assert _lines(home)[0]["many"] == [{"k": ["***", 1]}]


def test_a_secret_learned_later_is_masked_from_then_on(home: Home) -> None:
    mask = Mask()
    with logging_to(home, "core", "info", mask):
        mask.add(["hunter2"])
        LOGGER.info("hunter2")

    assert _lines(home)[0]["message"] == "***"


def test_values_that_are_no_json_are_logged_as_text(home: Home) -> None:
    with logging_to(home, "core", "info", Mask()):
        LOGGER.info("x", extra={"path": Path("/a"), "number": float("nan"), "none": None})

    (line,) = _lines(home)
    assert (line["path"], line["number"], line["none"]) == ("/a", "nan", None)


def test_nothing_a_terminal_obeys_is_in_the_file(home: Home) -> None:
    with logging_to(home, "core", "info", Mask()):
        LOGGER.info("\x1b[2J\x9b\u202e\udcff")

    raw = (home.log / "core.jsonl").read_bytes()
    assert raw.isascii()
    assert b"\x1b" not in raw
