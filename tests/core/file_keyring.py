"""A keyring of our own: a real backend of the library, which keeps what it is given in the file that
`FILE_KEYRING` names. It says when it is locked, and hangs where the file is a pipe.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked


class FileKeyring(KeyringBackend):
    """Found by `PYTHON_KEYRING_BACKEND`."""

    priority = 9
    name = "the test's keyring"

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def get_password(self, service: str, username: str) -> str | None:
        """The secret, or None."""
        return self._read().get(f"{service}|{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep it."""
        kept = {**self._read(), f"{service}|{username}": password}
        self._file.write_text(json.dumps(kept))

    @property
    def _file(self) -> Path:
        return Path(os.environ["FILE_KEYRING"])

    def _read(self) -> dict[str, str]:
        if not self._file.exists():
            return {}
        text = self._file.read_text()
        if text == "locked":
            raise KeyringLocked("it is locked")
        kept: dict[str, str] = json.loads(text)
        return kept
