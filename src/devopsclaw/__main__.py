"""Picks a face. Answers `version` by itself; loads click, pydantic and asyncio only where they are needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from io import TextIOWrapper
from typing import Any

try:
    from devopsclaw._build import BUILT, COMMIT, VERSION
except ModuleNotFoundError:  # a checkout that was never built or installed
    BUILT = COMMIT = VERSION = "unknown"

FACES: dict[str, str] = {
    "console": "devopsclaw.console:open_console",
    "demo": "devopsclaw.tour:open_demo",
    "relay": "devopsclaw.headless:relay",
    "daemon": "devopsclaw.headless:daemon",
    "gateway": "devopsclaw.headless:gateway",
}
"""Name in the command tree → function, called with the settings and what was typed; gives the exit code."""

ASKS_VERSION = (["version"], ["--version"])
JSON_FLAGS = (["--json"], ["-o", "json"])


def main() -> None:
    """The program: run the command line, then leave with its exit code. What the terminal's encoding
    cannot show is written as an escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code. New files are this user's alone."""
    os.umask(0o077)
    try:
        code = _version(arguments)
        if code is None:
            code = _command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as unexpected:
        return _crashed(unexpected, arguments)
    return code


def _version(arguments: list[str]) -> int | None:
    """Print version, commit and build time, if that is all that is asked; else None."""
    for words in ASKS_VERSION:
        if arguments == words:
            print(f"devopsclaw {VERSION} ({COMMIT}, built {BUILT})")
            return 0
        if any(arguments in (words + flags, flags + words) for flags in JSON_FLAGS):
            print(
                f'{{"schema": "devopsclaw.version/1", "version": "{VERSION}", '
                f'"commit": "{COMMIT}", "built": "{BUILT}"}}'
            )
            return 0
    return None


def _command(arguments: list[str]) -> int:
    from devopsclaw.cli import entry

    return entry.main(arguments, {name: _face(target) for name, target in FACES.items()}, version=VERSION)


def _face(target: str) -> Callable[..., int]:
    """The function `module:name`, imported when it is called."""

    def enter(*arguments: Any, **given: Any) -> int:
        module, _, name = target.partition(":")
        code: int = getattr(import_module(module), name)(*arguments, **given)
        return code

    return enter


def _crashed(unexpected: Exception, arguments: list[str]) -> int:
    """One line that names the log; the traceback on the terminal only with -d."""
    import traceback

    from devopsclaw.core.redact import KNOWN, named_secrets

    KNOWN.add(named_secrets(os.environ))
    story = KNOWN.text("".join(traceback.format_exception(unexpected)))
    if {"-d", "--debug"} & set(arguments):
        sys.stderr.write(story)
        return 1
    while isinstance(unexpected, ExceptionGroup) and len(unexpected.exceptions) == 1:
        unexpected = unexpected.exceptions[0]
    what = KNOWN.text(f"{type(unexpected).__name__}: {unexpected}").splitlines()[0]
    sys.stderr.write(f"error: this should not have happened: {what}\n  try: {_kept(story)}\n")
    return 1


def _kept(story: str) -> str:
    """Append the traceback to the log of crashes; what the person may do now."""
    import json
    from datetime import UTC, datetime

    from devopsclaw.core.paths import home

    line = json.dumps({"at": datetime.now(UTC).isoformat(), "version": VERSION, "traceback": story})
    path = home().log / "crash.jsonl"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
    except OSError as failure:
        return f"the same with -d ({path} could not be written: {failure.strerror})"
    return f"read {path}, or the same with -d"


if __name__ == "__main__":
    main()
