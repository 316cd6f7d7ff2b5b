"""A core that is not there: a door with a small fleet behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from tests.screens.fake_desk import FakeDesk

from devopsclaw.core import risk as core_risk
from devopsclaw.core.bus import Bus, Subscription
from devopsclaw.core.operation import Result
from devopsclaw.model.approval import Standing
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import OTHER, ApprovalNeeded, BadTarget, ClawError, Denied, NotFound
from devopsclaw.model.events import CallStarted, NodeMoved, NodePrinted, RunEnded, RunPlanned
from devopsclaw.model.execution import Fold, NodeResult, counts_of
from devopsclaw.model.folding import fold_results
from devopsclaw.model.interest import EVERYTHING, Interest
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State, exit_code

NIGHT = datetime(2026, 11, 22, 3, 9, 14, tzinfo=UTC).timestamp()
"""3 a.m., when it is used."""


class NodeItem(BaseModel):
    """As `node.list` gives it."""

    name: str
    uid: str
    address: str = ""
    status: str = "online"
    drained: bool = False
    labels: dict[str, str] = {}
    groups: list[str] = []
    last_seen: float | None = NIGHT - 4
    facts: dict[str, Any] = {}
    alarm: str = ""


class Listed(Result):
    """A list of anything."""

    items: list[Any]


class Shown(Result):
    """A node or an entry."""

    body: dict[str, Any]

    def model_dump(self, **options: Any) -> dict[str, Any]:
        """The body itself."""
        return self.body


class Verified(Result):
    """As `audit.verify` gives it."""

    entries: int
    whole: bool = True

    def text(self) -> str:
        """One line."""
        return f"{self.entries} entries, whole" if self.whole else "E-8712: edited, its hash differs"

    @property
    def exit(self) -> int:
        """0 whole, 1 broken."""
        return 0 if self.whole else 1


class Execution(Result):
    """As `fleet.exec` and `jobs.show` give it."""

    run: str
    command: str
    target: str
    status: str
    exit_code: int
    entry: str
    counts: dict[str, int]
    folds: list[Fold]
    items: list[NodeResult]


class FleetStatus(Result):
    """As `fleet.status` gives it."""

    relay: str = "wss://relay:9443"
    connection: str = "connected"
    why: str = ""
    open_runs: list[str] = []


class Job(BaseModel):
    """As `jobs.list` gives it."""

    run: str
    status: str
    command: str
    target: str
    nodes: int
    user: str = "maria"
    started_at: str = "2026-11-22T03:09:14.000Z"


@dataclass
class Entry:
    """An audit entry, as `audit.list` gives it."""

    id: str
    time: str
    user: str
    action: str
    target: str
    status: str
    nodes: dict[str, int]
    duration: float | None


SHAPE = (("prod", "web", (1, 2, 3)), ("prod", "api", (1, 2)), ("stage", "web", (1, 2)))


def fleet() -> list[NodeItem]:
    """Nine nodes: two environments, one away, one late, one drained."""
    facts = {
        "os": "Debian 12",
        "kernel": "6.1.0-28",
        "cpu": 4,
        "memory": "7.8 GB",
        "load": 0.42,
        "disk": "62%",
    }
    nodes = [
        NodeItem(
            name=f"{env}-{role}-{number}",
            uid=f"n_{env}{role}{number}",
            address=f"10.0.{1 if role == 'web' else 2}.1{number}",
            labels={"env": env, "role": role, "az": "ab"[number % 2]},
            facts=facts,
        )
        for env, role, numbers in SHAPE
        for number in numbers
    ]
    nodes.append(
        NodeItem(
            name="db-1", uid="n_db1", address="10.0.3.11", labels={"env": "prod", "role": "db"}, facts=facts
        )
    )
    nodes.append(NodeItem(name="local", uid="n_local", labels={}, facts=facts))
    by_name = {node.name: node for node in nodes}
    by_name["prod-web-2"].status, by_name["prod-web-2"].last_seen = "offline", NIGHT - 252
    by_name["prod-api-2"].status, by_name["prod-api-2"].last_seen = "late", NIGHT - 51
    by_name["db-1"].drained = True
    return nodes


def entries() -> list[Entry]:
    """Five audit entries, newest first."""
    day = "2026-11-22T"
    return [
        Entry("E-8842", f"{day}03:08:20.114Z", "maria", "fleet.exec", "role=web", "ok", {"ok": 5}, 0.4),
        Entry(
            "E-8841",
            f"{day}03:08:11.002Z",
            "maria",
            "fleet.exec",
            "env=prod",
            "failed",
            {"ok": 5, "failed": 1},
            2.1,
        ),
        Entry("E-8840", f"{day}03:08:09.412Z", "maria", "fleet.exec", "env=prod", "planned", {}, None),
        Entry("E-8838", f"{day}02:59:11.000Z", "tomas", "node.drain", "db-1", "ok", {"ok": 1}, 0.1),
        Entry("E-8830", "2026-11-21T22:47:51.000Z", "tomas", "fleet.exec", "*", "denied", {}, None),
    ]


def job_of(run: Execution) -> Job:
    """The run as the list of jobs has it."""
    return Job(run=run.run, status=run.status, command=run.command, target=run.target, nodes=len(run.items))


@dataclass
class FakeDoor:
    """A `core.door.Door`. Each call is kept in `calls`; `run` of a command waits until `finish` is set."""

    bus: Bus = field(default_factory=Bus)
    nodes: list[NodeItem] = field(default_factory=fleet)
    entries: list[Entry] = field(default_factory=entries)
    calls: list[tuple[str, dict[str, Any], Consent | None, bool]] = field(default_factory=list)
    risk: str = ""
    """What the gate asks a yes for: high, critical, or nothing."""
    effect: Effect = Effect.READ
    outputs: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    finish: asyncio.Event = field(default_factory=asyncio.Event)
    whole: bool = True
    failures: dict[str, ClawError] = field(default_factory=dict)
    fleet_status: FleetStatus = field(default_factory=FleetStatus)
    past: list[Execution] = field(default_factory=list)
    runs: int = 30
    holds_cancel: bool = False
    """Whether a cancel is taken and nothing ends yet."""
    needs_other: bool = False
    """Whether a yes of the asker's own will not do."""
    cancelled: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = FakeDesk(self.bus)

    def named(self, name: str) -> list[tuple[dict[str, Any], Consent | None, bool]]:
        """The calls of one operation: params, consent, dry run."""
        return [(params, consent, dry) for called, params, consent, dry in self.calls if called == name]

    @property
    def started(self) -> list[tuple[dict[str, Any], Consent | None, bool]]:
        """Commands that were really asked to run."""
        return [call for call in self.named("fleet.exec") if not call[2]]

    async def run(
        self,
        name: str,
        params: dict[str, Any],
        *,
        consent: Consent | None = None,
        dry_run: bool = False,
        call_id: str = "",
        waits: bool = False,
    ) -> Any:
        """See `Door.run`."""
        self.calls.append((name, params, consent, dry_run))
        if name in self.failures:
            raise self.failures[name]
        if name == "fleet.exec" and dry_run:
            return self.weighed(params)
        if name == "fleet.exec":
            await self.somebody_else(params, call_id, waits)
            return await self.execute(params, consent, call_id)
        answers: dict[str, Callable[[dict[str, Any]], Any]] = {
            "node.list": lambda given: Listed(items=self.matching(given.get("target", ""))),
            "node.show": lambda given: Shown(body=self.node(given["name"]).model_dump()),
            "audit.list": self.list_entries,
            "audit.show": lambda given: Shown(body=vars(self.entry(given["id"]))),
            "audit.verify": lambda given: Verified(entries=8842, whole=self.whole),
            "fleet.status": lambda given: self.fleet_status,
            "jobs.list": lambda given: Listed(items=[job_of(each) for each in self.past]),
            "jobs.show": lambda given: next(each for each in self.past if each.run == given["run"]),
            "jobs.cancel": self.cancel_run,
            **self.desk.answers,
        }
        return answers[name](params)

    def events(self, interest: Interest = EVERYTHING) -> AbstractContextManager[Subscription]:
        """See `Door.events`."""
        return self.bus.subscribe(interest.wants)

    def cancel(self, call_id: str) -> None:
        """See `Door.cancel`."""
        self.cancelled.append(call_id)
        self.desk.withdraw(call_id)

    def matching(self, target: str) -> list[NodeItem]:
        """The little of the target grammar that the tests type."""
        if not target:
            return self.nodes
        if target.endswith("="):
            raise BadTarget(f"{target!r} has no value", hint="as env=prod")
        names = target.split(" or ")
        key, _, value = target.partition("=")
        found = [
            node for node in self.nodes if node.name in names or (value and node.labels.get(key) == value)
        ]
        if not found:
            raise BadTarget(f"{target!r} matches no node", hint="did you mean env=prod?")
        return found

    def node(self, name: str) -> NodeItem:
        """The node; raises NotFound."""
        found = [node for node in self.nodes if node.name == name]
        if not found:
            raise NotFound(f"there is no node {name!r}", hint="node list shows them")
        return found[0]

    def list_entries(self, params: dict[str, Any]) -> Listed:
        """By user and limit, as the console uses them."""
        found = [each for each in self.entries if params.get("user", each.user) == each.user]
        return Listed(items=found[: int(params.get("limit", 50))])

    def entry(self, name: str) -> Entry:
        """The entry; raises NotFound."""
        found = [each for each in self.entries if each.id == name]
        if not found:
            raise NotFound(f"there is no entry {name}", hint="audit list shows them")
        return found[0]

    def plan(self, params: dict[str, Any]) -> Plan:
        """What the command would do."""
        nodes = self.matching(params.get("target", ""))
        named = sorted({node.labels["env"] for node in nodes if "env" in node.labels})
        return Plan(
            operation="fleet.exec",
            effect=self.effect,
            target=params.get("target", ""),
            nodes=tuple(sorted(node.name for node in nodes)),
            environments=tuple(named),
            run=params["command"],
            steps=(f"all at once, at most {params.get('timeout', '5m')} each",),
        )

    async def execute(self, params: dict[str, Any], consent: Consent | None, call: str) -> Execution:
        """Run it as the gate does: ask, put on record, report, answer."""
        plan = self.plan(params)
        self.ask_first(self.weighed(params), consent)
        self.runs += 1
        run, entry = f"X-{self.runs}", f"E-{self.runs + 8820}"
        self.bus.publish(CallStarted(call, "fleet.exec", "maria", plan, entry))
        self.bus.publish(RunPlanned(call, run, params["command"], plan.nodes))
        for name in plan.nodes:
            self.bus.publish(NodeMoved(call, run, name, State.RUNNING))
            code, out, err = self.outputs.get(name, (0, "ok\n", ""))
            for stream, text in (("stdout", out), ("stderr", err)):
                if text:
                    self.bus.publish(NodePrinted(call, run, name, stream, 0, text.encode()))
            if name not in self.outputs or code >= 0:
                self.bus.publish(NodeMoved(call, run, name, State.FAILED if code else State.OK, code))
        await self.finish.wait()
        result = self.result(run, entry, params["command"], plan)
        self.bus.publish(RunEnded(call, run, result.exit_code, result.counts))
        return result

    async def somebody_else(self, params: dict[str, Any], call: str, waits: bool) -> None:
        """Ask a second person, or say that one is needed. Raises ApprovalNeeded, Denied."""
        if not self.needs_other:
            return
        plan = self.plan(params)
        if not waits:
            raise ApprovalNeeded(
                "it needs somebody else's yes", risk=self.risk, digest=plan.digest, phrase=OTHER
            )
        asked = self.desk.ask(plan, risk=self.risk, call=call, needs_other=True, user="maria", uid=1000)
        answer = await self.desk.answer_of(asked)
        if answer.status is not Standing.ALLOWED:
            raise Denied(f"{answer.id} was {answer.status} by {answer.answered_by}: {answer.reason}")

    def weighed(self, params: dict[str, Any]) -> Plan:
        """The plan as a dry run shows it: with its risk, and what confirms it."""
        plan = self.plan(params)
        phrase = {"high": "yes", "critical": core_risk.phrase(plan)}.get(self.risk, "")
        return plan.model_copy(
            update={"risk": self.risk or ("none" if self.effect is Effect.READ else "low"), "phrase": phrase}
        )

    def ask_first(self, plan: Plan, consent: Consent | None) -> None:
        """Raises ApprovalNeeded unless the yes is to this plan."""
        given = (consent.phrase, consent.digest) if consent else ("", "")
        if plan.phrase and given != (plan.phrase, plan.digest):
            raise ApprovalNeeded("a yes is needed", risk=plan.risk, digest=plan.digest, phrase=plan.phrase)

    def result(self, run: str, entry: str, command: str, plan: Plan) -> Execution:
        """What the nodes answered."""
        items = []
        for name in plan.nodes:
            code, out, err = self.outputs.get(name, (0, "ok\n", ""))
            state = State.CANCELLED if code < 0 else State.FAILED if code else State.OK
            items.append(
                NodeResult(
                    node=name, status=state, exit_code=None if code < 0 else code, stdout=out, stderr=err
                )
            )
        return Execution(
            run=run,
            command=command,
            target=plan.target,
            status="failed" if any(item.status is not State.OK for item in items) else "ok",
            exit_code=exit_code(item.status for item in items),
            entry=entry,
            counts=counts_of(items),
            folds=fold_results(items),
            items=items,
        )

    def cancel_run(self, params: dict[str, Any]) -> Listed:
        """End the command that waits."""
        if not self.holds_cancel:
            self.finish.set()
        return Listed(items=[])
