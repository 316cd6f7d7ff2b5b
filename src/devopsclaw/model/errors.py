"""Every error a person or a caller may meet, on one page, named for what to do about it.

    ClawError                 something failed; the message says what happened and what to do next
    ├── Misused               nothing ran: correct the call (exit 2)
    │   ├── BadParams         a parameter is wrong
    │   ├── BadConfig         the configuration is wrong: file and line are named
    │   ├── BadTarget         the target expression is wrong, or matches nothing
    │   └── NotFound          there is no such thing
    ├── Denied                this actor may not, or a peer could not prove itself (exit 3)
    │   └── Dismissed         the same, and trying again with the same credentials cannot help
    ├── ApprovalNeeded        a person's yes is needed and nobody could be asked (exit 9)
    ├── Retry                 nothing is wrong with the call; try again later (exit 4)
    │   ├── Unreachable       the relay or a node does not answer
    │   │   └── CoreEnded     the core that was asked is gone: ask the next one
    │   └── Busy              somebody else holds it: a lock, a port, a limit
    ├── Damaged               state on disk is broken, full or read-only (exit 1)
    ├── Uncertain             it may have happened or not: look before you do it again (exit 7)
    └── Defect                our mistake, kept in the log with its traceback (exit 1)

Not here: what a node's command returned. That is a result, not an error.
"""

from __future__ import annotations

DETACHED = "detached"
"""What a cancelling says where who waited for a run has left and the run goes on. Not a class of its own:
task groups and timeouts of asyncio take a subclass of CancelledError for a failure.
"""

OTHER = "somebody else"
"""Stands for the phrase of an `ApprovalNeeded` where no yes of the asker's own will do."""


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

    def as_wire(self) -> dict[str, str]:
        """All of it, for `from_wire` on the other side of a socket."""
        return self.as_json()


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


class Dismissed(Denied):
    """Refused for good: the same credentials will never do, so nothing tries again by itself."""

    code = "dismissed"


class ApprovalNeeded(ClawError):
    """A person's yes is needed. `risk` and `digest` name what has to be confirmed."""

    code = "approval_needed"
    exit_code = 9

    def __init__(self, message: str, *, hint: str = "", risk: str, digest: str, phrase: str = "") -> None:
        super().__init__(message, hint=hint, identifier=digest[:12])
        self.risk = risk
        self.digest = digest
        self.phrase = phrase

    def as_wire(self) -> dict[str, str]:
        """See `ClawError.as_wire`."""
        return {**self.as_json(), "risk": self.risk, "digest": self.digest, "phrase": self.phrase}


class Retry(ClawError):
    """The call is right but cannot be done now."""

    code = "retry"
    exit_code = 4


class Unreachable(Retry):
    """A relay or node does not answer."""

    code = "unreachable"


class CoreEnded(Unreachable):
    """The core that was asked has ended before it answered; the next one knows what came of it."""


class Busy(Retry):
    """A lock, a port or a limit is held by somebody else."""

    code = "busy"
    exit_code = 1


class Damaged(ClawError):
    """State on disk is broken, full, locked or read-only; what could be kept was kept aside."""

    code = "damaged"


class Uncertain(ClawError):
    """Whoever was asked ended before it answered, so what was asked for may or may not have happened."""

    code = "uncertain"
    exit_code = 7


class Defect(ClawError):
    """Something that should not have happened; the traceback is in the log that the hint names."""

    code = "defect"


def from_wire(body: dict[str, str]) -> ClawError:
    """The error behind `as_wire`, of its own class; of the nearest where this version does not know it."""
    message, hint = body.get("message", ""), body.get("hint", "")
    if body.get("code") == ApprovalNeeded.code:
        asked = {name: body.get(name, "") for name in ("risk", "digest", "phrase")}
        return ApprovalNeeded(message, hint=hint, **asked)
    kind = _kinds(ClawError).get(body.get("code", ""), ClawError)
    return kind(message, hint=hint, identifier=body.get("id", ""))


def _kinds(kind: type[ClawError]) -> dict[str, type[ClawError]]:
    """Each class at and below this one by its code; what a subclass does not rename is its parent's."""
    below = [_kinds(each) for each in kind.__subclasses__() if each is not ApprovalNeeded]
    return {code: each for found in below for code, each in found.items()} | {kind.code: kind}
