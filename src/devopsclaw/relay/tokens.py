"""The join tokens that this relay takes: how to check a proof, for which names, how often, until when.

Held in memory too, because one process owns the database; a change is on disk before it counts. Not how a
proof is made (wire/enroll), and not the secret: that stands nowhere but on the token.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from devopsclaw.core.clock import Clock, stamp
from devopsclaw.core.db import Database
from devopsclaw.model.joining import MOST_TOKENS, AlarmKind, MintHeader, is_named
from devopsclaw.wire.enroll import Refusal

KEPT_AFTER = 7 * 86_400.0
"""Seconds a token is remembered after it expired, so that whoever brings it is told why it is refused."""
MAKE_ONE = "make a new one where the fleet is run from: devopsclaw node token create"
UNKNOWN = Refusal(
    code="token_unknown",
    message="this relay knows no such join token: it is of another relay, long gone, or was altered",
    hint=MAKE_ONE,
)
_COLUMNS = "id, verifier, pattern, uses, uses_left, expires_at, revoked"
_SPEND = (
    "UPDATE join_tokens SET uses_left = uses_left - 1"
    " WHERE id = ? AND uses_left > 0 AND revoked = 0 AND expires_at > ?"
)


class Spent(Exception):
    """The last use of this token went to somebody else in the same moment."""


@dataclass(slots=True)
class Token:
    """One join token, as this relay knows it."""

    id: str
    verifier: str = field(repr=False)
    pattern: str
    uses: int
    uses_left: int
    expires_at: float
    revoked: int = 0

    def fault(self, name: str, now: float) -> AlarmKind | None:
        """Why it is not good for this name, at this wall time; None: it is."""
        if self.revoked:
            return "token_revoked"
        if now >= self.expires_at:
            return "token_expired"
        if not self.uses_left:
            return "token_spent"
        return None if is_named(self.pattern, name) else "token_name"

    def refusal(self, fault: AlarmKind, name: str) -> Refusal:
        """The same in words, for whoever brought it."""
        times = "one node" if self.uses == 1 else f"{self.uses} nodes"
        messages = {
            "token_revoked": "this join token was revoked",
            "token_expired": f"this join token expired at {stamp(self.expires_at)}, by the relay's clock",
            "token_spent": f"this join token is used up: it was good for {times}",
            "token_name": f"this join token is for the name {self.pattern}, not for {name}",
        }
        hints = {
            "token_spent": f"{MAKE_ONE}; if it was not you who used it: devopsclaw node list",
            "token_name": f"start the daemon with a --node-id that fits {self.pattern}, or {MAKE_ONE}",
        }
        return Refusal(code=fault, message=messages[fault], hint=hints.get(fault, MAKE_ONE))

    def row(self, now: float) -> dict[str, Any]:
        """What the controller is told of it."""
        left = round(self.expires_at - now, 3)
        return {"id": self.id, "uses_left": self.uses_left, "expires_in": left, "revoked": bool(self.revoked)}


class Tokens:
    """All of them by id, at most `MOST_TOKENS`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._tokens: dict[str, Token] = {}

    async def load(self) -> None:
        """Read everything; once, before use."""
        rows = await self._database.read(
            lambda reader: reader.execute(f"SELECT {_COLUMNS} FROM join_tokens").fetchall()
        )
        self._tokens = {row[0]: Token(*row) for row in rows}

    def get(self, token: str) -> Token | None:
        """The token of this id."""
        return self._tokens.get(token)

    def verifier(self, token: str) -> str:
        """What a proof with this token is checked with; empty for an unknown one."""
        known = self._tokens.get(token)
        return known.verifier if known else ""

    def rows(self) -> list[dict[str, Any]]:
        """What the controller is told of all of them."""
        return [token.row(self._clock.wall()) for token in self._tokens.values()]

    async def mint(self, header: MintHeader) -> None:
        """Take a token from now on. One that is known already stays as it is. Raises Damaged.

        Where there are too many, those that expired longest ago are forgotten first.
        """
        if header.id in self._tokens:
            return
        now = self._clock.wall()
        minted = Token(header.id, header.verifier, header.pattern, header.uses, header.uses, now + header.ttl)
        gone = self._forgettable(now)

        def write(writer: sqlite3.Connection) -> None:
            writer.executemany("DELETE FROM join_tokens WHERE id = ?", [(each,) for each in gone])
            row = (minted.id, minted.verifier, minted.pattern, minted.uses, minted.uses, minted.expires_at)
            writer.execute(f"INSERT INTO join_tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, 0)", row)

        await self._database.write(write)
        for each in gone:
            self._tokens.pop(each, None)
        self._tokens[minted.id] = minted

    async def revoke(self, token: str) -> None:
        """It is good for nothing from now on; unknown ones are let pass. Raises Damaged."""
        await self._database.write(
            lambda writer: (
                writer.execute("UPDATE join_tokens SET revoked = 1 WHERE id = ?", (token,)).rowcount
            )
        )
        if token in self._tokens:
            self._tokens[token].revoked = 1

    def spend(self, writer: sqlite3.Connection, token: str) -> None:
        """Use it once, inside the transaction that writes down for whom. Raises Spent."""
        if not writer.execute(_SPEND, (token, self._clock.wall())).rowcount:
            raise Spent(token)

    def spent(self, token: str) -> None:
        """That transaction is on disk."""
        self._tokens[token].uses_left -= 1

    def _forgettable(self, now: float) -> list[str]:
        """Those that nobody asks for any more, and as many of the oldest as there are too many."""
        oldest = sorted(self._tokens.values(), key=lambda token: token.expires_at)
        surplus = max(0, len(oldest) + 1 - MOST_TOKENS)
        old = {token.id for token in oldest if now > token.expires_at + KEPT_AFTER}
        return sorted(old | {token.id for token in oldest[:surplus]})
