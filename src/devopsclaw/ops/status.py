"""The system in one look: what this is, where it lies, what it is joined to, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.config import Loaded
from devopsclaw.core.config_model import ModelEntry
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Result, operation
from devopsclaw.core.paths import Home
from devopsclaw.core.private_file import shown
from devopsclaw.core.rbac import Role
from devopsclaw.model.audit import AuditFilter
from devopsclaw.model.errors import ClawError, Damaged
from devopsclaw.model.ports import FleetPort, Reach
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe
from devopsclaw.model.value import Value
from devopsclaw.ops.version import Version, baked

UNITS = ("B", "KB", "MB", "GB")


class ConfigStatus(Value):
    """The configuration file."""

    file: str = Field(description="Where it is.")
    exists: bool = Field(description="Whether it is there; without it the defaults hold.")
    warnings: list[str] = Field(description="What a person should know about the configuration.")


class ModelStatus(Value):
    """One entry of model_list."""

    name: str = Field(description="Its model_name.")
    model: str = Field(description="Vendor and model.")
    usable: bool = Field(description="Whether it has a key, or runs on this machine and needs none.")


class AuditStatus(Value):
    """The audit log."""

    head: str = Field(default="", description="The newest entry, as E-8840; empty where there is none.")
    time: str = Field(default="", description="When it was written, RFC 3339.")
    problem: str = Field(default="", description="Why it cannot be read or written.")


class DatabaseStatus(Value):
    """One database file."""

    file: str = Field(description="Where it is.")
    size: int = Field(description="Bytes, with what is not yet folded in.")


class Status(Result):
    """The whole system."""

    schema_name = "devopsclaw.status/1"

    version: Version = Field(description="What this is.")
    home: str = Field(description="Folder of this installation.")
    config: ConfigStatus = Field(description="The configuration file, and what is wrong with it.")
    relay: str = Field(description="Address of the relay; empty where none is set.")
    fleet: dict[str, int | str] = Field(description="The connection to the relay, and nodes by state.")
    models: list[ModelStatus] = Field(description="Language models that are listed.")
    audit: AuditStatus = Field(description="The newest entry of the audit log, or why it cannot be read.")
    databases: list[DatabaseStatus] = Field(description="The databases, by name.")

    def text(self) -> str:
        """Two columns, and the warnings below."""
        rows = [
            ("version", self.version.text().removeprefix("devopsclaw ")),
            ("home", self.home),
            (
                "config",
                self.config.file if self.config.exists else f"{self.config.file} (not there: defaults)",
            ),
            *(() if "relay" in self.fleet else (("relay", self.relay or "none set"),)),
            *((name, str(value)) for name, value in self.fleet.items()),
            ("models", self._models()),
            ("audit", self._audit()),
            *(("database", f"{each.file}  {_size(each.size)}") for each in self.databases),
        ]
        lines = [f"{name:<12}{safe(value)}" for name, value in rows]
        return "\n".join([*lines, *(f"warning: {each}" for each in self.config.warnings)])

    def _models(self) -> str:
        usable = [each.name for each in self.models if each.usable]
        names = f": {', '.join(dict.fromkeys(usable))}" if usable else ""
        return f"{len(self.models)} listed, {len(usable)} usable{names}"

    def _audit(self) -> str:
        return self.audit.problem or (
            f"{self.audit.head} at {self.audit.time}" if self.audit.head else "no entry yet"
        )


@operation("status.show", Effect.READ, role=Role.VIEWER)
async def show(ctx: Ctx, params: NoParams) -> Status:
    """Show the system in one look.

    devopsclaw status
    """
    loaded = ctx.get(Loaded)
    return Status(
        version=baked(),
        home=shown(loaded.home.root),
        config=_config(loaded),
        relay=loaded.config.relay.url,
        fleet=await _fleet(ctx.get(Reach), ctx.get(FleetPort)),
        models=[_model(entry) for entry in loaded.config.model_list],
        audit=await _audit(ctx.get(AuditLog)),
        databases=_databases(loaded.home),
    )


async def _fleet(reach: Reach, port: FleetPort) -> dict[str, int | str]:
    """A relay that cannot be used at all is part of the status, not the end of it."""
    try:
        await reach.ready()
    except ClawError as unusable:
        return {**port.view.summary(), "why": unusable.message}
    return port.view.summary()


def _config(loaded: Loaded) -> ConfigStatus:
    warnings = [f"{each.text} ({each.hint})" if each.hint else each.text for each in loaded.warnings]
    return ConfigStatus(file=shown(loaded.home.config), exists=loaded.exists, warnings=warnings)


def _model(entry: ModelEntry) -> ModelStatus:
    return ModelStatus(name=entry.model_name, model=entry.model, usable=entry.is_usable)


async def _audit(log: AuditLog) -> AuditStatus:
    """A log that is broken is part of the status, not the end of it."""
    try:
        newest = await log.list(AuditFilter(limit=1))
    except Damaged as broken:
        return AuditStatus(problem=broken.message)
    if not newest:
        return AuditStatus()
    problem = log.trouble.message if log.trouble else ""
    if log.found:
        problem = f"{log.found[0].message}; devopsclaw audit verify says more"
    return AuditStatus(head=newest[0].id, time=newest[0].time, problem=problem)


def _databases(home: Home) -> list[DatabaseStatus]:
    files = sorted([*home.state.glob("*.db"), *home.audit.glob("*.db")])
    return [DatabaseStatus(file=shown(file), size=_bytes(file)) for file in files]


def _bytes(database: Path) -> int:
    """SQLite keeps the newest writes beside the file until they are folded in."""
    parts = (database, database.with_name(f"{database.name}-wal"))
    return sum(_length(part) for part in parts)


def _length(file: Path) -> int:
    """0 where there is none: SQLite removes its side file at any moment."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _size(size: float) -> str:
    """Bytes as people read them, in steps of 1000."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"
