"""Asking the person at the terminal for a yes. What needs one is decided at the gate, never here."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from devopsclaw.cli.output import Printer, plan_text
from devopsclaw.cli.settings import Settings
from devopsclaw.cli.signals import Signals
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import OTHER, ApprovalNeeded, Denied

LINE_LIMIT = 4096
"""Bytes of a typed line: what a terminal in line mode hands over at once (termios(3), canonical mode)."""


def beforehand(settings: Settings) -> Consent | None:
    """The yes that was given on the command line, if any."""
    if settings.confirm:
        return Consent(settings.confirm)
    return Consent("yes") if settings.yes else None


def can_ask(settings: Settings) -> bool:
    """Whether there is a person to ask: a terminal to show and to type, and no --no-input."""
    return not settings.no_input and sys.stdin.isatty() and sys.stderr.isatty()


def can_answer(needed: ApprovalNeeded, settings: Settings) -> bool:
    """Whether the person at this terminal may say the yes that is needed."""
    return needed.phrase != OTHER and can_ask(settings)


def with_flag(needed: ApprovalNeeded) -> ApprovalNeeded:
    """The same error, its hint naming exactly the flag that would have answered it."""
    if needed.phrase == OTHER:
        return needed
    flag = f"--confirm {needed.phrase}" if needed.risk == "critical" else "--yes"
    return ApprovalNeeded(
        needed.message,
        hint=f"the same command with {flag}",
        risk=needed.risk,
        digest=needed.digest,
        phrase=needed.phrase,
    )


def ask(needed: ApprovalNeeded, plan: Mapping[str, Any], printer: Printer, signals: Signals) -> Consent:
    """Show the plan and wait for the answer. Raises Denied for all but the exact yes, and `signals.Told`."""
    is_critical = needed.risk == "critical"
    wanted = f"Type {needed.phrase} to go on: " if is_critical else "Go on? [y/N] "
    printer.prompt(f"{plan_text(dict(plan))}\nrisk    {needed.risk}\n{wanted}")
    typed = read_line(sys.stdin, signals).strip()
    if is_critical and typed == needed.phrase:
        return Consent(typed, plan["digest"])
    if not is_critical and typed.lower() in ("y", "yes"):
        return Consent("yes", plan["digest"])
    raise Denied("not confirmed, so nothing ran")


def read_line(stream: TextIO, signals: Signals) -> str:
    """One line typed at a terminal; empty at its end. Raises `signals.Told` where a signal comes first."""
    signals.wait_for(stream.fileno())
    try:
        return os.read(stream.fileno(), LINE_LIMIT).decode(errors="replace")
    except OSError:  # the terminal hung up: nobody answers any more
        return ""
