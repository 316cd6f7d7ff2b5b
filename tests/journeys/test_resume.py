"""A core is killed in the middle of a run: the next one that stays goes on in order, nothing starts twice."""

from __future__ import annotations

import pytest
from tests.journeys.processes import House, Machine, Serving, holder, lines_of, wait_for

NODES = ("web-1", "web-2", "web-3")


class Street:
    """Three servers behind a relay, and a desk. What runs on a node writes into one book of all three."""

    def __init__(self, house: House) -> None:
        self.book = house.root / "book"
        _, url = house.relay()
        daemons = [house.daemon(name, url) for name in NODES]
        self.desk = house.machine("desk")
        house.claim(self.desk, daemons)
        self.nodes = [house.machine(name) for name in NODES]

    @property
    def command(self) -> str:
        """Notes its start and its end, and ends when the node is let go."""
        begins, ends = (f'echo "$(basename "$HOME") {word}" >>{self.book}' for word in ("begins", "ends"))
        return f"{begins}; until [ -e go ]; do sleep 0.02; done; {ends}"

    def until_written(self, line: str, whoever: Serving) -> None:
        """Wait until the book has this line."""
        wait_for(f"{line}, in {self.lines}: {whoever.said}", lambda: line in self.lines)

    @property
    def lines(self) -> list[str]:
        """The book."""
        return lines_of(self.book)


IN_ORDER = [f"{name} {word}" for name in NODES for word in ("begins", "ends")]


@pytest.fixture
def street(house: House) -> Street:
    return Street(house)


def resident(desk: Machine) -> Serving:
    """A core that is there to stay."""
    gateway = desk.start("--headless", "gateway")
    gateway.wait_said("core: open on")
    return gateway


def test_a_killed_core_is_succeeded_by_a_resident_one_that_ends_the_run_in_order(street: Street) -> None:
    run = street.desk.start("run", street.command, "-t", "all", "--serial")
    street.nodes[0].let_go()
    street.until_written("web-2 begins", run)
    run.kill()
    street.nodes[1].let_go()
    street.until_written("web-2 ends", run)
    assert "web-3 begins" not in street.lines

    gateway = resident(street.desk)
    street.until_written("web-3 begins", gateway)
    street.nodes[2].let_go()
    watched = street.desk("jobs", "watch", "X-1", "--json")

    assert (watched.code, watched.statuses) == (0, dict.fromkeys(NODES, "ok"))
    assert street.lines == IN_ORDER
    entries = street.desk("audit", "list", "--json").json["items"]
    told = [(entry["phase"], entry["status"]) for entry in entries if entry["action"] == "fleet.exec"]
    assert told == [("outcome", "ok"), ("intent", "planned")]
    assert street.desk("audit", "verify").code == 0


def test_a_person_goes_on_with_it_from_the_command_line(street: Street) -> None:
    run = street.desk.start("run", street.command, "-t", "all", "--serial")
    street.until_written("web-1 begins", run)
    run.kill()
    for node in street.nodes:
        node.let_go()

    watched = street.desk("jobs", "watch", "X-1")
    assert (watched.code, "devopsclaw jobs resume X-1" in watched.err) == (12, True)
    assert street.lines == IN_ORDER[:2]

    resumed = street.desk("jobs", "resume", "X-1", "--json")
    assert (resumed.code, resumed.statuses) == (0, dict.fromkeys(NODES, "ok"))
    assert street.lines == IN_ORDER


def test_a_detached_run_goes_on_in_a_core_of_its_own(street: Street) -> None:
    done = street.desk("run", street.command, "-t", "all", "--serial", "--detach")

    assert (done.code, "X-1 goes on: devopsclaw jobs watch X-1" in done.err) == (8, True)
    wait_for("a resident core", lambda: (found := holder(street.desk)) and found.face == "gateway")
    for node in street.nodes:
        node.let_go()
    assert street.desk("jobs", "watch", "X-1").code == 0
    assert street.lines == IN_ORDER
