"""Events and audit entries as anybody may read them."""

from __future__ import annotations

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.redact import KNOWN
from devopsclaw.core.veil import veiled, veiled_draft
from devopsclaw.model.audit import Draft
from devopsclaw.model.events import CallEnded, CallStarted, NodePrinted, RelayMoved, RunPlanned, Warned
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

SECRET = "my-fleet-secret-token"
PLAN = Plan(operation="fleet.exec", effect=Effect.WRITE, run=f"login {SECRET}", steps=(f"as {SECRET}",))


@pytest.fixture(autouse=True)
def _known() -> None:
    KNOWN.add([SECRET])


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Warned(f"bad {SECRET}", f"not {SECRET}"), Warned("bad ***", "not ***")),
        (CallEnded("c", "x.y", "failed", f"{SECRET}!"), CallEnded("c", "x.y", "failed", "***!")),
        (RelayMoved("lost", why="wss://u:pw@h"), RelayMoved("lost", why="wss://u:***@h")),
        (RunPlanned("c", "X-1", f"echo {SECRET}", ()), RunPlanned("c", "X-1", "echo ***", ())),
    ],
)
def test_an_event_says_no_secret(event: object, said: object) -> None:
    assert veiled(event) == said


def test_a_plan_in_an_event_shows_no_known_secret() -> None:
    event = veiled(CallStarted("c", "fleet.exec", "ada", PLAN))

    assert (event.plan.run, event.plan.steps) == ("login ***", ("as ***",))


def test_what_a_node_printed_and_what_has_no_secret_are_the_same_object() -> None:
    for event in (
        NodePrinted("c", "X-1", "web-1", "stdout", 0, SECRET.encode()),
        CallStarted("c", "fleet.exec", "ada", PLAN.model_copy(update={"run": "id", "steps": ()})),
        Warned("all is well"),
    ):
        assert veiled(event) is event


def test_the_bus_hides_what_stays_true_as_well() -> None:
    bus = Bus()
    bus.post(Warned(f"posted {SECRET}"))

    with bus.subscribe() as heard:
        bus.publish(Warned(f"published {SECRET}"))

    assert heard.drain() == [Warned("posted ***"), Warned("published ***")]


def test_an_audit_entry_keeps_the_command_without_the_secret() -> None:
    long_word = "ghp_" + "abcdefghijklmnopqrstuvwxyz0123456789"
    draft = Draft(
        user="ada",
        action="fleet.exec",
        target=f"name={SECRET}",
        status="ok",
        detail={"run": f"login {SECRET} --password x1 {long_word}", "counts": {"ok": 1}},
    )

    kept = veiled_draft(draft)

    assert kept.target == "name=***"
    assert kept.detail == {"run": f"login *** --password *** {long_word}", "counts": {"ok": 1}}
