"""Audit entries as values, what they are searched by, and what a verification finds. Not the log itself."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import ConfigDict, Field

from devopsclaw.model.value import Value

_CANONICAL = json.JSONEncoder(separators=(",", ":"), allow_nan=False)

Phase = Literal["intent", "outcome", "single", "denied"]
"""A change has an intent and an outcome, a read of nodes is single, what was refused is denied."""


class Draft(Value):
    """An entry before it has a place in the log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field(description="Who asked.")
    action: str = Field(description="The operation, noun.verb.")
    target: str = Field(default="", description="What it was for: the target expression, or its object.")
    status: str = Field(description="planned, ok, failed, denied, cancelled, or the result's own word.")
    nodes: dict[str, int] = Field(default={}, description="How many nodes stand in which state.")
    node_names: str = Field(default="", description="The nodes, folded as web-[1-7].")
    duration: float | None = Field(default=None, description="Seconds from the call to its end.")
    door: str = Field(default="", description="The face it came through.")
    via: str = Field(default="", description="`model` for a model's call in that person's name.")
    call: str = Field(default="", description="Id of the call; intent and outcome share it.")
    parent: str = Field(default="", description="Id of the call that led to it.")
    digest: str = Field(default="", description="SHA-256 of the plan, hex.")
    phase: Phase = Field(default="single", description="intent, outcome, single or denied.")
    detail: dict[str, Any] = Field(default={}, description="What was to run, the approval, the error.")
    demo: bool = Field(default=False, description="Whether it happened in the demo.")


class Entry(Draft):
    """One entry of the log."""

    seq: int = Field(description="Its place in the log, from 1.")
    id: str = Field(description="The same as people say it, as E-8840.")
    time: str = Field(description="When it was written, RFC 3339.")

    def canonical(self) -> str:
        """The text that is hashed and stored: JSON, the fields in this order, no spaces, ASCII only."""
        return _CANONICAL.encode(vars(self))


def entry_id(seq: int) -> str:
    """The id of the entry at this place."""
    return f"E-{seq}"


class AuditFilter(Value):
    """Which entries are wanted; empty fields do not restrict. Times are RFC 3339 as in the entries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = ""
    action: str = ""
    node: str = ""
    since: str = ""
    until: str = ""
    before: int = 0
    """Only entries with a smaller number."""
    limit: int = 50
    """At most this many, the newest; 0 for all."""


class Finding(Value):
    """Something that is not as it was written."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(
        description="edited, missing, reordered, rewritten, inserted, truncated, unreadable,"
        " forged_checkpoint, forged_seal, file_edited."
    )
    entry: str = Field(default="", description="The first entry concerned, as E-8840.")
    message: str = Field(description="What was found.")


class Verification(Value):
    """What a verification came to."""

    model_config = ConfigDict(frozen=True)

    entries: int = Field(description="How many entries were found whole, from the first one on.")
    head: str = Field(default="", description="Hash of the last of them, hex.")
    checkpoints: int = Field(default=0, description="How many signed checkpoints were compared.")
    findings: tuple[Finding, ...] = Field(default=(), description="What is wrong, the entries first.")
    notes: tuple[str, ...] = Field(default=(), description="What is worth knowing, and not wrong.")
    unread: str = Field(default="", description="Why the log could not be read at all.")

    @property
    def exit(self) -> int:
        """0 whole, 1 broken, 2 could not be read."""
        return 1 if self.findings else 2 if self.unread else 0
