"""The pages of help."""

from __future__ import annotations

import pytest
from tests.cli.conftest import CommandLine

from devopsclaw.cli.topics import EXIT_CODES, TOPICS
from devopsclaw.core.settings import SETTINGS, variable
from devopsclaw.model import errors
from devopsclaw.model.state import EXIT_LADDER


@pytest.mark.parametrize("topic", ["exit-codes", "targets", "env", "keys"])
def test_each_topic_prints_a_page(line: CommandLine, topic: str) -> None:
    said = line("help", topic)

    assert (said.code, said.err) == (0, "")
    assert said.out == TOPICS[topic]()


def test_every_code_that_can_come_out_is_explained() -> None:
    kinds = (each for each in vars(errors).values() if isinstance(each, type))
    raised = {kind.exit_code for kind in kinds if issubclass(kind, errors.ClawError)}

    assert raised | {code for _, code in EXIT_LADDER} | {0, 5, 7, 8} <= set(EXIT_CODES)


def test_every_setting_s_variable_is_listed() -> None:
    page = TOPICS["env"]()

    assert all(f"\n{variable(path)}\n" in page for path in SETTINGS)


def test_help_of_a_command_is_its_help(line: CommandLine) -> None:
    said = line("help", "node", "list")

    assert said.out == line("node", "list", "--help").out
    assert line("help").out == line("--help").out


def test_help_of_nothing_known_names_the_nearest(line: CommandLine) -> None:
    said = line("help", "target")

    assert said.code == 2
    assert said.err == "error: there is no command or topic 'target'\n  try: devopsclaw help targets\n"
