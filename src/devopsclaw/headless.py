"""The long-running roles without a screen: relay, daemon, gateway. Not what they do: boot assembles that."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from devopsclaw.core.paths import home

Serve = Callable[..., Awaitable[None]]


def relay(settings: object, flags: dict[str, str]) -> int:
    """Serve as the relay until stopped; `flags` are settings by their key. Raises ClawError."""
    from devopsclaw import boot

    return serve(boot.serve_relay, flags)


def daemon(settings: object, flags: dict[str, str], reset_trust: bool = False) -> int:
    """Serve as this machine's node until stopped, or only forget whom it obeys; `flags` are settings by their
    key. Raises ClawError.
    """
    from devopsclaw import boot

    return serve(boot.reset_trust if reset_trust else boot.serve_daemon, flags)


def gateway(settings: object, flags: dict[str, str] | None = None) -> int:
    """Serve as this home's resident core until stopped. Raises ClawError."""
    from devopsclaw import boot

    return serve(boot.serve_gateway, flags or {})


def serve(role: Serve, flags: dict[str, str]) -> int:
    """Run a role to its end. It stops by itself on SIGINT and SIGTERM, so an end is a good end: 0."""

    async def to_the_end() -> None:
        await role(home(), flags=flags)

    asyncio.run(to_the_end())
    return 0
