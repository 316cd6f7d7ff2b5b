"""The result of one command on many nodes: per node, and folded. Schema `devopsclaw.run/1`."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from devopsclaw.model.state import State, counted
from devopsclaw.model.value import Value


class OutputGap(Value):
    """Bytes that were not kept: `start` inclusive, `end` exclusive, offsets in the whole stream."""

    stream: str = Field(description="stdout or stderr.")
    start: int = Field(description="Offset of the first missing byte.")
    end: int = Field(description="Offset after the last missing byte.")


class NodeResult(Value):
    """What one node answered."""

    model_config = ConfigDict(extra="forbid")

    node: str = Field(description="Name of the node.")
    status: State = Field(description="Where its part stands.")
    reason: str = Field(default="", description="Why, where the status alone does not say it.")
    exit_code: int | None = Field(default=None, description="Exit status of the command.")
    signal: int | None = Field(default=None, description="Signal that ended it.")
    stdout: str = Field(default="", description="Standard output, made safe to show.")
    stderr: str = Field(default="", description="Standard error, made safe to show.")
    gaps: list[OutputGap] = Field(default=[], description="Output that was not kept.")
    left: list[str] = Field(default=[], description="Processes it left behind, alive: pid and name.")
    survivors: list[str] = Field(default=[], description="Processes that survived the kill.")
    started_at: str = Field(default="", description="When the node started it, RFC 3339.")
    duration: float | None = Field(default=None, description="Seconds it ran on the node.")
    last_heard: str = Field(
        default="", description="When it last said where its part stands; empty once that has ended."
    )


class Fold(Value):
    """Nodes with the same exit code and the same output."""

    id: int = Field(description="Number of the fold in this run, 1 is the largest.")
    status: State = Field(description="The status they share.")
    exit_code: int | None = Field(default=None, description="The exit status they share.")
    nodes: str = Field(description="The nodes, folded as web-[1-7].")
    names: list[str] = Field(description="The nodes, one by one, sorted.")
    count: int = Field(description="How many they are.")
    stdout: str = Field(default="", description="The output they share.")
    stderr: str = Field(default="", description="The errors they share.")
    reason: str = Field(default="", description="Why, where they share a reason.")


def counts_of(items: list[NodeResult]) -> dict[str, int]:
    """How many nodes stand in which state, in the order of the states."""
    return counted(item.status for item in items)
