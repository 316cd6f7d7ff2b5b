"""The join tokens that were issued here, kept in SQLite: for which names, with which labels, by whom.

Never the secret, nor anything it could be tried against: that is on the token alone. Which uses are left is
what the relay last said.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from devopsclaw.core.db import Database
from devopsclaw.model.errors import NotFound
from devopsclaw.model.joining import TokenRow, is_exact, is_named

_COLUMNS = "id, pattern, labels, uses, uses_left, created_at, expires_at, created_by, revoked"


@dataclass(frozen=True, slots=True)
class Issued:
    """One token. Times are wall time here; the relay counts its life by its own clock."""

    id: str
    pattern: str
    labels: Mapping[str, str]
    uses: int
    uses_left: int
    created_at: float
    expires_at: float
    created_by: str
    revoked: bool = False

    def state(self, now: float) -> str:
        """good, spent, expired or revoked."""
        if self.revoked:
            return "revoked"
        if not self.uses_left:
            return "spent"
        return "expired" if now >= self.expires_at else "good"


@dataclass(frozen=True, slots=True)
class Voucher:
    """What a token gives to the node that came with it; `is_exact`: it was made for this very name."""

    labels: Mapping[str, str] = field(default_factory=dict)
    is_exact: bool = False


class IssuedTokens:
    """All of them, in memory too; a change counts once it is on disk. What writes raises Damaged."""

    def __init__(self, database: Database, tokens: Iterable[Issued]) -> None:
        """Use `open`."""
        self._database = database
        self._tokens = {token.id: token for token in tokens}

    @classmethod
    async def open(cls, database: Database) -> IssuedTokens:
        """Read them all. Raises Damaged."""
        rows = await database.read(
            lambda reader: reader.execute(f"SELECT {_COLUMNS} FROM join_tokens").fetchall()
        )
        return cls(database, map(_issued, rows))

    def all(self) -> list[Issued]:
        """All of them, the newest first."""
        return sorted(self._tokens.values(), key=lambda token: (-token.created_at, token.id))

    def find(self, token: str) -> Issued:
        """The token whose id begins so. Raises NotFound where there is none, or more than one."""
        found = [each for each in self._tokens.values() if token and each.id.startswith(token)]
        if len(found) != 1:
            what = "more than one join token begins" if found else "there is no join token that begins"
            raise NotFound(f"{what} with {token!r}", hint="devopsclaw node token list")
        return found[0]

    def vouch(self, token: str, name: str, used: int) -> Voucher | None:
        """What this token gives to a node of this name; None where it is not for it, whatever a relay says.
        `used` is how many other nodes came with it.
        """
        issued = self._tokens.get(token)
        if issued is None or used >= issued.uses or not is_named(issued.pattern, name):
            return None
        return Voucher(issued.labels, is_exact(issued.pattern))

    async def add(self, issued: Issued) -> None:
        """Keep a token from now on."""
        await self._keep([issued])

    async def drop(self, token: str) -> None:
        """It never came into force."""
        await self._database.write(
            lambda writer: writer.execute("DELETE FROM join_tokens WHERE id = ?", (token,)).rowcount
        )
        self._tokens.pop(token, None)

    async def heard(self, rows: Iterable[TokenRow]) -> None:
        """The relay says how these stand; of others it is not believed."""
        known = [(self._tokens[row.id], row) for row in rows if row.id in self._tokens]
        changed = [
            replace(token, uses_left=min(row.uses_left, token.uses), revoked=token.revoked or row.revoked)
            for token, row in known
            if (row.uses_left, row.revoked) != (token.uses_left, token.revoked)
        ]
        if changed:
            await self._keep(changed)

    async def revoke(self, token: str) -> Issued:
        """It is good for nothing from now on. Raises NotFound."""
        revoked = replace(self.find(token), revoked=True)
        await self._keep([revoked])
        return revoked

    async def _keep(self, tokens: Iterable[Issued]) -> None:
        changed = list(tokens)
        rows = [
            (
                *(each.id, each.pattern, json.dumps(dict(each.labels)), each.uses, each.uses_left),
                *(each.created_at, each.expires_at, each.created_by, int(each.revoked)),
            )
            for each in changed
        ]

        def write(writer: sqlite3.Connection) -> None:
            sql = f"INSERT OR REPLACE INTO join_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            writer.executemany(sql, rows)

        await self._database.write(write)
        self._tokens.update((each.id, each) for each in changed)


def _issued(row: tuple[Any, ...]) -> Issued:
    token, pattern, labels, uses, left, created_at, expires_at, created_by, revoked = row
    return Issued(
        token, pattern, json.loads(labels), uses, left, created_at, expires_at, created_by, bool(revoked)
    )
