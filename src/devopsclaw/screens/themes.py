"""Reads the colour themes that ship with the package. What they colour is the widgets' business."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import ConfigDict, Field, ValidationError
from textual.theme import Theme

from devopsclaw.core.paths import shipped
from devopsclaw.model.errors import BadConfig
from devopsclaw.model.value import Value

DEFAULT = "claw-dark"

HEX = r"^#[0-9a-f]{6}$"


class Colours(Value):
    """The colours of a theme, as `#rrggbb`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    background: str = Field(pattern=HEX)
    surface: str = Field(pattern=HEX)
    panel: str = Field(pattern=HEX)
    cursor: str = Field(pattern=HEX)
    foreground: str = Field(pattern=HEX)
    muted: str = Field(pattern=HEX)
    rule: str = Field(pattern=HEX)
    primary: str = Field(pattern=HEX)
    accent: str = Field(pattern=HEX)
    success: str = Field(pattern=HEX)
    warning: str = Field(pattern=HEX)
    error: str = Field(pattern=HEX)


class ThemeFile(Value):
    """One file of `themes/`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    dark: bool
    colours: Colours


def theme_names(folder: Path | None = None) -> list[str]:
    """The themes of the folder, the shipped one by default; a theme is called as its file."""
    return sorted(path.stem for path in (folder or shipped("themes")).glob("*.yaml"))


def theme_named(name: str, folder: Path | None = None) -> ThemeFile:
    """One theme. Raises BadConfig where there is none, or its file is no theme."""
    names = theme_names(folder)
    if name not in names:
        raise BadConfig(f"there is no theme {name!r}", hint=f"ui.theme is one of: {', '.join(names)}")
    path = (folder or shipped("themes")) / f"{name}.yaml"
    try:
        return ThemeFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValidationError) as wrong:
        first = " ".join(str(wrong).split())[:200]
        raise BadConfig(
            f"{path} is no theme: {first}", hint="themes/claw-dark.yaml shows how one looks"
        ) from wrong


def as_theme(file: ThemeFile) -> Theme:
    """The theme with our own variables, so that no colour is Textual's guess."""
    colours = file.colours
    return Theme(
        name=file.name,
        dark=file.dark,
        primary=colours.primary,
        secondary=colours.primary,
        accent=colours.accent,
        success=colours.success,
        warning=colours.warning,
        error=colours.error,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.surface,
        panel=colours.panel,
        variables=variables(colours),
    )


def variables(colours: Colours) -> dict[str, str]:
    """Theme variables that Textual does not know, and those of its own that we fix."""
    return {
        "claw-muted": colours.muted,
        "claw-rule": colours.rule,
        "claw-cursor": colours.cursor,
        "input-cursor-background": colours.foreground,
        "input-cursor-foreground": colours.background,
        "input-selection-background": colours.cursor,
    }
