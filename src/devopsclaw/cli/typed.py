"""What a command line means beyond its words: paths from here, and secrets that are asked for, never typed
into the line. Loaded only for commands that have one of these.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from getpass import getpass
from typing import Any

from devopsclaw.cli import prompts
from devopsclaw.cli.settings import Settings
from devopsclaw.model.errors import Misused


def completed(
    fields: Sequence[Mapping[str, Any]],
    params: Mapping[str, Any],
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
) -> dict[str, Any]:
    """The params with secrets, and with whole paths, as a core may be elsewhere. Raises Misused."""
    found = dict(params)
    for each in fields:
        name = each["name"]
        if each.get("path") and found.get(name, "-") != "-":
            found[name] = os.path.abspath(found[name])  # noqa: PTH100 - links stay as they are named
        if each["kind"] == "secret" and not settings.dry_run:
            found[name] = environment.get(each["environment"], "") or _asked(each, settings)
    return found


def _asked(field: Mapping[str, Any], settings: Settings) -> str:
    """Typed at the terminal without being shown. Raises Misused where nobody can be asked."""
    name = str(field["name"])
    if not prompts.can_ask(settings):
        raise Misused(f"the {name} is missing", hint=f"set {field['environment']}, or type it at a terminal")
    typed = getpass(f"{name}: ")
    if field.get("twice") and getpass(f"{name} again: ") != typed:
        raise Misused("the two were not the same, so nothing ran", hint="try again")
    return typed
