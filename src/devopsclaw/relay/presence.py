"""What controllers are told of the nodes: everything when they arrive, then what changed, in batches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from devopsclaw.relay.identities import Identities
from devopsclaw.relay.peer import Peer
from devopsclaw.wire.frames import MAX_HEADER, Frame, FrameType, encode

PERIOD = 0.1
"""Seconds between two batches: the console draws no faster (design §5)."""
RETURN_PATIENCE = 3.0
"""Seconds that a controller waits to hear who is there while nodes come back that were just sent away:
the longest they are asked to stay away, and a handshake on a busy machine."""
ROOM = MAX_HEADER - 256
"""Bytes of a PRESENCE header that rows may take."""


class Presence:
    """Collects what changed and tells it. `run` is the one task that sends, so the order is kept."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._controllers: set[Peer] = set()
        self._newcomers: set[Peer] = set()
        self._changed: set[str] = set()
        self._away: dict[str, int] = {}
        self._wake = asyncio.Event()

    def touch(self, uid: str) -> None:
        """This node changed."""
        if self._controllers:
            self._changed.add(uid)
            self._wake.set()

    def add(self, controller: Peer) -> None:
        """Tell this controller everything, then what changes."""
        self._controllers.add(controller)
        self._newcomers.add(controller)
        self._wake.set()

    def remove(self, controller: Peer) -> None:
        """Tell it nothing more."""
        self._controllers.discard(controller)
        self._newcomers.discard(controller)

    def tell_all_again(self) -> None:
        """Every controller gets everything: a node was forgotten, and only a whole list can say so."""
        self._newcomers |= self._controllers
        self._wake.set()

    def await_return(self, nodes: Iterable[Peer]) -> None:
        """These were asked to come back: until they have, nobody is told that they are gone."""
        self._away = {peer.uid: peer.epoch for peer in nodes}
        self._wake.set()

    async def run(self) -> None:
        """Tell, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._returned()
            await self._tell()
            await asyncio.sleep(PERIOD)

    async def _returned(self) -> None:
        """Wait for the nodes that were asked to come back, but not for ever: some may not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RETURN_PATIENCE):
                while any(self._is_away(uid, epoch) for uid, epoch in self._away.items()):
                    await self._wake.wait()
                    self._wake.clear()
        self._away = {}

    def _is_away(self, uid: str, epoch: int) -> bool:
        node = self._identities.nodes.get(uid)
        return node is not None and (node.epoch == epoch or not node.is_connected)

    async def _tell(self) -> None:
        newcomers, self._newcomers = self._newcomers, set()
        changed, self._changed = self._changed, set()
        nodes = self._identities.nodes
        whole = self._encoded(nodes, full=True) if newcomers else []
        news = self._encoded(changed & nodes.keys(), full=False) if changed else []
        for controller in list(self._controllers):
            for data in whole if controller in newcomers else news:
                if not await controller.deliver(data):
                    break

    def _encoded(self, uids: Iterable[str], *, full: bool) -> list[bytes]:
        rows = [self._identities.nodes[uid].row() for uid in uids]
        return [encode(frame) for frame in frames_of(rows, full=full)]


def frames_of(rows: list[dict[str, Any]], *, full: bool) -> Iterator[Frame]:
    """The rows in as few PRESENCE frames as hold them; `more` is set on all but the last.

    With `full`, the first says so: it starts a new list, and the frames after it add to that.
    """
    batch: list[dict[str, Any]] = []
    room = ROOM
    for row in rows:
        size = len(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()) + 1
        if size > room:
            yield Frame(FrameType.PRESENCE, {"full": full, "nodes": batch, "more": True})
            batch, room, full = [], ROOM, False
        batch.append(row)
        room -= size
    yield Frame(FrameType.PRESENCE, {"full": full, "nodes": batch, "more": False})
