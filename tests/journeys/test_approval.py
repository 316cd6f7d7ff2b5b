"""A yes that is asked for at a command line, read and answered in a console, and refused in another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.journeys.processes import House, Machine, wait_for
from tests.journeys.terminal import Terminal

Open = Callable[..., Terminal]

NAMES = ("web-1", "web-2", "web-3", "web-4")
DESTROY = "rm -rf old && echo gone"


@pytest.fixture
def desk(house: House) -> Machine:
    """The desk of a fleet of four protected nodes."""
    _, url = house.relay()
    daemons = [house.daemon(name, url) for name in NAMES]
    desk = house.machine("desk")
    house.claim(desk, daemons)
    for name in NAMES:
        assert desk("node", "register", "--name", name, "--tags", "env=prod,role=web").code == 0
    return desk


def test_what_is_asked_for_at_a_command_line_is_answered_in_a_console_and_the_trail_tells_it(
    house: House, desk: Machine, terminal: Open
) -> None:
    first = terminal(desk)
    first.wait("4 nodes")
    second = terminal(desk)
    second.wait("4 nodes")

    asking = desk.start("run", DESTROY, "--tag", "role=web", "--wait-approval", "--reason", "make room")
    for screen in (first, second):
        screen.wait("APPROVAL 1/1")
        screen.press("y")  # whoever types on is not answering
    first.press("A")
    read = first.wait("make room")
    assert "$ rm -rf old && echo gone" in read and "CRITICAL" in read and "web-[1-4]" in read
    second.wait("APPROVAL 1/1")
    first.wait("then type  prod:4")
    first.press("y")
    first.wait("type  prod:4   >")
    first.type("prod:4")
    first.press("Enter")

    assert asking.wait() == 0, asking.said
    assert "4 nodes: 4 ok" in asking.said
    wait_for("the other console sees it close", lambda: "APPROVAL" not in second.picture())

    again = desk.start("run", DESTROY, "--tag", "role=web", "--wait-approval")
    second.wait("APPROVAL 1/1")
    second.press("F8")
    second.wait("then type  prod:4")
    second.press("n")
    second.wait("REASON")
    second.type("once is enough")
    second.press("Enter")

    assert again.wait() == 3, again.said
    assert "denied by" in again.said and "once is enough" in again.said
    trail = desk("audit", "list", "--since", "1h", "--json").json["items"][::-1]
    story = [
        (entry["action"], entry["phase"], entry["status"]) for entry in trail if entry["action"][:4] != "node"
    ]
    assert story == [
        ("approvals.ask", "single", "waiting"),
        ("approvals.allow", "intent", "planned"),
        ("approvals.allow", "outcome", "ok"),
        ("fleet.exec", "intent", "planned"),
        ("fleet.exec", "outcome", "ok"),
        ("approvals.ask", "single", "waiting"),
        ("approvals.deny", "intent", "planned"),
        ("approvals.deny", "outcome", "ok"),
        ("fleet.exec", "denied", "denied"),
    ]
    intent = next(entry for entry in trail if entry["action"] == "fleet.exec" and entry["phase"] == "intent")
    assert intent["detail"]["approval"].startswith("A-1 allowed by ")
    assert desk("audit", "verify").code == 0


def test_a_request_whose_core_is_killed_is_void_and_ran_nothing(house: House, desk: Machine) -> None:
    core = desk.start("gateway")
    core.wait_said("core: open on")
    asking = desk.start("run", DESTROY, "--tag", "role=web", "--wait-approval")
    asking.wait_said("A-1 waits")

    core.kill()

    assert asking.wait() == 7, asking.said
    (request,) = desk("approvals", "list", "--status", "all", "--json").json["items"]
    assert request["status"] == "void"
    late = desk("approvals", "allow", "A-1", "--digest", request["digest"], "--phrase", "prod:4")
    assert late.code == 2 and "A-1 is void already" in late.err
    assert desk("jobs", "list", "--json").json["items"] == []
