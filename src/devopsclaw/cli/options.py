"""The flags that every command takes, before or after its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_SWITCHES: dict[str, tuple[tuple[str, ...], Any, str]] = {
    "json": (("--json",), ("output", "json"), "The same as -o json."),
    "quiet": (("-q", "--quiet"), ("quiet", True), "Only results and errors."),
    "verbose": (("-v", "--verbose"), ("verbose", True), "Each step as a line on stderr."),
    "debug": (("-d", "--debug"), ("debug", True), "Tracebacks of unexpected errors."),
    "no_input": (("--no-input",), ("no_input", True), "Never ask; exit 9 where a yes is needed."),
    "yes": (("--yes",), ("yes", True), "Confirm a plan of high risk beforehand."),
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
