"""The policy file of a machine: read again when it changes, and never half believed. Its rules: policy.

A file that cannot be read, makes no sense, or that others could have written forbids everything: what its
owner wanted to forbid is then not known. What the node says of itself goes on.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.daemon.effects import Rejected
from devopsclaw.daemon.policy import BrokenPolicy, Rules, parse
from devopsclaw.wire.offer import Offer

POLICY = Path("/etc/devopsclaw/policy.yaml")
MAX_BYTES = 64 * 1024
ROOT = 0
"""The uid that may own every policy."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells one state of a file from another; a file that is not there has none."""

    device: int
    inode: int
    size: int
    changed: int
    owner: int
    mode: int

    @classmethod
    def of(cls, found: os.stat_result) -> Seen:
        """What the system says of it."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_uid, found.st_mode)


class PolicyFile:
    """`path` is looked at each time it is asked; where nothing is there, nothing is forbidden."""

    def __init__(self, path: Path = POLICY, owner: int | None = None) -> None:
        self._path = path
        self._owner = os.geteuid() if owner is None else owner
        self._seen: Seen | None = None
        self._rules = Rules()
        self._broken = ""

    def check(self, offer: Offer) -> None:
        """Raises Rejected for what the file forbids, and for everything while it is broken."""
        self._look()
        if self._broken:
            raise Rejected("policy", f"policy file broken: {self._broken} ({self._path})")
        self._rules.check(offer)

    @property
    def word(self) -> str:
        """`none`, `in force`, or `broken: ` and why."""
        self._look()
        if self._broken:
            return f"broken: {self._broken}"
        return "in force" if self._seen else "none"

    @property
    def notice(self) -> str:
        """A line for whoever starts the node; empty where nothing is forbidden."""
        word = self.word
        after = "; until it is mended this node runs nothing" if self._broken else ""
        return "" if word == "none" else f"policy {self._path}: {word}{after}"

    @property
    def facts(self) -> dict[str, str]:
        """What the node tells of it; nothing where there is none."""
        word = self.word
        return {} if word == "none" else {"policy": word}

    def _look(self) -> None:
        """Read it again if it is not the one that was read."""
        try:
            found = Seen.of(self._path.stat())
        except (FileNotFoundError, NotADirectoryError):
            self._keep(None, "it is a link that leads nowhere" if self._path.is_symlink() else "")
            return
        except OSError as failed:
            self._keep(None, f"it cannot be looked at: {failed.strerror}")
            return
        if found != self._seen:
            self._read()

    def _read(self) -> None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                seen = Seen.of(os.fstat(descriptor))
                self._keep(seen, self._doubt(seen))
                text = b"" if self._broken else file.read(MAX_BYTES + 1)
        except OSError as failed:
            self._keep(None, f"it cannot be read: {failed.strerror}")
            return
        if not self._broken:
            self._parse(seen, text)

    def _parse(self, seen: Seen, text: bytes) -> None:
        try:
            if len(text) > MAX_BYTES:
                raise BrokenPolicy(f"it is larger than {MAX_BYTES // 1024} KiB")
            self._rules = parse(text.decode())
        except UnicodeDecodeError:
            self._keep(seen, "it is not UTF-8")
        except BrokenPolicy as wrong:
            self._keep(seen, str(wrong))

    def _keep(self, seen: Seen | None, broken: str) -> None:
        self._seen, self._broken, self._rules = seen, broken, Rules()

    def _doubt(self, seen: Seen) -> str:
        """Why this file may not be its owner's word; empty where it is."""
        if not stat.S_ISREG(seen.mode):
            return "it is no file"
        if seen.owner not in (ROOT, self._owner):
            return f"it belongs to uid {seen.owner}, neither to root nor to this daemon: chown root it"
        if seen.mode & (stat.S_IWGRP | stat.S_IWOTH):
            return "others may write it: chmod go-w it"
        return ""
