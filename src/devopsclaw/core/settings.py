"""The settings one by one: key, environment variable, type, and what may be shown. Not their values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, TypeAdapter

from devopsclaw.core.config_model import Config
from devopsclaw.core.config_values import Section
from devopsclaw.core.json_source import Node, parse
from devopsclaw.model.errors import NotFound

PREFIX = "DEVOPSCLAW_"
HIDDEN = "***"

KeyPath = tuple[str, ...]


def is_section(annotation: Any) -> bool:
    """Whether the type is an object of further settings."""
    return isinstance(annotation, type) and issubclass(annotation, Section)


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as it is written: `relay.url`."""
    return ".".join(str(part) for part in path)


def variable(path: KeyPath) -> str:
    """The environment variable of a setting or a section: `DEVOPSCLAW_RELAY_URL`."""
    return PREFIX + "_".join(path).upper()


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that can be set. A list is one value: it is replaced, never merged."""

    path: KeyPath
    annotation: Any
    description: str
    default: Any
    is_guard: bool
    examples: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """As `relay.url`."""
        return dotted(self.path)

    @property
    def variable(self) -> str:
        """As `DEVOPSCLAW_RELAY_URL`."""
        return variable(self.path)

    @property
    def is_secret(self) -> bool:
        """Whether the whole value is a secret."""
        return self.annotation is SecretStr

    def decode(self, text: str) -> Any:
        """The JSON value that a text of the environment or the command line means.

        Lists and objects are JSON; a list of words may be `a, b` as well. Raises ValueError.
        """
        if self.annotation in (bool, int, float):
            return TypeAdapter(self.annotation).validate_python(text)
        if get_origin(self.annotation) is not tuple:
            return text
        if text.lstrip().startswith("[") or is_section(get_args(self.annotation)[0]):
            return plain(parse(text).root)
        return [word.strip() for word in text.split(",") if word.strip()]


def _walk(section: type[BaseModel], path: KeyPath = ()) -> Iterator[Setting]:
    for name, field in section.model_fields.items():
        here, kind = (*path, name), field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _walk(kind, here)
            continue
        extra = field.json_schema_extra
        guard = isinstance(extra, dict) and extra.get("guard") is True
        examples = tuple(field.examples or ())
        yield Setting(here, kind, field.description or "", field.default, guard, examples)


def at(config: Config, path: KeyPath) -> Any:
    """The value at this path: of a setting, or a whole section."""
    here: Any = config
    for name in path:
        here = getattr(here, name)
    return here


SETTINGS: dict[KeyPath, Setting] = {setting.path: setting for setting in _walk(Config)}
SECTIONS: frozenset[KeyPath] = frozenset(path[:end] for path in SETTINGS for end in range(len(path)))


def find(key: str) -> Setting:
    """The setting of this key. Raises NotFound with the nearest keys."""
    path = tuple(key.split("."))
    if path in SETTINGS:
        return SETTINGS[path]
    if path in SECTIONS:
        some = next(setting.key for setting in SETTINGS.values() if setting.path[: len(path)] == path)
        raise NotFound(f"{key} is a section, not a setting", hint=f"name one of its settings, as {some}")
    near = nearest(key)
    hint = f"did you mean {near}?" if near else "devopsclaw config show lists them"
    raise NotFound(f"there is no setting {key!r}", hint=hint)


def nearest(key: str) -> str:
    """The key most like this one, by its whole or by its last word; empty where none is like it."""
    keys = {setting.key: setting.key for setting in SETTINGS.values()}
    keys.update({dotted(path): dotted(path) for path in SECTIONS if path})
    if match := get_close_matches(key, keys, 1, 0.75):
        return keys[match[0]]
    last = [each for each in keys if each.rpartition(".")[2] == key.rpartition(".")[2]]
    return last[0] if last else ""


def is_note(key: str) -> bool:
    """Whether a key of the file is a person's own note, which nobody reads."""
    return key.startswith(("_", "x-"))


def plain(node: Node) -> Any:
    """The value as plain Python, without the notes."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items() if not is_note(key)}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def shown(value: Any) -> Any:
    """The value as JSON that people may see: secrets are `***` unless empty."""
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, BaseModel):
        return {name: shown(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, tuple):
        return [shown(each) for each in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def secrets(value: Any) -> Iterator[str]:
    """Every secret in a value, as it is; empty ones are left out."""
    if isinstance(value, SecretStr):
        if value.get_secret_value():
            yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets(getattr(value, name))
    elif isinstance(value, tuple):
        for each in value:
            yield from secrets(each)
