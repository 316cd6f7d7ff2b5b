"""Bakes the version, the git commit and the build time into `devopsclaw/_build.py`.

Not part of the product: hatchling runs it while it builds a wheel or an editable install. Of an editable
install the commit changes afterwards: `python hatch_build.py` bakes again where it has, as make does.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BAKED = Path("src/devopsclaw/_build.py")


class BakeVersion(BuildHookInterface):  # type: ignore[type-arg]
    """Writes `_build.py`; SOURCE_DATE_EPOCH, where set, makes the build reproducible."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file before the archive is made."""
        bake(Path(self.root), self.metadata.version, commit(Path(self.root)))


def bake(root: Path, version: str, described: str) -> None:
    """Write the file anew; whoever reads it meanwhile reads the old one or the new one, whole."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    new = root / BAKED.with_name(f"{BAKED.name}.{os.getpid()}")
    new.write_text(
        '"""Baked at build by hatch_build.py."""\n\n'
        f'VERSION = "{version}"\n'
        f'COMMIT = "{described}"\n'
        f'BUILT = "{moment:%Y-%m-%dT%H:%M:%SZ}"\n'
    )
    new.replace(root / BAKED)


def commit(root: Path) -> str:
    """The short commit of the checkout, `+dirty` when it has changes, `unknown` outside git."""
    if not (root / ".git").exists():  # a folder, in a worktree a file; a folder further up is another project
        return "unknown"
    words = ["git", "-C", str(root), "describe", "--always", "--exclude=*", "--dirty=+dirty", "--abbrev=12"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError:  # there is no git here
        return "unknown"
    return done.stdout.strip() or "unknown"


def refresh(root: Path) -> None:
    """Bake again where version or commit are not those of now; else the file stays as it is."""
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    described = commit(root)
    baked = (root / BAKED).read_text() if (root / BAKED).exists() else ""
    if re.findall(r'^(?:VERSION|COMMIT) = "(.*)"$', baked, re.MULTILINE) != [version, described]:
        bake(root, version, described)


if __name__ == "__main__":
    refresh(Path(__file__).parent)
