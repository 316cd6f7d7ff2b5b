"""What a run came to, as every operation on runs answers it. Not the operations: ops/jobs and ops/fleet."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from devopsclaw.core.clock import stamp
from devopsclaw.core.operation import Result
from devopsclaw.core.runs import Run
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.model.errors import DETACHED
from devopsclaw.model.execution import Fold, NodeResult, counts_of
from devopsclaw.model.folding import fold_results
from devopsclaw.model.state import State, exit_code

NAMED = 3
"""Jobs that a hint names; more are counted."""

RUNNING, PAUSED = "running", "paused"
"""Words for a run that is not over; paused: all that was sent has ended, and the rest is not being sent."""

PAUSED_EXIT = 12
"""Design §10."""

UNDER_WAY = frozenset({State.QUEUED, State.SENT, State.RUNNING})


class Ran(Result):
    """What every node answered, one by one and folded."""

    schema_name = "devopsclaw.run/1"

    run: str = Field(description="Id of the run, as X-31.")
    command: str = Field(description="The command line.")
    requested_by: str = Field(description="Who asked for it.")
    via: str = Field(description="The face it came through.")
    target: str = Field(description="The target expression in canonical form.")
    status: str = Field(
        description="The worst of the nodes: ok, failed, unknown …; cancelled by a person; running; or"
        " paused: the nodes that are pending wait for a person."
    )
    exit_code: int = Field(description="Exit code of the whole run.")
    started_at: str = Field(description="When it was asked for, RFC 3339.")
    ended_at: str = Field(default="", description="When the last node ended, as it reported it.")
    duration: float | None = Field(
        default=None, description="Seconds from start to end; null while the end is not known."
    )
    last_heard: str = Field(
        default="", description="When a node that may still tell more last said where it stands."
    )
    entry: str = Field(default="", description="Its audit entry, as E-8840.")
    results_hash: str = Field(
        default="", description="Hash of all answers once there are all, as its audit entry has it."
    )
    hint: str = Field(default="", description="How to know more, where nobody follows it now.")
    counts: dict[str, int] = Field(description="How many nodes stand in which state.")
    folds: list[Fold] = Field(description="Nodes with the same answer, largest group first.")
    items: list[NodeResult] = Field(description="The nodes one by one, by name.")

    @property
    def exit(self) -> int:
        """See `Result.exit`."""
        return self.exit_code

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return self.status

    @property
    def node_counts(self) -> dict[str, int]:
        """See `Result.node_counts`."""
        return self.counts

    @property
    def evidence(self) -> str:
        """See `Result.evidence`."""
        return self.results_hash


class Left(Ran):
    """A run of this very call that was left to itself."""

    @property
    def outlives_call(self) -> bool:
        """See `Result.outlives_call`."""
        return True


class TakenUp(Ran):
    """An earlier run that was set going again, and left to itself."""

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return DETACHED


class Shown(Ran):
    """A run that is looked at: looking worked, whatever the run came to."""

    @property
    def exit(self) -> int:
        """See `Result.exit`."""
        return 0

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return "ok"


async def execution_of(fleet: Fleet, run: str) -> Ran:
    """The run as it stands. Raises NotFound."""
    return Ran.model_validate(await fields_of(fleet, run))


async def left_of(fleet: Fleet, run: str) -> Left:
    """The run as it stands, which goes on without who asked for it."""
    return Left.model_validate({**await fields_of(fleet, run), "hint": goes_on(run)})


def goes_on(run: str) -> str:
    """How to follow a run that was left."""
    return f"{run} goes on: devopsclaw jobs watch {run}"


async def fields_of(fleet: Fleet, run_id: str) -> dict[str, object]:
    """What `Ran` says of it. Raises NotFound."""
    run, items, heard, evidence = await fleet.executions.results(run_id)
    states = [item.status for item in items]
    word = word_of_run(run, states, is_sending=fleet.executions.is_sending(run_id))
    code = exit_code(states) if run.exit_code is None else run.exit_code
    is_left = heard and not fleet.executions.follows(run_id)
    return {
        "run": run.run,
        "command": run.plan["run"],
        "requested_by": run.body["user"],
        "via": run.body["via"],
        "target": run.plan["target"],
        "status": word,
        "exit_code": PAUSED_EXIT if word == PAUSED else code,
        "started_at": stamp(run.created_at),
        "ended_at": "" if run.ended_at is None else stamp(run.ended_at),
        "duration": run.duration,
        "last_heard": latest(heard),
        "entry": run.entry,
        "results_hash": "" if run.exit_code is None else evidence,
        "hint": hint_of([run_id] if is_left else [], [run_id] if word == PAUSED else []),
        "counts": counts_of(items),
        "folds": fold_results(items),
        "items": items,
    }


def word_of_run(run: Run, states: Collection[State], *, is_sending: bool) -> str:
    """The word for a run as a whole; `is_sending`: what was never sent is sent in its turn."""
    rests = State.PENDING in states and UNDER_WAY.isdisjoint(states) and not is_sending
    return run.word or (PAUSED if rests else RUNNING)


def hint_of(left: list[str], paused: list[str]) -> str:
    """What to do about jobs, newest first, that may have gone on since they were last heard of, and about
    those that wait for a person.
    """
    said = []
    if paused:
        verb = "wait" if len(paused) > 1 else "waits"
        said.append(f"{_named(paused)} {verb} for a person: devopsclaw jobs resume {paused[0]}")
    followed = [each for each in left if each not in paused]
    if followed:
        said.append(
            f"nobody follows {_named(followed)} now: devopsclaw jobs watch {followed[0]} asks its nodes"
        )
    return "\n".join(said)


def latest(heard: dict[str, float]) -> str:
    """The newest of these moments; empty where there is none, or nobody ever answered."""
    at = max(heard.values(), default=0.0)
    return stamp(at) if at else ""


def _named(runs: list[str]) -> str:
    return ", ".join(runs[:NAMED]) + (f" and {len(runs) - NAMED} more" if len(runs) > NAMED else "")
