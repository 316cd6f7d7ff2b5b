"""What is typed wrong, missing, taken or broken: one clear line that says what to do, the right exit code,
and everything as it was. No traceback ever: `Machine` looks for one in each answer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from tests.journeys.middleman import middleman
from tests.journeys.processes import TOKEN, Completed, House, Machine, Serving, flip

OTHER_TOKEN = "quite-another-secret-token"


@dataclass
class Fleet:
    """A claimed relay, one node, and the desk."""

    house: House
    desk: Machine
    relay: Serving
    url: str
    daemon: Serving


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Shared: what is refused here changes nothing."""
    house = House(tmp_path_factory.mktemp("fleet"))
    try:
        desk = house.machine("desk")
        relay, url = house.relay()
        daemon = house.daemon("web-1", url)
        house.claim(desk, [daemon])
        assert desk("node", "register", "--name", "web-1", "--tags", "role=web").code == 0
        assert desk("node", "register", "--name", "elsewhere").code == 0
        yield Fleet(house, desk, relay, url, daemon)
    finally:
        house.end()


def standing(desk: Machine) -> list[object]:
    """What a refusal must not change: the nodes, and what ran."""
    nodes = desk("node", "list", "--json").json["items"]
    return [[(node["name"], node["status"], node["labels"]) for node in nodes], desk("jobs", "list").out]


def is_clear(done: Completed, code: int, *told: str) -> bool:
    """Whether it ended with this code and said this, as one error with a way on, and printed no result."""
    assert done.code == code, done.out + done.err
    assert done.out == "" and done.err.count("error: ") == 1 and "\n  try: " in done.err, done.err
    assert all(text in done.err for text in told), done.err
    return True


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--target", ""), "expected a target"),
        (("--target", "   "), "expected a target"),
        (("--target", ","), "found ','"),
        (("--node", ""), "expected a target"),
        (("--tag", ""), "--tag"),
        (("--env", " , "), "--env"),
        (("--target", "role=("), "column 6"),
        (("--node", "web-9"), "did you mean web-1?"),
        (("--tag", "role=db"), "no node matches role=db"),
        (("--group", "eu"), "eu"),
        ((), "there are 2 nodes"),
    ],
)
def test_a_wrong_target_is_never_all(fleet: Fleet, words: tuple[str, ...], told: str) -> None:
    assert is_clear(fleet.desk("run", "touch ran", *words), 2, told)
    assert not (fleet.house.machine("web-1").user / "ran").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("runn", "uptime"), "no such command 'runn'"),
        (("run", "uptime", "--tga", "role=web"), "--tga"),
        (("run", " "), "the command is empty"),
        (("run", "true", "-t", "all", "--timeout", "soon"), "--timeout"),
        (("run", "true", "-t", "all", "--delay", "1s"), "--serial"),
        (("node", "show", "web-9"), "web-1"),
        (("jobs", "watch", "X-999"), "X-999"),
        (("audit", "show", "E-999999"), "E-999999"),
        (("config", "get", "relay.adr"), "relay.adr"),
        (("demo", "--nodes", "0"), "--nodes 50"),
        (("--headless", "nothing"), "relay, daemon or gateway"),
    ],
)
def test_a_wrong_line_says_what_to_type(fleet: Fleet, words: tuple[str, ...], told: str) -> None:
    assert is_clear(fleet.desk(*words), 2, told)


def test_what_was_refused_changed_nothing(fleet: Fleet) -> None:
    before = standing(fleet.desk)

    for code, command in ((2, " "), (3, "rm -rf /"), (9, "rm -r something"), (9, "reboot")):
        assert is_clear(fleet.desk("run", command, "--node", "web-1"), code)

    assert standing(fleet.desk) == before


def test_an_error_is_json_where_json_was_asked_for(fleet: Fleet) -> None:
    done = fleet.desk("run", "uptime", "--json")

    assert (done.code, done.out) == (2, "")
    error = Completed(0, done.err, "").json["error"]
    assert error["code"] == "bad_target" and "2 nodes" in error["message"] and error["hint"]


@pytest.mark.parametrize(
    ("name", "words", "told"),
    [
        ("wrong-token", ("--token", OTHER_TOKEN), "wrong token, or somebody is in between"),
        ("no-token", (), "there is no token to check it by"),
        ("web-1", ("--token", TOKEN), "the name web-1 belongs to another key"),
        ("plain", ("--token", TOKEN, "--insecure"), "a relay speaks TLS"),
    ],
)
def test_a_daemon_that_is_refused_says_why(
    fleet: Fleet, name: str, words: tuple[str, ...], told: str
) -> None:
    stranger = fleet.house.machine(f"stranger-{name}")

    daemon = stranger.start("agent-daemon", "--relay", fleet.url, "--node-id", name, *words)

    daemon.wait_said(told)
    daemon.wait_said("\n  try: ")
    assert daemon.end() == 0 and "Traceback (most" not in daemon.said


def test_a_second_key_under_a_name_raises_an_alarm(fleet: Fleet) -> None:
    twin = fleet.house.machine("twin")
    daemon = twin.start("agent-daemon", "--relay", fleet.url, "--node-id", "web-1", "--token", TOKEN)
    daemon.wait_said("belongs to another key")
    daemon.end()

    (node,) = fleet.desk("node", "list", "--tag", "role=web", "--json").json["items"]

    assert node["status"] == "online" and "another key asked for the name web-1" in node["alarm"]


def test_a_man_in_the_middle_learns_nothing_and_gets_no_session(fleet: Fleet) -> None:
    victim, other = fleet.house.machine("victim"), fleet.house.machine("other-desk")
    with middleman(fleet.house.root / "middleman", fleet.url) as between:
        daemon = victim.start("agent-daemon", "--relay", between, "--node-id", "victim", "--token", TOKEN)
        daemon.wait_said("could not prove its key: somebody is in between\n  try: ")
        settings = {"DEVOPSCLAW_RELAY_URL": between, "DEVOPSCLAW_RELAY_AUTH_TOKEN": TOKEN}
        assert is_clear(other("run", "uptime", **settings), 3, "somebody is in between")
        assert daemon.end() == 0

    nodes = fleet.desk("node", "list", "--json").json["items"]
    assert [node["name"] for node in nodes] == ["elsewhere", "web-1"]  # and none of those refused above


def test_a_desk_without_the_right_secret_is_denied(fleet: Fleet) -> None:
    other = fleet.house.machine("wrong-desk")
    at = {"DEVOPSCLAW_RELAY_URL": fleet.url}

    wrong = other("run", "uptime", **at, DEVOPSCLAW_RELAY_AUTH_TOKEN=OTHER_TOKEN)
    alone = other("run", "uptime", **at, DEVOPSCLAW_RELAY_AUTH_TOKEN=TOKEN)
    claim = other("relay", "connect", fleet.url, "--claim", "abcdefghijklmnopqrstuvwxyz", "--yes")

    assert is_clear(wrong, 3, "wrong token, or somebody is in between")
    assert is_clear(alone, 3, "this relay belongs to another controller")
    assert is_clear(claim, 3, "wrong claim code", "devopsclaw relay start")


def test_a_port_in_use_and_a_home_in_use_are_named(fleet: Fleet) -> None:
    address = fleet.url.removeprefix("ws://")
    taken = fleet.house.machine("second")("relay", "start", "--addr", address, "--token", TOKEN)
    held = fleet.desk("relay", "start", "--addr", "127.0.0.1:0", "--token", TOKEN)

    assert is_clear(taken, 1, f"cannot listen on {address}: the port is in use")
    assert is_clear(held, 1, "another devopsclaw relay has this home open")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--max", "100000000"), "ulimit -n"),
        (("--token-file", "/nowhere/token"), "/nowhere/token"),
        (("--token", "a", "--token-file", "b"), "--token and --token-file"),
        (("--addr", "nonsense"), "HOST:PORT"),
        (("--tls-cert", "/nowhere/cert.pem"), "--tls-key"),
    ],
)
def test_a_relay_that_cannot_start_says_why(claw: Machine, words: tuple[str, ...], told: str) -> None:
    assert is_clear(claw("relay", "start", *words), 2, told)


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ('{\n  "relay": {\n    "listen_adr": ":1"\n  }\n}', ":3:", "did you mean relay.listen_addr"),
        ('{\n  "relay": {\n    "max_connections": "many"\n  }\n}', ":3:", "integer"),
        ('{\n  "relay": {\n', ":", "never closed"),
        ("[]", ":1:", ""),
    ],
)
def test_a_bad_configuration_names_file_and_line(claw: Machine, text: str, place: str, told: str) -> None:
    claw.home.mkdir()
    (claw.home / "config.json").write_text(text)

    for words in (("run", "uptime"), ("relay", "start")):
        assert is_clear(claw(*words), 2, f"~/.devopsclaw/config.json{place}", told)
    assert [path.name for path in claw.home.iterdir()] == ["config.json"]


@pytest.mark.parametrize("name", ["core.db", "local.db"])
def test_a_damaged_database_is_kept_aside_and_said_so(claw: Machine, name: str) -> None:
    assert claw("run", "echo one").code == 0
    database = claw.home / "state" / name
    flip(database, 100)
    damaged = database.read_bytes()

    done = claw("run", "echo two")

    assert done.code == 0 and "two" in done.out
    (aside,) = [path for path in database.parent.glob(f"{name}.damaged-*") if path.suffix[-1] == "Z"]
    assert aside.read_bytes() == damaged
    assert f"it was kept as {aside}" in done.err and "\n  try: " in done.err
    assert claw("run", "echo three").err.count("warning") == 0
    assert len(claw("audit", "list", "--json").json["items"]) == 3
    assert claw("audit", "verify").code == 0


@pytest.mark.parametrize("name", ["state/core.db", "audit/audit.db"])
def test_a_locked_database_is_named_and_nothing_runs(claw: Machine, name: str) -> None:
    assert claw("run", "echo one").code == 0
    with closing(sqlite3.connect(claw.home / name, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        done = claw("run", "touch ran")

    assert is_clear(done, 1, name, "another process holds it locked")
    assert not (claw.user / "ran").exists()
    assert claw("run", "echo two").code == 0
    assert claw("audit", "verify").code == 0


ON_A_FULL_DISK = """
devopsclaw run "echo one" >/dev/null && echo first went well
head -c 100000000 /dev/zero >"$DEVOPSCLAW_HOME/filler" 2>/dev/null
devopsclaw run "touch ran"; echo "code $?"
[ -e ran ] && echo it ran
rm "$DEVOPSCLAW_HOME/filler"
devopsclaw run "echo two" >/dev/null && echo last went well
devopsclaw audit verify
"""


def test_on_a_full_disk_nothing_runs_and_nothing_is_lost(claw: Machine) -> None:
    small = f"--dev-bind / / --size 2000000 --tmpfs {claw.home}"
    (claw.user / "script").write_text(ON_A_FULL_DISK)

    done = claw.shell(f"bwrap {small} -- /bin/sh script")

    told = done.out.splitlines()
    assert told[:3] == ["first went well", "code 1", "last went well"], done.out + done.err
    assert told[3].startswith("whole: 2 entries")
    assert done.err.count("error: ") == 1 and "the disk is full\n  try: free some space" in done.err


def test_an_offline_node_is_unreachable(fleet: Fleet) -> None:
    done = fleet.desk("run", "uptime", "--node", "elsewhere", "--json")

    assert (done.code, done.statuses) == (4, {"elsewhere": "unreachable"})
    assert done.json["items"][0]["reason"]


def test_a_relay_that_is_down_is_named_with_the_way_to_start_it(fleet: Fleet) -> None:
    """The last of this file: it ends the relay."""
    assert fleet.relay.end() == 0
    at = {"DEVOPSCLAW_RELAY_URL": fleet.url}

    assert is_clear(fleet.desk("run", "uptime", "--node", "web-1"), 4, "devopsclaw relay start")
    assert is_clear(fleet.desk("run", "uptime", "--node", "web-1", **at), 4, "nothing listens at")
    assert "offline" in fleet.desk("node", "list").out
