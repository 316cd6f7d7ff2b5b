"""The tree of commands, as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.shell_completion import BashComplete
from tests.cli.conftest import CommandLine

from devopsclaw.cli import tree
from devopsclaw.cli.aliases import PANES

Entered = dict[str, list[dict[str, object]]]


def given(said: str) -> dict[str, object]:
    """The params that reached the sample's fleet.exec: its nodes print them."""
    line = next(each for each in said.splitlines() if each.startswith("{"))
    found: dict[str, object] = json.loads(line)
    return found


def test_arguments_and_options_reach_the_operation(line: CommandLine) -> None:
    said = line("run", "uptime", "--tag", "a=1", "--tag", "b=2", "--max", "3", "--serial", "-w", "2")

    found = given(said.out)
    assert (found["command"], found["tag"], found["max"], found["serial"]) == (
        "uptime",
        ["a=1", "b=2"],
        3,
        True,
    )
    assert found["delay"] == 2.0


def test_what_was_not_typed_keeps_the_model_s_default(line: CommandLine) -> None:
    found = given(line("run", "uptime").out)

    assert (found["tag"], found["max"], found["delay"], found["verify"]) == ([], 0, 1.5, True)


def test_a_switch_that_is_on_can_be_turned_off(line: CommandLine) -> None:
    assert given(line("run", "uptime", "--no-verify").out)["verify"] is False


def test_a_command_line_that_looks_like_flags_goes_behind_two_dashes(line: CommandLine) -> None:
    assert given(line("run", "--serial", "--", "--json").out)["command"] == "--json"


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "node", "list"),
        ("node", "--json", "list"),
        ("node", "list", "--json"),
        ("node", "list", "-o", "json"),
    ],
)
def test_a_global_flag_is_taken_anywhere(line: CommandLine, words: tuple[str, ...]) -> None:
    assert json.loads(line(*words).out)["schema"] == "devopsclaw.nodes/1"


def test_the_last_of_two_formats_wins(line: CommandLine) -> None:
    assert line("--json", "node", "list", "-o", "table").out.startswith("NODE")


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (("nod", "list"), "no such command 'nod'", "devopsclaw node"),
        (("node", "lst"), "no such command 'lst'", "devopsclaw node list"),
        (("zzz",), "no such command 'zzz'", "devopsclaw --help"),
        (("run", "x", "--seriel"), "no such option '--seriel'", "--serial"),
        (("run", "x", "--tga=a"), "no such option '--tga'", "--tag"),
        (("run", "x", "--no-verfy"), "no such option '--no-verfy'", "--no-verify"),
        (("run", "x", "--jsn"), "no such option '--jsn'", "--json"),
        (("run", "--bogus"), "no such option '--bogus'", "devopsclaw run --help"),
        (("run", "x", "--secrt"), "no such option '--secrt'", "devopsclaw run --help"),
        (("node", "list", "--seriel"), "no such option '--seriel'", "devopsclaw node list --help"),
        (("node", "--bogus"), "no such option '--bogus'", "devopsclaw node --help"),
        (("--verbos", "node", "list"), "no such option '--verbos'", "--verbose"),
        (("run",), "missing argument 'COMMAND'", "devopsclaw run --help"),
        (("run", "x", "--max", "many"), "'many' is not a valid integer", "devopsclaw run --help"),
        (("node", "list", "--order", "size"), "'size' is not one of", "devopsclaw node list --help"),
        (("run", "a", "b"), "unexpected extra argument", "devopsclaw run --help"),
    ],
)
def test_a_wrong_line_is_one_error_and_one_hint(
    line: CommandLine, words: tuple[str, ...], error: str, hint: str
) -> None:
    said = line(*words)

    first, second = said.err.splitlines()
    assert first.startswith("error: ") and error in first
    assert second == f"  try: {hint}"
    assert (said.code, said.out) == (2, "")


def test_a_wrong_line_is_json_where_json_was_asked_for(line: CommandLine) -> None:
    said = line("--json", "nod")

    assert json.loads(said.err)["error"] == {
        "code": "usage",
        "message": "no such command 'nod'",
        "hint": "devopsclaw node",
    }


def test_a_reading_command_has_no_dry_run(line: CommandLine) -> None:
    assert line("node", "list", "--dry-run").code == 2


def test_without_a_terminal_the_bare_name_prints_its_help(line: CommandLine, faces: Entered) -> None:
    said = line()

    assert said.code == 0
    assert "Operate:\n  run " in said.out
    assert faces["console"] == []


def test_on_a_terminal_the_bare_name_opens_the_console(
    line: CommandLine, faces: Entered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert line().code == 0
    assert faces["console"] == [{"pane": "fleet"}]


def test_a_noun_alone_prints_its_verbs_and_is_an_error(line: CommandLine) -> None:
    said = line("node")

    assert said.code == 2
    assert "list, ls    List the nodes." in said.err


def test_help_shows_examples_and_leaves_hidden_options_out(line: CommandLine) -> None:
    text = line("run", "--help").out

    assert 'devopsclaw fleet exec "df -h /" --serial' in text
    assert "-w, --delay TIME" in text and "[default: 1.5]" in text
    assert "--secret" not in text
    assert "--dry-run" in text


def test_the_first_page_hides_a_noun_whose_verbs_stand_there_themselves(line: CommandLine) -> None:
    text = line("--help").out

    assert "\n  onboard " in text
    assert "\n  home" not in text


def test_a_role_gets_what_was_typed_under_the_keys_of_the_configuration(
    line: CommandLine, faces: Entered
) -> None:
    line("relay", "start", "--addr", ":9", "--max", "5", "--insecure", "-d")
    line("agent-daemon", "--relay", "ws://r:1", "--node-id", "web-1", "--token-file", "t")

    flags = {"relay.listen_addr": ":9", "relay.max_connections": "5", "relay.insecure": "true"}
    assert faces["relay"] == [{"flags": {**flags, "log.level": "debug"}}]
    assert faces["daemon"] == [
        {"flags": {"node.relay": "ws://r:1", "node.id": "web-1", "node.token_file": "t"}}
    ]


def test_two_tokens_are_refused(line: CommandLine, faces: Entered) -> None:
    said = line("relay", "start", "--token", "a", "--token-file", "b")

    assert said.code == 2
    assert "--token and --token-file were both given" in said.err
    assert faces["relay"] == []


def test_a_demo_gets_its_number_of_nodes(line: CommandLine, faces: Entered) -> None:
    line("demo")
    line("demo", "--nodes", "50")

    assert faces["demo"] == [{}, {"nodes": 50}]


def test_a_pane_switch_opens_the_console_on_a_terminal_and_prints_without(
    faces: Entered,
) -> None:
    spec = {
        "path": ["fleet", "status"],
        "operation": "fleet.status",
        "params": [PANES["fleet status"]],
        **dict.fromkeys(("effect", "summary", "description"), ""),
        **dict.fromkeys(("examples", "columns", "aliases"), ()),
    }
    printed: list[dict[str, object]] = []

    def perform(spec: object, params: dict[str, object], settings: object) -> int:
        printed.append(params)
        return 0

    def console(settings: object, **given: object) -> int:
        faces["console"].append(given)
        return 0

    for has_terminal in (True, False):
        session = tree.Session(perform, {"console": console}, has_terminal)
        tree.root([spec]).main(["fleet", "status", "--live"], standalone_mode=False, obj=session)

    assert faces["console"] == [{"pane": "fleet"}]
    assert printed == [{}]


def test_words_options_and_choices_complete(sample_commands: None) -> None:
    complete = BashComplete(tree.root(), {}, "devopsclaw", "_DEVOPSCLAW_COMPLETE")

    def offered(words: list[str], begun: str) -> set[str]:
        return {item.value for item in complete.get_completions(words, begun)}

    assert {"run", "node", "status"} <= offered([], "")
    assert offered(["node"], "l") == {"list"}
    assert "--serial" in offered(["run", "uptime"], "--s")
    assert offered(["node", "list", "--order"], "") == {"name", "age"}


def test_reading_the_line_loads_neither_pydantic_nor_asyncio() -> None:
    code = (
        "import sys; from devopsclaw.cli import entry; entry.main(['--help'], {}, None);"
        "heavy = {'pydantic', 'asyncio', 'textual', 'rich', 'sqlite3', 'cryptography'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
