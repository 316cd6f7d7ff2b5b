"""The fleet token: from where the configuration says, be it in a file or by value. Never printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

from devopsclaw.core.config import Loaded
from devopsclaw.core.redact import KNOWN
from devopsclaw.core.settings import at
from devopsclaw.model.errors import BadConfig
from devopsclaw.wire.jointoken import BadToken, JoinToken, is_join_token

VALUES: Mapping[str, str] = {"relay": "auth_token", "node": "token"}
"""Section → its setting that holds the token itself; `token_file` beside it names a file."""
LAYERS = ("flag ", "environment ")
"""How the origin of a setting begins, the strongest first; the configuration file comes after both."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, empty where there is none; `file` is the absolute path it was read from, if from a file."""

    text: str = field(default="", repr=False)
    file: Path | None = None


def token_of(loaded: Loaded, section: Literal["relay", "node"]) -> Token:
    """The token of the stronger of two settings: flag over environment over configuration file.

    The file counts where both are from the same layer. Raises BadConfig.
    """
    file: str = at(loaded.config, (section, "token_file"))
    value: SecretStr = at(loaded.config, (section, VALUES[section]))
    text = value.get_secret_value()
    is_by_value = _layer(loaded, f"{section}.{VALUES[section]}") < _layer(loaded, f"{section}.token_file")
    if not file or (text and is_by_value):
        return Token(text)
    return Token(read_token(file), Path(file).expanduser().absolute())


def join_token_of(text: str) -> JoinToken | None:
    """The strong join token that this is; None for a fleet token. Raises BadConfig for half of one."""
    if not is_join_token(text):
        return None
    try:
        return JoinToken.parse(text)
    except BadToken as broken:
        raise BadConfig(
            f"the join token cannot be used: {broken}", hint="copy the whole line, or make a new one"
        ) from broken


def _layer(loaded: Loaded, key: str) -> int:
    """0 for the strongest layer."""
    origin = loaded.origins[key]
    return next((place for place, word in enumerate(LAYERS) if origin.startswith(word)), len(LAYERS))


def read_token(file: str) -> str:
    """The first line of this file. Raises BadConfig."""
    try:
        lines = Path(file).expanduser().read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise BadConfig(
            f"the token file {file} cannot be read: {unreadable}",
            hint="check its path and owner; its first line is the token",
        ) from unreadable
    token = lines[0].strip() if lines else ""
    if not token:
        raise BadConfig(f"the token file {file} is empty", hint="its first line is the token")
    KNOWN.add([token])
    return token
