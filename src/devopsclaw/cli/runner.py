"""Runs one operation for the command line: asks a core for it, asks the person where a yes is needed, prints,
and gives the exit code. Loaded only when a command runs.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from devopsclaw.cli import prompts
from devopsclaw.cli.line import Line, NoCore
from devopsclaw.cli.output import Printer
from devopsclaw.cli.progress import Watch
from devopsclaw.cli.reach import Opener, reached
from devopsclaw.cli.settings import Settings
from devopsclaw.cli.signals import Signals, Told
from devopsclaw.core.paths import home
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded, ClawError, Uncertain, Unreachable, from_wire

DETACHED = 8

LAST_WORDS = 0.5
"""Seconds for what a core that is left has to say."""

TRIES = 3
"""Cores that may end under one command before it gives up."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command line, understood: which operation, with what, and how it is printed."""

    operation: str
    params: dict[str, Any]
    columns: list[list[str]]
    settings: Settings
    is_read: bool = False
    secrets: frozenset[str] = frozenset()
    """Names of params that are told to nobody but the operation."""
    """Whether asking again does no harm."""


@dataclass(slots=True)
class Leaving:
    """What a signal means while a command runs."""

    watch: Watch
    printer: Printer
    code: int = 0

    def hear(self, number: int) -> None:
        """Watching ends; the work on the nodes goes on."""
        run = self.watch.run
        self.code = DETACHED if run and number == signal.SIGINT else 128 + number
        self.printer.note(f"detached; {run} goes on: devopsclaw jobs watch {run}" if run else "interrupted")


def perform(request: Request, opener: Opener, printer: Printer, version: str = "") -> int:
    """Run it to its end, or until a signal ends the watching; the exit code."""
    named = [request.params[name] for name in request.params.keys() - request.secrets]
    watch = Watch(printer, (value for value in named if isinstance(value, str)))
    leaving = Leaving(watch, printer)
    flags = {"log.level": "debug"} if request.settings.debug else {}
    with Signals() as signals:
        try:
            return _asked_until_answered(request, opener, printer, watch, version, signals, flags)
        except Told as told:
            leaving.hear(told.number)
        except ClawError as error:
            printer.error(error)
            return error.exit_code
    return leaving.code


def _asked_until_answered(
    request: Request,
    opener: Opener,
    printer: Printer,
    watch: Watch,
    version: str,
    signals: Signals,
    flags: Mapping[str, str],
) -> int:
    """A core may end under a command, handing over to another: then that one is asked."""
    attempt = Attempt(request, printer, watch, signals)
    for _ in range(TRIES):
        with reached(home(), opener, version, signals, flags) as line:
            try:
                return attempt.run(line)
            except NoCore:
                attempt = attempt.after_loss()
            except Told:
                attempt.leave(line)
                raise
    raise Unreachable(
        f"{TRIES} cores ended one after the other before they answered",
        hint=f"what they say is in {home().log}/core.jsonl",
    )


@dataclass(slots=True)
class Attempt:
    """One request on an open line, asked again after each yes."""

    request: Request
    printer: Printer
    watch: Watch
    signals: Signals
    call: str = ""
    number: int = 0

    def run(self, line: Line) -> int:
        """Run, print, and give the exit code. Raises NoCore where the core ends before it answers, ClawError
        as the core says it, and Told.
        """
        if self.request.settings.dry_run:
            self.printer.plan(self._plan(line))
            return 0
        answer = self._confirmed(line)
        self.printer.result(answer["result"], answer["text"], self.request.columns)
        return int(answer["exit"])

    def leave(self, line: Line) -> None:
        """Whoever asked goes. A run goes on; anything else is stopped. Which of the two it was, the core's
        last words say.
        """
        if self.call and not self.watch.run:
            with suppress(NoCore, TimeoutError):
                line.say({"cancel": self.call})
                for message in line.answers(LAST_WORDS):
                    if message.get("id") == self.number and "events" not in message:
                        return
                    self.watch.feed(message.get("events", ()))

    def after_loss(self) -> Attempt:
        """What to ask the next core. Raises Uncertain where asking again could do it twice."""
        run = self.watch.run
        if self.watch.is_own:
            self.printer.note(f"the core ended; {run} goes on, and is asked for again")
            again = Request("jobs.watch", {"run": run}, [], self.request.settings, is_read=True)
            return Attempt(again, self.printer, self.watch, self.signals)
        if self.request.is_read or not self.call:
            return Attempt(self.request, self.printer, self.watch, self.signals)
        raise self.uncertain()

    def uncertain(self) -> Uncertain:
        """It may have happened, or not."""
        return Uncertain(
            f"the core ended before it answered, so {self.request.operation} may have happened or not",
            hint="devopsclaw audit list --limit 5 and devopsclaw jobs list say what is on record",
        )

    def _confirmed(self, line: Line) -> dict[str, Any]:
        """The answer; asks for a yes as often as the plan changes."""
        consent = prompts.beforehand(self.request.settings)
        while True:
            self.call = uuid4().hex
            line.ask({"listen": self.watch.interest(self.call)})
            try:
                return self._answer(line, consent)
            except ApprovalNeeded as needed:
                was_answered = consent is not None and consent.digest == needed.digest
                if was_answered or not prompts.can_answer(needed, self.request.settings):
                    raise prompts.with_flag(needed) from needed
                self.call = ""
                consent = prompts.ask(needed, self._plan(line), self.printer, self.signals)

    def _plan(self, line: Line) -> dict[str, Any]:
        """The plan as JSON, with its digest."""
        plan: dict[str, Any] = self._answer(line, None, is_dry=True)["plan"]
        return plan

    def _answer(self, line: Line, consent: Consent | None, *, is_dry: bool = False) -> dict[str, Any]:
        """What the core answers, while the progress is drawn."""
        said = {"phrase": consent.phrase, "digest": consent.digest} if consent else None
        asked = {"name": self.request.operation, "params": self.request.params, "consent": said}
        waits = self.request.settings.wait_approval
        call = "" if is_dry else self.call
        number = self.number = line.ask({"run": {**asked, "dry_run": is_dry, "call": call, "waits": waits}})
        for message in line.answers():
            if "events" in message:
                self.watch.feed(message["events"])
            elif message.get("id") == number:
                if "error" in message:
                    raise from_wire(message["error"])
                if "cancelled" in message:
                    raise NoCore("the core ended")
                return message
        raise NoCore("the core ended")  # the line never ends by itself
