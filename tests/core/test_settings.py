"""Each setting by itself: names, defaults, what text means for it, and what may be shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from devopsclaw.core.config_model import Config, ModelEntry
from devopsclaw.core.config_values import Section
from devopsclaw.core.settings import (
    SECTIONS,
    SETTINGS,
    at,
    find,
    nearest,
    secrets,
    shown,
    variable,
)
from devopsclaw.model.errors import NotFound

README_VARIABLES = {
    "DEVOPSCLAW_AGENTS_DEFAULTS_MODEL": "agents.defaults.model",
    "DEVOPSCLAW_AGENTS_DEFAULTS_RESTRICT_TO_WORKSPACE": "agents.defaults.restrict_to_workspace",
    "DEVOPSCLAW_HEARTBEAT_ENABLED": "heartbeat.enabled",
    "DEVOPSCLAW_HEARTBEAT_INTERVAL": "heartbeat.interval",
    "DEVOPSCLAW_FLEET_STORE_PATH": "fleet.store_path",
    "DEVOPSCLAW_RELAY_LISTEN_ADDR": "relay.listen_addr",
    "DEVOPSCLAW_RELAY_AUTH_TOKEN": "relay.auth_token",
    "DEVOPSCLAW_RELAY_MAX_CONNECTIONS": "relay.max_connections",
    "DEVOPSCLAW_RBAC_ENABLED": "rbac.enabled",
}


def test_no_two_fields_map_to_one_variable() -> None:
    names = [variable(path) for path in [*SETTINGS, *SECTIONS] if path]

    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("name", "key"), README_VARIABLES.items())
def test_the_variables_of_the_readme_are_ours(name: str, key: str) -> None:
    assert find(key).variable == name


def _sections(section: type[Section]) -> Iterator[type[Section]]:
    yield section
    for field in section.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _sections(field.annotation)


@pytest.mark.parametrize("section", [*_sections(Config), ModelEntry])
def test_every_field_has_one_sentence(section: type[Section]) -> None:
    for name, field in section.model_fields.items():
        sentence = field.description or ""
        assert sentence.endswith("."), name
        assert sentence[0].isupper(), name


@pytest.mark.parametrize("section", [each for each in _sections(Config) if each is not Config])
def test_a_section_that_is_given_empty_has_its_defaults(section: type[Section]) -> None:
    places = [path for path in SECTIONS if type(at(Config(), path)) is section]

    assert places
    assert all(at(Config(), path) == section() for path in places)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("relay.url", "ws://h:1", "ws://h:1"),
        ("relay.auth_token", "[not, a, list]", "[not, a, list]"),
        ("relay.max_connections", "7", 7),
        ("rbac.enabled", "off", False),
        ("rbac.enabled", "1", True),
        ("agents.defaults.temperature", "0.5", 0.5),
        ("fleet.protected_envs", "prod, live,", ["prod", "live"]),
        ("fleet.protected_envs", '["a,b"]', ["a,b"]),
        ("fleet.protected_envs", "", []),
        ("channels.slack.allow_from", "[1, 2]", [1, 2]),
        ("model_list", '[{"model_name": "a"}]', [{"model_name": "a"}]),
        ("ui.glyphs", "ascii", "ascii"),
    ],
)
def test_text_is_read_by_the_type_of_its_setting(key: str, text: str, value: object) -> None:
    assert find(key).decode(text) == value


@pytest.mark.parametrize(
    ("key", "text"), [("rbac.enabled", "maybe"), ("relay.max_connections", "1.5"), ("model_list", "gpt4")]
)
def test_text_that_means_nothing_is_a_value_error(key: str, text: str) -> None:
    with pytest.raises(ValueError):
        find(key).decode(text)


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as missing:
        find("relay.auth_tokn")

    assert missing.value.hint == "did you mean relay.auth_token?"


def test_a_section_is_not_a_setting() -> None:
    with pytest.raises(NotFound, match="relay is a section") as missing:
        find("relay")

    assert missing.value.hint == "name one of its settings, as relay.listen_addr"


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("relay.listn_addr", "relay.listen_addr"),
        ("max_parallel", "fleet.max_parallel"),
        ("relai", "relay"),
        ("zzz", ""),
    ],
)
def test_the_nearest_key_is_found_by_its_whole_or_its_last_word(key: str, meant: str) -> None:
    assert nearest(key) == meant


def test_secrets_are_shown_as_stars_unless_empty() -> None:
    entry = ModelEntry(model_name="a", model="openai/x", api_key=SecretStr("sk-1"))

    assert shown(SecretStr("")) == ""
    assert shown((entry,)) == [{"model_name": "a", "model": "openai/x", "api_key": "***", "api_base": ""}]


def test_secrets_are_found_wherever_they_are() -> None:
    config = Config.model_validate(
        {
            "relay": {"auth_token": "one"},
            "channels": {"slack": {"bot_token": "two"}},
            "model_list": ({"model_name": "a", "model": "b", "api_key": "three"},),
        }
    )

    assert sorted(secrets(config)) == ["one", "three", "two"]


def test_no_secret_is_in_a_repr() -> None:
    assert "hunter2" not in repr(Config.model_validate({"relay": {"auth_token": "hunter2"}}))


@pytest.mark.parametrize(
    ("model", "key", "usable"),
    [("openai/x", "", False), ("openai/x", "k", True), ("ollama/x", "", True), ("vllm/x", "", True)],
)
def test_a_model_is_usable_with_a_key_or_on_this_machine(model: str, key: str, usable: bool) -> None:
    assert ModelEntry(model_name="a", model=model, api_key=SecretStr(key)).is_usable is usable
