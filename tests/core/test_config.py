"""The configuration in force: precedence, origins, mistakes with their place, and warnings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.config import Loaded, check, load
from devopsclaw.core.config_layers import Flag
from devopsclaw.core.config_model import Config
from devopsclaw.core.json_source import parse
from devopsclaw.core.paths import Home
from devopsclaw.core.settings import SETTINGS, plain, shown
from devopsclaw.model.errors import BadConfig

BLOCKS = sorted((Path(__file__).parent / "readme_blocks").glob("*.json"))

Writer = Callable[[str], Home]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in the user's folder, as `~/.devopsclaw`."""
    monkeypatch.setenv("HOME", str(tmp_path))
    root = tmp_path / ".devopsclaw"
    root.mkdir(mode=0o700)
    return Home(root)


@pytest.fixture
def written(home: Home) -> Writer:
    """Writes the configuration file, 0600."""

    def write(text: str) -> Home:
        home.config.write_text(text)
        home.config.chmod(0o600)
        return home

    return write


def _in_force(loaded: Loaded) -> Any:
    return shown(loaded.config)


def _covers(whole: Any, part: Any) -> bool:
    """Whether each member of `part` has its value in `whole`; secrets are compared as stars."""
    if isinstance(part, dict):
        return all(_covers(whole[key], value) for key, value in part.items())
    if isinstance(part, list):
        return len(whole) == len(part) and all(map(_covers, whole, part))
    return bool(whole == part or (whole == "***" and part))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.stem)
def test_each_block_of_the_readme_loads_word_for_word(block: Path, written: Writer) -> None:
    text = block.read_text()
    if block.stem == "custom_endpoint":  # the README shows one entry of model_list by itself
        text = f'{{ "model_list": [ {text} ] }}'

    loaded = load(written(text), {})

    assert _covers(_in_force(loaded), plain(parse(text).root))
    assert not loaded.warnings


def test_all_blocks_of_the_readme_are_here() -> None:
    assert len(BLOCKS) == 19


def test_without_a_file_the_defaults_hold_and_the_environment_is_applied(home: Home) -> None:
    loaded = load(home, {"DEVOPSCLAW_RELAY_MAX_CONNECTIONS": "7"})

    assert not loaded.exists
    assert loaded.config.relay.max_connections == 7
    assert loaded.config.relay.listen_addr == ":9443"
    assert loaded.origins["relay.max_connections"] == "environment DEVOPSCLAW_RELAY_MAX_CONNECTIONS"
    assert loaded.origins["relay.listen_addr"] == "default"


def test_a_missing_home_is_like_a_missing_file(tmp_path: Path) -> None:
    assert load(Home(tmp_path / "none"), {}).config == Config()


def test_flag_beats_environment_beats_file_beats_default(written: Writer) -> None:
    home = written('{ "relay": {\n "url": "ws://file:1",\n "max_connections": 1, "listen_addr": ":1" } }')
    environment = {"DEVOPSCLAW_RELAY_URL": "ws://env:1", "DEVOPSCLAW_RELAY_MAX_CONNECTIONS": "2"}

    loaded = load(home, environment, [Flag("--max", "relay.max_connections", "3")])

    relay = loaded.config.relay
    assert (relay.listen_addr, relay.url, relay.max_connections) == (":1", "ws://env:1", 3)
    assert {key: loaded.origins[f"relay.{key}"] for key in ("listen_addr", "url", "max_connections")} == {
        "listen_addr": "~/.devopsclaw/config.json:3",
        "url": "environment DEVOPSCLAW_RELAY_URL",
        "max_connections": "flag --max",
    }
    assert set(loaded.origins) == {setting.key for setting in SETTINGS.values()}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["file", "environment", "flag"]), unique=True))
def test_the_nearest_layer_wins_in_every_combination(
    tmp_path_factory: pytest.TempPathFactory, layers: list[str]
) -> None:
    home = Home(tmp_path_factory.mktemp("home"))
    if "file" in layers:
        home.config.write_text('{"ui": {"theme": "file"}}')
    environment = {"DEVOPSCLAW_UI_THEME": "environment"} if "environment" in layers else {}
    flags = [Flag("--theme", "ui.theme", "flag")] if "flag" in layers else []

    theme = load(home, environment, flags).config.ui.theme

    assert theme == next((each for each in ("flag", "environment", "file") if each in layers), "claw-dark")


def test_typed_flag_values_are_taken_as_they_are(home: Home) -> None:
    assert load(home, {}, [Flag("--insecure", "relay.insecure", True)]).config.relay.insecure


def test_an_empty_variable_sets_nothing(written: Writer) -> None:
    home = written('{ "relay": { "auth_token": "t" } }')
    empty = {setting.variable: "" for setting in SETTINGS.values()}

    loaded = load(home, empty)

    assert loaded.config.relay.auth_token.get_secret_value() == "t"
    assert not any(origin.startswith("environment") for origin in loaded.origins.values())


def test_lists_replace_and_never_merge(written: Writer) -> None:
    home = written('{ "fleet": { "protected_envs": ["file"] } }')

    assert load(home, {}).config.fleet.protected_envs == ("file",)
    environment = {"DEVOPSCLAW_FLEET_PROTECTED_ENVS": "one, two"}
    assert load(home, environment).config.fleet.protected_envs == ("one", "two")


def test_models_come_as_json_in_one_variable(home: Home) -> None:
    text = '[{"model_name": "a", "model": "ollama/b"}, {"model_name": "c", "model": "openai/d"}]'

    models = load(home, {"DEVOPSCLAW_MODEL_LIST": text}).config.model_list

    assert [(entry.model_name, entry.is_usable) for entry in models] == [("a", True), ("c", False)]


def test_a_section_comes_as_json_and_its_own_variables_win(written: Writer) -> None:
    home = written('{ "relay": { "listen_addr": ":1", "url": "ws://file:1" } }')
    environment = {
        "DEVOPSCLAW_RELAY": '{"url": "ws://section:1", "max_connections": 5}',
        "DEVOPSCLAW_RELAY_MAX_CONNECTIONS": "6",
    }

    loaded = load(home, environment)

    relay = loaded.config.relay
    assert (relay.listen_addr, relay.url, relay.max_connections) == (":1", "ws://section:1", 6)
    assert loaded.origins["relay.url"] == "environment DEVOPSCLAW_RELAY"


def test_numbers_of_people_become_text_from_file_and_environment(written: Writer) -> None:
    home = written('{ "channels": { "telegram": { "allow_from": [123, "anna"] } } }')

    channels = load(home, {"DEVOPSCLAW_CHANNELS_QQ_ALLOW_FROM": "[7]"}).config.channels

    assert channels.telegram.allow_from == ("123", "anna")
    assert channels.qq.allow_from == ("7",)


def test_notes_are_nobodys_setting(written: Writer) -> None:
    home = written('{ "_why": 1, "x-team": {"a": []}, "relay": { "_old": "ws://x", "url": "ws://y" } }')

    assert load(home, {}).config.relay.url == "ws://y"


def test_a_byte_order_mark_is_passed_over(home: Home) -> None:
    home.config.write_bytes(b'\xef\xbb\xbf{ "ui": { "theme": "x" } }')

    assert load(home, {}).config.ui.theme == "x"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            '{\n\n"relay": {\n "url": "ws://a" "b" }}',
            ":4: a , or } is missing after this value",
            "correct line 4",
        ),
        ('{\n "rellay": {}\n}', ":2: there is no setting rellay", "did you mean relay?"),
        (
            '{"relay": {\n\n"auth_tokn": ""}}',
            ":3: there is no setting relay.auth_tokn",
            "did you mean relay.auth_token?",
        ),
        ('{\n"listen_addr": ":1"}', ":2: there is no setting listen_addr", "did you mean relay.listen_addr?"),
        ('{\n"relay.url": "ws://h"}', ":2: there is no setting relay.url", "did you mean relay.url?"),
        (
            '{"model_list": [\n{"model_name": "a", "model": "b",\n"api_kee": ""}]}',
            ":3: there is no setting model_list.0.api_kee",
            "config example",
        ),
        ('{"model_list": [\n\n{"model_name": "a"}]}', ":3: model_list.0.model is missing", "config example"),
        (
            '{"relay": {\n"max_connections": "100"}}',
            ":2: relay.max_connections should be a valid integer, not text",
            "",
        ),
        (
            '{"relay": {\n"max_connections": true}}',
            ":2: relay.max_connections should be a valid integer, not true or",
            "",
        ),
        (
            '{"relay": {\n"max_connections": null}}',
            ":2: relay.max_connections should be a valid integer, not null",
            "",
        ),
        (
            '{"relay": {\n"max_connections": 0}}',
            ":2: relay.max_connections should be greater than or equal to 1",
            "",
        ),
        ('{"relay": {\n"url": 5}}', ":2: relay.url should be a valid string, not a number", ""),
        ('{"relay": {\n"url": "h:1"}}', ":2: relay.url has to look like ws://HOST:9443", ""),
        ('{"relay": {\n"listen_addr": "9443"}}', ":2: relay.listen_addr has to be HOST:PORT", ""),
        ('{\n"relay": []}', ":2: relay should be an object, not a list", ""),
        ('{"rbac": {\n"enabled": "no"}}', ":2: rbac.enabled should be a valid boolean, not text", ""),
        (
            '{"heartbeat": {\n"interval": 4}}',
            ":2: heartbeat.interval should be greater than or equal to 5",
            "",
        ),
        ('{"fleet": {\n"timeout": 1e999}}', ":2: fleet.timeout should be a finite number", ""),
        (
            '{"fleet": {"protected_envs": ["a",\n3]}}',
            ":2: fleet.protected_envs.1 should be a valid string",
            "",
        ),
        ('{"ui": {\n"glyphs": "emoji"}}', ":2: ui.glyphs should be 'auto', 'unicode' or 'ascii'", ""),
        ('{"ui": {},\n"ui": {}}', ':2: "ui" stands here again, first on line 1', ""),
        ("\n[]", ":2: has to be one object in { }", ""),
        ("", ":1: the text ends where a value should stand", "config example"),
    ],
)
def test_each_mistake_names_file_line_and_what_to_do(
    text: str, message: str, hint: str, written: Writer
) -> None:
    with pytest.raises(BadConfig) as wrong:
        load(written(text), {})

    assert wrong.value.message.startswith(f"~/.devopsclaw/config.json{message}")
    assert "\n" not in wrong.value.message
    assert wrong.value.hint
    assert hint in wrong.value.hint
    assert wrong.value.exit_code == 2


def test_the_first_mistake_is_told_and_the_others_are_counted(written: Writer) -> None:
    home = written('{ "rbac": {\n"enabled": 3 },\n"bogus": 1,\n"ui": {"theme": 5} }')

    with pytest.raises(BadConfig, match=r"json:2: rbac.enabled .* \(and 2 more\)"):
        load(home, {})


def test_no_mistake_repeats_a_secret(written: Writer) -> None:
    home = written('{ "relay": { "auth_token": ["hunter2"] } }')

    with pytest.raises(BadConfig) as wrong:
        load(home, {})
    assert "hunter2" not in f"{wrong.value.message}{wrong.value.hint}"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("RELAY_MAX_CONNECTIONS", "many", "should be a valid integer, unable to parse string as an integer"),
        ("RELAY_MAX_CONNECTIONS", "0", "relay.max_connections should be greater than or equal to 1"),
        ("RBAC_ENABLED", "perhaps", "should be a valid boolean, unable to interpret input"),
        ("UI_GLYPHS", "emoji", "ui.glyphs should be 'auto', 'unicode' or 'ascii'"),
        ("MODEL_LIST", "[{]", "is not JSON: line 1: a key in double quotes"),
        ("MODEL_LIST", '[{"model_name": "a"}]', "model_list.0.model is missing"),
        ("MODEL_LIST", '{"model_name": "a"}', "model_list should be a valid array, not an object"),
        ("RELAY", '{"urll": ""}', "there is no setting relay.urll"),
        ("RELAY", "5", "relay should be an object, not a number"),
        ("RELAY", "{", "is not JSON: line 1: the { of line 1 is never closed"),
        ("UI_THEME", "\udcff", "is not UTF-8"),
        ("UI", '{"theme": "\udcff"}', "is not UTF-8"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    name: str, text: str, message: str, written: Writer
) -> None:
    home = written('{ "relay": { "url": "ws://h:1" } }')

    with pytest.raises(BadConfig) as wrong:
        load(home, {f"DEVOPSCLAW_{name}": text})

    assert wrong.value.message.startswith(f"environment DEVOPSCLAW_{name}: {message}")
    assert wrong.value.hint


def test_a_mistake_in_a_flag_names_the_flag(home: Home) -> None:
    with pytest.raises(BadConfig, match=r"flag --max: relay\.max_connections should be greater"):
        load(home, {}, [Flag("--max", "relay.max_connections", 0)])
    with pytest.raises(BadConfig, match="flag --max: should be a valid integer"):
        load(home, {}, [Flag("--max", "relay.max_connections", "x")])


def test_a_file_that_cannot_be_read_is_told(home: Home) -> None:
    home.config.mkdir()

    with pytest.raises(BadConfig, match=r"~/\.devopsclaw/config\.json cannot be read: Is a directory"):
        load(home, {})


def test_bytes_that_are_no_text_are_told_with_their_line(home: Home) -> None:
    home.config.write_bytes(b'{\n"ui": {"theme": "\xff"}}')

    with pytest.raises(BadConfig, match=r"config\.json:2: is not UTF-8"):
        load(home, {})


def test_the_text_of_a_file_is_checked_without_the_environment(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVOPSCLAW_UI_THEME", "other")

    assert check('{"ui": {"theme": "mine"}}', home.config).ui.theme == "mine"


def test_the_store_moves_the_state(written: Writer, tmp_path: Path) -> None:
    assert load(written("{}"), {}).home.state == tmp_path / ".devopsclaw" / "state"
    home = written('{ "fleet": { "store_path": "~/.devopsclaw/fleet" } }')
    assert load(home, {}).home.state == tmp_path / ".devopsclaw" / "fleet"
    assert load(home, {"DEVOPSCLAW_FLEET_STORE_PATH": "store"}).home.state == home.root / "store"


def test_the_workspace_lies_in_the_home_unless_it_is_moved(written: Writer, tmp_path: Path) -> None:
    assert load(written("{}"), {}).workspace == tmp_path / ".devopsclaw" / "workspace"
    home = written('{ "agents": { "defaults": { "workspace": "~/work" } } }')
    assert load(home, {}).workspace == tmp_path / "work"


def test_the_folder_of_an_unknown_user_is_a_mistake(written: Writer) -> None:
    home = written('{ "fleet": {\n"store_path": "~nobody-of-this-name/x" } }')

    with pytest.raises(BadConfig, match=r"config\.json:2: fleet\.store_path names the folder of a user"):
        load(home, {})


def test_all_secrets_are_listed_for_masking(written: Writer) -> None:
    home = written('{ "relay": { "auth_token": "one" } }')

    assert load(home, {"DEVOPSCLAW_NODE_TOKEN": "two"}).secrets == {"one", "two"}


@pytest.mark.parametrize(
    ("file", "folder", "warned"), [(0o600, 0o700, 0), (0o640, 0o700, 1), (0o644, 0o755, 1)]
)
def test_a_secret_that_others_may_read_is_warned_of(
    file: int, folder: int, warned: int, written: Writer
) -> None:
    home = written('{ "relay": { "auth_token": "hunter2" } }')
    home.config.chmod(file)
    home.root.chmod(folder)

    warnings = load(home, {}).warnings

    assert len(warnings) == warned
    assert all(each.hint.startswith("chmod") for each in warnings)
    assert "hunter2" not in repr(warnings)


def test_without_a_secret_in_the_file_open_rights_are_nobodys_business(written: Writer) -> None:
    home = written('{ "ui": { "theme": "x" } }')
    home.config.chmod(0o644)

    assert load(home, {"DEVOPSCLAW_RELAY_AUTH_TOKEN": "hunter2"}).warnings == ()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("DEVOPSCLAW_RELAY_INSECURE", "true", "relay.insecure is true"),
        ("DEVOPSCLAW_NODE_INSECURE", "1", "node.insecure is true"),
    ],
)
def test_a_guard_opened_by_environment_works_and_is_warned_of(
    name: str, text: str, said: str, home: Home
) -> None:
    warnings = load(home, {name: text}).warnings

    assert [each.text for each in warnings] == [f"{said}, by environment {name}"]
    assert name in warnings[0].hint


def test_a_guard_set_to_its_safe_value_is_not_warned_of(home: Home) -> None:
    assert load(home, {"DEVOPSCLAW_RELAY_INSECURE": "false"}).warnings == ()


def test_a_variable_that_is_nearly_a_setting_is_warned_of(home: Home) -> None:
    environment = {"DEVOPSCLAW_RELAY_AUTH_TOKN": "x", "DEVOPSCLAW_SOMETHING_ELSE": "x", "RELAY_URL": "x"}

    warnings = load(home, environment).warnings

    assert [each.text for each in warnings] == ["DEVOPSCLAW_RELAY_AUTH_TOKN in the environment sets nothing"]
    assert warnings[0].hint == "did you mean DEVOPSCLAW_RELAY_AUTH_TOKEN?"


def test_our_own_other_variables_are_no_strangers(home: Home) -> None:
    assert load(home, {"DEVOPSCLAW_HOME": "/x", "DEVOPSCLAW_EXECUTION": "X-1"}).warnings == ()


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_setting_can_be_written_in_the_file_and_comes_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    setting = data.draw(st.sampled_from(sorted(SETTINGS.values(), key=lambda each: each.key)))
    home = Home(tmp_path_factory.mktemp("home"))
    value = shown(setting.default)
    nested: Any = value
    for name in reversed(setting.path):
        nested = {name: nested}
    home.config.write_text(json.dumps(nested))
    home.config.chmod(0o600)

    loaded = load(home, {})

    assert loaded.config == Config()
    assert loaded.origins[setting.key].endswith("config.json:1")
