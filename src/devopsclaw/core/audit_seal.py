"""What vouches for the audit files: the signed seal over their bytes, and signed checkpoints of the chain.

The main file changes only when the log (-wal) is moved into it, and that happens only here. Directly before,
the seal is taken off; directly after, the file is hashed and sealed again. A clean close seals the log too.
So any byte that was changed from outside shows, in free pages and indexes as well. After a crash in between
there is no seal for a while; then the chain alone vouches for the entries.

Not here: the chain itself (core/audit) and the comparison (core/audit_verify).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from devopsclaw.core import sqlite
from devopsclaw.core.audit_rows import last_row, row_of
from devopsclaw.core.clock import Clock, stamp
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.signed_file import Forged, read_signed, write_signed
from devopsclaw.model.audit import Finding, entry_id
from devopsclaw.model.value import Value

SMALL = 8 * 1024 * 1024
"""Bytes of a main file that is sealed at every close; hashing it takes some 10 ms."""

LONG_LOG = 16 * 1024 * 1024
"""Bytes of log (-wal) after which it is moved into the main file."""

CHECKPOINT_ENTRIES, CHECKPOINT_SECONDS = 1000, 15 * 60.0
"""A signed checkpoint is due after so many entries, or this long after the last one."""

SEAL_PURPOSE = b"devopsclaw-audit-seal-1"
CHECKPOINT_PURPOSE = b"devopsclaw-audit-checkpoint-1"

GENESIS = bytes(32)
"""What the first entry's hash goes on from."""

_BLOCK = 1024 * 1024


class Head(Value):
    """A place in the chain. The body of a signed checkpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seq: int = 0
    hash: str = GENESIS.hex()
    at: str = ""


class SealRecord(Value):
    """What the signed seal says. `main` and `log` are `bytes:sha256`, empty where nothing is vouched for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    closed: bool
    """Nothing was written since: the chain ends exactly at `head`."""
    head: Head
    """The last entry when this was signed: the chain reaches at least here."""
    clean: int
    """The last entry at the last clean close; what came later may have been cut off by a crash."""
    main: str
    log: str
    broken: str
    """What was once found changed from outside. Stays for good."""


class Seal:
    """The upkeep of the audit database; see `core.writer.Upkeep`. Its methods run in one thread at a time,
    except `measured_main`, which a verification calls from its own.
    """

    def __init__(self, path: Path, key: SigningKey, clock: Clock) -> None:
        """Look at the files before SQLite does. Raises OSError where they cannot be read or made."""
        self._path = path
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._last_checkpoint = Head()
        self._last_checkpoint_at = clock.steady()
        self.found: list[Finding] = []
        """What was wrong when the log was opened."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.checkpoints.mkdir(mode=0o700, exist_ok=True)
        self.record: SealRecord | None = self._read()
        self._is_log_edited = self._compare_log()
        # Held until SQLite has closed: closing any descriptor of a file drops the process's locks on it.
        # Source: https://www.sqlite.org/howtocorrupt.html §2.2
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @property
    def checkpoints(self) -> Path:
        """The folder of the signed checkpoints, one file each, named by the entry's number."""
        return self._path.parent / "checkpoints"

    @property
    def file(self) -> Path:
        """The seal itself."""
        return self._path.parent / "seal.json"

    @property
    def floor(self) -> tuple[int, bytes]:
        """Number and hash that the chain reached at least: what is cut off is never numbered again."""
        head = self.record.head if self.record else Head()
        return head.seq, bytes.fromhex(head.hash)

    def after_open(self, connection: sqlite3.Connection) -> None:
        """See `Upkeep.after_open`: a new log is sealed at once, one with entries has to have its seal."""
        head = read_head(connection)
        self._last_checkpoint = self._newest_checkpoint()
        if self.record is None and not self.found:
            if head.seq == 0:
                self._move(connection, closed=True)
                return
            self.found.append(Finding(kind="forged_seal", message=f"{self.file} is missing"))
        self._compare_head(connection, head.seq)

    def mark_open(self) -> None:
        """Say, durably and before the first change, that the log is being written. Raises OSError."""
        if self.record and not self.record.closed:
            return
        if self._is_log_edited:
            self._keep_log()
        self._write(self._record().model_copy(update={"closed": False, "log": ""}))

    def after_commit(self, connection: sqlite3.Connection) -> None:
        """See `Upkeep.after_commit`: signs a checkpoint when one is due, moves a long log."""
        head = read_head(connection, stamp(self._clock.wall()))
        count = head.seq - self._last_checkpoint.seq
        is_late = self._clock.steady() - self._last_checkpoint_at >= CHECKPOINT_SECONDS
        if count >= CHECKPOINT_ENTRIES or (count > 0 and is_late):
            self._sign(head)
        if sqlite.log_size(self._path) > LONG_LOG:
            self._move(connection, closed=False)

    def before_close(self, connection: sqlite3.Connection) -> bool:
        """See `Upkeep.before_close`: seals the files as they are left, if anything was written."""
        if self.record and not self.record.closed:
            head = read_head(connection, stamp(self._clock.wall()))
            if head.seq - self._last_checkpoint.seq >= CHECKPOINT_ENTRIES:
                self._sign(head)
            if self._path.stat().st_size <= SMALL or sqlite.log_size(self._path) > LONG_LOG:
                self._move(connection, closed=True)
            else:
                self._write(self._closing(self.record, connection))
        return sqlite.log_size(self._path) > 0

    def measured_main(self) -> tuple[SealRecord | None, str]:
        """The seal, and the main file as it is at the same moment."""
        with self._lock:
            return self.record, self._measure()

    def close(self) -> None:
        """Let go of the file; only after SQLite has closed it."""
        os.close(self._descriptor)

    def _move(self, connection: sqlite3.Connection, *, closed: bool) -> None:
        """Move the log into the main file, without a seal meanwhile, and seal what came of it."""
        with self._lock:
            old = self._record()
            broken = old.broken or self._compare_main(old)
            old = old.model_copy(update={"closed": False, "main": "", "log": "", "broken": broken})
            self._write(old)
            sqlite.checkpoint(connection)
            head = read_head(connection, stamp(self._clock.wall()))
            moved = old.model_copy(update={"head": self._highest(head), "main": self._measure()})
            self._write(self._closing(moved, connection) if closed else moved)

    def _closing(self, record: SealRecord, connection: sqlite3.Connection) -> SealRecord:
        head = self._highest(read_head(connection, stamp(self._clock.wall())))
        log = measure_file(sqlite.log_of(self._path))
        return record.model_copy(update={"closed": True, "head": head, "clean": head.seq, "log": log})

    def _highest(self, head: Head) -> Head:
        """Never sign less than was signed before: a log that lost entries stays behind its seal."""
        return self.record.head if self.record and self.record.head.seq > head.seq else head

    def _record(self) -> SealRecord:
        """The seal as it stands, with what was found since; one that vouches for nothing where it is lost."""
        if self.record is None:
            return SealRecord(closed=False, head=Head(), clean=0, main="", log="", broken=self._why_broken())
        return self.record.model_copy(update={"broken": self._why_broken()})

    def _write(self, record: SealRecord) -> None:
        write_signed(self.file, SEAL_PURPOSE, record.model_dump_json(), self._key)
        self.record = record

    def _read(self) -> SealRecord | None:
        try:
            text = read_signed(self.file, SEAL_PURPOSE, self._key.public)
            record = SealRecord.model_validate_json(text)
        except FileNotFoundError:
            return None
        except (Forged, ValidationError) as wrong:
            why = str(wrong) if isinstance(wrong, Forged) else f"{self.file.name} is of another version"
            self.found.append(Finding(kind="forged_seal", message=why))
            return None
        if record.broken:
            self.found.append(Finding(kind="file_edited", message=record.broken))
        return record

    def _compare_log(self) -> bool:
        if not self.record or not self.record.closed:
            return False
        log = sqlite.log_of(self._path)
        if measure_file(log) == self.record.log:
            return False
        message = f"{log.name} is not as it was when it was closed at {entry_id(self.record.head.seq)}"
        self.found.append(Finding(kind="file_edited", message=message))
        return True

    def _compare_head(self, connection: sqlite3.Connection, last: int) -> None:
        """The entry that was signed last has to be there, as it was."""
        signed = self.record.head if self.record else Head()
        row = row_of(connection, signed.seq)
        if signed.seq == 0 or (row and row[2].hex() == signed.hash):
            return
        entry = entry_id(signed.seq)
        if row:
            message = f"{entry} is not the entry that was signed"
            self.found.append(Finding(kind="rewritten", entry=entry, message=message))
        else:
            message = f"the log ended at {entry_id(last)} when it was opened, but {entry} was signed"
            self.found.append(Finding(kind="truncated", entry=entry_id(last + 1), message=message))

    def _compare_main(self, record: SealRecord) -> str:
        """Empty, or what to remember for good: the next seal would cover the change otherwise."""
        if not record.main or record.main == self._measure():
            return ""
        return (
            f"{self._path.name} was changed from outside, found at {stamp(self._clock.wall())}"
            f" (after {entry_id(record.head.seq)})"
        )

    def _why_broken(self) -> str:
        if self.record and self.record.broken:
            return self.record.broken
        return self.found[0].message if self.found else ""

    def _keep_log(self) -> None:
        """SQLite starts the log anew where it cannot read it; what it holds is evidence."""
        log = sqlite.log_of(self._path)
        if log.exists():
            kept = f"{log.name}.damaged-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(self._clock.wall()))}"
            shutil.copyfile(log, log.with_name(kept))
        self._is_log_edited = False

    def _sign(self, head: Head) -> None:
        write_signed(
            self.checkpoints / f"{head.seq:012d}.json", CHECKPOINT_PURPOSE, head.model_dump_json(), self._key
        )
        self._last_checkpoint = head
        self._last_checkpoint_at = self._clock.steady()

    def _newest_checkpoint(self) -> Head:
        """By its name alone: whether it is genuine is for the verification."""
        numbers = [int(path.stem) for path in self.checkpoints.glob("*.json") if path.stem.isdecimal()]
        return Head(seq=max(numbers, default=0))

    def _measure(self) -> str:
        return _measure(_blocks_of(self._descriptor))


def read_head(connection: sqlite3.Connection, at: str = "") -> Head:
    """The last entry that is in the database."""
    row = last_row(connection)
    return Head(seq=row[0], hash=row[2].hex(), at=at) if row else Head(at=at)


def measure_file(path: Path) -> str:
    """`bytes:sha256` of a file; as of an empty one where there is none. Raises OSError."""
    try:
        with path.open("rb") as file:
            return _measure(iter(lambda: file.read(_BLOCK), b""))
    except FileNotFoundError:
        return _measure(iter(()))


def _measure(blocks: Iterator[bytes]) -> str:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return f"{size}:{digest.hexdigest()}"


def _blocks_of(descriptor: int) -> Iterator[bytes]:
    place = 0
    while block := os.pread(descriptor, _BLOCK, place):
        yield block
        place += len(block)
