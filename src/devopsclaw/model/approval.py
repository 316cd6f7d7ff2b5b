"""A request for a person's yes to exactly one plan, as a value. Who may answer it: core/approvals."""

from __future__ import annotations

import hashlib
from enum import StrEnum

from pydantic import ConfigDict, Field

from devopsclaw.model.plan import Plan
from devopsclaw.model.value import Value


class Standing(StrEnum):
    """Where a request stands. After `waiting` comes one of the others; only `allowed` goes on, to `used`."""

    WAITING = "waiting"
    ALLOWED = "allowed"
    USED = "used"
    DENIED = "denied"
    EXPIRED = "expired"
    VOID = "void"
    """Whoever asked is gone, or the plan changed: a yes would allow nothing any more."""


class Approval(Value):
    """One request. Times are wall times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Its id, as A-17.")
    status: Standing = Field(description="waiting, allowed, used, denied, expired or void.")
    plan: Plan = Field(description="What is asked for.")
    risk: str = Field(description="high or critical.")
    phrase: str = Field(description="What has to be typed for a critical plan, as prod:43; else empty.")
    call: str = Field(description="The call that waits for it.")
    user: str = Field(description="Who asked.")
    uid: int = Field(description="The asker's uid; -1 for none.")
    door: str = Field(description="The face it was asked at.")
    via: str = Field(default="", description="`model` where a model asks in that person's name.")
    needs_other: bool = Field(description="Whether somebody other than the asker has to answer.")
    before: Plan | None = Field(
        default=None, description="The plan that was allowed, where it changed since and is asked for again."
    )
    asked_at: float = Field(description="When it was asked for.")
    expires_at: float = Field(description="When it counts as denied.")
    answered_by: str = Field(default="", description="Who answered.")
    answered_at: float = Field(default=0.0, description="When.")
    reason: str = Field(default="", description="Why it was denied, or what ended it.")

    @property
    def digest(self) -> str:
        """What a yes is bound to: SHA-256, hex, over the plan's digest, the asker and the expiry."""
        bound = "\0".join(
            (self.id, self.plan.digest, self.user, str(self.uid), self.door, self.via, str(self.expires_at))
        )
        return hashlib.sha256(bound.encode()).hexdigest()

    @property
    def leave(self) -> str:
        """How entries name it, once it is allowed."""
        return f"{self.id} allowed by {self.answered_by}"
