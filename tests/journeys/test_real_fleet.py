"""The walkthrough typed as written, on a relay and three daemons, and what scripts get back from a fleet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from tests.journeys.processes import House, lines_of, wait_for

NODES = ("prod-web-1", "prod-web-2", "prod-api-1")

CONFIG = """
{
  "model_list": [
    {
      "model_name": "gpt4",
      "model": "openai/gpt-5.2",
      "api_key": "sk-your-key"
    }
  ],
  "agents": { "defaults": { "model": "gpt4" } },
  "relay": {
    "listen_addr": ":9443",
    "auth_token": "my-fleet-secret-token",
    "max_connections": 100
  }
}
"""
"""Step 2, word for word."""

STEP_5 = """
devopsclaw node register --name prod-web-1 --address 10.0.1.10 --tags env=prod,role=web
devopsclaw node register --name prod-web-2 --address 10.0.1.11 --tags env=prod,role=web
devopsclaw node register --name prod-api-1 --address 10.0.2.20 --tags env=prod,role=api
"""

PROGRAM = (
    '#!/bin/sh\necho "$0 $*" | sed "s|.*/||" >>"$HOME/calls"\n[ ! -e "$HOME/dead" ] || exit 3\necho done\n'
)
"""Stands for `systemctl` and `docker` on every machine: says in a file that it was called."""


A_STAMP = timedelta(milliseconds=2)
"""How much two stamps of whole milliseconds may say less than what was between them."""


class Walk:
    """The fleet of the walkthrough, and the desk it is run from."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.desk = house.machine("desk")
        for name in NODES:
            for program in ("systemctl", "docker"):
                path = house.machine(name).user / "bin" / program
                path.write_text(PROGRAM)
                path.chmod(0o755)

    def type(self, lines: str) -> str:
        """Type lines as the walkthrough has them; each works. What they print."""
        printed = []
        for line in lines.strip().splitlines():
            done = self.desk.shell(line)
            assert done.code == 0, f"{line}\n{done.out}{done.err}"
            printed.append(done.out)
        return "".join(printed)

    def calls(self, name: str) -> list[str]:
        """What the stand-ins were called with on a node."""
        return lines_of(self.house.machine(name).user / "calls")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Steps 2 to 5. The port is a free one instead of 9443."""
    house = House(tmp_path_factory.mktemp("fleet"))
    walk = Walk(house)
    try:
        walk.type("devopsclaw onboard")
        (walk.desk.home / "config.json").write_text(CONFIG)
        _, url = house.relay()
        for name in NODES:
            house.daemon(name, url)
        walk.type(STEP_5)
        yield walk
    finally:
        house.end()


def test_every_node_is_listed_with_its_labels(walk: Walk) -> None:
    table = walk.type("devopsclaw node list")

    assert table.splitlines()[0].split() == ["NODE", "ADDRESS", "STATUS", "LABELS", "LAST", "SEEN"]
    for name, address, role in zip(NODES, ("1.10", "1.11", "2.20"), ("web", "web", "api"), strict=True):
        row = next(line for line in table.splitlines() if line.startswith(name))
        assert row.split()[1:5] == [f"10.0.{address}", "●", "online", f"env=prod,role={role}"]


def test_a_command_runs_on_every_node_of_a_label(walk: Walk) -> None:
    printed = walk.type('devopsclaw run "uptime" --tag role=web')

    assert "prod-web-[1-2] (2) ● ok exit 0" in printed or printed.count("(1) ● ok exit 0") == 2
    assert "load average" in printed and "prod-api-1" not in printed


def test_identical_answers_are_one_fold(walk: Walk) -> None:
    printed = walk.type('devopsclaw fleet exec "df -h / | head -1" --tag env=prod')

    assert "prod-api-1,prod-web-[1-2] (3) ● ok exit 0" in printed
    assert printed.count("Filesystem") == 1


def test_a_disk_is_looked_at_everywhere(walk: Walk) -> None:
    assert "Use%" in walk.type('devopsclaw fleet exec "df -h /" --tag env=prod')


def test_a_restart_goes_from_node_to_node_with_a_pause(walk: Walk) -> None:
    line = 'devopsclaw fleet exec "systemctl restart nginx" --tag role=web --serial --delay 1s --json'

    items = json.loads(walk.type(line))["items"]

    assert [item["status"] for item in items] == ["ok", "ok"]
    first, second = sorted(items, key=lambda item: str(item["started_at"]))
    assert [walk.calls(name) for name in NODES] == [
        ["systemctl restart nginx"],
        ["systemctl restart nginx"],
        [],
    ]
    begun, next_begun = (datetime.fromisoformat(item["started_at"]) for item in (first, second))
    assert next_begun - begun >= timedelta(seconds=1 + first["duration"]) - A_STAMP


def test_one_node_is_asked_by_name(walk: Walk) -> None:
    assert "prod-api-1 (1) ● ok" in walk.type('devopsclaw run "docker ps" --node prod-api-1')
    assert walk.calls("prod-api-1")[-1] == "docker ps"


def test_the_audit_trail_has_all_of_it(walk: Walk) -> None:
    walk.type('devopsclaw run "uptime" --tag role=web')

    listed = walk.type("devopsclaw audit list --since 24h")
    walk.type("devopsclaw audit export --since 720h > audit-30d.json")

    assert "fleet.exec" in listed and "node.register" in listed
    exported = json.loads((walk.desk.user / "audit-30d.json").read_text())
    assert exported["manifest"]["verified"] and exported["manifest"]["count"] == len(exported["items"])
    assert {"fleet.exec", "node.register"} <= {item["action"] for item in exported["items"]}


def test_a_dry_run_runs_nothing(walk: Walk) -> None:
    before = walk.desk("audit", "list", "--json").json

    done = walk.desk("run", "touch ran", "--env", "prod", "--dry-run")

    assert done.code == 0 and "touch ran" in done.out and "nothing ran" in done.err
    assert "3: prod-api-1, prod-web-1, prod-web-2" in done.out
    assert not any((walk.house.machine(name).user / "ran").exists() for name in NODES)
    assert walk.desk("audit", "list", "--json").json == before


def test_a_drained_node_is_left_out_and_says_how_to_come_back(walk: Walk) -> None:
    walk.type("devopsclaw node drain prod-web-2")
    try:
        alone = walk.desk("run", "uptime", "--node", "prod-web-2")
        among = walk.desk("run", "uptime", "--tag", "role=web", "--json")
    finally:
        walk.type("devopsclaw node undrain prod-web-2")

    assert alone.code == 2 and "devopsclaw node undrain prod-web-2" in alone.err
    assert among.statuses == {"prod-web-1": "ok", "prod-web-2": "skipped"} and among.code == 0
    assert walk.desk("run", "uptime", "--node", "prod-web-2").code == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ("run", "true", "--env", "prod")),
        (1, ("run", 'test "$HOME" = x', "--env", "prod")),
        (2, ("run", "true", "--tag", "role=db")),
        (2, ("run", "true")),
        (3, ("run", "rm -rf /", "--env", "prod")),
        (5, ("run", "false", "--tag", "role=web", "--serial")),
        (6, ("run", "sleep 30", "--tag", "role=web", "--timeout", "0.2s")),
        (9, ("run", "rm -r nothing", "--env", "prod")),
        (9, ("run", "rm -r nothing", "--env", "prod", "--yes")),
        (0, ("run", "rm -rf nothing", "--env", "prod", "--confirm", "prod:3")),
    ],
)
def test_the_exit_code_says_what_came_of_it(walk: Walk, code: int, words: tuple[str, ...]) -> None:
    assert walk.desk(*words).code == code


def test_a_node_that_is_away_is_unreachable_and_the_others_go_on(walk: Walk) -> None:
    daemon = next(each for each in walk.house.machine("prod-api-1").serving)
    assert daemon.end() == 0
    wait_for("the fleet sees it", lambda: "prod-api-1" in walk.desk("fleet", "status", "--json").json["away"])

    done = walk.desk("run", "true", "--env", "prod", "--timeout", "1s", "--json")

    assert done.statuses == {"prod-web-1": "ok", "prod-web-2": "ok", "prod-api-1": "unreachable"}
    assert done.code == 4
