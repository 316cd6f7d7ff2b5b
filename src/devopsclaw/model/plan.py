"""The plan: what a call will do, to which nodes, made before anything is done.

It is what `--dry-run` prints, what the approver reads, what the audit stores, and what then runs.
"""

from __future__ import annotations

import hashlib
import json

from pydantic import ConfigDict, Field

from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value


class Plan(Value):
    """A frozen intention. Load and presence of nodes are not in it, so its digest is stable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str = Field(description="The operation that will run, noun.verb.")
    effect: Effect = Field(description="What it may do to the world.")
    target: str = Field(default="", description="The target expression in canonical form.")
    nodes: tuple[str, ...] = Field(default=(), description="Names of the nodes, sorted.")
    environments: tuple[str, ...] = Field(
        default=(), description="The distinct `env` labels of the nodes, sorted."
    )
    run: str = Field(default="", description="What each node will run.")
    steps: tuple[str, ...] = Field(
        default=(), description="Settings that shape the run, one readable line each."
    )
    undo: str = Field(default="none", description="How to undo it, or `none`.")
    reason: str = Field(default="", description="Why it is asked for.")
    trust: bool = Field(default=False, description="Whether it changes who is trusted.")
    risk: str = Field(default="", description="The gate's word for its risk, on a dry run.")
    phrase: str = Field(
        default="", description="What a person would have to confirm it with; empty where it just runs."
    )

    @property
    def digest(self) -> str:
        """SHA-256, hex, over the canonical JSON of all fields: what a yes is bound to."""
        return hashlib.sha256(self.canonical()).hexdigest()

    def canonical(self) -> bytes:
        """The bytes that are hashed: JSON with sorted keys, no spaces, UTF-8; not how it is judged."""
        fields = self.model_dump(mode="json", exclude={"trust", "risk", "phrase"})
        return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
