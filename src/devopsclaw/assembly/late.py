"""The audit entry of a run that outlived who asked for it: written by the core that sees its end."""

from __future__ import annotations

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.call_record import planned
from devopsclaw.core.runs import Run, RunEvent, RunLog
from devopsclaw.fleet.evidence import answers_of, evidence_of
from devopsclaw.fleet.results import settled_by, states_of
from devopsclaw.model.audit import Draft, Entry
from devopsclaw.model.errors import Damaged
from devopsclaw.model.events import Warned
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import counted


async def close_cut_off(audit: AuditLog, log: RunLog, bus: Bus) -> None:
    """Give an outcome to each intent that a crash cut off: from its run where that was closed, and where it
    never came to a run, as unknown. A run that is still open gets its outcome when it ends (`record_late`).
    A read whose run was closed, and whose one entry was not written any more, gets that.
    """
    try:
        for entry in await audit.unfinished():
            run = await log.of_call(entry.call)
            if run is None:
                await audit.append(_cut_off(entry))
            elif run.exit_code is not None:
                await audit.append(_outcome(run, await log.events(run.run)))
        for run in await log.without_entry():
            known = await audit.of_call(run.call)
            entry = known or await audit.append(_outcome(run, await log.events(run.run)))
            await log.name_entry(run.run, entry.id)
    except Damaged as unreadable:
        bus.publish(Warned(unreadable.message, unreadable.hint))


def _cut_off(entry: Entry) -> Draft:
    fields = entry.model_dump(exclude={"seq", "id", "time"})
    detail = {"intent": entry.id, "late": "the core ended in the middle of it"}
    return Draft.model_validate({**fields, "phase": "outcome", "status": "unknown", "detail": detail})


async def record_late(audit: AuditLog, log: RunLog, bus: Bus, run_id: str) -> None:
    """Write the outcome; where an unknown one becomes the truth later, that is one more entry. A read gets
    its one entry only now, and its run names it.
    """
    try:
        run = await log.find(run_id)
        entry = await audit.append(_outcome(run, await log.events(run_id)))
    except Damaged as unwritten:
        text = f"the outcome of {run_id} is not in the audit log: {unwritten.message}"
        bus.publish(Warned(text, unwritten.hint))
        return
    try:
        await log.name_entry(run_id, entry.id)
    except Damaged as full:
        bus.publish(Warned(f"{run_id} does not name its audit entry {entry.id}: {full.message}", full.hint))


def _outcome(run: Run, events: list[RunEvent]) -> Draft:
    plan = Plan.model_validate(run.plan)
    is_read = plan.effect is Effect.READ
    return Draft(
        user=str(run.body["user"]),
        action=plan.operation,
        target=plan.target,
        status=run.word,
        nodes=counted(states_of(run, events).values()),
        node_names=fold(plan.nodes),
        duration=None if run.duration is None else round(run.duration, 3),
        door=str(run.body["via"]),
        via=str(run.body.get("model", "")),
        parent=str(run.body.get("parent", "")),
        demo=bool(run.body.get("demo", False)),
        call=run.call,
        digest=plan.digest,
        phase="single" if is_read else "outcome",
        detail={
            **(planned(plan) if is_read else {"intent": run.entry}),
            "job": run.run,
            "evidence": evidence_of(answers_of(run, events)),
            "late": "nobody waited for it any more",
            **({"settled": settled} if (settled := settled_by(events)) else {}),
        },
    )
