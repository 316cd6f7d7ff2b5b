"""A program in a real terminal: tmux draws it, keys go in, the picture is read back. Nothing is slept for."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.journeys.processes import PATIENCE, Machine, wait_for

BEFORE = "what stood here before"
LEFT = "left with"
SCRIPT = f"echo '{BEFORE}'; $*; code=$?; stty -a; echo {LEFT} $code; read -r end"
"""What runs in the terminal: the program, then how the terminal was left."""


class Terminal:
    """A terminal of 80×24 with a command line of the product in it, in a tmux server of its own."""

    def __init__(self, machine: Machine, socket: Path, *words: str, **more: str) -> None:
        self._socket = socket
        run = ("/bin/sh", "-c", SCRIPT, "sh", "devopsclaw", *words)
        self._tmux(
            *("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", *run),
            environment=machine.environment(**more),
            folder=machine.user,
        )

    def type(self, text: str) -> None:
        """Letters, as they are."""
        self._tmux("send-keys", "-l", text)

    def press(self, key: str) -> None:
        """A key by its name, as `Enter`. Never two at once: they would be routed before the focus moves."""
        self._tmux("send-keys", key)

    def picture(self) -> str:
        """What is on the screen."""
        return self._tmux("capture-pane", "-p")

    def wait(self, text: str) -> str:
        """The picture, as soon as it has this text."""
        seen = ""

        def look() -> bool:
            nonlocal seen
            seen = self.picture()
            return text in seen or LEFT in seen

        try:
            wait_for("", look)
        except AssertionError:
            raise AssertionError(f"not within {PATIENCE:.0f} s: {text!r} in\n{seen}") from None
        assert text in seen, seen
        return seen

    def copied(self) -> str:
        """What tmux would paste."""
        return self._tmux("show-buffer")

    def mode(self, name: str) -> str:
        """What tmux knows of the terminal, as `alternate_on` or `cursor_flag`."""
        return self._tmux("display-message", "-p", "#{" + name + "}").strip()

    def close(self) -> None:
        """End the server, and with it all that runs in it; a second call does nothing."""
        if self._socket.exists():
            self._tmux("kill-server")
            self._socket.unlink(missing_ok=True)

    def _tmux(
        self, *words: str, environment: dict[str, str] | None = None, folder: Path | None = None
    ) -> str:
        run = subprocess.run(
            ["tmux", "-S", str(self._socket), *words],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        return run.stdout
