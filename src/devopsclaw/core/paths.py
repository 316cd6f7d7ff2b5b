"""Where everything lies: one home, and the data that ships in the wheel. Not what is in the files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent

SOCKET_NAME_LIMIT = 100
"""Bytes of a socket's path; unix(7) has 108 on Linux with the zero at its end, macOS 104."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one installation; made 0700 on first use."""

    root: Path
    store: Path | None = None
    """Where state lies when `fleet.store_path` moves it."""

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "config.json"

    @property
    def state(self) -> Path:
        """Databases of core, relay and node."""
        return self.store or self.root / "state"

    @property
    def run(self) -> Path:
        """Locks and sockets of running processes."""
        return self.root / "run"

    @property
    def socket(self) -> Path:
        """Where a running core listens."""
        return self.run / "core.sock"

    @property
    def audit(self) -> Path:
        """The audit database and its checkpoints."""
        return self.root / "audit"

    @property
    def output(self) -> Path:
        """Long output of executions; spill files of a node."""
        return self.root / "output"

    @property
    def keys(self) -> Path:
        """Private keys, one file each, 0600."""
        return self.root / "keys"

    @property
    def log(self) -> Path:
        """Rotated JSON lines."""
        return self.root / "log"

    @property
    def workspace(self) -> Path:
        """The agent's own folder."""
        return self.root / "workspace"

    @property
    def demo(self) -> str:
        """In a demo's home `walls`, or `open` where its commands run as this very user; else empty."""
        marker = self.root / "demo"
        return marker.read_text().strip() if marker.exists() else ""

    def make(self) -> Home:
        """Create the home and its folders, 0700 each; existing ones are left as they are."""
        for folder in (
            self.root,
            self.state,
            self.run,
            self.audit,
            self.output,
            self.keys,
            self.log,
        ):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self


def home(environment: Mapping[str, str] = os.environ) -> Home:
    """`DEVOPSCLAW_HOME`, else `~/.devopsclaw`."""
    named = environment.get("DEVOPSCLAW_HOME", "")
    return Home(Path(named).expanduser().absolute() if named else Path.home() / ".devopsclaw")


def shipped(name: str) -> Path:
    """A folder of data that ships with the package, as `themes`: in the wheel, else the checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent.parent / name


@contextmanager
def short(path: Path) -> Iterator[str]:
    """A name of this path that a socket's address can hold, for as long as the block lasts.

    Raises OSError where its folder cannot be opened.
    """
    if len(os.fsencode(path)) <= SOCKET_NAME_LIMIT or not Path("/proc/self/fd").exists():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
