"""The keys of relays that proved themselves before, by address, in one file that only its owner may write."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from devopsclaw.core.private_file import write_private
from devopsclaw.model.errors import Damaged
from devopsclaw.wire.enroll import Key

_FORMAT = TypeAdapter(dict[str, Key])


class Pins:
    """`{"HOST:PORT": "public key, hex"}`. Read each time: a person may have removed a line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, place: str) -> str:
        """The key of the relay at `HOST:PORT`, hex; empty where none is pinned. Raises Damaged."""
        return self._read().get(place, "")

    def all(self) -> dict[str, str]:
        """All of them. Raises Damaged."""
        return self._read()

    def put(self, place: str, key: str) -> None:
        """Pin this key. Raises Damaged."""
        pins = {**self._read(), place: key}
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.path, json.dumps(pins, indent=1, sort_keys=True) + "\n")
        except OSError as failed:
            raise Damaged(
                f"{self.path} cannot be written: {failed.strerror}",
                hint="check the space, owner and mode of that folder",
            ) from failed

    def _read(self) -> dict[str, str]:
        try:
            return _FORMAT.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as wrong:
            raise Damaged(
                f"the pinned relay keys in {self.path} cannot be read",
                hint="restore the file; without it the next relay is believed by the token alone",
            ) from wrong
