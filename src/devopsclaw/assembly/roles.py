"""The long-running roles: the relay, and this machine as a node. Each ends well on SIGINT and SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random

from devopsclaw.assembly.introduction import introduction
from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.assembly.token import join_token_of, token_of
from devopsclaw.core.background import background
from devopsclaw.core.clock import Clock, SystemClock
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.config_layers import Flag
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.log import logging_to
from devopsclaw.core.paths import Home
from devopsclaw.core.redact import KNOWN, named_secrets
from devopsclaw.core.rights import guarded
from devopsclaw.daemon.daemon import Daemon
from devopsclaw.daemon.journal import open_journal
from devopsclaw.daemon.policy_file import PolicyFile
from devopsclaw.daemon.trust import Trust
from devopsclaw.host.facts import read_facts
from devopsclaw.model.errors import BadParams, ClawError
from devopsclaw.ops.version import baked
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.pins import Pins
from devopsclaw.relay.server import serve
from devopsclaw.relay.settings import RelaySettings
from devopsclaw.relay.stay import stay
from devopsclaw.relay.switchboard import OTHER_ROOT
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.table import Role
from devopsclaw.wire.uid import uid_of

FACTS_EVERY = 60.0
"""Seconds between two reports of load, memory and disk: enough for a look at the fleet, not for graphs."""

TYPED: Mapping[str, str] = {
    "relay.listen_addr": "--addr",
    "relay.auth_token": "--token",
    "relay.token_file": "--token-file",
    "relay.max_connections": "--max",
    "relay.tls_cert": "--tls-cert",
    "relay.tls_key": "--tls-key",
    "relay.insecure": "--insecure",
    "node.relay": "--relay",
    "node.id": "--node-id",
    "node.token": "--token",
    "node.token_file": "--token-file",
    "node.insecure": "--insecure",
}
"""Setting → the flag as a person types it, for what is said about it."""


STRANGER = (
    "the relay belongs to another controller than the one this node obeys; if that one is lost, stop the "
    "daemon and run: devopsclaw agent-daemon --reset-trust"
)


def say(line: str) -> None:
    """One line for whoever started the role, or its journal."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


async def stopped() -> None:
    """Return when the process is told to end."""
    await stopping().wait()


def stopping() -> asyncio.Event:
    """Set when the process is told to end, from now on."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    return told


def configured(home: Home, flags: Mapping[str, str], environment: Mapping[str, str]) -> Loaded:
    """The configuration of a role; `flags` are settings by their key. Raises BadConfig."""
    given = [Flag(TYPED.get(key, f"--{key}"), key, value) for key, value in flags.items()]
    loaded = load(home, environment, given)
    KNOWN.add({*loaded.secrets, *named_secrets(environment)})
    loaded.home.make()
    loaded = guarded(loaded)
    for warning in loaded.warnings:
        say(f"warning: {warning.text}" + (f"\n  try: {warning.hint}" if warning.hint else ""))
    return loaded


async def serve_relay(
    home: Home, *, flags: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> None:
    """Be the relay until told to end. Raises ClawError where it cannot start."""
    loaded = configured(home, flags, environment)
    settings = loaded.config.relay
    token = token_of(loaded, "relay")
    wanted = RelaySettings(
        address=settings.listen_addr,
        token=token.text,
        max_connections=settings.max_connections,
        tls_cert=Path(settings.tls_cert) if settings.tls_cert else None,
        tls_key=Path(settings.tls_key) if settings.tls_key else None,
        insecure=settings.insecure,
    )
    with logging_to(loaded.home, "relay", loaded.config.log.level, KNOWN):
        async with serve(wanted, loaded.home, SystemClock()) as relay:
            for line in introduction(relay, token, insecure=wanted.insecure):
                say(line)
            await stopped()
            say("relay: told to end; its clients come back by themselves")


async def serve_daemon(
    home: Home, *, flags: Mapping[str, str], environment: Mapping[str, str] = os.environ
) -> None:
    """Be this machine's node until told to end; commands that run then go on. Raises ClawError."""
    loaded = configured(home, flags, environment)
    clock = SystemClock()
    settings, shared = loaded.config.node, loaded.config.relay
    url = settings.relay or shared.url
    if not url:
        raise BadParams(
            "no relay to connect to",
            hint="devopsclaw agent-daemon --relay wss://HOST:9443, or set node.relay in the configuration",
        )
    token = token_of(loaded, "node").text or token_of(loaded, "relay").text
    join = join_token_of(token)
    name = settings.id or socket.gethostname().split(".")[0]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hold(loaded.home.run, "daemon", "agent-daemon", clock, 0.0))
        stack.enter_context(logging_to(loaded.home, "daemon", loaded.config.log.level, KNOWN))
        key = Keys(loaded.home.keys).load_or_create("node")
        dialer = Dialer(
            url=url,
            role=Role.NODE,
            key=key.private,
            name=name,
            pins=Pins(loaded.home.keys / "relays.json"),
            token="" if join else token,
            join=join,
            insecure=settings.insecure or shared.insecure,
            version=baked().version,
            clock=clock,
        )
        journal = await stack.enter_async_context(await open_journal(loaded.home.state / "node.db"))
        if journal.set_aside:
            say(f"warning: the damaged journal was kept as {journal.set_aside}")
            say("warning: a new one begins; commands issued before now are refused")
        trust = Trust(loaded.home.keys / "trust.json")
        say(f"{name}: fingerprint {uid_of(key.public)}")
        policy = PolicyFile(Path(settings.policy))
        if policy.notice:
            say(f"{name}: {policy.notice}")
        parts = NodeParts(key, trust, journal, loaded.home.output / "node", clock, policy)
        daemon = await stack.enter_async_context(open_node(parts))
        tasks = await stack.enter_async_context(background())
        tasks.start(daemon.run())
        tasks.start(keep_link(dialer, daemon, trust, clock, policy))
        await stopped()
        say(f"{name}: told to end; commands that run go on and are taken up at the next start")


async def keep_link(
    dialer: Dialer, daemon: Daemon, trust: Trust, clock: Clock, policy: PolicyFile | None = None
) -> None:
    """Stay connected, and serve each session: commands one way, facts the other."""

    async def converse(channel: Channel) -> None:
        if not trust.show(channel.welcome.root):
            await channel.send(Frame(FrameType.GOODBYE, {"code": OTHER_ROOT}))
            raise Closed(STRANGER, is_final=True)
        if not channel.welcome.claimed:
            say(f"{dialer.name}: unclaimed; it runs nothing until a controller claims the relay")
        async with asyncio.TaskGroup() as session:
            session.create_task(_tell_facts(channel, policy))
            session.create_task(daemon.converse(channel))

    told = ""

    def report(status: str, why: ClawError | None) -> None:
        nonlocal told
        if status == "connected":
            told = ""
            say(f"{dialer.name}: connected to {dialer.url}")
        elif why is not None and why.message != told:  # what stays wrong is said once
            told = why.message
            say(f"{dialer.name}: {status}: {told}" + (f"\n  try: {why.hint}" if why.hint else ""))

    await stay(dialer, converse, clock, Random(), report)


async def _tell_facts(channel: Channel, policy: PolicyFile | None) -> None:
    while True:
        facts = {**await read_facts(), **(policy.facts if policy else {})}
        await channel.send(Frame(FrameType.FACTS, {"facts": facts}))
        await asyncio.sleep(FACTS_EVERY)
