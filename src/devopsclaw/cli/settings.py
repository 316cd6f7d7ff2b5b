"""What the global flags say, as one value. Not how they are parsed: cli/options."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """Filled while the command line is read; the same at every command."""

    output: str = "table"
    """`table` or `json`."""
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    no_input: bool = False
    yes: bool = False
    wait_approval: bool = False
    confirm: str = ""
    """What a person would type for a critical plan, as `prod:43`."""
    color: str = "auto"
    dry_run: bool = False

    @property
    def json(self) -> bool:
        """Whether stdout and errors are JSON."""
        return self.output == "json"
