"""The audit log: what was done, by whom, in a chain of hashes that shows any later change.

`append` returns when the entry is on disk. Not here: what has to be audited (core/guards), the bytes of the
files and their signatures (core/audit_seal), the comparison (core/audit_verify).
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from functools import lru_cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import ValidationError

from devopsclaw.core.audit_rows import Row, last_row, read_rows, row_of
from devopsclaw.core.audit_seal import Seal
from devopsclaw.core.audit_verify import verify_log, verify_tail, verify_unopened
from devopsclaw.core.clock import Clock, stamp
from devopsclaw.core.db import Database
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.sqlite import damaged, is_outside
from devopsclaw.core.veil import veiled_draft
from devopsclaw.model.audit import AuditFilter, Draft, Entry, Finding, Verification, entry_id
from devopsclaw.model.errors import BadTarget, Damaged, NotFound
from devopsclaw.model.nodeset import unfold

MIGRATIONS = Path(__file__).parent / "migrations" / "audit"

VERIFY = "devopsclaw audit verify says what is wrong"

_HOLDS = "CASE WHEN json_valid(body) THEN holds(json_extract(body, '$.node_names'), ?) END"
"""An entry names its nodes folded; guarded, because a damaged one may be no JSON any more."""


class AuditLog:
    """An open log. One that cannot be opened still answers `verify`; all else raises Damaged."""

    def __init__(self, key: SigningKey, clock: Clock) -> None:
        """Use `open`."""
        self._key = key
        self._clock = clock
        self._seal: Seal | None = None
        self._database: Database | None = None
        self._clean = 0
        self.damage: Damaged | None = None
        """Why the log could not be opened; None where it is open."""

    @classmethod
    async def open(cls, folder: Path, keys: Keys, clock: Clock) -> AuditLog:
        """Open the log in this folder, making it if there is none. What is wrong with it is in `damage`
        (not open) or `found` (open, but changed from outside). Raises Damaged for an unusable signing key.
        """
        path = folder / "audit.db"
        log = cls(keys.load_or_create("audit"), clock)
        try:
            log._seal = seal = await asyncio.to_thread(Seal, path, log._key, clock)
            log._clean = seal.record.clean if seal.record else 0
            log._database = await Database.open(path, MIGRATIONS, upkeep=seal, replaceable=False)
        except OSError as failed:
            log.damage = damaged(path, failed)
        except Damaged as failed:
            log.damage = failed
        return log

    async def __aenter__(self) -> AuditLog:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def found(self) -> tuple[Finding, ...]:
        """What was seen to be wrong when the log was opened; `verify` looks closer."""
        return tuple(self._seal.found) if self._seal else ()

    @property
    def trouble(self) -> Damaged | None:
        """Why a checkpoint or the seal could not be written; the entries themselves are on disk."""
        return self._database.trouble if self._database else None

    async def append(self, draft: Draft) -> Entry:
        """Add the entry, without secrets (see `core.redact`); returns when it is on disk. Raises Damaged, and
        then there is no such entry.
        """
        return await self._opened().write(partial(self._insert, veiled_draft(draft)))

    async def list(self, wanted: AuditFilter) -> list[Entry]:
        """The entries that fit, newest first. Raises Damaged."""
        return await self._opened().read(partial(_select, wanted))

    async def find(self, seq: int) -> tuple[Entry, str]:
        """The entry of this number, and its hash, hex. Raises NotFound, Damaged."""
        row = await self._opened().read(partial(row_of, seq=seq))
        if row is None:
            raise NotFound(
                f"there is no audit entry {entry_id(seq)}", hint="devopsclaw audit list shows the last 50"
            )
        return _entry(row), row[2].hex()

    async def of_call(self, call: str) -> Entry | None:
        """The first entry of this call; None where it has none. Looks through all of them. Raises Damaged."""
        row = await self._opened().read(partial(_first_of, call))
        return _entry(row) if row else None

    async def unfinished(self) -> tuple[Entry, ...]:
        """Intents since the last clean close that have no outcome, oldest first: a crash cut them off,
        or they still run. Raises Damaged.
        """
        entries = await self._opened().read(partial(_since, self._clean))
        ended = {entry.call for entry in entries if entry.phase == "outcome"}
        return tuple(entry for entry in entries if entry.phase == "intent" and entry.call not in ended)

    async def verify(self, *, tail_only: bool = False) -> Verification:
        """Compare everything with its hashes and signatures, or only the end that nothing signed vouches for.

        Changes nothing, raises nothing of its own.
        """
        compare = verify_tail if tail_only else verify_log
        if self._seal is None:
            return Verification(entries=0, unread=self._why_closed().message)
        try:
            try:
                return await self._opened().read(partial(compare, seal=self._seal, key=self._key))
            except Damaged as unread:
                return await asyncio.to_thread(verify_unopened, self._seal, unread)
        except OSError as failed:
            return Verification(entries=0, unread=damaged(self._seal.file.parent, failed).message)

    async def close(self) -> None:
        """Seal what was written and close; a second call does nothing."""
        if self._database:
            await self._database.close()
        if self._seal:
            self._seal.close()
            self._seal = None

    def _opened(self) -> Database:
        if self._database is None:
            raise self._why_closed()
        return self._database

    def _why_closed(self) -> Damaged:
        if self.damage is None:
            return Damaged("the audit log is closed", hint="devopsclaw is ending; start it again")
        unusable = Damaged(f"the audit log cannot be used: {self.damage.message}", hint=self._way_out)
        unusable.__cause__ = self.damage.__cause__
        return unusable

    @property
    def _way_out(self) -> str:
        """Nothing of it is ever moved without a person: it is evidence."""
        if self.damage is None or is_outside(self.damage.__cause__):
            return self.damage.hint if self.damage else ""
        return f"{VERIFY}; to go on with a new log, move the folder audit/ aside and keep it"

    def _insert(self, draft: Draft, connection: sqlite3.Connection) -> Entry:
        """Runs in the writer's thread. The head is read from the table: a batch undone moves it back."""
        seal = self._seal
        if seal is None:
            raise self._why_closed()
        try:
            seal.mark_open()
        except OSError as failed:
            raise damaged(seal.file, failed) from failed
        seq, previous = _head(connection, seal.floor)
        fields: dict[str, Any] = vars(draft) | {"seq": seq + 1, "id": entry_id(seq + 1)}
        entry = Entry.model_construct(time=stamp(self._clock.wall()), **fields)
        body = entry.canonical()
        digest = hashlib.sha256(previous + body.encode()).digest()
        connection.execute("INSERT INTO entries (seq, body, hash) VALUES (?, ?, ?)", (seq + 1, body, digest))
        return entry


def _head(connection: sqlite3.Connection, floor: tuple[int, bytes]) -> tuple[int, bytes]:
    """What the next entry goes on from; the signed head where the entries up to it were lost."""
    row = last_row(connection)
    return (row[0], row[2]) if row and row[0] >= floor[0] else floor


def _select(wanted: AuditFilter, connection: sqlite3.Connection) -> list[Entry]:
    conditions = {
        "user = ?": wanted.user,
        "action = ?": wanted.action,
        "time >= ?": wanted.since,
        "time < ?": wanted.until,
        "seq < ?": wanted.before,
        _HOLDS: wanted.node,
    }
    asked = {text: value for text, value in conditions.items() if value}
    where = f"WHERE {' AND '.join(asked)}" if asked else ""
    connection.create_function("holds", 2, _holds, deterministic=True)
    rest = f"{where} ORDER BY seq DESC LIMIT ?"
    return [_entry(row) for row in read_rows(connection, rest, *asked.values(), wanted.limit or -1)]


def _first_of(call: str, connection: sqlite3.Connection) -> Row | None:
    named = "CASE WHEN json_valid(body) THEN json_extract(body, '$.call') END"
    rest = f"WHERE {named} = ? ORDER BY seq LIMIT 1"
    return next(read_rows(connection, rest, call), None)


def _since(seq: int, connection: sqlite3.Connection) -> list[Entry]:
    return [_entry(row) for row in read_rows(connection, "WHERE seq > ? ORDER BY seq", seq)]


@lru_cache(maxsize=4096)
def _names(folded: str) -> frozenset[str]:
    return frozenset(unfold(folded))


def _holds(folded: Any, node: str) -> bool:
    """Whether a folded set of nodes has this one; an entry that was damaged has none."""
    if not isinstance(folded, str) or not folded:
        return False
    try:
        return node in _names(folded)
    except BadTarget:
        return False


def _entry(row: Row) -> Entry:
    """The entry as it was written; one that cannot be read any more stands in the list as such."""
    seq, body, _ = row
    try:
        return Entry.model_validate_json(body)
    except ValidationError:
        return Entry(
            seq=seq,
            id=entry_id(seq),
            time="",
            user="?",
            action="?",
            status="unreadable",
            detail={"hint": VERIFY},
        )
