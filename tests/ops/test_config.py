"""Operations on the configuration: what is shown, what is hidden, what is written, who may."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.core.config import Loaded, check, load
from devopsclaw.core.config_model import Config
from devopsclaw.core.gate import Gate
from devopsclaw.core.paths import Home
from devopsclaw.core.secrets import NoAnswer
from devopsclaw.core.settings import SETTINGS
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import BadConfig, BadParams, Damaged, Denied, NotFound
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.ops import config as config_operations
from devopsclaw.ops.config import SettingChanged, SettingList, SettingValue, Template

TEXT = """\
{
  // ours
  "relay": { "url": "ws://a:1", "auth_token": "hunter2" },
  "model_list": [{ "model_name": "a", "model": "b/c", "api_key": "hunter3" }]
}
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a file that holds secrets."""
    home = Home(tmp_path)
    home.config.write_text(TEXT)
    return home


@pytest.fixture
def gate(home: Home, make_gate: Callable[..., Gate]) -> Gate:
    """A gate over the configuration's operations, with one variable set."""
    return _gate(make_gate, load(home, {"DEVOPSCLAW_UI_THEME": "night"}))


def _gate(make_gate: Callable[..., Gate], loaded: Loaded) -> Gate:
    each = config_operations
    return make_gate([each.show, each.get, each.set_value, each.template], loaded)


async def test_all_settings_are_shown_without_secrets(gate: Gate, viewer: Actor) -> None:
    result: SettingList = await gate.run("config.show", {}, viewer)

    values = {each.key: each.value for each in result.items}
    assert list(values) == [setting.key for setting in SETTINGS.values()]
    assert values["relay.url"] == "ws://a:1"
    assert values["relay.auth_token"] == "***"
    assert values["node.token"] == ""
    assert values["model_list"][0]["api_key"] == "***"
    assert {each.key for each in result.items if each.origin} == {"relay.auth_token"}


async def test_each_origin_is_shown_when_asked_for(gate: Gate, home: Home, viewer: Actor) -> None:
    result: SettingList = await gate.run("config.show", {"origin": True}, viewer)

    origins = {each.key: each.origin for each in result.items}
    assert origins["relay.url"] == f"{home.config}:3"
    assert origins["ui.theme"] == "environment DEVOPSCLAW_UI_THEME"
    assert origins["log.level"] == "default"
    assert any(line.split() == ["log.level", '"info"', "default"] for line in result.text().splitlines())


@pytest.mark.parametrize(
    ("key", "count"), [("relay", 8), ("relay.url", 1), ("channels.slack", 4), ("agents", 6)]
)
async def test_a_part_can_be_shown(key: str, count: int, gate: Gate, viewer: Actor) -> None:
    result: SettingList = await gate.run("config.show", {"key": key}, viewer)

    assert len(result.items) == count
    assert all(each.key.startswith(key) for each in result.items)


@pytest.mark.parametrize("name", ["config.show", "config.get"])
async def test_an_unknown_key_is_answered_with_the_nearest(name: str, gate: Gate, viewer: Actor) -> None:
    with pytest.raises(NotFound) as missing:
        await gate.run(name, {"key": "relay.urk"}, viewer)

    assert missing.value.hint == "did you mean relay.url?"


async def test_no_secret_is_in_any_form_of_the_result(gate: Gate, viewer: Actor) -> None:
    for name, params in [
        ("config.show", {}),
        ("config.get", {"key": "relay"}),
        ("config.get", {"key": "relay.auth_token"}),
        ("config.get", {"key": "model_list"}),
    ]:
        result: Any = await gate.run(name, params, viewer)
        assert "hunter" not in json.dumps(result.as_json()) + result.text() + repr(result)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("relay.url", "ws://a:1"),
        ("relay.auth_token", "***"),
        ("node.token", ""),
        ("rbac.enabled", "true"),
        ("fleet.timeout", "300"),
        ("fleet.protected_envs", '["prod", "production", "live"]'),
        ("ui", '{"theme": "night", "glyphs": "auto"}'),
    ],
)
async def test_one_value_is_printed_as_scripts_want_it(
    key: str, text: str, gate: Gate, viewer: Actor
) -> None:
    result: SettingValue = await gate.run("config.get", {"key": key}, viewer)

    assert result.text() == text


async def test_a_value_cannot_command_the_terminal(
    home: Home, make_gate: Callable[..., Gate], viewer: Actor
) -> None:
    gate = _gate(make_gate, load(home, {"DEVOPSCLAW_UI_THEME": "\x1b[2J\x9b"}))

    for name in ("config.get", "config.show"):
        result: Any = await gate.run(name, {"key": "ui.theme"}, viewer)
        assert "\x1b" not in result.text()
        assert "\x9b" not in result.text()


async def test_a_value_is_written_and_its_comments_stay(gate: Gate, home: Home, owner: Actor) -> None:
    result: SettingChanged = await gate.run("config.set", {"key": "fleet.timeout", "value": "60"}, owner)

    assert load(home, {}).config.fleet.timeout == 60
    assert "// ours" in home.config.read_text()
    assert result.text() == f"fleet.timeout = 60 in {home.config}\nin force when devopsclaw starts next"


async def test_a_value_that_something_else_wins_over_says_so(gate: Gate, owner: Actor) -> None:
    result: SettingChanged = await gate.run("config.set", {"key": "ui.theme", "value": "day"}, owner)

    assert result.note.startswith("environment DEVOPSCLAW_UI_THEME wins over the file")


async def test_the_plan_shows_old_and_new_and_the_way_back(gate: Gate, home: Home, owner: Actor) -> None:
    params = {"key": "relay.url", "value": "ws://b:2"}

    plan: Plan = await gate.run("config.set", params, owner, dry_run=True)

    assert plan.effect is Effect.WRITE
    assert plan.steps == ('relay.url: "ws://a:1" → "ws://b:2"', f"file: {home.config}")
    assert plan.undo == "devopsclaw config set relay.url ws://a:1"
    assert home.config.read_text() == TEXT


@pytest.mark.parametrize(
    ("key", "value", "undo"),
    [
        ("ui.theme", "day", "devopsclaw config set ui.theme claw-dark"),
        ("rbac.enabled", "false", "devopsclaw config set rbac.enabled true"),
        ("node.id", "x", "devopsclaw config set node.id ''"),
        (
            "fleet.protected_envs",
            "a",
            """devopsclaw config set fleet.protected_envs '["prod", "production", "live"]'""",
        ),
        ("relay.auth_token", "new", "none: the old secret is not shown"),
        ("model_list", "[]", "none: the old secret is not shown"),
    ],
)
async def test_the_way_back_is_a_command_or_a_reason(
    key: str, value: str, undo: str, gate: Gate, owner: Actor
) -> None:
    plan: Plan = await gate.run("config.set", {"key": key, "value": value}, owner, dry_run=True)

    assert plan.undo == undo


async def test_a_secret_is_neither_in_the_plan_nor_in_the_result(
    gate: Gate, home: Home, owner: Actor
) -> None:
    params = {"key": "relay.auth_token", "value": "hunter4"}

    plan: Plan = await gate.run("config.set", params, owner, dry_run=True)
    result: SettingChanged = await gate.run("config.set", params, owner)

    assert plan.steps[0] == 'relay.auth_token: "***" → "***"'
    assert "hunter" not in plan.canonical().decode() + json.dumps(result.as_json()) + result.text()
    assert load(home, {}).config.relay.auth_token.get_secret_value() == "hunter4"


async def test_a_wrong_file_can_be_put_right_and_the_plan_says_there_is_no_way_back(
    home: Home, make_gate: Callable[..., Gate], owner: Actor
) -> None:
    gate = _gate(make_gate, load(home, {}))
    home.config.write_text('{ "ui": { "theme": 5 } }')

    plan: Plan = await gate.run("config.set", {"key": "ui.theme", "value": "day"}, owner, dry_run=True)

    assert plan.undo.startswith("none: the file is wrong as it is")


@pytest.mark.parametrize("value", ["many", "0"])
async def test_a_wrong_value_is_refused_in_the_plan_already(
    value: str, gate: Gate, home: Home, owner: Actor
) -> None:
    params = {"key": "relay.max_connections", "value": value}

    with pytest.raises(BadConfig):
        await gate.run("config.set", params, owner, dry_run=True)
    assert home.config.read_text() == TEXT


async def test_only_an_admin_may_set(gate: Gate, home: Home, operator: Actor, viewer: Actor) -> None:
    for actor in (operator, viewer):
        with pytest.raises(Denied, match=r"config\.set needs admin"):
            await gate.run("config.set", {"key": "ui.theme", "value": "x"}, actor)
    assert home.config.read_text() == TEXT


@pytest.mark.parametrize(
    ("name", "params"), [("config.show", {}), ("config.get", {"key": "relay"}), ("config.example", {})]
)
async def test_a_stranger_sees_nothing(
    name: str, params: dict[str, Any], gate: Gate, stranger: Actor
) -> None:
    with pytest.raises(Denied):
        await gate.run(name, params, stranger)


async def test_a_value_is_needed(gate: Gate, owner: Actor) -> None:
    with pytest.raises(BadParams, match=r"config\.set: value: Field required"):
        await gate.run("config.set", {"key": "ui.theme"}, owner)


async def test_the_template_is_printed_as_it_is_and_loads(gate: Gate, home: Home, viewer: Actor) -> None:
    result: Template = await gate.run("config.example", {}, viewer)

    assert check(result.text(), home.config) == Config()


class Vault:
    """A keyring, in memory."""

    name = "the test's keyring"

    def __init__(self, *, locked: bool = False) -> None:
        self.kept: dict[str, str] = {}
        self._locked = locked

    def read(self, key: str) -> str:
        """See `core.secrets.Vault`."""
        return self.kept.get(key, "")

    def keep(self, key: str, secret: str) -> None:
        """See `core.secrets.Vault`."""
        if self._locked:
            raise NoAnswer("it is locked")
        self.kept[key] = secret


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A keyring that answers."""
    vault = Vault()
    monkeypatch.setattr(config_operations, "find_vault", lambda home: vault)
    return vault


async def test_a_secret_is_kept_in_the_keyring_and_the_file_only_says_so(
    gate: Gate, home: Home, owner: Actor, vault: Vault
) -> None:
    asked = {"key": "relay.auth_token", "value": "hunter4-hunter4"}
    plan: Plan = await gate.run("config.set", asked, owner, dry_run=True)
    assert vault.kept == {} and f"kept in: {vault.name}" in plan.steps

    done: SettingChanged = await gate.run("config.set", asked, owner)

    assert vault.kept == {"relay.auth_token": "hunter4-hunter4"}
    assert '"auth_token": "secret://relay.auth_token"' in home.config.read_text()
    assert "hunter" not in done.text() + repr(done) and vault.name in done.text()
    assert "hunter2" not in home.config.read_text()


@pytest.mark.parametrize(
    ("key", "value"), [("relay.url", "ws://b:1"), ("relay.auth_token", ""), ("node.token", "secret://x")]
)
async def test_what_is_no_secret_asks_no_keyring(
    gate: Gate, owner: Actor, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    def never(home: Home) -> Vault:
        raise AssertionError("the keyring was asked")

    monkeypatch.setattr(config_operations, "find_vault", never)

    await gate.run("config.set", {"key": key, "value": value}, owner)


async def test_a_keyring_that_refuses_leaves_the_file_as_it_is(
    gate: Gate, home: Home, owner: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_operations, "find_vault", lambda home: Vault(locked=True))

    with pytest.raises(Damaged, match=r"relay.auth_token was not set: it is locked"):
        await gate.run("config.set", {"key": "relay.auth_token", "value": "hunter4-hunter4"}, owner)

    assert home.config.read_text() == TEXT
