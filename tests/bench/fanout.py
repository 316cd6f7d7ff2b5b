"""`uptime` on many nodes: through our relay, daemons and journals, beside only spawning it, and ssh.

The daemons run on this very machine and share its processors with the core, as the sshd does.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from tests.bench import place, sshd
from tests.bench.fleet_place import WarmCore, warm
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds, timed
from tests.bench.nodes import NAME

COMMAND = "uptime"
AT_ONCE = 50
SIZES, QUICK_SIZES = (10, 50, 200), (10, 50)
SPAWN, SSH, WARM, TYPED = "spawned here", "asyncssh cold", "warm core", "command line"


async def measure(quick: bool) -> list[Line]:
    """For each size a warm core beside spawning and ssh, then the command line beside spawning."""
    sizes = QUICK_SIZES if quick else SIZES
    with place.temporary() as folder:
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(place.relay(folder))
            server = await _ssh(stack, folder)
            async with warm(relay.home) as core:
                await stack.enter_async_context(crowds(folder, relay.url, max(sizes)))
                await core.joined(max(sizes))
                taken = await interleaved(_contenders(core, server, sizes), rounds=3 if quick else 5)
            typed = await interleaved(_typed(relay.home, sizes), rounds=3 if quick else 5)
            argv = place.product("run", COMMAND, "--target", targets(max(sizes)))
            memory = await place.peak_memory(argv, relay.home)
    lines = [line for count in sizes for line in _warm_lines(count, taken, typed)]
    return [*lines, _memory_line(max(sizes), memory)]


def targets(count: int) -> str:
    """The first so many nodes, as a target."""
    return f"{NAME.format(0)[:-4]}[{0:04}-{count - 1:04}]"


async def spawn_all(count: int) -> None:
    """The floor: the command so many times through a shell, `AT_ONCE` at a time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with limit:
            child = await asyncio.create_subprocess_shell(COMMAND, stdout=asyncio.subprocess.PIPE)
            await child.communicate()

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(one())


async def _ssh(stack: AsyncExitStack, folder: Path) -> sshd.Sshd | None:
    if sshd.why_not():
        return None
    return await stack.enter_async_context(sshd.listening(folder))


@asynccontextmanager
async def crowds(folder: Path, url: str, count: int) -> AsyncIterator[None]:
    """The daemons of so many nodes, in as many processes as there are processors to run them."""
    processes = os.cpu_count() or 1
    async with AsyncExitStack() as stack:
        for number in range(processes):
            names = [NAME.format(each) for each in range(number, count, processes)]
            await stack.enter_async_context(_crowd(folder / f"crowd-{number}", url, folder / "token", names))
        yield


@asynccontextmanager
async def _crowd(home: Path, url: str, token: Path, names: list[str]) -> AsyncIterator[None]:
    home.mkdir(mode=0o700)
    argv = [place.PYTHON, "-m", "devopsclaw.demo.crowd", url, str(token), *names]
    async with place.child(argv, home, home.with_suffix(".txt")):
        yield


def _contenders(core: WarmCore, server: sshd.Sshd | None, sizes: tuple[int, ...]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for count in sizes:
        found[f"{SPAWN} {count}"] = partial(timed, partial(spawn_all, count))
        found[f"{WARM} {count}"] = partial(timed, partial(core.run, COMMAND, targets(count), AT_ONCE))
        if server:
            found[f"{SSH} {count}"] = partial(timed, partial(server.run, COMMAND, count, AT_ONCE))
    return found


def _typed(home: Path, sizes: tuple[int, ...]) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for count in sizes:
        argv = place.product("run", COMMAND, "--target", targets(count))
        found[f"{TYPED} {count}"] = partial(timed, partial(place.run, argv, home))
        found[f"{SPAWN} {count}"] = partial(timed, partial(spawn_all, count))
    return found


def _warm_lines(count: int, taken: dict[str, list[float]], typed: dict[str, list[float]]) -> list[Line]:
    ours, spawned = milliseconds(taken[f"{WARM} {count}"]), milliseconds(taken[f"{SPAWN} {count}"])
    over = count == min(SIZES)
    bar = Bar(Judged.OVER, at_most=30) if over else Bar(Judged.TIMES, at_most=2.0)
    what = f"{COMMAND} on {count}"
    lines = [Line(f"{what}, warm core", "ms", ours, spawned, SPAWN, bar)]
    if f"{SSH} {count}" in taken:
        beside = milliseconds(taken[f"{SSH} {count}"])
        faster = Bar(Judged.FASTER, at_least=3.0) if count == max(SIZES) else None
        lines.append(Line(f"{what}, warm core", "ms", ours, beside, SSH, faster))
    else:
        lines[0] = Line(f"{what}, warm core", "ms", ours, spawned, SPAWN, bar, sshd.why_not())
    typed_bar = Bar(Judged.OVER, at_most=200) if over else None
    beside_typed = milliseconds(typed[f"{SPAWN} {count}"])
    ours_typed = milliseconds(typed[f"{TYPED} {count}"])
    lines.append(Line(f"{what}, command line", "ms", ours_typed, beside_typed, SPAWN, typed_bar))
    return lines


def _memory_line(count: int, kib: float) -> Line:
    return Line(
        f"memory of the command line, {count} nodes", "MB", [kib / 1024], bar=Bar(Judged.ITSELF, at_most=80)
    )
