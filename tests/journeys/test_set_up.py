"""The first minutes: onboarding twice, completion in each shell, what is in force, and JSON everywhere."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.processes import House, Machine

PAGES = ["AGENT.md", "HEARTBEAT.md", "IDENTITY.md", "SOUL.md", "USER.md"]


@pytest.fixture(scope="module", params=["its own core", "a resident core"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A home that was set up and in which one command ran; twice: each command opens a core, or finds one."""
    house = House(tmp_path_factory.mktemp("set-up"))
    desk = house.machine("desk")
    assert desk("onboard", "--no-input").code == 0
    if request.param == "a resident core":
        desk.start("--headless", "gateway").wait_said("core: open on")
    assert desk("run", "echo one").code == 0
    yield desk
    house.end()


def modes(home: Path) -> dict[str, int]:
    """The permissions of everything in a home."""
    return {str(path): stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*")}


def test_onboarding_writes_a_home_names_each_file_and_says_what_next(claw: Machine) -> None:
    done = claw("onboard")

    assert (done.code, done.err) == (0, "")
    workspace = claw.home / "workspace"
    assert sorted(path.name for path in workspace.iterdir()) == [*PAGES, "memory", "skills"]
    for name in ("config.json", *(f"workspace/{page}" for page in PAGES)):
        assert f"created  ~/.devopsclaw/{name}" in done.out
    assert "Next:" in done.out and "devopsclaw run uptime" in done.out
    assert not [path for path, mode in modes(claw.home).items() if mode & 0o077]


def test_onboarding_again_changes_nothing(claw: Machine) -> None:
    claw("onboard", "--no-input")
    (claw.home / "config.json").write_text("{} // mine\n")
    (claw.home / "workspace" / "SOUL.md").unlink()

    done = claw("onboard", "--no-input")

    assert done.code == 0 and "kept     ~/.devopsclaw/config.json" in done.out
    assert "created  ~/.devopsclaw/workspace/SOUL.md" in done.out
    assert (claw.home / "config.json").read_text() == "{} // mine\n"
    again = claw("onboard")
    assert again.code == 0 and "created" not in again.out


def test_without_a_terminal_devopsclaw_prints_its_help(claw: Machine) -> None:
    done = claw()

    assert (done.code, done.err) == (0, "")
    assert "agent-daemon" in done.out and "devopsclaw help TOPIC" in done.out
    assert not claw.home.exists()


def test_version_says_which_build_it_is(claw: Machine) -> None:
    done = claw("version", "--json")

    assert done.code == 0 and {"version", "commit", "built"} < done.json.keys()
    assert claw("version").out.startswith(f"devopsclaw {done.json['version']} (")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_each_shell_gets_a_completion_that_it_can_read(claw: Machine, shell: str, tmp_path: Path) -> None:
    done = claw("completion", shell)

    assert done.code == 0 and "devopsclaw" in done.out and "_DEVOPSCLAW_COMPLETE" in done.out
    script = tmp_path / "completion"
    script.write_text(done.out)
    if shell != "powershell" and shutil.which(shell):
        subprocess.run([shell, "-n", str(script)], check=True)


def test_completion_knows_commands_and_flags(claw: Machine) -> None:
    def completed(*words: str) -> str:
        line = " ".join(words)
        asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
        return claw(_DEVOPSCLAW_COMPLETE="bash_complete", **asked).out

    assert "plain,audit" in completed("devopsclaw", "au")
    assert "plain,verify" in completed("devopsclaw", "audit", "ver")
    assert "plain,--serial" in completed("devopsclaw", "run", "--se")


def test_a_value_names_its_origin(claw: Machine) -> None:
    claw.home.mkdir()
    (claw.home / "config.json").write_text('{ "fleet": { "timeout": 90 } }')

    shown = claw("config", "show", "--origin", "--json", DEVOPSCLAW_RELAY_MAX_CONNECTIONS="7")

    origins = {item["key"]: (item["value"], item["origin"]) for item in shown.json["items"]}
    assert origins["relay.max_connections"][0] == 7
    assert "DEVOPSCLAW_RELAY_MAX_CONNECTIONS" in origins["relay.max_connections"][1]
    assert "config.json:1" in origins["fleet.timeout"][1]
    assert origins["ui.theme"][1] == "default"
    assert claw("config", "show", "--origin").out.count("default") > 10


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("nodes", ("node", "list")),
        ("node", ("node", "show", "local")),
        ("run", ("run", "echo two")),
        ("plan", ("run", "echo two", "--dry-run")),
        ("jobs", ("jobs", "list")),
        ("run", ("jobs", "show", "X-1")),
        ("run", ("jobs", "watch", "X-1")),
        ("audit", ("audit", "list")),
        ("audit-entry", ("audit", "show", "E-1")),
        ("audit-export", ("audit", "export")),
        ("audit-verify", ("audit", "verify")),
        ("fleet_status", ("fleet", "status")),
        ("status", ("status",)),
        ("version", ("version",)),
        ("config", ("config", "show")),
        ("onboard", ("onboard",)),
    ],
)
def test_every_result_is_json_with_a_schema_where_asked(
    desk: Machine, schema: str, words: tuple[str, ...]
) -> None:
    after = desk(*words, "--json")

    assert after.code == 0, after.err
    assert after.json["schema"].partition("/")[0] == f"devopsclaw.{schema}"
    described = desk("schema", after.json["schema"])
    assert described.code == 0 and set(after.json) - {"schema"} <= described.json["properties"].keys()


def test_the_flag_for_json_may_stand_anywhere(desk: Machine) -> None:
    for words in (("--json", "node", "list"), ("node", "--json", "list"), ("node", "list", "-o", "json")):
        assert desk(*words).json["schema"] == "devopsclaw.nodes/1"


def test_an_export_can_be_had_in_three_forms(desk: Machine) -> None:
    lines = desk("audit", "export", "--format", "jsonl").out.splitlines()
    table = desk("audit", "export", "--format", "csv").out.splitlines()

    assert json.loads(lines[0])["id"] == "E-1" and set(table[0].split(",")) >= {
        "id",
        "time",
        "user",
        "action",
    }
    assert len(table) == len(lines) + 1


def test_no_colour_leaves_a_terminal_unless_it_is_wanted(desk: Machine) -> None:
    plain = desk("node", "list", NO_COLOR="1").out
    wanted = desk("node", "list", "--color", "always").out

    assert "\x1b" not in plain and "\x1b[" in wanted
    assert "\x1b" not in desk("node", "list", "--color", "always", "--color", "never").out


def test_a_locale_without_unicode_gets_ascii(desk: Machine) -> None:
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    done = desk("run", "echo grün", **plain)

    assert done.code == 0 and done.out.isascii() and "gr\\xfcn" in done.out
    assert desk("jobs", "list", "--json").json["items"][0]["command"] == "echo grün"


def test_a_reader_who_went_away_ends_nothing(desk: Machine) -> None:
    assert desk.shell("devopsclaw config show | head -1").code == 0
    assert desk.shell("devopsclaw run 'seq 100000' | head -1").err.count("Traceback (most") == 0


def test_nothing_is_asked_where_nobody_can_answer(desk: Machine) -> None:
    asked = desk("run", "rm -r something", stdin="y\n")
    told = desk("run", "rm -rf something", "--no-input", "--yes")

    assert asked.code == 9 and "the same command with --yes" in asked.err
    assert told.code == 0
