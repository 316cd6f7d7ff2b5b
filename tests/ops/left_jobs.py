"""Jobs that run until the test says so, and such as a core that died left behind."""

from __future__ import annotations

from pathlib import Path

from tests.assembly.small_town import Town, drop, start_run


def waiting(marker: Path, then: str = "true") -> str:
    """A command that runs until the marker is there, and counts its starts."""
    return f"echo start >>{marker}.starts; until [ -e {marker} ]; do sleep 0.02; done; {then}"


def starts(marker: Path) -> int:
    """How often it was started."""
    return len(Path(f"{marker}.starts").read_text().splitlines())


async def left_behind(town: Town, command: str, target: str | None = None) -> str:
    """A run that was under way when its core died."""
    async with town.core() as door:
        task, run = await start_run(door, command, target=target)
        await drop(task)
    return run
