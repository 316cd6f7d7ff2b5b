"""What a daemon needs of its machine: commands by id, their end and their output. See host/runner."""

from __future__ import annotations

from typing import Protocol

from devopsclaw.model.process import Outcome


class CommandRunner(Protocol):
    """Runs commands under shims that outlive it. All raise NotFound for an id they do not know.

    `adopt`, `read` and `forget` raise Damaged where the files of the command cannot be used.
    """

    def recall(self, command_id: str, outcome: Outcome, output_cap: int) -> None:
        """Know a command again whose end an earlier life had settled, to read its output: lengths and gaps
        are what counts.
        """
        ...

    async def adopt(self, command_id: str, pid: int, start_time: int, boot_id: str, output_cap: int) -> bool:
        """Take over a command of an earlier life; whether it runs, or its outcome is known."""
        ...

    async def wait(self, command_id: str) -> Outcome:
        """How the command ended, as soon as it has."""
        ...

    async def stop(self, command_id: str, grace: float) -> list[str]:
        """End it and all that came of it; who survived."""
        ...

    def read(self, command_id: str, stream: str, offset: int, limit: int) -> bytes:
        """At most `limit` kept bytes from `offset`."""
        ...

    def forget(self, command_id: str) -> None:
        """Delete its output."""
        ...
