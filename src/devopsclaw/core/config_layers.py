"""The three places a value may come from besides its default: file, environment, flags. Not yet checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from devopsclaw.core.json_source import BadJson, Document, Node, parse
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown as shown_path
from devopsclaw.core.secrets import REFERENCE, NoAnswer, Vaults
from devopsclaw.core.settings import (
    PREFIX,
    SECTIONS,
    SETTINGS,
    KeyPath,
    dotted,
    find,
    is_note,
    plain,
    variable,
)
from devopsclaw.model.errors import BadConfig
from devopsclaw.model.events import Warned

NOT_SETTINGS = frozenset({"DEVOPSCLAW_HOME", "DEVOPSCLAW_EXECUTION", "DEVOPSCLAW_KEYS_PASSPHRASE"})
"""The home itself, and the mark on every process of a node's command."""

TEMPLATE_HINT = "`devopsclaw config example` prints every setting"


@dataclass(frozen=True, slots=True)
class Flag:
    """A command line option that sets a setting: `Flag("--addr", "relay.listen_addr", ":9443")`."""

    name: str
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody gave. `where` is a file, `environment NAME` or `flag --x`; `node` a place in it."""

    value: Any
    where: str
    node: Node | None = None

    @property
    def origin(self) -> str:
        """As `~/.devopsclaw/config.json:12`, `environment DEVOPSCLAW_RELAY_URL` or `flag --addr`."""
        return f"{self.where}:{self.node.line}" if self.node else self.where


Layer = dict[KeyPath, Given]


def read(file: Path) -> Document | None:
    """The parsed file; None where there is none. Raises BadConfig with file and line."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as wrong:
        raise BadConfig(
            f"{shown_path(file)} cannot be read: {wrong.strerror}",
            hint=f"it has to be a file that you may read: ls -l {shown_path(file)}",
        ) from wrong
    except UnicodeDecodeError as wrong:
        line = wrong.object[: wrong.start].count(b"\n") + 1
        raise BadConfig(f"{shown_path(file)}:{line}: is not UTF-8", hint="save the file as UTF-8") from wrong
    return parse_config(text, file)


def parse_config(text: str, file: Path) -> Document:
    """The text of this file as an object. Raises BadConfig with file and line."""
    try:
        document = parse(text)
    except BadJson as wrong:
        hint = f"correct line {wrong.line}; {TEMPLATE_HINT}"
        raise BadConfig(f"{shown_path(file)}:{wrong.line}: {wrong.why}", hint=hint) from wrong
    if not isinstance(document.root.value, dict):
        line = document.root.line
        raise BadConfig(f"{shown_path(file)}:{line}: has to be one object in {{ }}", hint=TEMPLATE_HINT)
    return document


def from_file(document: Document, file: Path) -> Layer:
    """What the file sets, unknown keys included; keys starting with `_` or `x-` are left out."""
    where = shown_path(file)
    return {path: Given(plain(node), where, node) for path, node in _leaves(document.root, ())}


def _leaves(node: Node, path: KeyPath) -> Iterator[tuple[KeyPath, Node]]:
    if path not in SECTIONS or not isinstance(node.value, dict):
        yield path, node
        return
    for key, child in node.value.items():
        if not is_note(key):
            yield from _leaves(child, (*path, key))


def from_environment(environment: Mapping[str, str]) -> Layer:
    """What the environment sets; an empty variable sets nothing. Raises BadConfig naming the variable.

    A section is an object in JSON; a variable of one of its settings wins over it.
    """
    layer: Layer = {}
    for path in sorted(path for path in SECTIONS if path):
        if text := environment.get(variable(path), ""):
            layer.update(_section(path, text))
    for path, setting in SETTINGS.items():
        if text := environment.get(setting.variable, ""):
            layer[path] = Given(decode(setting.key, text, _named(path)), _named(path))
    return layer


def _named(path: KeyPath) -> str:
    return f"environment {variable(path)}"


def _section(path: KeyPath, text: str) -> Layer:
    _refuse_bytes(text, _named(path))
    try:
        root = parse(text).root
    except BadJson as wrong:
        raise _undecodable(_named(path), wrong) from wrong
    return {leaf: Given(plain(node), _named(path)) for leaf, node in _leaves(root, path)}


def decode(key: str, text: str, where: str) -> Any:
    """The JSON value a text means for this setting. Raises BadConfig that begins with `where`."""
    _refuse_bytes(text, where)
    try:
        return find(key).decode(text)
    except ValueError as wrong:
        raise _undecodable(where, wrong) from wrong


def _refuse_bytes(text: str, where: str) -> None:
    """Bytes that are no text come from the system as lone surrogates, which nothing can store."""
    try:
        text.encode()
    except UnicodeEncodeError as wrong:
        raise BadConfig(f"{where}: is not UTF-8", hint="write it again in a UTF-8 locale") from wrong


def _undecodable(where: str, wrong: ValueError) -> BadConfig:
    if isinstance(wrong, ValidationError):
        return BadConfig(f"{where}: {said(wrong.errors()[0]['msg'])}", hint=TEMPLATE_HINT)
    return BadConfig(f"{where}: is not JSON: {wrong}", hint="lists and objects are written as JSON")


def said(message: str) -> str:
    """Pydantic's message in our manner: it never repeats the value."""
    return message.removeprefix("Value error, ").removeprefix("Input ")


def from_flags(flags: Iterable[Flag]) -> Layer:
    """What flags set. Raises BadConfig naming the flag."""
    layer: Layer = {}
    for flag in flags:
        where = f"flag {flag.name}"
        value = decode(flag.key, flag.value, where) if isinstance(flag.value, str) else flag.value
        layer[find(flag.key).path] = Given(value, where)
    return layer


def from_vault(layer: Layer, home: Home, vaults: Vaults) -> tuple[Warned, ...]:
    """Put in place what is in the keyring; for what cannot be had an empty secret, and a warning."""
    named = [path for path, given in layer.items() if _is_kept(path, given.value)]
    if not named:
        return ()
    vault = vaults(home)
    told = []
    for path in named:
        given = layer[path]
        try:
            secret = vault.read(given.value.removeprefix(REFERENCE)) if vault else ""
            why = "no keyring answers" if vault is None else f"{vault.name} has none"
        except NoAnswer as silent:
            secret, why = "", str(silent)
        layer[path] = Given(secret, f"keyring, named in {given.origin}")
        if not secret:
            hint = f"{variable(path)}=… gives it for now; devopsclaw config set {dotted(path)} keeps it anew"
            told.append(Warned(f"{dotted(path)} cannot be read: {why}", hint))
    return tuple(told)


def _is_kept(path: KeyPath, value: Any) -> bool:
    setting = SETTINGS.get(path)
    return bool(setting and setting.is_secret) and isinstance(value, str) and value.startswith(REFERENCE)


def strangers(environment: Mapping[str, str]) -> Iterator[Warned]:
    """Variables that set nothing but are nearly the name of one that would."""
    known = {variable(path) for path in [*SETTINGS, *SECTIONS] if path} | NOT_SETTINGS
    short = [name.removeprefix(PREFIX) for name in known]
    for name in sorted(environment):
        if not name.startswith(PREFIX) or name in known:
            continue
        # without the prefix, which would make every name look like every other
        if near := get_close_matches(name.removeprefix(PREFIX), short, 1, 0.8):
            yield Warned(f"{name} in the environment sets nothing", f"did you mean {PREFIX}{near[0]}?")
