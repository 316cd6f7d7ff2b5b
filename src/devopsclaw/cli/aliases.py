"""Names of commands beside their own `noun verb`, and the switches that only a face understands."""

from __future__ import annotations

from typing import Any

ALIASES: dict[str, str] = {
    "run": "fleet exec",
    "status": "status show",
    "version": "version show",
    "doctor": "doctor examine",
    "onboard": "home onboard",
    "node ls": "node list",
    "node rm": "node remove",
    "audit ls": "audit list",
    "jobs ls": "jobs list",
}
"""Another name → the command's own path. A name that is also a noun (`status`) is what that noun does
when no verb follows. An alias of a command that does not exist is left out."""

HEADLESS: dict[str, tuple[str, ...]] = {
    "relay": ("relay", "start"),
    "daemon": ("agent-daemon",),
    "gateway": ("gateway",),
}
"""`devopsclaw --headless ROLE …` → the words of its command: the same flags, the same help."""

PANES: dict[str, dict[str, Any]] = {
    "fleet status": {
        "name": "live",
        "kind": "option",
        "type": "flag",
        "flags": ["--live"],
        "help": "Open the console on the fleet pane; without a terminal, print.",
        "pane": "fleet",
    },
}
"""A command's path → the switch that opens the console on a pane instead of printing."""
