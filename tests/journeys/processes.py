"""The installed command as real processes: one that ends, ones that serve, and the sweep that ends them all.

No state is slept for: `wait_for` looks until a thing is so, and says what was missing if it never is.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from devopsclaw.core.paths import Home, short
from devopsclaw.model.door import hello

Found = TypeVar("Found")

PATIENCE = 60.0
"""Seconds for anything that has to happen: generous, because the machine may be busy."""
GLANCE = 0.02
"""Seconds between two looks."""

PRODUCT = (sys.executable, "-m", "devopsclaw")
TOKEN = "my-fleet-secret-token"
"""As the walkthrough has it."""

GATED = "echo begun >>diary; until [ -e go ]; do sleep 0.02; done; echo ended >>diary"
"""A command that a test lets end when it wants: `sleep 5; echo x >>f`, without the waiting."""


def wait_for(what: str, look: Callable[[], Found | None], patience: float = PATIENCE) -> Found:
    """The first thing that `look` finds; fails, naming `what`, when the patience ends."""
    until = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < until, f"not within {patience:.0f} s: {what}"
        time.sleep(GLANCE)


@dataclass(frozen=True)
class Completed:
    """A command line that ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """stdout as JSON."""
        return json.loads(self.out)

    @property
    def statuses(self) -> dict[str, str]:
        """State of each node, of a run that was asked for as JSON."""
        return {item["node"]: item["status"] for item in self.json["items"]}


@dataclass
class Serving:
    """A process that runs until it is ended, in a group of its own; what it says is in a file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def said(self) -> str:
        """All it said so far."""
        return self.log.read_text(errors="replace")

    def wait_said(self, text: str, times: int = 1) -> None:
        """Wait until it has said this."""
        wait_for(f"{self.name} says {text!r}, not only {self.said!r}", lambda: self.said.count(text) >= times)

    def kill(self) -> None:
        """kill -9, of this one process."""
        self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and wait; its exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself; its exit code."""
        return self.process.wait(PATIENCE)


@dataclass
class Machine:
    """A home with an environment of its own, and the product at hand in it."""

    name: str
    user: Path
    """Where commands run on it: its `HOME`."""
    home: Path
    extra: dict[str, str] = field(default_factory=dict)
    serving: list[Serving] = field(default_factory=list)

    def __call__(self, *words: str, stdin: str | None = None, **more: str) -> Completed:
        """Type a command line, and wait for its end. It never shows a traceback."""
        run = subprocess.run(
            [*PRODUCT, *words],
            env=self.environment(**more),
            cwd=self.user,
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            start_new_session=True,
            check=False,
        )
        told = run.stdout + run.stderr
        assert "Traceback (most" not in told and "should not have happened" not in told, told
        return Completed(run.returncode, run.stdout, run.stderr)

    def shell(self, line: str) -> Completed:
        """Type a line into a shell where `devopsclaw` is the product."""
        run = subprocess.run(
            ["/bin/sh", "-c", line],
            env=self.environment(),
            cwd=self.user,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            start_new_session=True,
            check=False,
        )
        assert "Traceback (most" not in run.stderr, run.stderr
        return Completed(run.returncode, run.stdout, run.stderr)

    def start(self, *words: str, **more: str) -> Serving:
        """Start a command line and leave it running."""
        log = self.user / f"{len(self.serving)}-{words[0]}.txt"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [*PRODUCT, *words],
                env=self.environment(**more),
                cwd=self.user,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        serving = Serving(f"{self.name}: {' '.join(words)}", process, log)
        self.serving.append(serving)
        return serving

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes see: nothing of the person's who runs the tests but the path."""
        product = self.user / "bin"
        own = {
            "PATH": f"{product}:{os.environ['PATH']}",
            "HOME": str(self.user),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "DEVOPSCLAW_HOME": str(self.home),
        }
        return {**own, **self.extra, **more}

    @property
    def diary(self) -> list[str]:
        """What `GATED` wrote here: `begun` once for each start, `ended` once for each end."""
        return lines_of(self.user / "diary")

    def let_go(self) -> None:
        """Let `GATED` end."""
        (self.user / "go").touch()

    def shim(self) -> int:
        """The process that holds the one command of this home: the first line of its exit file."""
        (exit_file,) = self.home.glob("output/**/*.exit")
        return int(exit_file.read_text().split()[0])


class House:
    """The machines of one test. All their processes end with it, also what commands left behind."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.machines: dict[str, Machine] = {}

    def machine(self, name: str, **extra: str) -> Machine:
        """The machine of this name, made on first mention."""
        if name not in self.machines:
            user = self.root / name
            product = user / "bin" / "devopsclaw"
            product.parent.mkdir(parents=True)
            product.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m devopsclaw "$@"\n')
            product.chmod(0o755)
            self.machines[name] = Machine(name, user, user / ".devopsclaw", dict(extra))
        return self.machines[name]

    def relay(self, *flags: str, on: str = "desk", address: str = "127.0.0.1:0") -> tuple[Serving, str]:
        """A relay that listens, and its address as `ws://…`."""
        machine = self.machine(on)
        notice = machine.home / "run" / "relay.json"
        notice.unlink(missing_ok=True)
        relay = machine.start("relay", "start", "--addr", address, "--token", TOKEN, *flags)
        wait_for(f"the relay listens: {relay.said}", lambda: notice.exists() or relay.process.poll())
        assert notice.exists(), relay.said
        return relay, json.loads(notice.read_text())["url"].replace("wss://", "ws://")

    def daemon(self, name: str, url: str, *flags: str) -> Serving:
        """A daemon on the machine of its name that is connected."""
        words = ("agent-daemon", "--relay", url, "--node-id", name, "--token", TOKEN, *flags)
        daemon = self.machine(name).start(*words)
        daemon.wait_said(f"{name}: connected to")
        return daemon

    def claim(self, desk: Machine, daemons: Iterable[Serving]) -> None:
        """Take command of the relay from the desk; the daemons come back to be shown its key."""
        assert desk("node", "list").code == 0
        for daemon in daemons:
            daemon.wait_said("connected to", times=2)

    def end(self) -> None:
        """End all, by group, then by the home in their environment: commands have groups of their own."""
        for machine in self.machines.values():
            for serving in machine.serving:
                with suppress(ProcessLookupError):
                    os.killpg(serving.process.pid, signal.SIGKILL)
                serving.process.wait()
        for pid in living_in(self.root):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Holder:
    """The process whose core a home's lock names."""

    pid: int
    face: str

    @property
    def is_gone(self) -> bool:
        """Whether it has ended; that nobody has asked yet how does not matter."""
        return not (state := _stat(self.pid)) or state[0] in "ZX"

    @property
    def busy(self) -> float:
        """Seconds of processor time that it used so far; 0 once it is gone."""
        state = _stat(self.pid)
        return sum(int(ticks) for ticks in state[11:13]) / os.sysconf("SC_CLK_TCK") if state else 0.0


def holder(machine: Machine) -> Holder | None:
    """Who holds the core of this home, or held it last; None while nobody has signed the lock."""
    try:
        return Holder(**json.loads((machine.home / "run" / "core.lock").read_bytes()))
    except (FileNotFoundError, ValueError):  # ValueError: it is being signed
        return None


def answers(machine: Machine) -> bool:
    """Whether the core of this home greets who comes to its socket."""
    with socket.socket(socket.AF_UNIX) as line, short(Home(machine.home).socket) as name:
        line.settimeout(PATIENCE)
        try:
            line.connect(name)
            line.sendall(json.dumps(hello("cli", "test")).encode() + b"\n")
            return bool(line.recv(1))
        except OSError:
            return False


def _stat(pid: int) -> list[str]:
    """What /proc/PID/stat has after the name (proc(5)), which may have spaces; nothing where none is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def living_in(folder: Path) -> list[int]:
    """The processes whose environment names this folder. Linux only, as the sweep after a test is."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if _names(path, folder)]


def _names(environment: Path, folder: Path) -> bool:
    try:
        return f"={folder}".encode() in environment.read_bytes()
    except OSError:  # it ended meanwhile, or is another user's
        return False


def lines_of(path: Path) -> list[str]:
    """The lines of a file that a command wrote; none while there is no file."""
    return path.read_text().splitlines() if path.exists() else []


def flip(path: Path, place: int) -> None:
    """Flip one bit of the byte at this place; from the end where it is negative."""
    changed = bytearray(path.read_bytes())
    changed[place] ^= 0x10
    path.write_bytes(changed)
