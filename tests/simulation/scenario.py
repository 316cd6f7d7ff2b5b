"""One seed: a fleet, commands, bad luck, then calm weather, and the question whether everything is true."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from tests.simulation.checks import Checks
from tests.simulation.controller import SimController
from tests.simulation.hostile import HostileRelay
from tests.simulation.keys import CONTROLLER, NODES
from tests.simulation.network import Link, Weather
from tests.simulation.node import SimNode
from tests.simulation.process import Script
from tests.simulation.relay import SimRelay
from tests.simulation.world import Violation, World

from devopsclaw.core.runs import RunNode
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.trust import Pinned
from devopsclaw.fleet.batch import Batch
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.signing import Order, Signer, command_id
from devopsclaw.model.errors import ClawError
from devopsclaw.model.risk import Effect

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
    trust: type[Pinned] = Pinned
    is_credulous: bool = False


class Scenario:
    """Everything in it comes from the seed."""

    def __init__(self, seed: int, plant: Plant) -> None:
        world = self.world = World(seed)
        self._random = world.random
        self._weather = self._pick_weather()
        malice = self._random.choice([0.0, 0.0, 0.0, 0.03, 0.15])
        self._is_fair = self._weather == Weather() and not malice
        """A relay that swallows the word of a loss makes the output damaged, which is unknown and no lie."""
        self._scripts: dict[str, Script] = {}
        self._checks = Checks(world, self._scripts, is_relay_hostile=malice > 0)
        self._relay = HostileRelay(world, self._weather, malice) if malice else SimRelay(world, self._weather)
        crashes = self._random.choice([0.0, 0.0, 0.004, 0.02])
        batching = self._random.random() < 0.4
        self.controller = SimController(
            world, self._relay, self._checks, plant.delivery, crashes, batching, plant.is_credulous
        )
        self._checks.controller = self.controller
        crashes = self._random.choice([0.0, 0.0, 0.004, 0.02])
        self.nodes = [
            SimNode(
                world,
                key,
                self._relay,
                self._checks,
                plant.node,
                plant.trust(CONTROLLER.public_hex),
                self._scripts,
                crashes,
                batching,
            )
            for key in NODES[: self._random.randint(1, 3)]
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
        if isinstance(self._relay, HostileRelay):
            self._relay.crash(1.0)  # somebody has set it up anew
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
        """An execution on some nodes, under one signature; some come later, and some never get their turn."""
        random = self._random
        order = Order(
            run="X-1",
            call=UUID(int=random.getrandbits(128)).hex,
            command="true",
            effect=Effect.WRITE,
            timeout=random.choice([2.0, 8.0, 20.0]),
            grace=random.choice([0.5, 3.0]),
            output_cap=random.choice([4_000, 1_000_000, 1_000_000]),
        )
        nodes = random.sample(self.nodes, random.randint(1, len(self.nodes)))
        parts = [RunNode(node.uid, node.uid, command_id(order.call, node.uid)) for node in nodes]
        signer = Signer(CONTROLLER, window=random.choice([3.0, 15.0, 40.0]))
        batch = Batch(signer, order, parts)
        for part in parts:
            script = self._script(order.output_cap)
            empties = self._is_fair and part.command[0] in "0123"
            self._scripts[part.command] = replace(script, empties=empties)
            if random.random() < 0.9:
                delay = random.choice([0.0, 0.0, 0.0, random.random() * 20.0])
                self.world.later(delay, self._send, batch, part)

    def _send(self, batch: Batch, part: RunNode) -> None:
        self.controller.submit(batch.command(part, self.world.now))
        if self._random.random() < 0.3:
            self.world.later(self.world.between(0.0, 20.0), self._cancel, part.command)

    def _script(self, cap: int) -> Script:
        random = self._random
        sizes = [0, 10, 5_000, 5_000, 100_000]
        large = [300_000, 700_000] if random.random() < 0.15 else sizes
        return Script(
            duration=random.choice([0.01, 0.5, 3.0, 12.0, 30.0]),
            exit_code=random.choice([0, 0, 0, 1, 127]),
            stdout=random.choice(large),
            stderr=random.choice(sizes[:3]),
            cap=cap,
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
        if not self._weather.swallow and not isinstance(self._relay, HostileRelay):
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
