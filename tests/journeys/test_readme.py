"""The README's fleet in five minutes, typed literally: its lines are taken from the file, none is changed.

It happens on a network of its own, where the port is free and the README's host is this one; a relay, two
servers and a desk have a home each.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.journeys.processes import TOKEN, Completed, House, Machine

README = Path(__file__).resolve().parents[2] / "README.md"
HOST = "ops-7"
"""The name of the machine that all of it runs on, as the relay prints it."""
HOSTS = f"127.0.0.1 localhost YOUR_RELAY_HOST {HOST}\n"

WALLS = (
    f"--dev-bind / / --proc /proc --unshare-net --unshare-uts --hostname {HOST} "
    "--unshare-pid --as-pid-1 --die-with-parent"
)
"""All that was started ends with the script."""

SCRIPT = """
typed() {
    cd "$houses/$1" && export HOME="$PWD" DEVOPSCLAW_HOME="$PWD/.devopsclaw" PATH="$PWD/bin:$PATH"
    exec sh -ex ./typed >printed 2>said
}
hears() {
    looks=0
    until grep -q "$2" "$houses/$1/said" 2>/dev/null; do
        sleep 0.05
        looks=$((looks + 1))
        [ $looks -lt 400 ] || { echo "$1 never said: $2"; cat "$houses/$1/said"; exit 1; }
    done
}
pasted() { sed -n "s/^  devopsclaw $1/devopsclaw $1/p" "$houses/relay/said"; }

(typed relay) & hears relay 'relay: listening'
(typed prod-web-1) & hears prod-web-1 'connected to'
pasted agent-daemon >"$houses/other/typed"
(export DEVOPSCLAW_NODE_TOKEN="$token"; typed other) & hears other 'connected to'
{ pasted 'relay connect' | sed 's/$/ --yes/'; cat "$houses/desk/typed"; } >"$houses/desk/all"
mv "$houses/desk/all" "$houses/desk/typed"
(typed desk)
"""
"""Only the claim is typed with more than was printed: on a terminal it asks, and here is none."""


def blocks() -> list[str]:
    """What the section tells people to type: on the relay's host, on a server, at the desk, with a token."""
    (section,) = re.findall(r"^## A fleet in five minutes\n(.*?)^## ", README.read_text(), re.M | re.S)
    return re.findall(r"^```bash\n(.*?)^```$", section, re.M | re.S)


@pytest.fixture
def walked(house: House, tmp_path: Path) -> tuple[Completed, dict[str, Machine]]:
    """All lines typed, and the machines they were typed on."""
    relay, server, desk, _ = blocks()
    lines = {"relay": relay, "prod-web-1": server, "desk": desk, "other": ""}
    machines = {name: house.machine(name) for name in lines}
    for name, text in lines.items():
        (machines[name].user / "typed").write_text(text)
    for name in ("prod-web-1", "other"):
        program = machines[name].user / "bin" / "systemctl"
        program.write_text('#!/bin/sh\necho "systemctl $*" >>"$HOME/calls"\n')
        program.chmod(0o755)
    (tmp_path / "hosts").write_text(HOSTS)
    own = f"houses={shlex.quote(str(house.root))}; token={TOKEN}\n"
    (tmp_path / "script").write_text(own + SCRIPT)
    walls = f"{WALLS} --ro-bind {tmp_path}/hosts /etc/hosts"
    return machines["desk"].shell(f"bwrap {walls} -- /bin/sh {tmp_path}/script"), machines


def test_the_lines_of_the_readme_make_a_fleet(walked: tuple[Completed, dict[str, Machine]]) -> None:
    done, machines = walked
    desk = machines["desk"].user
    told = done.out + done.err + (desk / "said").read_text()
    assert done.code == 0, told
    printed = (desk / "printed").read_text()

    online = {line.split()[0] for line in printed.splitlines() if " ● online " in line}
    assert online == {"prod-web-1", HOST}, printed  # the one named as typed, the other as its host
    assert "load average" in printed and "Use%" in printed
    assert (machines["prod-web-1"].user / "calls").read_text() == "systemctl restart nginx\n"
    assert not (machines["other"].user / "calls").exists()
    assert re.search(r"^whole: \d+ entries", printed, re.M), printed
    assert TOKEN not in told + (machines["relay"].user / "printed").read_text()
