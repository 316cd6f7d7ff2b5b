"""The controller's registry of nodes: what operators said of them and what the relay tells, kept in SQLite.

It is all in memory too, because one process owns the database; an operator's word counts once it is on disk.
It sends nothing: `removed` says what the relay has to be told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.fleet.inventory import Inventory, Node
from devopsclaw.fleet.membership import Registration, accepted, labelled, registered, sighted
from devopsclaw.fleet.node_table import NodeTable
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.tokens import IssuedTokens, Voucher
from devopsclaw.model.errors import BadParams, Damaged, NotFound

SAVE_EVERY = 30.0
"""Seconds between two writes of what was seen: losing that much of `last_seen` in a crash harms nobody."""


class Nodes:
    """All nodes by name. Use `Nodes.open`."""

    def __init__(
        self,
        table: NodeTable,
        clock: Clock,
        tokens: IssuedTokens,
        nodes: Iterable[Node],
        removed: Iterable[str],
    ) -> None:
        self._table = table
        self._tokens = tokens
        self._clock = clock
        self._nodes = {node.name: node for node in nodes}
        self._names = {node.uid: node.name for node in self._nodes.values() if node.uid}
        self._removed = set(removed)
        self._unsaved: set[str] = set()
        self._listed: set[str] | None = None
        """The uids of a full list that is still being told; None between two."""
        self._saved_at = clock.steady()
        self._changing = asyncio.Lock()
        self.trouble: Damaged | None = None
        """Why what was seen could not be saved; it is tried again."""

    @classmethod
    async def open(cls, database: Database, clock: Clock, tokens: IssuedTokens | None = None) -> Nodes:
        """Read everything; raises Damaged. `tokens` are those by which nodes may come to labels."""
        table = NodeTable(database)
        return cls(table, clock, tokens or await IssuedTokens.open(database), *await table.load())

    def inventory(self) -> Inventory:
        """All nodes as they are now, by name."""
        return Inventory(tuple(self._nodes[name] for name in sorted(self._nodes)), self._clock.wall())

    def get(self, name: str) -> Node | None:
        """The node of this name; None where there is none."""
        return self._nodes.get(name)

    def find(self, name: str) -> Node:
        """The node of this name; raises NotFound with the nearest."""
        if name in self._nodes:
            return self._nodes[name]
        near = get_close_matches(name, sorted(self._nodes), 1)
        hint = f"did you mean {near[0]}?" if near else "devopsclaw node list shows the nodes"
        raise NotFound(f"there is no node {name!r}", hint=hint)

    def by_uid(self, uid: str) -> Node | None:
        """The node with this key; None where it is not known."""
        return self._nodes.get(self._names.get(uid, ""))

    @property
    def removed(self) -> frozenset[str]:
        """Uids that the relay has still to forget: each is due a FORGET whenever the relay is connected."""
        return frozenset(self._removed)

    async def register(self, registration: Registration) -> Node:
        """Add a node, or add to what is known of it; one that waits goes on waiting."""
        async with self._changing:
            return await self._keep(registered(self.get(registration.name), registration))

    async def change(self, name: str, changed: Callable[[Node], Node]) -> Node:
        """Put what `changed` makes of the node in its place; raises NotFound, and what `changed` raises."""
        async with self._changing:
            return await self._keep(changed(self.find(name)))

    async def label(self, name: str, labels: Mapping[str, str], unset: Collection[str] = ()) -> Node:
        """Set labels and take some away; raises BadParams for one that is not there."""
        return await self.change(name, lambda node: labelled(node, labels, unset))

    async def accept(self, name: str) -> Node:
        """A person looked at its key: it is sent commands, and its labels are in force. Raises BadParams."""
        return await self.change(name, accepted)

    async def drain(self, name: str) -> Node:
        """Send it nothing new from now on; what runs there ends by itself."""
        return await self.change(name, lambda node: replace(node, drained=True))

    async def undrain(self, name: str) -> Node:
        """Send it commands again."""
        return await self.change(name, lambda node: replace(node, drained=False))

    async def remove(self, name: str) -> Node:
        """Free the name. The key stays in `removed`, and unseen, until the relay lists it no more."""
        async with self._changing:
            node = removable(self.find(name))
            await self._table.remove(node, self._clock.wall())
            del self._nodes[name]
            self._unsaved.discard(name)
            if node.uid:
                del self._names[node.uid]
                self._removed.add(node.uid)
            return node

    async def add_local(self, uid: str, facts: Mapping[str, Any], name: str = "local") -> Node:
        """The core's own node: always there and always online. What operators said of it stays."""
        async with self._changing:
            now = self._clock.wall()
            known = self.get(name) or Node(name, joined_at=now)
            self._names.pop(known.uid, None)
            return await self._keep(
                replace(known, uid=uid, accepted=True, local=True, connected=True, last_seen=now, facts=facts)
            )

    def hide(self, uid: str) -> None:
        """Show the node with this key no more until the next start; what is on disk of it stays there."""
        name = self._names.pop(uid, "")
        self._nodes.pop(name, None)
        self._unsaved.discard(name)

    async def saw(self, rows: Iterable[Presence], *, full: bool = False, more: bool = False) -> list[Node]:
        """Take what the relay tells; returns the nodes it concerns.

        `full` begins a list of all that it knows, which ends with the first rows that are not `more`.
        A node that joins is saved at once, what else was seen every SAVE_EVERY seconds. A disk that cannot
        be written is told by `trouble`: presence is taken all the same.
        """
        async with self._changing:
            known = len(self._names)
            self._listed = set() if full else self._listed
            seen = [self._take(row) for row in self._list(rows) if row.uid not in self._removed]
            if self._listed is not None and not more:
                listed, self._listed = self._listed, None
                seen += self._lose(listed)
                await self._settle(self._removed - listed)
            if len(self._names) > known or self._clock.steady() - self._saved_at >= SAVE_EVERY:
                await self._save_seen()
            return seen

    async def lose(self) -> list[Node]:
        """The relay is not reached: no node but the core's own has a session. Returns those that had one."""
        async with self._changing:
            self._listed = None
            return self._lose(())

    async def save(self) -> None:
        """Write what was seen and not saved yet: before the end."""
        async with self._changing:
            await self._save_seen()

    async def _keep(self, node: Node) -> Node:
        """On disk first, then in force."""
        await self._table.save([node])
        self._put(node)
        return node

    def _put(self, node: Node) -> None:
        self._nodes[node.name] = node
        if node.uid:
            self._names[node.uid] = node.name

    def _list(self, rows: Iterable[Presence]) -> list[Presence]:
        told = list(rows)
        if self._listed is not None:
            self._listed.update(row.uid for row in told)
        return told

    def _take(self, row: Presence) -> Node:
        known = self.by_uid(row.uid) or self.get(row.name)
        node = sighted(known, row, self._clock.wall(), self._voucher(row, known))
        self._put(node)
        self._unsaved.add(node.name)
        return node

    def _voucher(self, row: Presence, known: Node | None) -> Voucher | None:
        """What a node that is new here gets by its join token."""
        if not row.token or (known is not None and known.uid):
            return None
        used = sum(node.join_token == row.token for node in self._nodes.values())
        return self._tokens.vouch(row.token, row.name, used)

    def _lose(self, listed: Collection[str]) -> list[Node]:
        """What the relay does not list has no session there."""
        lost = [
            replace(node, connected=False)
            for node in self._nodes.values()
            if node.connected and not node.local and node.uid not in listed
        ]
        for node in lost:
            self._put(node)
        return lost

    async def _settle(self, forgotten: Collection[str]) -> None:
        """The relay has forgotten these keys: should one come again, it joins anew."""
        if forgotten and await self._saved(self._table.forget(forgotten)):
            self._removed.difference_update(forgotten)

    async def _save_seen(self) -> None:
        if not self._unsaved or await self._saved(
            self._table.save(self._nodes[name] for name in self._unsaved)
        ):
            self._unsaved.clear()
        self._saved_at = self._clock.steady()

    async def _saved(self, writing: Coroutine[Any, Any, None]) -> bool:
        """Whether it is on disk; where not, `trouble` says why."""
        try:
            await writing
        except Damaged as failed:
            self.trouble = failed
            return False
        self.trouble = None
        return True


def removable(node: Node) -> Node:
    """The node; raises BadParams for the core's own."""
    if node.local:
        raise BadParams(f"{node.name} is this machine itself and cannot be removed", hint="drain it instead")
    return node
