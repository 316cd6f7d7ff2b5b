"""What the node machine remembers: commands until they are acknowledged, ids until nobody can offer them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from devopsclaw.daemon.command import Command, Settled
from devopsclaw.model.headers import Standing


class Ledger:
    """Commands and ids by command id. Nothing here looks through all of them for one frame."""

    def __init__(self) -> None:
        self._commands: dict[str, Command] = {}
        self._settled: dict[str, Settled] = {}
        self._deadlines: list[tuple[float, str]] = []
        self._purges: list[tuple[float, str]] = []
        self.in_flight = 0
        """Commands whose process may exist."""

    def find(self, command_id: str) -> Command | None:
        """The command, if it is not acknowledged yet."""
        return self._commands.get(command_id)

    def find_live(self, command_id: str) -> Command | None:
        """The command, if its process may exist."""
        command = self._commands.get(command_id)
        return command if command is not None and command.report is None else None

    def known(self, command_id: str) -> Command | Settled | None:
        """Whatever is remembered of this id."""
        return self._commands.get(command_id) or self._settled.get(command_id)

    def standing(self, command_id: str) -> Standing:
        """The word a STANDING frame has for it."""
        if command_id in self._commands:
            return self._commands[command_id].phase
        return Standing.FORGOTTEN if command_id in self._settled else Standing.UNSEEN

    def finished(self) -> Iterable[Command]:
        """Commands that ended and are not acknowledged yet."""
        return (command for command in self._commands.values() if command.report is not None)

    def add(self, command: Command) -> None:
        """Hold a command from here on."""
        self._commands[command.id] = command
        self.in_flight += command.report is None

    def settle(self, command_id: str, settled: Settled) -> None:
        """It is acknowledged: only its id is kept."""
        self._commands.pop(command_id, None)
        self._settled[command_id] = settled
        heapq.heappush(self._purges, (settled.purge_at, command_id))

    def set_deadline(self, command: Command, started: float) -> None:
        """Time runs from the start, through restarts of the daemon too: steady time is the machine's."""
        if command.timeout is not None and command.deadline is None:
            command.deadline = started + command.timeout
            heapq.heappush(self._deadlines, (command.deadline, command.id))

    @property
    def due(self) -> float | None:
        """Steady time of the next deadline; it may be that of a command that ended meanwhile."""
        return self._deadlines[0][0] if self._deadlines else None

    def take_overdue(self, steady: float) -> list[Command]:
        """The commands whose deadline has come, each once."""
        overdue: list[Command] = []
        while self._deadlines and self._deadlines[0][0] <= steady:
            command = self.find_live(heapq.heappop(self._deadlines)[1])
            if command is not None:
                overdue.append(command)
        return overdue

    def take_purgeable(self, wall: float) -> list[str]:
        """Ids that nobody can offer any more; they are not remembered from here on."""
        purged: list[str] = []
        while self._purges and self._purges[0][0] <= wall:
            purged.append(heapq.heappop(self._purges)[1])
            del self._settled[purged[-1]]
        return purged
