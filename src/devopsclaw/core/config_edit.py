"""Writes one setting into the configuration file, checked first, comments kept. Not what is in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from devopsclaw.core.config import check
from devopsclaw.core.config_layers import TEMPLATE_HINT, decode, read
from devopsclaw.core.config_model import Config
from devopsclaw.core.json_edit import CannotEdit, put
from devopsclaw.core.json_source import Document
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown as shown_path
from devopsclaw.core.private_file import write_private
from devopsclaw.core.settings import Setting, at, find
from devopsclaw.model.errors import BadConfig, Damaged

EMPTY = "{\n}\n"


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that was checked and not yet written. `text` is the whole new file."""

    setting: Setting
    old: Any
    """The value the file has now, or the default; None where the file is wrong and has no values."""
    value: Any
    text: str


def prepare(home: Home, key: str, written: str) -> Edit:
    """What the file would hold with this setting; reads only.

    `written` is as in the environment: text, a number, true or false, JSON for lists. Raises NotFound
    for the key, BadConfig for the value or where comments would be lost.
    """
    setting = find(key)
    wanted = decode(key, written, setting.key)
    document = read(home.config)
    try:
        text = put(document.text if document else EMPTY, setting.path, wanted)
    except CannotEdit as lossy:
        place = f"{shown_path(home.config)}:{lossy.line}"
        raise BadConfig(
            f"{place}: {setting.key} was not set: {lossy.why}", hint=f"edit line {lossy.line} by hand"
        ) from lossy
    try:
        config: Config = check(text, home.config)
    except BadConfig as wrong:
        raise BadConfig(
            f"{setting.key} was not set: {wrong.message}", hint=wrong.hint or TEMPLATE_HINT
        ) from wrong
    return Edit(setting, _old(document, home, setting), at(config, setting.path), text)


def _old(document: Document | None, home: Home, setting: Setting) -> Any:
    if document is None:
        return setting.default
    try:
        return at(check(document.text, home.config), setting.path)
    except BadConfig:  # the edit may be what puts it right
        return None


def write(home: Home, edit: Edit) -> None:
    """Replace the file, 0600. Raises Damaged where the disk refuses; the old file then stands."""
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(home.config, edit.text)
    except OSError as wrong:
        raise Damaged(
            f"{shown_path(home.config)} could not be written: {wrong.strerror}; it is as it was",
            hint="see to the disk and the folder's rights, then set it again",
        ) from wrong
