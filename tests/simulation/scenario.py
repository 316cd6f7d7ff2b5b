"""One seed: a fleet, commands, bad luck, then calm weather, and the question whether everything is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.simulation.checks import Checks
from tests.simulation.controller import ISSUER, SimController
from tests.simulation.network import Link, Weather
from tests.simulation.node import SimNode, sign
from tests.simulation.process import Script
from tests.simulation.relay import SimRelay
from tests.simulation.world import Violation, World

from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command
from devopsclaw.model.errors import ClawError
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import CommandParams, Envelope

CALM_AT = 100.0
"""Seconds of bad luck; longer than the patience after which a lost link makes things unknown."""
SETTLED_WITHIN = 180.0
"""Seconds after which nothing is open any more: two minutes (I11) and the longest command."""
I10_WITHIN = 60.0 + 5.0
"""Seconds after the deadline, or after the core came back, and some for ticks and transport."""
TICK = 1.0


@dataclass(frozen=True)
class Plant:
    """The machines under test, or machines with a planted bug."""

    node: type[NodeMachine] = NodeMachine
    delivery: type[Delivery] = Delivery


class Scenario:
    """Everything in it comes from the seed."""

    def __init__(self, seed: int, plant: Plant) -> None:
        world = self.world = World(seed)
        self._random = world.random
        self._weather = self._pick_weather()
        self._scripts: dict[str, Script] = {}
        self._checks = Checks(world, self._scripts)
        self._relay = SimRelay(world, self._weather)
        crashes = self._random.choice([0.0, 0.0, 0.004, 0.02])
        batching = self._random.random() < 0.4
        self.controller = SimController(world, self._relay, self._checks, plant.delivery, crashes, batching)
        self._checks.controller = self.controller
        crashes = self._random.choice([0.0, 0.0, 0.004, 0.02])
        self.nodes = [
            SimNode(
                world,
                f"n_{index}{seed:06d}",
                self._relay,
                self._checks,
                plant.node,
                self._scripts,
                crashes,
                batching,
            )
            for index in range(self._random.randint(1, 3))
        ]
        self._cancelled: set[str] = set()

    def run(self) -> None:
        """Raises Violation where an invariant breaks."""
        self.controller.start()
        for node in self.nodes:
            node.start()
        for _ in range(self._random.randint(2, 7)):
            self.world.later(self.world.between(0.5, 60.0), self._submit)
        self._plan_bad_luck()
        self.world.later(TICK, self._tick)
        self.world.run(CALM_AT)
        self.world.is_calm = True
        self.world.tell("--- from here on nothing fails ---")
        self._settle()
        self._conclude()

    def _pick_weather(self) -> Weather:
        if self._random.random() < 0.6:
            return Weather()
        return Weather(
            repeat=self._random.choice([0.0, 0.1]),
            overtake=self._random.choice([0.0, 0.15]),
            swallow=self._random.choice([0.0, 0.0, 0.05]),
            haunt=self._random.choice([0.0, 0.5]),
        )

    def _tick(self) -> None:
        self.controller.tick()
        for node in self.nodes:
            node.tick()
        self._check_not_late()
        self.world.later(TICK, self._tick)

    # Work

    def _submit(self) -> None:
        world, random = self.world, self._random
        node = random.choice(self.nodes)
        identifier = UUID(int=random.getrandbits(128)).hex
        self._scripts[identifier] = self._script()
        timeout = random.choice([None, 2.0, 8.0, 20.0])
        envelope = Envelope(
            command=identifier,
            execution="X-1",
            node=node.uid,
            params=CommandParams(
                command="true",
                timeout=timeout,
                grace=random.choice([0.5, 3.0]),
                output_cap=self._scripts[identifier].cap,
            ),
            effect=Effect.WRITE,
            not_before=world.now,
            not_after=world.now + random.choice([3.0, 15.0, 40.0]),
            issuer=ISSUER,
            call="c",
        )
        body = envelope.canonical()
        command = Command(
            id=identifier,
            node=node.uid,
            envelope=body,
            signature=sign(body),
            not_before=envelope.not_before,
            not_after=envelope.not_after,
            grace=envelope.params.grace,
            timeout=timeout,
        )
        self.controller.submit(command)
        if random.random() < 0.3:
            world.later(world.between(0.0, 20.0), self._cancel, identifier)

    def _script(self) -> Script:
        random = self._random
        sizes = [0, 10, 5_000, 5_000, 100_000]
        large = [300_000, 700_000] if random.random() < 0.15 else sizes
        return Script(
            duration=random.choice([0.01, 0.5, 3.0, 12.0, 30.0]),
            exit_code=random.choice([0, 0, 0, 1, 127]),
            stdout=random.choice(large),
            stderr=random.choice(sizes[:3]),
            cap=random.choice([4_000, 1_000_000, 1_000_000]),
            ignores_term=random.random() < 0.2,
            cannot_start=random.random() < 0.03,
        )

    def _cancel(self, command: str) -> None:
        self._cancelled.add(command)
        self.controller.cancel(command)

    # Bad luck

    def _plan_bad_luck(self) -> None:
        blows = [
            self._break_link,
            self._break_link,
            self._stall_link,
            self._crash_relay,
            self._crash_controller,
            self._crash_node,
            self._lose_power,
        ]
        for _ in range(self._random.choice([0, 2, 5, 9])):
            self.world.later(self.world.between(1.0, CALM_AT - 20.0), self._random.choice(blows))

    def _break_link(self) -> None:
        if links := self._relay.links():
            self.world.tell("network: a link breaks")
            link: Link = self._random.choice(links)
            link.break_off(self.world.between(0.0, 40.0), self.world.between(0.0, 40.0))

    def _stall_link(self) -> None:
        if links := self._relay.links():
            link: Link = self._random.choice(links)
            pipe = self._random.choice([link.to_far, link.to_near])
            self.world.tell("network: one direction stalls")
            pipe.stall(self.world.between(1.0, 30.0))

    def _crash_relay(self) -> None:
        if self._relay.is_up:
            self._relay.crash(self.world.between(0.5, 80.0))

    def _crash_controller(self) -> None:
        if self.controller.is_up:
            self.controller.crash()

    def _crash_node(self) -> None:
        node = self._random.choice(self.nodes)
        if node.is_up:
            node.crash()

    def _lose_power(self) -> None:
        node = self._random.choice(self.nodes)
        node.lose_power(lose_journal=self._random.random() < 0.1)

    # The end

    def _check_not_late(self) -> None:
        """I10: everything has a state that is an answer soon after its time is over."""
        for line in self.controller.lines.values():
            command = line.command
            if line.state.is_final or command.timeout is None or not self.controller.is_up:
                continue
            latest = command.not_after + command.timeout + command.grace
            allowed = max(latest, self.controller.started_at) + I10_WITHIN
            self._checks.require(
                self.world.now <= allowed, "I10", "{} is still {}", command.id[:6], line.state
            )

    def _settle(self) -> None:
        while self.world.now < CALM_AT + SETTLED_WITHIN and not self._is_settled():
            self.world.run(self.world.now + 1.0)
        open_lines = [line.command.id[:6] for line in self.controller.lines.values() if not line.is_final]
        self._checks.require(not open_lines, "I11", "still open: {}", open_lines)
        if not self._weather.swallow:
            kept = [
                command[:6] for node in self.nodes for command in node.unacked if self._is_settled_at(command)
            ]
            self._checks.require(not kept, "I11", "never acknowledged: {}", kept)

    def _is_settled(self) -> bool:
        lines = all(line.is_final for line in self.controller.lines.values())
        nodes = all(not self._is_settled_at(command) for node in self.nodes for command in node.unacked)
        return lines and nodes and self.controller.is_up

    def _is_settled_at(self, command: str) -> bool:
        """Whether the controller can acknowledge it; damaged output it never does."""
        line: Any = self.controller.lines.get(command)
        return line is not None and (line.is_acknowledgeable or not line.is_final)

    def _conclude(self) -> None:
        lost_power = {node.uid: node.has_lost_power for node in self.nodes}
        for line in self.controller.lines.values():
            command = line.command
            self._checks.conclude(
                command.id, line.state, command.id in self._cancelled, lost_power[command.node]
            )


def run_seed(seed: int, plant: Plant | None = None) -> None:
    """Raises Violation, with the story, where an invariant breaks."""
    scenario = Scenario(seed, plant or Plant())
    try:
        scenario.run()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, ClawError) as crash:
        raise Violation(f"{scenario.world.story()}\nthe machine itself failed: {crash!r}") from crash
