"""Seeing and changing the configuration. A secret is never shown: it is `***`, or empty."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Iterator
from typing import Any

from pydantic import Field, SecretStr

from devopsclaw.core.config import Loaded
from devopsclaw.core.config_edit import Edit, prepare, write
from devopsclaw.core.config_example import example
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Params, Result, argument, operation, option
from devopsclaw.core.private_file import shown as shown_path
from devopsclaw.core.rbac import Role
from devopsclaw.core.redact import KNOWN
from devopsclaw.core.secrets import REFERENCE, NoAnswer, Vault, find_vault, reference
from devopsclaw.core.settings import SECTIONS, SETTINGS, KeyPath, at, find, secrets, shown
from devopsclaw.model.errors import Damaged
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe
from devopsclaw.model.value import Value


class ShowConfig(Params):
    """Which settings, and how much about them."""

    key: str = argument("A setting or a section, as relay or relay.url; empty for all.", "")
    origin: bool = option("Say where each value comes from.", False)


class OneSetting(Value):
    """One setting as it is in force."""

    key: str = Field(description="Its key, as relay.url.")
    value: Any = Field(description="Its value; a secret is *** or empty.")
    origin: str = Field(
        default="",
        description="default, a file with line, keyring, environment or flag; empty unless asked for, but"
        " for a secret that is set.",
    )


class SettingList(Result):
    """Settings in force, in the order of the template."""

    schema_name = "devopsclaw.config/1"

    items: list[OneSetting] = Field(description="The settings.")

    def text(self) -> str:
        """One line each: key, value, and the origin where it was asked for."""
        rows = [(each.key, written(each.value), each.origin) for each in self.items]
        widths = [max((len(row[place]) for row in rows), default=0) for place in (0, 1)]
        return "\n".join(
            f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}".rstrip() for key, value, origin in rows
        )


class GetConfig(Params):
    """Which setting."""

    key: str = argument("A setting or a section, as relay or relay.url.")


class SettingValue(Result):
    """The value of one setting or one section."""

    schema_name = "devopsclaw.setting/1"

    key: str = Field(description="Its key.")
    value: Any = Field(description="Its value; a secret is *** or empty.")
    origin: str = Field(default="", description="Where it comes from; empty for a section.")

    def text(self) -> str:
        """The value alone, text without quotes, for scripts."""
        return safe(self.value) if isinstance(self.value, str) else written(self.value)


class SetConfig(Params):
    """What to write into the configuration file."""

    key: str = argument("A setting, as relay.url.")
    value: SecretStr = argument("Its new value: text, a number, true or false, JSON for a list.")


class SettingChanged(Result):
    """What was written."""

    schema_name = "devopsclaw.setting_changed/1"

    key: str = Field(description="The setting.")
    value: Any = Field(description="Its value in the file now; a secret is *** or empty.")
    file: str = Field(description="The file that was written.")
    kept_in: str = Field(
        default="", description="The keyring that holds the secret; empty for the file itself."
    )
    note: str = Field(description="When it takes effect, or what wins over it.")

    def text(self) -> str:
        """One line of what was done and one of what follows."""
        where = f"{self.kept_in}, named in {self.file}" if self.kept_in else self.file
        return f"{self.key} = {written(self.value)} in {where}\n{self.note}"


class Template(Result):
    """The configuration as a template."""

    schema_name = "devopsclaw.config_example/1"

    template: str = Field(description="JSON with comments: every setting with its default.")

    def text(self) -> str:
        """The template itself, to be sent into a file."""
        return self.template


@operation("config.show", Effect.READ, role=Role.VIEWER)
async def show(ctx: Ctx, params: ShowConfig) -> SettingList:
    """Show the settings in force.

    devopsclaw config show --origin
    devopsclaw config show relay
    """
    loaded = ctx.get(Loaded)
    items = [
        OneSetting(
            key=SETTINGS[path].key,
            value=shown(at(loaded.config, path)),
            origin=loaded.origins[SETTINGS[path].key] if params.origin or _is_set(loaded, path) else "",
        )
        for path in _paths(params.key)
    ]
    return SettingList(items=items)


@operation("config.get", Effect.READ, role=Role.VIEWER)
async def get(ctx: Ctx, params: GetConfig) -> SettingValue:
    """Print the value of one setting.

    devopsclaw config get relay.url
    """
    loaded, path = ctx.get(Loaded), tuple(params.key.split("."))
    if path not in SECTIONS:
        path = find(params.key).path
    origin = loaded.origins.get(params.key, "")
    return SettingValue(key=params.key, value=shown(at(loaded.config, path)), origin=origin)


async def _plan_set(ctx: Ctx, params: SetConfig) -> Plan:
    """Old and new value, a secret masked; refuses what the file could not hold."""
    loaded = ctx.get(Loaded)
    edit = _prepared(loaded, params)
    vault = await _vault_for(loaded, edit)
    steps = (
        f"{params.key}: {written(shown(edit.old))} → {written(shown(edit.value))}",
        f"file: {shown_path(loaded.home.config)}",
        *((f"kept in: {vault.name}",) if vault else ()),
    )
    return Plan(operation="config.set", effect=Effect.WRITE, target=params.key, steps=steps, undo=_undo(edit))


@operation("config.set", Effect.WRITE, role=Role.ADMIN, plan=_plan_set)
async def set_value(ctx: Ctx, params: SetConfig) -> SettingChanged:
    """Write one setting into the configuration file, keeping its comments.

    A secret goes into the keyring of the system where one answers, and the file only says so.

    devopsclaw config set relay.url ws://relay.example.org:9443
    """
    loaded = ctx.get(Loaded)
    edit = _prepared(loaded, params)
    KNOWN.add(secrets(edit.value))
    vault = await _vault_for(loaded, edit)
    if vault:
        edit = await _moved(loaded, edit, vault)
    write(loaded.home, edit)
    return SettingChanged(
        key=params.key,
        value=shown(edit.value),
        file=shown_path(loaded.home.config),
        kept_in=vault.name if vault else "",
        note=_consequence(loaded.origins[params.key]),
    )


@operation("config.example", Effect.READ, role=Role.VIEWER)
async def template(ctx: Ctx, params: NoParams) -> Template:
    """Print every setting with its default and its sentence, as a file to start from.

    devopsclaw config example > config.json
    """
    return Template(template=example())


def _paths(key: str) -> list[KeyPath]:
    wanted = tuple(key.split(".")) if key else ()
    if wanted not in SECTIONS:
        return [find(key).path]
    return [path for path in SETTINGS if path[: len(wanted)] == wanted]


def _prepared(loaded: Loaded, params: SetConfig) -> Edit:
    return prepare(loaded.home, params.key, params.value.get_secret_value())


async def _vault_for(loaded: Loaded, edit: Edit) -> Vault | None:
    """The keyring that is to hold this value; None for the file."""
    if not edit.setting.is_secret or not any(_kept_as_typed(edit)):
        return None
    return await asyncio.to_thread(find_vault, loaded.home)


def _kept_as_typed(edit: Edit) -> Iterator[str]:
    """The secret that was given, unless it says itself where it is."""
    return (each for each in secrets(edit.value) if not each.startswith(REFERENCE))


async def _moved(loaded: Loaded, edit: Edit, vault: Vault) -> Edit:
    """The secret is in the keyring; what the file is to say then. Raises Damaged."""
    key = edit.setting.key
    try:
        await asyncio.to_thread(vault.keep, key, next(_kept_as_typed(edit)))
    except NoAnswer as refused:
        raise Damaged(
            f"{key} was not set: {refused}",
            hint="unlock it; for the file instead, PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring"
            f" devopsclaw config set {key} …",
        ) from refused
    return prepare(loaded.home, key, reference(key))


def _is_set(loaded: Loaded, path: KeyPath) -> bool:
    """Whether it is a secret that has a value: then it is said where that is, as it is not shown."""
    return SETTINGS[path].is_secret and any(secrets(at(loaded.config, path)))


def _undo(edit: Edit) -> str:
    if edit.old is None:
        return "none: the file is wrong as it is, so the old value cannot be read"
    if any(secrets(edit.old)):
        return "none: the old secret is not shown"
    value = shown(edit.old)
    text = value if isinstance(value, str) else written(value)
    return f"devopsclaw config set {edit.setting.key} {shlex.quote(text)}"


def _consequence(origin: str) -> str:
    if origin.startswith(("environment ", "flag ")):
        return f"{origin} wins over the file: unset it to use the new value"
    return "in force when devopsclaw starts next"


def written(value: Any) -> str:
    """A value on one line, as in the file, harmless to show."""
    return safe(json.dumps(value, ensure_ascii=False))
