"""The shipped themes: each loads, each can be read."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from textual.color import Color

from devopsclaw.model.errors import BadConfig
from devopsclaw.screens.themes import DEFAULT, as_theme, theme_named, theme_names

TEXTS = ("foreground", "muted", "primary", "accent", "success", "warning", "error")
GROUNDS = ("background", "surface", "panel", "cursor")
ON_COLOUR = ("error", "accent", "warning")
"""What the background colour is written on: environment, demo, ANSWER."""

ENOUGH = 4.5
"""WCAG 2.1, success criterion 1.4.3."""


def luminance(colour: Color) -> float:
    """Relative luminance. Source: WCAG 2.1, definition of relative luminance."""
    parts = [each / 255 for each in colour.rgb]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours. Source: WCAG 2.1, definition of contrast ratio."""
    light, dark = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("name", theme_names())
def test_every_text_can_be_read_on_every_ground(name: str) -> None:
    colours = theme_named(name).colours.model_dump()
    pairs = [*product(TEXTS, GROUNDS), *(("background", each) for each in ON_COLOUR)]
    poor = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs}

    assert {pair: round(ratio, 2) for pair, ratio in poor.items() if ratio < ENOUGH} == {}


@pytest.mark.parametrize("name", theme_names())
def test_a_theme_is_called_as_its_file_and_becomes_one_of_textuals(name: str) -> None:
    theme = as_theme(theme_named(name))

    assert theme.name == name
    assert theme.variables["claw-muted"] == theme_named(name).colours.muted


def test_the_default_is_shipped() -> None:
    assert DEFAULT in theme_names()


def test_an_unknown_theme_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="there is no theme 'pink'") as wrong:
        theme_named("pink")
    assert "claw-dark" in wrong.value.hint


@pytest.mark.parametrize(
    "text", ["{", "name: x\ndark: true\n", "name: x\ndark: true\ncolours: {background: red}\n"]
)
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)

    with pytest.raises(BadConfig, match=r"mine\.yaml is no theme"):
        theme_named("mine", tmp_path)
