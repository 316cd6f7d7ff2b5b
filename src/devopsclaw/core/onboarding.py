"""The first files of a home: a starter configuration and the agent's workspace. What exists is kept."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.core.paths import Home, shipped
from devopsclaw.core.private_file import shown, write_private
from devopsclaw.model.errors import Damaged

FOLDERS = ("memory", "skills")
PAGES = ("AGENT.md", "IDENTITY.md", "SOUL.md", "USER.md", "HEARTBEAT.md")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file or folder of a home; `template` is empty for folders. `is_there` when it was looked at."""

    path: Path
    template: str
    is_there: bool


def survey(home: Home, workspace: Path) -> tuple[Piece, ...]:
    """What a home has to have, in the order it is made, and what of it is there."""
    wanted = [(home.config, "config.json"), (workspace, "")]
    wanted += [(workspace / name, name) for name in PAGES]
    wanted += [(workspace / name, "") for name in FOLDERS]
    # lexists: a link that leads nowhere is there as well, because somebody put it there
    return tuple(Piece(path, template, os.path.lexists(path)) for path, template in wanted)


def make(home: Home, pieces: tuple[Piece, ...]) -> None:
    """Make what is not there: folders 0700, files 0600. Raises Damaged naming the first that cannot be."""
    for piece in pieces:
        if piece.is_there:
            continue
        try:
            _make(piece)
        except OSError as wrong:
            raise Damaged(
                f"{shown(piece.path)} could not be made: {wrong.strerror}",
                hint="see to that folder's rights and space; onboarding again goes on from here",
            ) from wrong


def _make(piece: Piece) -> None:
    if piece.template:
        piece.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(piece.path, (shipped("templates") / piece.template).read_text(encoding="utf-8"))
    else:
        piece.path.mkdir(mode=0o700, parents=True)
