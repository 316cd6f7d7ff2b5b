"""How a running operation of a node tells its daemon that the process exists. Not the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from devopsclaw.model.process import Started


@dataclass(frozen=True, slots=True)
class Progress:
    """Carried among a node's services. `report` takes the command's id and its shim."""

    report: Callable[[str, Started], None]
