"""The audit entry of a run that outlived who asked for it: written by the core that sees its end."""

from __future__ import annotations

from collections.abc import Mapping

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.runs import Run, RunLog
from devopsclaw.fleet.results import states_of
from devopsclaw.model.audit import Draft, Entry
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import counted, word_of


async def close_cut_off(audit: AuditLog, log: RunLog, bus: Bus) -> None:
    """Give an outcome to each intent that a crash cut off: from its run where that was closed, and where it
    never came to a run, as unknown. A run that is still open gets its outcome when it ends (`record_late`).
    """
    try:
        for entry in await audit.unfinished():
            run = await log.of_call(entry.call)
            if run is None:
                await audit.append(_cut_off(entry))
            elif run.exit_code is not None:
                counts = counted(states_of(run, await log.events(run.run)).values())
                await audit.append(_outcome(run, run.exit_code, counts))
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
