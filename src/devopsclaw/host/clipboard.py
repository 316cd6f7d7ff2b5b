"""Ways out for text that a person copies: tmux's clipboard, or a file (design §14.8). Not OSC 52."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown, write_private
from devopsclaw.host.program import launch
from devopsclaw.model.errors import Damaged, Unreachable

PATIENCE = 2.0
"""Seconds for tmux to take the text."""

TOLD = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TMUX", "TMUX_PANE")
"""What tmux is told of the environment: what it needs to find its server and our client, and no secret."""


class Clipboard:
    """The ways of one home on this machine; `environment` says whether tmux is around us."""

    def __init__(self, home: Home, environment: Mapping[str, str]) -> None:
        self._file = home.root / "clipboard.txt"
        self._environment = {name: environment[name] for name in TOLD if name in environment}

    @property
    def is_in_tmux(self) -> bool:
        """Whether this console is shown by tmux."""
        return bool(self._environment.get("TMUX"))

    async def offer(self, text: str) -> str:
        """Load the text into tmux's buffer and the clipboard of the terminal around it; what took it.

        Raises Unreachable where tmux does not take it.
        Source: tmux(1), load-buffer; `-w` since tmux 3.2.
        """
        try:
            with NamedTemporaryFile(dir=self._file.parent, prefix=".clipboard.") as file:
                # By file: of a command line tmux takes 16 KiB at most.
                file.write(text.encode())
                file.flush()
                code = await self._load(file.name)
        except TimeoutError as silent:
            raise Unreachable(f"tmux did not answer within {PATIENCE:.0f} s") from silent
        except OSError as failed:
            raise Unreachable(f"tmux could not be asked: {failed.strerror}") from failed
        if code:
            raise Unreachable(f"tmux refused it, exit {code}")
        return "tmux"

    def keep(self, text: str) -> str:
        """Write the text to a file of one's own; its path, as people write it. Raises Damaged."""
        try:
            write_private(self._file, text)
        except OSError as full:
            raise Damaged(
                f"{shown(self._file)} could not be written: {full.strerror}", hint="look at the disk"
            ) from full
        return shown(self._file)

    async def _load(self, name: str) -> int:
        argv = ["tmux", "load-buffer", "-w", name]
        async with asyncio.timeout(PATIENCE), launch(argv, self._environment, Path(os.devnull)) as tmux:
            return await tmux.wait()
