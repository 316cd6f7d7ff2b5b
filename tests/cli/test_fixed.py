"""The commands that are no operation."""

from __future__ import annotations

import pytest

from devopsclaw.__main__ import FACES
from devopsclaw.cli.fixed import FIXED
from devopsclaw.core.settings import find

OWN = {"help", "schema", "completion"}
"""Faces that the command line answers itself."""


def test_every_fixed_command_has_a_face() -> None:
    assert {command["face"] for command in FIXED} == (set(FACES) - {"console"}) | OWN


@pytest.mark.parametrize("command", FIXED, ids=lambda command: " ".join(command["path"]))
def test_every_fixed_command_is_explained_with_an_example(command: dict[str, object]) -> None:
    assert str(command["summary"]).endswith(".")
    assert command["examples"]


def test_every_flag_that_is_a_setting_names_one_that_exists() -> None:
    keys = [param["config"] for command in FIXED for param in command["params"] if "config" in param]

    assert {find(key).key for key in keys} == set(keys)
    assert {"relay.listen_addr", "relay.auth_token", "node.relay", "node.id", "node.token"} <= set(keys)


def test_every_flag_of_the_relay_and_the_daemon_is_also_a_setting() -> None:
    roles = [command for command in FIXED if command["face"] in ("relay", "daemon")]

    flags = {param["name"]: "config" in param for command in roles for param in command["params"]}

    assert [name for name, is_setting in flags.items() if not is_setting] == ["reset_trust"], (
        "done once, by hand"
    )
