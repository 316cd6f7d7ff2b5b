"""A Debian sshd on loopback with keys and configuration of its own, and asyncssh as the client beside us."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from tests.bench import place

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
SEPARATION = Path("/run/sshd")
"""Where a root's sshd insists on an empty folder; Debian's unit makes it at start."""
CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
PidFile none
AuthorizedKeysFile {folder}/user.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
MaxStartups 1000
MaxSessions 1000
LogLevel ERROR
SetEnv SHLVL=1
"""
"""The last line keeps bash from reading ~/.bashrc: what somebody put there is not the price of ssh."""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A server that listens; whoever has the key may in."""

    port: int
    key: Path

    async def run(self, command: str, count: int, at_once: int) -> None:
        """So many fresh connections, one command on each."""
        limit = asyncio.Semaphore(at_once)

        async def one() -> None:
            async with limit:
                connecting = asyncssh.connect(
                    "127.0.0.1",
                    self.port,
                    username=getpass.getuser(),
                    client_keys=[str(self.key)],
                    known_hosts=None,
                    config=None,
                    agent_path=None,
                )
                async with connecting as connection:
                    await connection.run(command, check=True)

        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(one())


def why_not() -> str:
    """Why no sshd can be had here; empty where one can."""
    if SSHD is None:
        return "openssh-server is not installed (apt-get install openssh-server)"
    if os.geteuid() == 0 and not SEPARATION.exists():
        SEPARATION.mkdir(mode=0o755)
    return ""


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[Sshd]:
    """Serve while the block lasts."""
    for name in ("host", "user"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(folder / name))
        key.write_public_key(str(folder / f"{name}.pub"))
        (folder / name).chmod(0o600)
    port = _free_port()
    (folder / "config").write_text(CONFIGURATION.format(port=port, folder=folder))
    argv = [str(SSHD), "-D", "-e", "-f", str(folder / "config")]
    async with place.child(argv, None, folder / "sshd.txt"):
        await _answers(port)
        yield Sshd(port, folder / "user")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def _answers(port: int) -> None:
    async with asyncio.timeout(place.PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
