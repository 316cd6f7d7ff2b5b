"""The program's own log: JSON lines in `log/<role>.jsonl`, rotated, private, without secrets.

Not the audit log: lines here may be lost, and nobody proves anything by them. Only the process that holds
the lock of its role writes the file, so two never rotate it against each other.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from typing import Any, TextIO

from devopsclaw.core.clock import stamp
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown
from devopsclaw.core.redact import Mask
from devopsclaw.model.errors import Damaged

FILE_SIZE = 10_000_000
"""Bytes of one file before the next is begun."""
OLD_FILES = 5

STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; everything else was given as `extra`."""


class JsonLine(logging.Formatter):
    """One record as one line of JSON in ASCII, so that `cat` cannot be made to obey what was logged."""

    def __init__(self, mask: Mask) -> None:
        super().__init__()
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        """time, level, logger, message; then what was given as `extra`, and the traceback as `error`."""
        fields: dict[str, Any] = {
            "time": stamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields.update((name, value) for name, value in vars(record).items() if name not in STANDARD)
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        return json.dumps(self._mask.hide(fields))


class PrivateFile(RotatingFileHandler):
    """A rotated file that only its owner may read. Lines the disk refuses are counted; the next says so."""

    def __init__(self, path: str) -> None:
        self._lost = 0
        super().__init__(path, maxBytes=FILE_SIZE, backupCount=OLD_FILES, encoding="utf-8")

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, with the number of those lost before it."""
        before = self._lost
        if before:
            record.lost = before
        super().emit(record)
        if self._lost == before:
            self._lost = 0

    def handleError(self, record: logging.LogRecord) -> None:
        """Logging would print a traceback over the console's screen; the next line opens the file anew."""
        self._lost += 1
        stream, self.stream = self.stream, None
        if stream:
            with suppress(OSError):  # closing tries once more to write what was just refused
                stream.close()


@contextmanager
def logging_to(
    home: Home, role: str, level: str, mask: Mask, *, debug: TextIO | None = None
) -> Iterator[None]:
    """Log everything of this process until the block ends; libraries only from warnings on.

    `level` is the word of `log.level`. With `debug` (`-d`) all of ours is logged and shown there as well.
    Raises Damaged where the file cannot be opened.
    """
    handlers: list[logging.Handler] = [_file(home, role)]
    if debug:
        handlers.append(logging.StreamHandler(debug))
    formatter, root, ours = JsonLine(mask), logging.getLogger(), logging.getLogger("devopsclaw")
    before = (root.level, ours.level)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(logging.WARNING)
    ours.setLevel(logging.DEBUG if debug else level.upper())
    try:
        yield
    finally:
        root.setLevel(before[0])
        ours.setLevel(before[1])
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _file(home: Home, role: str) -> PrivateFile:
    path = home.log / f"{role}.jsonl"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return PrivateFile(str(path))
    except OSError as wrong:
        raise Damaged(
            f"the log {shown(path)} cannot be opened: {wrong.strerror}",
            hint="check the owner and the free space of that folder, or set DEVOPSCLAW_HOME",
        ) from wrong
