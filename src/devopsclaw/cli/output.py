"""Where output goes and how it looks: data on stdout, messages on stderr. Not what is shown for a run
on many nodes: cli/folds.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from devopsclaw.cli import glyphs
from devopsclaw.cli.folds import folds_text, leftovers_text, summary_text
from devopsclaw.cli.settings import Settings
from devopsclaw.cli.table import table_lines
from devopsclaw.model.errors import ClawError, Damaged

PLAN_SCHEMA = "devopsclaw.plan/1"


class Printer:
    """Writes for one command line. A reader who went away (`| head`) ends the writing, not the work."""

    def __init__(
        self,
        settings: Settings,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.settings = settings
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self._environment = environment
        self._closed: set[TextIO] = set()
        self._drawn = False

    @property
    def has_terminal(self) -> bool:
        """Whether progress may be drawn: stderr is a terminal, and neither -q nor JSON was asked for."""
        return self.stderr.isatty() and not self.settings.quiet and not self.settings.json

    def out(self, text: str) -> None:
        """Data, on stdout; one line break is added where none ends it."""
        self._write(self.stdout, text if text.endswith("\n") or not text else text + "\n")

    def note(self, text: str) -> None:
        """A message for people, on stderr; not with -q."""
        if not self.settings.quiet:
            self._write(self.stderr, text + "\n")

    def prompt(self, text: str) -> None:
        """A question, on stderr; the answer is typed behind it."""
        self._write(self.stderr, text)

    def draw(self, line: str) -> None:
        """Replace the line of progress on a terminal; anything else that is written removes it."""
        self._write(self.stderr, line)
        self._drawn = True

    def warn(self, text: str, hint: str = "") -> None:
        """Something that went not as it should, on stderr, -q or not."""
        self._write(self.stderr, f"warning: {text}\n" + (f"  try: {hint}\n" if hint else ""))

    def error(self, error: ClawError) -> None:
        """What failed and what to do next, on stderr: one line and a hint, or JSON; no secret in either."""
        from devopsclaw.core.redact import KNOWN  # most commands fail not

        KNOWN.clean(error)
        if self.settings.json:
            self._write(self.stderr, json.dumps({"error": error.as_json()}, ensure_ascii=False) + "\n")
            return
        hint = f"  try: {error.hint}\n" if error.hint else ""
        self._write(self.stderr, f"error: {error.message}\n{hint}")

    def result(self, body: dict[str, Any], text: str, columns: list[list[str]]) -> None:
        """A result on stdout: JSON, or folds, or a table, or its own text, whichever fits. What there is to
        do to know more is a message.
        """
        if self.settings.json:
            self.out(json.dumps(body, ensure_ascii=False))
            return
        if "folds" in body:
            self.out(folds_text(body["folds"], self.marked, "──" if self._is_utf8() else "--"))
            self.out(leftovers_text(body.get("items", ())))
            self.note(summary_text(body))
        elif columns:
            self.out("\n".join(table_lines(body.get("items", []), columns, self.marked, self.width)))
            if body.get("next"):
                self.note(f"there are more: {body['next']}")
        else:
            self.out(text)
        if body.get("hint"):
            self.note(body["hint"])

    def plan(self, plan: dict[str, Any]) -> None:
        """A plan that was asked for with --dry-run, on stdout."""
        if self.settings.json:
            self.out(json.dumps({"schema": PLAN_SCHEMA, **plan}, ensure_ascii=False))
        else:
            self.out(plan_text(plan))
            self.note("nothing ran: this was a dry run")

    def marked(self, word: str) -> str:
        """A word of state with its mark, coloured where stdout may be."""
        return glyphs.marked(word, ascii_only=not self._is_utf8(), colored=self.is_colored())

    @property
    def width(self) -> int:
        """Cells of a line; 0 off a terminal, where nothing is cut."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else 0

    def is_colored(self) -> bool:
        """--color, else NO_COLOR (https://no-color.org), else whether stdout is a terminal that can."""
        if self.settings.color != "auto":
            return self.settings.color == "always"
        if self._environment.get("NO_COLOR") or self._environment.get("TERM") == "dumb":
            return False
        return self.stdout.isatty()

    def _is_utf8(self) -> bool:
        return (self.stdout.encoding or "").lower().replace("-", "") == "utf8"

    def _write(self, stream: TextIO, text: str) -> None:
        if stream in self._closed:
            return
        try:
            if self._drawn:
                self._drawn = False
                self._write(self.stderr, "\r\x1b[K")
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            self._closed.add(stream)
            silence(stream)
        except OSError as full:
            self._closed.add(stream)
            silence(stream)
            raise Damaged(
                f"what was found could not be written: {full.strerror}",
                hint="whatever ran has run: devopsclaw jobs list shows it",
            ) from full


def silence(stream: TextIO) -> None:
    """Point a stream whose reader went away at nothing, so that Python's last flush is quiet.
    Source: https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, stream.fileno())
    os.close(nothing)


def _risk(plan: dict[str, Any]) -> str:
    """The risk and the flag that confirms it; `none` is not worth a line."""
    word, asked = plan.get("risk", ""), plan.get("phrase", "")
    if word in ("", "none"):
        return ""
    flag = "--yes" if asked == "yes" else f"--confirm {asked}"
    return f"{word}, confirmed with {flag}" if asked else f"{word}, runs without being confirmed"


def plan_text(plan: dict[str, Any]) -> str:
    """A plan as people read it: what, where, how, and how to undo it."""
    nodes = plan["nodes"]
    rows = [
        ("plan", f"{plan['operation']}  ({plan['effect']})"),
        ("target", plan["target"]),
        ("nodes", f"{len(nodes)}: {', '.join(nodes)}" if nodes else ""),
        ("env", ", ".join(plan["environments"])),
        ("runs", plan["run"]),
        *(("", step) for step in plan["steps"]),
        ("undo", plan["undo"]),
        ("risk", _risk(plan)),
        ("reason", plan["reason"]),
        ("digest", plan["digest"][:12]),
    ]
    return "\n".join(f"{name:<8}{value}" for name, value in rows if value)
