"""The audit trail: list, show, export, verify. Nothing here writes it: the gate does."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Params, Result, argument, operation, option
from devopsclaw.core.past import past
from devopsclaw.core.rbac import Role
from devopsclaw.model.audit import AuditFilter, Entry, Finding
from devopsclaw.model.errors import BadParams
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe
from devopsclaw.model.value import Value

_ID = re.compile(r"(?:E-)?(\d{1,15})", re.IGNORECASE | re.ASCII)


class Filter(Params):
    """Which entries."""

    user: str = option("Only what this person asked for.", "")
    action: str = option("Only this operation, as fleet.exec.", "")
    node: str = option("Only what concerned the node of this name.", "")
    since: str = option("Not older than this: 24h, 90m, 7d, or a time as 2026-11-22T09:30:00Z.", "")
    until: str = option("Older than this, written in the same way.", "")

    def query(self, now: float, *, limit: int, before: int = 0) -> AuditFilter:
        """As the log takes it; `now` is wall time. Raises BadParams for a time that is none."""
        return AuditFilter(
            user=self.user,
            action=self.action,
            node=self.node,
            since=stamp(past(self.since, now)) if self.since else "",
            until=stamp(past(self.until, now)) if self.until else "",
            before=before,
            limit=limit,
        )


class ListEntries(Filter):
    """Which entries, and how many."""

    limit: Annotated[int, Field(ge=1, le=10_000)] = option("At most this many, the newest.", 50)
    before: str = option("Only entries before this one, as E-8840: where a longer list goes on.", "")


class OneEntry(Params):
    """Which entry."""

    id: str = argument("The entry, as E-8840.")


class Export(Filter):
    """Which entries, and in what form."""

    format: Literal["json", "jsonl", "csv"] = option("json, jsonl or csv.", "json")


class EntryList(Result):
    """Entries, newest first."""

    schema_name = "devopsclaw.audit/1"
    columns = (
        ("TIME", "time"),
        ("USER", "user"),
        ("ACTION", "action"),
        ("TARGET", "target"),
        ("STATUS", "status"),
        ("NODES", "nodes"),
        ("DURATION", "duration"),
        ("ID", "id"),
    )

    items: list[Entry] = Field(description="The entries.")
    next: str | None = Field(
        default=None, description="For --before, where the list goes on; null at its end."
    )


class ShownEntry(Entry, Result):
    """One entry, whole."""

    schema_name = "devopsclaw.audit-entry/1"

    hash: str = Field(description="Its SHA-256 in the chain, hex.")

    def text(self) -> str:
        """One line for each thing that is known."""
        rows = [
            (name, _shown(value)) for name, value in self.model_dump(mode="json").items() if name != "detail"
        ]
        rows += [(name, _shown(value)) for name, value in self.detail.items()]
        return "\n".join(f"{name:<12} {safe(value)}" for name, value in rows if value)


class Manifest(Value):
    """What an export holds, and what vouches for it."""

    count: int = Field(description="How many entries.")
    first: str = Field(description="The oldest of them, as E-8840; empty for none.")
    last: str = Field(description="The newest of them.")
    head: str = Field(description="Hash of the log's newest entry, hex: the whole chain is in it.")
    verified: bool = Field(description="Whether the whole log was verified for this export and is whole.")


class Exported(Result):
    """Entries for elsewhere, oldest first."""

    schema_name = "devopsclaw.audit-export/1"

    format: str = Field(description="The form in which `text` gives it.", exclude=True)
    items: list[Entry] = Field(description="The entries.")
    manifest: Manifest = Field(description="What this holds.")

    def text(self) -> str:
        """The document in the form that was asked for; jsonl and csv hold the entries alone."""
        if self.format == "json":
            return json.dumps(self.as_json(), indent=2)
        if self.format == "jsonl":
            return "\n".join(json.dumps(item.model_dump(mode="json")) for item in self.items)
        return _table(self.items)


class Verified(Result):
    """Whether the log is as it was written."""

    schema_name = "devopsclaw.audit-verify/1"

    status: Literal["whole", "broken", "unreadable"] = Field(description="whole, broken or unreadable.")
    entries: int = Field(description="How many entries were found whole, from the first one on.")
    head: str = Field(description="Hash of the last of them, hex.")
    checkpoints: int = Field(description="How many signed checkpoints were compared.")
    first_bad: Finding | None = Field(description="The first thing that is wrong; null where all is whole.")
    findings: list[Finding] = Field(description="All that is wrong, the entries first.")
    notes: list[str] = Field(description="What is worth knowing, and not wrong.")
    problem: str = Field(description="Why the log could not be read; empty where it could.")

    def text(self) -> str:
        """The verdict in the first line, what is wrong below."""
        lines = [
            f"whole: {self.entries:,} entries, {self.checkpoints} signed checkpoints, head {self.head[:12]}"
        ]
        if self.status == "unreadable":
            lines = [f"could not read the audit log: {self.problem}"]
        elif self.status == "broken":
            lines = [f"BROKEN: {_said(finding)}" for finding in self.findings[:1]]
            lines += [_said(finding) for finding in self.findings[1:]]
            lines.append("the log is evidence now: copy the folder audit/ before anything else")
        return "\n".join(safe(line) for line in [*lines, *(f"note: {note}" for note in self.notes)])

    @property
    def exit(self) -> int:
        """0 whole, 1 broken, 2 could not be read (design §10)."""
        return ("whole", "broken", "unreadable").index(self.status)

    @property
    def verdict(self) -> str:
        """See `Result.verdict`."""
        return "ok" if self.status == "whole" else "failed"


@operation("audit.list", Effect.READ, role=Role.VIEWER)
async def list_entries(ctx: Ctx, params: ListEntries) -> EntryList:
    """List what was done, newest first.

    devopsclaw audit list --user maria --since 24h
    """
    before = _number(params.before) if params.before else 0
    wanted = params.query(ctx.clock.wall(), limit=params.limit + 1, before=before)
    found = await ctx.get(AuditLog).list(wanted)
    items = found[: params.limit]
    return EntryList(items=items, next=items[-1].id if len(found) > len(items) else None)


@operation("audit.show", Effect.READ, role=Role.VIEWER)
async def show_entry(ctx: Ctx, params: OneEntry) -> ShownEntry:
    """Show one entry whole, with its hash.

    devopsclaw audit show E-8840
    """
    entry, digest = await ctx.get(AuditLog).find(_number(params.id))
    return ShownEntry(**dict(entry), hash=digest)


@operation("audit.export", Effect.READ, role=Role.VIEWER)
async def export_entries(ctx: Ctx, params: Export) -> Exported:
    """Export entries for elsewhere, oldest first, after the log was verified.

    devopsclaw audit export --since 720h > audit-30d.json
    devopsclaw audit export --format csv > audit.csv
    """
    log = ctx.get(AuditLog)
    verification = await log.verify()
    items = (await log.list(params.query(ctx.clock.wall(), limit=0)))[::-1]
    manifest = Manifest(
        count=len(items),
        first=items[0].id if items else "",
        last=items[-1].id if items else "",
        head=verification.head,
        verified=verification.exit == 0,
    )
    return Exported(format=params.format, items=items, manifest=manifest)


@operation("audit.verify", Effect.READ, role=Role.VIEWER)
async def verify_entries(ctx: Ctx, params: NoParams) -> Verified:
    """Verify that no entry was changed, and no byte of the log's files.

    Exit code 0: whole, 1: broken, 2: could not be read.

    devopsclaw audit verify
    """
    found = await ctx.get(AuditLog).verify()
    status: Literal["whole", "broken", "unreadable"] = (
        "broken" if found.findings else "unreadable" if found.unread else "whole"
    )
    return Verified(
        status=status,
        entries=found.entries,
        head=found.head,
        checkpoints=found.checkpoints,
        first_bad=found.findings[0] if found.findings else None,
        findings=list(found.findings),
        notes=list(found.notes),
        problem=found.unread,
    )


def _number(text: str) -> int:
    """The number in `E-8840`. Raises BadParams."""
    found = _ID.fullmatch(text.strip())
    if not found:
        raise BadParams(f"{text!r} is no audit entry", hint="as E-8840; devopsclaw audit list shows them")
    return int(found[1])


def _said(finding: Finding) -> str:
    return (
        f"{finding.entry}: {finding.kind}: {finding.message}"
        if finding.entry
        else f"{finding.kind}: {finding.message}"
    )


def _shown(value: Any) -> str:
    """One value in one line; empty for nothing."""
    if isinstance(value, dict):
        return ", ".join(f"{count} {state}" for state, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None or value is False else str(value)


def _table(items: list[Entry]) -> str:
    """RFC 4180; counts as `41 ok, 2 failed`, what is nested as JSON."""
    text = io.StringIO()
    names = list(Entry.model_fields)
    writer = csv.writer(text)
    writer.writerow(names)
    for item in items:
        fields = item.model_dump(mode="json")
        fields["nodes"] = _shown(fields["nodes"])
        fields["detail"] = json.dumps(fields["detail"])
        writer.writerow([fields[name] for name in names])
    return text.getvalue()
