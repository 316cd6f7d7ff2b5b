"""Saving the keys that command the fleet, and bringing them to another machine. How they are sealed:
core/key_bundle.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr

from devopsclaw.core.clock import stamp
from devopsclaw.core.config import Loaded
from devopsclaw.core.context import Ctx
from devopsclaw.core.key_bundle import LARGEST, Bundle, Contents, parse, public_of, seal
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown, write_private
from devopsclaw.core.rbac import Role
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.model.errors import BadParams, Damaged, Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.relay.pins import Pins
from devopsclaw.wire.uid import uid_of

EXPORTED = "exported.json"
"""In `keys/`: when the keys were saved last, and which: `{"time": …, "fingerprint": …}`. For the checkup."""
PASSPHRASE = "DEVOPSCLAW_KEYS_PASSPHRASE"


def _passphrase(*, twice: bool) -> SecretStr:
    """The field: asked for at the terminal, never a word of the command line."""
    asked: dict[str, Any] = {"cli": "secret", "environment": PASSPHRASE, "twice": twice}
    secret: SecretStr = Field(
        default=SecretStr(""), description="What seals the file.", json_schema_extra=asked
    )
    return secret


class Export(Params):
    """Where to."""

    file: str = argument("The file to write, 0600; - prints it.", path=True, metavar="FILE|-")
    passphrase: SecretStr = _passphrase(twice=True)


class Import(Params):
    """Where from."""

    file: str = argument("The file that keys export wrote.", path=True, metavar="FILE")
    passphrase: SecretStr = _passphrase(twice=False)
    force: bool = option("Replace another key that is in use here; the old one is kept aside.", False)


class ExportedKeys(Result):
    """Keys that now exist elsewhere too."""

    schema_name = "devopsclaw.keys-export/1"

    file: str = Field(description="The file; - where it was printed.")
    fingerprint: str = Field(description="Fingerprint of the controller's key.")
    bundle: str = Field(description="The sealed file, where it was printed; else empty.")

    def text(self) -> str:
        """The file itself, or where it is."""
        if self.bundle:
            return self.bundle
        return f"the keys of controller {self.fingerprint} are in {self.file}; keep it on another machine"


class ImportedKeys(Result):
    """Keys that are in force here."""

    schema_name = "devopsclaw.keys-import/1"

    fingerprint: str = Field(description="Fingerprint of the controller's key.")
    kept: str = Field(description="Where the key that was here is kept; empty where none was replaced.")
    relays: int = Field(description="How many relays are pinned now.")
    relay_url: str = Field(description="The relay that these keys commanded; empty where it was not set.")

    def text(self) -> str:
        """What to do next."""
        lines = [f"this home is controller {self.fingerprint} now, for every core that starts from here on"]
        if self.kept:
            lines.append(f"the key that was here is kept as {self.kept}")
        lines.append("end a console or gateway that still runs on this home: it has the old key in memory")
        if self.relay_url:
            lines.append(f"next: devopsclaw relay connect {self.relay_url}")
        return "\n".join(lines)


async def plan_export(ctx: Ctx, params: Export) -> Plan:
    """Which keys go where. Raises BadParams for a file that exists: it may be the only copy of other keys."""
    if params.file != "-" and Path(params.file).exists():
        raise BadParams(f"{params.file} exists", hint="name a new file, or move the old one away")
    contents = _contents(ctx)
    what = f"the key of controller {_fingerprint(public_of(contents.controller))}"
    relays = f"{len(contents.relays)} pinned relay{'' if len(contents.relays) == 1 else 's'}"
    steps = (f"seal {what} and {relays} with a passphrase", *(_beside(contents)))
    return _plan("keys.export", params.file, steps)


@operation("keys.export", Effect.WRITE, role=Role.ADMIN, plan=plan_export, for_model=False)
async def export_keys(ctx: Ctx, params: Export) -> ExportedKeys:
    """Save the keys that command the fleet, sealed with a passphrase, for a day when this disk is lost.

    The passphrase is asked for, or taken from DEVOPSCLAW_KEYS_PASSPHRASE.

    devopsclaw keys export fleet-keys.json
    """
    contents, now = _contents(ctx), stamp(ctx.clock.wall())
    bundle = await asyncio.to_thread(seal, contents, params.passphrase.get_secret_value(), now)
    if params.file != "-":
        _write(Path(params.file), bundle.text)
    _mark(ctx.get(Loaded).home, bundle)
    return ExportedKeys(
        file=params.file,
        fingerprint=_fingerprint(bundle.opening.public_key),
        bundle=bundle.text if params.file == "-" else "",
    )


async def plan_import(ctx: Ctx, params: Import) -> Plan:
    """Which key comes, and which it replaces. Raises Denied where that one is in use and nobody said so."""
    opening = _read(params.file).opening
    here = _contents(ctx)
    steps = [f"obey nobody but controller {_fingerprint(opening.public_key)}, saved at {opening.time}"]
    if public_of(here.controller) != opening.public_key:
        old = _fingerprint(public_of(here.controller))
        if _is_used(ctx) and not params.force:
            raise Denied(
                f"this home is controller {old} already, and its key is in use",
                hint="import into a fresh home (DEVOPSCLAW_HOME), or --force: the old key is kept aside",
            )
        steps.append(f"keep the key of controller {old} aside")
    return _plan("keys.import", params.file, tuple(steps))


@operation("keys.import", Effect.WRITE, role=Role.ADMIN, plan=plan_import, for_model=False)
async def import_keys(ctx: Ctx, params: Import) -> ImportedKeys:
    """Bring saved keys to this home, so that it commands the fleet they were saved from.

    devopsclaw keys import fleet-keys.json
    """
    bundle, home = _read(params.file), ctx.get(Loaded).home
    contents = await asyncio.to_thread(bundle.open, params.passphrase.get_secret_value())
    suffix = f"replaced-{stamp(ctx.clock.wall()).replace(':', '').replace('-', '')}"
    kept = _place(home, "controller", contents.controller, suffix)
    if contents.relay and (params.force or not (home.keys / "relay.pem").exists()):
        _place(home, "relay", contents.relay, suffix)
    pins = Pins(home.keys / "relays.json")
    for place, key in contents.relays.items():
        if params.force or not pins.get(place):
            pins.put(place, key)
    _mark(home, bundle)
    return ImportedKeys(
        fingerprint=_fingerprint(bundle.opening.public_key),
        kept=shown(kept) if kept else "",
        relays=len(pins.all()),
        relay_url="" if ctx.get(Loaded).config.relay.url else contents.relay_url,
    )


def _contents(ctx: Ctx) -> Contents:
    """What this home has to save. Raises Damaged."""
    loaded = ctx.get(Loaded)
    keys = loaded.home.keys
    try:
        relay = keys / "relay.pem"
        return Contents(
            controller=(keys / "controller.pem").read_text(),
            relay=relay.read_text() if relay.exists() else "",
            relays=Pins(keys / "relays.json").all(),
            relay_url=loaded.config.relay.url,
        )
    except (OSError, UnicodeDecodeError) as unread:
        raise Damaged(f"the keys in {shown(keys)} cannot be read", hint="check their owner") from unread


def _beside(contents: Contents) -> tuple[str, ...]:
    return ("the key of the relay that runs here too",) if contents.relay else ()


def _is_used(ctx: Ctx) -> bool:
    """Whether any other machine may obey the key that is here."""
    home = ctx.get(Loaded).home
    joined = any(node.uid and not node.local for node in ctx.get(Nodes).inventory().nodes)
    return joined or bool(Pins(home.keys / "relays.json").all()) or (home.state / "relay.db").exists()


def _place(home: Home, name: str, pem: str, suffix: str) -> Path | None:
    """Put a key in place; where the other one is kept that was there. Raises Damaged."""
    path = home.keys / f"{name}.pem"
    kept = path.with_name(f"{path.name}.{suffix}")
    try:
        before = path.read_text() if path.exists() else ""
        if before and public_of(before) == public_of(pem):
            return None
        if before:
            write_private(kept, before)
        write_private(path, pem)
    except OSError as failed:
        raise _unwritten(path, failed) from failed
    return kept if before else None


def _mark(home: Home, bundle: Bundle) -> None:
    """Note that these keys exist elsewhere. Raises Damaged."""
    fields = {"time": bundle.opening.time, "fingerprint": bundle.opening.public_key}
    _write(home.keys / EXPORTED, json.dumps(fields) + "\n")


def _read(file: str) -> Bundle:
    """Raises BadParams."""
    try:
        with Path(file).open(encoding="utf-8") as opened:
            return parse(opened.read(LARGEST))
    except (OSError, UnicodeDecodeError) as unread:
        why = unread.strerror if isinstance(unread, OSError) else "it is no text"
        raise BadParams(f"{file} cannot be read: {why}", hint="check its path and owner") from unread


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text)
    except OSError as failed:
        raise _unwritten(path, failed) from failed


def _unwritten(path: Path, failed: OSError) -> Damaged:
    return Damaged(
        f"{path} cannot be written: {failed.strerror}", hint="check its folder, and the space there"
    )


def _fingerprint(public_key: str) -> str:
    return uid_of(bytes.fromhex(public_key)).replace("n_", "c_", 1)


def _plan(operation: str, file: str, steps: tuple[str, ...]) -> Plan:
    return Plan(operation=operation, effect=Effect.WRITE, target=file, steps=steps, trust=True)
