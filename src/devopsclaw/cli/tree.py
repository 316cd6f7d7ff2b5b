"""The click tree, built on demand from `commands.json`. Loads click and json; nothing runs here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from devopsclaw.cli.options import Strict, dry_run_option, global_options
from devopsclaw.cli.settings import Settings
from devopsclaw.model.errors import Misused

COMMANDS = Path(__file__).with_name("commands.json")
HELP_NAMES = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

SECTIONS: dict[str, tuple[str, ...]] = {
    "Operate": ("run", "fleet", "node", "jobs"),
    "Understand": ("status", "doctor", "audit", "version", "schema", "help"),
    "Set up": ("demo", "onboard", "config", "keys", "relay", "agent-daemon", "gateway", "completion"),
}
"""Top-level commands as the first page shows them; any other comes last, under More."""

EPILOG = """\b
Examples
  devopsclaw                              open the console
  devopsclaw run "uptime" --tag role=web
  devopsclaw node list --json
  devopsclaw audit list --since 24h

\b
devopsclaw COMMAND --help   explains a command
devopsclaw help TOPIC       exit-codes, targets, env, keys
"""


@dataclass
class Session:
    """What one command line carries through the tree. `perform` runs an operation's command with the
    given params; `faces` are the other ways in, by the name in `commands.json`: called with the settings and
    what was typed, each returns an exit code.
    """

    perform: Callable[[dict[str, Any], dict[str, Any], Settings], int]
    faces: Mapping[str, Callable[..., int]]
    has_terminal: bool = False
    settings: Settings = field(default_factory=Settings)


@dataclass
class Branch:
    """A word of the command line: what follows it, and what it is itself."""

    children: dict[str, Branch] = field(default_factory=dict)
    command: dict[str, Any] | None = None
    also: list[str] = field(default_factory=list)
    """Other names of this command beside it, as `ls` for `list`."""
    hidden: bool = False
    default: str = ""
    """The verb that is meant where none follows."""

    def grow(self, path: Sequence[str]) -> Branch:
        """The branch at the end of this path, made where it is missing."""
        here = self
        for word in path:
            here = here.children.setdefault(word, Branch())
        return here


def plant(commands: Sequence[dict[str, Any]]) -> Branch:
    """The whole tree of words, aliases included."""
    root = Branch()
    for command in commands:
        root.grow(command["path"]).command = command
    for command in commands:
        for alias in command["aliases"]:
            _graft(root, alias.split(), command)
    for branch in root.children.values():
        branch.hidden = _is_only_aliased(branch)
    return root


def _graft(root: Branch, alias: list[str], command: dict[str, Any]) -> None:
    """Add another name; a noun that exists gets its default verb instead."""
    path = command["path"]
    if alias == path[:-1]:
        root.grow(alias).default = path[-1]
        return
    branch = root.grow(alias)
    branch.command = command
    if alias[:-1] == path[:-1]:
        branch.hidden = True
        root.grow(path).also.append(alias[-1])


def _is_only_aliased(branch: Branch) -> bool:
    """Whether every verb of this noun stands on the first page by itself, as `onboard` of `home`."""
    verbs = branch.children.items()
    return bool(verbs) and all(verb.command and name in verb.command["aliases"] for name, verb in verbs)


class Verb(Strict):
    """One command of `commands.json`."""

    def __init__(self, name: str, spec: dict[str, Any]) -> None:
        changes = spec["effect"] not in ("", "read")
        typed = [param for param in spec["params"] if param["kind"] != "secret"]
        own: list[click.Parameter] = [_parameter(param) for param in typed]
        self.spec = spec
        self.own = [*own, dry_run_option()] if changes else own
        super().__init__(
            name,
            params=[*self.own, *global_options()],
            help=_paragraphs(spec["description"]),
            short_help=spec["summary"],
            epilog=_examples(spec["examples"]),
            context_settings=HELP_NAMES,
        )

    def invoke(self, context: click.Context) -> int:
        """Run the operation, or the face, with exactly what was typed; its exit code."""
        session: Session = context.find_root().obj
        values = dict(_given(context, self.spec["params"]))
        if "face" in self.spec:
            return session.faces[self.spec["face"]](
                session.settings, **_with_flags(self.spec, values, session.settings)
            )
        panes = [
            param["pane"] for param in self.spec["params"] if "pane" in param and values.pop(param["name"], 0)
        ]
        if panes and session.has_terminal:
            return session.faces["console"](session.settings, pane=panes[0])
        return session.perform(self.spec, values, session.settings)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own; the global ones in one line, since the first page explains them."""
        rows = [param.get_help_record(ctx) for param in self.own if isinstance(param, click.Option)]
        shown = [row for row in rows if row is not None]
        if shown:
            with formatter.section("Options"):
                formatter.write_dl(shown)
        _name_globals(formatter)


class Noun(Strict, click.Group):
    """A word that verbs follow; the commands are made when they are asked for."""

    def __init__(self, name: str, branch: Branch, **extra: Any) -> None:
        super().__init__(name, params=global_options(), context_settings=HELP_NAMES, **extra)
        self.branch = branch

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands first; on the first page the global options in full."""
        self.format_commands(ctx, formatter)
        if ctx.parent is None:
            click.Command.format_options(self, ctx, formatter)
        else:
            _name_globals(formatter)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The words that are shown."""
        return sorted(name for name, branch in self.branch.children.items() if not branch.hidden)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command behind a word."""
        branch = self.branch.children.get(cmd_name)
        if branch is None:
            return None
        if branch.command is not None and not branch.children:
            return Verb(cmd_name, branch.command)
        return Noun(cmd_name, branch, short_help=_summary(branch), no_args_is_help=not branch.default)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default verb in where the line names none."""
        words = [word for word in args if word in self.branch.children]
        if self.branch.default and not words:
            args = [self.branch.default, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown word is answered with the nearest ones of this tree."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as unknown:
            raise click.exceptions.NoSuchCommand(
                unknown.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands by section; summaries come from the words, so no command is built for this."""
        for heading, names in self._sections(ctx):
            with formatter.section(heading):
                formatter.write_dl(
                    [(self._label(name), _summary(self.branch.children[name])) for name in names]
                )

    def _sections(self, ctx: click.Context) -> Iterator[tuple[str, list[str]]]:
        rest = self.list_commands(ctx)
        for heading, wanted in SECTIONS.items() if ctx.parent is None else ():
            names = [name for name in wanted if name in rest]
            rest = [name for name in rest if name not in names]
            if names:
                yield heading, names
        if rest:
            yield ("Commands" if ctx.parent else "More"), rest

    def _label(self, name: str) -> str:
        return ", ".join([name, *self.branch.children[name].also])


def root(commands: Sequence[dict[str, Any]] | None = None) -> Noun:
    """The tree of these commands; without them, of the shipped `commands.json`."""
    if commands is None:
        commands = json.loads(COMMANDS.read_text(encoding="utf-8"))
    return Noun(
        "devopsclaw",
        plant(commands),
        help="A console from which on-call engineers run a fleet.",
        epilog=EPILOG,
        invoke_without_command=True,
        callback=_alone,
    )


def _alone() -> int:
    """`devopsclaw` without a command: the console, or its help where there is no terminal."""
    context = click.get_current_context()
    session: Session = context.obj
    if context.invoked_subcommand is not None:
        return 0
    if session.has_terminal:
        return session.faces["console"](session.settings, pane="fleet")
    click.echo(context.get_help())
    return 0


def _name_globals(formatter: click.HelpFormatter) -> None:
    with formatter.section("Global options (devopsclaw --help)"):
        formatter.write_text(" ".join(option.opts[0] for option in global_options()))


def _given(context: click.Context, params: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """What was typed; fields that were not keep the default of the operation's own model."""
    for param in params:
        name = param["name"]
        value = context.params.get(name)
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield name, list(value) if isinstance(value, tuple) else value


def _with_flags(spec: dict[str, Any], values: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The values of a face; those that are settings of the configuration together, as `flags`.

    Raises Misused for two tokens.
    """
    keys = {param["name"]: param["config"] for param in spec["params"] if "config" in param}
    if not keys:
        return values
    if {"token", "token_file"} <= values.keys():
        raise Misused("--token and --token-file were both given", hint="leave --token out")
    flags = {keys[name]: _written(value) for name, value in values.items() if name in keys}
    if settings.debug:
        flags["log.level"] = "debug"
    return {**{name: value for name, value in values.items() if name not in keys}, "flags": flags}


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(spec: dict[str, Any]) -> click.Parameter:
    """The argument or option of one field."""
    kind = {"integer": click.INT, "choice": click.Choice(spec.get("choices", []))}
    more: dict[str, Any] = {"type": kind.get(spec["type"], click.STRING), "metavar": spec.get("metavar")}
    required = bool(spec.get("required"))
    has_default = "default" in spec and spec["type"] != "flag"
    text = spec["help"] + (f" [default: {_shown(spec['default'])}]" if has_default else "")
    if spec["kind"] == "argument":
        count = -1 if spec.get("many") else 1
        return click.Argument([spec["name"]], required=required, nargs=count, help=text, **more)
    flags = list(spec["flags"])
    if spec["type"] == "flag":
        more = {"is_flag": True}
        if spec.get("default"):
            flags[0] = f"{flags[0]}/--no-{flags[0].removeprefix('--')}"
    for key, word in (("multiple", "many"), ("hidden", "hidden")):
        more[key] = bool(spec.get(word))
    return click.Option([spec["name"], *flags], required=required, help=text, **more)


def _shown(default: Any) -> str:
    return ", ".join(str(each) for each in default) if isinstance(default, list) else str(default)


def _summary(branch: Branch) -> str:
    """One line for a list: the command's own, the default verb's, or the verbs that follow."""
    if branch.command is not None:
        return str(branch.command["summary"])
    if branch.default:
        return _summary(branch.children[branch.default])
    return ", ".join(sorted(name for name, child in branch.children.items() if not child.hidden))


def _paragraphs(description: str) -> str:
    """The docstring's text without its indentation; click wraps it."""
    return "\n".join(line.strip() for line in description.splitlines())


def _examples(lines: Sequence[str]) -> str | None:
    return "\n".join(["\b", "Examples", *(f"  {line}" for line in lines)]) if lines else None
