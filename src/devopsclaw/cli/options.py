"""The flags that every command takes, before or after its name, and what a strange one is answered."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import click

_SWITCHES: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "json": (("--json",), ("output", "json"), "The same as -o json."),
    "quiet": (("-q", "--quiet"), ("quiet", True), "Only results and errors."),
    "verbose": (("-v", "--verbose"), ("verbose", True), "Each step as a line on stderr."),
    "debug": (("-d", "--debug"), ("debug", True), "Tracebacks of unexpected errors."),
    "no_input": (("--no-input",), ("no_input", True), "Never ask; exit 9 where a yes is needed."),
    "yes": (("--yes",), ("yes", True), "Confirm a plan of high risk beforehand."),
    "wait_approval": (
        ("--wait-approval",),
        ("wait_approval", True),
        "Where a yes is needed, ask for it in every console and wait.",
    ),
}
_VALUES: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "output": (("-o", "--output"), click.Choice(["json", "table"]), "How results are printed."),
    "confirm": (("--confirm",), click.STRING, "Confirm a plan of critical risk, as prod:43."),
    "color": (("--color",), click.Choice(["auto", "always", "never"]), "Colours; NO_COLOR is heeded."),
}

GLOBAL_FLAGS = frozenset(
    ["-h", "--help", "--dry-run"]
    + [flag for table in (_SWITCHES, _VALUES) for flags, *_ in table.values() for flag in flags]
)
"""Flags that no operation may use for a field of its own."""

NEAR = 0.65
"""How like two words are of which one is offered for the other: tga and tag, but not bogus and verbose."""


class Strict(click.Command):
    """A command that answers an unknown option with those of its own that are like it, or with none."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, which also compares the dashes and so offers what is not like it at all."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as unknown:
            near = _near(unknown.option_name, self.get_params(ctx))
            raise click.NoSuchOption(unknown.option_name, possibilities=near, ctx=ctx) from None


def _near(name: str, params: list[click.Parameter]) -> list[str]:
    """The shown long options that are like this one, the nearest first."""
    options = [param for param in params if isinstance(param, click.Option) and not param.hidden]
    flags = [flag for option in options for flag in (*option.opts, *option.secondary_opts)]
    words = {flag.removeprefix("--"): flag for flag in flags if flag.startswith("--")}
    return [words[word] for word in get_close_matches(name.lstrip("-"), words, cutoff=NEAR)]


def global_options() -> list[click.Parameter]:
    """Fresh options for one command; each writes into the session's settings when it is given."""
    switches = [
        click.Option(
            (f"global_{name}", *flags), is_flag=True, expose_value=False, help=text, callback=_set(*told)
        )
        for name, (flags, told, text) in _SWITCHES.items()
    ]
    values = [
        click.Option(
            (f"global_{name}", *flags), type=kind, expose_value=False, help=text, callback=_set(name)
        )
        for name, (flags, kind, text) in _VALUES.items()
    ]
    return [*values[:1], *switches, *values[1:]]


def dry_run_option() -> click.Option:
    """For commands that change something."""
    return click.Option(
        ("global_dry_run", "--dry-run"),
        is_flag=True,
        expose_value=False,
        help="Print the plan; change nothing.",
        callback=_set("dry_run", True),
    )


def _set(field: str, constant: Any = None) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A click callback that keeps what was typed: the constant, or the value where there is none."""

    def keep(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value not in (None, False) and context.obj is not None:
            setattr(context.obj.settings, field, value if constant is None else constant)
        return value

    return keep
