"""One execution as it goes on, put together from events; its result replaces what was put together.

Memory is bounded: of each stream the end is kept, and a digest of all of it, so that nodes fold alike only
if all they printed is alike. Pure: no widget, no clock, no door.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from devopsclaw.model.errors import ClawError
from devopsclaw.model.events import CallStarted, NodeMoved, NodePrinted, RunEnded, RunPlanned
from devopsclaw.model.execution import Fold
from devopsclaw.model.nodeset import fold
from devopsclaw.model.state import LIVE, State
from devopsclaw.model.text import safe

KEEP_PER_STREAM, KEEP_IN_ALL = 65_536, 16 * 1024 * 1024
"""Bytes of output held for the screen while a run goes on; the whole is the core's to keep."""


@dataclass(slots=True)
class Tail:
    """The end of a stream. `total` counts all its bytes, `missed` those that never came here."""

    limit: int
    total: int = 0
    missed: int = 0
    kept: bytes = b""
    _digest: Any = field(default_factory=lambda: blake2b(digest_size=16))

    def take(self, offset: int, data: bytes) -> None:
        """Add what was printed at this offset; what is already here is not added twice."""
        if offset > self.total:
            self.missed += offset - self.total
            self._digest.update(f"gap {self.total} {offset}".encode())
            self.total = offset
        fresh = data[self.total - offset :]
        self._digest.update(fresh)
        self.total += len(fresh)
        self.kept = (self.kept + fresh)[-self.limit :]

    @property
    def mark(self) -> bytes:
        """Equal for streams whose every byte was equal."""
        return bytes(self._digest.digest())

    def text(self) -> str:
        """What can be shown, cut at a line, with a line before it that says what is not shown."""
        left_out = self.total - len(self.kept)
        if not left_out:
            return safe(self.kept)
        whole_lines = self.kept.split(b"\n", 1)[-1]
        return f"[{left_out} bytes before this are not on screen while it runs]\n{safe(whole_lines)}"


@dataclass(slots=True)
class Part:
    """One node's part of the run."""

    state: State
    out: Tail
    err: Tail
    exit_code: int | None = None
    reason: str = ""


class LiveRun:
    """What is known of one run. `call` is the id of the call that started it."""

    def __init__(self, call: str, command: str = "", target: str = "") -> None:
        self.call = call
        self.command = command
        self.target = target
        self.run = ""
        self.entry = ""
        self.parts: dict[str, Part] = {}
        self.exit_code: int | None = None
        self.word = ""
        """The result's word for the whole run; empty before there is one."""
        self.error: ClawError | None = None
        self.dropped = 0
        self.was_away = False
        """Whether things may have happened that were not told here."""
        self._result: Any = None

    @property
    def has_begun(self) -> bool:
        """Whether the gate let it through: from here on it is on record."""
        return bool(self.run or self.entry or self._result)

    @property
    def is_running(self) -> bool:
        """Whether some node's part is still open."""
        if self._result is not None:
            return any(self._result.counts.get(state.value) for state in LIVE)
        return self.has_begun and self.exit_code is None and self.error is None

    @property
    def is_over(self) -> bool:
        """Whether it began and nothing more is to be waited for."""
        return self.has_begun and not self.is_running

    @property
    def is_settled(self) -> bool:
        """Whether the result has replaced what the events told."""
        return self._result is not None

    def absorb(self, event: object) -> None:
        """Take one event of this call."""
        match event:
            case CallStarted():
                self.entry = event.entry or self.entry
            case RunPlanned():
                self._plan(event)
            case NodeMoved():
                self._move(event)
            case NodePrinted():
                self._print(event)
            case RunEnded():
                self.exit_code = event.exit_code

    def settle(self, result: Any) -> None:
        """The call ended: its result (`devopsclaw.run/1`) is the truth."""
        self._result = result
        self.run, self.entry = result.run, result.entry or self.entry
        self.command, self.target = result.command, result.target
        self.exit_code, self.word = result.exit_code, result.status
        self.parts = {}

    def counts(self) -> dict[str, int]:
        """How many nodes stand in which state, in the order of the states."""
        if self._result is not None:
            return dict(self._result.counts)
        counted = Counter(part.state for part in self.parts.values())
        return {state.value: counted[state] for state in State if counted[state]}

    def states(self) -> dict[str, str]:
        """The state of each node, by name."""
        if self._result is not None:
            return {item.node: item.status.value for item in self._result.items}
        return {name: part.state.value for name, part in self.parts.items()}

    def folds(self) -> list[Fold]:
        """The nodes grouped by state, exit code and all they printed so far."""
        if self._result is not None:
            return [*self._result.folds, *self._still_live()]
        alike: dict[tuple[Any, ...], list[str]] = defaultdict(list)
        for name, part in self.parts.items():
            alike[part.state, part.exit_code, part.reason, part.out.mark, part.err.mark].append(name)
        return [self._fold(number, sorted(names)) for number, names in enumerate(alike.values(), start=1)]

    @property
    def missed(self) -> bool:
        """Whether something went by that is not on screen; the result will have it."""
        return (
            self.was_away
            or bool(self.dropped)
            or any(part.out.missed + part.err.missed for part in self.parts.values())
        )

    def _still_live(self) -> list[Fold]:
        """Groups of the nodes that a result counts as not ended: results fold only what is final."""
        alike: dict[State, list[str]] = defaultdict(list)
        for item in self._result.items:
            if not item.status.is_final:
                alike[item.status].append(item.node)
        first = len(self._result.folds) + 1
        return [
            Fold(id=number, status=state, nodes=fold(names), names=sorted(names), count=len(names))
            for number, (state, names) in enumerate(alike.items(), start=first)
        ]

    def _fold(self, number: int, names: list[str]) -> Fold:
        one = self.parts[names[0]]
        return Fold(
            id=number,
            status=one.state,
            exit_code=one.exit_code,
            nodes=fold(names),
            names=names,
            count=len(names),
            stdout=one.out.text(),
            stderr=one.err.text(),
            reason=one.reason,
        )

    def _plan(self, event: RunPlanned) -> None:
        self.run, self.command = event.run, event.command
        limit = max(min(KEEP_PER_STREAM, KEEP_IN_ALL // (2 * len(event.nodes) or 1)), 1024)
        for name in event.nodes:
            self.parts.setdefault(name, Part(State.PENDING, Tail(limit), Tail(limit)))

    def _part(self, name: str) -> Part:
        return self.parts.setdefault(name, Part(State.PENDING, Tail(KEEP_PER_STREAM), Tail(KEEP_PER_STREAM)))

    def _move(self, event: NodeMoved) -> None:
        part = self._part(event.node)
        part.state, part.exit_code, part.reason = event.state, event.exit_code, event.reason

    def _print(self, event: NodePrinted) -> None:
        part = self._part(event.node)
        (part.err if event.stream == "stderr" else part.out).take(event.offset, event.data)
