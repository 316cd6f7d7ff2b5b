"""kill -9 of each process of a real fleet in the middle of a command: the truth comes, and nothing twice."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass

import pytest
from tests.journeys.processes import GATED, House, Machine, Serving, living_in, wait_for

NODES = ("web-1", "web-2")


@dataclass
class Fleet:
    """A relay, two daemons, and a command in the middle on both."""

    house: House
    desk: Machine
    relay: Serving
    url: str
    daemons: dict[str, Serving]
    run: Serving

    @property
    def nodes(self) -> list[Machine]:
        """The machines of the daemons."""
        return [self.house.machine(name) for name in NODES]

    def restart_relay(self) -> None:
        """At the same address, as a service would."""
        self.house.relay(address=self.url.removeprefix("ws://"))

    def restart(self, name: str) -> None:
        """The daemon again, with what it had on disk."""
        self.daemons[name] = self.house.daemon(name, self.url)

    def let_go(self) -> None:
        """Let the command end on both nodes."""
        for node in self.nodes:
            node.let_go()

    def started_once(self) -> bool:
        """Whether both nodes began it once and ended it once."""
        return all(node.diary == ["begun", "ended"] for node in self.nodes)


@pytest.fixture
def fleet(house: House) -> Fleet:
    relay, url = house.relay()
    daemons = {name: house.daemon(name, url) for name in NODES}
    desk = house.machine("desk")
    house.claim(desk, daemons.values())
    run = desk.start("run", GATED, "-t", "all", "--json")
    fleet = Fleet(house, desk, relay, url, daemons, run)
    wait_for(f"the command begins: {run.said}", lambda: all(node.diary for node in fleet.nodes))
    return fleet


def test_a_killed_daemon_takes_its_command_up_again(fleet: Fleet) -> None:
    fleet.daemons["web-1"].kill()
    fleet.let_go()
    wait_for("the command ends without it", lambda: "ended" in fleet.nodes[0].diary)
    fleet.restart("web-1")

    assert fleet.run.wait() == 0, fleet.run.said
    assert fleet.started_once()


def test_a_killed_relay_loses_nothing(fleet: Fleet) -> None:
    fleet.relay.kill()
    fleet.let_go()
    wait_for("the commands end without it", fleet.started_once)
    fleet.restart_relay()

    assert fleet.run.wait() == 0, fleet.run.said
    assert fleet.started_once()


def test_a_killed_controller_finds_its_command_again(fleet: Fleet) -> None:
    fleet.run.kill()
    watch = fleet.desk.start("jobs", "watch", "X-1")
    fleet.let_go()

    assert watch.wait() == 0, watch.said
    assert "web-[1-2] (2) ● ok exit 0" in watch.said
    assert fleet.started_once()
    assert fleet.desk("audit", "verify").code == 0


def test_everything_killed_at_once_comes_back_with_the_truth(fleet: Fleet) -> None:
    for process in (fleet.run, fleet.relay, *fleet.daemons.values()):
        process.kill()
    fleet.let_go()
    fleet.restart_relay()
    for name in NODES:
        fleet.restart(name)

    assert fleet.desk("jobs", "watch", "X-1").code == 0
    assert fleet.started_once()


def test_a_node_that_lost_its_command_says_so_and_it_stays_unknown(fleet: Fleet) -> None:
    fleet.daemons["web-1"].kill()
    os.killpg(fleet.nodes[0].shim(), signal.SIGKILL)
    wait_for("nothing of it lives", lambda: not living_in(fleet.nodes[0].user))
    fleet.let_go()
    fleet.restart("web-1")

    assert fleet.run.wait() == 7, fleet.run.said
    shown = fleet.desk("jobs", "show", "X-1", "--json")
    assert shown.statuses == {"web-1": "unknown", "web-2": "ok"}
    assert "interrupted" in shown.json["items"][0]["reason"]
    assert [node.diary for node in fleet.nodes] == [["begun"], ["begun", "ended"]]


def test_a_cancelled_job_ends_on_its_nodes(fleet: Fleet) -> None:
    fleet.run.kill()

    done = fleet.desk("jobs", "cancel", "X-1", "--json")

    assert (done.code, done.statuses) == (0, {"web-1": "killed", "web-2": "killed"})
    wait_for("nothing of it lives", lambda: not any(len(living_in(node.user)) > 1 for node in fleet.nodes))
    assert [node.diary for node in fleet.nodes] == [["begun"], ["begun"]]


EMPTYING = (
    "echo lost; until [ -e told ]; do sleep 0.02; done; echo kept >/dev/stdout; echo emptied >>diary; "
    "until [ -e go ]; do sleep 0.02; done; echo more"
)
"""A command that throws away what it printed, and goes on."""


def test_a_daemon_killed_after_its_command_emptied_its_output_tells_the_exact_gap(house: House) -> None:
    _, url = house.relay()
    daemon, desk, node = house.daemon("web-1", url), house.machine("desk"), house.machine("web-1")
    house.claim(desk, [daemon])
    run = desk.start("run", EMPTYING, "-t", "all", "--json")
    wait_for("its first line is here", lambda: '"stdout": "lost' in desk("jobs", "show", "X-1", "--json").out)
    (node.user / "told").touch()
    wait_for("the command emptied its output", lambda: node.diary == ["emptied"])

    daemon.kill()
    node.let_go()
    house.daemon("web-1", url)

    assert run.wait() == 0, run.said
    (item,) = json.loads(run.said)["items"]
    assert (item["status"], item["gaps"]) == ("ok", [{"stream": "stdout", "start": 0, "end": 5}])
    assert item["stdout"].startswith("kept\nmore\n")
    assert "emptied its own stdout" in item["reason"]
