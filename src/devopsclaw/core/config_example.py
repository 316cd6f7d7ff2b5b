"""The whole configuration as a template: every setting with its default and its sentence. Not the starter."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import BaseModel

from devopsclaw.core.config_model import Config
from devopsclaw.core.config_values import Section
from devopsclaw.core.settings import SETTINGS, KeyPath, shown

HEAD = (
    "// Every setting of devopsclaw with its default. Copy into config.json what you change.",
    "// Comments, trailing commas and keys that start with _ or x- are fine.",
    "// Each setting has a variable as well: relay.url is DEVOPSCLAW_RELAY_URL.",
)


def example() -> str:
    """The template. Loading it gives the defaults."""
    return "\n".join([*HEAD, "{", *_members(Config, ()), "}", ""])


def _members(section: type[BaseModel], path: KeyPath) -> Iterator[str]:
    indent = "  " * (len(path) + 1)
    for name, field in section.model_fields.items():
        here = (*path, name)
        yield f"{indent}// {field.description}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield f"{indent}{json.dumps(name)}: {{"
            yield from _members(field.annotation, here)
            yield f"{indent}}},"
        else:
            yield from _value(here, indent)


def _value(path: KeyPath, indent: str) -> Iterator[str]:
    setting = SETTINGS[path]
    opening = f"{indent}{json.dumps(path[-1])}: "
    if not setting.examples:
        yield f"{opening}{json.dumps(shown(setting.default))},"
        return
    yield f"{opening}["
    for each in setting.examples:
        yield f"{indent}  // {json.dumps(each, ensure_ascii=False)},"
    yield f"{indent}],"
