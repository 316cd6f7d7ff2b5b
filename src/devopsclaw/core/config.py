"""The configuration in force: flag over environment over file over default, and where each value is from.

Not the settings themselves (`core.config_model`), nor writing them (`core.config_edit`).
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from devopsclaw.core.config_layers import (
    TEMPLATE_HINT,
    Flag,
    Given,
    Layer,
    from_environment,
    from_file,
    from_flags,
    from_vault,
    parse_config,
    read,
    said,
    strangers,
)
from devopsclaw.core.config_model import Config
from devopsclaw.core.json_source import Node
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown as shown_path
from devopsclaw.core.secrets import Vaults, find_vault
from devopsclaw.core.settings import SETTINGS, KeyPath, at, dotted, nearest, secrets
from devopsclaw.model.errors import BadConfig
from devopsclaw.model.events import Warned

OTHERS = 0o077
"""The bits of a file's mode that are for group and world."""

KINDS = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The configuration, and what is to be said about it. `origins` has every key of `SETTINGS`."""

    config: Config
    origins: Mapping[str, str]
    home: Home
    """With `store` where `fleet.store_path` moves it."""
    workspace: Path
    exists: bool
    """Whether there is a file."""
    warnings: tuple[Warned, ...]

    @property
    def secrets(self) -> frozenset[str]:
        """Every secret in it, for masking."""
        return frozenset(secrets(self.config))


def defaults(home: Home) -> Loaded:
    """The configuration of a home whose file is another's to read."""
    return load(Home(home.root / "nobody"), {})


def load(
    home: Home,
    environment: Mapping[str, str] = os.environ,
    flags: Iterable[Flag] = (),
    vaults: Vaults = find_vault,
) -> Loaded:
    """Read and check everything. Raises BadConfig that names file and line, variable or flag.

    A secret that the file says is in the keyring is asked for there; one that cannot be had is empty, and
    told.
    """
    document = read(home.config)
    layer = from_file(document, home.config) if document else {}
    layer |= from_environment(environment)
    layer |= from_flags(flags)
    unread = from_vault(layer, home, vaults)
    config = checked(layer)
    origins = {path: layer[path].origin if path in layer else "default" for path in SETTINGS}
    store, workspace = ("fleet", "store_path"), ("agents", "defaults", "workspace")
    warnings = (
        *unread,
        *_open_secrets(home, config, layer),
        *_open_guards(config, origins),
        *strangers(environment),
    )
    return Loaded(
        config=config,
        origins={dotted(path): origin for path, origin in origins.items()},
        home=Home(home.root, _folder(home, config, store, origins) or home.store),
        workspace=_folder(home, config, workspace, origins) or home.workspace,
        exists=document is not None,
        warnings=warnings,
    )


def check(text: str, file: Path) -> Config:
    """What the file alone would mean with this text. Raises BadConfig with file and line."""
    return checked(from_file(parse_config(text, file), file))


def checked(layer: Layer) -> Config:
    """The typed configuration. Raises BadConfig for the first thing wrong, and says how many more are."""
    try:
        return Config.model_validate_json(json.dumps(_nested(layer)), strict=True)
    except ValidationError as wrong:
        problems = [_problem(error, layer) for error in wrong.errors(include_url=False)]
    first = min(problems, key=lambda problem: problem.line)
    more = len(problems) - 1
    counted = f" (and {more} more)" if more else ""
    raise BadConfig(f"{first.origin}: {first.why}{counted}", hint=first.hint)


def _nested(layer: Layer) -> dict[str, Any]:
    """The layer as one object; below a value that should have been a section nothing is placed."""
    root: dict[str, Any] = {}
    for path in sorted(layer):
        here: Any = root
        for name in path[:-1]:
            here = here.setdefault(name, {}) if isinstance(here, dict) else None
        if isinstance(here, dict):
            here[path[-1]] = layer[path].value
    return root


@dataclass(frozen=True, slots=True)
class _Problem:
    line: int
    origin: str
    why: str
    hint: str


def _problem(error: ErrorDetails, layer: Layer) -> _Problem:
    place = error["loc"]
    path = next(place[:end] for end in range(len(place), 0, -1) if place[:end] in layer)
    given = layer[tuple(str(part) for part in path)]
    node = _deepest(given.node, place[len(path) :]) if given.node else None
    origin = Given(None, given.where, node).origin
    why, hint = _explained(error)
    return _Problem(node.line if node else 0, origin, why, hint)


def _deepest(node: Node, rest: tuple[str | int, ...]) -> Node:
    """The node nearest to the place; a missing key is reported at its object."""
    for part in rest:
        if isinstance(node.value, dict) and part in node.value:
            node = node.value[str(part)]
        elif isinstance(node.value, list) and isinstance(part, int):
            node = node.value[part]
    return node


def _explained(error: ErrorDetails) -> tuple[str, str]:
    """What is wrong, and what to do. The value is never repeated: it may be a secret."""
    place, kind = dotted(error["loc"]), error["type"]
    if kind == "extra_forbidden":
        near = nearest(place)
        advice = f"did you mean {near}?" if near else TEMPLATE_HINT
        return f"there is no setting {place}", f"{advice} Keys that start with _ or x- are your own"
    if kind == "missing":
        return f"{place} is missing", TEMPLATE_HINT
    got = f", not {KINDS.get(type(error['input']), 'a number')}" if kind.endswith("_type") else ""
    return f"{place} {said(error['msg'])}{got}", TEMPLATE_HINT


def _folder(home: Home, config: Config, path: KeyPath, origins: Mapping[KeyPath, str]) -> Path | None:
    """The folder a setting names, relative ones inside the home; None where it is empty."""
    text = at(config, path)
    try:
        return home.root / Path(text).expanduser() if text else None
    except RuntimeError as wrong:
        raise BadConfig(
            f"{origins[path]}: {dotted(path)} names the folder of a user who is not known here",
            hint="write the whole path, from / on",
        ) from wrong


def _open_secrets(home: Home, config: Config, layer: Layer) -> Iterator[Warned]:
    """Nothing is refused, but a secret that others may read is told. All else of the home: core/rights."""
    in_file = [path for path, given in layer.items() if given.node and path in SETTINGS]
    if not any(True for path in in_file for _ in secrets(at(config, path))):
        return
    now = stat.S_IMODE(home.config.stat().st_mode)
    if now & OTHERS:
        name = shown_path(home.config)
        yield Warned(f"{name} holds a secret and is open to other users ({now:04o})", f"chmod 600 {name}")


def _open_guards(config: Config, origins: Mapping[KeyPath, str]) -> Iterator[Warned]:
    """A safety switch that the environment moved works, but not in silence (a banner shows it)."""
    for path, setting in SETTINGS.items():
        if (
            setting.is_guard
            and at(config, path) != setting.default
            and origins[path].startswith("environment")
        ):
            yield Warned(
                f"{setting.key} is {str(at(config, path)).lower()}, by {origins[path]}",
                f"unset {setting.variable} to be safe again",
            )
