"""A signed command to N nodes and the signed result of each, nothing spawned, beside bare `websockets`.

Two lines for each N. The protocol alone: frames, sessions, relay and signatures, without TLS, as the peer.
And all of `fleet.exec` in a warm core, with TLS: plan, audit, run log, journal of each node, result. The
peer does one hop where we do two, and writes nothing to a disk.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench import bare, place
from tests.bench.controller import controller
from tests.bench.fanout import targets
from tests.bench.fleet_place import warm
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds, timed

SIZES, QUICK_SIZES = (200, 1000), (200,)
PEER = "bare websockets + sign, verify"


async def measure(quick: bool) -> list[Line]:
    """Two lines for each size."""
    sizes, rounds = (QUICK_SIZES, 3) if quick else (SIZES, 5)
    protocol = await _protocol(sizes, rounds)
    whole = await _whole(sizes, rounds)
    return [line for count in sizes for line in _lines(count, protocol, whole)]


async def _protocol(sizes: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    with place.temporary() as folder:
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(place.relay(folder, insecure=True))
            ours = await stack.enter_async_context(controller(relay))
            await stack.enter_async_context(_nodes("answer", folder, relay.url, max(sizes)))
            await ours.joined(max(sizes))
            server = await stack.enter_async_context(bare.serving(folder, max(sizes)))
            dispatch = {count: partial(ours.dispatch, count) for count in sizes}
            return await interleaved(_beside(dispatch, server), rounds)


async def _whole(sizes: tuple[int, ...], rounds: int) -> dict[str, list[float]]:
    with place.temporary() as folder:
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(place.relay(folder))
            core = await stack.enter_async_context(warm(relay.home))
            await stack.enter_async_context(_nodes("instant", folder, relay.url, max(sizes)))
            await core.joined(max(sizes))
            server = await stack.enter_async_context(bare.serving(folder, max(sizes)))
            dispatch = {count: partial(core.run, "true", targets(count), count) for count in sizes}
            return await interleaved(_beside(dispatch, server), rounds)


@asynccontextmanager
async def _nodes(work: str, folder: Path, url: str, count: int) -> AsyncIterator[None]:
    home = folder / "nodes"
    home.mkdir(mode=0o700)
    flags = ["--insecure"] if url.startswith("ws://") else []
    argv = [place.PYTHON, "-m", "tests.bench.nodes", work, url, str(folder / "token"), *flags]
    async with place.child(argv, home, folder / "nodes.txt") as nodes:
        await nodes.ask(str(count), "ready")
        yield


def _beside(
    dispatch: dict[int, partial[Coroutine[Any, Any, None]]], server: bare.BareServer
) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for count, ours in dispatch.items():
        found[f"ours {count}"] = partial(timed, ours)
        found[f"bare {count}"] = partial(timed, partial(server.dispatch, count))
    return found


def _lines(count: int, protocol: dict[str, list[float]], whole: dict[str, list[float]]) -> list[Line]:
    bars = {
        "dispatch to {}, all replies": Bar(Judged.TIMES, at_most=1.5),
        "fleet.exec on {} that end at once": None,
    }
    lines = []
    for (what, bar), taken in zip(bars.items(), (protocol, whole), strict=True):
        ours, beside = (milliseconds(taken[f"{name} {count}"]) for name in ("ours", "bare"))
        lines.append(Line(what.format(count), "ms", ours, beside, PEER, bar))
    return lines
