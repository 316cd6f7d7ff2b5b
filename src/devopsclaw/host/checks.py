"""The checks of one home and its machine that need no core and no network. They look and change nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from devopsclaw.core.config import Loaded, load
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown
from devopsclaw.core.rights import exposures
from devopsclaw.model.checkup import Checked, warned, well, wrong
from devopsclaw.model.errors import BadConfig

ROOM, ROOM_SHARE = 512 * 1024 * 1024, 0.02
"""Bytes, and share of the disk, below which changes are soon refused."""
LOW_SHARE = 0.1

CONTROLLER = "controller"
EXPORTED = "exported.json"
"""In `keys/`: when the keys were saved last, and the key that was: `{"time": …, "fingerprint": …}`."""

UNITS = ("B", "KB", "MB", "GB")


def config(home: Home, environment: Mapping[str, str]) -> Iterator[Checked]:
    """The configuration as the next start would find it."""
    try:
        loaded = load(home, environment)
    except BadConfig as bad:
        yield wrong("config", bad.message, bad.hint)
        return
    for each in loaded.warnings:
        yield warned("config", each.text, each.hint)
    if not loaded.warnings:
        file = shown(home.config)
        yield well("config", file if loaded.exists else f"{file} is not there: defaults hold")


def permissions(loaded: Loaded) -> Iterator[Checked]:
    """Who may read and change the files of this home."""
    found = list(exposures(loaded))
    for each in found:
        yield (wrong if each.is_grave else warned)("permissions", each.text, each.fix)
    if not found:
        yield well("permissions", "keys, databases and folders are yours alone")


def keys_saved(home: Home, *, has_relay: bool) -> Checked:
    """Whether the keys that command the fleet exist anywhere else."""
    if not (home.keys / f"{CONTROLLER}.pem").exists() or not has_relay:
        return well("keys saved", "no other machine obeys these keys yet")
    own = Keys(home.keys).load_or_create(CONTROLLER).public_hex
    save = "devopsclaw keys export FILE, and keep the file elsewhere"
    try:
        marker = json.loads((home.keys / EXPORTED).read_text(encoding="utf-8"))
        saved, when = str(marker["fingerprint"]), str(marker["time"])
    except FileNotFoundError:
        return warned("keys saved", "never: with this disk the command of the fleet would be lost", save)
    except (ValueError, KeyError, TypeError):
        return warned("keys saved", f"{shown(home.keys / EXPORTED)} cannot be read", save)
    if len(saved) < 16 or not own.startswith(saved):
        return warned("keys saved", f"another key was, at {when}", save)
    return well("keys saved", f"at {when}")


def disk(home: Home) -> Iterator[Checked]:
    """Room where the home lies, and what takes it."""
    room = shutil.disk_usage(home.root)
    share = room.free / room.total
    text = f"{size(room.free)} free of {size(room.total)} ({share:.0%}) at {shown(home.root)}"
    fix = f"df -h {shown(home.root)}; devopsclaw keeps output for 30 days, other files may go first"
    if room.free < ROOM or share < ROOM_SHARE:
        yield wrong("disk", f"{text}: changes are refused when it is full", fix)
    elif share < LOW_SHARE:
        yield warned("disk", text, fix)
    else:
        yield well("disk", text)
    folders = {"databases": home.state, "audit": home.audit, "output": home.output, "log": home.log}
    yield well("sizes", ", ".join(f"{name} {size(_bytes(folder))}" for name, folder in folders.items()))


def sandbox(path: str | None = None) -> Checked:
    """Whether a model's commands can be walled in on this machine."""
    found = shutil.which("bwrap", path=path)
    if found:
        return well("sandbox", f"bubblewrap is {found}")
    return warned(
        "sandbox",
        "bubblewrap is missing: demo nodes and a model's commands run without walls, so each is asked for",
        "sudo apt-get install bubblewrap",
    )


def size(number: float) -> str:
    """Bytes as people read them, in steps of 1000."""
    for unit in UNITS[:-1]:
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.1f} {UNITS[-1]}"


def _bytes(folder: Path) -> int:
    """All files below, as they are now: some go while they are counted."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except FileNotFoundError:
            continue
    return total
