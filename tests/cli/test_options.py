"""The flags of every command."""

from __future__ import annotations

import pytest
from tests.cli.conftest import CommandLine

from devopsclaw.cli.options import GLOBAL_FLAGS, global_options


def test_every_flag_of_every_command_is_reserved() -> None:
    flags = {flag for option in global_options() for flag in option.opts}

    assert flags < GLOBAL_FLAGS
    assert {"--json", "-o", "-q", "-v", "-d", "--no-input", "--yes", "--confirm", "--color"} <= flags


def test_quiet_leaves_only_the_result(line: CommandLine) -> None:
    said = line("-q", "run", "uptime")

    assert "3 nodes" not in said.err
    assert "prod-web-[1-2]" in said.out


def test_verbose_tells_each_step(line: CommandLine) -> None:
    assert "X-31 prod-web-1 running\nX-31 prod-web-1 ok\n" in line("run", "uptime", "-v").err


@pytest.mark.parametrize(("flag", "is_colored"), [("always", True), ("never", False), ("auto", False)])
def test_colour_can_be_forced_and_forbidden(line: CommandLine, flag: str, is_colored: bool) -> None:
    assert ("\x1b[32m" in line("node", "list", "--color", flag).out) is is_colored
