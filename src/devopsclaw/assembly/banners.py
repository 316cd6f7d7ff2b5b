"""What a core that opens has to say, before anybody asks: damage, switches that are off, work that waits."""

from __future__ import annotations

from collections.abc import Iterator

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.config import Loaded
from devopsclaw.core.db import Database
from devopsclaw.core.door import os_user
from devopsclaw.model.audit import Draft
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned


async def say_roles_are_off(loaded: Loaded, audit: AuditLog, bus: Bus) -> None:
    """It works, but not in silence: a banner, and an entry for each core that opens like this."""
    origin = loaded.origins["rbac.enabled"]
    bus.post(
        Warned(
            f"roles are not checked: rbac.enabled is false, by {origin}",
            "devopsclaw config set rbac.enabled true",
        )
    )
    detail = {"origin": origin, "meaning": "whoever has a role may do everything"}
    entry = Draft(
        user=os_user(),
        action="rbac.disabled",
        target="rbac.enabled",
        status="ok",
        phase="single",
        detail=detail,
    )
    try:
        await audit.append(entry)
    except Damaged as unwritten:
        bus.post(Warned(f"that is not in the audit log: {unwritten.message}", unwritten.hint))


def damage(database: Database, audit: AuditLog) -> Iterator[Warned]:
    """What was found on disk that a person should know."""
    if database.set_aside:
        yield Warned(
            f"the database of runs and nodes was damaged; it was kept as {database.set_aside}",
            "register your nodes again; the audit trail is another file and is whole or says so",
        )
    if audit.damage:
        yield Warned(audit.damage.message, audit.damage.hint)
    if audit.found:
        yield Warned("the audit trail was changed from outside", "devopsclaw audit verify")


def waiting(runs: int) -> Warned:
    """That this many runs of earlier cores wait: a core that is not there to stay resumes nothing."""
    text = "1 run waits" if runs == 1 else f"{runs} runs wait"
    return Warned(f"{text} for a core", "devopsclaw, or devopsclaw gateway")
