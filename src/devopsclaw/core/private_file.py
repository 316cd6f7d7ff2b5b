"""Small files that only their owner may read, written whole or not at all. Not the databases."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from devopsclaw.core.durable import sync_folder


def write_private(path: Path, text: str) -> None:
    """Replace the file, 0600: a crash leaves the old text or the new one. A symbolic link is followed.

    Raises OSError, and then the old file is untouched.
    """
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)
        temporary.replace(target)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(target.parent)


def shown(path: Path) -> str:
    """The path as people write it, with `~` for their own folder."""
    own = Path.home()
    return f"~/{path.relative_to(own)}" if path != own and path.is_relative_to(own) else str(path)
