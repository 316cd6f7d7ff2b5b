"""Whether a home belongs to its owner alone: owner and mode of its folders, keys and databases.

Only looks; what made them makes them 0700 and 0600. Key files that others can read or change stop whoever
starts, all else is a warning. Not who may connect: that is the door's.
"""

from __future__ import annotations

import grp
import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from devopsclaw.core.config import Loaded
from devopsclaw.core.private_file import shown
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned

READ, WRITE, ENTER_AS_GROUP = 0o044, 0o022, 0o010
OTHERS = 0o077
"""The bits of group and world."""

KEY_FILES = (".pem", ".key")
"""How the name of a private key ends; the other files of `keys/` say who is trusted: others may read them."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Something that is not its owner's alone. `is_grave`: a key that others could have, or replace."""

    text: str
    fix: str
    is_grave: bool = False


def guarded(loaded: Loaded) -> Loaded:
    """The same, with a warning for each exposure. Raises Damaged for a grave one: nothing starts on it."""
    found = list(exposures(loaded))
    for each in found:
        if each.is_grave:
            hint = f"{each.fix}; if others may have read it, it is theirs too: see docs/security.md"
            raise Damaged(each.text, hint=hint)
    return replace(loaded, warnings=(*loaded.warnings, *(Warned(each.text, each.fix) for each in found)))


def exposures(loaded: Loaded) -> Iterator[Exposure]:
    """What of this home is open to others, the grave first. What cannot be looked at is said as well."""
    home, group = loaded.home, _number(loaded.config.core.socket_group)
    try:
        yield from _keys(home.keys)
        for folder in (home.root, home.run):
            yield from _open(folder, 0o700, group)
        for folder in (home.state, home.audit, home.output, home.log):
            yield from _open(folder, 0o700)
        for database in sorted([*home.state.glob("*.db*"), *home.audit.glob("*.db*")]):
            yield from _open(database, 0o600)
        for name in (loaded.config.relay.token_file, loaded.config.node.token_file):
            if name:
                yield from _open(Path(name).expanduser(), 0o600)
    except OSError as refused:
        place = shown(Path(refused.filename)) if refused.filename else "the home"
        yield Exposure(f"{place} cannot be looked at: {refused.strerror}", "check who owns it: ls -ld")


def _keys(folder: Path) -> Iterator[Exposure]:
    if not folder.exists():
        return
    yield from _judged(folder, 0o700, WRITE, is_grave=True)
    for path in sorted(folder.iterdir()):
        bits = OTHERS if path.suffix in KEY_FILES else WRITE
        yield from _judged(path, 0o600, bits, is_grave=True)
    if _mode(folder) & OTHERS and not _mode(folder) & WRITE:
        yield _exposed(folder, 0o700, _mode(folder))


def _open(path: Path, wanted: int, group: int | None = None) -> Iterator[Exposure]:
    """Nothing where there is none; a team's folder may be entered by its group."""
    try:
        status = path.stat()
    except FileNotFoundError:  # SQLite removes its side files at any moment
        return
    is_shared = group is not None and status.st_gid == group
    yield from _judged(path, wanted, OTHERS & ~ENTER_AS_GROUP if is_shared else OTHERS)


def _judged(path: Path, wanted: int, bits: int, *, is_grave: bool = False) -> Iterator[Exposure]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    name = shown(path)
    if status.st_uid != os.getuid():
        yield Exposure(
            f"{name} belongs to another user ({status.st_uid})",
            f"sudo chown {os.getuid()} {_typed(path)}, or run devopsclaw as that user",
            is_grave,
        )
    elif status.st_mode & bits:
        yield replace(_exposed(path, wanted, stat.S_IMODE(status.st_mode)), is_grave=is_grave)


def _exposed(path: Path, wanted: int, mode: int) -> Exposure:
    can = [word for word, bits in (("read", READ), ("changed", WRITE)) if mode & bits] or ["entered"]
    return Exposure(
        f"{shown(path)} can be {' and '.join(can)} by other users (mode {mode:04o})",
        f"chmod {wanted:o} {_typed(path)}",
    )


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _typed(path: Path) -> str:
    """The path as it can be typed into a shell."""
    text = shown(path)
    return text if text.startswith("~/") and shlex.quote(text[2:]) == text[2:] else shlex.quote(str(path))


def _number(group: str) -> int | None:
    """The group that shares a team's home; None without one. A group that is not there shares nothing."""
    try:
        return grp.getgrnam(group).gr_gid if group else None
    except KeyError:
        return None
