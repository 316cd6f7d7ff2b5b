"""The fleet token, from where the configuration says: a file before a value. Never printed."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from devopsclaw.model.errors import BadConfig


def token_of(file: str, value: SecretStr) -> str:
    """The first line of the file, else the value; empty without either. Raises BadConfig."""
    if not file:
        return value.get_secret_value()
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
    return token
