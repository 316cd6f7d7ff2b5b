"""Bakes the version, the git commit and the build time into `devopsclaw/_build.py`.

Not part of the product: hatchling runs it while it builds a wheel or an editable install.
"""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BakeVersion(BuildHookInterface):  # type: ignore[type-arg]
    """Writes `_build.py`; SOURCE_DATE_EPOCH, where set, makes the build reproducible."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file before the archive is made."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
        target = Path(self.root, "src/devopsclaw/_build.py")
        target.write_text(
            '"""Baked at build by hatch_build.py."""\n\n'
            f'VERSION = "{self.metadata.version}"\n'
            f'COMMIT = "{commit(self.root)}"\n'
            f'BUILT = "{moment:%Y-%m-%dT%H:%M:%SZ}"\n'
        )


def commit(root: str) -> str:
    """The short commit of the checkout, `+dirty` when it has changes, `unknown` outside git."""
    words = ["git", "-C", root, "describe", "--always", "--dirty=+dirty", "--abbrev=12"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
