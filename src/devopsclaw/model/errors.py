"""Every error a person or a caller may meet, on one page, named for what to do about it.

    ClawError                 something failed; the message says what happened and what to do next
    ├── Misused               nothing ran: correct the call (exit 2)
    │   ├── BadParams         a parameter is wrong
    │   ├── BadConfig         the configuration is wrong: file and line are named
    │   ├── BadTarget         the target expression is wrong, or matches nothing
    │   └── NotFound          there is no such thing
    ├── Denied                this actor may not, or a peer could not prove itself (exit 3)
    ├── ApprovalNeeded        a person's yes is needed and nobody could be asked (exit 9)
    ├── Retry                 nothing is wrong with the call; try again later (exit 4)
    │   ├── Unreachable       the relay or a node does not answer
    │   └── Busy              somebody else holds it: a lock, a port, a limit
    └── Damaged               state on disk is broken, full or read-only (exit 1)

Not here: what a node's command returned. That is a result, not an error.
"""

from __future__ import annotations

DETACHED = "detached"
"""What a cancelling says where who waited for a run has left and the run goes on. Not a class of its own:
task groups and timeouts of asyncio take a subclass of CancelledError for a failure.
"""


class ClawError(Exception):
    """Something failed. `code` is stable for scripts; `hint` is the next thing to do."""

    code = "failed"
    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", identifier: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.identifier = identifier

    def as_json(self) -> dict[str, str]:
        """The body of `{"error": …}` on stderr with `--json`."""
        fields = {"code": self.code, "message": self.message, "hint": self.hint}
        return {**fields, "id": self.identifier} if self.identifier else fields


class Misused(ClawError):
    """The call is wrong; nothing ran."""

    code = "usage"
    exit_code = 2


class BadParams(Misused):
    """A parameter is wrong; the message names it."""

    code = "bad_params"


class BadConfig(Misused):
    """The configuration cannot be used; the message names file and line."""

    code = "bad_config"


class BadTarget(Misused):
    """The target expression is wrong or matches no node; never means "all"."""

    code = "bad_target"


class NotFound(Misused):
    """There is no such node, job, operation or entry."""

    code = "not_found"


class Denied(ClawError):
    """The actor lacks the right, or a peer could not prove who it is; nothing ran."""

    code = "denied"
    exit_code = 3


class ApprovalNeeded(ClawError):
    """A person's yes is needed. `risk` and `digest` name what has to be confirmed."""

    code = "approval_needed"
    exit_code = 9

    def __init__(self, message: str, *, hint: str = "", risk: str, digest: str, phrase: str = "") -> None:
        super().__init__(message, hint=hint, identifier=digest[:12])
        self.risk = risk
        self.digest = digest
        self.phrase = phrase


class Retry(ClawError):
    """The call is right but cannot be done now."""

    code = "retry"
    exit_code = 4


class Unreachable(Retry):
    """A relay or node does not answer."""

    code = "unreachable"


class Busy(Retry):
    """A lock, a port or a limit is held by somebody else."""

    code = "busy"
    exit_code = 1


class Damaged(ClawError):
    """State on disk is broken, full, locked or read-only; what could be kept was kept aside."""

    code = "damaged"
