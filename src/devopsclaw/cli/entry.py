"""The command line from its words to its exit code: reads the tree, hands commands to the runner, and
answers help, schema and completion itself.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any

import click
from click.shell_completion import get_completion_class

from devopsclaw.cli import tree
from devopsclaw.cli.aliases import HEADLESS
from devopsclaw.cli.output import Printer
from devopsclaw.cli.settings import Settings
from devopsclaw.cli.topics import TOPICS
from devopsclaw.model.errors import ClawError, Misused, NotFound

PROGRAM = "devopsclaw"
SCHEMAS = Path(__file__).with_name("schemas.json")
COMPLETE_VARIABLE = "_DEVOPSCLAW_COMPLETE"

EXAMINE = "doctor.examine"
"""The operation whose face adds what only the terminal knows: `cli.doctor`."""

Face = Callable[..., int]


def main(
    arguments: Sequence[str],
    faces: Mapping[str, Face] | None = None,
    perform: Callable[..., int] | None = None,
    version: str = "unknown",
) -> int:
    """Run one command line and give its exit code. `faces` are the ways in that lie outside this
    package; `perform` runs an operation, without one in a core. `version` is told to that core.
    """
    settings = Settings(output="json" if wants_json(arguments) else "table")
    own: dict[str, Face] = {"help": _help, "schema": _schema, "completion": _completion}
    session = tree.Session(
        perform=perform or partial(in_core, version),
        faces={**own, **(faces or {})},
        has_terminal=sys.stdin.isatty() and sys.stdout.isatty(),
        settings=settings,
    )
    try:
        code = tree.root().main(
            with_role([as_text(word) for word in arguments]),
            prog_name=PROGRAM,
            standalone_mode=False,
            obj=session,
            complete_var=COMPLETE_VARIABLE,
        )
    except click.exceptions.NoArgsIsHelpError as unfinished:
        sys.stderr.write(unfinished.format_message() + "\n")
        return 2
    except click.UsageError as wrong:
        return _failed(misused(wrong), settings)
    except click.Abort:
        return 130
    except ClawError as error:
        return _failed(error, settings)
    return int(code or 0)


def in_core(version: str, spec: dict[str, Any], params: dict[str, Any], settings: Settings) -> int:
    """Run a command's operation in the core that runs, else in one of this process; the exit code."""
    from devopsclaw.cli.runner import Request, perform

    is_read = spec["effect"] == "read"
    secrets = frozenset(param["name"] for param in spec["params"] if param["kind"] == "secret")
    if secrets or any("path" in param for param in spec["params"]):
        from devopsclaw.cli.typed import completed

        params = completed(spec["params"], params, settings)
    request = Request(spec["operation"], params, spec["columns"], settings, is_read, secrets)
    if request.operation == EXAMINE:
        from devopsclaw.cli import doctor

        return doctor.examine(settings, lambda printer: perform(request, _own_core, printer, version))
    return perform(request, _own_core, Printer(settings), version)


def _own_core(*given: Any, **options: Any) -> Any:
    """`boot.open`; only a command that finds no core pays for the engines."""
    from devopsclaw import boot

    return boot.open(*given, **options, hands_over=True)


def as_text(word: str) -> str:
    """The word as text. Python hands bytes that its locale does not know over as half characters.

    They are read as UTF-8, whatever the locale; raises Misused for what is none.
    """
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        raise Misused(
            f"{word!a} is no text in UTF-8", hint="write such bytes as escapes, as: printf '\\377'"
        ) from None


def with_role(words: list[str]) -> list[str]:
    """The words with `--headless ROLE` replaced by its command. Raises Misused for another role."""
    leading = list(takewhile(lambda word: word.startswith("-"), words))
    if "--headless" not in leading:
        return words
    place = leading.index("--headless")
    role = words[place + 1] if len(words) > place + 1 else ""
    if role not in HEADLESS:
        raise Misused(
            f"--headless takes relay, daemon or gateway, not {role!r}" if role else "--headless needs a role",
            hint=" or ".join(f"devopsclaw --headless {name}" for name in HEADLESS),
        )
    return [*words[:place], *HEADLESS[role], *words[place + 2 :]]


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors are to be JSON, judged before the line is understood."""
    words = list(takewhile(lambda word: word != "--", arguments))
    is_asked = {"--json", "-ojson", "--output=json"}.intersection(words)
    return bool(is_asked or {("-o", "json"), ("--output", "json")}.intersection(pairwise(words)))


def misused(wrong: click.UsageError) -> Misused:
    """Click's error as ours: what is wrong in one line, and the line to type instead."""
    path = wrong.ctx.command_path if wrong.ctx else PROGRAM
    near = getattr(wrong, "possibilities", None)
    text = wrong.message if near is not None else wrong.format_message()
    hint = f"{path} --help"
    if near and isinstance(wrong, click.exceptions.NoSuchCommand):
        hint = " or ".join(f"{path} {name}" for name in near)
    elif near:
        hint = near[0]
    return Misused(_lowered(text.rstrip(".")), hint=hint)


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _failed(error: ClawError, settings: Settings) -> int:
    Printer(settings).error(error)
    return error.exit_code


def _help(settings: Settings, words: Sequence[str] = ()) -> int:
    """Print a topic or the help of a command. Raises NotFound for a word that is neither."""
    if len(words) == 1 and words[0] in TOPICS:
        Printer(settings).out(TOPICS[words[0]]())
        return 0
    command: click.Command = tree.root()
    context = click.Context(command, info_name=PROGRAM, **command.context_settings)
    for word in words:
        found = command.get_command(context, word) if isinstance(command, click.Group) else None
        if found is None:
            names = [*TOPICS, *(command.list_commands(context) if isinstance(command, click.Group) else [])]
            near = get_close_matches(word, names, 1)
            hint = f"devopsclaw help {near[0]}" if near else "devopsclaw --help"
            raise NotFound(f"there is no command or topic {' '.join(words)!r}", hint=hint)
        context = click.Context(found, info_name=word, parent=context, **found.context_settings)
        command = found
    Printer(settings).out(command.get_help(context))
    return 0


def _schema(settings: Settings, schema: str = "") -> int:
    """Print one JSON Schema, or the names of all. Raises NotFound for an unknown name."""
    schemas: dict[str, Any] = json.loads(SCHEMAS.read_text(encoding="utf-8"))
    printer = Printer(settings)
    if not schema:
        printer.out(json.dumps(list(schemas)) if settings.json else "\n".join(schemas))
        return 0
    short = {name.removeprefix("devopsclaw.").partition("/")[0]: name for name in schemas}
    name = short.get(schema, schema)
    if name not in schemas:
        near = get_close_matches(schema, [*schemas, *short], 1)
        hint = f"devopsclaw schema {near[0]}" if near else "devopsclaw schema"
        raise NotFound(f"there is no schema {schema!r}", hint=hint)
    printer.out(json.dumps(schemas[name], indent=2, ensure_ascii=False))
    return 0


def _completion(settings: Settings, shell: str) -> int:
    """Print the completion script; click makes it for all four shells."""
    kind = get_completion_class(shell)
    if kind is None:
        raise NotFound(f"there is no completion for {shell}", hint="devopsclaw completion --help")
    Printer(settings).out(kind(tree.root(), {}, PROGRAM, COMPLETE_VARIABLE).source())
    return 0
