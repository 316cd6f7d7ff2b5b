"""The template: everything in it, and nothing changed by it."""

from __future__ import annotations

from pathlib import Path

from devopsclaw.core.config import check
from devopsclaw.core.config_example import example
from devopsclaw.core.config_layers import from_file, parse_config
from devopsclaw.core.config_model import Config
from devopsclaw.core.json_source import parse
from devopsclaw.core.settings import SETTINGS, plain

FILE = Path("config.json")


def test_loading_the_template_gives_the_defaults() -> None:
    assert check(example(), FILE) == Config()


def test_every_setting_is_in_the_template_with_its_sentence() -> None:
    text = example()

    assert set(from_file(parse_config(text, FILE), FILE)) == set(SETTINGS)
    for setting in SETTINGS.values():
        assert f"// {setting.description}\n" in text


def test_the_examples_of_models_are_models() -> None:
    lines = example().splitlines()
    examples = [line.strip().removeprefix("// ") for line in lines if line.strip().startswith("// {")]

    text = f'{{"model_list": [{"".join(examples)}]}}'

    assert [entry["model_name"] for entry in plain(parse(text).root)["model_list"]] == ["gpt4", "local"]
    assert check(text, FILE).model_list[1].is_usable
