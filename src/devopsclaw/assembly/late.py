"""The audit entry of a run that outlived who asked for it: written by the core that sees its end."""

from __future__ import annotations

from collections.abc import Mapping

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.runs import Run, RunLog
from devopsclaw.model.audit import Draft, Entry
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import word_of


async def close_cut_off(audit: AuditLog, log: RunLog, bus: Bus) -> None:
    """Give an outcome to each intent that a crash cut off before it came to a run: what it did is unknown.

    A run that is still open gets its outcome when it ends (`record_late`).
    """
    try:
        for entry in await audit.unfinished():
            if not await log.has_call(entry.call):
                await audit.append(_cut_off(entry))
    except Damaged as unreadable:
        bus.publish(Warned(unreadable.message, unreadable.hint))


def _cut_off(entry: Entry) -> Draft:
    fields = entry.model_dump(exclude={"seq", "id", "time"})
    detail = {"intent": entry.id, "late": "the core ended in the middle of it"}
    return Draft.model_validate({**fields, "phase": "outcome", "status": "unknown", "detail": detail})


async def record_late(
    audit: AuditLog, log: RunLog, bus: Bus, run: str, code: int, counts: Mapping[str, int]
) -> None:
    """Write the outcome; where an unknown one becomes the truth later, that is one more entry."""
    try:
        await audit.append(_outcome(await log.find(run), code, counts))
    except Damaged as unwritten:
        bus.publish(
            Warned(f"the outcome of {run} is not in the audit log: {unwritten.message}", unwritten.hint)
        )


def _outcome(run: Run, code: int, counts: Mapping[str, int]) -> Draft:
    plan = Plan.model_validate(run.plan)
    ended = run.finished_at or run.created_at
    return Draft(
        user=str(run.body["user"]),
        action=plan.operation,
        target=plan.target,
        status=word_of(code),
        nodes=dict(counts),
        node_names=fold(plan.nodes),
        duration=round(max(0.0, ended - run.created_at), 3),
        door=str(run.body["via"]),
        call=run.call,
        digest=plan.digest,
        phase="outcome" if run.entry else "single",
        detail={"intent": run.entry, "run": run.run, "late": "who asked had left before it ended"},
    )
