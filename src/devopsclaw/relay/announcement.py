"""How a controller of the same home finds its relay: `run/relay.json`, 0600, there while the relay runs."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import write_private
from devopsclaw.model.errors import Damaged
from devopsclaw.model.value import Value


class Announcement(Value):
    """Where the relay is, and what lets this home claim it. Nothing here is of use without the relay."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    url: str = Field(description="Address to dial on this machine.")
    claim: str = Field(default="", repr=False, description="The claim code; empty once claimed.")
    key: str = Field(description="The relay's public key, hex: no other proof is needed.")


def announcement_path(home: Home) -> Path:
    """Where it lies."""
    return home.run / "relay.json"


def announce(home: Home, announcement: Announcement) -> None:
    """Write it, or write it anew. Raises Damaged."""
    path = announcement_path(home)
    try:
        write_private(path, json.dumps(announcement.model_dump()))
    except OSError as failed:
        raise Damaged(
            f"{path} cannot be written: {failed.strerror}",
            hint="check the space, owner and mode of that folder",
        ) from failed


def withdraw(home: Home) -> None:
    """Remove it; it may be gone already."""
    announcement_path(home).unlink(missing_ok=True)


def read_announcement(home: Home) -> Announcement | None:
    """What the relay of this home says of itself; None where none runs, or none that we may read.

    A relay that was killed leaves its file behind: whoever dials finds nobody there, as with any address.
    """
    try:
        return Announcement.model_validate_json(announcement_path(home).read_bytes())
    except (OSError, ValidationError):
        return None
