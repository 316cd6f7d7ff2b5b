"""The other side of the socket: a running core lets in faces of other processes of this machine.

It knows no operation; each request goes through the gate as any. What a client asked for goes on when the
client leaves: leaving is not cancelling.
"""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devopsclaw.core.background import Background, background
from devopsclaw.core.door import LocalDoor, user_of
from devopsclaw.core.door_peer import uid_of
from devopsclaw.core.door_session import Session
from devopsclaw.core.gate import Gate
from devopsclaw.core.paths import Home, short
from devopsclaw.model.call import Actor
from devopsclaw.model.door import FACES, LINE_LIMIT
from devopsclaw.model.errors import BadConfig, ClawError, Damaged, Denied

LOG = logging.getLogger(__name__)

BACKLOG = 128
"""Clients that may wait to be let in: a burst of short commands."""


@dataclass(slots=True)
class Listener:
    """The open door of a core. `alone` is set while no client is there; `calls` are what runs for clients."""

    gate: Gate
    face: str
    version: str
    demo: bool
    group: str
    log: Path
    admit: Callable[[Actor], None]
    """Raises Denied for whom no event is told."""
    alone: asyncio.Event = field(default_factory=asyncio.Event)
    sessions: set[Session] = field(default_factory=set)
    calls: set[asyncio.Task[None]] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def meet(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, work: Background
    ) -> None:
        """Serve one client until it leaves."""
        session = Session(self, reader, writer, work)
        self.sessions.add(session)
        self.alone.clear()
        try:
            await session.serve()
        finally:
            self.sessions.discard(session)
            if not self.sessions:
                self.alone.set()

    def door_for(self, peer: socket.socket, face: str) -> LocalDoor:
        """The door of this client. Raises Denied for a stranger."""
        uid = uid_of(peer)
        if uid != os.getuid() and not self.group:
            raise Denied(
                f"this home belongs to {user_of(os.getuid())}, and {user_of(uid)} is not let in",
                hint="its owner can set core.socket_group and grant you a role",
            )
        return LocalDoor(self.gate, face if face in FACES else "cli", demo=self.demo, uid=uid)

    async def finish(self, patience: float) -> None:
        """Let in nobody new, and give what was asked `patience` seconds to be answered."""
        if self.server is not None:
            self.server.close()
        if self.calls:
            await asyncio.wait(self.calls, timeout=patience)

    @property
    def welcome(self) -> dict[str, Any]:
        """What a client is told first."""
        return {"version": self.version, "face": self.face, "pid": os.getpid(), "demo": self.demo}


@asynccontextmanager
async def listening(home: Home, listener: Listener) -> AsyncIterator[Listener]:
    """Let clients in until the block ends. The lock of this home is held, so that a socket that lies there
    is nobody's. Raises Damaged and BadConfig.
    """
    listener.alone.set()
    async with background() as work:
        bound = _bound(home, listener.group)

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if server.is_serving():
                meeting = work.start(listener.meet(reader, writer, work))
                meeting.add_done_callback(lambda ended: writer.close())  # also where it never began
            else:  # it was let in at the very end: it finds nobody, and asks the next core
                writer.close()

        server = await asyncio.start_unix_server(met, sock=bound, limit=LINE_LIMIT, backlog=BACKLOG)
        listener.server = server
        try:
            yield listener
        finally:
            server.close()
            with suppress(FileNotFoundError):
                home.socket.unlink()


def _bound(home: Home, group: str) -> socket.socket:
    """A listening socket, private, or open to the team's group."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        home.socket.unlink(missing_ok=True)
        with short(home.socket) as name:
            bound.bind(name)
        home.socket.chmod(0o600)
        if group:
            _share(home, group)
    except OSError as refused:
        bound.close()
        raise Damaged(
            f"{home.socket} cannot be made: {refused.strerror}",
            hint="check that folder, or choose another home: DEVOPSCLAW_HOME=…",
        ) from refused
    except ClawError:
        bound.close()
        raise
    return bound


def _share(home: Home, group: str) -> None:
    """Let a group reach the socket: through the folders above it, and nothing else in them."""
    try:
        number = grp.getgrnam(group).gr_gid
    except KeyError:
        raise BadConfig(
            f"core.socket_group: there is no group {group!r} on this machine", hint="groupadd makes one"
        ) from None
    try:
        for folder in (home.root, home.run):
            os.chown(folder, -1, number)
            folder.chmod(0o710)
        os.chown(home.socket, -1, number)
        home.socket.chmod(0o660)
    except PermissionError:
        raise BadConfig(
            f"core.socket_group: {user_of(os.getuid())} is not in the group {group}",
            hint=f"usermod -aG {group} {user_of(os.getuid())}, then log in again",
        ) from None
