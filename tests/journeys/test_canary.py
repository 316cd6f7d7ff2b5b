"""Canaries: secrets are planted wherever secrets may lie, much is done, and then they are looked for all over
the rest: in what was printed and drawn, in every file of every home, and in the arguments of every process.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.journeys.processes import PATIENCE, House, Machine, wait_for
from tests.journeys.terminal import Terminal

pytestmark = pytest.mark.journey

FLEET = "canary/fleet+token=0123456789"
MODEL = "canary-model-key-abcdefghijklm"
CHAT = "canary:chat token with blanks"
CLOUD = "canary-cloud-key-nopqrstuvwxyz"
CANARIES = (FLEET, MODEL, CHAT, CLOUD)

CRASH = """
import base64, os, sys
import devopsclaw.__main__ as program
from devopsclaw.console import _settings
from devopsclaw.core.paths import home

def crash(arguments):
    secret = next(iter(sorted(_settings(home()).secrets)))
    coded = base64.b64encode(secret.encode())
    raise RuntimeError(f"{secret} {secret!r} {coded} {os.environ['CLOUD_API_KEY']}")

program._command = crash
sys.exit(program.run(sys.argv[1:]))
"""
"""The product with a command that fails as none should, and says what it knows."""


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may stand somewhere."""
    yield secret.encode()
    yield base64.b64encode(secret.encode())
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()


def sung(raw: bytes) -> list[str]:
    """The canaries in it."""
    return [secret for secret in CANARIES if any(form in raw for form in forms(secret))]


def arguments() -> list[str]:
    """The canaries in the arguments of any process that is not this test's own."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [f"{path}: {each}" for each in sung(path.read_bytes())]
        except OSError:  # it ended meanwhile
            continue
    return found


class Nest:
    """A fleet whose every secret is a canary; keeps all that it said."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.desk = house.machine("desk", CLOUD_API_KEY=CLOUD)
        self.planted = [self._config(), self._token_file()]
        self.heard: list[str] = []

    def _config(self) -> Path:
        path = self.desk.home / "config.json"
        path.parent.mkdir(mode=0o700)
        path.touch(0o600)
        model = {"model_name": "m", "model": "openai/x", "api_key": MODEL}
        settings = {"relay": {"auth_token": FLEET}, "channels": {"telegram": {"token": CHAT}}}
        path.write_text(json.dumps({**settings, "model_list": [model]}))
        return path

    def _token_file(self) -> Path:
        path = self.house.root / "fleet-token"
        path.touch(0o600)
        path.write_text(FLEET + "\n")
        return path

    def open(self) -> None:
        """A relay with a token file, a daemon with a variable, a desk with a configuration."""
        host = self.house.machine("host")
        relay = host.start("relay", "start", "--addr", "127.0.0.1:0", "--token-file", str(self.planted[1]))
        notice = host.home / "run" / "relay.json"
        wait_for(f"the relay listens: {relay.said}", notice.exists)
        said = json.loads(notice.read_text())
        node = self.house.machine("web-1", DEVOPSCLAW_NODE_TOKEN=FLEET, CLOUD_API_KEY=CLOUD)
        daemon = node.start("agent-daemon", "--relay", said["url"], "--node-id", "web-1")
        daemon.wait_said("web-1: connected to")
        assert self("relay", "connect", said["url"], "--claim", said["claim"], "--yes") == 0
        daemon.wait_said("connected to", times=2)

    def __call__(self, *words: str, **more: str) -> int:
        done = self.desk(*words, **more)
        self.heard += [done.out, done.err]
        return done.code

    def crash(self) -> None:
        """A defect in a process that knows every secret."""
        done = subprocess.run(
            [sys.executable, "-c", CRASH, "boom"],
            env=self.desk.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert "should not have happened: RuntimeError" in done.stderr, done.stderr
        self.heard += [done.stdout, done.stderr]

    def files(self) -> list[str]:
        """The canaries in any file but those they were put into."""
        paths = [path for path in self.house.root.rglob("*") if path.is_file() and path not in self.planted]
        return [f"{path}: {each}" for path in paths for each in sung(path.read_bytes())]


@pytest.fixture
def nest(house: House) -> Nest:
    """A fleet that was not opened yet."""
    return Nest(house)


def test_no_planted_secret_is_anywhere_else_after_a_busy_day(
    nest: Nest, terminal: Callable[..., Terminal]
) -> None:
    nest.open()

    assert nest("run", "env; cat /proc/$PPID/cmdline", "-t", "web-1", "--yes") == 0
    for words in (
        ("run", "exit 3", "-t", "web-1", "--yes"),
        ("run", "true", "-t", "nowhere"),
        ("status",),
        ("doctor",),
        ("config", "show", "--origin"),
        ("config", "get", "relay.auth_token"),
        ("config", "set", "relay.max_connections", "many"),
        ("audit", "list", "--json"),
        ("jobs", "list"),
        ("-d", "node", "show", "nobody"),
    ):
        nest(*words)
    nest.crash()
    pictures = walk(terminal(nest.desk))
    running = arguments()

    assert sung("\n".join(nest.heard).encode()) == []
    assert sung("\n".join(pictures).encode()) == []
    assert running == []
    assert nest.files() == []
    (crashed,) = nest.desk.home.glob("log/crash.jsonl")
    assert "***" in crashed.read_text(), "the crash was kept, without them"


def walk(screen: Terminal) -> list[str]:
    """Every pane once."""
    pictures = [screen.wait("web-1")]
    for key, text in (("5", "fleet.exec"), ("2", "web-1")):
        screen.press(key)
        pictures.append(screen.wait(text))
    screen.press("q")
    screen.wait("left with 0")
    return pictures


def test_a_known_secret_that_is_typed_is_not_kept_in_the_audit_trail(claw: Machine) -> None:
    done = claw("run", f"printf %s {MODEL} --password {CLOUD} | wc -c", "--yes", MY_API_KEY=MODEL)
    assert done.code == 0, done.err

    trail = claw("audit", "list", "--json").out

    assert "printf %s *** --password *** | wc -c" in trail
    assert [
        path.name for path in claw.home.glob("audit/*") if path.is_file() and sung(path.read_bytes())
    ] == []
    assert [path.name for path in claw.home.glob("log/*") if sung(path.read_bytes())] == []
