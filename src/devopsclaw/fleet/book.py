"""What is under way: commands by id, and by node; and when to look at them again."""

from __future__ import annotations

from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.session import NodeSession
from devopsclaw.fleet.timers import Timers


class Book:
    """Every entry is in here from its offer to its end; a session stays, its epoch is the fence."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._sessions: dict[str, NodeSession] = {}
        self.timers = Timers()

    def session(self, uid: str) -> NodeSession:
        """The node's session, made when first asked for."""
        if uid not in self._sessions:
            self._sessions[uid] = NodeSession(uid)
        return self._sessions[uid]

    def find_session(self, uid: str) -> NodeSession | None:
        """The node's session, if its presence was ever told."""
        return self._sessions.get(uid)

    def find(self, command_id: str) -> Entry | None:
        """The command, if it is under way."""
        return self._entries.get(command_id)

    def hold(self, entry: Entry) -> NodeSession:
        """The command is under way from here on."""
        self._entries[entry.id] = entry
        session = self.session(entry.command.node)
        session.entries[entry.id] = entry
        return session

    def drop(self, entry: Entry) -> None:
        """The command ended."""
        del self._entries[entry.id]
        del self.session(entry.command.node).entries[entry.id]
